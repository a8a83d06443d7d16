/* reports_show: `poterne reports show`: all that a manager needs to decide. */
#include <stdio.h>

#include "bayes/features/known.h"
#include "gateway/pipeline.h"
#include "journal/query.h"
#include "mail/plain.h"
#include "quarantine/quarantine.h"
#include "reports/reporter.h"
#include "tools/explain.h"
#include "tools/json.h"
#include "tools/reports_tool.h"

#define TEXT_SHOWN_MAX   2000 /* bytes of what a reader of the message sees */
#define REPORTERS_SHOWN  20
#define TOKENS_SHOWN     5 /* for each side */
#define MESSAGE_POOL_MAX ((size_t)512 * 1024 * 1024)

/* What is known of one beside its facts. */
struct view {
    struct reports_tool *tool;
    struct proposal proposal;
    struct buf original;
    struct pool *pool; /* of the message */
    struct mail_text *text;
    struct bayes_result now;
    uint64_t generation;        /* of the model that was asked; 0: there is none */
    const char *not_now;        /* why not; NULL: `now` holds */
    struct journal_found found; /* the message in the journal */
    char why[ERR_TEXT_MAX];
};

/* --- what the model says today --- */

static int classify(struct view *view, const struct model *model, struct err *err)
{
    struct message *message;
    struct features features;
    struct known *known;
    if (known_open_state(view->tool->conf, &known, err) < 0)
        return -1;
    int result = -1;
    if (message_parse(view->pool, buf_str(&view->original), &mail_limits_default, &message, err) ==
            0 &&
        mail_text_make(view->pool, message, &view->text, err) == 0 &&
        features_extract(view->pool, message, view->text, known, &features, err) == 0)
        result = bayes_classify(model, &features, view->pool, &view->now, err);
    known_close(&known);
    return result;
}

static void ask_model(struct view *view)
{
    struct model *model;
    struct err err = {""};
    if (pipeline_open_model(view->tool->conf, &model, &err) < 0 ||
        classify(view, model, &err) < 0) {
        str_copy(str_of(err.text), view->why, sizeof view->why);
        view->not_now = view->why;
    } else if (model == NULL) {
        view->not_now = "nothing was learned yet";
    } else {
        view->generation = model_generation(model);
    }
    model_close(&model);
}

/* --- what was said of it when it came --- */

static void ask_journal(struct view *view)
{
    struct err err;
    if (view->proposal.id.n == 0)
        return;
    struct journal *journal = journal_open_state(view->tool->conf->state_dir, &err);
    const struct journal_filter filter = {.id = view->proposal.id, .limit = 1};
    if (journal)
        journal_search(journal, &filter, view->tool->pool, &view->found, &err);
    journal_close(&journal);
}

static const struct journal_message *journaled(const struct view *view)
{
    const struct journal_found *found = &view->found;
    return found->n_messages && found->messages[0].complete ? &found->messages[0] : NULL;
}

/* --- for programs --- */

static json_t *reporters_json(const struct proposal *p)
{
    json_t *list = json_array();
    for (size_t i = 0; i < p->n_reporters; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:o}", "address", json_text(p->reporters[i].address),
                                        "time", json_time(p->reporters[i].time_us)));
    return list;
}

static void put_json(const struct view *view)
{
    json_t *object = reports_json(&view->proposal);
    const struct journal_message *m = journaled(view);
    if (object) {
        json_object_set_new(object, "reporters", reporters_json(&view->proposal));
        json_object_set_new(object, "evidence", m ? json_parse(m->event.evidence) : json_null());
        json_object_set_new(object, "now",
                            view->not_now || !view->now.used
                                ? json_null()
                                : json_pack("{s:f, s:I}", "bayes", view->now.score, "model",
                                            (json_int_t)view->generation));
    }
    json_line(object);
}

/* --- for people --- */

static void put_field(const char *label, struct str value)
{
    if (value.n == 0)
        return;
    printf("  %-11s ", label);
    tool_put_text(stdout, value);
    putchar('\n');
}

static void put_reporter(struct view *view, const struct proposal_reporter *r)
{
    char when[TOOL_TIME_SIZE];
    struct reporter_list list = {0};
    struct err err;
    tool_time(r->time_us, when);
    fputs("  reported by ", stdout);
    tool_put_text(stdout, r->address);
    printf(", %s", when);
    if (reporters_list(view->tool->store, r->address, 1, view->tool->pool, &list, &err) == 0 &&
        list.n)
        printf(" (%llu accepted, %llu rejected)", (unsigned long long)list.list[0].agreed,
               (unsigned long long)list.list[0].rejected);
    putchar('\n');
}

static void put_head(struct view *view)
{
    const struct proposal *p = &view->proposal;
    char when[TOOL_TIME_SIZE], size[TOOL_SIZE_SIZE];
    tool_time(p->changed_us, when);
    tool_size(p->size, size);
    printf("%llu  reported as %s, %s since %s, %s\n", (unsigned long long)p->number,
           proposal_direction_name(p->direction), proposal_state_name(p->state), when, size);
    put_field("from", p->sender);
    put_field("subject", p->subject);
    for (size_t i = 0; i < p->n_reporters && i < REPORTERS_SHOWN; i++)
        put_reporter(view, &p->reporters[i]);
    if (p->n_reporters > REPORTERS_SHOWN)
        printf("  and %zu others\n", p->n_reporters - REPORTERS_SHOWN);
    printf("  original    %s%s\n", identity_kind_name(p->identity),
           p->kept ? "" : ", no longer kept");
    put_field("id", p->id);
    if (p->decided_us) {
        tool_time(p->decided_us, when);
        printf("  decided     %s by ", when);
        tool_put_text(stdout, p->decider);
        putchar('\n');
    }
    put_field("why", p->why);
}

static void put_tokens(const struct bayes_result *r)
{
    size_t spam = 0, ham = 0;
    for (size_t i = 0; i < r->n_tokens; i++) {
        const struct bayes_token *token = &r->tokens[i];
        size_t *side = token->probability > 0.5 ? &spam : &ham;
        if ((*side)++ >= TOKENS_SHOWN)
            continue;
        printf("    %.3f  ", token->probability);
        tool_put_text(stdout, token->text);
        printf("  (spam %u, ham %u)\n", token->spam, token->ham);
    }
}

static void put_scores(const struct view *view)
{
    const struct proposal *p = &view->proposal;
    const struct journal_message *m = journaled(view);
    if (p->verdict.n) {
        put_field("then", p->verdict);
        printf("  scores then global %.1f, heuristics %.1f, bayes %.1f\n", p->global, p->heuristics,
               p->bayes);
    }
    if (m) {
        json_t *evidence = json_parse(m->event.evidence);
        explain_evidence(evidence, EXPLAIN_SHORT);
        json_decref(evidence);
    }
    if (!p->kept)
        return;
    if (view->not_now)
        put_field("bayes now", str_of(view->not_now));
    else if (!view->now.used)
        put_field("bayes now", STR("knows nothing of it"));
    else
        printf("  bayes now   %.1f (model %llu)\n", view->now.score,
               (unsigned long long)view->generation);
    if (!view->not_now && view->now.used)
        put_tokens(&view->now);
}

static void put_text(const struct view *view)
{
    struct buf out = BUF_INIT(16 * TEXT_SHOWN_MAX);
    size_t left = TEXT_SHOWN_MAX;
    if (view->text == NULL || view->text->n_paragraphs < 2)
        return;
    puts("\ntext");
    for (size_t i = 1; i < view->text->n_paragraphs && left; i++) {
        struct str paragraph = view->text->paragraphs[i];
        if (str_trim(paragraph).n == 0)
            continue;
        buf_add(&out, STR("  "));
        left -= plain_add_cut(&out, paragraph, left);
        buf_addc(&out, '\n');
    }
    fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
}

static int put_message(const struct view *view, struct err *err)
{
    struct buf out = BUF_INIT(QUARANTINE_SHOW_MAX);
    int result = quarantine_show_message(buf_str(&view->original), &out, err);
    if (result == 0 && !buf_ok(&out))
        result = err_set(err, "its header and structure are too long to be shown; --message");
    if (result == 0)
        fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
    return result;
}

/* --- one --- */

static int show_original(struct view *view, struct err *err)
{
    if (!view->proposal.kept)
        return err_set(err, "number %llu: its original is no longer kept",
                       (unsigned long long)view->proposal.number);
    fwrite(view->original.p, 1, view->original.n, stdout);
    return 0;
}

static int show(struct view *view, struct err *err)
{
    bool raw = view->tool->args->given & OPT_MESSAGE;
    if (view->proposal.kept &&
        proposals_original(view->tool->store, view->proposal.number, &view->original, err) < 0)
        return -1;
    if (raw)
        return show_original(view, err);
    ask_journal(view);
    if (view->proposal.kept)
        ask_model(view);
    if (view->tool->json) {
        put_json(view);
        return 0;
    }
    put_head(view);
    put_scores(view);
    if (!view->proposal.kept)
        return 0;
    if (put_message(view, err) < 0)
        return -1;
    put_text(view);
    return 0;
}

/* 1; 0 when there is no such number; -1. */
static int show_number(struct reports_tool *tool, uint64_t number, struct err *err)
{
    struct view view = {.tool = tool, .original = BUF_INIT(PROPOSAL_ORIGINAL_MAX)};
    int result =
        tool->store ? proposals_load(tool->store, number, tool->pool, &view.proposal, err) : 0;
    if (result > 0) {
        view.pool = pool_new(MESSAGE_POOL_MAX);
        if (view.pool == NULL)
            result = err_set(err, "out of memory");
        else if (show(&view, err) < 0)
            result = -1;
    }
    pool_free(&view.pool);
    buf_release(&view.original);
    return result;
}

int reports_show(struct reports_tool *tool, struct err *err)
{
    int status = TOOL_YES;
    for (size_t i = 0; i < tool->n_rest; i++) {
        uint64_t number;
        if (!str_to_u64(str_of(tool->rest[i]), INT64_MAX, &number))
            return err_set(err, "\"%s\" is no number; `poterne reports` lists them", tool->rest[i]);
        int shown = show_number(tool, number, err);
        if (shown < 0)
            return -1;
        if (shown == 0) {
            err_set(err, "there is no number %s", tool->rest[i]);
            tool_fail("reports", err);
            status = TOOL_NO;
        }
    }
    return status;
}
