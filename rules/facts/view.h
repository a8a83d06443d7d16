/*
 * view: the texts that a kind of rule looks at, made of a message when first asked for.
 *   body       the subject, then each paragraph (body.h)
 *   rawbody    decoded text parts in pieces (body.h)
 *   uri        each link in all its forms (uris.h)
 *   full       the whole message as it came (body.h)
 *   header     one piece: the values that a query finds, a line end behind each
 *   mimeheader one piece for each part
 * A rule is tried on each piece for itself. Pieces that stand together in memory, with a line end
 * between them, make a block: what a prefilter looks at.
 */
#ifndef POTERNE_RULES_VIEW_H
#define POTERNE_RULES_VIEW_H

#include "rules/ruleset.h"

#define VIEW_FULL_MAX  (1024 * 1024)     /* bytes of the message that "full" rules see */
#define VIEW_TEXT_MAX  (4 * 1024 * 1024) /* bytes of body, rawbody or uri pieces together */
#define VIEW_BLOCK_MAX (16 * 1024)       /* bytes of a block of more than one piece */

struct view_block {
    struct str text;
    size_t from, to; /* pieces, `to` excluded */
};

struct view {
    struct str *pieces; /* .s NULL: the header is not there */
    size_t n_pieces;
    struct view_block *blocks;
    size_t n_blocks;
    bool truncated; /* something was left out at a limit */
};

/* -1 only when the pool is used up. */
int view_make(struct facts *facts, enum rule_kind kind, const struct query *query,
              struct view *view, struct err *err);

#endif
