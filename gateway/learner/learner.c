/*
 * poterne-learner: the only process that opens the ledger. It learns what clients send
 * (bayes/learn/learn.h), many messages in one transaction and one fsync when they come fast; builds
 * a new model some time after the last change; and tells poterned when another model serves.
 */
#include "gateway/learner/learner.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "base/log.h"

#define MEMORY_MAX (4096ull * 1024 * 1024)
#define FILES_MAX  256

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

/* 1 go on, 0 drain was asked, -1 error. */
static int learner_round(struct learner *l, struct err *err)
{
    struct pollfd p[2 + CLIENTS_MAX] = {{.fd = l->env->ctl_fd, .events = POLLIN}};
    bool full = true;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        bool heard = !service_held(l) || l->holder == (int)i;
        p[2 + i] = (struct pollfd){.fd = heard ? l->clients[i] : -1, .events = POLLIN};
        full &= l->clients[i] >= 0;
    }
    p[1] = (struct pollfd){.fd = full ? -1 : l->env->service_fd, .events = POLLIN};
    int n = poll(p, sizeof p / sizeof p[0], service_wait(l));
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
    service_hold_tick(l);
    service_tick(l);
    return n > 0 && p[0].revents ? 0 : 1;
}

static void open_known(struct learner *l, const char *folder)
{
    struct err err = {""};
    bool made = false;
    l->known = known_open_writer(folder, &made, &err);
    if (l->known == NULL)
        log_error("%s; what own users send is not noted", err.text);
    else if (made) /* content has to look for it again */
        role_tell(l->env, ROLE_NEW_MODEL);
}

static int learner_open(struct learner *l, struct err *err)
{
    char folder[PATH_MAX];
    if (fsio_join(folder, sizeof folder, l->env->conf->state_dir, "bayes", err) < 0)
        return -1;
    l->watcher = watcher_new();
    if (l->watcher == NULL)
        return err_set(err, "out of memory");
    l->ledger = ledger_open(folder, err);
    if (l->ledger == NULL)
        return -1;
    struct ledger_policy policy = ledger_policy_of(l->env->conf);
    ledger_policy_set(l->ledger, &policy);
    open_known(l, folder);
    struct ledger_totals totals = ledger_totals(l->ledger);
    log_info("ledger: %llu spam, %llu ham, model %llu", (unsigned long long)totals.spam,
             (unsigned long long)totals.ham, (unsigned long long)totals.generation);
    service_begin(l, folder);
    return 0;
}

/* The ledger is opened here and not before the sandbox, because what it creates must belong to
 * the learner's own user. */
static int learner_serve(const struct role_env *env, void *data, struct err *err)
{
    struct learner *l = calloc(1, sizeof *l);
    struct generation made;
    int more = 1;
    if (l == NULL)
        return err_set(err, "out of memory");
    l->env = env;
    l->holder = -1;
    l->message = BUF_INIT(IPC_MSG_MAX);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        l->clients[i] = -1;
    if (learner_open(l, err) < 0)
        more = -1;
    while (more > 0)
        more = learner_round(l, err);
    if (more == 0 && ledger_changed(l->ledger))
        service_publish(l, LEARN_PUBLISH_CHANGED, &made, err);
    watcher_free(&l->watcher);
    ledger_close(&l->ledger);
    known_close(&l->known);
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
