/* unwritten: what became of recipients, where the disk did not take it: kept in memory until it
 * does, so that nobody who has the message is owed it again whenever the file is read. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/delivery/delivery.h"

struct unwritten {
    struct unwritten *next;
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

void unwritten_keep(struct job *job, const uint32_t *indexes, size_t n,
                    const struct spool_mark *mark)
{
    struct unwritten **last = &job->unwritten;
    const struct str relay = str_sub(mark->relay, 0, SPOOL_DETAIL_MAX);
    const struct str detail = str_sub(mark->detail, 0, SPOOL_DETAIL_MAX);
    struct unwritten *u = malloc(sizeof *u + n * sizeof *indexes + relay.n + detail.n);
    if (u == NULL) {
        log_error("%s: out of memory for a mark: it may be delivered again", job->id);
        return;
    }
    char *at = (char *)(u->indexes + n);
    u->next = NULL;
    u->mark = *mark;
    u->mark.relay = put_text(&at, relay);
    u->mark.detail = put_text(&at, detail);
    u->n = n;
    memcpy(u->indexes, indexes, n * sizeof *indexes);
    while (*last)
        last = &(*last)->next;
    *last = u;
}

/* The texts for a file that outlives what is kept here. */
static struct spool_mark mark_for(const struct unwritten *u, struct pool *pool)
{
    struct spool_mark mark = u->mark;
    mark.relay = pool_str(pool, mark.relay);
    mark.detail = pool_str(pool, mark.detail);
    return mark;
}

int unwritten_write(struct job *job, struct spool_file *file, struct pool *pool, struct err *err)
{
    int result = 0;
    for (struct unwritten **at = &job->unwritten; *at;) {
        struct unwritten *u = *at;
        const struct spool_mark mark = mark_for(u, pool);
        if (spool_mark(file, u->indexes, u->n, &mark, err) == 0) {
            *at = u->next;
            free(u);
            continue;
        }
        result = -1;
        for (size_t i = 0; i < u->n; i++)
            spool_apply_mark(&file->envelope.recipients[u->indexes[i]], &mark);
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
