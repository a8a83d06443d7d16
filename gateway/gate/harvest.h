/*
 * harvest: who tries addresses to see which exist. Counts what clients of a network ask for: from
 * half of gate.harvest_limit unknown recipients on its answers take longer, from the limit on its
 * recipients get 451 for gate.harvest_pause. A network that knows more recipients than it guesses
 * is a mail server with an old list: it is left alone.
 */
#ifndef POTERNE_GATEWAY_GATE_HARVEST_H
#define POTERNE_GATEWAY_GATE_HARVEST_H

#include "base/conf.h"
#include "gateway/gate/table.h"

#define HARVEST_TABLE   "harvest"
#define HARVEST_ENTRIES 32768 /* 40 bytes each */

enum harvest { HARVEST_NONE, HARVEST_SLOW, HARVEST_REFUSED };

/* What its next recipient gets. */
enum harvest harvest_ask(struct gate_table *table, const struct conf_gate *conf,
                         const struct gate_key *network, uint32_t now);
/* A recipient was looked up. True: the network is refused from now on. */
bool harvest_note(struct gate_table *table, const struct conf_gate *conf,
                  const struct gate_key *network, bool known, uint32_t now);

#endif
