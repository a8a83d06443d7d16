#include "base/role.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/role_user.h"
#include "base/role_workers.h"

/* A worker that had no request for so long gives memory back; sooner would cost the next one. */
#define IDLE_MS 1000

struct role_args {
    const char *conf_path;
    int conf_fd;
    int ctl_fd;
    int service_fd;
    int owner_fd; /* only kept open; -1: none */
    int listen_fds[ROLE_LISTENERS_MAX];
    size_t n_listen;
    unsigned generation;
};

static int fd_of(const char *text)
{
    uint64_t n;
    if (!str_to_u64(str_of(text), 1 << 20, &n))
        return -1;
    int fd = (int)n;
    /* inherited across exec on purpose; nothing that this process starts shall have it */
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

/* These are poterned's own words (gateway/supervise.c), not a user's. */
static int read_args(int argc, char **argv, struct role_args *args)
{
    static const struct option options[] = {
        {"conf-path", required_argument, NULL, 'p'},  {"conf-fd", required_argument, NULL, 'c'},
        {"ctl-fd", required_argument, NULL, 'k'},     {"service-fd", required_argument, NULL, 's'},
        {"owner-fd", required_argument, NULL, 'o'},   {"listen-fd", required_argument, NULL, 'l'},
        {"generation", required_argument, NULL, 'g'}, {0}};
    int c;
    uint64_t generation;
    *args = (struct role_args){
        .conf_path = "?", .conf_fd = -1, .ctl_fd = -1, .service_fd = -1, .owner_fd = -1};
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'p')
            args->conf_path = optarg;
        else if (c == 'c')
            args->conf_fd = fd_of(optarg);
        else if (c == 'k')
            args->ctl_fd = fd_of(optarg);
        else if (c == 's')
            args->service_fd = fd_of(optarg);
        else if (c == 'o')
            args->owner_fd = fd_of(optarg);
        else if (c == 'l' && args->n_listen < ROLE_LISTENERS_MAX)
            args->listen_fds[args->n_listen++] = fd_of(optarg);
        else if (c == 'g' && str_to_u64(str_of(optarg), UINT_MAX, &generation))
            args->generation = (unsigned)generation;
        else
            return -1;
    }
    return optind == argc && args->conf_fd >= 0 && args->ctl_fd >= 0 ? 0 : -1;
}

static struct conf *read_conf(const struct role_args *args, struct err *err)
{
    struct buf text = BUF_INIT(CONF_TEXT_MAX);
    struct conf *conf = NULL;
    if (fsio_read_fd(args->conf_fd, &text, args->conf_path, err) == 0)
        conf = conf_parse(buf_str(&text), args->conf_path, err);
    buf_release(&text);
    close(args->conf_fd);
    return conf;
}

static enum log_level level_of(const char *name)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum log_level)i;
    return LOG_INFO_LEVEL;
}

bool role_tell(const struct role_env *env, enum role_message message)
{
    struct err err;
    char byte = (char)message;
    if (ipc_send(env->ctl_fd, str_n(&byte, 1), NULL, &err) == 1)
        return true;
    log_warning("cannot tell poterned: control socket full or closed");
    return false;
}

bool role_is_orphan(const struct role_env *env)
{
    char byte;
    return recv(env->ctl_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* --- when poterned dies --- */

/* SIGALRM ends the process. */
static void on_orphaned(int number)
{
    alarm(ROLE_ORPHAN_SECONDS);
}

/* Behind the change of user, which the kernel takes for a reason to forget whose death was asked
 * for. */
static int limit_orphanhood(const struct role_env *env, struct err *err)
{
    const struct sigaction action = {.sa_handler = on_orphaned, .sa_flags = SA_RESTART};
    if (sigaction(SIGUSR1, &action, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGUSR1) < 0)
        return err_sys(err, "cannot ask for poterned's death");
    if (role_is_orphan(env)) /* already */
        alarm(ROLE_ORPHAN_SECONDS);
    return 0;
}

/* A peer that closes early must be an error of one write, never the end of the process. */
static void calm_signals(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error of who writes it */
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* ignored, as it may be inherited, children end without a status */
    signal(SIGALRM, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C goes to poterned, which drains us */
    umask(0007);
}

static int serve_alone(const struct role *role, const struct role_env *env, void *data,
                       struct err *err)
{
    struct sandbox box = {.required = env->conf->sandbox_required};
    role->sandbox(env, &box);
    if (sandbox_enter(&box, err) < 0)
        return -1;
    role_tell(env, ROLE_READY);
    return role->serve(env, data, err);
}

/*
 * What is loaded here is taken up when it is ready; those that serve mail meanwhile go first. Only
 * who may raise its priority again (root) lowers it. The kernel counts it by threads: load() leaves
 * none behind.
 */
static int load_gently(const struct role *role, const struct role_env *env, void **data,
                       struct err *err)
{
    int before = getpriority(PRIO_PROCESS, 0);
    bool gently = setpriority(PRIO_PROCESS, 0, before - 1) == 0;
    if (gently)
        setpriority(PRIO_PROCESS, 0, before + ROLE_LOAD_NICE);
    int result = role->load(env, data, err);
    if (gently && setpriority(PRIO_PROCESS, 0, before) < 0)
        log_warning("the priority stays lowered by %d", ROLE_LOAD_NICE);
    return result;
}

static int live(const struct role *role, const struct role_env *env, struct err *err)
{
    void *data = NULL;
    if (role->load && load_gently(role, env, &data, err) < 0)
        return -1;
    int result = role_become_user(env->conf, role->name, err);
    if (result == 0)
        result = limit_orphanhood(env, err);
    if (result == 0 && role->workers)
        result = role_lead_workers(role, env, data, err);
    else if (result == 0)
        result = serve_alone(role, env, data, err);
    if (role->unload)
        role->unload(data);
    return result;
}

int role_main(int argc, char **argv, const struct role *role)
{
    struct role_args args;
    struct err err = {""};
    log_open(role->name, LOG_INFO_LEVEL);
    if (read_args(argc, argv, &args) < 0) {
        fprintf(stderr, "poterne-%s is started by poterned, not by hand: see poterned(8)\n",
                role->name);
        return 64;
    }
    calm_signals();
    struct conf *conf = read_conf(&args, &err);
    if (conf == NULL) {
        log_error("settings: %s", err.text);
        return 78;
    }
    log_open(role->name, level_of(conf->log_level));
    struct role_env env = {.conf = conf,
                           .ctl_fd = args.ctl_fd,
                           .service_fd = args.service_fd,
                           .n_listen = args.n_listen,
                           .generation = args.generation};
    memcpy(env.listen_fds, args.listen_fds, sizeof env.listen_fds);
    int result = live(role, &env, &err);
    if (result < 0)
        log_error("%s", err.text);
    conf_free(&conf);
    return result < 0 ? 1 : 0;
}

/* --- a request is a connection --- */

static void answer_one(int fd, role_handler *handle, void *data, unsigned timeout,
                       struct buf *request, struct buf *reply)
{
    struct err err = {""};
    struct ipc_fds fds = {.n = 0};
    int got = ipc_wait(fd, false, (int)timeout * 1000, &err);
    if (got == 1)
        got = ipc_recv(fd, request, &fds, &err);
    if (got != 1)
        return;
    buf_clear(reply);
    alarm(timeout);
    int result = handle(data, buf_str(request), &fds, reply, &err);
    alarm(0);
    ipc_fds_close(&fds);
    if (result == 0 && buf_ok(reply))
        result = ipc_send(fd, buf_str(reply), NULL, &err) == 1 ? 0 : -1;
    if (result < 0)
        log_warning("request failed: %s", err.text[0] ? err.text : "reply too large");
}

/* Many workers wait for one socket: a connection wakes one of them, as accept() would. */
static int watch_requests(const struct role_env *env, struct err *err)
{
    struct epoll_event drain = {.events = EPOLLIN, .data.fd = env->ctl_fd};
    struct epoll_event service = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = env->service_fd};
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, env->ctl_fd, &drain) == 0 &&
        epoll_ctl(fd, EPOLL_CTL_ADD, env->service_fd, &service) == 0)
        return fd;
    err_sys(err, "cannot wait for requests");
    fsio_close_quiet(&fd);
    return -1;
}

/* 1: there may be a request; 0: it is over. Whoever has nothing to do gives back what the last ones
 * took: a heap keeps what a single large message needed, for each worker and for ever. */
static int await_request(const struct role_env *env, int watch, struct err *err)
{
    struct epoll_event events[2];
    int n = epoll_wait(watch, events, 2, IDLE_MS);
    if (n == 0) {
        malloc_trim(0);
        n = epoll_wait(watch, events, 2, -1);
    }
    if (n < 0 && errno != EINTR)
        return err_sys(err, "cannot wait for requests");
    for (int i = 0; i < n; i++)
        if (events[i].data.fd == env->ctl_fd)
            return 0;
    return 1;
}

/* False: there is none, or another worker was faster. */
static bool serve_one(const struct role_env *env, role_handler *handle, void *data,
                      unsigned timeout, struct buf *request, struct buf *reply)
{
    struct err ignored;
    int fd = ipc_accept(env->service_fd, &ignored);
    if (fd < 0)
        return false;
    answer_one(fd, handle, data, timeout, request, reply);
    close(fd);
    return true;
}

int role_serve_requests(const struct role_env *env, role_handler *handle, void *data,
                        unsigned timeout, struct err *err)
{
    struct buf request = BUF_INIT(IPC_MSG_MAX);
    struct buf reply = BUF_INIT(IPC_MSG_MAX);
    int watch = watch_requests(env, err);
    int more = watch < 0 ? -1 : 1;
    while (more > 0) {
        more = await_request(env, watch, err);
        /* when it is over, too: it may be this one alone that was woken for a request */
        serve_one(env, handle, data, timeout, &request, &reply);
    }
    fsio_close_quiet(&watch);
    buf_release(&request);
    buf_release(&reply);
    return more;
}
