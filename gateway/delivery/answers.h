/*
 * answers: what is said to who asks over the service socket (service.c). That an order was carried
 * out is said when its record is on the disk: the answer waits for that together with all that came
 * while the disk was busy, and one sync is for all of them. What is asked over one connection is
 * answered in that order, so what waits for no disk may stand behind what does.
 *
 * A thread of its own syncs: Maildirs that hang hold up no answer.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_ANSWERS_H
#define POTERNE_GATEWAY_DELIVERY_ANSWERS_H

#include "base/str.h"
#include "spool/spool.h"

/* Files that are fsync'd one by one; of more the whole file system is (syncfs), which waits for
 * whatever others have written there, too. */
#define ANSWERS_FILES 8

struct event_base;
struct answers;

/* Whom: `visit` tells those apart that had the same place one after another. */
struct answer_to {
    size_t place;
    uint64_t visit;
};

struct answer {
    bool done; /* or refused */
    struct str text;
    bool written; /* what it says was done is in a file, which is to be on the disk before */
    int fd;       /* that file; -1: it could not be kept open */
};

/* In the loop. Whoever it is for may have gone. */
typedef void answers_say(void *data, struct answer_to to, bool done, struct str text);

/* NULL with err set. Call it in the sandbox (gateway/client/workers.h). */
struct answers *answers_start(struct event_base *base, struct spool *spool, answers_say *say,
                              void *data, struct err *err);
/* All of them are said first. */
void answers_stop(struct answers **answers);
/* It is said later, in its turn; answer->fd is closed. -1: never, there is no memory. */
int answers_add(struct answers *answers, struct answer_to to, const struct answer *answer,
                struct err *err);
/* Those that wait set out, unless others are under way: then they do when these are done. */
void answers_go(struct answers *answers);

#endif
