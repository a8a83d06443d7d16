#include "gateway/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/role_user.h"
#include "config.h"
#include "gateway/antivirus/memory.h"

#define SOCKET_MODE 0660
#define ARGS_MAX    (14 + 2 * ROLE_LISTENERS_MAX)
#define MIB         ((uint64_t)1024 * 1024)
/* A process that loads signatures takes so much besides. */
#define LOAD_SLACK (64 * MIB)

#ifdef POTERNE_SANITIZE
#define LIMIT_LOADING false /* the sanitizers reserve more than any machine has */
#else
#define LIMIT_LOADING true
#endif

static bool outside_scanners(const struct conf *conf)
{
    return conf_has_outside(&conf->antivirus);
}

static bool asks_dns(const struct conf *conf)
{
    return conf->resolver.enabled;
}

/* Nobody else's server can be found without the DNS. */
static bool speaks_https(const struct conf *conf)
{
    return conf->resolver.enabled || str_of(conf->oauth.introspection).n > 0;
}

static const struct kind kinds[] = {
    {.name = "journal", .exclusive = true, .service = true, .witness = true},
    {.name = "directory", .service = true},
    {.name = "resolver", .service = true, .needed = asks_dns},
    {.name = "fetch", .service = true, .needed = speaks_https},
    {.name = "learner", .exclusive = true, .service = true},
    {.name = "reports", .exclusive = true, .service = true},
    {.name = "content", .service = true},
    {.name = "antivirus", .service = true, .signatures = true},
    {.name = "avlink", .service = true, .needed = outside_scanners},
    {.name = "signatures", .exclusive = true},
    {.name = "delivery", .exclusive = true, .service = true},
    {.name = "edge", .door = true},
};
const size_t n_kinds = sizeof kinds / sizeof kinds[0];

static void set_state(struct child *child, enum child_state state)
{
    child->state = state;
    child->since = clock_seconds();
}

/* --- starting one --- */

static int settings_fd(const struct supervisor *s, struct err *err)
{
    int fd = memfd_create("poterne.conf", MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_sys(err, "cannot make a memory file");
    if (fsio_write(fd, buf_str(&s->conf_text), "memory file", err) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        close(fd);
        return err_sys(err, "cannot seal the settings");
    }
    return fd;
}

struct launch {
    char program[PATH_MAX];
    char numbers[ARGS_MAX][16];
    char *argv[ARGS_MAX + 1];
    size_t n;
};

static void add_number(struct launch *launch, const char *option, unsigned number)
{
    snprintf(launch->numbers[launch->n], sizeof launch->numbers[0], "%u", number);
    launch->argv[launch->n] = (char *)option;
    launch->argv[launch->n + 1] = launch->numbers[launch->n];
    launch->n += 2;
}

static void add_fd(struct launch *launch, const char *option, int fd)
{
    /* what the child shall have survives its exec */
    fcntl(fd, F_SETFD, 0);
    add_number(launch, option, (unsigned)fd);
}

/* What all of them hold in memory. */
static uint64_t memory_of_family(const struct family *family)
{
    uint64_t sum = 0;
    struct memory memory;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (family->children[i].state != CHILD_NONE && memory_of(family->children[i].pid, &memory))
            sum += memory.own;
    return sum;
}

/* What one generation holds: the largest that serves. One that leaves is no measure: what it holds
 * is free in a moment. */
static uint64_t memory_of_one(const struct family *family)
{
    uint64_t largest = 0;
    struct memory memory;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (family->children[i].state == CHILD_SERVING &&
            memory_of(family->children[i].pid, &memory) && memory.own > largest)
            largest = memory.own;
    return largest;
}

/* For the time of loading: what does not fit must fail here and not take others' memory. */
static void leave_room(const struct supervisor *s, size_t kind)
{
    uint64_t limit = memory_limit(&s->conf->antivirus);
    uint64_t taken = memory_of_one(&s->families[kind]);
    struct rlimit room = {.rlim_cur = (taken < limit ? limit - taken : 0) + LOAD_SLACK,
                          .rlim_max = RLIM_INFINITY};
    if (LIMIT_LOADING && setrlimit(RLIMIT_DATA, &room) < 0)
        log_warning("cannot limit the memory of %s: %s", kinds[kind].name, strerror(errno));
}

/* What is still being loaded has nothing to finish. Who has loaded sees to it himself
 * (base/role.h). */
static void die_with(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        log_warning("cannot ask for poterned's death: %s", strerror(errno));
    if (getppid() != parent)
        _exit(127);
}

/* In the child, between fork and exec. */
static _Noreturn void become(const struct supervisor *s, size_t kind, int conf_fd, int ctl_fd,
                             pid_t parent)
{
    struct launch launch = {.n = 1};
    sigset_t none;
    die_with(parent);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(launch.program, sizeof launch.program, "%s/poterne-%s", s->programs, kinds[kind].name);
    launch.argv[0] = launch.program;
    launch.argv[launch.n++] = (char *)"--conf-path";
    launch.argv[launch.n++] = (char *)s->conf->path;
    add_fd(&launch, "--conf-fd", conf_fd);
    add_fd(&launch, "--ctl-fd", ctl_fd);
    add_number(&launch, "--generation", s->families[kind].wanted);
    if (kinds[kind].signatures)
        leave_room(s, kind);
    if (kinds[kind].service)
        add_fd(&launch, "--service-fd", s->families[kind].service_fd);
    if (kinds[kind].exclusive && s->owner_fd >= 0)
        add_fd(&launch, "--owner-fd", s->owner_fd);
    for (size_t i = 0; kinds[kind].door && i < s->n_listen; i++)
        add_fd(&launch, "--listen-fd", s->listen_fds[i]);
    execv(launch.program, launch.argv);
    log_error("cannot run %s: %s", launch.program, strerror(errno));
    _exit(127);
}

static bool is_needed(const struct supervisor *s, size_t kind)
{
    return kinds[kind].needed == NULL || kinds[kind].needed(s->conf);
}

/* Those that still serve mail by older settings may ask for what the new ones do not need. */
static bool doors_are_new(const struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++)
        for (size_t i = 0; kinds[k].door && i < CHILDREN_MAX; i++) {
            const struct child *child = &s->families[k].children[i];
            if (child->state != CHILD_NONE && child->generation != s->families[k].wanted)
                return false;
        }
    return true;
}

static bool may_go(const struct supervisor *s, size_t kind)
{
    return !is_needed(s, kind) && doors_are_new(s);
}

static bool has(const struct family *family, enum child_state state)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (family->children[i].state == state)
            return true;
    return false;
}

static struct child *free_slot(struct family *family)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (family->children[i].state == CHILD_NONE)
            return &family->children[i];
    return NULL;
}

static int start_child(struct supervisor *s, size_t kind, struct child *child, struct err *err)
{
    int pair[2];
    int conf_fd = settings_fd(s, err);
    if (conf_fd < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
        close(conf_fd);
        return err_sys(err, "cannot make a control socket");
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become(s, kind, conf_fd, pair[1], parent);
    close(conf_fd);
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return err_sys(err, "cannot fork");
    }
    *child = (struct child){.pid = pid, .ctl_fd = pair[0], .generation = s->families[kind].wanted};
    set_state(child, CHILD_STARTING);
    s->families[kind].changed = false; /* it reads what is there now */
    log_debug("%s[%d] starts (generation %u)", kinds[kind].name, (int)pid, child->generation);
    return 0;
}

/* --- what should be --- */

static void put_off(struct family *family)
{
    family->pause = family->pause ? family->pause * 2 : RETRY_FIRST;
    if (family->pause > RETRY_MAX)
        family->pause = RETRY_MAX;
    family->retry_at = clock_seconds() + family->pause;
}

static void drain(struct child *child)
{
    char byte = ROLE_DRAIN;
    struct err err;
    if (child->state != CHILD_STARTING && child->state != CHILD_SERVING)
        return;
    /* closing our end would do as well, but then it could not tell us anything any more */
    if (ipc_send(child->ctl_fd, str_n(&byte, 1), NULL, &err) != 1)
        kill(child->pid, SIGTERM);
    set_state(child, CHILD_DRAINING);
}

static bool doors_may_open(const struct supervisor *s)
{
    if (clock_seconds() - s->began >= DOOR_TIMEOUT)
        return true;
    for (size_t k = 0; k < n_kinds; k++) {
        bool serves = kinds[k].door || !is_needed(s, k);
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            serves |= s->families[k].children[i].state == CHILD_SERVING;
        if (!serves)
            return false;
    }
    return true;
}

/* Who drains when: the door closes first, for what it still has under way needs the others. */
static unsigned stop_rank(size_t kind)
{
    return kinds[kind].door ? 0 : kinds[kind].witness ? 2 : 1;
}

static bool earlier_alive(const struct supervisor *s, size_t kind)
{
    for (size_t k = 0; k < n_kinds; k++)
        for (size_t i = 0; stop_rank(k) < stop_rank(kind) && i < CHILDREN_MAX; i++)
            if (s->families[k].children[i].state != CHILD_NONE)
                return true;
    return false;
}

static void hurry(size_t kind, struct child *child)
{
    time_t age = clock_seconds() - child->since;
    time_t ready_timeout = kinds[kind].signatures ? SIGNATURES_READY_TIMEOUT : READY_TIMEOUT;
    if (child->state == CHILD_STARTING && age > ready_timeout) {
        log_error("%s[%d] is not ready after %d s; it is ended", kinds[kind].name, (int)child->pid,
                  (int)ready_timeout);
        kill(child->pid, SIGKILL);
    }
    if (child->state == CHILD_DRAINING && age > DRAIN_TIMEOUT) {
        log_warning("%s[%d] has not finished after %d s; it is ended", kinds[kind].name,
                    (int)child->pid, DRAIN_TIMEOUT);
        kill(child->pid, SIGKILL);
    }
}

/* Beside one that serves, the next is loaded only when what the one before held is free. */
static bool waits_for_memory(size_t kind, const struct family *family)
{
    return kinds[kind].signatures && has(family, CHILD_SERVING) && has(family, CHILD_DRAINING);
}

static void tend_family(struct supervisor *s, size_t kind)
{
    struct family *family = &s->families[kind];
    bool old_first = kinds[kind].exclusive || family->one_by_one;
    bool due = clock_seconds() >= family->retry_at;
    bool there = false, any = false;
    struct err err;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &family->children[i];
        bool works = child->state == CHILD_STARTING || child->state == CHILD_SERVING;
        bool outdated = works && child->generation != family->wanted;
        hurry(kind, child);
        there |= works && !outdated;
        if (outdated && (kinds[kind].exclusive || may_go(s, kind) ||
                         child->state == CHILD_STARTING || (family->one_by_one && due)))
            drain(child);
        any |= child->state != CHILD_NONE;
    }
    if (there || !is_needed(s, kind) || !due || (old_first && any))
        return;
    if (waits_for_memory(kind, family))
        return;
    if (kinds[kind].door && !doors_may_open(s))
        return;
    struct child *slot = free_slot(family);
    if (slot && start_child(s, kind, slot, &err) < 0) {
        log_error("cannot start %s: %s", kinds[kind].name, err.text);
        put_off(family);
    }
}

static void stop_family(struct supervisor *s, size_t kind)
{
    struct family *family = &s->families[kind];
    bool wait = earlier_alive(s, kind);
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        hurry(kind, &family->children[i]);
        if (!wait)
            drain(&family->children[i]);
    }
}

void supervisor_tend(struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++) {
        if (s->stopping)
            stop_family(s, k);
        else
            tend_family(s, k);
    }
}

/* --- what happens --- */

static void child_ready(struct supervisor *s, size_t kind, struct child *child)
{
    struct family *family = &s->families[kind];
    if (child->state != CHILD_STARTING)
        return;
    set_state(child, CHILD_SERVING);
    family->pause = 0;
    log_info("%s[%d] serves (generation %u)", kinds[kind].name, (int)child->pid, child->generation);
    if (kinds[kind].signatures)
        log_info("%s: its generations take %llu MiB together; the limit is %llu MiB",
                 kinds[kind].name, (unsigned long long)(memory_of_family(family) / MIB),
                 (unsigned long long)(memory_limit(&s->conf->antivirus) / MIB));
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (&family->children[i] != child && family->children[i].state == CHILD_SERVING)
            drain(&family->children[i]);
    family->one_by_one = false;
    if (family->changed)
        supervisor_renew(s, kinds[kind].name);
}

static void new_signatures(struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++)
        if (kinds[k].signatures)
            supervisor_renew(s, kinds[k].name);
}

void supervisor_hear(struct supervisor *s, size_t kind, struct child *child)
{
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    while (child->ctl_fd >= 0) {
        int got = ipc_recv(child->ctl_fd, &message, NULL, &err);
        if (got == 0)
            break;
        if (got != 1) {
            /* it has closed its end: it is about to die, and the reaper will see to it */
            fsio_close_quiet(&child->ctl_fd);
            break;
        }
        if (message.p[0] == ROLE_READY)
            child_ready(s, kind, child);
        else if (message.p[0] == ROLE_NEW_MODEL)
            supervisor_renew(s, "content");
        else if (message.p[0] == ROLE_NEW_SIGNATURES)
            new_signatures(s);
        else if (message.p[0] == ROLE_REFUSED)
            child->refused = true;
    }
    buf_release(&message);
}

static void tell_of_death(size_t kind, const struct child *child, int status)
{
    if (WIFSIGNALED(status))
        log_error("%s[%d] died: %s", kinds[kind].name, (int)child->pid,
                  sigdescr_np(WTERMSIG(status)));
    else if (child->state != CHILD_DRAINING || WEXITSTATUS(status) != 0)
        log_error("%s[%d] ended with status %d", kinds[kind].name, (int)child->pid,
                  WEXITSTATUS(status));
}

/* When to try again what was refused, or ended who loads it. Mail does not wait for the long pause:
 * where none serves, the short ones go on. */
static void retry_signatures(struct supervisor *s, size_t kind, bool refused)
{
    struct family *family = &s->families[kind];
    put_off(family);
    if (family->changed) {
        supervisor_renew(s, kinds[kind].name);
    } else if (has(family, CHILD_SERVING)) {
        log_error("%s: the new signatures %s and the old ones serve on; they are tried "
                  "again when the files change, or in %d minutes",
                  kinds[kind].name, refused ? "are refused" : "could not be loaded",
                  SIGNATURES_RETRY / 60);
        family->retry_at = clock_seconds() + SIGNATURES_RETRY;
    }
}

static void fall(struct supervisor *s, size_t kind, struct child *child)
{
    struct family *family = &s->families[kind];
    bool starting = child->state == CHILD_STARTING;
    bool serving = child->state == CHILD_SERVING;
    fsio_close_quiet(&child->ctl_fd);
    child->state = CHILD_NONE;
    if (starting && kinds[kind].signatures) {
        retry_signatures(s, kind, child->refused);
        return;
    }
    /* one that served for a while is replaced at once */
    if (starting || (serving && clock_seconds() - child->since < RETRY_FIRST))
        put_off(family);
    else if (serving && !has(family, CHILD_SERVING))
        family->retry_at = 0;
}

static void bury(struct supervisor *s, pid_t pid, int status)
{
    for (size_t k = 0; k < n_kinds; k++) {
        for (size_t i = 0; i < CHILDREN_MAX; i++) {
            struct child *child = &s->families[k].children[i];
            if (child->state == CHILD_NONE || child->pid != pid)
                continue;
            supervisor_hear(s, k, child); /* its last words */
            tell_of_death(k, child, status);
            fall(s, k, child);
        }
    }
}

void supervisor_reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (s->stranger == NULL || !s->stranger(s->stranger_data, pid, status))
            bury(s, pid, status);
}

/* The next generation will be somewhat larger than this one. */
static void plan_exchange(const struct supervisor *s, struct family *family)
{
    uint64_t taken = memory_of_one(family);
    uint64_t limit = memory_limit(&s->conf->antivirus);
    family->one_by_one = taken + taken + taken / 8 > limit;
    if (family->one_by_one)
        log_info("no room for two generations of signatures (%llu MiB of %llu MiB): the old one "
                 "drains first, and scans wait",
                 (unsigned long long)(taken / MIB), (unsigned long long)(limit / MIB));
}

void supervisor_renew(struct supervisor *s, const char *name)
{
    for (size_t k = 0; k < n_kinds; k++) {
        struct family *family = &s->families[k];
        if (name && strcmp(name, kinds[k].name) != 0)
            continue;
        if (kinds[k].signatures && has(family, CHILD_STARTING)) {
            family->changed = true;
            continue;
        }
        family->wanted++;
        family->retry_at = 0;
        family->changed = false;
        if (kinds[k].signatures)
            plan_exchange(s, family);
    }
}

bool supervisor_complete(const struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++) {
        const struct family *family = &s->families[k];
        bool serves = !is_needed(s, k);
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            serves |= family->children[i].state == CHILD_SERVING &&
                      family->children[i].generation == family->wanted;
        if (!serves || family->changed)
            return false;
    }
    return true;
}

bool supervisor_empty(const struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++)
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            if (s->families[k].children[i].state != CHILD_NONE)
                return false;
    return true;
}

void supervisor_kill(struct supervisor *s)
{
    for (size_t k = 0; k < n_kinds; k++)
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            if (s->families[k].children[i].state != CHILD_NONE)
                kill(s->families[k].children[i].pid, SIGKILL);
}

/* --- from beginning to end --- */

static int open_service(struct supervisor *s, size_t kind, struct err *err)
{
    char path[PATH_MAX];
    uid_t uid;
    gid_t gid;
    if (!ipc_path(s->conf->run_dir, kinds[kind].name, path, sizeof path))
        return err_set(err, "run_dir %s is too long", s->conf->run_dir);
    int fd = ipc_listen(path, SOCKET_MODE, err);
    if (fd < 0)
        return -1;
    s->families[kind].service_fd = fd;
    if (role_user_find(s->conf, kinds[kind].name, &uid, &gid, err) < 0)
        return -1;
    if (geteuid() == 0 && chown(path, uid, gid) < 0)
        return err_sys(err, "cannot give %s to its user", path);
    return 0;
}

int supervisor_open(struct supervisor *s, struct err *err)
{
    s->began = clock_seconds();
    for (size_t k = 0; k < n_kinds; k++) {
        s->families[k] = (struct family){.wanted = 1, .service_fd = -1};
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            s->families[k].children[i].ctl_fd = -1;
    }
    for (size_t k = 0; k < n_kinds; k++)
        if (kinds[k].service && open_service(s, k, err) < 0)
            return -1;
    return 0;
}

void supervisor_close(struct supervisor *s)
{
    char path[PATH_MAX];
    for (size_t k = 0; k < n_kinds; k++) {
        if (s->families[k].service_fd < 0)
            continue;
        fsio_close_quiet(&s->families[k].service_fd);
        if (ipc_path(s->conf->run_dir, kinds[k].name, path, sizeof path))
            unlink(path);
    }
}
