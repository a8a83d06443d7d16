/* policy_syntax: one line of the file policy (policy.h) into a rule. */
#ifndef POTERNE_ANTIVIRUS_FILES_POLICY_SYNTAX_H
#define POTERNE_ANTIVIRUS_FILES_POLICY_SYNTAX_H

#include "antivirus/files/policy.h"
#include "base/pool.h"

enum rule_place { PLACE_ANYWHERE, PLACE_INSIDE, PLACE_OUTSIDE };

struct words {
    const char **items;
    size_t n;
};

struct rule {
    enum policy_action action;
    unsigned line;
    struct words extensions; /* lower case; n == 0: not asked for */
    struct words names;      /* patterns of fnmatch(3) */
    kind_set kinds;          /* 0: not asked for */
    enum rule_place place;
    bool disguised;
    bool mismatch;
};

/* 1: a rule, whose texts live in the pool; 0: nothing but a remark; -1: err says what is wrong. */
int policy_syntax_line(struct pool *pool, struct str line, struct rule *rule, struct err *err);

#endif
