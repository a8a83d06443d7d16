/* explain: what a verdict was decided from (gateway/evidence.h), in words on standard output. */
#ifndef POTERNE_TOOLS_EXPLAIN_H
#define POTERNE_TOOLS_EXPLAIN_H

#include <jansson.h>

enum explain_size {
    EXPLAIN_SHORT, /* a line for each step, with what weighed most */
    EXPLAIN_WHOLE  /* each rule with its text, each token */
};

/* Evidence that lacks something is shown without it; none at all: nothing. */
void explain_evidence(json_t *evidence, enum explain_size size);

#endif
