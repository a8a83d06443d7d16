/*
 * dialect: what Perl writes and PCRE2 does not read.
 *   (?aa) (?^a:…)   flags for ASCII, Unicode, locale: here all patterns are bytes and ASCII
 *   $? \b{2}        a quantifier behind what matches no byte
 *   a{,3}           at most three times, since Perl 5.34; PCRE2 takes it for those letters
 */
#ifndef POTERNE_RULES_MATCH_DIALECT_H
#define POTERNE_RULES_MATCH_DIALECT_H

#include "base/buf.h"

/* The pattern as PCRE2 reads it, behind what `out` holds; see buf_ok(). */
void dialect_translate(struct str pattern, struct buf *out);

#endif
