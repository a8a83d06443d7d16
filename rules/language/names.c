#include "rules/language/names.h"

#define NAMES_CAP_FIRST 256

static size_t slot_of(const struct names *names, struct str name)
{
    size_t i = (size_t)str_hash(name) & (names->cap - 1);
    while (names->slots[i].name.s && !str_eq(names->slots[i].name, name))
        i = (i + 1) & (names->cap - 1);
    return i;
}

uint32_t names_find(const struct names *names, struct str name)
{
    if (names->n == 0)
        return NAMES_NONE;
    const struct names_entry *e = &names->slots[slot_of(names, name)];
    return e->name.s ? e->number : NAMES_NONE;
}

static bool grow(struct names *names, struct pool *pool)
{
    struct names bigger = {.cap = names->cap ? names->cap * 2 : NAMES_CAP_FIRST, .n = names->n};
    bigger.slots = POOL_ARRAY(pool, bigger.cap, struct names_entry);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < names->cap; i++) {
        if (names->slots[i].name.s)
            bigger.slots[slot_of(&bigger, names->slots[i].name)] = names->slots[i];
    }
    *names = bigger;
    return true;
}

bool names_add(struct names *names, struct pool *pool, struct str name, uint32_t number)
{
    if (names->n * 2 >= names->cap && !grow(names, pool))
        return false;
    names->slots[slot_of(names, name)] = (struct names_entry){name, number};
    names->n++;
    return true;
}

/* A removed name keeps its slot, with the number that names_find() gives for names not there. */
bool names_put(struct names *names, struct pool *pool, struct str name, uint32_t number)
{
    struct names_entry *e = names->n ? &names->slots[slot_of(names, name)] : NULL;
    if (e == NULL || e->name.s == NULL)
        return names_add(names, pool, name, number);
    e->number = number;
    return true;
}

void names_remove(struct names *names, struct str name)
{
    struct names_entry *e = names->n ? &names->slots[slot_of(names, name)] : NULL;
    if (e && e->name.s)
        e->number = NAMES_NONE;
}
