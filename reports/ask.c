#include "reports/ask.h"

#include <errno.h>
#include <limits.h>

#include "base/fsio.h"
#include "base/ipc.h"

bool ask_is(struct str message)
{
    return message.n && (message.s[0] == ASK_ACCEPT || message.s[0] == ASK_REJECT);
}

bool ask_send_get(struct str message, int64_t *day)
{
    struct wire w = wire_of(message);
    bool is = wire_get_u8(&w) == ASK_SEND;
    *day = wire_get_i64(&w);
    return is && wire_done(&w);
}

void ask_put(struct buf *out, const struct ask *ask)
{
    wire_u8(out, (uint8_t)ask->verb);
    wire_str(out, ask->decider);
    wire_str(out, ask->why);
    wire_u8(out, ask->choice.groups);
    wire_u64(out, ask->choice.up_to);
    wire_str(out, ask->choice.reporter);
    wire_u32(out, (uint32_t)ask->choice.n_ranges);
    for (size_t i = 0; i < ask->choice.n_ranges; i++) {
        wire_u64(out, ask->choice.ranges[i].first);
        wire_u64(out, ask->choice.ranges[i].last);
    }
}

bool ask_get(struct str message, struct ask *ask)
{
    struct wire w = wire_of(message);
    *ask = (struct ask){.verb = (enum ask_verb)wire_get_u8(&w)};
    ask->decider = wire_get_str(&w);
    ask->why = wire_get_str(&w);
    ask->choice.groups = wire_get_u8(&w) != 0;
    ask->choice.up_to = wire_get_u64(&w);
    ask->choice.reporter = wire_get_str(&w);
    uint32_t n = wire_get_u32(&w);
    if (w.bad || n > ASK_RANGES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        ask->ranges[i].first = wire_get_u64(&w);
        ask->ranges[i].last = wire_get_u64(&w);
    }
    ask->choice.ranges = ask->ranges;
    ask->choice.n_ranges = n;
    return wire_done(&w) && (ask->verb == ASK_ACCEPT || ask->verb == ASK_REJECT) &&
           ask->decider.n && ask->decider.n <= PROPOSAL_ADDRESS_MAX &&
           ask->why.n <= PROPOSAL_TEXT_MAX && ask->choice.reporter.n <= PROPOSAL_ADDRESS_MAX;
}

void ask_reply_put(struct buf *out, const struct ask_reply *reply)
{
    wire_u8(out, (uint8_t)reply->stage);
    wire_u64(out, reply->n);
    wire_u64(out, reply->at);
    wire_u64(out, reply->decided.changed);
    wire_u64(out, reply->decided.same);
    wire_u64(out, reply->decided.late);
    wire_u64(out, reply->decided.missing);
    wire_str(out, reply->text);
}

bool ask_reply_get(struct str message, struct ask_reply *reply)
{
    struct wire w = wire_of(message);
    *reply = (struct ask_reply){.stage = (enum ask_stage)wire_get_u8(&w)};
    reply->n = wire_get_u64(&w);
    reply->at = wire_get_u64(&w);
    reply->decided.changed = wire_get_u64(&w);
    reply->decided.same = wire_get_u64(&w);
    reply->decided.late = wire_get_u64(&w);
    reply->decided.missing = wire_get_u64(&w);
    reply->text = wire_get_str(&w);
    return wire_done(&w) && reply->stage <= ASK_DONE;
}

bool ask_serve(struct proposals *store, struct str message, int64_t now_us, struct buf *out,
               uint64_t *order)
{
    struct ask ask;
    struct err err;
    struct proposal_ordered ordered;
    *order = 0;
    if (!ask_get(message, &ask))
        return false;
    const struct proposal_decision decision = {ask.verb == ASK_ACCEPT, ask.decider, ask.why,
                                               now_us};
    struct ask_reply reply = {.stage = ASK_DONE};
    if (proposals_order(store, &ask.choice, &decision, PROPOSALS_AT_ONCE, &ordered, &err) < 0) {
        reply.stage = ASK_FAILED;
        reply.text = str_of(err.text);
    } else {
        *order = ordered.order;
        reply.stage = ordered.order ? ASK_UNDER_WAY : ASK_DONE;
        reply.n = ordered.n;
        reply.at = ordered.order ? 0 : ordered.n;
        reply.decided = ordered.decided;
    }
    ask_reply_put(out, &reply);
    return true;
}

/* --- the tool's side --- */

struct asking {
    const char *path;
    int fd;
    struct buf message;
    struct ask_reply reply; /* the last that came */
    bool kept;              /* one came: the decision is on disk */
};

/* The process has gone, or says nothing any more. */
static int lose(const struct asking *a, struct err *err)
{
    if (!a->kept)
        return -1;
    return err_set(err,
                   "the gateway stopped answering after %llu of %llu; the decision is kept, and "
                   "the gateway goes on with it when it runs",
                   (unsigned long long)a->reply.at, (unsigned long long)a->reply.n);
}

/* The next answer. 1; -1 with err. */
static int hear(struct asking *a, struct err *err)
{
    struct ask_reply reply;
    int ready = ipc_wait(a->fd, false, ASK_TIMEOUT_MS, err);
    if (ready == 0)
        err_set(err, "%s: no answer within %d s", a->path, ASK_TIMEOUT_MS / 1000);
    if (ready <= 0)
        return lose(a, err);
    int got = ipc_recv(a->fd, &a->message, NULL, err);
    if (got == IPC_EOF)
        err_set(err, "%s: the process has gone", a->path);
    if (got != 1)
        return lose(a, err);
    if (!ask_reply_get(buf_str(&a->message), &reply))
        return err_set(err, "%s gave an answer that makes no sense (is it of another version?)",
                       a->path);
    a->reply = reply;
    a->kept |= reply.stage == ASK_UNDER_WAY;
    return reply.stage == ASK_FAILED ? err_set(err, "%.*s", STR_ARG(reply.text)) : 1;
}

static int exchange(struct asking *a, struct str request, ask_progress *progress, void *data,
                    struct err *err)
{
    int sent = ipc_send(a->fd, request, NULL, err);
    if (sent != 1)
        return sent == 0 ? err_set(err, "%s: the process is too busy", a->path) : -1;
    for (;;) {
        if (hear(a, err) < 0)
            return -1;
        if (a->reply.stage == ASK_DONE)
            return 1;
        if (progress)
            progress(data, a->reply.at, a->reply.n);
    }
}

/* The request is released. */
static int call(const char *run_dir, struct buf *request, ask_progress *progress, void *data,
                struct ask_reply *reply, struct err *err)
{
    char path[PATH_MAX];
    struct asking a = {.path = path, .fd = -1, .message = BUF_INIT(IPC_MSG_MAX)};
    int result = -1;
    if (!ipc_path(run_dir, ASK_SOCKET, path, sizeof path))
        err_set(err, "%s/" ASK_SOCKET ".sock: path too long", run_dir);
    else if (!buf_ok(request))
        err_set(err, "out of memory");
    else if ((a.fd = ipc_connect(path, err)) < 0)
        result = errno == ENOENT || errno == ECONNREFUSED ? 0 : -1;
    else
        result = exchange(&a, buf_str(request), progress, data, err);
    *reply = a.reply;
    fsio_close_quiet(&a.fd);
    buf_release(request);
    buf_release(&a.message);
    return result;
}

int ask_call(const char *run_dir, const struct ask *ask, ask_progress *progress, void *data,
             struct proposal_decided *decided, struct err *err)
{
    struct buf request = BUF_INIT(IPC_MSG_MAX);
    struct ask_reply reply;
    ask_put(&request, ask);
    int result = call(run_dir, &request, progress, data, &reply, err);
    if (result == 1)
        *decided = reply.decided;
    return result;
}

int ask_send(const char *run_dir, int64_t day, struct err *err)
{
    struct buf request = BUF_INIT(64);
    struct ask_reply reply;
    wire_u8(&request, ASK_SEND);
    wire_i64(&request, day);
    return call(run_dir, &request, NULL, NULL, &reply, err);
}
