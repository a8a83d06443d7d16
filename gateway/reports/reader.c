#include "gateway/reports/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"

/* Where a reader's descriptors stand; all above are closed. */
enum { FD_WORK = 3, FD_RESULT, FD_OTHERS };
#define FD_ASIDE 64

enum { WORD_DONE = 1, WORD_FAILED = 2 };

/* --- in the new process --- */

static int keep_descriptors(int work, int result)
{
    const int from[] = {work, result};
    int aside[] = {-1, -1};
    for (int i = 0; i < 2; i++)
        if (from[i] >= 0 && (aside[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_ASIDE)) < 0)
            return -1;
    for (int i = 0; i < 2; i++)
        if (aside[i] >= 0 && dup2(aside[i], FD_WORK + i) < 0)
            return -1;
    return close_range(FD_OTHERS, ~0U, 0);
}

static int write_result(const struct reader_work *work, int result, struct buf *found,
                        const struct err *err)
{
    struct err why;
    struct buf word = BUF_INIT(1 + ERR_TEXT_MAX);
    bool done = result == 0 && buf_ok(found);
    buf_addc(&word, done ? WORD_DONE : WORD_FAILED);
    if (!done)
        buf_add(&word, result < 0 ? str_of(err->text) : STR("what was found is too much"));
    size_t at = word.n;
    if (fsio_pwrite(FD_RESULT, buf_str(&word), 0, "result", &why) < 0)
        return -1;
    buf_release(&word);
    return done ? fsio_pwrite(FD_RESULT, buf_str(found), (off_t)at, "result", &why) : 0;
}

static _Noreturn void be_reader(const struct reader_work *work, int result_fd)
{
    struct buf found = BUF_INIT(work->result_max);
    struct err err = {""};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(work->timeout);
    if (keep_descriptors(work->fd, result_fd) < 0)
        _exit(1);
    int result = sandbox_enter(work->sandbox, &err);
    if (result == 0)
        result = work->run(work->data, work->fd >= 0 ? FD_WORK : -1, &found, &err);
    _exit(write_result(work, result, &found, &err) == 0 ? 0 : 1);
}

/* --- outside --- */

static void abandon(struct reader *reader)
{
    if (reader->pid > 0) {
        reader_kill(reader);
        waitpid(reader->pid, NULL, 0);
    }
    fsio_close_quiet(&reader->result_fd);
}

int reader_start(struct reader *reader, const struct reader_work *work, struct err *err)
{
    *reader = (struct reader){.pid = -1, .end_fd = -1};
    reader->result_fd = memfd_create("result", MFD_CLOEXEC);
    if (reader->result_fd < 0)
        return err_sys(err, "cannot make a memory file");
    reader->pid = fork();
    if (reader->pid == 0)
        be_reader(work, reader->result_fd);
    if (reader->pid > 0)
        reader->end_fd = pidfd_open(reader->pid, 0);
    if (reader->end_fd < 0) {
        err_sys(err, "cannot fork a reader");
        abandon(reader);
        return -1;
    }
    reader->deadline_ms = clock_ms() + (int64_t)(work->timeout + READER_GRACE) * 1000;
    return 0;
}

void reader_kill(const struct reader *reader)
{
    kill(reader->pid, SIGKILL);
}

static enum reader_end read_result(int fd, struct buf *result, struct err *err)
{
    struct err why;
    if (fsio_read_fd(fd, result, "what was found", &why) < 0 || result->n == 0) {
        err_set(err, "it said nothing");
        return READER_DIED;
    }
    char word = result->p[0];
    buf_eat(result, 1);
    if (word == WORD_DONE)
        return READER_DONE;
    err_set(err, "%.*s", (int)(result->n < ERR_TEXT_MAX ? result->n : ERR_TEXT_MAX - 1), result->p);
    return word == WORD_FAILED ? READER_FAILED : READER_DIED;
}

enum reader_end reader_finish(struct reader *reader, struct buf *result, struct err *err)
{
    enum reader_end end = READER_DIED;
    int status = 0;
    while (waitpid(reader->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        end = read_result(reader->result_fd, result, err);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        err_set(err, "it took longer than its time-out");
    else
        err_set(err, "%s", WIFSIGNALED(status) ? sigdescr_np(WTERMSIG(status)) : "it gave up");
    fsio_close_quiet(&reader->result_fd);
    fsio_close_quiet(&reader->end_fd);
    reader->pid = -1;
    return end;
}

enum reader_end reader_run(const struct reader_work *work, struct buf *result, struct err *err)
{
    struct reader reader;
    if (reader_start(&reader, work, err) < 0)
        return READER_FAILED;
    struct pollfd p = {.fd = reader.end_fd, .events = POLLIN};
    for (int64_t left; (left = reader.deadline_ms - clock_ms()) > 0;)
        if (poll(&p, 1, (int)left) > 0)
            break;
    if (clock_ms() >= reader.deadline_ms)
        reader_kill(&reader);
    return reader_finish(&reader, result, err);
}
