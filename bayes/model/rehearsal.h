/*
 * rehearsal: messages that were learned and are shown to the regression again, so that a run of
 * one class does not make it forget the other: after each lesson, one of the other class takes its
 * step once more (A. Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", Connection
 * Science 7(2), 1995). Of each class a bounded number is kept, each replaced by chance; chance
 * comes from the message's digest, so that the order of messages decides and nothing else.
 *
 * Changes are remembered until rehearsal_keep() or rehearsal_undo(), as those of a transaction.
 */
#ifndef POTERNE_BAYES_MODEL_REHEARSAL_H
#define POTERNE_BAYES_MODEL_REHEARSAL_H

#include "bayes/learn/learn.h"
#include "bayes/model/regression.h"

#define REHEARSAL_MAX  1000 /* members of each class: at most 28 MB of both */
#define REHEARSAL_NONE SIZE_MAX

struct rehearsal_member {
    uint64_t digest;
    const uint32_t *grams; /* rising, each once, below GRAM_WEIGHTS */
    size_t n;
};

struct rehearsal;

struct rehearsal *rehearsal_new(struct err *err);
void rehearsal_free(struct rehearsal **rehearsal);

/* Members are in slots 0 … size - 1. class: LEARN_HAM or LEARN_SPAM, here and below. */
size_t rehearsal_size(const struct rehearsal *rehearsal, enum learn_class class);
/* Valid until the next change. */
const struct rehearsal_member *rehearsal_at(const struct rehearsal *rehearsal,
                                            enum learn_class class, size_t slot);
/* The slot of a member, or REHEARSAL_NONE. */
size_t rehearsal_find(const struct rehearsal *rehearsal, enum learn_class class, uint64_t digest);

/* Where a message goes that was just learned: a new slot, or that of a member that leaves. */
size_t rehearsal_place(const struct rehearsal *rehearsal, enum learn_class class, uint64_t digest);
/* slot: at most the size. The grams are copied. */
int rehearsal_put(struct rehearsal *rehearsal, enum learn_class class, size_t slot,
                  const struct rehearsal_member *member, struct err *err);
/* The last member moves into the slot. */
int rehearsal_remove(struct rehearsal *rehearsal, enum learn_class class, size_t slot,
                     struct err *err);

/* Whom a message of that class has rehearsed: one of the other class; NULL when there is none. */
const struct rehearsal_member *rehearsal_choose(const struct rehearsal *rehearsal,
                                                enum learn_class class, uint64_t digest);

static inline enum learn_class rehearsal_other(enum learn_class class)
{
    return class == LEARN_SPAM ? LEARN_HAM : LEARN_SPAM;
}

/* Changes since the last of these two. */
size_t rehearsal_changes(const struct rehearsal *rehearsal);
void rehearsal_keep(struct rehearsal *rehearsal);
void rehearsal_undo(struct rehearsal *rehearsal);

#endif
