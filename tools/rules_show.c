/* rules show: all that is known of a rule. */
#include "base/fsio.h"
#include "rules/compile.h"
#include "rules/language/parse.h"
#include "tools/json.h"
#include "tools/rules_history.h"
#include "tools/rules_tool.h"

struct shown {
    struct rules_tool *tool;
    const struct definition *rule;
    bool runs;
    struct str source; /* the line of the file; empty if it can't be read any more */
    struct rules_names needs, needed_by;
    bool history_known;
    struct err
        history_problem; /* why it is not; empty: there are no settings that name a journal */
    struct rules_history history;
};

/* The rule's line as it stands in its file. */
static struct str source_of(struct pool *pool, const struct definition *rule)
{
    struct buf file = BUF_INIT(PARSE_FILE_MAX);
    struct str line = STR_EMPTY, found = STR_EMPTY;
    struct err err;
    bool there = rule->file && fsio_read_file(rule->file, &file, &err) == 0;
    struct str rest = buf_str(&file);
    for (unsigned n = 1; there && n <= rule->line; n++)
        there = str_next_line(&rest, &line);
    if (there)
        found = pool_str(pool, str_trim(line));
    buf_release(&file);
    return found;
}

static bool asks_for(const struct rules_names *needs, struct str name)
{
    for (size_t i = 0; i < needs->n; i++)
        if (str_eq(needs->list[i], name))
            return true;
    return false;
}

static int find_askers(struct shown *shown, struct err *err)
{
    struct book *book = shown->tool->book;
    struct rules_names *by = &shown->needed_by;
    for (size_t i = 0; i < book->n; i++) {
        struct rules_names needs = {0};
        struct err bad;
        /* an expression that can't be read asks for nothing; `rules check` names it */
        if (rules_needs(book, &book->list[i], &needs, &bad) < 0 ||
            !asks_for(&needs, shown->rule->name))
            continue;
        struct str *list = pool_grow(book->pool, by->list, by->n, &by->cap, sizeof *list);
        if (list == NULL)
            return err_set(err, "out of memory");
        by->list = list;
        list[by->n++] = book->list[i].name;
    }
    return 0;
}

/* Evidence names the rules that count: what their sub-rules hit is nowhere kept. */
static void find_history(struct shown *shown)
{
    const struct conf *conf = shown->tool->job.conf;
    if (conf == NULL)
        return;
    if (str_starts(shown->rule->name, STR("__")))
        err_set(&shown->history_problem, "not kept of a rule that only feeds others");
    else
        shown->history_known = rules_history_read(conf, shown->rule->name, &shown->history,
                                                  &shown->history_problem) == 0;
}

/* ---- for programs */

static json_t *names_json(const struct rules_names *names)
{
    json_t *list = json_array();
    for (size_t i = 0; i < names->n; i++)
        json_array_append_new(list, json_text(names->list[i]));
    return list;
}

static json_t *history_json(const struct shown *shown)
{
    json_t *list = json_array();
    if (!shown->history_known) {
        json_decref(list);
        return json_null();
    }
    for (size_t i = 0; i < RULES_HISTORY_DAYS; i++) {
        const struct rules_history_day *day = &shown->history.days[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:I, s:I}", "from", json_time(day->from_us),
                                        "messages", (json_int_t)day->messages, "hits",
                                        (json_int_t)day->hits, "spam", (json_int_t)day->spam));
    }
    return list;
}

static void put_json(const struct shown *shown)
{
    const struct definition *rule = shown->rule;
    const struct book *book = shown->tool->book;
    const double *scores = rule->scores;
    json_t *said = rule->scored
                       ? json_pack("[f, f, f, f]", scores[0], scores[1], scores[2], scores[3])
                       : json_null();
    json_line(json_pack("{s:o, s:s, s:o, s:i, s:o, s:f, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:b}",
                        "name", json_text(rule->name), "kind", rules_kind_name(rule), "file",
                        json_text(str_of(rule->file)), "line", (int)rule->line, "source",
                        json_text(shown->source), "score", compile_score(book, rule), "scores",
                        said, "describe", json_text(rule->describe), "tflags",
                        json_text(rule->flags), "runs", (int)shown->runs, "needs",
                        names_json(&shown->needs), "needed_by", names_json(&shown->needed_by),
                        "days", history_json(shown), "days_cut", (int)shown->history.cut));
}

/* ---- for people */

static void put(const char *name, struct str text)
{
    if (text.n == 0)
        return;
    printf("  %-11s ", name);
    tool_put_text(stdout, text);
    putchar('\n');
}

static void put_names(const char *what, const struct rules_names *names)
{
    if (names->n == 0)
        return;
    printf("  %-11s ", what);
    for (size_t i = 0; i < names->n; i++)
        printf("%s%.*s", i ? ", " : "", STR_ARG(names->list[i]));
    putchar('\n');
}

static void put_score(const struct shown *shown)
{
    const struct definition *rule = shown->rule;
    const struct book *book = shown->tool->book;
    if (str_starts(rule->name, STR("__")))
        puts("  score       none: it only feeds other rules");
    else if (!rule->scored)
        printf("  score       %g, as no file says\n", compile_score(book, rule));
    else
        printf("  score       %g (without network and Bayes %g, network %g, Bayes %g, both %g)\n",
               compile_score(book, rule), rule->scores[0], rule->scores[1], rule->scores[2],
               rule->scores[3]);
    if (!shown->runs)
        printf("  not run     %s\n",
               compile_score(book, rule) != 0 && !str_starts(rule->name, STR("__"))
                   ? "it needs what this program or score set has not"
                   : "no rule that scores asks for it");
}

static void put_history(const struct shown *shown)
{
    const struct rules_history *history = &shown->history;
    put("hits", str_of(shown->history_problem.text));
    for (size_t i = 0; shown->history_known && i < RULES_HISTORY_DAYS; i++) {
        const struct rules_history_day *day = &history->days[i];
        char when[TOOL_TIME_SIZE];
        tool_time(day->from_us, when);
        printf("  %-11s %.10s  %zu of %zu messages, %zu of them judged spam\n", i ? "" : "hits",
               when, day->hits, day->messages, day->spam);
    }
    if (history->cut)
        puts("              the oldest messages were left out: there are too many");
}

static void put_text(const struct shown *shown)
{
    const struct definition *rule = shown->rule;
    printf("%.*s (%s, %s:%u)\n", STR_ARG(rule->name), rules_kind_name(rule),
           rule->file ? rule->file : "no file", rule->line);
    put("describe", rule->describe);
    put("line", shown->source);
    put_score(shown);
    put("tflags", rule->flags);
    put_names("needs", &shown->needs);
    put_names("needed by", &shown->needed_by);
    put_history(shown);
}

/* ---- both */

static int show(struct rules_tool *tool, const char *name, struct err *err)
{
    struct shown shown = {.tool = tool, .rule = book_find(tool->book, str_of(name))};
    struct err unknown;
    if (shown.rule == NULL || shown.rule->kind == RULE_NONE) {
        err_set(err, "there is no rule %s; `poterne rules list '*PART*'` finds names", name);
        tool_fail("rules", err);
        rules_tool_worse(tool, TOOL_NO);
        return 0;
    }
    shown.runs = tool->live[shown.rule - tool->book->list];
    shown.source = source_of(tool->book->pool, shown.rule);
    if (rules_needs(tool->book, shown.rule, &shown.needs, &unknown) < 0)
        fprintf(stderr, "poterne rules: %s: %s\n", name, unknown.text);
    if (find_askers(&shown, err) < 0)
        return -1;
    find_history(&shown);
    if (tool->json)
        put_json(&shown);
    else
        put_text(&shown);
    return 0;
}

int rules_show(struct rules_tool *tool, struct err *err)
{
    if (rules_tool_read(tool, err) < 0 || rules_tool_find_live(tool, err) < 0)
        return -1;
    for (size_t i = 0; i < tool->n_rest; i++)
        if (show(tool, tool->rest[i], err) < 0)
            return -1;
    return 0;
}
