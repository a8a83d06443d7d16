/* A response of an ICAP server, in pieces of any size: within its limits, and clean only when it is
 * 204 or gives back what was sent. The first byte is the size of the pieces. */
#include <stdlib.h>

#include "antivirus/outside/icap_dialect.h"

#define SENT_ "the item that was sent\r\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct icap_response *r)
{
    struct av_answer answer = {.result = AV_CLEAN};
    struct icap_options options;
    char version[64];
    icap_judge(r, &answer);
    if (answer.result == AV_CLEAN && r->status != 204 &&
        !(r->status == 200 && r->body == sizeof SENT_ - 1))
        abort();
    if (answer.result != AV_CLEAN && answer.name[0] == '\0')
        abort();
    icap_read_options(buf_str(&r->head), "RESPMOD", &options);
    if (options.preview_size > ICAP_PREVIEW_MAX || options.lifetime > ICAP_LIFETIME_MAX)
        abort();
    icap_version(buf_str(&r->head), version, sizeof version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct icap_response r;
    struct buf in = BUF_INIT(1 << 20);
    struct err err;
    enum icap_read result = ICAP_MORE;
    if (size < 1)
        return 0;
    size_t step = data[0] ? data[0] : size;
    struct str rest = str_n((const char *)data + 1, size - 1);
    icap_response_init(&r);
    icap_response_clear(&r, STR(SENT_));
    while (result == ICAP_MORE && rest.n > 0) {
        buf_add(&in, str_sub(rest, 0, step));
        rest = str_from(rest, step);
        result = icap_response_read(&r, &in, &err);
        if (r.head.n > ICAP_HEAD_MAX || r.http.n > ICAP_HEAD_MAX ||
            r.body > sizeof SENT_ + ICAP_EXTRA_MAX)
            abort();
        if (result == ICAP_MORE && in.n > ICAP_HEAD_MAX)
            abort();
    }
    if (result == ICAP_WHOLE)
        check(&r);
    icap_response_release(&r);
    buf_release(&in);
    return 0;
}
