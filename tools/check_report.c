#include "tools/check_report.h"

#include <inttypes.h>

#include "gateway/evidence_content.h"
#include "tools/json.h"
#include "tools/tool.h"

/* --- for people --- */

static void put_rules(const struct check_report *report)
{
    const struct rules_result *rules = &report->result.rules;
    printf("  heuristics %+6.1f  = %.1f - %.1f, the sum of %zu rules\n", report->verdict.heuristics,
           report->facts.required, rules->total, rules->n_hits);
    for (size_t i = 0; i < rules->n_hits; i++) {
        const struct rule_hit *hit = &rules->hits[i];
        const char *describe = ruleset_describe(report->pipeline->rules, hit->name);
        printf("    %+6.1f  %-28s ", hit->score, hit->name);
        tool_put_text(stdout, str_of(describe ? describe : ""));
        if (hit->times > 1)
            printf(" (%u times)", hit->times);
        if (hit->text.n) {
            fputs("\n            \"", stdout);
            tool_put_text(stdout, hit->text);
            fputc('"', stdout);
        }
        fputc('\n', stdout);
    }
    for (size_t i = 0; i < rules->n_limited; i++)
        printf("       ?   %-28s ran into a limit: neither a match nor none\n", rules->limited[i]);
    if (rules->truncated)
        puts("       ?   some of the message was more than what rules look at");
}

static void put_bayes(const struct check_report *report)
{
    const struct bayes_result *bayes = &report->result.bayes;
    const struct model *model = report->pipeline->model;
    if (!bayes->used) {
        printf("  bayes         -    %s\n",
               model ? "too little was learned yet" : "no model: nothing was learned yet");
        return;
    }
    printf("  bayes      %+6.1f  probability of spam %.4f (%" PRIu64 " spam, %" PRIu64
           " ham learned, model %" PRIu64 ")\n",
           report->verdict.bayes, bayes->probability, model_spam(model), model_ham(model),
           model_generation(model));
    for (size_t i = 0; i < bayes->n_tokens; i++) {
        const struct bayes_token *token = &bayes->tokens[i];
        printf("    %.3f  %4" PRIu32 " spam %4" PRIu32 " ham  ", token->probability, token->spam,
               token->ham);
        tool_put_text(stdout, token->text);
        fputc('\n', stdout);
    }
}

static void put_antivirus(const struct check_report *report)
{
    for (size_t i = 0; i < report->n_answers; i++) {
        const struct av_answer *answer = &report->answers[i];
        printf("  antivirus  %s %s", answer->engine, av_result_name(answer->result));
        if (answer->name[0]) {
            fputs(": ", stdout);
            tool_put_text(stdout, str_of(answer->name));
        }
        fputs(" (", stdout);
        tool_put_text(stdout, str_of(answer->version));
        printf(", %.1f ms)\n", answer->microseconds / 1000.0);
    }
}

void check_report_text(const struct check_report *report)
{
    tool_put_text(stdout, str_of(report->path));
    printf(": %s", verdict_class_name(report->verdict.class));
    if (!report->content_failed)
        printf(", global score %+.1f", report->verdict.global);
    if (report->verdict.reason[0]) {
        fputs(" (", stdout);
        tool_put_text(stdout, str_of(report->verdict.reason));
        fputc(')', stdout);
    }
    fputc('\n', stdout);
    if (report->content_failed) {
        fputs("  failed     ", stdout);
        tool_put_text(stdout, str_of(report->failure));
        fputc('\n', stdout);
    }
    put_antivirus(report);
    if (report->content_failed)
        return;
    put_rules(report);
    put_bayes(report);
}

/* --- for programs --- */

static json_t *content_fields(const struct check_report *report)
{
    json_t *limited = json_array();
    for (size_t i = 0; i < report->result.rules.n_limited; i++)
        json_array_append_new(limited, json_string(report->result.rules.limited[i]));
    return json_pack("{s:o, s:o, s:b, s:o, s:s, s:I}", "rules",
                     evidence_rules(report->pipeline, &report->result.rules), "limited", limited,
                     "truncated", (int)report->result.rules.truncated, "bayes",
                     evidence_bayes(&report->result.bayes), "rules_generation",
                     ruleset_generation(report->pipeline->rules), "model_generation",
                     (json_int_t)report->facts.model_generation);
}

void check_report_json(const struct check_report *report)
{
    json_t *object = json_pack("{s:o, s:s, s:o, s:o, s:o}", "path", json_text(str_of(report->path)),
                               "verdict", verdict_class_name(report->verdict.class), "reason",
                               json_text(str_of(report->verdict.reason)), "score",
                               evidence_scores(&report->verdict), "antivirus",
                               evidence_antivirus(report->answers, report->n_answers));
    if (object && !report->content_failed)
        json_object_update_new(object, content_fields(report));
    else if (object)
        json_object_update_new(object, json_pack("{s:[], s:o}", "rules", "error",
                                                 json_text(str_of(report->failure))));
    json_line(object);
}

void check_error_json(const char *path, const char *error)
{
    json_line(json_pack("{s:o, s:o}", "path", json_text(str_of(path)), "error",
                        json_text(str_of(error))));
}
