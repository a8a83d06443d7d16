/*
 * owner: that one gateway at a time owns a run_dir and a state_dir, and how a poterned takes them
 * over from one that was killed, whose processes still finish what they have begun.
 *
 * What is held, each by a lock that the kernel takes back when the last who holds it dies:
 *
 *   - RUN_DIR/poterned.pid, by poterned alone: who else holds it is alive, and this one gives up;
 *   - the TCP ports, by poterned, and by edge until it drains;
 *   - STATE_DIR, the folder itself (flock), by poterned and by each process of a kind that must
 *     never be there twice (journal, learner, reports, signatures, delivery: struct
 *     kind.exclusive), which inherits the descriptor, and with it whom it forks: so nobody delivers
 *     from a queue from which a process of another poterned still may.
 *
 * When poterned dies its processes learn it at once (base/role.h): they drain as if they were asked
 * to, and are gone after ROLE_ORPHAN_SECONDS at the latest. So the ports are free after a moment
 * and STATE_DIR when what was under way is done; who starts meanwhile listens, lets clients wait,
 * and waits itself.
 *
 * The lock is the folder's and not a file's in it, so that nothing of it is ever left, copied or
 * restored.
 */
#ifndef POTERNE_GATEWAY_OWNER_H
#define POTERNE_GATEWAY_OWNER_H

#include "base/conf.h"
#include "base/role.h"

/* Seconds to wait. A process has poterned's descriptors between its fork and its exec. */
#define OWNER_PID_SECONDS   2
#define OWNER_PORT_SECONDS  10
#define OWNER_STATE_SECONDS (ROLE_ORPHAN_SECONDS + 10)

struct owner {
    int pid_fd;
    int state_fd; /* what exclusive kinds inherit; close-on-exec */
    int listen_fds[ROLE_LISTENERS_MAX];
    size_t n_listen;
};

enum owner_taken { OWNER_FAILED = -1, OWNER_TAKEN, OWNER_STOPPED };

/*
 * Takes all of it, and waits where that can help, which is logged. The folders are there
 * (places_make()). signal_fd is a signalfd: SIGTERM and SIGINT end the wait (OWNER_STOPPED).
 * Otherwise than with OWNER_TAKEN everything that was taken is given back.
 */
enum owner_taken owner_take(struct owner *owner, const struct conf *conf, int signal_fd,
                            struct err *err);
void owner_release(struct owner *owner);

#endif
