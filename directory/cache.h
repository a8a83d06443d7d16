/*
 * cache: what sources that must be asked have said of addresses. It outlives a restart and an
 * outage of the source: who was known is served from it for days (directory.cache_positive) while
 * nobody can be asked; who was not known is refused from it for minutes (cache_negative).
 *
 * On disk it is a file that is only appended to (length, CRC32C, bytes of each record), and written
 * anew when more than half of it is old. kill -9 loses what was not yet handed to the kernel; a
 * torn or damaged end is cut off; a file that is no cache is begun anew. None of that is an error,
 * since what is not in the cache is asked for.
 *
 * Bounded by directory.cache_entries; of these a quarter at most are addresses that were not known,
 * so that guessing addresses does not push out those that are. What was said longest ago goes
 * first.
 */
#ifndef POTERNE_DIRECTORY_CACHE_H
#define POTERNE_DIRECTORY_CACHE_H

#include <time.h>

#include "directory/source.h"

#define CACHE_FILE_MAX ((size_t)1024 * 1024 * 1024) /* a larger one is begun anew */

struct cache;

/* Whose word it is: a source with its settings (source_identity()), and the address. */
struct cache_key {
    uint64_t source;
    struct str address;
};

enum cache_state {
    CACHE_NOTHING, /* not there, or too old for anything */
    CACHE_FRESH,   /* need not be asked for */
    CACHE_OLD      /* known, for a source that is away */
};

struct cache_counts {
    size_t positive, negative;
    uint64_t file_bytes;
    uint64_t hits, misses; /* of cache_find(): FRESH, the rest */
};

struct cache *cache_new(const struct conf_cache *conf, struct err *err);
void cache_free(struct cache **cache);
/* Takes up what the file says. 0 even if it says little; -1: out of memory, err. */
int cache_read(struct cache *cache, const char *path, struct err *err);
/* From now on cache_flush() keeps it there. -1: err; it still serves from memory. */
int cache_keep(struct cache *cache, const char *path, struct err *err);
/* Writes what is new; to be called now and then. -1: err; what could not be written is lost on
 * disk, and never in memory. */
int cache_flush(struct cache *cache, struct err *err);

/* `when` it was said. */
enum cache_state cache_find(struct cache *cache, const struct cache_key *key, time_t now,
                            struct finding *finding, time_t *when);
/* A YES or a NO; what is AWAY changes nothing. */
void cache_put(struct cache *cache, const struct cache_key *key, const struct finding *finding,
               time_t now);
/* Of all sources; an empty address: all there is. How many there were. */
size_t cache_forget(struct cache *cache, struct str address);
void cache_count(const struct cache *cache, struct cache_counts *counts);

#endif
