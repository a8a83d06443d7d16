/*
 * evidence: what a verdict was decided from, as JSON: kept with the message, in the journal, and
 * printed by `poterne check --json`. Texts out of mail that are no UTF-8 are shown with U+FFFD.
 */
#ifndef POTERNE_GATEWAY_EVIDENCE_H
#define POTERNE_GATEWAY_EVIDENCE_H

#include <jansson.h>

#include "gateway/verdict.h"

#define EVIDENCE_TEXT_MAX 200 /* bytes kept of a text that is no UTF-8 */

json_t *evidence_text(struct str x);
/* [{"engine", "result", "name", "version", "microseconds"}] */
json_t *evidence_antivirus(const struct av_answer *answers, size_t n);
/* {"global", "heuristics", "bayes"} */
json_t *evidence_scores(const struct verdict *verdict);

/* Both steps in one object: {"verdict", "reason", "score", "antivirus", "fingerprint", "ours",
 * "content": {…}}; no fingerprint where there is none (reports/identity.h reads it), "ours" only
 * where our own people sent it. */
int evidence_whole(const struct verdict *verdict, const struct verdict_facts *facts,
                   struct buf *out);

/* Appends the object as text and takes its reference; -1: no memory, or no room in out. */
int evidence_dump(json_t *object, struct buf *out);

#endif
