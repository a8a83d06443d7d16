/*
 * ruleset: rules made ready to run; for this folder only. Rules are numbered; a group is all the
 * rules of one kind that look at the same text, so that the text is made once and a prefilter can
 * look at it for all of them.
 */
#ifndef POTERNE_RULES_RULESET_H
#define POTERNE_RULES_RULESET_H

#include "rules/captures.h"
#include "rules/eval/eval.h"
#include "rules/language/book.h"
#include "rules/language/expr.h"
#include "rules/match/filter.h"
#include "rules/match/regex.h"
#include "rules/network/network.h"
#include "rules/uri_detail.h"
#include "rules/wake.h"

struct rule {
    struct str name;
    struct str describe; /* .s NULL: not described */
    enum rule_kind kind; /* RULE_NONE: could not be compiled, always 0 */
    double score;        /* 0 for a "__" rule that only feeds others */
    bool counts;         /* shows in results: not a "__" rule */
    bool negated;
    bool no_subject;
    unsigned hits_max; /* 1 unless "tflags multiple" */
    /* RULE_MIMEHEADER: parts by number, the whole message being 1; one text of all of them */
    unsigned part_first, part_last;
    bool concat;
    /*
     * A meta whose score is 0 is worked out when others ask for it, and never hits. As in
     * SpamAssassin its truth is then not known to them (nor when it waits for a rule that is not
     * run): neither they nor what stands on them hit. `careful`: it or one below it may be so.
     */
    bool silent, careful;
    bool late; /* it or one below it asks for a rule that is not run */
    struct str if_unset;
    struct regex *regex;
    struct filter filter;      /* of the pattern */
    struct expr expr;          /* RULE_META */
    struct eval_call call;     /* RULE_EVAL */
    struct uri_detail *detail; /* RULE_URI_DETAIL */
    const char *file;
    unsigned line;
};

struct group {
    enum rule_kind kind;
    struct query query;
    uint32_t *rules;
    size_t n, cap;
    struct filters *filters; /* by rule number */
    uint32_t *unfiltered;    /* of `rules`, those that have no filter */
    size_t n_unfiltered;
    /* RULE_HEADER, RULE_MIMEHEADER: of `rules`, those that can hit where the header is not there,
     * and those with "!~" */
    uint32_t *missing, *negated;
    size_t n_missing, n_negated;
};

struct ruleset {
    struct pool *pool;
    struct rules_settings *settings;
    struct rule *rules;
    size_t n;
    struct names names;
    struct group *groups;
    size_t n_groups, groups_cap;
    struct captures captures;     /* rules that are run before the groups */
    struct network_rules network; /* rules that ask the DNS */
    uint32_t *evals;
    size_t n_evals;
    uint32_t *metas; /* each behind all those that it asks for */
    size_t n_metas;
    struct wake wake;
    char generation[17];
};

#endif
