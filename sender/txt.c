#include "sender/txt.h"

#include "base/fsio.h"
#include "base/pool.h"

struct record {
    struct str name;
    struct str text;
    bool fails;
};

struct txt_file {
    struct pool *pool;
    struct record *records;
    size_t n;
    size_t cap;
};

static enum txt_answer answer_none(void *data, struct str name, struct buf *out)
{
    (void)data, (void)name, (void)out;
    return TXT_FAILED;
}

const struct txt_source txt_source_none = {answer_none, NULL};

static enum txt_answer answer_from_file(void *data, struct str name, struct buf *out)
{
    const struct txt_file *file = data;
    enum txt_answer answer = TXT_NONE;
    for (size_t i = 0; i < file->n; i++) {
        const struct record *record = &file->records[i];
        if (!str_ieq(record->name, name))
            continue;
        if (record->fails)
            return TXT_FAILED;
        if (answer != TXT_NONE)
            return TXT_SEVERAL;
        buf_add(out, record->text);
        answer = TXT_ONE;
    }
    return answer;
}

struct txt_source txt_file_source(struct txt_file *file)
{
    return (struct txt_source){answer_from_file, file};
}

/* Takes the word before a blank off the front. */
static struct str next_word(struct str *line)
{
    struct str word;
    *line = str_trim(*line);
    size_t end = 0;
    while (end < line->n && line->s[end] != ' ' && line->s[end] != '\t')
        end++;
    word = str_sub(*line, 0, end);
    *line = str_trim(str_from(*line, end));
    return word;
}

static int add_line(struct txt_file *file, struct str line, const char *path, size_t number,
                    struct err *err)
{
    struct record record = {.name = next_word(&line)};
    struct str kind = next_word(&line);
    if (record.name.n == 0 || record.name.s[0] == '#')
        return 0;
    record.fails = str_eq(kind, STR("TEMPFAIL"));
    if (!record.fails && !str_eq(kind, STR("TXT")))
        return err_set(err, "%s:%zu: expected NAME TXT text, or NAME TEMPFAIL", path, number);
    record.text = line;
    struct record *records =
        pool_grow(file->pool, file->records, file->n, &file->cap, sizeof *records);
    if (!records)
        return err_set(err, "%s: out of memory", path);
    file->records = records;
    file->records[file->n++] = record;
    return 0;
}

struct txt_file *txt_file_parse(struct str text, const char *path, struct err *err)
{
    struct pool *pool = pool_new(text.n * 32 + 64 * 1024);
    struct txt_file *file = pool ? POOL_NEW(pool, struct txt_file) : NULL;
    struct str rest = file ? pool_str(pool, text) : STR_EMPTY;
    if (!rest.s) {
        pool_free(&pool);
        err_set(err, "%s: out of memory", path);
        return NULL;
    }
    file->pool = pool;
    struct str line;
    for (size_t number = 1; str_next_line(&rest, &line); number++)
        if (add_line(file, line, path, number, err) < 0) {
            pool_free(&pool);
            return NULL;
        }
    return file;
}

struct txt_file *txt_file_read(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(TXT_FILE_MAX);
    struct txt_file *file = NULL;
    if (fsio_read_file(path, &text, err) == 0)
        file = txt_file_parse(buf_str(&text), path, err);
    buf_release(&text);
    return file;
}

void txt_file_free(struct txt_file **file)
{
    if (!*file)
        return;
    struct pool *pool = (*file)->pool;
    pool_free(&pool);
    *file = NULL;
}
