/* released: whoever gets a message out of quarantine is told that it was held, and why. */
#include <time.h>

#include "gateway/delivery/delivery.h"

#define REASON_MAX 300

/* A reason may quote names out of the message: only printable ASCII gets into a header. */
static void put_field(struct buf *out, int64_t time_us, struct str reason)
{
    char when[64] = "?";
    struct tm tm;
    time_t seconds = (time_t)(time_us / 1000000);
    if (gmtime_r(&seconds, &tm))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_addf(out, "X-Poterne-Released: %s;\r\n\tit was held: ", when);
    reason = str_sub(reason, 0, REASON_MAX);
    for (size_t i = 0; i < reason.n; i++)
        buf_addc(out, reason.s[i] >= 32 && reason.s[i] < 127 ? reason.s[i] : '?');
    buf_add(out, STR("\r\n"));
}

int released_mark(struct spool_file *file, struct pool *pool, struct err *err)
{
    struct envelope *e = &file->envelope;
    struct buf field = BUF_INIT(REASON_MAX + 200);
    int64_t time_us = spool_last_release(e);
    if (time_us == 0)
        return 0;
    put_field(&field, time_us, e->held);
    struct str text = buf_ok(&field) ? pool_str(pool, buf_str(&field)) : STR_EMPTY;
    buf_release(&field);
    if (text.n == 0)
        return err_set(err, "%.*s: out of memory", STR_ARG(e->id));
    return edits_insert_top(pool, &e->edits, text, err);
}
