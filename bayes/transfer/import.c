#include "bayes/transfer/import.h"

#include <stdlib.h>
#include <unistd.h>

#include "bayes/transfer/import_table.h"
#include "bayes/transfer/portable.h"

#define POOL_MAX (1024u * 1024)

const char *import_format_text(enum import_format format)
{
    switch (format) {
    case IMPORT_POTERNE:
        return "poterne";
    case IMPORT_SPAMASSASSIN:
        return "SpamAssassin";
    case IMPORT_BOGOFILTER:
        return "bogofilter";
    }
    return "unknown";
}

/* Is it a line of a dump of bogofilter's: TOKEN SPAM HAM DATE? */
static bool bogofilter_line(struct str line)
{
    unsigned numbers = 0;
    uint64_t number;
    for (size_t blank; numbers < 3 && (blank = str_rchr(line, ' ')) != STR_NONE; numbers++) {
        if (!str_to_u64(str_from(line, blank + 1), UINT64_MAX, &number))
            return false;
        line = str_sub(line, 0, blank);
    }
    return numbers == 3 && line.n;
}

static int convert(struct import *import, int out, const char *out_path, struct err *err)
{
    struct str line;
    struct import_summary *summary = &import->summary;
    int result = -1;
    int got = lines_next(&import->lines, &line, err);
    if (got < 0)
        return -1;
    if (got && str_eq(line, STR(PORTABLE_FIRST))) {
        summary->format = IMPORT_POTERNE;
        return 0;
    }
    if (got && str_starts(line, STR("v\t"))) {
        summary->format = IMPORT_SPAMASSASSIN;
        result = import_spamassassin(import, line, err);
    } else if (got && bogofilter_line(line)) {
        summary->format = IMPORT_BOGOFILTER;
        result = import_bogofilter(import, line, err);
    } else {
        lines_err(&import->lines,
                  "this is neither an export of poterne's, nor what `sa-learn --backup` or "
                  "`bogoutil -d wordlist.db` writes",
                  err);
    }
    return result < 0 ? -1
                      : import_table_write(&import->table, out, out_path, summary->spam,
                                           summary->ham, err);
}

int import_convert(int in, const char *path, struct import_words *words, int out,
                   const char *out_path, struct import_summary *summary, struct err *err)
{
    off_t at = lseek(in, 0, SEEK_CUR);
    struct import *import = calloc(1, sizeof *import);
    struct pool *pool = pool_new(POOL_MAX);
    int result = -1;
    if (at < 0) {
        err_sys(err, "%s must be a file", path);
    } else if (import == NULL || pool == NULL) {
        err_set(err, "out of memory");
    } else {
        lines_init(&import->lines, in, path);
        import->words = words;
        import->pool = pool;
        result = convert(import, out, out_path, err);
        *summary = import->summary;
        import_table_free(&import->table);
        if (summary->format == IMPORT_POTERNE && result == 0 && lseek(in, at, SEEK_SET) < 0)
            result = err_sys(err, "cannot go back to the beginning of %s", path);
    }
    pool_free(&pool);
    free(import);
    return result;
}
