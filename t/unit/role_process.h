/* One program of the gateway, started as poterned starts it: settings in a memory file, a control
 * socket and a listening socket. */
#ifndef POTERNE_T_UNIT_ROLE_PROCESS_H
#define POTERNE_T_UNIT_ROLE_PROCESS_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role.h"

#define ROLE_WAIT_MS 20000

struct role_process {
    const char *program;
    const char *settings;
    pid_t pid; /* 0: not running */
    int ctl_fd;
    int service_fd; /* kept while the process is replaced */
};

static _Noreturn void role_process_become(const struct role_process *p, int conf_fd, int ctl_fd)
{
    char numbers[3][16];
    const int fds[3] = {conf_fd, ctl_fd, p->service_fd};
    for (size_t i = 0; i < 3; i++) {
        fcntl(fds[i], F_SETFD, 0);
        snprintf(numbers[i], sizeof numbers[i], "%d", fds[i]);
    }
    const char *argv[] = {p->program, "--conf-path", "test.conf",    "--conf-fd", numbers[0],
                          "--ctl-fd", numbers[1],    "--service-fd", numbers[2],  NULL};
    /* In the sandbox a leak sanitizer can't look. */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (getenv("TEST_VERBOSE") == NULL)
        dup2(null, STDERR_FILENO);
    execv(p->program, (char **)(uintptr_t)argv);
    _exit(127);
}

/* True once the process has said that it is ready. */
static bool role_process_start(struct role_process *p)
{
    struct err err;
    int pair[2];
    char byte = 0;
    int conf_fd = memfd_create("conf", MFD_CLOEXEC);
    if (conf_fd < 0 || fsio_write(conf_fd, str_of(p->settings), "conf", &err) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    p->pid = fork();
    if (p->pid == 0)
        role_process_become(p, conf_fd, pair[1]);
    p->ctl_fd = pair[0];
    close(pair[1]);
    close(conf_fd);
    struct pollfd ready = {.fd = p->ctl_fd, .events = POLLIN};
    return poll(&ready, 1, ROLE_WAIT_MS) == 1 && read(p->ctl_fd, &byte, 1) == 1 &&
           byte == ROLE_READY;
}

/* Waits for its end: the exit status, or 1000 + the signal that it died of. */
static int role_process_wait(struct role_process *p)
{
    int status = 0;
    waitpid(p->pid, &status, 0);
    p->pid = 0;
    fsio_close_quiet(&p->ctl_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int role_process_drain(struct role_process *p)
{
    fsio_close_quiet(&p->ctl_fd);
    return role_process_wait(p);
}

static int role_process_kill(struct role_process *p)
{
    if (p->pid <= 0)
        return 0;
    kill(p->pid, SIGKILL);
    return role_process_wait(p);
}

#endif
