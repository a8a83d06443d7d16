#include "gateway/delivery/sts_refresh.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* One that is being fetched. */
struct place {
    bool busy;
    char name[DOMAIN_SIZE];
    struct sts_domain domain;
};

struct sts_refresh {
    struct work work; /* looking into the folder */
    const struct sts *sts;
    bool looking;
    int64_t look_at; /* monotonic seconds */
    size_t n, at;    /* found, and begun of them */
    char names[STS_REFRESH_MAX][DOMAIN_SIZE];
    struct place places[STS_REFRESH_AT_ONCE];
};

struct sts_refresh *sts_refresh_new(const struct sts *sts)
{
    struct sts_refresh *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->sts = sts;
    r->look_at = clock_seconds() + STS_REFRESH_FIRST;
    return r;
}

void sts_refresh_free(struct sts_refresh **refresh)
{
    struct sts_refresh *r = *refresh;
    *refresh = NULL;
    for (size_t i = 0; r && i < STS_REFRESH_AT_ONCE; i++)
        sts_domain_release(&r->places[i].domain);
    free(r);
}

/* --- looking --- */

static void run_look(struct work *work)
{
    struct sts_refresh *r = (struct sts_refresh *)work;
    r->n = sts_cache_old(r->sts->cache, (int64_t)time(NULL), r->names, STS_REFRESH_MAX);
}

static void look_done(struct work *work)
{
    struct sts_refresh *r = (struct sts_refresh *)work;
    r->looking = false;
    r->at = 0;
    r->look_at = clock_seconds() + STS_REFRESH_SECONDS;
    if (r->n)
        log_debug("%zu MTA-STS policies grow old", r->n);
}

/* --- fetching --- */

static void on_known(void *asker)
{
    struct place *place = asker;
    place->busy = false;
    sts_domain_release(&place->domain);
}

static bool begin_next(struct sts_refresh *r)
{
    for (size_t i = 0; i < STS_REFRESH_AT_ONCE && r->at < r->n; i++) {
        struct place *place = &r->places[i];
        if (place->busy)
            continue;
        *place = (struct place){.busy = true, .domain = {.unasked = true}};
        memcpy(place->name, r->names[r->at++], sizeof place->name);
        sts_look(r->sts, &place->domain, place->name, on_known, place);
    }
    return r->at < r->n;
}

void sts_refresh_tick(struct sts_refresh *r, bool quiet)
{
    if (quiet || r->looking || begin_next(r) || clock_seconds() < r->look_at)
        return;
    r->looking = true;
    r->n = r->at = 0;
    r->work = (struct work){.run = run_look, .done = look_done};
    workers_give(r->sts->workers, &r->work);
}
