/*
 * answers: what the resolver answers for a message whose questions content has asked and did not
 * wait for (gateway/scan.h): they are taken here, where waiting takes no process, until the last
 * one is there, the resolver has gone, or the time is over; then content can be asked again.
 */
#ifndef POTERNE_GATEWAY_EDGE_ANSWERS_H
#define POTERNE_GATEWAY_EDGE_ANSWERS_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "gateway/resolver/known.h"

typedef void answers_done(void *data);

struct answers {
    int fd;           /* the connection to the resolver; -1: there is none */
    struct buf *came; /* the scanner's: the message under way */
    struct buf known; /* records of known.h */
    size_t large;     /* bytes of its large answers */
    size_t *all;      /* the scanner's: bytes that everybody's take */
    uint32_t open;    /* answers that are to come; 0: nobody waits */
    unsigned times;   /* that there was something to wait for */
    int64_t until;    /* clock_ms() */
    struct event readable;
    answers_done *done;
    void *data;
};

/* `came` (room for IPC_MSG_MAX) is lent; *all is kept up. */
void answers_init(struct answers *answers, struct buf *came, size_t *all, answers_done *done,
                  void *data);
/* fd, a connection to the resolver that the message's budget was said to, becomes its own. */
void answers_open(struct answers *answers, int fd);
/* Takes the new records and waits for the open answers, so many milliseconds at most: then calls
 * done, never from within. */
void answers_await(struct answers *answers, struct event_base *base, uint32_t open,
                   struct str fresh, int64_t milliseconds);
/* Ends the wait, without a call, when its time is over; true: it was. */
bool answers_late(struct answers *answers, int64_t now);
/* What is known so far, in a file in memory; the caller's. -1 with err. */
int answers_file(const struct answers *answers, struct err *err);
void answers_release(struct answers *answers);

#endif
