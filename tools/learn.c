/* learn: teach pass 2 what is spam and what is not, or take it back. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bayes/learn_client.h"
#include "tools/files.h"
#include "tools/json.h"
#include "tools/tool.h"

#define FILE_MAX ((size_t)4 * 1024 * 1024 * 1024) /* a mailbox is read whole */
#define POOL_MAX ((size_t)512 * 1024 * 1024)      /* for one message */

struct job {
    struct conf *conf;
    struct learn_client *client;
    enum learn_class class;
    struct pool *pool;  /* of one message */
    struct buf file;    /* one file */
    struct buf message; /* one message of a mailbox */
    struct file_list files;
    size_t at; /* in files */
    struct tool_progress bar;
    uint64_t done, known, failed;
};

/* The client reports later than it was given: by then only the number is known. */
static void report(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    struct job *job = data;
    struct err err;
    if (answer == LEARN_ANSWER_DONE) {
        job->done++;
    } else if (answer == LEARN_ANSWER_KNOWN) {
        job->known++;
    } else {
        job->failed++;
        err_set(&err, "%s: %s", job->files.paths[number], text);
        tool_fail("learn", &err);
    }
}

/* -1: learning can't go on. A message that can't be read is only counted. */
static int learn_message(struct job *job, struct str raw, struct err *err)
{
    struct message *message;
    struct mail_text *text;
    struct features features;
    pool_reset(job->pool);
    if (message_parse(job->pool, raw, &mail_limits_default, &message, err) == 0 &&
        mail_text_make(job->pool, message, &text, err) == 0 &&
        features_extract(job->pool, message, text, &features, err) == 0)
        return learn_client_add(job->client, job->class, &features, NULL, job->at, err);
    job->failed++;
    err_prefix(err, "%s", job->files.paths[job->at]);
    tool_fail("learn", err);
    return 0;
}

static int learn_file(struct job *job, struct err *err)
{
    const char *path = job->files.paths[job->at];
    buf_clear(&job->file);
    if (file_read(path, &job->file, err) < 0) {
        job->failed++;
        tool_fail("learn", err);
        return 0;
    }
    struct str rest = buf_str(&job->file);
    if (!mbox_is(rest))
        return learn_message(job, mbox_line_dropped(rest), err);
    while (mbox_next(&rest, &job->message)) {
        if (!buf_ok(&job->message))
            return err_set(err, "%s: out of memory", path);
        if (learn_message(job, buf_str(&job->message), err) < 0)
            return -1;
    }
    return 0;
}

static int learn_all(struct job *job, struct learn_summary *summary, struct err *err)
{
    int result = 0;
    tool_progress_begin(&job->bar, "learned", job->files.n);
    for (job->at = 0; result == 0 && job->at < job->files.n; job->at++) {
        result = learn_file(job, err);
        tool_progress_step(&job->bar);
    }
    tool_progress_end(&job->bar);
    return result == 0 ? learn_client_finish(job->client, true, summary, err) : -1;
}

static int open_job(struct job *job, const struct tool_args *args, struct err *err)
{
    job->file = BUF_INIT(FILE_MAX);
    job->message = BUF_INIT(FILE_MAX);
    job->class = args->given & OPT_SPAM  ? LEARN_SPAM
                 : args->given & OPT_HAM ? LEARN_HAM
                                         : LEARN_FORGET;
    job->conf = tool_conf(args, err);
    if (job->conf == NULL)
        return -1;
    job->pool = pool_new(POOL_MAX);
    if (job->pool == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < args->n_rest; i++)
        if (file_list_add(&job->files, args->rest[i], err) < 0)
            return -1;
    job->client = learn_client_open(job->conf, report, job, err);
    return job->client ? 0 : -1;
}

static void close_job(struct job *job)
{
    learn_client_close(&job->client);
    file_list_free(&job->files);
    buf_release(&job->file);
    buf_release(&job->message);
    pool_free(&job->pool);
    conf_free(&job->conf);
}

static void put_summary(const struct job *job, const struct learn_summary *summary)
{
    const char *what = job->class == LEARN_SPAM  ? "learned as spam"
                       : job->class == LEARN_HAM ? "learned as ham"
                                                 : "taken back";
    printf("%" PRIu64 " %s, %" PRIu64 " known before, %" PRIu64 " failed; ", job->done, what,
           job->known, job->failed);
    printf("in all %" PRIu64 " spam and %" PRIu64 " ham, model %" PRIu64 "\n", summary->spam,
           summary->ham, summary->generation);
}

static void put_summary_json(const struct job *job, const struct learn_summary *summary)
{
    const char *class = job->class == LEARN_SPAM ? "spam" : job->class == LEARN_HAM ? "ham" : NULL;
    json_line(json_pack("{s:s?, s:I, s:I, s:I, s:{s:I, s:I}, s:I}", "class", class, "done",
                        (json_int_t)job->done, "known", (json_int_t)job->known, "failed",
                        (json_int_t)job->failed, "total", "spam", (json_int_t)summary->spam, "ham",
                        (json_int_t)summary->ham, "model", (json_int_t)summary->generation));
}

static int run(const struct tool_args *args)
{
    struct job job = {0};
    struct learn_summary summary = {0};
    struct err err = {""};
    unsigned classes = args->given & (OPT_SPAM | OPT_HAM | OPT_FORGET);
    if (classes == 0 || (classes & (classes - 1)))
        return tool_misused("learn", "say one of --spam, --ham, --forget");
    if (args->n_rest == 0)
        return tool_misused("learn", "name files, folders or mailboxes, or - for standard input");
    bool failed = open_job(&job, args, &err) < 0 || learn_all(&job, &summary, &err) < 0;
    if (failed)
        tool_fail("learn", &err);
    else if (args->given & OPT_JSON)
        put_summary_json(&job, &summary);
    else if (!(args->given & OPT_QUIET))
        put_summary(&job, &summary);
    if (job.failed)
        failed = true;
    close_job(&job);
    return failed ? TOOL_FAILED : TOOL_YES;
}

const struct tool_command tool_learn = {
    .name = "learn",
    .summary = "teach what is spam and what is not",
    .arguments = "--spam|--ham|--forget FILE|FOLDER|MAILBOX|-…",
    .help =
        "A file is one message or an mbox; of a Maildir cur/ and new/ are taken. A message that\n"
        "is known already is left as it is (known in the other class: moved), so a run that\n"
        "was broken off can simply be started again.\n"
        "The running gateway's learner does it, or, when none runs, this command itself.\n"
        "--json prints one object at the end: class (spam, ham, null for --forget), done, known,\n"
        "failed, total {spam, ham}, model.\n"
        "Exit status: 0 all done or known before, 2 some could not be learned.\n",
    .options = OPT_CONFIG | OPT_SPAM | OPT_HAM | OPT_FORGET | OPT_QUIET | OPT_JSON,
    .run = run,
};
