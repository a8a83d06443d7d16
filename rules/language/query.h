/*
 * query: which header a rule looks at, and how: "Subject", "From:addr", "Received:raw:first",
 * "ToCc", "ALL". What each finds: rules/facts/header.h.
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
    QUERY_ALL_TRUSTED, /* the header's part that only such relays can have written */
    QUERY_ALL_INTERNAL,
    QUERY_ALL_UNTRUSTED, /* the part that others may have written, and the field of the hop there */
    QUERY_ALL_EXTERNAL,
    QUERY_RELAYS_TRUSTED, /* X-Spam-Relays-…: rules/facts/relays.h */
    QUERY_RELAYS_INTERNAL,
    QUERY_RELAYS_UNTRUSTED,
    QUERY_RELAYS_EXTERNAL,
    QUERY_SENDER_DOMAIN, /* X-SenderDomain, where the message has no such field */
    QUERY_AUTHOR_DOMAIN,
    QUERY_LANGUAGES, /* X-Languages: rules/facts/language.h, where the message has no such field */
    QUERY_LANGUAGES_LENGTH,
};

enum query_what {
    QUERY_VALUE,
    QUERY_ADDR, /* every address in it */
    QUERY_NAME, /* every display name in it */
};

/* What is cut out of each value then. */
enum query_cut {
    QUERY_WHOLE,
    QUERY_HOST,   /* the first host name with a top-level domain that exists */
    QUERY_DOMAIN, /* its part below the registry's boundary */
    QUERY_IP,
    QUERY_REVERSE_IP, /* "4.3.2.1" */
};

enum query_which { QUERY_EVERY, QUERY_FIRST, QUERY_LAST };

struct query {
    struct str name; /* lower case */
    enum query_source source;
    enum query_what what;
    enum query_cut cut;
    enum query_which which;
    bool raw; /* folds kept, encoded words not decoded */
};

/* The name is copied into the pool. */
int query_parse(struct pool *pool, struct str text, struct query *query, struct err *err);
bool query_same(const struct query *a, const struct query *b);

#endif
