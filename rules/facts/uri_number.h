/* uri_number: character references and numbers in links (SpamAssassin 4.0.1, Util.pm). */
#ifndef POTERNE_RULES_URI_NUMBER_H
#define POTERNE_RULES_URI_NUMBER_H

#include "base/str.h"

#define URI_NUMBER_TEXT_MAX 128

/* Writes x, with its references to printable ASCII and to full stops decoded, to `out`, which has
 * room for x.n bytes; returns the length. */
size_t uri_number_references(struct str x, char *out);

/* A host that is four numbers (decimal, octal, hexadecimal), or one, in the form that SpamAssassin
 * gives it (a part that is 0 is left empty); empty: it is no such host. */
struct str uri_number_address(struct str host, char text[URI_NUMBER_TEXT_MAX]);

#endif
