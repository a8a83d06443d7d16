/*
 * What poterne-fetch is asked (gateway/fetch/protocol.h) and the URLs that strangers name. The
 * first byte chooses: a request, an answer, or a URL. What is let through keeps the limits, and of
 * a URL its host is a name with a dot, its port the one that is allowed, and it is https.
 */
#include <stdlib.h>

#include "gateway/fetch/url.h"

#define PORT 443

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_url(struct str url)
{
    struct place place, again;
    struct err err = {""};
    if (url_read_stranger(url, PORT, &place, &err) < 0) {
        require(err.text[0] != '\0');
        return;
    }
    require(!place.is_address && place.port == PORT && strchr(place.host, '.') != NULL);
    require(dns_name_ok(str_of(place.host)) && str_starts(str_of(place.url), STR("https://")));
    for (const char *c = place.url; *c; c++)
        require(*c > ' ' && *c != 0x7f);
    /* what curl is given is what was looked at */
    require(url_read_own(str_of(place.url), &again, &err) == 0);
    require(strcmp(again.host, place.host) == 0 && again.port == PORT);
}

static void check_request(struct str message)
{
    struct fetch_request request;
    if (!fetch_request_get(message, &request))
        return;
    require(request.answer_max <= FETCH_BODY_MAX && request.body.n <= FETCH_BODY_MAX);
    require(request.milliseconds > 0 && request.milliseconds <= FETCH_TIME_MAX);
    require(str_chr(request.type, '\n') == STR_NONE && str_chr(request.type, '\r') == STR_NONE);
    struct buf out = BUF_INIT(IPC_MSG_MAX);
    fetch_request_put(&out, &request);
    require(buf_ok(&out) && str_eq(buf_str(&out), message));
    buf_release(&out);
    if (request.target == FETCH_STRANGER)
        check_url(request.url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fetch_answer answer;
    if (size == 0)
        return 0;
    struct str rest = str_n((const char *)data + 1, size - 1);
    if (data[0] % 3 == 0)
        check_request(rest);
    else if (data[0] % 3 == 1)
        check_url(rest);
    else if (fetch_answer_get(rest, &answer))
        require(answer.body.n <= FETCH_BODY_MAX && *fetch_result_name(answer.result));
    return 0;
}
