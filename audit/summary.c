#include "audit/summary.h"

#include <inttypes.h>

void audit_summary_put(struct buf *out, const struct audit_result *result)
{
    const struct audit_sums *sums = &result->sums;
    buf_addf(out,
             "{\"messages\":%" PRIu64 ",\"recipients\":%" PRIu64 ",\"unrecorded\":%" PRIu64
             ",\"closed\":%" PRIu64,
             result->messages, sums->recipients, result->unrecorded, result->closed);
    for (int i = 0; i < AUDIT_CLASSES; i++)
        buf_addf(out, "%s\"%s\":%" PRIu64, i ? "," : ",\"classes\":{",
                 audit_class_name((enum audit_class)i), sums->classes[i]);
    for (int i = 0; i < FINDING_KINDS; i++)
        buf_addf(out, "%s\"%s\":%" PRIu64, i ? "," : "},\"findings\":{",
                 finding_name((enum finding_kind)i), sums->kinds[i]);
    buf_add(out, STR("}}"));
}
