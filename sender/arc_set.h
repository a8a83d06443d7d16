/*
 * arc_set: the fields of an ARC chain, brought into their order (RFC 8617 4, 5.2 steps 1 to 3).
 */
#ifndef POTERNE_SENDER_ARC_SET_H
#define POTERNE_SENDER_ARC_SET_H

#include "sender/arc.h"

enum arc_field { ARC_RESULTS, ARC_SIGNATURE, ARC_SEAL, ARC_FIELDS };

struct arc_set {
    struct str field[ARC_FIELDS]; /* whole, without the final line end; empty: not there */
    struct str value[ARC_FIELDS]; /* behind the colon; of ARC_RESULTS also behind i=…; */
};

struct arc_sets {
    struct arc_set list[ARC_SETS_MAX]; /* list[0] is instance 1 */
    unsigned n;                        /* the highest instance */
};

/* NULL: all of it is well-formed, or there is none (n is 0); else what is wrong. */
const char *arc_sets_read(struct str raw, struct arc_sets *sets);

#endif
