/*
 * freeze: an account may send nothing from now on, and the managers are told (gateway/freeze.h). It
 * happens in a thread, behind whatever is said to the client.
 */
#ifndef POTERNE_GATEWAY_EDGE_FREEZE_H
#define POTERNE_GATEWAY_EDGE_FREEZE_H

#include "gateway/edge/edge.h"

/* `why`: "it reached a limit 100 times within an hour: …" */
void freeze_account(struct edge *edge, struct str account, struct str why);

#endif
