/*
 * html_entities: character references as Perl's HTML::Parser decodes them (HTML 4's names, no
 * windows-1252 meaning of 128 to 159), which SpamAssassin renders with. mail/html_entity.h does it
 * as browsers do.
 */
#ifndef POTERNE_RULES_HTML_ENTITIES_H
#define POTERNE_RULES_HTML_ENTITIES_H

#include "base/str.h"

/*
 * Writes x to out, which has room for x.n bytes and may be x's own place, with its references as
 * UTF-8; returns the length. `prefix`: a name counts that something else follows at once, as in
 * running text. *wide is set, and left alone otherwise, when a character is above U+00FF.
 */
size_t html_entities_decode(struct str x, bool prefix, char *out, bool *wide);

#endif
