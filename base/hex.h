/*
 * hex: hexadecimal digits, in either case.
 */
#ifndef POTERNE_BASE_HEX_H
#define POTERNE_BASE_HEX_H

#include "base/str.h"

/* 0..15, or -1 */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 32);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that two hexadecimal digits at `at` stand for, or -1. */
static inline int hex_byte(struct str x, size_t at)
{
    if (at + 2 > x.n)
        return -1;
    int high = hex_digit(x.s[at]), low = hex_digit(x.s[at + 1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

#endif
