/* check: what the gateway would say of a message, and why: the whole of both passes and the
 * antivirus engines, in this process, on files. */
#include <stdlib.h>
#include <unistd.h>

#include "antivirus/engine.h"
#include "antivirus/outside/outside.h"
#include "base/fsio.h"
#include "gateway/antivirus/content.h"
#include "gateway/pipeline.h"
#include "tools/check_report.h"
#include "tools/files.h"
#include "tools/tool.h"

/* Far above smtp.size_limit's default, so that what the gateway refuses can be looked at too. */
#define MESSAGE_MAX ((size_t)256 * 1024 * 1024)

/* Where the engines unpack archives. */
#define TMP_TEMPLATE "/tmp/poterne-check-XXXXXX"

struct job {
    struct conf *conf;
    struct pipeline pipeline;
    struct engines engines;
    struct outside *outside;
    struct av_content *av_content;
    char tmp[sizeof TMP_TEMPLATE]; /* empty: not made */
    struct pool *pool;             /* of one message */
    struct buf raw;
    bool json;
    bool quiet;
    int status; /* enum tool_exit */
};

static void worse(struct job *job, int status)
{
    if (status > job->status)
        job->status = status;
}

static void scan(struct job *job, struct str raw, struct check_report *report)
{
    struct av_message message;
    struct av_answer answers[2 * AV_ENGINES_MAX]; /* ours, then the others' */
    if (job->outside == NULL)
        return;
    av_content_make(job->av_content, raw, &message);
    engines_scan(&job->engines, &message, answers);
    outside_scan(job->outside, &message, answers + job->engines.n);
    size_t n = job->engines.n + outside_count(job->outside);
    report->n_answers = av_answers_order(&job->conf->antivirus, answers, n, report->answers);
}

/* An answer that could not be had is never taken for "ham". */
static void decide(struct job *job, struct check_report *report)
{
    const struct verdict_facts facts = {.content = report->content_failed ? NULL : &report->facts,
                                        .answers = report->answers,
                                        .n_answers = report->n_answers};
    verdict_decide(&facts, job->conf, &report->verdict);
    bool unknown = report->content_failed;
    for (size_t i = 0; i < report->n_answers; i++)
        unknown |= report->answers[i].result == AV_FAILED;
    if (unknown && report->verdict.class != VERDICT_INFECTED)
        report->verdict.class = VERDICT_UNSCANNABLE;
    if (unknown)
        worse(job, TOOL_FAILED);
    if (report->verdict.class != VERDICT_HAM)
        worse(job, TOOL_NO);
}

static void check_message(struct job *job, const char *path, struct str raw)
{
    struct check_report report = {.path = path, .pipeline = &job->pipeline};
    const struct scan_request envelope = {.size = raw.n};
    struct err err = {""};
    pool_reset(job->pool);
    report.content_failed =
        pipeline_run(&job->pipeline, &envelope, raw, &dns_source_none, job->pool, &report.result,
                     &err) < 0 ||
        pipeline_facts(&job->pipeline, &report.result, job->pool, &report.facts, &err) < 0;
    scan(job, raw, &report);
    report.failure = err.text;
    decide(job, &report);
    if (job->json)
        check_report_json(&report);
    else if (!job->quiet)
        check_report_text(&report);
}

static void check_file(struct job *job, const char *path)
{
    struct err err = {""};
    buf_clear(&job->raw);
    if (file_read(path, &job->raw, &err) < 0) {
        worse(job, TOOL_FAILED);
        if (job->json)
            check_error_json(path, err.text);
        tool_fail("check", &err);
        return;
    }
    check_message(job, path, mbox_line_dropped(buf_str(&job->raw)));
}

static int open_engines(struct job *job, struct err *err)
{
    char tmp[] = TMP_TEMPLATE;
    if (mkdtemp(tmp) == NULL)
        return err_sys(err, "cannot make a temporary folder %s", TMP_TEMPLATE);
    memcpy(job->tmp, tmp, sizeof tmp);
    job->av_content = av_content_new(job->conf->antivirus.scan_size_limit);
    if (job->av_content == NULL)
        return err_set(err, "out of memory");
    if (engines_open(&job->engines, &job->conf->antivirus, job->tmp, err) < 0)
        return -1;
    job->outside = outside_open(job->conf, err);
    return job->outside ? outside_use_tmp(job->outside, job->tmp, err) : -1;
}

static int open_job(struct job *job, const struct tool_args *args, struct err *err)
{
    job->conf = tool_conf(args, err);
    if (job->conf == NULL)
        return -1;
    job->json = args->given & OPT_JSON;
    job->quiet = args->given & OPT_QUIET;
    job->raw = BUF_INIT(MESSAGE_MAX);
    job->pool = pool_new(PIPELINE_POOL_MAX);
    if (job->pool == NULL)
        return err_set(err, "out of memory");
    if (pipeline_open(&job->pipeline, job->conf, false, err) < 0)
        return -1;
    return args->given & OPT_NO_ANTIVIRUS ? 0 : open_engines(job, err);
}

static void close_job(struct job *job)
{
    struct err ignored;
    engines_close(&job->engines);
    outside_close(&job->outside);
    av_content_free(&job->av_content);
    if (job->tmp[0] && fsio_empty_dir(job->tmp, &ignored) == 0)
        rmdir(job->tmp);
    pipeline_close(&job->pipeline);
    pool_free(&job->pool);
    buf_release(&job->raw);
    conf_free(&job->conf);
}

static int run(const struct tool_args *args)
{
    struct job job = {.status = TOOL_YES};
    struct file_list files = {0};
    struct tool_progress bar;
    struct err err = {""};
    if (args->n_rest == 0)
        return tool_misused("check", "name the files to check, or - for standard input");
    if (open_job(&job, args, &err) < 0) {
        close_job(&job);
        return tool_fail("check", &err);
    }
    for (size_t i = 0; i < args->n_rest; i++)
        if (file_list_add(&files, args->rest[i], FILES_ALL, &err) < 0)
            worse(&job, tool_fail("check", &err));
    /* a bar only where it does not get between what is printed */
    tool_progress_begin(&bar, isatty(STDOUT_FILENO) == 1 ? NULL : "checked", files.n);
    for (size_t i = 0; i < files.n; i++) {
        check_file(&job, files.paths[i]);
        tool_progress_step(&bar);
    }
    tool_progress_end(&bar);
    file_list_free(&files);
    close_job(&job);
    return job.status;
}

const struct tool_command tool_check = {
    .name = "check",
    .summary = "say what the gateway would make of messages, and why",
    .arguments = "[--json] [--no-antivirus] FILE|FOLDER|-…",
    .help =
        "Each file is one message, CR LF or LF. Both passes and the antivirus engines run in this\n"
        "process with the settings' rules, model and signatures, and outside scanners are asked;\n"
        "nothing is kept, or sent to anybody else.\n"
        "Scores above 0 look right, below 0 look like spam; a rule's own score is shown the way\n"
        "its file has it (above 0 is spam).\n"
        "--json prints one object a line: path, verdict (ham, spam, infected, banned,\n"
        "unscannable), score {global, heuristics, bayes}, rules [{name, score, text}],\n"
        "antivirus [{engine, result, name}] and more; a file that can't be read has path and\n"
        "error.\n"
        "Exit status: 0 all are ham, 1 some are not, 2 some could not be checked.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_QUIET | OPT_NO_ANTIVIRUS,
    .run = run,
};
