/*
 * line: who has the next turn at a next hop. In one line each sender has a flow of his own, and the
 * flows take turns, one message each (round robin; a message is one transaction of at most
 * CLIENT_RECIPIENTS_MAX recipients): who has sent ten thousand delays who sends one by one message,
 * or by as many as there are senders. What is new and what was tried before stand apart; where both
 * wait, one of the second goes behind LINE_NEW_IN_A_ROW of the first, so that neither waits for the
 * other.
 *
 *   new      flow ─► flow ─► flow ─┐      in a flow: first come, first served
 *             ▲      whose turn    │
 *             └────────────────────┘
 *   retries  likewise
 *
 * Every operation takes the same time however long the line is. Pure: it knows neither messages nor
 * hops; what stands in a line has a struct line_place in it. There are as many flows as senders who
 * wait; beyond LINE_FLOWS_MAX in one line, and without memory, senders share one.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_LINE_H
#define POTERNE_GATEWAY_DELIVERY_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_FLOWS_MAX    4096 /* in one line */
#define LINE_NEW_IN_A_ROW 4

enum line_class { LINE_NEW, LINE_RETRY, LINE_CLASSES };

struct flow;

/* In one line at most; zeros: in none. */
struct line_place {
    struct flow *flow;
    struct line_place *before, *behind; /* in the flow */
    struct line_place *above, *below;   /* in the order in which they are looked at */
};

/* One sender's, in one line. */
struct flow {
    struct line *line;
    uint64_t sender;
    enum line_class class;
    struct line_place *first, *last;
    struct flow *before, *behind; /* the ring */
    struct flow *same_hash;
};

/* All flows of all lines; zeros: none. */
struct flows {
    struct flow **slots;
    size_t n_slots; /* power of two */
    size_t n;
};

struct line {
    struct flows *flows;
    struct flow *turn[LINE_CLASSES];  /* whose it is; NULL: nobody waits */
    struct flow others[LINE_CLASSES]; /* of who has none of his own */
    struct line_place *top, *bottom;  /* of those that are looked at */
    size_t n;
    size_t n_flows;
    unsigned in_a_row; /* new ones taken since the last retry, while retries waited */
};

/* flows must outlive it; so must the place in memory: it is not to be moved. */
void line_init(struct line *line, struct flows *flows);
/* `sender` is a keyed hash: nobody can choose whose flow he shares. In front: it has the next turn.
 */
void line_put(struct line *line, struct line_place *place, uint64_t sender, enum line_class class,
              bool in_front);
/* It must be in the line. */
void line_leave(struct line *line, struct line_place *place);
/* The one whose turn it is, which leaves the line; NULL: nobody waits. */
struct line_place *line_take(struct line *line);
/* Who was not looked at for longest, and is now; he keeps his place. NULL: nobody waits. */
struct line_place *line_look(struct line *line);
/* No flow may be left. */
void flows_free(struct flows *flows);

#endif
