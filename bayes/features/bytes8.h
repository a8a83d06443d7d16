/* bytes8: eight bytes as one number, the first one lowest, to look at all of them at once. */
#ifndef POTERNE_BAYES_FEATURES_BYTES8_H
#define POTERNE_BAYES_FEATURES_BYTES8_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES8_EACH(b) (UINT64_C(0x0101010101010101) * (b))

static inline uint64_t bytes8_get(const char *p)
{
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return le64toh(bytes);
}

/* The first n of them, n below 8, the others 0; all eight can be read. */
static inline uint64_t bytes8_head(const char *p, size_t n)
{
    return bytes8_get(p) & ((UINT64_C(1) << (8 * n)) - 1);
}

static inline void bytes8_put(char *p, uint64_t bytes)
{
    bytes = htole64(bytes);
    memcpy(p, &bytes, sizeof bytes);
}

/* 0x80 in each byte that lies within from..to, which are ASCII. */
static inline uint64_t bytes8_within(uint64_t bytes, unsigned char from, unsigned char to)
{
    uint64_t low = bytes & BYTES8_EACH(0x7f);
    return (low + BYTES8_EACH(0x80u - from)) & ~(low + BYTES8_EACH(0x7fu - to)) & ~bytes &
           BYTES8_EACH(0x80);
}

#endif
