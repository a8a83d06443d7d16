/* rules list: a line for each rule. */
#include "rules/compile.h"
#include "rules/language/globs.h"
#include "tools/json.h"
#include "tools/rules_tool.h"

static void put_json(const struct rules_tool *tool, const struct definition *rule, bool runs)
{
    json_line(json_pack("{s:o, s:s, s:s, s:i, s:f, s:b, s:o}", "name", json_text(rule->name),
                        "kind", rules_kind_name(rule), "file", rule->file, "line", (int)rule->line,
                        "score", compile_score(tool->book, rule), "runs", runs, "describe",
                        json_text(rule->describe)));
}

static void put_text(const struct rules_tool *tool, const struct definition *rule)
{
    if (str_starts(rule->name, STR("__")))
        printf("%8s", "");
    else
        printf("%+8.3f", compile_score(tool->book, rule));
    printf("  %-10s  %-36.*s  %s:%u\n", rules_kind_name(rule), STR_ARG(rule->name), rule->file,
           rule->line);
}

int rules_list(struct rules_tool *tool, struct err *err)
{
    size_t shown = 0;
    if (rules_tool_read(tool, err) < 0 || rules_tool_find_live(tool, err) < 0)
        return -1;
    struct str pattern = tool->n_rest ? str_of(tool->rest[0]) : STR("*");
    for (size_t i = 0; i < tool->book->n; i++) {
        const struct definition *rule = &tool->book->list[i];
        bool runs = tool->live[i];
        if (rule->kind == RULE_NONE || !glob_fits(pattern, rule->name) ||
            (!runs && !tool->job.options.all))
            continue;
        shown++;
        if (tool->json)
            put_json(tool, rule, runs);
        else
            put_text(tool, rule);
    }
    if (shown == 0) {
        err_set(err, "no rule that is run fits %.*s; with --all the others are looked through too",
                STR_ARG(pattern));
        tool_fail("rules", err);
        rules_tool_worse(tool, TOOL_NO);
    }
    return 0;
}
