/*
 * learn_hold: nothing changes in the learner's folder for a while, so that it can be copied
 * (LEARN_HOLD). What is there then is what a learner that is killed leaves behind, which the next
 * one opens. Whoever wants to teach meanwhile waits.
 *
 * The learner lets go after LEARN_HOLD_SECONDS without a word: say learn_hold_keep() now and then,
 * and once behind the last file. Where no learner runs, or one can't start, its lock is taken
 * instead; one that hangs has it, and is told as an error.
 */
#ifndef POTERNE_BAYES_LEARN_LEARN_HOLD_H
#define POTERNE_BAYES_LEARN_LEARN_HOLD_H

#include "base/conf.h"
#include "bayes/learn/learn.h"

struct learn_hold {
    int fd;      /* to the learner; -1: none runs */
    int lock_fd; /* -1: one does */
    uint64_t number;
};

int learn_hold_begin(const struct conf *conf, struct learn_hold *hold, struct err *err);
/* -1: the folder may have changed since the last time. */
int learn_hold_keep(struct learn_hold *hold, struct err *err);
void learn_hold_end(struct learn_hold *hold);

#endif
