#include "gateway/learner/learner.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/learn/learn_orders.h"

/* Requests of a round from one client, so that one can't keep out the others. */
#define ROUND_CLIENT_MAX 32

/* --- gathering --- */

void client_close(struct learner *l, size_t client)
{
    fsio_close_quiet(&l->clients[client]);
    if (l->holder == (int)client) /* who comes to this place next is somebody else */
        l->holder = -1;
}

static void job_say(struct job *job, const char *text)
{
    snprintf(job->text, sizeof job->text, "%s", text);
    job->text_size = strlen(job->text);
}

static void job_fail(struct job *job, const char *text)
{
    job->answer = LEARN_ANSWER_FAILED;
    job_say(job, text);
}

/* What is to be learned; the request's own bytes are soon gone. */
static int job_item(struct job *job, const struct learn_request *request, int fd, struct err *err)
{
    size_t n_grams;
    job->features = learn_request_features(request, fd, err);
    job->grams = job->features ? learn_request_grams(request, &n_grams, err) : NULL;
    if (job->grams == NULL)
        return -1;
    job->item = (struct ledger_item){.digest = request->digest,
                                     .class = request->class,
                                     .features = job->features,
                                     .n = request->n,
                                     .grams = job->grams,
                                     .n_grams = n_grams,
                                     .source = request->source};
    struct str *reporter = &job->item.source.reporter;
    if (reporter->n)
        memcpy(job->reporter, reporter->s, reporter->n);
    reporter->s = job->reporter;
    return 0;
}

static void job_free(struct job *job)
{
    free(job->features);
    free(job->grams);
    fsio_close_quiet(&job->fd);
    job->features = NULL;
    job->grams = NULL;
}

/* False when the client speaks nonsense. */
static bool job_read(struct learner *l, size_t client, struct ipc_fds *fds)
{
    struct learn_request request;
    struct err err;
    if (!learn_request_get(buf_str(&l->message), &request))
        return false;
    struct job *job = &l->jobs[l->n_jobs++];
    job->client = client;
    job->number = request.number;
    job->verb = request.verb;
    job->publish = request.publish;
    job->generation = request.generation;
    job->other = request.other;
    job->answer = LEARN_ANSWER_DONE;
    job->fresh = false;
    job->fd = -1;
    job->features = NULL;
    job->grams = NULL;
    job_say(job, "");
    if (learn_verb_lists(request.verb)) {
        if (job_item(job, &request, fds->n ? fds->fd[0] : -1, &err) < 0) {
            job_free(job);
            job_fail(job, err.text);
        }
    } else if (fds->n) {
        job->fd = fds->fd[--fds->n];
    }
    return true;
}

void client_read(struct learner *l, size_t client)
{
    for (unsigned n = 0; n < ROUND_CLIENT_MAX && l->n_jobs < ROUND_MAX; n++) {
        struct ipc_fds fds = {.n = 0};
        struct err err = {""};
        int got = ipc_recv(l->clients[client], &l->message, &fds, &err);
        if (got == 0)
            return;
        bool sense = got == 1 && job_read(l, client, &fds);
        ipc_fds_close(&fds);
        if (sense)
            continue;
        if (got != IPC_EOF)
            log_warning("a client is cut off: %s", got == 1 ? "malformed request" : err.text);
        client_close(l, client);
        return;
    }
}

/* --- learning --- */

static bool job_learns(const struct job *job)
{
    return job->verb == LEARN_MESSAGE && job->features;
}

/* Says what became of each message: what failed, or is not durable, is not learned. */
static void items_tell(struct learner *l, bool durable, const char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n_jobs; i++) {
        struct job *job = &l->jobs[i];
        if (!job_learns(job))
            continue;
        const struct ledger_item *item = &l->items[n++];
        job->answer = ledger_answer(item->result);
        if (item->result == LEARN_CAPPED)
            job_say(job, ledger_cap_text(item->cap));
        if (!durable || job->answer == LEARN_ANSWER_FAILED)
            job_fail(job, text);
    }
}

static void jobs_learn(struct learner *l)
{
    struct err err = {""}, sync_err;
    size_t n = 0;
    for (size_t i = 0; i < l->n_jobs; i++)
        if (job_learns(&l->jobs[i]))
            l->items[n++] = l->jobs[i].item;
    if (n == 0)
        return;
    service_watch_begin(l);
    if (ledger_learn_batch(l->ledger, l->items, n, &err) < 0)
        log_error("not everything was learned: %s", err.text);
    bool durable = ledger_broken(l->ledger) || ledger_sync(l->ledger, &sync_err) == 0;
    if (!durable)
        log_error("%s", sync_err.text);
    items_tell(l, durable, durable ? err.text : sync_err.text);
    if (!ledger_broken(l->ledger))
        service_watch_end(l);
    service_publish_later(l);
}

/* --- orders --- */

static void job_publish(struct learner *l, struct job *job)
{
    struct generation made;
    struct err err;
    if (job->publish == LEARN_PUBLISH_CHANGED && !ledger_changed(l->ledger))
        return;
    switch (service_publish(l, job->publish, &made, &err)) {
    case PUBLISH_LIVE:
        return;
    case PUBLISH_FAILED:
        job_fail(job, err.text);
        return;
    case PUBLISH_REFUSED:
    case PUBLISH_HELD:
        job->answer = LEARN_ANSWER_REFUSED;
        job_say(job, made.why);
        return;
    }
}

static void job_import(struct learner *l, struct job *job)
{
    struct import_summary summary;
    struct err err;
    struct buf text = BUF_OVER(job->text);
    if (ledger_import(l->ledger, job->fd, "the passed file", &summary, &err) < 0) {
        job_fail(job, err.text);
        return;
    }
    import_summary_put(&text, &summary);
    job->text_size = text.n;
    service_publish_later(l);
}

static void job_compare(struct learner *l, struct job *job)
{
    struct guard_report report;
    struct err err;
    struct buf text = BUF_OVER(job->text);
    if (publish_compare_kept(l->ledger, job->generation, job->other, &report, &err) < 0) {
        job_fail(job, err.text);
        return;
    }
    guard_report_put(&text, &report);
    job->text_size = text.n;
}

/* --- what is asked of the ledger, and noted beside it --- */

static void job_ask(struct learner *l, struct job *job)
{
    struct err err;
    const struct ledger_item *item = &job->item;
    if (item->n > LEARN_ASK_MAX)
        job_fail(job, "too many questions at once");
    else if (ledger_ask(l->ledger, item->class, item->features, item->n, job->text, &err) < 0)
        job_fail(job, err.text);
    else
        job->text_size = item->n;
}

static void job_note_sent(struct learner *l, struct job *job)
{
    const struct ledger_item *item = &job->item;
    if (l->known == NULL)
        job_fail(job, "the table of known addresses could not be opened");
    else if (known_note(l->known, item->features, item->n, known_day(item->source.when)) == 0)
        job->answer = LEARN_ANSWER_KNOWN;
}

static void known_keep(struct learner *l)
{
    struct err err;
    bool sent = false;
    for (size_t i = 0; i < l->n_jobs; i++)
        sent |= l->jobs[i].verb == LEARN_SENT;
    if (sent && l->known && known_sync(l->known, &err) < 0)
        log_error("%s", err.text);
}

/* What could block is not waited for. */
static bool is_file(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void job_order(struct learner *l, struct job *job)
{
    struct err err;
    bool with_file = job->verb == LEARN_EXPORT || job->verb == LEARN_IMPORT;
    if (ledger_broken(l->ledger))
        job_fail(job, "the ledger is damaged, and recovered in a moment");
    else if (with_file && !is_file(job->fd))
        job_fail(job, "no plain file was passed");
    else if (job->verb == LEARN_PUBLISH)
        job_publish(l, job);
    else if (job->verb == LEARN_ROLLBACK && service_rollback(l, job->generation, &err) < 0)
        job_fail(job, err.text);
    else if (job->verb == LEARN_EXPORT &&
             ledger_export(l->ledger, job->fd, "the passed file", &err) < 0)
        job_fail(job, err.text);
    else if (job->verb == LEARN_IMPORT)
        job_import(l, job);
    else if (job->verb == LEARN_COMPARE)
        job_compare(l, job);
    else if (job->verb == LEARN_ASK && job->features)
        job_ask(l, job);
    else if (job->verb == LEARN_SENT && job->features)
        job_note_sent(l, job);
    else if (job->verb == LEARN_HOLD && !service_hold(l, job->client))
        job_fail(job, "another one copies what was learned");
}

/* --- answering --- */

static void job_answer(struct learner *l, const struct job *job)
{
    struct ledger_totals totals = ledger_totals(l->ledger);
    struct learn_reply reply = {.number = job->number,
                                .answer = job->answer,
                                .spam = totals.spam,
                                .ham = totals.ham,
                                .held = totals.held_spam + totals.held_ham,
                                .generation = totals.generation,
                                .text = str_n(job->text, job->text_size)};
    struct err err = {""};
    if (l->clients[job->client] < 0)
        return;
    buf_clear(&l->message);
    learn_reply_put(&l->message, &reply);
    int sent = buf_ok(&l->message)
                   ? ipc_send(l->clients[job->client], buf_str(&l->message), NULL, &err)
                   : -1;
    if (sent == 1)
        return;
    if (sent != IPC_EOF)
        log_warning("a client is cut off: %s",
                    sent == 0 ? "it does not read its answers" : err.text);
    client_close(l, job->client);
}

void jobs_finish(struct learner *l)
{
    jobs_learn(l);
    for (size_t i = 0; i < l->n_jobs; i++)
        if (l->jobs[i].verb > LEARN_MESSAGE && l->jobs[i].verb != LEARN_STATUS)
            job_order(l, &l->jobs[i]);
    known_keep(l);
    for (size_t i = 0; i < l->n_jobs; i++) {
        job_answer(l, &l->jobs[i]);
        job_free(&l->jobs[i]);
    }
    l->n_jobs = 0;
}
