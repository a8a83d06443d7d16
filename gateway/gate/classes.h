/*
 * classes: from which kind of network does a client come? The settings name the networks of our
 * webmail servers, of private relays (servers that pass on the mail of a department or a machine
 * room) and of our own people; everybody else is outside. An address in several lists is of the
 * first of them in that order, so that a webmail server within `inside` is the webmail.
 *
 * A class says how much may be sent from there (windows.h) and who is asked for a second factor.
 * Whose mail is our own, to be signed, is ours.h's question: gate.inside alone.
 */
#ifndef POTERNE_GATEWAY_GATE_CLASSES_H
#define POTERNE_GATEWAY_GATE_CLASSES_H

#include "gateway/gate/networks.h"

enum network_class { CLASS_WEBMAIL, CLASS_RELAY, CLASS_INSIDE, CLASS_OUTSIDE };
#define NETWORK_CLASSES 4

struct classes {
    struct networks of[CLASS_OUTSIDE]; /* by enum network_class; what none holds is outside */
};

/* -1 with err set: out of memory. */
int classes_load(const struct conf_gate *conf, struct classes *classes, struct err *err);
void classes_free(struct classes *classes);
/* Of an address that is not known ("unknown"): outside. */
enum network_class classes_find(const struct classes *classes, struct str ip);
/* "webmail", "relay", "inside", "outside" */
const char *network_class_name(enum network_class network_class);

#endif
