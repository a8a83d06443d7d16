/*
 * shape: small patterns of our own for header text, kept in const tables and tried without being
 * compiled first. A character stands for itself; behind '%' stands
 *     h r b … (a lower case letter)  non-blanks, one or more, kept as the field of that letter
 *     *h                             as above, or none
 *     _ *_                           as above, not kept
 *     i I                            an IP address, kept as field 'i', or not kept
 *     L                              localhost, by name or address
 *     . ~                            any characters, as many or as few as fit; .{0,80} so many
 *     [a-z]+ [^)]* [x]{2,9} [0-9]    a set, as in a regular expression
 *     .=h ~=h [a-z]+=h               the text kept as a field
 *     (…%|…%)                        one of several; (? instead of ( : or nothing
 *     !text%)                        the text does not stand here
 *     W                              between a word's character and another
 *     $                              the end of the text
 *     %                              itself
 * The first way that fits counts, as in Perl. Work is bounded: each step and each byte looked at
 * takes one off the caller's count, and at 0 nothing fits any more.
 */
#ifndef POTERNE_RULES_SHAPE_H
#define POTERNE_RULES_SHAPE_H

#include "base/str.h"

#define SHAPE_FIELDS 26

struct shape_found {
    struct str field[SHAPE_FIELDS]; /* .s NULL: not there */
    struct str all;
};

enum shape_case { SHAPE_EXACT, SHAPE_ANY_CASE };

/* Does the text begin with the shape? */
bool shape_match(const char *shape, enum shape_case letters, struct str text, size_t *work,
                 struct shape_found *found);
/* Does it stand anywhere in the text? The first place counts. */
bool shape_search(const char *shape, enum shape_case letters, struct str text, size_t *work,
                  struct shape_found *found);

static inline struct str shape_field(const struct shape_found *found, char letter)
{
    return found->field[letter - 'a'];
}

#endif
