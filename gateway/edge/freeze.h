/*
 * freeze: an account may send nothing from now on (gate/senders.h), and the managers are told at
 * once: one message for each that is frozen, FREEZE_NOTES_MAX an hour; the others are in the log
 * and in `poterne senders`. It happens in a thread, behind whatever is said to the client.
 */
#ifndef POTERNE_GATEWAY_EDGE_FREEZE_H
#define POTERNE_GATEWAY_EDGE_FREEZE_H

#include "gateway/edge/edge.h"

#define FREEZE_NOTES_MAX 20

/* `why`: "it reached a limit 100 times within an hour: …" */
void freeze_account(struct edge *edge, struct str account, struct str why);

#endif
