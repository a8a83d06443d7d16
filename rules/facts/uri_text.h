/*
 * uri_text: what SpamAssassin takes for a link in running text (PerMsgStatus.pm of 4.0.1): with a
 * known scheme or "www.", an address with '@', or a name with a known top-level domain.
 */
#ifndef POTERNE_RULES_URI_TEXT_H
#define POTERNE_RULES_URI_TEXT_H

#include "rules/language/settings.h"

enum uri_text_kind { URI_TEXT_SCHEME, URI_TEXT_MAIL, URI_TEXT_SCHEMELESS };

struct uri_text {
    enum uri_text_kind kind;
    struct str text; /* as it stands there */
    struct str host; /* URI_TEXT_SCHEMELESS: the name in it */
};

/* The next one at or behind *at, which is moved behind it; false: there is no more. The text is a
 * paragraph of BODY_LINE_MAX bytes at most: time grows with that. */
bool uri_text_next(const struct rules_settings *settings, struct str text, size_t *at,
                   struct uri_text *found);

/* Without what surely is not part of it: a bracket and what follows, punctuation at the end. */
struct str uri_text_trim(struct str text);

#endif
