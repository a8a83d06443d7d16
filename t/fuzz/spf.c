/*
 * SPF with hostile records and hostile names. The lines of the input: HELO, the sender, and then
 * what the DNS says; the k-th question gets the k-th line, from the first again when they end.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "sender/spf.h"

#define LINES_MAX 32
/* the first record, then for each look-up its round ahead, its names, and the client's own */
#define ASKED_MAX ((1 + SPF_LOOKUPS_MAX) * (SPF_LOOKUPS_MAX + 2 + 2 * SPF_NAMES_MAX + 2) + 50)

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
        struct str line = world->lines[world->asked++ % world->n];
        struct dns_record *record = POOL_NEW(pool, struct dns_record);
        bool short_address = queries[i].type == DNS_A && line.n < 4;
        if (queries[i].status != DNS_ASKED_NOT || !dns_name_ok(queries[i].name))
            abort();
        queries[i].status = line.n > 0 && record ? DNS_FOUND : DNS_NO_NAME;
        if (line.n == 1 || short_address || (queries[i].type == DNS_AAAA && line.n < 16))
            queries[i].status = DNS_TEMP_FAILED;
        if (queries[i].status != DNS_FOUND)
            continue;
        record->data = line;
        if (queries[i].type == DNS_A)
            record->data.n = 4;
        else if (queries[i].type == DNS_AAAA)
            record->data.n = 16;
        else if (queries[i].type != DNS_TXT)
            record->data = queries[i].name;
        queries[i].records = record;
        queries[i].n = 1;
    }
}

static void check(struct world *world, struct spf_request *request, struct pool *pool)
{
    const struct dns_source dns = {.ask = say, .data = world};
    struct spf_answer answer;
    struct err err;
    if (spf_check(request, &dns, pool, &answer, &err) < 0)
        return;
    if (answer.result > SPF_PERMERROR || answer.lookups > SPF_LOOKUPS_MAX + 1 ||
        answer.explanation.n > SPF_EXPLANATION_MAX || world->asked > ASKED_MAX)
        abort();
    for (size_t i = 0; i < answer.explanation.n; i++)
        if (answer.explanation.s[i] < ' ' || answer.explanation.s[i] >= 127)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size);
    struct spf_request request = {.hostname = STR("mx.example.org"), .client_ip = STR("192.0.2.1")};
    struct world world = {.n = 0};
    struct pool *pool = pool_new(16 << 20);
    if (size > 0 && data[0] & 1)
        request.client_ip = STR("2001:db8::1");
    str_next(&rest, '\n', &request.helo);
    str_next(&rest, '\n', &request.sender);
    while (world.n < LINES_MAX && str_next(&rest, '\n', &world.lines[world.n]))
        world.n++;
    if (pool && world.n > 0)
        check(&world, &request, pool);
    pool_free(&pool);
    return 0;
}
