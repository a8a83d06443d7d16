/* rules test: runs what rule files say of their own rules: "test NAME ok|fail TEXT". */
#include "rules/compile.h"
#include "tools/json.h"
#include "tools/rules_tool.h"

#define MADE_MAX ((size_t)1024 * 1024)

struct examples {
    struct rules_tool *tool;
    struct buf made; /* a message for one example */
    size_t tried, wrong, not_run;
};

/*
 * The text stands where the rule looks: in its header field, or in the body. A rule that looks at
 * several fields at once gets the first of them.
 */
static void make_message(struct buf *made, const struct definition *rule, struct str text)
{
    static const char *const fields[] = {[QUERY_TO_CC] = "To",
                                         [QUERY_MESSAGE_ID] = "Message-Id",
                                         [QUERY_ENVELOPE_FROM] = "Return-Path"};
    size_t source = (size_t)rule->query.source;
    bool in_header = rule->kind == RULE_HEADER || rule->kind == RULE_EXISTS;
    buf_clear(made);
    if (rule->kind == RULE_MIMEHEADER)
        buf_add(made, STR("Content-Type: multipart/mixed; boundary=b\n\n--b\n"));
    if (!in_header && rule->kind != RULE_MIMEHEADER)
        buf_addf(made, "Subject: test\n\n%.*s\n", STR_ARG(text));
    else if (rule->query.source == QUERY_FIELD)
        buf_addf(made, "%.*s: %.*s\n\n", STR_ARG(rule->query.name), STR_ARG(text));
    else if (source < sizeof fields / sizeof fields[0] && fields[source])
        buf_addf(made, "%s: %.*s\n\n", fields[source], STR_ARG(text));
    else /* the whole header: the text has the names of fields in it */
        buf_addf(made, "%.*s\n\n", STR_ARG(text));
}

static bool hit(const struct rules_result *result, struct str name)
{
    for (size_t i = 0; i < result->n_hits; i++)
        if (str_eq(str_of(result->hits[i].name), name))
            return true;
    return false;
}

static void tell(struct examples *e, const struct book_example *example, const char *what)
{
    e->wrong++;
    rules_tool_worse(e->tool, TOOL_NO);
    if (e->tool->json) {
        json_line(json_pack("{s:o, s:i, s:o, s:s, s:o, s:s}", "file",
                            json_text(str_of(example->file)), "line", (int)example->line, "rule",
                            json_text(example->rule), "expected", example->ok ? "ok" : "fail",
                            "text", json_text(example->text), "said", what));
        return;
    }
    printf("%s:%u: %.*s %s: ", example->file, example->line, STR_ARG(example->rule), what);
    tool_put_text(stdout, example->text);
    putchar('\n');
}

static int try(struct examples *e, const struct book_example *example, struct err *err)
{
    const struct definition *rule = book_find(e->tool->book, example->rule);
    struct rules_result result;
    e->tried++;
    if (rule == NULL || rule->kind == RULE_NONE) {
        tell(e, example, "is no rule, but there is a test of it");
        return 0;
    }
    if (!str_starts(rule->name, STR("__")) && compile_score(e->tool->book, rule) == 0) {
        e->not_run++; /* nobody wants to know what a rule with score 0 finds */
        return 0;
    }
    make_message(&e->made, rule, example->text);
    if (!buf_ok(&e->made))
        return err_set(err, "%.*s: the text of a test is too long", STR_ARG(example->rule));
    if (rules_job_look(&e->tool->job, buf_str(&e->made), true, &result, err) < 0)
        return -1;
    bool found = hit(&result, example->rule);
    if (found != example->ok)
        tell(e, example, found ? "matches, and should not" : "does not match");
    return 0;
}

int rules_test(struct rules_tool *tool, struct err *err)
{
    struct examples e = {.tool = tool, .made = BUF_INIT(MADE_MAX)};
    int result = 0;
    if (tool->n_rest) {
        tool->job.paths = tool->rest;
        tool->job.n_paths = tool->n_rest;
    }
    tool->job.options.all = true;
    if (rules_tool_read(tool, err) < 0 || rules_job_load(&tool->job, err) < 0)
        return -1;
    for (size_t i = 0; result == 0 && i < tool->book->n_examples; i++)
        result = try(&e, &tool->book->examples[i], err);
    buf_release(&e.made);
    if (result == 0 && !tool->json)
        printf("%zu tests, %zu failed, %zu of rules whose score is 0\n", e.tried, e.wrong,
               e.not_run);
    return result;
}
