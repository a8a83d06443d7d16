/* rules check: mistakes in rule files, and rules that can never score. */
#include "rules/compile.h"
#include "tools/json.h"
#include "tools/rules_tool.h"

enum weight { MISTAKE, NOTE };

struct check {
    struct rules_tool *tool;
    size_t found[2]; /* by weight */
};

static void tell(struct check *check, enum weight weight, const char *file, unsigned line,
                 struct str what)
{
    check->found[weight]++;
    if (check->tool->json) {
        json_line(json_pack("{s:o, s:i, s:s, s:o}", "file", json_text(str_of(file)), "line",
                            (int)line, "kind", weight == NOTE ? "note" : "mistake", "text",
                            json_text(what)));
        return;
    }
    printf("%s:%u: %s", file, line, weight == NOTE ? "note: " : "");
    tool_put_text(stdout, what);
    putchar('\n');
}

static void on_mistake(void *data, const char *file, unsigned line, const char *what)
{
    tell(data, MISTAKE, file, line, str_of(what));
}

static void on_notice(void *data, const char *file, unsigned line, const char *what)
{
    tell(data, NOTE, file, line, str_of(what));
}

static void note(struct check *check, const struct definition *rule, const char *what)
{
    char text[ERR_TEXT_MAX];
    snprintf(text, sizeof text, "%.*s %s", STR_ARG(rule->name), what);
    tell(check, NOTE, rule->file ? rule->file : "?", rule->line, str_of(text));
}

static bool scores_somewhere(struct book *book, const struct definition *rule)
{
    for (book->options.score_set = 0; book->options.score_set < BOOK_SCORE_SETS;
         book->options.score_set++)
        if (compile_score(book, rule) != 0)
            return true;
    return false;
}

/* Those that are run with one of the score sets. */
static int find_live(struct rules_tool *tool, bool *live, struct err *err)
{
    struct book *book = tool->book;
    for (unsigned set = 0; set < BOOK_SCORE_SETS; set++) {
        book->options.score_set = set;
        if (rules_tool_find_live(tool, err) < 0)
            return -1;
        for (size_t i = 0; i < book->n; i++)
            live[i] |= tool->live[i];
    }
    return 0;
}

static int find_dead(struct check *check, struct err *err)
{
    struct book *book = check->tool->book;
    unsigned score_set = book->options.score_set;
    bool *live = POOL_ARRAY(book->pool, book->n, bool);
    if (live == NULL)
        return err_set(err, "out of memory");
    if (find_live(check->tool, live, err) < 0)
        return -1;
    for (size_t i = 0; i < book->n; i++) {
        const struct definition *rule = &book->list[i];
        if (live[i])
            continue;
        if (rule->kind == RULE_NONE)
            note(check, rule, "is scored or described here, but no rule has this name");
        else if (str_starts(rule->name, STR("__")))
            note(check, rule, "can't score: no rule that scores asks for it");
        else if (!scores_somewhere(book, rule))
            note(check, rule, "can't score: its score is 0, and no rule that scores asks for it");
    }
    book->options.score_set = score_set;
    return 0;
}

int rules_check(struct rules_tool *tool, struct err *err)
{
    struct check check = {tool, {0}};
    struct rules_job *job = &tool->job;
    uint64_t digest;
    if (tool->n_rest) {
        job->paths = tool->rest;
        job->n_paths = tool->n_rest;
    }
    job->options.all = true;
    job->options.notice = on_notice;
    tool->book =
        load_book(&job->options, job->paths, job->n_paths, on_mistake, &check, &digest, err);
    job->set = tool->book ? compile(tool->book, digest, err) : NULL;
    if (job->set == NULL)
        return -1;
    size_t n = ruleset_count(job->set);
    if (find_dead(&check, err) < 0)
        return -1;
    if (!tool->json)
        printf("%zu rules, %zu mistakes, %zu notes\n", n, check.found[MISTAKE], check.found[NOTE]);
    if (check.found[MISTAKE])
        rules_tool_worse(tool, TOOL_NO);
    return 0;
}
