#include "reports/ask.h"

#include <errno.h>
#include <limits.h>

#include "base/ipc.h"

bool ask_is(struct str message)
{
    return message.n && (message.s[0] == ASK_ACCEPT || message.s[0] == ASK_REJECT);
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
    wire_u8(out, reply->done);
    wire_u64(out, reply->decided.changed);
    wire_u64(out, reply->decided.same);
    wire_u64(out, reply->decided.late);
    wire_u64(out, reply->decided.missing);
    wire_str(out, reply->text);
}

bool ask_reply_get(struct str message, struct ask_reply *reply)
{
    struct wire w = wire_of(message);
    *reply = (struct ask_reply){.done = wire_get_u8(&w) != 0};
    reply->decided.changed = wire_get_u64(&w);
    reply->decided.same = wire_get_u64(&w);
    reply->decided.late = wire_get_u64(&w);
    reply->decided.missing = wire_get_u64(&w);
    reply->text = wire_get_str(&w);
    return wire_done(&w);
}

bool ask_serve(struct proposals *store, struct str message, int64_t now_us, struct buf *out)
{
    struct ask ask;
    struct err err;
    struct ask_reply reply = {0};
    if (!ask_get(message, &ask))
        return false;
    const struct proposal_decision decision = {ask.verb == ASK_ACCEPT, ask.decider, ask.why,
                                               now_us};
    reply.done = proposals_decide(store, &ask.choice, &decision, &reply.decided, &err) == 0;
    if (!reply.done)
        reply.text = str_of(err.text);
    ask_reply_put(out, &reply);
    return true;
}

static int read_reply(struct str message, const char *path, struct proposal_decided *decided,
                      struct err *err)
{
    struct ask_reply reply;
    if (!ask_reply_get(message, &reply))
        return err_set(err, "%s gave an answer that makes no sense (is it of another version?)",
                       path);
    if (!reply.done)
        return err_set(err, "%.*s", STR_ARG(reply.text));
    *decided = reply.decided;
    return 1;
}

int ask_call(const char *run_dir, const struct ask *ask, struct proposal_decided *decided,
             struct err *err)
{
    char path[PATH_MAX];
    struct buf request = BUF_INIT(IPC_MSG_MAX), reply = BUF_INIT(IPC_MSG_MAX);
    int result;
    if (!ipc_path(run_dir, ASK_SOCKET, path, sizeof path))
        return err_set(err, "%s/" ASK_SOCKET ".sock: path too long", run_dir);
    ask_put(&request, ask);
    errno = 0;
    if (!buf_ok(&request))
        result = err_set(err, "out of memory");
    else if (ipc_call(path, buf_str(&request), NULL, &reply, ASK_TIMEOUT_MS, err) == 0)
        result = read_reply(buf_str(&reply), path, decided, err);
    else
        result = errno == ENOENT || errno == ECONNREFUSED ? 0 : -1;
    buf_release(&request);
    buf_release(&reply);
    return result;
}
