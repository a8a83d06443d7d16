/*
 * supervise: the children of poterned. Every change (settings, rules, model, signatures) is a new
 * generation of processes: the next one is started beside the one that serves and takes over
 * once it says that it is ready; the old one then drains. Kinds that own something on disk
 * (queue, ledger, journal) hand over in the other order: the old one goes first. One that dies is
 * started again; one that can't start is tried again with growing pauses while the old one serves.
 *
 * Signatures are large: where two generations of them don't fit into antivirus.memory_limit, the
 * old one drains first, and who asks meanwhile waits in the socket's line until the next one
 * accepts. Signatures that were refused, or ended who loaded them, wait for other files while the
 * old ones serve.
 */
#ifndef POTERNE_GATEWAY_SUPERVISE_H
#define POTERNE_GATEWAY_SUPERVISE_H

#include <sys/types.h>
#include <time.h>

#include "base/conf.h"
#include "base/role.h"
#include "gateway/certificates.h"

#define KINDS_MAX    16
#define CHILDREN_MAX 4 /* of one kind at a time: starting, serving, draining ones */

#define RETRY_FIRST   1  /* seconds until a kind that died is started again; doubles … */
#define RETRY_MAX     30 /* … up to this */
#define READY_TIMEOUT 180
#define DRAIN_TIMEOUT 60 /* one that was asked to drain is killed after this */
#define DOOR_TIMEOUT  30 /* edge starts at the latest then, and says 451 for what is missing */

/* Signatures that could not be loaded while others serve, and did not change. */
#define SIGNATURES_RETRY 900
/* Half a minute of processor time for a gigabyte of them, of which who loads gets a tenth where
 * serving takes all there is (ROLE_LOAD_NICE). */
#define SIGNATURES_READY_TIMEOUT 1800

struct kind {
    const char *name;
    bool exclusive; /* never two at a time, nor one of another poterned (owner.h) */
    bool service;   /* has a Unix socket RUN_DIR/NAME.sock */
    bool door;      /* gets the TCP listeners; starts last and drains first */
    bool witness;   /* drains last: the others have something to tell it until their end */
    bool (*needed)(const struct conf *conf); /* with these settings; NULL: always */
    bool signatures;                         /* loads signatures, within antivirus.memory_limit */
};

extern const size_t n_kinds;

enum child_state { CHILD_NONE, CHILD_STARTING, CHILD_SERVING, CHILD_DRAINING };

struct child {
    enum child_state state;
    pid_t pid;
    int ctl_fd;
    time_t since; /* monotonic seconds at which the state began */
    unsigned generation;
    bool refused; /* it said that what it should load is wrong */
};

struct family {
    struct child children[CHILDREN_MAX];
    unsigned wanted; /* generation that should serve */
    time_t retry_at;
    time_t pause;
    bool changed;    /* other signatures or settings since the one that loads was started */
    bool one_by_one; /* no room for two: the old one drains before the next is started */
    int service_fd;  /* kept over all generations, so that nobody's connect fails */
};

struct supervisor {
    const char *programs; /* folder of the programs */
    struct conf *conf;
    struct buf conf_text; /* what every child of this generation reads */
    struct family families[KINDS_MAX];
    int listen_fds[ROLE_LISTENERS_MAX];
    size_t n_listen;
    int owner_fd;                     /* what exclusive kinds inherit (owner.h); -1: nothing */
    struct certificates certificates; /* what edge has loaded */
    time_t began;
    bool stopping;
    /* a child that is none of these; may be NULL */
    bool (*stranger)(void *data, pid_t pid, int status);
    void *stranger_data;
};

/* Makes the kinds' sockets; conf, conf_text, programs and listeners are set by the caller. */
int supervisor_open(struct supervisor *s, struct err *err);
void supervisor_close(struct supervisor *s);

/* Starts what should run and does not, ends what takes too long. After each event, and once a
 * second at least. */
void supervisor_tend(struct supervisor *s);
void supervisor_reap(struct supervisor *s);
/* What the child says on its control socket. */
void supervisor_hear(struct supervisor *s, size_t kind, struct child *child);
/* A new generation of one kind, or (NULL) of all. Of signatures, where one is just being loaded,
 * after that one: what changes all the time would otherwise never serve, and there is no memory for
 * three. */
void supervisor_renew(struct supervisor *s, const char *name);
/* Everything of the wanted generation serves. */
bool supervisor_complete(const struct supervisor *s);
/* All have gone (after `stopping` was set). */
bool supervisor_empty(const struct supervisor *s);
void supervisor_kill(struct supervisor *s);

#endif
