/* evaluate: how good pass 2, or both passes, would have been on a stream of mail of known class. */
#include <stdlib.h>

#include "bayes/model/measure.h"
#include "bayes/model/stream.h"
#include "gateway/pipeline.h"
#include "tools/files.h"
#include "tools/json.h"
#include "tools/mail_index.h"
#include "tools/rules_job.h"
#include "tools/workers.h"

#define INDEX_POOL_MAX ((size_t)2 * 1024 * 1024 * 1024)
#define POOL_MAX       ((size_t)1024 * 1024 * 1024) /* for one message */
#define MESSAGE_MAX    ((size_t)256 * 1024 * 1024)

/* A rule has other scores beside a pass 2 that is trained. */
enum stage { UNTRAINED, TRAINED, STAGES };

/* What rules say of a message at each stage. */
struct rules_scores {
    double of[STAGES];
};

struct evaluation {
    struct tool_args args;
    struct pool *index_pool;
    struct mail_index index;
    struct rules_job jobs[STAGES];
    struct rules_scores *rules; /* of each message; NULL: pass 2 alone */
    bool *read;                 /* rules looked at it */
    struct stream *stream;
    struct pool *pool; /* of one message */
    struct buf raw;
    struct judged *judged;
    size_t n; /* of these */
    bool json;
    struct tool_progress bar;
    size_t failed;
};

/* --- pass 1: each message by itself, all processors at work --- */

static void look(void *data, size_t number, struct buf *out)
{
    struct evaluation *e = data;
    struct rules_scores scores;
    struct rules_result result;
    struct err err = {""};
    for (enum stage stage = UNTRAINED; stage < STAGES; stage++) {
        if (rules_job_run(&e->jobs[stage], e->index.list[number].path, false, &result, &err) < 0) {
            buf_addf(out, "!%s", err.text);
            return;
        }
        scores.of[stage] = result.total;
    }
    buf_addc(out, '=');
    buf_addn(out, &scores, sizeof scores);
}

static void take(void *data, size_t number, struct str said, int died)
{
    struct evaluation *e = data;
    struct err err;
    if (said.n == 1 + sizeof e->rules[number] && said.s[0] == '=') {
        memcpy(&e->rules[number], said.s + 1, sizeof e->rules[number]);
        e->read[number] = true;
    } else {
        e->failed++;
        if (died)
            err_set(&err, "%s: the worker died of it; please report it with the message",
                    e->index.list[number].path);
        else
            err_set(&err, "%.*s", STR_ARG(str_from(said, 1)));
        tool_fail("evaluate", &err);
    }
    tool_progress_step(&e->bar);
}

/* The gateway's choice, unless another one was asked for. */
static int open_rules(struct evaluation *e, struct err *err)
{
    static const unsigned sets[STAGES] = {[UNTRAINED] = 0, [TRAINED] = RULES_SCORE_LEARN};
    struct tool_args args = e->args;
    args.given |= OPT_SCORE_SET;
    for (enum stage stage = UNTRAINED; stage < STAGES; stage++) {
        struct rules_job *job = &e->jobs[stage];
        if (!(e->args.given & OPT_SCORE_SET))
            args.score_set = sets[stage];
        if (rules_job_begin(job, "evaluate", &args, err) < 0)
            return -1;
        job->quiet = stage != UNTRAINED;
        if (rules_job_load(job, err) < 0)
            return -1;
    }
    return 0;
}

static int run_rules(struct evaluation *e, struct err *err)
{
    const struct workers_plan plan = {.n = e->index.n,
                                      .processes = (unsigned)e->args.processes,
                                      .data = e,
                                      .work = look,
                                      .done = take};
    e->rules = calloc(e->index.n + 1, sizeof *e->rules);
    e->read = calloc(e->index.n + 1, sizeof *e->read);
    if (e->rules == NULL || e->read == NULL)
        return err_set(err, "out of memory for %zu messages", e->index.n);
    if (open_rules(e, err) < 0)
        return -1;
    tool_progress_begin(&e->bar, e->args.given & OPT_QUIET ? NULL : "looked at by the rules",
                        e->index.n);
    int result = workers_run(&plan, err);
    tool_progress_end(&e->bar);
    return result;
}

/* --- pass 2: one message after the other --- */

/* What the gateway's rules would have left of the points that make spam. */
static double heuristics_of(const struct evaluation *e, size_t number)
{
    struct knowledge known = online_knowledge(stream_filter(e->stream));
    enum stage stage = pipeline_is_trained(known.spam, known.ham) ? TRAINED : UNTRAINED;
    return e->jobs[stage].required - e->rules[number].of[stage];
}

static void put_line(const struct evaluation *e, size_t number, const struct judged *judged,
                     const struct bayes_result *bayes)
{
    const struct mail_index_entry *entry = &e->index.list[number];
    const char *label = entry->spam ? "spam" : "ham";
    const char *verdict = judged->called_spam ? "spam" : "ham";
    if (e->json) {
        json_t *line =
            json_pack("{s:s, s:f, s:s, s:o, s:f, s:f}", "label", label, "score", judged->score,
                      "verdict", verdict, "path", json_text(str_of(entry->named)), "bayes",
                      bayes_points(bayes), "odds", bayes->score);
        if (e->rules)
            json_object_set_new(line, "heuristics", json_real(heuristics_of(e, number)));
        json_line(line);
        return;
    }
    printf("%s %.6f %s ", label, judged->score, verdict);
    tool_put_text(stdout, str_of(entry->named));
    putchar('\n');
}

/* The scores here are higher for spam. Without rules, what ranks best: the log-odds; with them, the
 * sum that the gateway decides by. */
static struct judged judge(const struct evaluation *e, size_t number,
                           const struct bayes_result *bayes)
{
    struct judged judged = {.score = bayes->evidence, .spam = e->index.list[number].spam};
    judged.called_spam = judged.score > 0;
    if (e->rules) {
        judged.score = -heuristics_of(e, number) - bayes_points(bayes);
        judged.called_spam = judged.score >= 0;
    }
    return judged;
}

static int take_message(struct evaluation *e, size_t number, struct err *err)
{
    const struct mail_index_entry *entry = &e->index.list[number];
    struct features features;
    struct bayes_result bayes;
    pool_reset(e->pool);
    buf_clear(&e->raw);
    if (file_read(entry->path, &e->raw, err) < 0)
        return -1; /* which names the file */
    struct str raw = mbox_line_dropped(buf_str(&e->raw));
    if (features_of_mail(e->pool, raw, NULL, &features, err) < 0 ||
        stream_classify(e->stream, &features, e->pool, &bayes, err) < 0)
        return err_prefix(err, "%s", entry->path);
    struct judged *judged = &e->judged[e->n++];
    *judged = judge(e, number, &bayes);
    put_line(e, number, judged, &bayes);
    if (stream_tell(e->stream, &features, entry->spam, judged->called_spam != entry->spam, err) < 0)
        return err_prefix(err, "%s", entry->path);
    return 0;
}

static void run_stream(struct evaluation *e)
{
    tool_progress_begin(&e->bar, e->args.given & OPT_QUIET ? NULL : "judged", e->index.n);
    for (size_t i = 0; i < e->index.n; i++) {
        struct err err;
        if ((e->read == NULL || e->read[i]) && take_message(e, i, &err) < 0) {
            e->failed++;
            tool_fail("evaluate", &err);
        }
        tool_progress_step(&e->bar);
    }
    tool_progress_end(&e->bar);
}

static void put_measures(const struct evaluation *e)
{
    struct measures m;
    measure(e->judged, e->n, &m);
    if (e->json) {
        json_line(json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:I}", "ham", (json_int_t)m.ham,
                            "spam", (json_int_t)m.spam, "1-roca", m.above_roc, "hm", m.hm, "sm",
                            m.sm, "lam", m.lam, "sm_at_hm_0.1", m.sm_at_hm, "failed",
                            (json_int_t)e->failed));
        return;
    }
    printf("# %zu ham, %zu spam, %zu failed\n"
           "# 1-ROCA%% %.4f\n# hm%% %.2f\n# sm%% %.2f\n# lam%% %.2f\n# sm%%@hm0.1%% %.2f\n",
           m.ham, m.spam, e->failed, m.above_roc, m.hm, m.sm, m.lam, m.sm_at_hm);
}

static int open_evaluation(struct evaluation *e, const struct tool_args *args,
                           const struct feedback *feedback, struct err *err)
{
    e->args = *args;
    e->json = args->given & OPT_JSON;
    e->raw = BUF_INIT(MESSAGE_MAX);
    e->index_pool = pool_new(INDEX_POOL_MAX);
    e->pool = pool_new(POOL_MAX);
    if (e->index_pool == NULL || e->pool == NULL)
        return err_set(err, "out of memory");
    if (mail_preload(err) < 0 || mail_index_read(&e->index, e->index_pool, args->rest[0], err) < 0)
        return -1;
    if (e->index.n == 0)
        return err_set(err, "no message is named in %s", args->rest[0]);
    e->judged = calloc(e->index.n, sizeof *e->judged);
    if (e->judged == NULL)
        return err_set(err, "out of memory for %zu messages", e->index.n);
    e->stream = stream_new(feedback, err);
    return e->stream ? 0 : -1;
}

static void close_evaluation(struct evaluation *e)
{
    for (enum stage stage = UNTRAINED; stage < STAGES; stage++)
        rules_job_close(&e->jobs[stage]);
    stream_free(&e->stream);
    free(e->judged);
    free(e->rules);
    free(e->read);
    buf_release(&e->raw);
    pool_free(&e->pool);
    pool_free(&e->index_pool);
}

static int run(const struct tool_args *args)
{
    struct evaluation e = {.n = 0};
    struct feedback feedback = {.kind = FEEDBACK_IMMEDIATE};
    struct err err = {""};
    if (args->n_rest != 1)
        return tool_misused("evaluate",
                            "name one list of messages: lines \"ham PATH\" or \"spam PATH\"");
    if (args->feedback && !feedback_parse(str_of(args->feedback), &feedback))
        return tool_misused("evaluate",
                            "--feedback is immediate, delayed=N, partial=P, first=N or errors, not "
                            "\"%s\"",
                            args->feedback);
    int result = open_evaluation(&e, args, &feedback, &err);
    if (result == 0 && (args->given & OPT_WITH_RULES))
        result = run_rules(&e, &err);
    if (result == 0) {
        run_stream(&e);
        put_measures(&e);
    }
    bool failed = result < 0 || e.failed;
    close_evaluation(&e);
    if (result < 0)
        tool_fail("evaluate", &err);
    return failed ? TOOL_FAILED : TOOL_YES;
}

const struct tool_command tool_evaluate = {
    .name = "evaluate",
    .summary = "measure pass 2 on a stream of mail of known class",
    .arguments = "[--feedback WHICH] [--with-rules [-r PATH]…] [--json] [--quiet] INDEX",
    .help =
        "INDEX has lines \"ham PATH\" or \"spam PATH\", paths relative to its folder. A filter "
        "that\n"
        "knows nothing judges each message in this order, then learns what it was:\n"
        "  --feedback immediate   at once (the default)\n"
        "  --feedback delayed=N   after N further messages\n"
        "  --feedback partial=P   of a share P of them only: 0.25, or 25%\n"
        "  --feedback first=N     of the first N only\n"
        "  --feedback errors      of the first 100, then where it was wrong\n"
        "What the gateway has learned is neither used nor changed. A line for each message:\n"
        "  LABEL SCORE VERDICT PATH\n"
        "SCORE is higher for spam, and above 0 where VERDICT is spam: natural log-odds. With\n"
        "--with-rules it is what the gateway's score falls short of 0 by, both passes together.\n"
        "At the end, lines that begin with #, in the terms of the TREC 2005 spam track:\n"
        "  1-ROCA%     pairs of a ham and a spam that are in the wrong order\n"
        "  hm% sm%     ham called spam, spam called ham; lam% is their logistic average\n"
        "  sm%@hm0.1%  spam called ham where the threshold is such that 0.1 % of ham is lost\n"
        "--json prints {label, score, verdict, path, odds, bayes, heuristics}, then {ham, spam,\n"
        "1-roca, hm, sm, lam, sm_at_hm_0.1, failed}; odds are natural log-odds of ham as pass 2\n"
        "dares to say them, bayes is the same and heuristics (with rules) the other as the\n"
        "gateway adds them.\n"
        "Exit status: 0 done, 2 some messages could not be read.\n",
    .options = OPT_CONFIG | OPT_RULES | OPT_SCORE_SET | OPT_PROCESSES | OPT_JSON | OPT_QUIET |
               OPT_FEEDBACK | OPT_WITH_RULES,
    .run = run,
};
