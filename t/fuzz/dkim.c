/* Signatures and forged results in any bytes. The message's first byte chooses what the key is. */
#include <stdlib.h>

#include "sender/authres.h"

#define FAR_FROM_NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    static const char rsa[] =
        "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDOtofkkQjbHnQNsUGPjW/qfHpc"
        "CXZGQjJ7aXZwXhdYHVvVRZXDTVeDOeZS+XZVvWTV7bPYD2Aj7VnDdHPC4PxTkVxfxLrTUQ0bzZ+BtZsUbyxe"
        "s3gEZLgZJrAPGKJtmjLsGjVBjdZwyoQIDAQAB";
    static const enum dns_status answers[] = {DNS_FOUND, DNS_NO_NAME, DNS_FOUND, DNS_TEMP_FAILED};
    const unsigned *kind = data;
    for (size_t i = 0; i < n; i++) {
        struct dns_record *records = POOL_ARRAY(pool, 2, struct dns_record);
        queries[i].status = records ? answers[*kind % 4] : DNS_TEMP_FAILED;
        if (queries[i].status != DNS_FOUND)
            continue;
        records[0].data = *kind % 8 < 4 ? str_n(rsa, sizeof rsa - 1) : queries[i].name;
        records[1] = records[0];
        queries[i].records = records;
        queries[i].n = *kind % 4 == 2 ? 2 : 1;
    }
}

static void check(struct dkim_checker *checker, struct str raw, unsigned kind)
{
    struct dkim_results results;
    struct authres_span *spans;
    struct err err;
    size_t n;
    struct dns_source keys = {.ask = say, .data = &kind};
    struct pool *pool = pool_new(16 << 20);
    struct buf line = BUF_INIT(1 << 20);
    if (pool && dkim_check(checker, pool, raw, &keys, &results, &err) == 0) {
        if (results.n > DKIM_SIGNATURES_MAX)
            abort();
        authres_begin(&line, STR("mx.example.org"));
        authres_dkim(&line, &results);
        authres_end(&line);
        /* one line of ours and folded ones: nothing of the message starts a field of its own */
        for (size_t i = 0; i + 1 < line.n; i++)
            if (line.p[i] == '\n' && line.p[i + 1] != '\t')
                abort();
    }
    if (pool && authres_forged(pool, raw, STR("mx.example.org"), &spans, &n, &err) == 0)
        for (size_t i = 0; i < n; i++)
            if (spans[i].end <= spans[i].at || spans[i].end > raw.n ||
                (i > 0 && spans[i].at <= spans[i - 1].end))
                abort();
    buf_release(&line);
    pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dkim_checker *checker;
    const struct dkim_policy policy = {.min_key_bits = 1024, .now = FAR_FROM_NOW};
    struct err err;
    if (!checker)
        checker = dkim_checker_new(&policy, &err);
    if (checker && size > 0)
        check(checker, str_n((const char *)data + 1, size - 1), data[0]);
    return 0;
}
