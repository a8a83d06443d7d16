/*
 * room: is there room on the disk for one more message? A reserve (queue.free_space_min,
 * queue.free_files_min) is kept for what is already here: marks, bounces, the journal. What would
 * cut into it is not begun (452 4.3.1 at MAIL); what is under way may take half of it and is ended
 * there. It is looked at once a second, and each ROOM_LOOK_BYTES that messages bring.
 */
#ifndef POTERNE_GATEWAY_EDGE_ROOM_H
#define POTERNE_GATEWAY_EDGE_ROOM_H

#include "base/conf.h"
#include "spool/spool.h"

#define ROOM_LOOK_BYTES (1024 * 1024)

/* Zeros: all is well. */
struct room {
    uint64_t left;  /* bytes above the reserve */
    bool known;     /* it could be asked for */
    bool low;       /* the reserve is touched: nothing is begun */
    bool last;      /* half of it is gone: nothing goes on */
    uint64_t taken; /* bytes that were brought since the last look */
};

/* Logs when something changes. */
void room_look(struct room *room, struct spool *spool, const struct conf *conf);
/* May a message of so many bytes begin (0: nobody knows)? */
bool room_for(const struct room *room, uint64_t bytes);
/* So many bytes of a message come: false, it has to end. */
bool room_goes_on(struct room *room, struct spool *spool, const struct conf *conf, size_t bytes);

#endif
