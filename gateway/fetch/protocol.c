#include "gateway/fetch/protocol.h"

void fetch_request_put(struct buf *out, const struct fetch_request *request)
{
    wire_u32(out, request->number);
    wire_u8(out, (uint8_t)request->target);
    wire_u8(out, (uint8_t)request->method);
    wire_u32(out, request->milliseconds);
    wire_u32(out, request->answer_max);
    wire_str(out, request->url);
    wire_str(out, request->type);
    wire_str(out, request->body);
}

/* It becomes a line of a header. */
static bool is_type(struct str type)
{
    for (size_t i = 0; i < type.n; i++)
        if (type.s[i] < ' ' || type.s[i] > '~')
            return false;
    return type.n <= FETCH_TYPE_MAX;
}

static bool is_request(const struct fetch_request *r)
{
    bool stranger = r->target == FETCH_STRANGER;
    bool post = r->method == FETCH_POST;
    return (stranger || r->target == FETCH_INTROSPECTION) && (post || r->method == FETCH_GET) &&
           r->milliseconds > 0 && r->milliseconds <= FETCH_TIME_MAX &&
           r->answer_max <= FETCH_BODY_MAX && r->url.n <= FETCH_URL_MAX &&
           (r->url.n > 0) == stranger && str_chr(r->url, '\0') == STR_NONE && is_type(r->type) &&
           (r->type.n > 0) == post && r->body.n <= (post ? FETCH_BODY_MAX : 0);
}

bool fetch_request_get(struct str message, struct fetch_request *request)
{
    struct wire w = wire_of(message);
    *request = (struct fetch_request){.number = wire_get_u32(&w)};
    request->target = (enum fetch_target)wire_get_u8(&w);
    request->method = (enum fetch_method)wire_get_u8(&w);
    request->milliseconds = wire_get_u32(&w);
    request->answer_max = wire_get_u32(&w);
    request->url = wire_get_str(&w);
    request->type = wire_get_str(&w);
    request->body = wire_get_str(&w);
    return wire_done(&w) && is_request(request);
}

void fetch_answer_put(struct buf *out, const struct fetch_answer *answer)
{
    wire_u32(out, answer->number);
    wire_u8(out, (uint8_t)answer->result);
    wire_u32(out, answer->status);
    wire_str(out, str_sub(answer->type, 0, FETCH_TYPE_MAX));
    wire_str(out, answer->body);
    wire_str(out, str_sub(answer->note, 0, FETCH_NOTE_MAX));
}

bool fetch_answer_get(struct str message, struct fetch_answer *answer)
{
    struct wire w = wire_of(message);
    *answer = (struct fetch_answer){.number = wire_get_u32(&w)};
    uint8_t result = wire_get_u8(&w);
    answer->result = (enum fetch_result)result;
    answer->status = wire_get_u32(&w);
    answer->type = wire_get_str(&w);
    answer->body = wire_get_str(&w);
    answer->note = wire_get_str(&w);
    return wire_done(&w) && result <= FETCH_AWAY && answer->body.n <= FETCH_BODY_MAX;
}

const char *fetch_result_name(enum fetch_result result)
{
    static const char *const names[] = {
        [FETCH_ANSWERED] = "answered",
        [FETCH_BAD_URL] = "not a URL to ask",
        [FETCH_NO_HOST] = "no such host",
        [FETCH_DNS_FAILED] = "its address is not known now",
        [FETCH_FORBIDDEN] = "in a network that is not gone to",
        [FETCH_UNREACHABLE] = "not reached",
        [FETCH_TLS_FAILED] = "TLS failed",
        [FETCH_UNTRUSTED] = "certificate not trusted",
        [FETCH_TIMEOUT] = "no answer in time",
        [FETCH_TOO_LARGE] = "answer too large",
        [FETCH_MALFORMED] = "answer malformed",
        [FETCH_BUSY] = "too many requests",
        [FETCH_AWAY] = "poterne-fetch can't be asked",
    };
    return names[result];
}
