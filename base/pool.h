/*
 * pool: memory that is given back all at once; everything made for one message or one ruleset
 * lives in one pool. A pool has a maximum: past it, or out of memory, pool_alloc() returns NULL
 * and the caller fails its job. Memory comes zeroed and aligned to 16 bytes.
 */
#ifndef POTERNE_BASE_POOL_H
#define POTERNE_BASE_POOL_H

#include "base/str.h"

struct pool;

struct pool *pool_new(size_t max);
/* Gives everything back and sets *pool to NULL; NULL is fine. */
void pool_free(struct pool **pool);
/* Everything made is gone, the first block is kept for the next job. */
void pool_reset(struct pool *pool);

void *pool_alloc(struct pool *pool, size_t size);
/* count * size, checked for overflow */
void *pool_array(struct pool *pool, size_t count, size_t size);
/* A copy with a NUL behind it; .s is NULL when it failed (an empty text has .s = ""). */
struct str pool_str(struct pool *pool, struct str x);
char *pool_cstr(struct pool *pool, struct str x);
/* As pool_str, in lower case. */
struct str pool_lower(struct pool *pool, struct str x);
/* The texts one behind the other, as pool_str. */
struct str pool_join(struct pool *pool, const struct str *texts, size_t n);
struct str pool_strf(struct pool *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
size_t pool_used(const struct pool *pool);

#define POOL_NEW(pool, type)          ((type *)pool_alloc((pool), sizeof(type)))
#define POOL_ARRAY(pool, count, type) ((type *)pool_array((pool), (count), sizeof(type)))

/*
 * Grows an array that lives in a pool, doubling it: makes room for one more element after
 * `count`. Returns the array to use from now on, or NULL. *cap starts at 0.
 */
void *pool_grow(struct pool *pool, void *array, size_t count, size_t *cap, size_t size);

#endif
