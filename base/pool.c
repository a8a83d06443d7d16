#include "base/pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_ALIGN 16
#define POOL_BLOCK (16 * 1024)

struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(POOL_ALIGN) char bytes[];
};

struct pool {
    size_t max;
    size_t used;
    struct block *head;
};

struct pool *pool_new(size_t max)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool)
        pool->max = max;
    return pool;
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void pool_free(struct pool **pool)
{
    if (*pool == NULL)
        return;
    free_blocks((*pool)->head);
    free(*pool);
    *pool = NULL;
}

void pool_reset(struct pool *pool)
{
    struct block *b = pool->head;
    pool->used = 0;
    if (b == NULL)
        return;
    while (b->next) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    if (b->size > POOL_BLOCK) {
        free(b);
        pool->head = NULL;
        return;
    }
    b->used = 0;
    pool->head = b;
}

/* A large piece gets its own block behind the head, so that the head's rest is not wasted. */
static struct block *add_block(struct pool *pool, size_t size)
{
    bool large = size > POOL_BLOCK / 4;
    size_t room = large ? size : POOL_BLOCK;
    struct block *b = malloc(sizeof *b + room);
    if (b == NULL)
        return NULL;
    b->size = room;
    b->used = 0;
    if (large && pool->head) {
        b->next = pool->head->next;
        pool->head->next = b;
    } else {
        b->next = pool->head;
        pool->head = b;
    }
    return b;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    if (size > SIZE_MAX / 2) /* room for rounding up and for the head of a block */
        return NULL;
    size_t room = (size + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
    if (room == 0)
        room = POOL_ALIGN;
    if (room > pool->max - pool->used)
        return NULL;
    struct block *b = pool->head;
    if (b == NULL || room > b->size - b->used)
        b = add_block(pool, room);
    if (b == NULL)
        return NULL;
    char *p = b->bytes + b->used;
    b->used += room;
    pool->used += room;
    return memset(p, 0, room);
}

void *pool_array(struct pool *pool, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return pool_alloc(pool, count * size);
}

char *pool_cstr(struct pool *pool, struct str x)
{
    if (x.n == SIZE_MAX)
        return NULL;
    char *p = pool_alloc(pool, x.n + 1);
    if (p && x.n)
        memcpy(p, x.s, x.n);
    return p;
}

struct str pool_str(struct pool *pool, struct str x)
{
    char *p = pool_cstr(pool, x);
    return p ? str_n(p, x.n) : STR_EMPTY;
}

struct str pool_lower(struct pool *pool, struct str x)
{
    char *p = pool_cstr(pool, x);
    for (size_t i = 0; p && i < x.n; i++)
        p[i] = str_lower_char(p[i]);
    return p ? str_n(p, x.n) : STR_EMPTY;
}

struct str pool_join(struct pool *pool, const struct str *texts, size_t n)
{
    size_t size = 0, used = 0;
    for (size_t i = 0; i < n; i++) {
        if (texts[i].n > SIZE_MAX - 1 - size)
            return STR_EMPTY;
        size += texts[i].n;
    }
    char *p = pool_alloc(pool, size + 1);
    for (size_t i = 0; p && i < n; i++) {
        if (texts[i].n)
            memcpy(p + used, texts[i].s, texts[i].n);
        used += texts[i].n;
    }
    return p ? str_n(p, size) : STR_EMPTY;
}

struct str pool_strf(struct pool *pool, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : pool_alloc(pool, (size_t)n + 1);
    if (p == NULL)
        return STR_EMPTY;
    va_start(ap, format);
    vsnprintf(p, (size_t)n + 1, format, ap);
    va_end(ap);
    return str_n(p, (size_t)n);
}

size_t pool_used(const struct pool *pool)
{
    return pool->used;
}

void *pool_grow(struct pool *pool, void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    size_t more = *cap ? *cap * 2 : 8;
    void *bigger = pool_array(pool, more, size);
    if (bigger == NULL)
        return NULL;
    if (count)
        memcpy(bigger, array, count * size);
    *cap = more;
    return bigger;
}
