/*
 * faults: a library to be loaded before others (LD_PRELOAD), which makes a process's calls fail
 * when a test says so, and moves its clock. t/lib/Poterne/Faults.pm is who says so, through the
 * file that POTERNE_FAULTS names: `struct orders` below, mapped before the process closes its
 * sandbox. Nothing is asked of the kernel for it, so that a process meets its fault with the
 * memory, descriptors and sandbox that it always has.
 *
 * Each call of a kind that is asked for counts; the one that brings `countdown` to 0, and `burst` -
 * 1 more behind it, fail with `error`, before anything is done.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* In the order of @KINDS in Poterne::Faults. */
enum kind {
    MEMORY,
    OPENAT,
    WRITE,
    PWRITE,
    FSYNC,
    FDATASYNC,
    RENAMEAT,
    UNLINKAT,
    FCHMOD,
    FSTAT,
    FSTATVFS,
    FTRUNCATE,
    PREAD,
    READ,
    CLOSE,
    ACCEPT,
    SOCKET,
    CONNECT,
    SEND,
    SENDMSG,
    RECV,
    RECVMSG,
    EPOLL_CTL,
    EPOLL_WAIT,
    MMAP,
    GETRANDOM,
    GETSOCKNAME,
    SETSOCKOPT,
    KINDS
};

struct orders {
    uint64_t kinds; /* a bit for each that counts */
    int64_t countdown;
    uint64_t counted; /* calls of these kinds */
    uint64_t failed;
    int64_t burst;
    int32_t error;
    int32_t pid;             /* the only process that is meant; 0: all */
    int64_t clock_offset;    /* seconds on top of CLOCK_REALTIME, of all processes */
    uint64_t by_kind[KINDS]; /* calls, whatever is asked for */
};

static struct orders *orders; /* NULL: nothing is wanted */

/* glibc's own, which need nobody to be found first */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POTERNE_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED)
        __atomic_store_n(&orders, map, __ATOMIC_RELEASE);
}

static bool fails(enum kind kind)
{
    struct orders *o = __atomic_load_n(&orders, __ATOMIC_ACQUIRE);
    if (o == NULL || (o->pid != 0 && o->pid != getpid()))
        return false;
    __atomic_add_fetch(&o->by_kind[kind], 1, __ATOMIC_RELAXED);
    if ((__atomic_load_n(&o->kinds, __ATOMIC_ACQUIRE) & (UINT64_C(1) << kind)) == 0)
        return false;
    __atomic_add_fetch(&o->counted, 1, __ATOMIC_RELAXED);
    int64_t left = __atomic_sub_fetch(&o->countdown, 1, __ATOMIC_RELAXED);
    if (left > 0 || left <= -o->burst)
        return false;
    __atomic_add_fetch(&o->failed, 1, __ATOMIC_RELAXED);
    errno = o->error;
    return true;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* The real function, looked for once. */
#define REAL(name)                                                                                 \
    static __typeof__(name) *real_##name;                                                          \
    if (real_##name == NULL)                                                                       \
    real_##name = (__typeof__(name) *)real(#name)

/* --- memory --- */

void *malloc(size_t n)
{
    return fails(MEMORY) ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    return fails(MEMORY) ? NULL : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    return fails(MEMORY) ? NULL : __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n)
{
    return fails(MEMORY) ? NULL : __libc_memalign(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    int before = errno;
    void *p = memalign(align, n);
    errno = before;
    if (p)
        *out = p;
    return p ? 0 : ENOMEM;
}

/* --- files --- */

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
}

#define OPENS(name, ...)                                                                           \
    {                                                                                              \
        va_list ap;                                                                                \
        va_start(ap, flags);                                                                       \
        mode_t mode = mode_of(flags, ap);                                                          \
        va_end(ap);                                                                                \
        REAL(name);                                                                                \
        return fails(OPENAT) ? -1 : real_##name(__VA_ARGS__, flags, mode);                         \
    }

int open(const char *path, int flags, ...) OPENS(open, path) int open64(const char *path, int flags,
                                                                        ...)
    OPENS(open64, path) int openat(int at, const char *path, int flags, ...)
        OPENS(openat, at, path) int openat64(int at, const char *path, int flags,
                                             ...) OPENS(openat64, at, path)

/* A call that is passed on as it is, or fails. */
#define PASSES(type, kind, name, declared, passed)                                                 \
    type name declared                                                                             \
    {                                                                                              \
        REAL(name);                                                                                \
        return fails(kind) ? (type)-1 : real_##name passed;                                        \
    }

            PASSES(ssize_t, WRITE, write, (int fd, const void *p, size_t n), (fd, p, n))
                PASSES(ssize_t, WRITE, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
                    PASSES(ssize_t, PWRITE, pwrite, (int fd, const void *p, size_t n, off_t at),
                           (fd, p, n, at)) PASSES(ssize_t, PWRITE, pwrite64,
                                                  (int fd, const void *p, size_t n, off64_t at),
                                                  (fd, p, n, at))
                        PASSES(int, FSYNC, fsync, (int fd), (fd)) PASSES(int, FDATASYNC, fdatasync,
                                                                         (int fd), (fd))
                            PASSES(int, RENAMEAT, renameat,
                                   (int a, const char *from, int b, const char *to),
                                   (a, from, b, to)) PASSES(int, UNLINKAT, unlinkat,
                                                            (int at, const char *path, int flags),
                                                            (at, path, flags))
                                PASSES(int, FCHMOD, fchmod, (int fd, mode_t mode), (fd, mode))
                                    PASSES(int, FSTAT, fstat, (int fd, struct stat *st), (fd, st))
                                        PASSES(int, FSTATVFS, fstatvfs,
                                               (int fd, struct statvfs *fs), (fd, fs))
                                            PASSES(int, FTRUNCATE, ftruncate, (int fd, off_t n),
                                                   (fd, n))
                                                PASSES(ssize_t, PREAD, pread,
                                                       (int fd, void *p, size_t n, off_t at),
                                                       (fd, p, n, at))
                                                    PASSES(ssize_t, READ, read,
                                                           (int fd, void *p, size_t n), (fd, p, n))

    /* As Linux does it: the descriptor is gone, whatever it says. */
    int close(int fd)
{
    REAL(close);
    if (!fails(CLOSE))
        return real_close(fd);
    int error = errno;
    real_close(fd);
    errno = error;
    return -1;
}

/* --- sockets, events --- */

PASSES(int, ACCEPT, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
       (fd, a, n, flags))
PASSES(int, SOCKET, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASSES(int, CONNECT, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
PASSES(ssize_t, SEND, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
PASSES(ssize_t, SENDMSG, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
PASSES(ssize_t, RECV, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
PASSES(ssize_t, RECVMSG, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
PASSES(int, EPOLL_CTL, epoll_ctl, (int ep, int op, int fd, struct epoll_event *e), (ep, op, fd, e))
PASSES(int, EPOLL_WAIT, epoll_wait, (int ep, struct epoll_event *e, int n, int ms), (ep, e, n, ms))
PASSES(void *, MMAP, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
       (p, n, prot, flags, fd, at))
PASSES(ssize_t, GETRANDOM, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags))
PASSES(int, GETSOCKNAME, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n))
PASSES(int, SETSOCKOPT, setsockopt, (int fd, int level, int name, const void *p, socklen_t n),
       (fd, level, name, p, n))

/* --- the time of day --- */

static int64_t offset(void)
{
    struct orders *o = __atomic_load_n(&orders, __ATOMIC_ACQUIRE);
    return o ? __atomic_load_n(&o->clock_offset, __ATOMIC_ACQUIRE) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int result = real_clock_gettime(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += offset();
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
    return 0;
}
