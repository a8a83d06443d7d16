/*
 * template: "%{NAME}" in a pattern, which stands for a text that is only known with the message:
 * what another rule's group (?<NAME>…) has matched in it, or a fact with that name ("Capturing
 * tags" of Mail::SpamAssassin::Conf, version 4).
 */
#ifndef POTERNE_RULES_MATCH_TEMPLATE_H
#define POTERNE_RULES_MATCH_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"

/* One mark in a pattern: NAME or NAME(argument). */
struct template_mark {
    size_t from, to; /* of all of it, braces included */
    struct str name;
};

/* The first mark at or behind `at`; false: there is none. One with a backslash before is none. */
bool template_next(struct str pattern, size_t at, struct template_mark *mark);
bool template_has(struct str pattern);

/* The name of the first group at or behind *at whose name is one that a mark can ask for; *at moves
 * behind it. False: there is none. */
bool template_next_group(struct str pattern, size_t *at, struct str *name);

/* -1 with err: a mark stands in a character class, where it can't stand for a text. */
int template_check(struct str pattern, struct err *err);

/* Puts what stands for the name in place of its mark. */
typedef void template_put(void *data, struct str name, struct buf *out);
void template_fill(struct str pattern, template_put *put, void *data, struct buf *out);

/* A text as a pattern that matches it alone, even with flag x. */
void template_quote(struct buf *out, struct str text);

#endif
