/*
 * sandbox: what a process keeps after it has loaded what it needs. Landlock takes away every path
 * but those listed; seccomp-bpf takes away every system call but those a part asks for. A call
 * that is not allowed fails with EPERM; one that only an attacker makes (exec, ptrace, module,
 * mount, key…) ends the process. Entered once, can't be undone, holds for threads and children.
 * Whatever a library loads late (iconv modules, OpenSSL providers, time zones) must be loaded
 * first.
 *
 * What remains possible: processes have no namespaces of their own and set no limits but their own,
 * but tgkill reaches every process of the same user (abort() needs it), until the kernel bounds
 * signals by Landlock (LANDLOCK_SCOPE_SIGNAL, Linux 6.12).
 */
#ifndef POTERNE_BASE_SANDBOX_H
#define POTERNE_BASE_SANDBOX_H

#include "base/err.h"
#include "base/str.h"

#define SANDBOX_PATHS_MAX 64
#define SANDBOX_TEXT_MAX  8192

enum sandbox_allow {
    SANDBOX_FILES = 1 << 0,        /* open, rename, unlink … below the listed paths */
    SANDBOX_THREADS = 1 << 1,      /* clone of threads */
    SANDBOX_FORK = 1 << 2,         /* fork, wait, kill */
    SANDBOX_ACCEPT = 1 << 3,       /* accept on sockets that it was given */
    SANDBOX_UNIX_CONNECT = 1 << 4, /* socket(AF_UNIX), connect */
    SANDBOX_INET_CONNECT = 1 << 5, /* socket(AF_INET, AF_INET6), connect */
    SANDBOX_NEST = 1 << 6,         /* children may enter a narrower sandbox of their own */
    SANDBOX_CHILDREN = 1 << 7, /* fork and wait alone: no signals to others, no leaving the group */
    SANDBOX_INET_BIND = 1 << 9, /* bind, for who asks from a port of its own choice; no listen */
    SANDBOX_EXEC = 1 << 8,      /* exec of the SANDBOX_RUN paths, and what programs do at start */
};

/* SANDBOX_RUN: read and exec. (The kernel asks for it of the program and of its dynamic loader, not
 * of libraries: what can be read could be mapped by a loader that may be run.) */
enum sandbox_access { SANDBOX_READ, SANDBOX_WRITE, SANDBOX_RUN };

struct sandbox {
    unsigned allow;
    struct {
        const char *path;
        enum sandbox_access access;
    } paths[SANDBOX_PATHS_MAX];
    size_t n_paths;
    char text[SANDBOX_TEXT_MAX]; /* paths that sandbox_path_in() puts together */
    size_t text_used;
    size_t memory_limit;  /* RLIMIT_AS, bytes; 0: none */
    unsigned files_limit; /* RLIMIT_NOFILE; 0: as it is */
    bool required;        /* an absent kernel feature is an error, not a warning */
};

/* The path must exist until sandbox_enter() and the text must live that long. */
void sandbox_path(struct sandbox *box, const char *path, enum sandbox_access access);
/* FOLDER/name; neither needs to live on. */
void sandbox_path_in(struct sandbox *box, const char *folder, const char *name,
                     enum sandbox_access access);
int sandbox_enter(const struct sandbox *box, struct err *err);

/* For poterned, which must exec, bind and become other users: only the calls that it never makes
 * (ptrace, mount, modules, keys, bpf …) are taken away, from it and from all that it starts. */
int sandbox_enter_supervisor(bool required, struct err *err);

#endif
