/*
 * av_prisoner: poterne-antivirus with an engine, in YARA's place, that tries what a taken-over
 * engine would: it reads in the message ("X-Try: NAME ARGUMENT") what to try from inside the scan,
 * and tells in its answer what came of it: "NAME: got it" or "NAME: " and the error. For
 * t/system/antivirus_prison.t.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "antivirus/engine.h"
#include "gateway/antivirus/role.h"

static long try_inet(const char *argument)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_inet6(const char *argument)
{
    return socket(AF_INET6, SOCK_DGRAM, 0);
}

static long try_unix(const char *argument)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_netlink(const char *argument)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long try_read(const char *argument)
{
    return open(argument, O_RDONLY | O_CLOEXEC);
}

static long try_write(const char *argument)
{
    return open(argument, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_link(const char *argument)
{
    if (symlink(argument, "0/prisoner-link") < 0)
        return -1;
    int fd = open("0/prisoner-link", O_RDONLY | O_CLOEXEC);
    int why = errno;
    unlink("0/prisoner-link");
    errno = why;
    return fd;
}

static long try_remove(const char *argument)
{
    return unlink(argument);
}

static long try_fork(const char *argument)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static void *thread(void *data)
{
    return data;
}

static long try_thread(const char *argument)
{
    pthread_t id;
    int why = pthread_create(&id, NULL, thread, NULL);
    errno = why;
    return why == 0 ? 0 : -1;
}

static long try_exec(const char *argument)
{
    char *const argv[] = {(char *)"true", NULL};
    return execv("/bin/true", argv);
}

/* A program that is in no file system. */
static long try_exec_memory(const char *argument)
{
    char *const argv[] = {(char *)"x", NULL};
    int fd = (int)syscall(SYS_memfd_create, "x", 0U);
    if (fd < 0 || write(fd, "#!/bin/true\n", 12) < 0)
        return -1;
    return fexecve(fd, argv, argv);
}

/* Whether it could be sent one. */
static long try_signal(const char *argument)
{
    return kill((pid_t)strtol(argument, NULL, 10), 0);
}

static long try_pidfd(const char *argument)
{
    return syscall(SYS_pidfd_open, (pid_t)strtol(argument, NULL, 10), 0U);
}

static long try_ptrace(const char *argument)
{
    return syscall(SYS_ptrace, 16L /* PTRACE_ATTACH */, strtol(argument, NULL, 10), 0L, 0L);
}

static long try_read_memory(const char *argument)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)&try_read, 1};
    return syscall(SYS_process_vm_readv, strtol(argument, NULL, 10), &here, 1UL, &there, 1UL, 0UL);
}

static long try_namespace(const char *argument)
{
    return syscall(SYS_unshare, 0x10000000L /* CLONE_NEWUSER */);
}

static long try_mount(const char *argument)
{
    return syscall(SYS_mount, "none", ".", "tmpfs", 0UL, NULL);
}

static long try_bpf(const char *argument)
{
    return syscall(SYS_bpf, 0, NULL, 0U);
}

static long try_io_uring(const char *argument)
{
    char parameters[128] = {0};
    return syscall(SYS_io_uring_setup, 1U, parameters);
}

static long try_root(const char *argument)
{
    return syscall(SYS_setuid, 0);
}

static const struct {
    const char *name;
    long (*act)(const char *argument);
} tries[] = {
    {"inet", try_inet},
    {"inet6", try_inet6},
    {"unix", try_unix},
    {"netlink", try_netlink},
    {"read", try_read},
    {"write", try_write},
    {"link", try_link},
    {"remove", try_remove},
    {"fork", try_fork},
    {"thread", try_thread},
    {"exec", try_exec},
    {"exec-memory", try_exec_memory},
    {"signal", try_signal},
    {"pidfd", try_pidfd},
    {"ptrace", try_ptrace},
    {"read-memory", try_read_memory},
    {"namespace", try_namespace},
    {"mount", try_mount},
    {"bpf", try_bpf},
    {"io-uring", try_io_uring},
    {"root", try_root},
};

static int prisoner_open(struct engine *engine, const char *tmp_dir, struct err *err)
{
    snprintf(engine->version, sizeof engine->version, "prisoner");
    return 0;
}

static void prisoner_scan(struct engine *engine, const struct av_message *message,
                          uint64_t deadline, struct av_answer *answer)
{
    static const struct str field = {"X-Try: ", 7};
    char argument[PATH_MAX];
    size_t at = str_find(message->raw, field);
    if (at == STR_NONE)
        return;
    struct str rest = str_from(message->raw, at + field.n), line, word;
    str_next_line(&rest, &line);
    str_next(&line, ' ', &word);
    if (!str_copy(line, argument, sizeof argument))
        return;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        if (!str_eq(word, str_of(tries[i].name)))
            continue;
        errno = 0;
        long got = tries[i].act(argument);
        av_found(answer, AV_INFECTED, "%s: %s", tries[i].name,
                 got >= 0 ? "got it" : strerror(errno));
    }
}

static void prisoner_close(struct engine *engine)
{
    engine->data = NULL;
}

/* Found before the library's own. */
const struct engine_ops engine_yara_ops = {
    .open = prisoner_open,
    .scan = prisoner_scan,
    .close = prisoner_close,
};

int main(int argc, char **argv)
{
    return role_main(argc, argv, &antivirus_role);
}
