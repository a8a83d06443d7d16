#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "config.h"

/* Since Linux 6.2 (ABI 3); Debian 12's headers are older than the kernels that people run. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define LANDLOCK_ABI_LEAST    2 /* the first that can rename between folders (Linux 5.19) */
#define LANDLOCK_ABI_TRUNCATE 3

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                               \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |   \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER)
#define ACCESS_ALL                                                                                 \
    (ACCESS_WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
/* what may be asked of a path that is a file */
#define ACCESS_OF_FILE                                                                             \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE)

void sandbox_path(struct sandbox *box, const char *path, enum sandbox_access access)
{
    if (box->n_paths == SANDBOX_PATHS_MAX) {
        /* sandbox_enter() refuses: a path too many would silently be closed otherwise */
        box->n_paths = SANDBOX_PATHS_MAX + 1;
        return;
    }
    if (box->n_paths < SANDBOX_PATHS_MAX) {
        box->paths[box->n_paths].path = path;
        box->paths[box->n_paths++].access = access;
    }
}

void sandbox_path_in(struct sandbox *box, const char *folder, const char *name,
                     enum sandbox_access access)
{
    char *path = box->text + box->text_used;
    size_t room = sizeof box->text - box->text_used;
    int n = snprintf(path, room, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= room) {
        box->n_paths = SANDBOX_PATHS_MAX + 1;
        return;
    }
    box->text_used += (size_t)n + 1;
    sandbox_path(box, path, access);
}

/* --- Landlock: paths --- */

static int add_path(int rules, const char *path, uint64_t allowed, struct err *err)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = allowed};
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "sandbox: cannot open %s", path);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        beneath.allowed_access &= ACCESS_OF_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
    beneath.parent_fd = fd;
    long added = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    int result = added == 0 ? 0 : err_sys(err, "sandbox: cannot allow %s", path);
    close(fd);
    return result;
}

static int restrict_paths(const struct sandbox *box, long abi, struct err *err)
{
    uint64_t truncate = abi >= LANDLOCK_ABI_TRUNCATE ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
    struct landlock_ruleset_attr attr = {.handled_access_fs = ACCESS_ALL | truncate};
    int result = 0;
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0)
        return err_sys(err, "sandbox: cannot make a Landlock ruleset");
    for (size_t i = 0; i < box->n_paths && result == 0; i++) {
        const uint64_t access[] = {[SANDBOX_READ] = ACCESS_READ,
                                   [SANDBOX_WRITE] = ACCESS_WRITE | truncate,
                                   [SANDBOX_RUN] = ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE};
        result = add_path(rules, box->paths[i].path, access[box->paths[i].access], err);
    }
    if (result == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        result = err_sys(err, "sandbox: cannot enter Landlock");
    close(rules);
    return result;
}

static int enter_landlock(const struct sandbox *box, struct err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi >= LANDLOCK_ABI_LEAST)
        return restrict_paths(box, abi, err);
    if (box->required)
        return err_set(err, "sandbox: this kernel has no Landlock (Linux 5.19 or newer with "
                            "lsm=landlock is needed); `sandbox { required = no }` runs without");
    log_warning("sandbox: no Landlock in this kernel, file access is not restricted");
    return 0;
}

/* --- seccomp: system calls --- */

static const int calls_base[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(lseek),
    SCMP_SYS(mmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    SCMP_SYS(brk),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(setitimer),
    SCMP_SYS(getitimer),
    SCMP_SYS(alarm),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(tgkill),
    SCMP_SYS(memfd_create),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(flock),
    SCMP_SYS(membarrier),
    SCMP_SYS(getcpu),
    SCMP_SYS(umask),
    SCMP_SYS(fstatfs),
    SCMP_SYS(set_tid_address),
};

static const int calls_files[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(creat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(statfs),
    SCMP_SYS(truncate),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(utimensat),
    SCMP_SYS(futimesat),
    SCMP_SYS(getcwd),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(syncfs),
    SCMP_SYS(fchown),
    SCMP_SYS(chdir),
};

static const int calls_accept[] = {SCMP_SYS(accept), SCMP_SYS(accept4)};

static const int calls_fork[] = {
    SCMP_SYS(fork),    SCMP_SYS(vfork),      SCMP_SYS(wait4),
    SCMP_SYS(waitid),  SCMP_SYS(kill),       SCMP_SYS(signalfd4),
    SCMP_SYS(setpgid), SCMP_SYS(pidfd_open), SCMP_SYS(close_range),
};

static const int calls_children[] = {
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
};

/* exec is deadly otherwise; the rest is what the loader and the C library of a program that is not
 * ours may call */
static const int calls_exec[] = {
    SCMP_SYS(execve),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(setrlimit),
    SCMP_SYS(getgroups),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getsid),
    SCMP_SYS(times),
    SCMP_SYS(getpriority),
    SCMP_SYS(setpriority),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(rt_sigsuspend),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(pause),
    SCMP_SYS(pipe),
    SCMP_SYS(epoll_create),
    SCMP_SYS(inotify_init),
    SCMP_SYS(getxattr),
    SCMP_SYS(lgetxattr),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(readahead),
    SCMP_SYS(sendfile),
    SCMP_SYS(copy_file_range),
    SCMP_SYS(close_range),
    SCMP_SYS(mincore),
    SCMP_SYS(socketpair),
    SCMP_SYS(fchdir),
    SCMP_SYS(fstatfs),
};

static const int calls_nest[] = {
    SCMP_SYS(prctl),
    SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self),
    SCMP_SYS(setrlimit),
};

/* Nothing of ours ever makes these: whoever does is not us any more. The first CALLS_EXEC ones
 * are poterned's own trade, the very first also SANDBOX_EXEC's. */
#define CALLS_EXEC 2
static const int calls_deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(userfaultfd),
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#ifdef POTERNE_SANITIZE
/* The sanitizers' own run time forks, traces itself and reads /proc. */
/* not EPERM: libseccomp takes no rule that says what happens anyhow, and then no filter at all */
#define ACTION_DEADLY SCMP_ACT_ERRNO(EACCES)
#else
#define ACTION_DEADLY SCMP_ACT_KILL_PROCESS
#endif

static int add_calls(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int result = seccomp_rule_add(ctx, action, calls[i], 0);
        if (result < 0)
            return result;
    }
    return 0;
}

static int allow_socket(scmp_filter_ctx ctx, int domain)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)domain, 0));
}

static int allow_connect(scmp_filter_ctx ctx, unsigned allow)
{
    int result = 0;
    if (allow & SANDBOX_UNIX_CONNECT)
        result = allow_socket(ctx, AF_UNIX);
    if (result == 0 && (allow & SANDBOX_INET_CONNECT))
        result = allow_socket(ctx, AF_INET);
    if (result == 0 && (allow & SANDBOX_INET_CONNECT))
        result = allow_socket(ctx, AF_INET6);
    if (result == 0 && (allow & (SANDBOX_UNIX_CONNECT | SANDBOX_INET_CONNECT)))
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
    if (result == 0 && (allow & SANDBOX_INET_BIND))
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(bind), 0);
    return result;
}

/* clone3 hides its flags from the filter; ENOSYS makes the C library use clone. Processes get no
 * namespace of their own, and no parent but who made them, who is to wait for them. */
static int allow_clone(scmp_filter_ctx ctx, unsigned allow)
{
    static const scmp_datum_t never = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PARENT;
    int result = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (result == 0 && (allow & (SANDBOX_FORK | SANDBOX_CHILDREN)))
        return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                SCMP_A0(SCMP_CMP_MASKED_EQ, never, 0));
    if (result == 0 && (allow & SANDBOX_THREADS))
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    /* a thread may put itself behind the others */
    if (result == 0 && (allow & SANDBOX_THREADS) && !(allow & SANDBOX_EXEC))
        result =
            seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 2,
                             SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS, 0), SCMP_A1(SCMP_CMP_EQ, 0, 0));
    return result;
}

/* Its own limits, not those of other processes of its user. */
static int allow_own_limits(scmp_filter_ctx ctx)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                            SCMP_A0(SCMP_CMP_EQ, 0, 0));
}

/* ioctl only to ask how much there is to read and whether this is a terminal; prlimit only to ask
 */
static int allow_questions(scmp_filter_ctx ctx)
{
    int result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
    if (result == 0)
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, TCGETS, 0));
    if (result == 0)
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                  SCMP_A2(SCMP_CMP_EQ, 0, 0));
    if (result == 0)
        result = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(getrlimit), 0);
    return result;
}

static int fill_filter(scmp_filter_ctx ctx, unsigned allow)
{
    int result = add_calls(ctx, SCMP_ACT_ALLOW, calls_base, COUNT(calls_base));
    if (result == 0)
        result = allow_questions(ctx);
    if (result == 0 && (allow & SANDBOX_FILES))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_files, COUNT(calls_files));
    if (result == 0 && (allow & SANDBOX_ACCEPT))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_accept, COUNT(calls_accept));
    if (result == 0 && (allow & SANDBOX_FORK))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_fork, COUNT(calls_fork));
    if (result == 0 && (allow & SANDBOX_CHILDREN))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_children, COUNT(calls_children));
    if (result == 0 && (allow & SANDBOX_EXEC))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_exec, COUNT(calls_exec));
    if (result == 0 && (allow & SANDBOX_NEST))
        result = add_calls(ctx, SCMP_ACT_ALLOW, calls_nest, COUNT(calls_nest));
    if (result == 0)
        result = allow_connect(ctx, allow);
    if (result == 0)
        result = allow_clone(ctx, allow);
    if (result == 0 && (allow & (SANDBOX_EXEC | SANDBOX_NEST)))
        result = allow_own_limits(ctx);
    size_t spared = allow & SANDBOX_EXEC ? 1 : 0;
    if (result == 0)
        result = add_calls(ctx, ACTION_DEADLY, calls_deadly + spared, COUNT(calls_deadly) - spared);
    return result;
}

/* exec stays: a program of ours is what poterned starts */
static int fill_supervisor(scmp_filter_ctx ctx, unsigned allow)
{
    (void)allow;
    return add_calls(ctx, ACTION_DEADLY, calls_deadly + CALLS_EXEC,
                     COUNT(calls_deadly) - CALLS_EXEC);
}

static int load_filter(uint32_t otherwise, int (*fill)(scmp_filter_ctx, unsigned), unsigned allow,
                       bool required, struct err *err)
{
    scmp_filter_ctx ctx = seccomp_init(otherwise);
    if (ctx == NULL)
        return err_set(err, "sandbox: out of memory for the system call filter");
    int result = fill(ctx, allow);
    if (result == 0)
        result = seccomp_load(ctx);
    seccomp_release(ctx);
    if (result == 0)
        return 0;
    errno = -result;
    if (required)
        return err_sys(err, "sandbox: cannot load the system call filter");
    log_warning("sandbox: no seccomp in this kernel, system calls are not restricted");
    return 0;
}

/* Down is always allowed; up only as far as the hard limit that the process was given. */
static int set_limit(int what, size_t value, const char *name, struct err *err)
{
    struct rlimit now;
    if (value == 0)
        return 0;
    if (getrlimit(what, &now) < 0)
        return err_sys(err, "sandbox: cannot read the limit of %s", name);
    if (value > now.rlim_max) {
        log_warning("only %llu %s allowed here, %zu wanted", (unsigned long long)now.rlim_max, name,
                    value);
        value = now.rlim_max;
    }
    struct rlimit limit = {value, value};
    if (setrlimit(what, &limit) == 0)
        return 0;
    return err_sys(err, "sandbox: cannot limit %s to %zu", name, value);
}

static int set_limits(const struct sandbox *box, struct err *err)
{
    if (set_limit(RLIMIT_NOFILE, box->files_limit, "open files", err) < 0)
        return -1;
#ifndef POTERNE_SANITIZE /* ASan reserves terabytes of address space */
    if (set_limit(RLIMIT_AS, box->memory_limit, "bytes of memory", err) < 0)
        return -1;
#endif
    return 0;
}

int sandbox_enter(const struct sandbox *box, struct err *err)
{
    if (box->n_paths > SANDBOX_PATHS_MAX)
        return err_set(err, "sandbox: more than %d paths, or too long ones", SANDBOX_PATHS_MAX);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(err, "sandbox: cannot set no_new_privs");
    if (set_limits(box, err) < 0)
        return -1;
    if (enter_landlock(box, err) < 0)
        return -1;
    return load_filter(SCMP_ACT_ERRNO(EPERM), fill_filter, box->allow, box->required, err);
}

int sandbox_enter_supervisor(bool required, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_sys(err, "sandbox: cannot set no_new_privs");
    return load_filter(SCMP_ACT_ALLOW, fill_supervisor, 0, required, err);
}
