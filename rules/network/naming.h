/*
 * naming: the name that an askdns line asks for: a template with marks such as _AUTHORDOMAIN_ in
 * it, each of which stands for one or more texts of a message (AskDNS.pm of SpamAssassin 4.0.1).
 */
#ifndef POTERNE_RULES_NETWORK_NAMING_H
#define POTERNE_RULES_NETWORK_NAMING_H

#include "rules/facts/facts.h"

#define NAMING_MARKS_MAX 8  /* in one template, each counted once */
#define NAMING_NAMES_MAX 50 /* that one template is filled in to, of one message */

struct naming_mark {
    struct str text; /* as it stands there, with its underscores */
    unsigned fact;   /* naming.c */
    const char *query;
};

struct naming {
    struct str text;
    struct naming_mark marks[NAMING_MARKS_MAX];
    size_t n;
};

struct naming_names {
    struct str list[NAMING_NAMES_MAX];
    size_t n;
    bool truncated; /* there were more */
    bool no_memory;
};

/* -1 with err: a mistake is in it, or no memory. 0 with err->text: a mark stands for nothing that
 * is known here. */
int naming_parse(struct pool *pool, struct str text, struct naming *naming, struct err *err);
/* All names that it stands for in a message, as written; none while a mark stands for nothing. */
void naming_fill(const struct naming *naming, struct facts *facts, struct naming_names *names);

#endif
