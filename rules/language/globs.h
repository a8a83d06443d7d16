/*
 * globs: lists of texts with '*' (any bytes) and '?' (one byte), as addresses are written in rule
 * files. Globs and what is compared with them must be in lower case already. A list lives in a
 * pool, as do the globs that are put into it.
 */
#ifndef POTERNE_RULES_LANGUAGE_GLOBS_H
#define POTERNE_RULES_LANGUAGE_GLOBS_H

#include "rules/language/names.h"

#define GLOBS_MAX       200000 /* in one list */
#define GLOB_DOMAIN_MAX 255    /* bytes */

/* The work is at most the product of both lengths. */
bool glob_fits(struct str glob, struct str text);
/* For domains: a '*' never stands for a dot. False for a glob longer than GLOB_DOMAIN_MAX. */
bool glob_fits_domain(struct str glob, struct str text);

struct globs {
    struct names whole;    /* those without '*' and '?' */
    struct str *with_star; /* .s NULL: taken off again */
    size_t n, cap;
};

/* False when the pool is used up or there are too many. */
bool globs_add(struct globs *globs, struct pool *pool, struct str glob);
/* Takes off what was written exactly so. */
void globs_remove(struct globs *globs, struct str glob);
bool globs_have(const struct globs *globs, struct str text);

#endif
