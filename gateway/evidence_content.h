/* evidence_content: the content step's part of the evidence (gateway/evidence.h). */
#ifndef POTERNE_GATEWAY_EVIDENCE_CONTENT_H
#define POTERNE_GATEWAY_EVIDENCE_CONTENT_H

#include "gateway/evidence.h"
#include "gateway/pipeline.h"

/* [{"name", "score", "text", "times", "describe"}] */
json_t *evidence_rules(const struct pipeline *pipeline, const struct rules_result *rules);
/* {"used", "probability", "tokens": [{"text", "probability", "spam", "ham"}]} */
json_t *evidence_bayes(const struct bayes_result *bayes);

/* {"rules", "limited", "bayes", "dkim", "rules_generation", "model_generation", "truncated"}, cut
 * down to what fits into SCAN_EVIDENCE_MAX. Fails only without memory. */
int evidence_content(const struct pipeline *pipeline, const struct pipeline_result *result,
                     struct buf *out);

#endif
