/* Chains of ARC in any bytes. The first byte chooses the key that every question is answered with.
 */
#include <stdlib.h>

#include "sender/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    static const char rsa[] =
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDQ8iQf8dXzFsAxT3mUA3tYGKUPHFZ0"
        "Qm0D9MVpkqfYUHlHZ7sY2w5Cx1s3lWJQ1qNk2vXyKj4pV7d0m3tq8b1yV6xkqk0fD0WcJqf9o5s4nq8sQ4lq";
    static const char ed25519[] = "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const unsigned *kind = data;
    for (size_t i = 0; i < n; i++) {
        struct dns_record *record = POOL_NEW(pool, struct dns_record);
        queries[i].status = record && *kind % 4 != 3 ? DNS_FOUND : DNS_TEMP_FAILED;
        if (queries[i].status != DNS_FOUND)
            continue;
        record->data = *kind % 4 == 0   ? str_n(rsa, sizeof rsa - 1)
                       : *kind % 4 == 1 ? str_n(ed25519, sizeof ed25519 - 1)
                                        : queries[i].name;
        queries[i].records = record;
        queries[i].n = 1;
    }
}

static void check(struct str raw, unsigned kind, struct pool *pool)
{
    static const char *const trusted[] = {"example", "org"};
    const struct dns_source dns = {.ask = say, .data = &kind};
    struct buf line = BUF_INIT(1 << 16);
    struct dns_query queries[20];
    struct arc_answer answer;
    struct err err;
    size_t n = 0;
    arc_ahead(raw, pool, queries, &n, 20);
    if (arc_check(raw, &dns, pool, &answer, &err) < 0)
        return;
    /* nobody has the private keys */
    if (n > 20 || answer.n > ARC_SETS_MAX || answer.result == ARC_PASS)
        abort();
    answer.result = answer.n > 0 ? ARC_PASS : answer.result;
    arc_vouches(&answer, trusted, 2, STR("a.example"));
    authres_arc(&line, &answer, STR("192.0.2.1"));
    for (size_t i = 0; i + 1 < line.n; i++)
        if (line.p[i] == '\n' && line.p[i + 1] != '\t')
            abort();
    buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(16 << 20);
    if (pool && size > 0)
        check(str_n((const char *)data + 1, size - 1), data[0], pool);
    pool_free(&pool);
    return 0;
}
