/*
 * poterne-learner: the only process that opens the ledger. It learns what clients send
 * (bayes/learn.h), many messages in one transaction and one fsync when they come fast, and
 * builds a new model some time after the last change, of which it tells poterned.
 *
 * One round: gather requests from all connections, learn them, sync, answer in order.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/role.h"
#include "bayes/learn.h"
#include "bayes/ledger.h"

#define CLIENTS_MAX      64  /* connections; further ones wait in the socket's line */
#define ROUND_MAX        256 /* requests of one round */
#define ROUND_CLIENT_MAX 32  /* of these from one client, so that one can't keep out the others */
#define MEMORY_MAX       (4096ull * 1024 * 1024)
#define FILES_MAX        256

/* A request of this round and what became of it. */
struct job {
    size_t client;
    uint64_t number;
    enum learn_verb verb;
    struct ledger_item item;
    uint64_t *features;
    uint32_t *grams;
    char reporter[LEARN_REPORTER_MAX];
    enum learn_answer answer;
    char text[ERR_TEXT_MAX]; /* of a failure, or which share is used up */
};

struct learner {
    const struct role_env *env;
    struct ledger *ledger;
    int clients[CLIENTS_MAX]; /* -1: free */
    struct job jobs[ROUND_MAX];
    struct ledger_item items[ROUND_MAX];
    size_t n_jobs;
    int64_t publish_at; /* monotonic milliseconds; 0: nothing to publish */
    struct buf message;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- publication --- */

/* Soon enough after the last change, and not for each of a thousand messages. */
static void publish_later(struct learner *l)
{
    if (ledger_changed(l->ledger))
        l->publish_at = now_ms() + (int64_t)l->env->conf->bayes.publish_delay * 1000 + 1;
}

/* A model that can't be built is no reason to stop learning: the last one serves on, and the next
 * change tries again. */
static int publish(struct learner *l, struct err *err)
{
    l->publish_at = 0;
    int64_t generation = ledger_publish(l->ledger, err);
    if (generation < 0) {
        log_error("no new model, the last one stays in service: %s", err->text);
        return -1;
    }
    struct ledger_totals totals = ledger_totals(l->ledger);
    log_info("model %lld is in service: %llu spam, %llu ham", (long long)generation,
             (unsigned long long)totals.spam, (unsigned long long)totals.ham);
    role_tell(l->env, ROLE_NEW_MODEL);
    return 0;
}

/* --- gathering requests --- */

static void client_close(struct learner *l, size_t client)
{
    fsio_close_quiet(&l->clients[client]);
}

static void job_fail(struct job *job, const char *text)
{
    job->answer = LEARN_ANSWER_FAILED;
    snprintf(job->text, sizeof job->text, "%s", text);
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
    job->features = NULL;
    job->grams = NULL;
}

/* False when the client speaks nonsense. */
static bool job_read(struct learner *l, size_t client, int fd)
{
    struct learn_request request;
    struct err err;
    if (!learn_request_get(buf_str(&l->message), &request))
        return false;
    struct job *job = &l->jobs[l->n_jobs++];
    job->client = client;
    job->number = request.number;
    job->verb = request.verb;
    job->answer = LEARN_ANSWER_DONE;
    job->features = NULL;
    job->grams = NULL;
    job->text[0] = '\0';
    if (request.verb == LEARN_MESSAGE && job_item(job, &request, fd, &err) < 0) {
        job_free(job);
        job_fail(job, err.text);
    }
    return true;
}

static void client_read(struct learner *l, size_t client)
{
    for (unsigned n = 0; n < ROUND_CLIENT_MAX && l->n_jobs < ROUND_MAX; n++) {
        struct ipc_fds fds = {.n = 0};
        struct err err = {""};
        int got = ipc_recv(l->clients[client], &l->message, &fds, &err);
        if (got == 0)
            return;
        bool sense = got == 1 && job_read(l, client, fds.n ? fds.fd[0] : -1);
        ipc_fds_close(&fds);
        if (sense)
            continue;
        if (got != IPC_EOF)
            log_warning("a client is cut off: %s", got == 1 ? "malformed request" : err.text);
        client_close(l, client);
        return;
    }
}

/* --- learning and answering --- */

static bool job_learns(const struct job *job)
{
    return job->verb == LEARN_MESSAGE && job->features;
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
    if (ledger_learn_batch(l->ledger, l->items, n, &err) < 0)
        log_error("not everything was learned: %s", err.text);
    bool durable = ledger_broken(l->ledger) || ledger_sync(l->ledger, &sync_err) == 0;
    if (!durable)
        log_error("%s", sync_err.text);
    n = 0;
    for (size_t i = 0; i < l->n_jobs; i++) {
        struct job *job = &l->jobs[i];
        if (!job_learns(job))
            continue;
        const struct ledger_item *item = &l->items[n++];
        job->answer = ledger_answer(item->result);
        if (item->result == LEARN_CAPPED)
            snprintf(job->text, sizeof job->text, "%s", ledger_cap_text(item->cap));
        if (!durable || job->answer == LEARN_ANSWER_FAILED)
            job_fail(job, durable ? err.text : sync_err.text);
    }
    publish_later(l);
}

static void jobs_publish(struct learner *l)
{
    struct err err = {""};
    bool wanted = false, failed = false;
    for (size_t i = 0; i < l->n_jobs; i++)
        wanted |= l->jobs[i].verb == LEARN_PUBLISH;
    if (wanted && !ledger_broken(l->ledger) && ledger_changed(l->ledger))
        failed = publish(l, &err) < 0;
    for (size_t i = 0; failed && i < l->n_jobs; i++)
        if (l->jobs[i].verb == LEARN_PUBLISH)
            job_fail(&l->jobs[i], err.text);
}

static void job_answer(struct learner *l, const struct job *job)
{
    struct ledger_totals totals = ledger_totals(l->ledger);
    struct learn_reply reply = {.number = job->number,
                                .answer = job->answer,
                                .spam = totals.spam,
                                .ham = totals.ham,
                                .held = totals.held_spam + totals.held_ham,
                                .generation = totals.generation,
                                .text = str_of(job->text)};
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

static void jobs_finish(struct learner *l)
{
    jobs_learn(l);
    jobs_publish(l);
    for (size_t i = 0; i < l->n_jobs; i++) {
        job_answer(l, &l->jobs[i]);
        job_free(&l->jobs[i]);
    }
    l->n_jobs = 0;
}

/* --- the loop --- */

static void client_accept(struct learner *l)
{
    struct err err;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (l->clients[i] >= 0)
            continue;
        l->clients[i] = ipc_accept(l->env->service_fd, &err);
        if (l->clients[i] < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            log_warning("%s", err.text);
        if (l->clients[i] < 0)
            return;
    }
}

static int wait_time(const struct learner *l)
{
    if (l->publish_at == 0)
        return -1;
    int64_t left = l->publish_at - now_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* 1 go on, 0 drain was asked, -1 error. */
static int learner_round(struct learner *l, struct err *err)
{
    struct pollfd p[2 + CLIENTS_MAX] = {{.fd = l->env->ctl_fd, .events = POLLIN}};
    bool full = true;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        p[2 + i] = (struct pollfd){.fd = l->clients[i], .events = POLLIN};
        full &= l->clients[i] >= 0;
    }
    p[1] = (struct pollfd){.fd = full ? -1 : l->env->service_fd, .events = POLLIN};
    int n = poll(p, sizeof p / sizeof p[0], wait_time(l));
    if (n < 0 && errno != EINTR)
        return err_sys(err, "cannot wait for requests");
    if (n > 0) {
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            if (p[2 + i].revents)
                client_read(l, i);
        jobs_finish(l);
        if (p[1].revents)
            client_accept(l);
    }
    if (ledger_broken(l->ledger))
        return err_set(err, "the ledger is damaged: a new learner recovers it");
    if (l->publish_at && now_ms() >= l->publish_at)
        publish(l, err);
    return n > 0 && p[0].revents ? 0 : 1;
}

static bool model_usable(const char *folder)
{
    struct err err;
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/current", folder);
    int fd = n > 0 && (size_t)n < sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    struct model *model = model_open(fd, path, &err);
    close(fd);
    if (model == NULL)
        log_error("%s", err.text);
    bool usable = model != NULL;
    model_close(&model);
    return usable;
}

static int learner_open(struct learner *l, struct err *err)
{
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s/bayes", l->env->conf->state_dir);
    if (n < 0 || (size_t)n >= sizeof folder)
        return err_set(err, "%s/bayes: path too long", l->env->conf->state_dir);
    l->ledger = ledger_open(folder, err);
    if (l->ledger == NULL)
        return -1;
    struct ledger_policy policy = ledger_policy_of(l->env->conf);
    ledger_policy_set(l->ledger, &policy);
    struct ledger_totals totals = ledger_totals(l->ledger);
    log_info("ledger: %llu spam, %llu ham, model %llu", (unsigned long long)totals.spam,
             (unsigned long long)totals.ham, (unsigned long long)totals.generation);
    bool taught = totals.spam + totals.ham > 0;
    if (ledger_changed(l->ledger) || (taught && !model_usable(folder)))
        publish(l, err);
    return 0;
}

/* The ledger is opened here and not before the sandbox, because what it creates must belong to
 * the learner's own user. */
static int learner_serve(const struct role_env *env, void *data, struct err *err)
{
    struct learner *l = calloc(1, sizeof *l);
    int more = 1;
    if (l == NULL)
        return err_set(err, "out of memory");
    l->env = env;
    l->message = BUF_INIT(IPC_MSG_MAX);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        l->clients[i] = -1;
    if (learner_open(l, err) < 0)
        more = -1;
    while (more > 0)
        more = learner_round(l, err);
    if (more == 0 && ledger_changed(l->ledger))
        publish(l, err);
    ledger_close(&l->ledger);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        client_close(l, i);
    buf_release(&l->message);
    free(l);
    return more;
}

static void learner_sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_FILES | SANDBOX_ACCEPT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    sandbox_path_in(box, env->conf->state_dir, "bayes", SANDBOX_WRITE);
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "learner",
                                     .sandbox = learner_sandbox,
                                     .serve = learner_serve};
    return role_main(argc, argv, &role);
}
