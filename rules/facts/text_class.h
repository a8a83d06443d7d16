/* text_class: white space and words as Perl's patterns have them. */
#ifndef POTERNE_RULES_TEXT_CLASS_H
#define POTERNE_RULES_TEXT_CLASS_H

#include "base/str.h"

/* \s of ASCII */
static inline bool text_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* \w of ASCII */
static inline bool text_is_word(char c)
{
    char low = (char)(c | 32);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Bytes of the white space (Unicode's) above ASCII at `at` of UTF-8 text; 0: none. */
size_t text_wide_blank(struct str x, size_t at);

/* Characters in UTF-8 text; *blanks: how many are white space. `wide`: Unicode's, too. */
size_t text_count(struct str x, bool wide, size_t *blanks);

#endif
