/* An answer of the DNS, of the type that its first byte names, and what the resolver makes of it on
 * the wire; the same bytes as that wire; and as a name. */
#include <stdlib.h>

#include "gateway/resolver/packet.h"
#include "gateway/resolver/protocol.h"

#define POOL_MAX ((size_t)8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_A,   DNS_NS,   DNS_PTR, DNS_MX,
                                          DNS_TXT, DNS_AAAA, DNS_TLSA};
    struct pool *pool = pool_new(POOL_MAX);
    struct buf wire = BUF_INIT(IPC_MSG_MAX);
    struct str text = str_n((const char *)data, size);
    struct packet_answer answer;
    struct resolver_answer got;
    char name[PACKET_NAME_TEXT];
    if (pool == NULL || size == 0) {
        pool_free(&pool);
        return 0;
    }
    packet_read(str_from(text, 1), types[data[0] % (sizeof types / sizeof *types)], pool, &answer);
    const struct resolver_answer reply = {.status = answer.status,
                                          .ttl = answer.ttl,
                                          .records = answer.records,
                                          .n = answer.n};
    resolver_answer_put(&wire, &reply);
    /* what we say can be read */
    if (!buf_ok(&wire) || !resolver_answer_get(buf_str(&wire), pool, &got) ||
        got.status != answer.status)
        abort();
    resolver_answer_get(text, pool, &got);
    packet_name_text(text, name);
    buf_release(&wire);
    pool_free(&pool);
    return 0;
}
