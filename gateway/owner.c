#include "gateway/owner.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/places.h"

#define LOOK_MS 100 /* between two tries */

/* 0, or -1: with EWOULDBLOCK or EADDRINUSE somebody has it, and may leave it. */
typedef int take_one(struct owner *owner, const struct conf *conf, struct err *err);

static int take_pid(struct owner *owner, const struct conf *conf, struct err *err)
{
    char path[PATH_MAX], text[16];
    if (fsio_join(path, sizeof path, conf->run_dir, "poterned.pid", err) < 0)
        return -1;
    owner->pid_fd = fsio_lock(path, err);
    if (owner->pid_fd < 0)
        return err_prefix(err, "is another poterned running?");
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(owner->pid_fd, 0) < 0)
        return err_sys(err, "cannot write %s", path);
    return fsio_pwrite(owner->pid_fd, str_n(text, (size_t)n), 0, path, err);
}

static int take_ports(struct owner *owner, const struct conf *conf, struct err *err)
{
    if (places_listen(conf, NULL, 0, owner->listen_fds, &owner->n_listen, err) == 0)
        return 0;
    owner->n_listen = 0;
    return -1;
}

static int take_state(struct owner *owner, const struct conf *conf, struct err *err)
{
    owner->state_fd = places_own(conf->state_dir, err);
    return owner->state_fd < 0 ? -1 : 0;
}

static bool asked_to_stop(int signal_fd)
{
    struct pollfd p = {.fd = signal_fd, .events = POLLIN};
    struct signalfd_siginfo info;
    bool asked = false;
    if (poll(&p, 1, LOOK_MS) > 0)
        while (read(signal_fd, &info, sizeof info) == sizeof info)
            asked |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    return asked;
}

static enum owner_taken insist(take_one *take, unsigned seconds, struct owner *owner,
                               const struct conf *conf, int signal_fd, struct err *err)
{
    int64_t began = clock_ms();
    bool said = false;
    for (;;) {
        errno = 0;
        if (take(owner, conf, err) == 0) {
            if (said)
                log_info("it is free after %d ms", (int)(clock_ms() - began));
            return OWNER_TAKEN;
        }
        bool held = errno == EWOULDBLOCK || errno == EADDRINUSE;
        if (!held || clock_ms() - began >= (int64_t)seconds * 1000)
            return OWNER_FAILED;
        if (!said)
            log_warning("%s; was a poterned killed? Its processes are waited for, %u s at most",
                        err->text, seconds);
        said = true;
        if (asked_to_stop(signal_fd))
            return OWNER_STOPPED;
    }
}

enum owner_taken owner_take(struct owner *owner, const struct conf *conf, int signal_fd,
                            struct err *err)
{
    static const struct {
        take_one *take;
        unsigned seconds;
    } steps[] = {{take_pid, OWNER_PID_SECONDS},
                 {take_ports, OWNER_PORT_SECONDS},
                 {take_state, OWNER_STATE_SECONDS}};
    enum owner_taken taken = OWNER_TAKEN;
    *owner = (struct owner){.pid_fd = -1, .state_fd = -1};
    for (size_t i = 0; taken == OWNER_TAKEN && i < sizeof steps / sizeof steps[0]; i++)
        taken = insist(steps[i].take, steps[i].seconds, owner, conf, signal_fd, err);
    if (taken != OWNER_TAKEN)
        owner_release(owner);
    return taken;
}

void owner_release(struct owner *owner)
{
    while (owner->n_listen > 0)
        close(owner->listen_fds[--owner->n_listen]);
    fsio_close_quiet(&owner->state_fd);
    fsio_close_quiet(&owner->pid_fd);
}
