/*
 * ascii: classes of bytes that many syntaxes share, of ASCII only: no byte above 0x7f is in any of
 * them, and neither a locale nor the sign of char matters. What a syntax defines otherwise (blanks
 * without line ends, say) stands where that syntax is read. Folding: str_lower_char of base/str.h.
 */
#ifndef POTERNE_BASE_ASCII_H
#define POTERNE_BASE_ASCII_H

#include <stdbool.h>

/* \s of Perl: space, tab, LF, VT, FF, CR */
static inline bool ascii_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* 0-9 */
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A-Z and a-z */
static inline bool ascii_is_letter(char c)
{
    char low = (char)(c | 32);
    return low >= 'a' && low <= 'z';
}

/* A-Z, a-z and 0-9 */
static inline bool ascii_is_alnum(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c);
}

/* \w of Perl: A-Z, a-z, 0-9 and _ */
static inline bool ascii_is_word(char c)
{
    return ascii_is_alnum(c) || c == '_';
}

#endif
