/*
 * greylist: the first mail of a sender to a recipient from a network is put off; a mail server
 * comes again, and what came again in time lets its network in from then on. The network, not the
 * address, since big senders try again from another machine of theirs. Off unless gate.greylist.
 *
 * Spared is whose mail was lately judged right more often than spam: a domain from a network, or
 * from wherever SPF says that it sends. What SPF vouches for waits, and comes again, as its domain:
 * any machine of a pool may bring the second try, and lets all of them in.
 */
#ifndef POTERNE_GATEWAY_GATE_GREYLIST_H
#define POTERNE_GATEWAY_GATE_GREYLIST_H

#include "base/conf.h"
#include "gateway/gate/table.h"

#define GREYLIST_TABLE          "greylist" /* who waits: network or domain, sender, recipient */
#define GREYLIST_ENTRIES        131072
#define GREYLIST_PASSED_TABLE   "passed" /* networks that came again */
#define GREYLIST_PASSED_ENTRIES 32768
#define GREYLIST_KNOWN_TABLE    "known" /* domains whose mail was judged right, or came again */
#define GREYLIST_KNOWN_ENTRIES  65536

/* Judgements of one sender; above it the older ones count half. */
#define GREYLIST_JUDGEMENTS_MAX 64

struct greylist {
    struct gate_table *waiting, *passed, *known;
};

/* Opens the tables. -1: out of memory. */
int greylist_open(struct greylist *list, const char *state_dir, struct err *err);
void greylist_close(struct greylist *list);

/* A domain that sends from a network; `network` NULL: SPF vouches for whoever it is, and a
 * subdomain is its organization (by the public suffix list). */
struct gate_key greylist_sender(const struct gate_key *network, struct str domain);

/* Is that network, or that sender, let in without having to come again? */
bool greylist_passed(struct greylist *list, const struct conf_gate *conf,
                     const struct gate_key *network, uint32_t now);
bool greylist_knows(struct greylist *list, const struct conf_gate *conf,
                    const struct gate_key *sender, uint32_t now);
/* Its mail was accepted, and judged right or to be spam. */
void greylist_judged(struct greylist *list, const struct gate_key *sender, bool right,
                     uint32_t now);

/* Who it is that brings something. */
struct greylist_client {
    const struct gate_key *network;
    const struct gate_key *vouched; /* greylist_sender() without a network; NULL: nobody vouches */
};
/* 0: let it in; else the seconds that it still has to wait. */
unsigned greylist_ask(struct greylist *list, const struct conf_gate *conf,
                      const struct greylist_client *client, struct str sender, struct str recipient,
                      uint32_t now);

#endif
