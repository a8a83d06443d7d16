#include "spool/notice.h"

#include <limits.h>

#include "base/ipc.h"

void notice_put(struct buf *out, const struct notice *notice)
{
    wire_u8(out, (uint8_t)notice->kind);
    wire_str(out, notice->id);
    wire_u32(out, notice->recipient);
    wire_str(out, notice->address);
    wire_str(out, notice->why);
}

bool notice_get(struct str message, struct notice *notice)
{
    struct wire w = wire_of(message);
    uint8_t kind = wire_get_u8(&w);
    notice->id = wire_get_str(&w);
    notice->recipient = wire_get_u32(&w);
    notice->address = wire_get_str(&w);
    notice->why = wire_get_str(&w);
    if (!wire_done(&w) || kind < NOTICE_QUEUED || kind > NOTICE_LAST)
        return false;
    notice->kind = (enum notice_kind)kind;
    bool for_all = kind == NOTICE_FLUSH || (kind >= NOTICE_EXPIRE && kind <= NOTICE_SET_ASIDE) ||
                   kind == NOTICE_HOPS;
    return spool_id_valid(notice->id) || (for_all && notice->id.n == 0);
}

void notice_reply_put(struct buf *out, const struct notice_reply *reply)
{
    wire_u8(out, reply->done);
    wire_str(out, reply->text);
}

void notice_hop_put(struct buf *out, const struct notice_hop *hop)
{
    wire_str(out, hop->name);
    wire_u32(out, hop->waiting);
    wire_u32(out, hop->lanes);
    wire_u8(out, hop->down);
    wire_i64(out, hop->again_s);
    wire_str(out, hop->error);
}

bool notice_hop_get(struct str *rest, struct notice_hop *hop)
{
    struct wire w = wire_of(*rest);
    hop->name = wire_get_str(&w);
    hop->waiting = wire_get_u32(&w);
    hop->lanes = wire_get_u32(&w);
    hop->down = wire_get_u8(&w) != 0;
    hop->again_s = wire_get_i64(&w);
    hop->error = wire_get_str(&w);
    if (w.bad)
        return false;
    *rest = w.in;
    return true;
}

bool notice_reply_get(struct str message, struct notice_reply *reply)
{
    struct wire w = wire_of(message);
    reply->done = wire_get_u8(&w) != 0;
    reply->text = wire_get_str(&w);
    return wire_done(&w);
}

static int take_reply(struct buf *answer, struct err *err)
{
    struct notice_reply reply;
    if (!notice_reply_get(buf_str(answer), &reply))
        return err_set(err, "delivery gave an answer that can't be read");
    if (!reply.done)
        return err_set(err, "%.*s", STR_ARG(reply.text));
    size_t before = (size_t)(reply.text.n ? reply.text.s - answer->p : (ptrdiff_t)answer->n);
    buf_eat(answer, before);
    return 0;
}

int notice_ask(const char *run_dir, const struct notice *notice, struct buf *answer,
               struct err *err)
{
    char path[PATH_MAX];
    struct buf request = BUF_INIT(IPC_MSG_MAX);
    if (!ipc_path(run_dir, "delivery", path, sizeof path))
        return err_set(err, "%s is too long for a socket's folder: choose a shorter run_dir",
                       run_dir);
    notice_put(&request, notice);
    int result = buf_ok(&request)
                     ? ipc_call(path, buf_str(&request), NULL, answer, NOTICE_ASK_TIMEOUT_MS, err)
                     : err_set(err, "out of memory");
    buf_release(&request);
    if (result < 0)
        return err_prefix(err, NOTICE_UNREACHED " (is poterned running?)");
    return take_reply(answer, err);
}
