/*
 * names: from a name to its number, for rules and settings. Names are case-sensitive, as rule
 * names are; they are not copied and must outlive the table. The table lives in a pool.
 */
#ifndef POTERNE_RULES_NAMES_H
#define POTERNE_RULES_NAMES_H

#include "base/pool.h"

struct names_entry {
    struct str name;
    uint32_t number;
};

struct names {
    struct names_entry *slots; /* open addressing; an empty slot has name.s NULL */
    size_t cap;                /* a power of two */
    size_t n;
};

#define NAMES_NONE UINT32_MAX

uint32_t names_find(const struct names *names, struct str name);
/* Adds a name that is not there yet; false when the pool is used up. */
bool names_add(struct names *names, struct pool *pool, struct str name, uint32_t number);
/* Adds the name, or gives it another number. */
bool names_put(struct names *names, struct pool *pool, struct str name, uint32_t number);
/* Nothing happens when it is not there. */
void names_remove(struct names *names, struct str name);

#endif
