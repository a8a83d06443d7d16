/*
 * room: is there room on the disk for one more message? A reserve (queue.free_space_min,
 * queue.free_files_min) is kept for what is already here: marks, bounces, the journal. What would
 * cut into it is not begun (452 4.3.1 at MAIL); what is under way may take half of it and is ended
 * there. Where the journal has a disk of its own, a reserve of the same size is kept on that: below
 * it nothing is begun. What is under way goes on, since a message is little in the journal.
 * It is looked at once a second, and each ROOM_LOOK_BYTES that messages bring.
 */
#ifndef POTERNE_GATEWAY_EDGE_ROOM_H
#define POTERNE_GATEWAY_EDGE_ROOM_H

#include "base/conf.h"
#include "spool/spool.h"

#define ROOM_LOOK_BYTES (1024 * 1024)

struct room_disk {
    bool known; /* it could be asked for */
    bool low;   /* the reserve is touched: nothing is begun */
    bool last;  /* half of it is gone: of the spool's, nothing goes on */
};

struct room {
    struct room_disk spool, journal;
    int journal_fd; /* its folder, where it has a disk of its own; -1: it has none */
    uint64_t left;  /* bytes above the reserve, beside the spool */
    uint64_t taken; /* … that were brought since the last look */
};

/* All is well, until it is looked at. Before the sandbox; the journal's folder need not be there.
 */
void room_open(struct room *room, const struct conf *conf);
void room_close(struct room *room);
/* Logs when something changes. */
void room_look(struct room *room, struct spool *spool, const struct conf *conf);
/* May a message of so many bytes begin (0: nobody knows)? */
bool room_for(const struct room *room, uint64_t bytes);
/* So many bytes of a message come: false, it has to end. */
bool room_goes_on(struct room *room, struct spool *spool, const struct conf *conf, size_t bytes);

/* May what is refused be told to the journal? Else it would take what the deliveries need. */
bool room_for_refusals(const struct room *room);

#endif
