/*
 * role: the life that all programs below poterned share.
 *
 *   poterned ─exec─► load (files, databases, engines) ─► become its user ─► [fork workers]
 *            ─► sandbox ─► say "ready" ─► serve until asked to drain ─► exit 0
 *
 * Settings come as a sealed memory file from poterned, so that a worker that is replaced gets
 * those that were checked. A role with workers forks them after load (what was loaded is shared);
 * its leader replaces a worker that dies, never touches mail, and drains them at the end.
 * Descriptors are inherited: the control socket, the kind's listening Unix socket, TCP listeners,
 * and of what must not be there twice the lock on the state folder (gateway/owner.h).
 *
 * When poterned dies (kill -9) who still loads dies with it. Who serves drains, because its control
 * socket is closed, as if it were asked to; what has not ended ROLE_ORPHAN_SECONDS later, for which
 * poterned would have killed it, is ended by SIGALRM.
 */
#ifndef POTERNE_BASE_ROLE_H
#define POTERNE_BASE_ROLE_H

#include "base/conf.h"
#include "base/ipc.h"
#include "base/sandbox.h"

/* Added to the niceness of a process while it loads. */
#define ROLE_LOAD_NICE     10
#define ROLE_LISTENERS_MAX 16
/* For those that poterned has left behind; longer than any of them takes to drain. */
#define ROLE_ORPHAN_SECONDS 60

struct role_env {
    const struct conf *conf;
    int ctl_fd;     /* readable: asked to drain, or poterned has gone: finish and return */
    int service_fd; /* the kind's listening Unix socket; -1: none */
    int listen_fds[ROLE_LISTENERS_MAX]; /* TCP, edge only */
    size_t n_listen;
    unsigned generation; /* poterned's number of it; 0: started by somebody else */
};

struct role {
    const char *name; /* "content"; the program is poterne-content */
    /* Before the sandbox. *data is what serve gets. 0 or -1. May be NULL. */
    int (*load)(const struct role_env *env, void **data, struct err *err);
    /* Fills in what is kept. */
    void (*sandbox)(const struct role_env *env, struct sandbox *box);
    /* Until the work is done and drain was asked; 0, or -1 with err. */
    int (*serve)(const struct role_env *env, void *data, struct err *err);
    /* How many workers to fork; NULL: the program serves itself. */
    unsigned (*workers)(const struct conf *conf);
    void (*unload)(void *data);
};

/* What goes over the control socket, one byte a message. */
enum role_message {
    ROLE_READY = 1,          /* to poterned: loaded and in the sandbox */
    ROLE_NEW_MODEL = 2,      /* to poterned: bayes/current names a new model */
    ROLE_DRAIN = 3,          /* from poterned: finish and exit */
    ROLE_NEW_SIGNATURES = 4, /* to poterned: the antivirus engines have other files to load */
    ROLE_REFUSED = 5,        /* to poterned: what I should load is wrong; I end */
};

int role_main(int argc, char **argv, const struct role *role);
/* Tells poterned; false: it can't be sent, which is logged. */
bool role_tell(const struct role_env *env, enum role_message message);
/* ctl_fd is readable: is it because poterned has died, so that all others drain now, too? */
bool role_is_orphan(const struct role_env *env);

/*
 * The loop of a "request is a connection" worker: accept, receive, handle, send, close, until
 * drained. `handle` fills reply; -1 closes the connection without one (the other side takes that
 * as a failure). A request that takes longer than `timeout` seconds ends the process (SIGALRM).
 */
typedef int role_handler(void *data, struct str request, struct ipc_fds *fds, struct buf *reply,
                         struct err *err);
int role_serve_requests(const struct role_env *env, role_handler *handle, void *data,
                        unsigned timeout, struct err *err);

#endif
