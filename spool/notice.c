#include "spool/notice.h"

#include "spool/spool.h"

void notice_put(struct buf *out, const struct notice *notice)
{
    wire_u8(out, (uint8_t)notice->kind);
    wire_str(out, notice->id);
    wire_u32(out, notice->recipient);
}

bool notice_get(struct str message, struct notice *notice)
{
    struct wire w = wire_of(message);
    uint8_t kind = wire_get_u8(&w);
    notice->id = wire_get_str(&w);
    notice->recipient = wire_get_u32(&w);
    if (!wire_done(&w) || kind < NOTICE_QUEUED || kind > NOTICE_DELETE)
        return false;
    notice->kind = (enum notice_kind)kind;
    return spool_id_valid(notice->id) || (kind == NOTICE_FLUSH && notice->id.n == 0);
}

void notice_reply_put(struct buf *out, const struct notice_reply *reply)
{
    wire_u8(out, reply->done);
    wire_str(out, reply->text);
}

bool notice_reply_get(struct str message, struct notice_reply *reply)
{
    struct wire w = wire_of(message);
    reply->done = wire_get_u8(&w) != 0;
    reply->text = wire_get_str(&w);
    return wire_done(&w);
}
