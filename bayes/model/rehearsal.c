#include "bayes/model/rehearsal.h"

#include <stdlib.h>

#define CLASSES       2
#define CHANGES_FIRST 64u

/* Different uses of one digest. */
#define FOR_PLACE  1u
#define FOR_CHOICE 2u

struct members {
    struct rehearsal_member list[REHEARSAL_MAX];
    size_t n;
};

/* To be undone: what was in the slot, and how many there were. */
struct change {
    enum learn_class class;
    size_t slot;
    size_t n;
    struct rehearsal_member old; /* its grams are the change's; none: the slot was new */
};

struct rehearsal {
    struct members of[CLASSES];
    struct change *changes;
    size_t n_changes;
    size_t cap;
};

_Static_assert(LEARN_HAM < CLASSES && LEARN_SPAM < CLASSES, "classes count from 0");

struct rehearsal *rehearsal_new(struct err *err)
{
    struct rehearsal *rehearsal = calloc(1, sizeof *rehearsal);
    if (rehearsal == NULL)
        err_set(err, "out of memory for messages to rehearse");
    return rehearsal;
}

static void grams_free(struct rehearsal_member *member)
{
    free((void *)(uintptr_t)member->grams);
    member->grams = NULL;
}

void rehearsal_free(struct rehearsal **rehearsal)
{
    if (*rehearsal) {
        rehearsal_keep(*rehearsal);
        for (size_t c = 0; c < CLASSES; c++)
            for (size_t i = 0; i < (*rehearsal)->of[c].n; i++)
                grams_free(&(*rehearsal)->of[c].list[i]);
        free((*rehearsal)->changes);
    }
    free(*rehearsal);
    *rehearsal = NULL;
}

size_t rehearsal_size(const struct rehearsal *rehearsal, enum learn_class class)
{
    return rehearsal->of[class].n;
}

const struct rehearsal_member *rehearsal_at(const struct rehearsal *rehearsal,
                                            enum learn_class class, size_t slot)
{
    return &rehearsal->of[class].list[slot];
}

size_t rehearsal_find(const struct rehearsal *rehearsal, enum learn_class class, uint64_t digest)
{
    const struct members *members = &rehearsal->of[class];
    for (size_t i = 0; i < members->n; i++)
        if (members->list[i].digest == digest)
            return i;
    return REHEARSAL_NONE;
}

/* --- chance --- */

/* The finaliser of splitmix64 (S. Vigna). */
static uint64_t mix(uint64_t k)
{
    k += 0x9e3779b97f4a7c15u;
    k = (k ^ (k >> 30)) * 0xbf58476d1ce4e5b9u;
    k = (k ^ (k >> 27)) * 0x94d049bb133111ebu;
    return k ^ (k >> 31);
}

/* Below n. The sizes go in so that a message that comes back meets another chance. */
static size_t lot(const struct rehearsal *rehearsal, uint64_t digest, uint64_t use, size_t n)
{
    uint64_t sizes = rehearsal->of[LEARN_HAM].n * (REHEARSAL_MAX + 1) + rehearsal->of[LEARN_SPAM].n;
    return (size_t)(mix(digest ^ mix(sizes * 4 + use)) % n);
}

size_t rehearsal_place(const struct rehearsal *rehearsal, enum learn_class class, uint64_t digest)
{
    size_t n = rehearsal->of[class].n;
    return n < REHEARSAL_MAX ? n : lot(rehearsal, digest, FOR_PLACE, REHEARSAL_MAX);
}

const struct rehearsal_member *rehearsal_choose(const struct rehearsal *rehearsal,
                                                enum learn_class class, uint64_t digest)
{
    const struct members *members = &rehearsal->of[rehearsal_other(class)];
    if (members->n == 0)
        return NULL;
    return &members->list[lot(rehearsal, digest, FOR_CHOICE, members->n)];
}

/* --- changes --- */

static struct change *change_add(struct rehearsal *rehearsal, enum learn_class class, size_t slot,
                                 struct err *err)
{
    if (rehearsal->n_changes == rehearsal->cap) {
        size_t cap = rehearsal->cap ? rehearsal->cap * 2 : CHANGES_FIRST;
        struct change *changes = realloc(rehearsal->changes, cap * sizeof *changes);
        if (changes == NULL) {
            err_set(err, "out of memory for %zu changes of what is rehearsed", cap);
            return NULL;
        }
        rehearsal->changes = changes;
        rehearsal->cap = cap;
    }
    struct change *change = &rehearsal->changes[rehearsal->n_changes++];
    *change = (struct change){.class = class, .slot = slot, .n = rehearsal->of[class].n};
    if (slot < change->n)
        change->old = rehearsal->of[class].list[slot];
    return change;
}

int rehearsal_put(struct rehearsal *rehearsal, enum learn_class class, size_t slot,
                  const struct rehearsal_member *member, struct err *err)
{
    struct members *members = &rehearsal->of[class];
    uint32_t *grams = malloc((member->n + 1) * sizeof grams[0]);
    if (grams == NULL)
        return err_set(err, "out of memory for a message to rehearse");
    if (change_add(rehearsal, class, slot, err) == NULL) {
        free(grams);
        return -1;
    }
    if (member->n)
        memcpy(grams, member->grams, member->n * sizeof grams[0]);
    members->list[slot] = (struct rehearsal_member){member->digest, grams, member->n};
    members->n += slot == members->n;
    return 0; // cppcheck-suppress memleak ; they are the member's
}

int rehearsal_remove(struct rehearsal *rehearsal, enum learn_class class, size_t slot,
                     struct err *err)
{
    struct members *members = &rehearsal->of[class];
    if (change_add(rehearsal, class, slot, err) == NULL)
        return -1;
    members->n--;
    members->list[slot] = members->list[members->n];
    return 0;
}

size_t rehearsal_changes(const struct rehearsal *rehearsal)
{
    return rehearsal->n_changes;
}

void rehearsal_keep(struct rehearsal *rehearsal)
{
    for (size_t i = 0; i < rehearsal->n_changes; i++)
        grams_free(&rehearsal->changes[i].old);
    rehearsal->n_changes = 0;
}

static void change_undo(struct rehearsal *rehearsal, const struct change *change)
{
    struct members *members = &rehearsal->of[change->class];
    if (members->n < change->n) /* removed: what moved into its slot goes back to the end */
        members->list[members->n] = members->list[change->slot];
    else
        grams_free(&members->list[change->slot]);
    if (change->slot < change->n)
        members->list[change->slot] = change->old;
    members->n = change->n;
}

void rehearsal_undo(struct rehearsal *rehearsal)
{
    while (rehearsal->n_changes)
        change_undo(rehearsal, &rehearsal->changes[--rehearsal->n_changes]);
}
