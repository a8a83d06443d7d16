/*
 * DMARC with hostile records. The first line of the input is the value of From, the second the
 * domain that SPF passed for; the k-th question gets the k-th line after them.
 */
#include <stdlib.h>

#include "sender/dmarc.h"
#include "sender/dmarc_walk.h"

#define LINES_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct str lines[LINES_MAX];
    size_t n;
    size_t asked;
};

static void say(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    struct world *world = data;
    for (size_t i = 0; i < n; i++) {
        struct dns_record *record = POOL_NEW(pool, struct dns_record);
        if (queries[i].status != DNS_ASKED_NOT)
            continue;
        queries[i].status = DNS_TEMP_FAILED;
        if (!record || world->n == 0)
            continue;
        record->data = world->lines[world->asked++ % world->n];
        queries[i].status = record->data.n > 0 ? DNS_FOUND : DNS_NO_NAME;
        queries[i].records = record;
        queries[i].n = record->data.n > 0;
    }
}

static void check(struct world *world, struct str from, struct str domain, struct pool *pool)
{
    const struct dns_source dns = {.ask = say, .data = world};
    const struct spf_answer spf = {.result = SPF_PASS, .domain = domain};
    struct str pieces[] = {STR("From:"), from, STR("\n\n")};
    struct message *message;
    struct dmarc_authors authors;
    struct dmarc_answer answer;
    struct err err;
    struct str raw = pool_join(pool, pieces, 3);
    if (!raw.s || message_parse(pool, raw, &mail_limits_default, &message, &err) < 0 ||
        dmarc_authors(message, pool, &authors, &err) < 0)
        return;
    dmarc_check(&authors, &spf, NULL, &dns, pool, &answer);
    if (answer.result > DMARC_PERMERROR || authors.n > DMARC_AUTHORS_MAX ||
        answer.policy > DMARC_POLICY_REJECT || (!authors.more && answer.applied > answer.policy))
        abort();
    if (answer.applied != DMARC_POLICY_NONE && answer.result != DMARC_FAIL && !authors.more)
        abort();
    if (authors.more && answer.applied != DMARC_POLICY_REJECT)
        abort();
    if (world->asked > DMARC_AUTHORS_MAX * (2 * DMARC_WALK_MAX + 1))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size), from = STR_EMPTY, domain = STR_EMPTY;
    struct world world = {.n = 0};
    struct pool *pool = pool_new(16 << 20);
    str_next(&rest, '\n', &from);
    str_next(&rest, '\n', &domain);
    while (world.n < LINES_MAX && str_next(&rest, '\n', &world.lines[world.n]))
        world.n++;
    if (pool)
        check(&world, from, domain, pool);
    pool_free(&pool);
    return 0;
}
