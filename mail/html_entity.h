/* html_entity: character references such as "&eacute;" and "&#8364;" (WHATWG HTML 13.2.5.72). */
#ifndef POTERNE_MAIL_HTML_ENTITY_H
#define POTERNE_MAIL_HTML_ENTITY_H

#include "base/buf.h"

/* The reference at the '&' that x starts with, as *n bytes of UTF-8 in out; returns the bytes of
 * x that it takes, 0: it is none. */
size_t html_entity(struct str x, bool attribute, char out[4], size_t *n);
/* Appends x with all references decoded; never longer than x. */
void html_decode(struct str x, bool attribute, struct buf *out);

#endif
