/*
 * clamd: ClamAV's daemon (clamd(8)). One session (IDSESSION) a message: VERSION, then each item,
 * a few of them ahead of their answers, which come in any order and carry the number of what they
 * answer. Over a Unix socket an item is an open memory file (FILDES), over TCP its bytes
 * (INSTREAM).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "antivirus/clamav_common.h"
#include "antivirus/outside/clamd_reply.h"
#include "antivirus/outside/stream.h"
#include "antivirus/outside/task.h"
#include "base/fsio.h"

/* clamd has a thread for each, and they are at work for other messages too. */
#define AHEAD_MAX    3
#define REPLY_MAX    ((size_t)8 * 1024)
#define COMMANDS_MAX (AV_PARTS_MAX + 2)
#define VERSION_ID   1

#define SESSION      "zIDSESSION\0zVERSION"
#define STREAM_BEGIN "zINSTREAM"
#define FILE_BEGIN   "zFILDES"
/* with the NUL that ends a command */
#define COMMAND(text)                                                                              \
    {                                                                                              \
        (text), sizeof(text)                                                                       \
    }

struct clamd {
    struct stream stream;
    size_t item;                  /* the next to be sent */
    unsigned asked, answered;     /* commands */
    unsigned sent;                /* of those asked, the last one that went out as a whole */
    bool over_limit;              /* an item was too large for it: it will close the session */
    bool heard[COMMANDS_MAX + 1]; /* by number: it was answered */
    int file;                     /* memory file that is being sent; -1: none */
    char head[64];                /* before the item: command, mark of a mail, length */
};

static void *clamd_open(const struct conf_scanner *scanner, const struct conf_antivirus *conf,
                        struct err *err)
{
    struct clamd *c = calloc(1, sizeof *c);
    if (c == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    c->stream = STREAM_CLOSED;
    c->file = -1;
    return c;
}

static void clamd_stop(struct outside_task *task)
{
    struct clamd *c = task->data;
    stream_close(&c->stream);
    fsio_close_quiet(&c->file);
}

static void clamd_close(void *data)
{
    free(data);
}

static void clamd_start(struct outside_task *task)
{
    static const struct str hello[STREAM_PIECES] = {COMMAND(SESSION)};
    struct clamd *c = task->data;
    struct err err;
    *c = (struct clamd){.file = -1};
    if (stream_open(&c->stream, &task->scanner->address, &err) < 0) {
        task_fail(task, "%s", err.text);
        return;
    }
    stream_send(&c->stream, hello, -1);
    c->asked = VERSION_ID;
    c->item = task_next_item(task, 0);
}

/* --- sending --- */

/* A memory file of the item that nobody can change any more. */
static int make_file(struct str mark, struct str bytes, struct err *err)
{
    int fd = memfd_create("item", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_sys(err, "cannot make a memory file");
    if (fsio_write(fd, mark, "memory file", err) == 0 &&
        fsio_write(fd, bytes, "memory file", err) == 0) {
        if (lseek(fd, 0, SEEK_SET) == 0 &&
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
            return fd;
        err_sys(err, "cannot seal a memory file");
    }
    close(fd);
    return -1;
}

static int send_file(struct clamd *c, struct str mark, struct str bytes, struct err *err)
{
    const struct str pieces[STREAM_PIECES] = {COMMAND(FILE_BEGIN), STR_EMPTY, {"", 1}};
    c->file = make_file(mark, bytes, err);
    if (c->file < 0)
        return -1;
    stream_send(&c->stream, pieces, c->file);
    return 0;
}

/* One chunk of all: its length comes first, and a length of 0 ends it. */
static int send_bytes(struct clamd *c, struct str mark, struct str bytes, struct err *err)
{
    struct buf head = BUF_OVER(c->head);
    uint32_t n;
    if (bytes.n > UINT32_MAX - mark.n)
        return err_set(err, "more than 4 GiB");
    n = htonl((uint32_t)(mark.n + bytes.n));
    buf_addn(&head, STREAM_BEGIN, sizeof STREAM_BEGIN);
    buf_addn(&head, &n, sizeof n);
    buf_add(&head, mark);
    const struct str pieces[STREAM_PIECES] = {buf_str(&head), bytes, {"\0\0\0\0", 4}};
    stream_send(&c->stream, pieces, -1);
    return 0;
}

static void send_next(struct outside_task *task)
{
    struct clamd *c = task->data;
    struct err err;
    struct str mark = c->item == 0 ? STR(CLAMAV_MAIL_MARK) : STR_EMPTY;
    struct str bytes = task_item(task, c->item);
    fsio_close_quiet(&c->file);
    int result = task->scanner->address.path ? send_file(c, mark, bytes, &err)
                                             : send_bytes(c, mark, bytes, &err);
    if (result < 0) {
        task_fail(task, "%s", err.text);
        return;
    }
    c->asked++;
    c->item = task_next_item(task, c->item + 1);
}

/* --- answers --- */

static void hear_version(struct outside_task *task, const struct clamd_reply *reply)
{
    char text[AV_NAME_MAX];
    task_text(reply->text, text, sizeof text);
    if (reply->says != CLAMD_OTHER)
        task_fail(task, "clamd does not tell its version: %s", text);
    else
        task_text(reply->text, task->answer->version, sizeof task->answer->version);
}

static void hear_result(struct outside_task *task, const struct clamd_reply *reply)
{
    struct clamd *c = task->data;
    char text[AV_NAME_MAX];
    task_text(reply->text, text, sizeof text);
    switch (reply->says) {
    case CLAMD_OK:
        if (reply->id > c->sent)
            task_fail(task, "it says OK before it has heard all");
        break;
    case CLAMD_FOUND:
        av_found(task->answer, AV_INFECTED, "%s", text[0] ? text : "without a name");
        task_finish(task);
        break;
    case CLAMD_UNSCANNABLE:
        c->over_limit |= str_eq(reply->text, STR(CLAMD_OVER_LIMIT));
        av_found(task->answer, AV_UNSCANNABLE, "%s", text);
        break;
    case CLAMD_ERROR:
        av_found(task->answer, AV_FAILED, "%s", text);
        break;
    case CLAMD_NONSENSE:
    case CLAMD_OTHER:
        task_fail(task, "not understood: %s", text);
        break;
    }
}

static void hear_line(struct outside_task *task, struct str line)
{
    struct clamd *c = task->data;
    struct clamd_reply reply;
    char text[AV_NAME_MAX];
    clamd_reply_read(line, &reply);
    task_text(line, text, sizeof text);
    if (reply.id == 0 || reply.id > c->asked || c->heard[reply.id]) {
        task_fail(task, "it answers what was not asked: %s", text);
        return;
    }
    c->heard[reply.id] = true;
    c->answered++;
    if (reply.id == VERSION_ID)
        hear_version(task, &reply);
    else
        hear_result(task, &reply);
}

static void hear_all(struct outside_task *task)
{
    struct clamd *c = task->data;
    size_t end;
    while (!task->done && (end = str_chr(buf_str(&c->stream.in), '\0')) != STR_NONE) {
        hear_line(task, str_sub(buf_str(&c->stream.in), 0, end));
        buf_eat(&c->stream.in, end + 1);
    }
    if (!task->done && c->stream.in.n > REPLY_MAX)
        task_fail(task, "it answers with a line of more than %zu bytes", REPLY_MAX);
}

/* --- the course of it --- */

static size_t clamd_waits(const struct outside_task *task, struct pollfd *fds)
{
    const struct clamd *c = task->data;
    fds[0] = (struct pollfd){.fd = c->stream.fd, .events = stream_events(&c->stream)};
    return 1;
}

/* After an item that was too large this was to be expected: what is left is as unscannable as that
 * one, and would be the next time. */
static void lost(struct outside_task *task, const char *why)
{
    const struct clamd *c = task->data;
    if (c->over_limit)
        task_finish(task);
    else
        task_fail(task, "%s", why);
}

static void clamd_step(struct outside_task *task)
{
    struct clamd *c = task->data;
    struct err err;
    if (stream_step(&c->stream, &err) < 0) {
        lost(task, err.text);
        return;
    }
    if (stream_sent(&c->stream) && !c->stream.deaf)
        c->sent = c->asked;
    hear_all(task);
    if (task->done)
        return;
    bool all_asked = c->item == task_items(task);
    if (all_asked && c->answered == c->asked)
        task_finish(task);
    else if (c->stream.ended)
        lost(task, "it went away without an answer");
    else if (!all_asked && stream_sent(&c->stream) && c->asked - c->answered < AHEAD_MAX)
        send_next(task);
}

const struct outside_kind outside_clamd = {.open = clamd_open,
                                           .close = clamd_close,
                                           .start = clamd_start,
                                           .waits = clamd_waits,
                                           .step = clamd_step,
                                           .stop = clamd_stop};
