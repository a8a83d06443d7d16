/*
 * buf: bytes that grow, never beyond a maximum that its maker must name.
 * Running out of memory or of the maximum sets `failed`, drops what did not fit and makes every
 * later addition a no-op: add freely, then ask buf_ok() once. A failed buf is never sent or stored.
 */
#ifndef POTERNE_BASE_BUF_H
#define POTERNE_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool failed;
};

#define BUF_INIT(maximum) ((struct buf){.max = (maximum)})
/* A buf over an array of its maker's: it never grows beyond that and is never released. */
#define BUF_OVER(array) ((struct buf){.p = (array), .cap = sizeof(array), .max = sizeof(array) - 1})

void buf_init(struct buf *b, size_t max);
/* Gives the memory back; the buf is empty and usable again with the same maximum. */
void buf_release(struct buf *b);
/* Empties it and clears `failed`; keeps the memory. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, struct str x);
void buf_addn(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));

/* Room for n more bytes at the end, to be filled and counted with buf_filled(); NULL if none. */
char *buf_room(struct buf *b, size_t n);
void buf_filled(struct buf *b, size_t n);
/* Takes n bytes off the front. */
void buf_eat(struct buf *b, size_t n);
/* Keeps the first n bytes. */
void buf_cut(struct buf *b, size_t n);

/* The bytes with a NUL behind them (not counted); "" when failed or out of memory. */
const char *buf_cstr(struct buf *b);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

#endif
