#include "gateway/reports/request.h"

void report_request_put(struct buf *out, const struct report_request *request)
{
    wire_u8(out, REPORT_REQUEST);
    wire_str(out, request->id);
    wire_str(out, request->address);
    wire_str(out, request->sender);
    wire_str(out, request->client_ip);
    wire_u64(out, request->offset);
    wire_u64(out, request->size);
    wire_str(out, request->evidence);
}

bool report_request_get(struct str message, struct report_request *request)
{
    struct wire w = wire_of(message);
    bool ours = wire_get_u8(&w) == REPORT_REQUEST;
    request->id = wire_get_str(&w);
    request->address = wire_get_str(&w);
    request->sender = wire_get_str(&w);
    request->client_ip = wire_get_str(&w);
    request->offset = wire_get_u64(&w);
    request->size = wire_get_u64(&w);
    request->evidence = wire_get_str(&w);
    return wire_done(&w) && ours;
}

void report_reply_put(struct buf *out, const struct report_reply *reply)
{
    wire_u8(out, (uint8_t)reply->outcome);
    wire_str(out, reply->text);
}

bool report_reply_get(struct str message, struct report_reply *reply)
{
    struct wire w = wire_of(message);
    uint8_t outcome = wire_get_u8(&w);
    reply->outcome = (enum report_outcome)outcome;
    reply->text = wire_get_str(&w);
    return wire_done(&w) && outcome <= REPORT_NEVER;
}
