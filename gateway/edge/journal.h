/*
 * journal: tells the journal who was turned away, and of each 250 before it is said
 * (journal/event.h, which has why that is not waited for). What is kept while the journal is away
 * is bounded, refusals by half of it, and mail never waits for it: what finds no room, or was not
 * acknowledged when edge ends, is counted and logged.
 */
#ifndef POTERNE_GATEWAY_EDGE_JOURNAL_H
#define POTERNE_GATEWAY_EDGE_JOURNAL_H

#include "gateway/smtp/smtp.h"
#include "spool/spool.h"

struct event_base;
struct edge_journal;

struct edge_journal *edge_journal_open(struct event_base *base, const char *run_dir,
                                       struct err *err);
void edge_journal_close(struct edge_journal **journal);

/* Who was turned away: the session, and the message if there was one already. */
struct edge_refused {
    const struct smtp_refusal *refusal;
    struct str session; /* groups the refusals of one session */
    struct str ip, helo;
    struct str id;
    struct str evidence;
};

void edge_journal_refused(struct edge_journal *journal, const struct edge_refused *refused);
/* It is committed, and 250 is about to be said. */
void edge_journal_accepted(struct edge_journal *journal, const struct envelope *envelope,
                           uint64_t size, bool held);
/* How many events the journal has not yet acknowledged. */
size_t edge_journal_waiting(const struct edge_journal *journal);
/* Once a second. */
void edge_journal_tick(struct edge_journal *journal);

#endif
