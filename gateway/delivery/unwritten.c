/* unwritten: what became of recipients, and what their sender was told, where the disk did not take
 * it: kept in memory until it does, so that nobody who has the message is owed it again, and nobody
 * is told twice, whenever the file is read. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/delivery/delivery.h"

struct unwritten {
    struct unwritten *next;
    bool is_note;
    enum spool_note note;   /* … of mark.time_us; or */
    struct spool_mark mark; /* its texts stand behind the indexes */
    size_t n;
    uint32_t indexes[];
};

static struct str put_text(char **at, struct str text)
{
    struct str copy = str_n(*at, text.n);
    if (text.n)
        memcpy(*at, text.s, text.n);
    *at += text.n;
    return copy;
}

/* NULL: out of memory. */
static struct unwritten *keep(struct job *job, const uint32_t *indexes, size_t n,
                              const struct spool_mark *mark)
{
    struct unwritten **last = &job->unwritten;
    const struct str relay = str_sub(mark->relay, 0, SPOOL_DETAIL_MAX);
    const struct str detail = str_sub(mark->detail, 0, SPOOL_DETAIL_MAX);
    struct unwritten *u = malloc(sizeof *u + n * sizeof *indexes + relay.n + detail.n);
    if (u == NULL)
        return NULL;
    char *at = (char *)(u->indexes + n);
    *u = (struct unwritten){.mark = *mark};
    u->mark.relay = put_text(&at, relay);
    u->mark.detail = put_text(&at, detail);
    u->n = n;
    memcpy(u->indexes, indexes, n * sizeof *indexes);
    while (*last)
        last = &(*last)->next;
    *last = u;
    return u;
}

void unwritten_keep(struct job *job, const uint32_t *indexes, size_t n,
                    const struct spool_mark *mark)
{
    if (keep(job, indexes, n, mark) == NULL)
        log_error("%s: out of memory for a mark: it may be delivered again", job->id);
}

void unwritten_keep_note(struct job *job, const uint32_t *indexes, size_t n, enum spool_note note,
                         int64_t time_us)
{
    const struct spool_mark mark = {.time_us = time_us};
    struct unwritten *u = keep(job, indexes, n, &mark);
    if (u == NULL) {
        log_error("%s: out of memory for a note: its sender may be told again", job->id);
        return;
    }
    u->is_note = true;
    u->note = note;
}

bool unwritten_has_note(const struct job *job)
{
    const struct unwritten *u = job->unwritten;
    while (u && !u->is_note)
        u = u->next;
    return u != NULL;
}

/* The texts for a file that outlives what is kept here. */
static struct spool_mark mark_for(const struct unwritten *u, struct pool *pool)
{
    struct spool_mark mark = u->mark;
    mark.relay = pool_str(pool, mark.relay);
    mark.detail = pool_str(pool, mark.detail);
    return mark;
}

/* Into the file; or else into what is in memory of it, and -1. */
static int write_one(const struct unwritten *u, struct spool_file *file, struct pool *pool,
                     struct err *err)
{
    const struct spool_mark mark = mark_for(u, pool);
    int result = u->is_note ? spool_add_note(file, u->indexes, u->n, u->note, u->mark.time_us, err)
                            : spool_mark(file, u->indexes, u->n, &mark, err);
    for (size_t i = 0; result < 0 && i < u->n; i++) {
        struct spool_recipient *r = &file->envelope.recipients[u->indexes[i]];
        if (u->is_note)
            spool_apply_note(r, u->note);
        else
            spool_apply_mark(r, &mark);
    }
    return result;
}

int unwritten_write(struct job *job, struct spool_file *file, struct pool *pool, struct err *err)
{
    int result = 0;
    for (struct unwritten **at = &job->unwritten; *at;) {
        struct unwritten *u = *at;
        if (write_one(u, file, pool, err) == 0) {
            *at = u->next;
            free(u);
            continue;
        }
        result = -1;
        at = &u->next;
    }
    return result;
}

void unwritten_free(struct job *job)
{
    for (struct unwritten *u = job->unwritten, *next; u; u = next) {
        next = u->next;
        free(u);
    }
    job->unwritten = NULL;
}
