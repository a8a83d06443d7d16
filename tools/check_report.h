/* check_report: what `poterne check` found in one message, on standard output, as text for
 * people or as one line of JSON for programs. */
#ifndef POTERNE_TOOLS_CHECK_REPORT_H
#define POTERNE_TOOLS_CHECK_REPORT_H

#include "gateway/pipeline.h"
#include "gateway/verdict.h"

struct check_report {
    const char *path;
    const struct pipeline *pipeline;
    struct pipeline_result result; /* valid unless content_failed, as are facts */
    struct content_facts facts;
    struct av_answer answers[AV_ENGINES_MAX];
    size_t n_answers;
    bool content_failed;
    const char *failure; /* why */
    struct verdict verdict;
};

void check_report_text(const struct check_report *report);
void check_report_json(const struct check_report *report);
void check_error_json(const char *path, const char *error);

#endif
