/*
 * book: what rule files say, as said: one definition a rule name, the last one holding. It is made
 * by reading (parse.h), read by compiling (compile.h), then thrown away. All texts live in its
 * pool.
 */
#ifndef POTERNE_RULES_BOOK_H
#define POTERNE_RULES_BOOK_H

#include "rules/language/dns_line.h"
#include "rules/language/names.h"
#include "rules/language/plugins.h"
#include "rules/language/query.h"
#include "rules/language/replace.h"
#include "rules/language/settings.h"
#include "rules/match/regex.h"
#include "rules/rules.h"

#define BOOK_RULES_MAX          100000
#define BOOK_NAME_MAX           100 /* bytes of a rule name, as in SpamAssassin */
#define BOOK_MEMORY_MAX         (256 * 1024 * 1024)
#define BOOK_SCORE_SETS         RULES_SCORE_SETS
#define BOOK_SCORE_ABS          1000000.0
#define BOOK_HITS_MAX           10000    /* counted of one "tflags multiple" rule in one message */
#define BOOK_PRIORITY_CAPTURING (-10000) /* of a rule that captures texts for others */

enum rule_kind {
    RULE_NONE,  /* only scored or described so far */
    RULE_EMPTY, /* a rule without a test of its own: reuse */
    RULE_HEADER,
    RULE_EXISTS,
    RULE_MIMEHEADER,
    RULE_BODY,
    RULE_RAWBODY,
    RULE_URI,
    RULE_FULL,
    RULE_META,
    RULE_EVAL,
    RULE_URI_DETAIL,
    RULE_ASKDNS,
    RULE_NETWORK, /* when compiled: of RULE_ASKDNS, and of RULE_EVAL whose call asks the DNS */
};

/* "test NAME ok|fail TEXT": what a rule's author says that it must find, or must not. */
struct book_example {
    struct str rule;
    bool ok;
    struct str text;
    const char *file;
    unsigned line;
};

struct definition {
    struct str name;
    enum rule_kind kind;
    const char *file;
    unsigned line;
    struct str test;     /* pattern with delimiters, expression, or call with arguments */
    struct query query;  /* RULE_HEADER, RULE_EXISTS, RULE_MIMEHEADER */
    bool negated;        /* !~ */
    bool eval_raw;       /* RULE_EVAL of a rawbody line */
    struct str if_unset; /* .s NULL: not given */
    double scores[BOOK_SCORE_SETS];
    bool scored;
    const struct dns_line *dns; /* RULE_ASKDNS, and what eval:check_uridnsbl() goes by; else NULL */
    struct str describe;        /* .s NULL: not given */
    struct str flags;           /* all of the tflags line */
    bool multiple, nice, no_subject, net, learn, concat;
    unsigned part_first, part_last; /* range=; of a mimeheader rule; 0: no bound */
    unsigned hits_max;              /* maxhits=; 0: not given */
    int priority; /* says who captures first (captures.h); else order changes no result here */
};

struct book {
    struct pool *pool;
    struct ruleset_options options;
    struct rules_settings *settings; /* compile() takes it over and leaves NULL */
    struct plugins plugins;
    struct replace replace;
    struct book_example *examples;
    size_t n_examples, examples_cap;
    struct definition *list;
    size_t n, cap;
    struct names names;
    rules_report *report;
    void *report_data;
};

struct book *book_new(rules_report *report, void *data, struct err *err);
void book_free(struct book **book);

/* The definition of that name, made if need be. NULL: out of memory or too many. */
struct definition *book_entry(struct book *book, struct str name);
const struct definition *book_find(const struct book *book, struct str name);
bool book_is_rule_name(struct str name);

/* A mistake; and what is no mistake but has no effect here. */
void book_report(const struct book *book, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void book_notice(const struct book *book, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
