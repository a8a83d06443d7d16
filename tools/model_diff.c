/* model diff: what changed from one model to another, and which verdicts flip by it. */
#include "bayes/model/model_diff.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/files.h"
#include "tools/json.h"
#include "tools/mail_index.h"
#include "tools/model_tool.h"

#define FILE_SIZE_MAX  ((size_t)256 * 1024 * 1024)
#define POOL_MAX       ((size_t)1024 * 1024 * 1024) /* for one message */
#define INDEX_POOL_MAX ((size_t)2 * 1024 * 1024 * 1024)

struct diff_job {
    struct model_tool *tool;
    uint64_t numbers[2];
    struct model *models[2];
    struct model_diff diff;
    struct guard_report report;
    struct pool *index_pool;
    struct pool *pool; /* of one message */
    struct buf file;
    struct mail_index index;
    size_t n;
    size_t failed;
};

/* --- messages of a list --- */

static int message_score(struct diff_job *job, const struct features *features, size_t i,
                         double *score, struct err *err)
{
    struct bayes_result result;
    if (bayes_classify(job->models[i], features, job->pool, &result, err) < 0)
        return -1;
    *score = result.used ? -result.evidence : 0;
    return 0;
}

static int message_judge(struct diff_job *job, const struct mail_index_entry *entry,
                         struct guard_sample *sample, struct err *err)
{
    struct features features;
    buf_clear(&job->file);
    pool_reset(job->pool);
    if (file_read(entry->path, &job->file, err) < 0)
        return -1;
    struct str raw = mbox_line_dropped(buf_str(&job->file));
    if (features_of_mail(job->pool, raw, NULL, &features, err) < 0 ||
        message_score(job, &features, 0, &sample->before, err) < 0 ||
        message_score(job, &features, 1, &sample->after, err) < 0)
        return err_prefix(err, "%s", entry->path);
    sample->spam = entry->spam;
    return 0;
}

static int put_flip(const struct diff_job *job, const struct mail_index_entry *entry,
                    const struct guard_sample *sample)
{
    const char *class = entry->spam ? "spam" : "ham";
    if (job->tool->json)
        return json_line(json_pack("{s:s, s:o, s:f, s:f}", "class", class, "path",
                                   json_text(str_of(entry->path)), "before", sample->before,
                                   "after", sample->after));
    printf("%-4s  %+7.2f  %+7.2f  ", class, sample->before, sample->after);
    tool_put_text(stdout, str_of(entry->path));
    putchar('\n');
    return 0;
}

static int index_judge(struct diff_job *job, struct guard_sample *samples, struct err *err)
{
    struct tool_progress bar;
    int result = 0;
    tool_progress_begin(&bar, "judged", job->index.n);
    for (size_t i = 0; i < job->index.n && result == 0; i++) {
        const struct mail_index_entry *entry = &job->index.list[i];
        struct guard_sample *sample = &samples[job->n];
        tool_progress_step(&bar);
        if (message_judge(job, entry, sample, err) < 0) {
            job->failed++;
            tool_fail("model", err);
            continue;
        }
        job->n++;
        if ((sample->before < 0) != (sample->after < 0))
            result = put_flip(job, entry, sample);
    }
    tool_progress_end(&bar);
    return result < 0 ? err_set(err, "the answer can't be written") : 0;
}

static int index_compare(struct diff_job *job, struct err *err)
{
    job->file = BUF_INIT(FILE_SIZE_MAX);
    job->index_pool = pool_new(INDEX_POOL_MAX);
    job->pool = pool_new(POOL_MAX);
    if (job->index_pool == NULL || job->pool == NULL)
        return err_set(err, "out of memory");
    if (mail_index_read(&job->index, job->index_pool, job->tool->args->index, err) < 0)
        return -1;
    struct guard_sample *samples = calloc(job->index.n + 1, sizeof *samples);
    if (samples == NULL)
        return err_set(err, "out of memory for %zu messages", job->index.n);
    int result = index_judge(job, samples, err);
    if (result == 0)
        result = guard_compare(samples, job->n, &job->report, err);
    free(samples);
    return result;
}

/* --- held-out mail --- */

static int held_compare(struct diff_job *job, struct err *err)
{
    struct learn_client *client = model_client(job->tool, err);
    int result =
        client ? order_compare(client, job->numbers[0], job->numbers[1], &job->report, err) : -1;
    learn_client_close(&client);
    return result;
}

/* --- the answer --- */

static json_t *figures_json(const struct guard_figures *figures)
{
    return json_pack("{s:I, s:I, s:f}", "ham_errors", (json_int_t)figures->ham_errors,
                     "spam_missed", (json_int_t)figures->spam_missed, "1-roca", figures->roca);
}

static int put_json(const struct diff_job *job)
{
    const struct model_diff *diff = &job->diff;
    const struct guard_report *report = &job->report;
    json_t *messages =
        json_pack("{s:s, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:f}", "of",
                  job->tool->args->index ? "index" : "held_out", "ham", (json_int_t)report->ham,
                  "spam", (json_int_t)report->spam, "before", figures_json(&report->before),
                  "after", figures_json(&report->after), "ham_worse", (json_int_t)report->ham_worse,
                  "ham_better", (json_int_t)report->ham_better, "spam_worse",
                  (json_int_t)report->spam_worse, "spam_better", (json_int_t)report->spam_better,
                  "z", report->z);
    return json_line(
        json_pack("{s:I, s:I, s:{s:I, s:I, s:I, s:I}, s:I, s:o}", "from",
                  (json_int_t)job->numbers[0], "to", (json_int_t)job->numbers[1], "tokens", "new",
                  (json_int_t)diff->tokens_new, "gone", (json_int_t)diff->tokens_gone, "changed",
                  (json_int_t)diff->tokens_changed, "same", (json_int_t)diff->tokens_same,
                  "weights_changed", (json_int_t)diff->weights_changed, "messages", messages));
}

static void put_figures(uint64_t number, const struct guard_report *report,
                        const struct guard_figures *figures)
{
    printf("  model %-6" PRIu64 " %" PRIu32 " of %" PRIu32 " ham wrong, %" PRIu32 " of %" PRIu32
           " spam missed, 1-ROCA %.4f %%\n",
           number, figures->ham_errors, report->ham, figures->spam_missed, report->spam,
           100 * figures->roca);
}

static void put_words(const struct diff_job *job)
{
    const struct model_diff *diff = &job->diff;
    const struct guard_report *report = &job->report;
    printf("tokens: %" PRIu64 " new, %" PRIu64 " gone, %" PRIu64 " with other counts, %" PRIu64
           " the same; %" PRIu32 " weights of byte 4-grams changed\n",
           diff->tokens_new, diff->tokens_gone, diff->tokens_changed, diff->tokens_same,
           diff->weights_changed);
    if (report->ham + report->spam == 0) {
        puts(job->tool->args->index ? "no message was judged" : "no mail is held out yet");
        return;
    }
    puts(job->tool->args->index ? "the messages of the list:" : "held-out mail:");
    put_figures(job->numbers[0], report, &report->before);
    put_figures(job->numbers[1], report, &report->after);
    printf("  verdicts that flip: ham %" PRIu32 " to wrong, %" PRIu32 " to right; spam %" PRIu32
           " to missed, %" PRIu32 " to found\n",
           report->ham_worse, report->ham_better, report->spam_worse, report->spam_better);
}

static int diff_all(struct diff_job *job, struct err *err)
{
    for (size_t i = 0; i < 2; i++) {
        if (model_number(job->tool->rest[i], &job->numbers[i], err) < 0)
            return -1;
        job->models[i] = generation_open(job->tool->folder, job->numbers[i], err);
        if (job->models[i] == NULL)
            return -1;
    }
    if (model_diff(job->models[0], job->models[1], &job->diff, err) < 0)
        return -1;
    return job->tool->args->index ? index_compare(job, err) : held_compare(job, err);
}

static bool same(const struct model_diff *diff)
{
    return diff->tokens_new + diff->tokens_gone + diff->tokens_changed + diff->weights_changed == 0;
}

int model_diff_command(struct model_tool *tool, struct err *err)
{
    struct diff_job job = {.tool = tool};
    int result = diff_all(&job, err);
    if (result == 0 && tool->json)
        result = put_json(&job) < 0 ? err_set(err, "the answer can't be written") : 0;
    else if (result == 0)
        put_words(&job);
    if (result == 0)
        result = job.failed ? TOOL_FAILED : same(&job.diff) ? TOOL_YES : TOOL_NO;
    model_close(&job.models[0]);
    model_close(&job.models[1]);
    buf_release(&job.file);
    pool_free(&job.pool);
    pool_free(&job.index_pool);
    return result;
}
