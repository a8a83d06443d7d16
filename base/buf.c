#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 64

void buf_init(struct buf *b, size_t max)
{
    *b = BUF_INIT(max);
}

void buf_release(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT(b->max);
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

/* One byte beyond the asked room is always there, for buf_cstr(). */
static bool buf_grow(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more > b->max - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + more + 1;
    if (need <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < need)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    char *p = realloc(b->p, cap);
    if (p == NULL) {
        b->failed = true;
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_addn(struct buf *b, const void *p, size_t n)
{
    if (n == 0 || !buf_grow(b, n))
        return;
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_add(struct buf *b, struct str x)
{
    buf_addn(b, x.s, x.n);
}

void buf_addc(struct buf *b, char c)
{
    if (b->n + 1 < b->cap && b->n < b->max && !b->failed) {
        b->p[b->n++] = c;
        return;
    }
    buf_addn(b, &c, 1);
}

void buf_vaddf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    if (n < 0)
        b->failed = true;
    else if (buf_grow(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vaddf(b, format, ap);
    va_end(ap);
}

char *buf_room(struct buf *b, size_t n)
{
    return buf_grow(b, n) ? b->p + b->n : NULL;
}

void buf_filled(struct buf *b, size_t n)
{
    b->n += n;
}

void buf_eat(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

void buf_cut(struct buf *b, size_t n)
{
    if (n < b->n)
        b->n = n;
}

const char *buf_cstr(struct buf *b)
{
    if (!buf_grow(b, 0))
        return "";
    b->p[b->n] = '\0';
    return b->p;
}
