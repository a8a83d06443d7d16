/*
 * line: a waiting line that is fair between clients: each has a queue of its own and they take
 * turns, so that one that sends a thousand messages does not keep the others waiting. When the
 * line is full, whoever holds the most places loses the last of them, not the newcomer.
 */
#ifndef POTERNE_GATEWAY_EDGE_LINE_H
#define POTERNE_GATEWAY_EDGE_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct line_queue; /* one a client; lives in it */

struct line_place {
    struct line_place *next;
    struct line_queue *queue; /* NULL: not in the line */
};

struct line_queue {
    struct line_place *first, *last;
    size_t n;
    struct line_queue *prev, *next; /* the ring of those that wait; NULL: not in it */
};

struct line {
    struct line_queue *turn; /* who is served next */
    size_t n;
    size_t limit;
};

/* Puts `place` behind those of its queue. The line being full, another place may have to go: that
 * one, or `place` itself, is returned (it is then in no line); NULL: nobody had to. */
struct line_place *line_enter(struct line *line, struct line_queue *queue,
                              struct line_place *place);
/* The next one, or NULL. */
struct line_place *line_take(struct line *line);
/* Takes one out of the middle; fine when it is not in. */
void line_leave(struct line *line, struct line_place *place);

#endif
