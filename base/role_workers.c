#include "base/role_workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define START_TIMEOUT_MS 60000
/* A worker that dies sooner than this after its start is replaced only after this long. */
#define RESPAWN_PAUSE 1

struct lead {
    const struct role *role;
    const struct role_env *env;
    void *data;
    unsigned n;
    pid_t pid[ROLE_WORKERS_MAX]; /* 0: none at the moment */
    time_t started[ROLE_WORKERS_MAX];
    int drain[2]; /* workers hold the reading end; it ends when the leader closes or dies */
    int ready[2]; /* a byte from each worker in its sandbox */
    int child_fd; /* signalfd of SIGCHLD */
};

static _Noreturn void be_worker(struct lead *lead)
{
    struct err err = {""};
    struct role_env env = *lead->env;
    struct sandbox box = {.required = env.conf->sandbox_required};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close(lead->drain[1]);
    close(lead->ready[0]);
    close(lead->child_fd);
    close(env.ctl_fd);
    env.ctl_fd = lead->drain[0];
    lead->role->sandbox(&env, &box);
    int result = sandbox_enter(&box, &err);
    if (result == 0 && write(lead->ready[1], "", 1) == 1) {
        close(lead->ready[1]);
        result = lead->role->serve(&env, lead->data, &err);
    }
    if (result < 0)
        log_error("%s", err.text);
    /* what was loaded belongs to the leader: no unload, no atexit work of libraries */
    _exit(result < 0 ? 1 : 0);
}

static int start_worker(struct lead *lead, unsigned i, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(err, "cannot fork a worker");
    if (pid == 0)
        be_worker(lead);
    lead->pid[i] = pid;
    lead->started[i] = clock_seconds();
    return 0;
}

static int start_all(struct lead *lead, struct err *err)
{
    for (unsigned i = 0; i < lead->n; i++)
        if (start_worker(lead, i, err) < 0)
            return -1;
    for (unsigned i = 0; i < lead->n; i++) {
        char byte;
        int got = ipc_wait(lead->ready[0], false, START_TIMEOUT_MS, err);
        if (got != 1 || read(lead->ready[0], &byte, 1) != 1)
            return err_set(err, "a worker did not get into its sandbox: its own log says why");
    }
    return 0;
}

static const char *signal_name(int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return "it took longer than its time-out";
    if (WIFSIGNALED(status))
        return sigdescr_np(WTERMSIG(status));
    return "it ended by itself";
}

static void reap(struct lead *lead)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (unsigned i = 0; i < lead->n; i++) {
            if (lead->pid[i] != pid)
                continue;
            log_error("worker %d died (%s); it is replaced", (int)pid, signal_name(status));
            lead->pid[i] = 0;
        }
    }
}

/* Returns how long to wait until a missing worker may be started, in ms; -1: none is missing. */
static int replace_missing(struct lead *lead)
{
    int wait = -1;
    for (unsigned i = 0; i < lead->n; i++) {
        struct err err;
        if (lead->pid[i] != 0)
            continue;
        if (clock_seconds() - lead->started[i] < RESPAWN_PAUSE || start_worker(lead, i, &err) < 0)
            wait = RESPAWN_PAUSE * 1000;
    }
    return wait;
}

static void keep_workers(struct lead *lead)
{
    for (;;) {
        struct signalfd_siginfo info;
        struct pollfd p[2] = {{.fd = lead->env->ctl_fd, .events = POLLIN},
                              {.fd = lead->child_fd, .events = POLLIN}};
        int n = poll(p, 2, replace_missing(lead));
        if (n > 0 && p[0].revents)
            return;
        if (n > 0 && read(lead->child_fd, &info, sizeof info) < 0 && errno != EAGAIN)
            log_warning("cannot read a child's signal");
        reap(lead);
    }
}

static void drain_workers(struct lead *lead)
{
    close(lead->drain[1]);
    lead->drain[1] = -1;
    for (unsigned i = 0; i < lead->n; i++)
        if (lead->pid[i] > 0)
            waitpid(lead->pid[i], NULL, 0);
}

static int open_lead(struct lead *lead, struct err *err)
{
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    if (pipe2(lead->drain, O_CLOEXEC) < 0 || pipe2(lead->ready, O_CLOEXEC) < 0)
        return err_sys(err, "cannot make a pipe");
    sigprocmask(SIG_BLOCK, &children, NULL);
    lead->child_fd = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
    return lead->child_fd < 0 ? err_sys(err, "cannot watch children") : 0;
}

static unsigned count_workers(const struct role *role, const struct conf *conf)
{
    unsigned n = role->workers(conf);
    return n < ROLE_WORKERS_MAX ? n : ROLE_WORKERS_MAX;
}

int role_lead_workers(const struct role *role, const struct role_env *env, void *data,
                      struct err *err)
{
    struct lead *lead = calloc(1, sizeof *lead);
    if (lead == NULL)
        return err_set(err, "out of memory");
    *lead =
        (struct lead){.role = role, .env = env, .data = data, .n = count_workers(role, env->conf)};
    struct sandbox box = {.required = env->conf->sandbox_required};
    role->sandbox(env, &box);
    box.allow |= SANDBOX_FORK | SANDBOX_NEST | SANDBOX_FILES;
    box.memory_limit = 0; /* the workers' own limit comes with their own sandbox */
    box.files_limit = 0;
    int result = open_lead(lead, err);
    if (result == 0)
        result = sandbox_enter(&box, err);
    if (result == 0)
        result = start_all(lead, err);
    if (result == 0) {
        role_tell(env, ROLE_READY);
        keep_workers(lead);
    }
    if (lead->drain[1] > 0)
        drain_workers(lead);
    free(lead);
    return result;
}
