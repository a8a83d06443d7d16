/*
 * query: which header a rule looks at, and how: "Subject", "From:addr", "Received:raw:first",
 * "ToCc", "ALL". Texts as SpamAssassin gives them: each field's value ends with a line end.
 */
#ifndef POTERNE_RULES_QUERY_H
#define POTERNE_RULES_QUERY_H

#include "base/err.h"
#include "mail/message.h"

enum query_source {
    QUERY_FIELD,
    QUERY_ALL,        /* the whole header, "Name: value" on each line */
    QUERY_TO_CC,      /* To, then Cc */
    QUERY_MESSAGE_ID, /* whatever a resender made of Message-Id too */
    QUERY_ENVELOPE_FROM,
};

enum query_what {
    QUERY_VALUE,
    QUERY_ADDR, /* every address in it */
    QUERY_NAME, /* every display name in it */
};

enum query_which { QUERY_EVERY, QUERY_FIRST, QUERY_LAST };

struct query {
    struct str name; /* lower case */
    enum query_source source;
    enum query_what what;
    enum query_which which;
    bool raw; /* folds kept, encoded words not decoded */
};

/* The name is copied into the pool. */
int query_parse(struct pool *pool, struct str text, struct query *query, struct err *err);
bool query_same(const struct query *a, const struct query *b);

#endif
