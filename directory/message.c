/* What goes between edge and the directory process. */
#include "directory/directory.h"

void directory_request_put(struct buf *out, const struct directory_request *request)
{
    wire_u32(out, request->number);
    wire_u8(out, (uint8_t)request->wish);
    wire_str(out, request->address);
    wire_str(out, request->wish == WISH_LOGIN ? request->password : request->sender);
    wire_u8(out, request->factor);
}

bool directory_request_get(struct str message, struct directory_request *request)
{
    struct wire w = wire_of(message);
    *request = (struct directory_request){.number = wire_get_u32(&w)};
    uint8_t wish = wire_get_u8(&w);
    request->wish = (enum directory_wish)wish;
    request->address = wire_get_str(&w);
    if (request->wish == WISH_LOGIN)
        request->password = wire_get_str(&w);
    else
        request->sender = wire_get_str(&w);
    request->factor = wire_get_u8(&w) != 0;
    return wire_done(&w) && wish <= WISH_USER;
}

void redirect_way_put(struct buf *out, const struct redirect_way *way)
{
    wire_str(out, str_of(way->rule));
    wire_u8(out, (uint8_t)way->n);
    for (size_t i = 0; i < way->n; i++) {
        wire_str(out, str_of(way->hops[i].address));
        wire_str(out, str_of(way->hops[i].person));
        wire_u8(out, way->hops[i].keep);
    }
}

bool redirect_way_get(struct wire *w, struct redirect_way *way)
{
    bool good = str_copy(wire_get_str(w), way->rule, sizeof way->rule);
    way->n = wire_get_u8(w);
    if (way->n > REDIRECT_HOPS_MAX || way->n == 1)
        return false;
    for (size_t i = 0; i < way->n; i++) {
        struct redirect_hop *hop = &way->hops[i];
        good = good && str_copy(wire_get_str(w), hop->address, sizeof hop->address) &&
               str_copy(wire_get_str(w), hop->person, sizeof hop->person);
        hop->keep = wire_get_u8(w) != 0;
    }
    return good;
}

void directory_reply_put(struct buf *out, uint32_t number, const struct directory_answer *answer)
{
    wire_u32(out, number);
    wire_u8(out, (uint8_t)answer->result);
    wire_str(out, str_of(answer->address));
    wire_str(out, str_of(answer->how));
    wire_u8(out, answer->rewrite);
    wire_u64(out, answer->quota_used);
    wire_u64(out, answer->quota_limit);
    wire_str(out, str_of(answer->redirect));
    wire_u8(out, answer->keep);
    wire_str(out, str_of(answer->identities));
    redirect_way_put(out, &answer->way);
}

bool directory_reply_get(struct str message, uint32_t *number, struct directory_answer *answer)
{
    struct wire w = wire_of(message);
    *number = wire_get_u32(&w);
    uint8_t result = wire_get_u8(&w);
    struct str address = wire_get_str(&w);
    struct str how = wire_get_str(&w);
    answer->rewrite = wire_get_u8(&w) != 0;
    answer->quota_used = wire_get_u64(&w);
    answer->quota_limit = wire_get_u64(&w);
    struct str redirect = wire_get_str(&w);
    answer->keep = wire_get_u8(&w) != 0;
    struct str identities = wire_get_str(&w);
    bool way = redirect_way_get(&w, &answer->way);
    answer->result = (enum directory_result)result;
    return wire_done(&w) && way && result <= DIRECTORY_NO_REDIRECT &&
           str_copy(address, answer->address, sizeof answer->address) &&
           str_copy(how, answer->how, sizeof answer->how) &&
           str_copy(redirect, answer->redirect, sizeof answer->redirect) &&
           str_copy(identities, answer->identities, sizeof answer->identities);
}
