/* rules hits: what the rules find in messages, and the text that each matched. */
#include "tools/files.h"
#include "tools/json.h"
#include "tools/rules_tool.h"

static void put_json(const struct rules_tool *tool, const char *path,
                     const struct rules_result *result)
{
    json_t *rules = json_array(), *limited = json_array();
    for (size_t i = 0; i < result->n_hits; i++) {
        const struct rule_hit *hit = &result->hits[i];
        const char *describe = ruleset_describe(tool->job.set, hit->name);
        json_array_append_new(rules, json_pack("{s:s, s:f, s:i, s:o, s:o}", "name", hit->name,
                                               "score", hit->score, "times", (int)hit->times,
                                               "text", json_text(hit->text), "describe",
                                               json_text(str_of(describe))));
    }
    for (size_t i = 0; i < result->n_limited; i++)
        json_array_append_new(limited, json_string(result->limited[i]));
    json_line(json_pack("{s:o, s:f, s:b, s:b, s:o, s:o}", "path", json_text(str_of(path)), "score",
                        result->total, "spam", result->total >= tool->job.required, "truncated",
                        result->truncated, "rules", rules, "limited", limited));
}

static void put_hit(const struct rules_tool *tool, const struct rule_hit *hit)
{
    const char *describe = ruleset_describe(tool->job.set, hit->name);
    printf("  %+7.3f  %s", hit->score, hit->name);
    if (hit->times > 1)
        printf(" (%u times)", hit->times);
    if (describe && *describe) {
        fputs("  ", stdout);
        tool_put_text(stdout, str_of(describe));
    }
    if (hit->text.n) {
        fputs("\n             \"", stdout);
        tool_put_text(stdout, hit->text);
        putchar('"');
    }
    putchar('\n');
}

static void put_text(const struct rules_tool *tool, const char *path,
                     const struct rules_result *result)
{
    printf("%s: %.3f, %s at %.1f\n", path, result->total,
           result->total >= tool->job.required ? "spam" : "not spam", tool->job.required);
    for (size_t i = 0; i < result->n_hits; i++)
        put_hit(tool, &result->hits[i]);
    for (size_t i = 0; i < result->n_limited; i++)
        printf("        ?  %s ran into a limit: neither a match nor none\n", result->limited[i]);
    if (result->truncated)
        puts("        ?  some text was longer than what rules look at");
}

static void look(struct rules_tool *tool, const char *path)
{
    struct rules_result result;
    struct err err = {""};
    if (rules_job_run(&tool->job, path, true, &result, &err) < 0) {
        if (tool->json)
            json_line(json_pack("{s:o, s:o}", "path", json_text(str_of(path)), "error",
                                json_text(str_of(err.text))));
        rules_tool_worse(tool, tool_fail("rules", &err));
    } else if (tool->json) {
        put_json(tool, path, &result);
    } else {
        put_text(tool, path, &result);
    }
}

int rules_hits(struct rules_tool *tool, struct err *err)
{
    struct file_list files = {0};
    int result = rules_job_load(&tool->job, err);
    for (size_t i = 0; result == 0 && i < tool->n_rest; i++)
        result = file_list_add(&files, tool->rest[i], FILES_ALL, err);
    for (size_t i = 0; result == 0 && i < files.n; i++)
        look(tool, files.paths[i]);
    file_list_free(&files);
    return result;
}
