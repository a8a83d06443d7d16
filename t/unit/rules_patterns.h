/* rules_patterns: patterns and texts with which filters and automata show that they miss nothing.
 */
#ifndef POTERNE_T_UNIT_RULES_PATTERNS_H
#define POTERNE_T_UNIT_RULES_PATTERNS_H

#include <stdlib.h>

#include "base/str.h"

#define PATTERNS_TEXT_MAX 120

static const char *const patterns[] = {
    "/[ab]\\d{2,3}[ab]/",
    "/(?:a|bb|\\d){3}-/",
    "/\\b[ab][\\W_]?\\d\\b/i",
    "/^\\s?[ab]\\d$/m",
    "/\\A[ab]+\\d/",
    "/(?<=-)\\d\\d[ab]/",
    "/(?=[ab])[a-d]\\d(?!a)/",
    "/(?>[ab]+)\\d/",
    "/[ab]++\\d-?/",
    "/([ab])\\d\\1/",
    "/[\\141b]\\55\\d/",
    "/[\\x61b]\\x2d\\d/",
    "/\\055\\d\\d[ab]/",
    "/ [ab] # a comment\n \\d + - /x",
    "/(?i)[A]\\d|b(?-i)[B]-/",
    "/[^a-z\\s]\\d[^\\d]b/",
    "/[[:digit:]][[:punct:]][[:alpha:]]\\d/",
    "/[[:^digit:]]{2}\\d\\d/",
    "/[]a]\\d[^]b]\\d/",
    "/.\\d.\\d-/s",
    "/(?:[ab]?){4}\\d-/",
    "/(?:[ab]\\d?){2,}-\\d/",
    "/\\d{0,9}[ab]{2}\\s/",
    "/a{,2}\\d/",
    "/(?|([ab])\\d|(\\d)b)-/",
    "/(?<name>[ab])\\d-/",
    "/(?#a comment)[ab]\\d-/",
    "/\\N\\d\\N[ab]\\d/",
    "/(?:^|\\s)[ab]\\d-/",
    "/\\B[ab]\\d\\B[ab]/",
    "/\\d\\z|[ab]\\d-\\d/",
    "/(?:(?:(?:[ab]\\d)+-)+\\s)+/",
    "/(\\d{1,3}\\.){1,3}\\d{1,3}/",
    "/(?:[ab]-?)?\\s?(?:[ab]{2}|\\d\\d)[-.]\\d/",
    "/(?:a?\\d)?(?:(?:b\\s)?[ab]\\d-|(?:-\\s?){0,3}\\d[ab]){2}/",
    "/\\b(?:[ab]\\d)?-\\d\\d/",
    "/(?!-)(?:-)?[ab]\\d[ab]/",
    "/(?>[ab]?(?:b\\d)?)\\d-/",
    "/[ab]?+(?:b\\d)?+\\d-/",
    "/([ab])?\\1\\d-/",
    "/(\\d)[ab]*\\1-/",
    "/[ab]\\b\\W?\\b\\d/",
    "/[ab]\\b(?=-)\\b-\\b\\d/",
    "/\\b(?:\\b[ab]\\b|\\d)\\b\\W/",
    "/[ab]\\b[^a]\\d/",
    "/(?:\\b|-)(?:a|\\b\\d)/",
    "/(?:(?:^|,)[ab])+\\d/m",
    "/^(?:.|\\n)?\\d[ab]$/m",
    "/(?s)a.{0,70}\\d-/",
    "/[a\\d].{30,40}b/",
    "/(?:a|ab|abb)(?:b|bb)?\\d/i",
    "/\\d[ab]{0}-/",
    "/(?:\\d|[ab]{2}){5,}/",
    "/\\d(?:-?|[ab])*?\\./",
    "/(?:a|\\d|-){60}/",
};
#define PATTERNS_N (sizeof patterns / sizeof *patterns)

/* A text of bytes that the patterns are about; bytes[PATTERNS_TEXT_MAX]. */
static inline struct str patterns_text(unsigned *seed, char *bytes)
{
    static const char alphabet[] = "aabbAB0011223--..,_ \n\n\t]acdz\xe9";
    size_t n = (size_t)rand_r(seed) % PATTERNS_TEXT_MAX;
    for (size_t i = 0; i < n; i++)
        bytes[i] = alphabet[(size_t)rand_r(seed) % (sizeof alphabet - 1)];
    return str_n(bytes, n);
}

#endif
