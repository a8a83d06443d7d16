/*
 * captures: rules whose patterns ask for what others have captured ("%{NAME}", match/template.h),
 * and those that capture it. They are run before all others, in an order of their own: by priority,
 * then header, body, uri, rawbody, full, then as they stand in the files.
 *
 * A captured text is the sender's, and becomes part of a pattern: quoted, bounded, and only where
 * the words that the pattern has of its own are there already. What is beyond the bounds is not
 * forgotten: rules that ask for it are named as limited unless they hit.
 */
#ifndef POTERNE_RULES_CAPTURES_H
#define POTERNE_RULES_CAPTURES_H

#include "rules/language/book.h"
#include "rules/match/filter.h"
#include "rules/match/template.h"

#define CAPTURE_NAMES_MAX   1000        /* that rules ask for */
#define CAPTURE_VALUES_MAX  100         /* texts of one name, each other than the rest */
#define CAPTURE_VALUE_MAX   1000        /* bytes of one */
#define CAPTURE_PATTERN_MAX (32 * 1024) /* bytes of a pattern with them filled in */

/* A name that rules ask for. */
struct capture_name {
    struct str name;
    const char *query; /* of one that stands for a header; NULL: other rules capture it */
    bool captured;     /* some rule does */
};

struct capture_rule {
    uint32_t number;
    int priority;
    enum rule_kind kind;
    struct query query;
    struct regex_literal literal; /* of one that asks, else empty */
    struct filters *filters;      /* what every match has, whatever is filled in; NULL: nothing */
};

struct captures {
    struct capture_name *names;
    size_t n_names, names_cap;
    struct capture_rule *rules;
    size_t n, cap;
};

/* Do rules of that kind capture, and ask? */
bool captures_kind(enum rule_kind kind);
struct ruleset;

/* A rule with such a pattern. -1 with err: a mistake is in it. */
int captures_ask(struct ruleset *set, uint32_t number, const struct definition *definition,
                 const struct regex_literal *literal, struct pool *work, struct err *err);
/* When all that ask are there: takes one that captures for them, or does not ask for it to be run
 * here. -1 with err: no memory. */
int captures_take(struct ruleset *set, uint32_t number, const struct definition *definition,
                  bool *taken, struct err *err);
/* When all are there: puts them in order, and tells of names that no rule captures. */
void captures_finish(const struct book *book, struct ruleset *set);

struct rules_scratch;
struct facts;

/* Runs them over a message. -1 with err: the pool is used up. */
int captures_run(struct rules_scratch *scratch, struct facts *facts, bool *truncated,
                 struct err *err);

#endif
