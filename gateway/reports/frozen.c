#include "gateway/reports/frozen.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "gateway/gate/senders.h"

#define TIME_SIZE sizeof "2026-11-21 22:04"

struct latest {
    struct frozen list[FROZEN_LINES_MAX];
    size_t n, all;
};

/* Into its place; the oldest falls off. */
static void take(void *data, const struct frozen *frozen)
{
    struct latest *latest = data;
    size_t at = latest->n;
    latest->all++;
    while (at > 0 && latest->list[at - 1].since < frozen->since)
        at--;
    if (at == FROZEN_LINES_MAX)
        return;
    size_t last = latest->n < FROZEN_LINES_MAX ? latest->n++ : FROZEN_LINES_MAX - 1;
    memmove(&latest->list[at + 1], &latest->list[at], (last - at) * sizeof latest->list[0]);
    latest->list[at] = *frozen;
}

static struct str line_of(const struct frozen *frozen, struct pool *pool)
{
    char since[TIME_SIZE] = "?";
    time_t time = (time_t)frozen->since;
    struct tm tm;
    if (localtime_r(&time, &tm))
        strftime(since, sizeof since, "%Y-%m-%d %H:%M", &tm);
    return pool_strf(pool, "%s since %s: %s", frozen->account[0] ? frozen->account : "?", since,
                     frozen->why);
}

static size_t put(const struct latest *latest, struct pool *pool,
                  struct str lines[FROZEN_LINES_MAX])
{
    size_t told = latest->all > FROZEN_LINES_MAX ? FROZEN_LINES_MAX - 1 : latest->n;
    size_t n = 0;
    for (size_t i = 0; i < told; i++) {
        lines[n] = line_of(&latest->list[i], pool);
        n += lines[n].s != NULL;
    }
    if (latest->all > told) {
        lines[n] = pool_strf(pool, "and %zu more: poterne senders", latest->all - told);
        n += lines[n].s != NULL;
    }
    return n;
}

size_t frozen_lines(const struct conf *conf, struct pool *pool, struct str lines[FROZEN_LINES_MAX])
{
    struct err err = {""};
    struct latest *latest = POOL_NEW(pool, struct latest);
    struct senders *senders = latest ? senders_existing(conf->state_dir, &err) : NULL;
    size_t n = 0;
    if (senders && senders_each(senders, take, latest, &err) == 0)
        n = put(latest, pool, lines);
    else if (latest == NULL || errno != ENOENT)
        log_warning("%s; the digest says nothing of frozen accounts", err.text);
    senders_close(&senders);
    return n;
}
