/* restore_journal: what a restore has left out is no message lost. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "audit/finding.h"
#include "journal/left_out.h"
#include "spool/spool.h"
#include "tools/restore_tool.h"

#define WHY_SIZE 160
#define PARTS    (PART_BIT(PART_JOURNAL) | PART_BIT(PART_QUEUE) | PART_BIT(PART_QUARANTINE))

struct telling {
    const struct restore *r;
    size_t at; /* of the manifest's pieces */
};

/* Messages that are in several pieces, or folders, come several times. */
static bool next_message(void *data, struct str *id)
{
    struct telling *t = data;
    const struct manifest *m = t->r->m;
    while (t->at < m->n) {
        struct str path = m->pieces[t->at++].path;
        enum backup_part part = backup_part_of(path);
        if ((part != PART_QUEUE && part != PART_QUARANTINE) || path.n < SPOOL_ID_LEN)
            continue;
        *id = str_from(path, path.n - SPOOL_ID_LEN);
        if (spool_id_valid(*id))
            return true;
    }
    return false;
}

static int state_path(const struct restore *r, const char *folder, struct str name,
                      char out[PATH_MAX], struct err *err)
{
    int n = snprintf(out, PATH_MAX, "%s%s/%s%.*s", r->root, r->state_dir, folder, STR_ARG(name));
    return n > 0 && n < PATH_MAX ? 0 : err_set(err, "%s: path too long", r->state_dir);
}

static int is_there(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return 1;
    return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, "cannot look at %s", path);
}

static int is_here(void *data, struct str id, struct err *err)
{
    static const char *const folders[] = {"queue/", "quarantine/", "corrupt/"};
    const struct telling *t = data;
    int there = 0;
    for (size_t i = 0; there == 0 && i < sizeof folders / sizeof folders[0]; i++) {
        char path[PATH_MAX];
        if (state_path(t->r, folders[i], id, path, err) < 0)
            return -1;
        there = is_there(path, err);
    }
    return there;
}

int restore_tell_journal(const struct restore *r, const char *name, int64_t begun_us,
                         uint64_t *closed, struct err *err)
{
    struct telling telling = {.r = r};
    char path[PATH_MAX], why[WHY_SIZE];
    *closed = 0;
    if (!(r->parts & PARTS))
        return 0;
    if (state_path(r, "journal/journal.sqlite", STR_EMPTY, path, err) < 0)
        return -1;
    int there = is_there(path, err);
    if (there <= 0)
        return there;
    snprintf(why, sizeof why,
             "poterne restore: %s came back without its file; what became of it is not known",
             name);
    const struct left_out wish = {.next = next_message,
                                  .is_here = is_here,
                                  .data = &telling,
                                  .journal = r->parts & PART_BIT(PART_JOURNAL),
                                  .since_us = begun_us,
                                  .now_us = (int64_t)time(NULL) * 1000000,
                                  .why = str_of(why),
                                  .lost = str_of(finding_name(FINDING_LOST)),
                                  .held_gone = str_of(finding_name(FINDING_HELD_GONE))};
    if (state_path(r, "journal", STR_EMPTY, path, err) == 0 &&
        journal_left_out(path, &wish, closed, err) == 0)
        return 0;
    return err_prefix(err, "all is brought back, but the journal can't be told what is not, and "
                           "`poterne audit` will call it lost");
}
