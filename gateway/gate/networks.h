/* networks: a setting's list of networks, read once; whose address stands in one of them? */
#ifndef POTERNE_GATEWAY_GATE_NETWORKS_H
#define POTERNE_GATEWAY_GATE_NETWORKS_H

#include "base/conf.h"
#include "base/network.h"

struct networks {
    struct network *list;
    size_t n;
};

/* -1 with err set: out of memory, or what no setting lets in. */
int networks_load(const struct conf_list *from, struct networks *networks, struct err *err);
void networks_free(struct networks *networks);
bool networks_hold(const struct networks *networks, struct str ip);

#endif
