/* bytes: numbers out of a file's bytes, 0 where they stand beyond its end. */
#ifndef POTERNE_BASE_BYTES_H
#define POTERNE_BASE_BYTES_H

#include "base/str.h"

static inline bool bytes_hold(struct str x, size_t at, size_t n)
{
    return at <= x.n && n <= x.n - at;
}

static inline unsigned get_byte(struct str x, size_t at)
{
    return at < x.n ? (unsigned char)x.s[at] : 0;
}

static inline unsigned get_le16(struct str x, size_t at)
{
    return bytes_hold(x, at, 2) ? get_byte(x, at) | get_byte(x, at + 1) << 8 : 0;
}

static inline uint32_t get_le32(struct str x, size_t at)
{
    return bytes_hold(x, at, 4) ? get_le16(x, at) | (uint32_t)get_le16(x, at + 2) << 16 : 0;
}

static inline uint64_t get_le64(struct str x, size_t at)
{
    return bytes_hold(x, at, 8) ? get_le32(x, at) | (uint64_t)get_le32(x, at + 4) << 32 : 0;
}

static inline uint32_t get_be32(struct str x, size_t at)
{
    return bytes_hold(x, at, 4) ? (uint32_t)get_byte(x, at) << 24 | get_byte(x, at + 1) << 16 |
                                      get_byte(x, at + 2) << 8 | get_byte(x, at + 3)
                                : 0;
}

#endif
