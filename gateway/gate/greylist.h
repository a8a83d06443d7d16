/*
 * greylist: the first mail of a sender to a recipient from a network is put off; a mail server
 * comes again, and what came again in time lets its network in from then on. The network, not the
 * address, since big senders try again from another machine of theirs. Off unless gate.greylist.
 */
#ifndef POTERNE_GATEWAY_GATE_GREYLIST_H
#define POTERNE_GATEWAY_GATE_GREYLIST_H

#include "base/conf.h"
#include "gateway/gate/table.h"

#define GREYLIST_TABLE          "greylist" /* who waits: network, sender, recipient */
#define GREYLIST_ENTRIES        131072
#define GREYLIST_PASSED_TABLE   "passed" /* networks that came again */
#define GREYLIST_PASSED_ENTRIES 32768

struct greylist {
    struct gate_table *waiting, *passed;
};

/* Opens both tables. -1: out of memory. */
int greylist_open(struct greylist *list, const char *state_dir, struct err *err);
void greylist_close(struct greylist *list);

/* 0: let it in; else the seconds that it still has to wait. */
unsigned greylist_ask(struct greylist *list, const struct conf_gate *conf,
                      const struct gate_key *network, struct str sender, struct str recipient,
                      uint32_t now);

#endif
