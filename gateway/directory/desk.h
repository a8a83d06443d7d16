/*
 * desk: the directory process's questions: who asked, how far the search is (directory/search.h),
 * what the cache says, and which source is being asked. A question that memory or the cache can
 * answer is answered before desk_take() returns; the others wait, each for its own source only.
 *
 * Whoever is known, but was asked for a while ago, is asked for again with little patience
 * (DESK_PATIENCE_OLD): a source that is slow does not hold up mail for people it has named before.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_DESK_H
#define POTERNE_GATEWAY_DIRECTORY_DESK_H

#include "directory/cache.h"
#include "directory/redirect.h"
#include "directory/search.h"
#include "gateway/clients.h"
#include "gateway/directory/askers.h"
#include "gateway/directory/logins.h"
#include "gateway/directory/snapshots.h"

#define DESK_OPEN_MAX     10000 /* questions that wait; one more is DIRECTORY_UNAVAILABLE */
#define DESK_PATIENCE     DIRECTORY_PATIENCE_MS
#define DESK_PATIENCE_OLD 1000

/* One source of a domain, for `poterne directory test`. */
struct trial {
    const struct source *source;
    struct directory_answer answer;
    int64_t took_us;
    bool asked;              /* not from memory */
    enum cache_state cached; /* what the cache has of it */
    time_t cached_when;
    bool cached_known;
};

#define TRIALS_MAX         100 /* a domain names at most so many sources */
#define STATUS_SOURCES_MAX 200

struct question {
    struct question *next;
    struct client *client;
    uint64_t mark; /* the client's, when it asked */
    uint32_t number;
    enum directory_wish wish;
    struct search search;
    struct redirect redirect;
    int64_t begun_us;
    int64_t until_ms;      /* for all of it */
    struct asking *asking; /* NULL: nothing is being asked */
    int64_t asking_until_ms;
    enum cache_state old; /* CACHE_OLD: what the cache says serves if the source does not */
    struct finding cached;
    time_t cached_when;
    bool done; /* answered; the client has no room for it yet */
    /* of a test */
    char address[DIRECTORY_ADDRESS_SIZE];
    struct trial *trials;
    size_t n_trials;
    bool last; /* the sources have been tried; now as edge would be told */
};

struct desk {
    struct directory *directory;
    struct clients *clients;
    struct cache *cache;
    struct snapshots *snapshots;
    struct logins *logins;
    struct askers **askers; /* of each source; NULL: it is not asked */
    struct question *open;
    size_t n_open;
    uint64_t marks;
    uint64_t answered;
    struct buf reply;
};

/* A whole message of the client's. */
void desk_take(struct desk *desk, struct client *client, struct str message);
/* After every round of the loop: what was answered meanwhile, and what takes too long. */
void desk_tend(struct desk *desk);
/* Milliseconds until desk_tend() has something to do by itself; -1: never. */
int desk_pause(const struct desk *desk);
void desk_release(struct desk *desk);

/* inspect.c: the JSON of what `poterne directory` asks for. */
void inspect_test(struct desk *desk, const struct question *question, struct buf *out);
void inspect_status(struct desk *desk, struct buf *out);
void inspect_forgotten(size_t n, struct buf *out);
void inspect_accepted(bool held, size_t n, struct buf *out);

#endif
