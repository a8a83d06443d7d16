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
#include "base/fsio.h"
#include "base/log.h"

#define START_TIMEOUT_MS 60000
/* A worker that dies sooner than this after its start is replaced only after this long. */
#define RESPAWN_PAUSE 1
/* Those that begin to wait in this time are counted together: most waits are over by then. */
#define GATHER_MS 2
/* So long a worker stays that is not needed. */
#define SHRINK_SECONDS 10
#define FULL_SECONDS   60 /* between two warnings that more can't be started */

struct lead {
    const struct role *role;
    const struct role_env *env;
    void *data;
    struct role_pool *pool;
    pid_t pid[ROLE_WORKERS_MAX];           /* 0: none at the moment */
    time_t paused_until[ROLE_WORKERS_MAX]; /* nobody takes that place before */
    time_t started[ROLE_WORKERS_MAX];
    time_t shrink_at, full_at;
    int drain[2]; /* workers hold the reading end; it ends when the leader closes or dies */
    int ready[2]; /* a byte from each of the first workers, in its sandbox */
    int child_fd; /* signalfd of SIGCHLD */
};

static void say_ready(struct lead *lead)
{
    if (lead->ready[1] >= 0 && write(lead->ready[1], "", 1) != 1)
        _exit(1);
    fsio_close_quiet(&lead->ready[1]);
}

static _Noreturn void be_worker(struct lead *lead, unsigned place)
{
    struct err err = {""};
    struct role_env env = *lead->env;
    struct sandbox box = {.required = env.conf->sandbox_required};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close(lead->drain[1]);
    fsio_close_quiet(&lead->ready[0]);
    close(lead->child_fd);
    close(env.ctl_fd);
    env.ctl_fd = lead->drain[0];
    env.pool = lead->pool;
    env.worker = place;
    lead->role->sandbox(&env, &box);
    int result = sandbox_enter(&box, &err);
    if (result == 0) {
        say_ready(lead);
        result = lead->role->serve(&env, lead->data, &err);
    }
    if (result < 0)
        log_error("%s", err.text);
    /* what was loaded belongs to the leader: no unload, no atexit work of libraries */
    _exit(result < 0 ? 1 : 0);
}

static int start_worker(struct lead *lead, unsigned place, struct err *err)
{
    role_pool_begins(lead->pool, place);
    pid_t pid = fork();
    if (pid == 0)
        be_worker(lead, place);
    if (pid < 0) {
        role_pool_ended(lead->pool, place);
        return err_sys(err, "cannot fork a worker");
    }
    lead->pid[place] = pid;
    lead->started[place] = clock_seconds();
    return 0;
}

static int start_all(struct lead *lead, struct err *err)
{
    for (unsigned i = 0; i < lead->pool->least; i++)
        if (start_worker(lead, i, err) < 0)
            return -1;
    for (unsigned i = 0; i < lead->pool->least; i++) {
        char byte;
        int got = ipc_wait(lead->ready[0], false, START_TIMEOUT_MS, err);
        if (got != 1 || read(lead->ready[0], &byte, 1) != 1)
            return err_set(err, "a worker did not get into its sandbox: its own log says why");
    }
    fsio_close_quiet(&lead->ready[0]);
    fsio_close_quiet(&lead->ready[1]);
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

static void bury(struct lead *lead, unsigned place, int status)
{
    pid_t pid = lead->pid[place];
    bool told = role_pool_ended(lead->pool, place);
    lead->pid[place] = 0;
    if (told && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    log_error("worker %d died (%s); it is replaced", (int)pid, signal_name(status));
    lead->paused_until[place] = lead->started[place] + RESPAWN_PAUSE;
}

static void reap(struct lead *lead)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < lead->pool->most; i++)
            if (lead->pid[i] == pid)
                bury(lead, i, status);
}

/* Starts those that are missing, in places that are free. A place that pauses counts as taken, so
 * that workers that die at once are not started without end. False: some are missing still. */
static bool fill(struct lead *lead)
{
    struct err err;
    time_t now = clock_seconds();
    unsigned wanted = role_pool_wanted(lead->pool), there = 0;
    bool whole = true;
    for (unsigned i = 0; i < lead->pool->most; i++) {
        bool pauses = lead->pid[i] == 0 && now < lead->paused_until[i];
        there += lead->pid[i] != 0 || pauses;
        whole = whole && !pauses;
    }
    for (unsigned i = 0; i < lead->pool->most && there < wanted; i++) {
        if (lead->pid[i] != 0 || now < lead->paused_until[i])
            continue;
        if (start_worker(lead, i, &err) < 0) {
            log_error("%s", err.text);
            return false;
        }
        there++;
    }
    return whole;
}

/* Once in a while: half of those that were not needed may go, and who reads the log is told when
 * there can't be more. */
static void look_around(struct lead *lead)
{
    time_t now = clock_seconds();
    struct role_count count = role_pool_count(lead->pool);
    if (count.waiting + lead->pool->least > lead->pool->most &&
        lead->pool->most > lead->pool->least && now >= lead->full_at) {
        log_warning(
            "%u of %u workers wait for answers, and no more may be started: mail waits, too",
            count.waiting, count.waiting + count.free);
        lead->full_at = now + FULL_SECONDS;
    }
    if (now < lead->shrink_at)
        return;
    lead->shrink_at = now + SHRINK_SECONDS;
    unsigned there = count.free + count.waiting, needed = role_pool_needed(lead->pool);
    if (there > needed)
        role_pool_shrink(lead->pool, needed + (there - needed) / 2);
}

static void take_wakes(struct lead *lead)
{
    struct signalfd_siginfo info;
    uint64_t wakes;
    if (read(lead->child_fd, &info, sizeof info) < 0 && errno != EAGAIN)
        log_warning("cannot read a child's signal");
    if (read(lead->pool->wake_fd, &wakes, sizeof wakes) == sizeof wakes)
        poll(&(struct pollfd){.fd = lead->env->ctl_fd, .events = POLLIN}, 1, GATHER_MS);
    reap(lead);
}

static void keep_workers(struct lead *lead)
{
    for (;;) {
        bool varies = lead->pool->most > lead->pool->least;
        struct pollfd p[] = {{.fd = lead->env->ctl_fd, .events = POLLIN},
                             {.fd = lead->child_fd, .events = POLLIN},
                             {.fd = lead->pool->wake_fd, .events = POLLIN}};
        bool whole = fill(lead);
        int pause = !whole ? RESPAWN_PAUSE : varies ? SHRINK_SECONDS : -1;
        int n = poll(p, 3, pause < 0 ? -1 : pause * 1000);
        if (n > 0 && p[0].revents)
            return;
        take_wakes(lead);
        look_around(lead);
    }
}

static void drain_workers(struct lead *lead)
{
    close(lead->drain[1]);
    lead->drain[1] = -1;
    for (unsigned i = 0; i < lead->pool->most; i++)
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

int role_lead_workers(const struct role *role, const struct role_env *env, void *data,
                      struct err *err)
{
    struct lead *lead = calloc(1, sizeof *lead);
    if (lead == NULL)
        return err_set(err, "out of memory");
    *lead = (struct lead){.role = role, .env = env, .data = data};
    unsigned least = role->workers(env->conf);
    unsigned waiting = role->workers_waiting ? role->workers_waiting(env->conf) : 0;
    lead->pool = role_pool_open(least, least + waiting, err);
    struct sandbox box = {.required = env->conf->sandbox_required};
    role->sandbox(env, &box);
    box.allow |= SANDBOX_FORK | SANDBOX_NEST | SANDBOX_FILES;
    box.memory_limit = 0; /* the workers' own limit comes with their own sandbox */
    box.files_limit = 0;
    int result = lead->pool ? open_lead(lead, err) : -1;
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
    role_pool_close(&lead->pool);
    free(lead);
    return result;
}
