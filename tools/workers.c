#include "tools/workers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/workers.h"

#define READ_BYTES ((size_t)64 * 1024)

/* What goes to a child, and what stands in front of each of its results. */
struct order {
    uint64_t from, to; /* jobs, `to` excluded */
};
struct frame {
    uint64_t bytes;
};

struct worker {
    pid_t pid;
    int fd;        /* -1: none is at work */
    size_t at, to; /* jobs that it has still to do */
    struct buf in;
};

/* A result that waits for those before it. */
struct slot {
    bool ready;
    int died;
    struct buf result;
};

struct crew {
    const struct workers_plan *plan;
    struct worker workers[WORKERS_MAX];
    unsigned n;
    size_t given; /* jobs given out, so far */
    size_t done;
    bool stopped;
    struct slot *slots; /* [WORKERS_AHEAD], by job modulo */
};

/* ---- in a child */

static bool read_whole(int fd, void *to, size_t n)
{
    char *at = to;
    while (n) {
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool write_whole(int fd, const void *from, size_t n)
{
    const char *at = from;
    while (n) {
        ssize_t put = send(fd, at, n, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        n -= (size_t)put;
    }
    return true;
}

static _Noreturn void serve(const struct workers_plan *plan, int fd)
{
    struct buf result = BUF_INIT(WORKERS_RESULT_MAX);
    struct order order;
    while (read_whole(fd, &order, sizeof order)) {
        for (size_t job = order.from; job < order.to; job++) {
            buf_clear(&result);
            plan->work(plan->data, job, &result);
            struct frame frame = {result.n};
            if (!buf_ok(&result) || !write_whole(fd, &frame, sizeof frame) ||
                !write_whole(fd, result.p, result.n))
                _exit(1);
        }
    }
    _exit(0);
}

/* ---- here */

static int start(struct crew *crew, struct worker *worker, struct err *err)
{
    int pair[2];
    fflush(NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_sys(err, "cannot make a socket pair for a worker");
    worker->pid = fork();
    if (worker->pid < 0) {
        close(pair[0]);
        close(pair[1]);
        return err_sys(err, "cannot make a worker process");
    }
    if (worker->pid == 0) {
        /* a child that held a sibling's socket would never let it see the end */
        for (unsigned i = 0; i < crew->n; i++)
            if (crew->workers[i].fd >= 0)
                close(crew->workers[i].fd);
        close(pair[0]);
        serve(crew->plan, pair[1]);
    }
    close(pair[1]);
    worker->fd = pair[0];
    buf_clear(&worker->in);
    return 0;
}

static int stop(struct worker *worker)
{
    int status = 0;
    if (worker->fd < 0)
        return 0;
    close(worker->fd);
    worker->fd = -1;
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

static void give(const struct worker *worker)
{
    struct order order = {worker->at, worker->to};
    /* a child that is gone is seen when its answer is read */
    (void)write_whole(worker->fd, &order, sizeof order);
}

static void give_next(struct crew *crew, struct worker *worker)
{
    size_t left = crew->plan->n - crew->given;
    size_t room = crew->done + WORKERS_AHEAD - crew->given;
    size_t n = left < room ? left : room;
    if (n > WORKERS_BATCH)
        n = WORKERS_BATCH;
    if (n == 0)
        return;
    worker->at = crew->given;
    worker->to = crew->given += n;
    give(worker);
}

static bool is_stopped(struct crew *crew)
{
    crew->stopped = crew->stopped || (crew->plan->stop && crew->plan->stop(crew->plan->data));
    return crew->stopped;
}

static void tell_ready(struct crew *crew)
{
    struct slot *slot;
    while (!is_stopped(crew) && crew->done < crew->given &&
           (slot = &crew->slots[crew->done % WORKERS_AHEAD])->ready) {
        crew->plan->done(crew->plan->data, crew->done, buf_str(&slot->result), slot->died);
        slot->ready = false;
        buf_release(&slot->result);
        crew->done++;
    }
}

static int put_result(struct crew *crew, size_t job, struct str result, int died, struct err *err)
{
    struct slot *slot = &crew->slots[job % WORKERS_AHEAD];
    *slot = (struct slot){.ready = true, .died = died, .result = BUF_INIT(WORKERS_RESULT_MAX)};
    buf_add(&slot->result, result);
    return buf_ok(&slot->result) ? 0 : err_set(err, "out of memory");
}

/* Another does what is left; the job that it died of is not tried again. */
static int replace_dead(struct crew *crew, struct worker *worker, struct err *err)
{
    int status = stop(worker);
    if (put_result(crew, worker->at, STR_EMPTY, status ? status : -1, err) < 0)
        return -1;
    worker->at++;
    if (start(crew, worker, err) < 0)
        return -1;
    if (worker->at < worker->to)
        give(worker);
    return 0;
}

static int take_results(struct crew *crew, struct worker *worker, struct err *err)
{
    struct frame frame;
    char *room = buf_room(&worker->in, READ_BYTES);
    if (room == NULL)
        return err_set(err, "out of memory");
    ssize_t got = read(worker->fd, room, READ_BYTES);
    if (got < 0 && errno == EINTR)
        return 0;
    if (got <= 0)
        return replace_dead(crew, worker, err);
    buf_filled(&worker->in, (size_t)got);
    while (worker->in.n >= sizeof frame) {
        memcpy(&frame, worker->in.p, sizeof frame);
        struct str rest = str_from(buf_str(&worker->in), sizeof frame);
        if (rest.n < frame.bytes)
            break;
        if (put_result(crew, worker->at++, str_sub(rest, 0, frame.bytes), 0, err) < 0)
            return -1;
        buf_eat(&worker->in, sizeof frame + frame.bytes);
    }
    return 0;
}

static int step(struct crew *crew, struct err *err)
{
    struct pollfd fds[WORKERS_MAX];
    struct worker *of[WORKERS_MAX];
    nfds_t n = 0;
    for (unsigned i = 0; i < crew->n; i++) {
        struct worker *worker = &crew->workers[i];
        if (worker->at == worker->to)
            give_next(crew, worker);
        if (worker->at == worker->to)
            continue;
        of[n] = worker;
        fds[n++] = (struct pollfd){.fd = worker->fd, .events = POLLIN};
    }
    if (poll(fds, n, -1) < 0 && errno != EINTR)
        return err_sys(err, "cannot wait for the workers");
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents && take_results(crew, of[i], err) < 0)
            return -1;
    tell_ready(crew);
    return 0;
}

static unsigned processes_of(const struct workers_plan *plan)
{
    size_t n = plan->processes ? plan->processes : processors();
    if (n > plan->n)
        n = plan->n;
    return n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static int run(struct crew *crew, struct err *err)
{
    for (unsigned i = 0; i < crew->n; i++)
        if (start(crew, &crew->workers[i], err) < 0)
            return -1;
    while (crew->done < crew->plan->n && !is_stopped(crew))
        if (step(crew, err) < 0)
            return -1;
    return crew->stopped;
}

int workers_run(const struct workers_plan *plan, struct err *err)
{
    struct crew *crew = calloc(1, sizeof *crew);
    int result = -1;
    if (crew)
        crew->slots = calloc(WORKERS_AHEAD, sizeof *crew->slots);
    if (crew == NULL || crew->slots == NULL) {
        free(crew);
        return err_set(err, "out of memory");
    }
    crew->plan = plan;
    crew->n = processes_of(plan);
    for (unsigned i = 0; i < crew->n; i++)
        crew->workers[i] =
            (struct worker){.fd = -1, .in = BUF_INIT(WORKERS_RESULT_MAX + 2 * READ_BYTES)};
    result = run(crew, err);
    for (unsigned i = 0; i < crew->n; i++) {
        stop(&crew->workers[i]);
        buf_release(&crew->workers[i].in);
    }
    for (size_t i = 0; i < WORKERS_AHEAD; i++)
        buf_release(&crew->slots[i].result);
    free(crew->slots);
    free(crew);
    return result;
}
