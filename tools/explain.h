/* explain: what a verdict was decided from (gateway/evidence.h), in words. */
#ifndef POTERNE_TOOLS_EXPLAIN_H
#define POTERNE_TOOLS_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

/* The steps of a verdict, a line each and one for each rule or token that weighed: at most `rows`
 * of either. Evidence that lacks something is shown without it. */
void explain_evidence(json_t *evidence, size_t rows, FILE *out);

#endif
