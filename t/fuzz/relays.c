/* Header queries and relays of a message: every kind of query, and the facts behind them. */
#include <stdlib.h>

#include "rules/facts/header.h"
#include "rules/facts/relays.h"
#include "rules/facts/times.h"
#include "rules/language/settings_make.h"

#define POOL_MAX ((size_t)256 << 20)

static const char *const requests[] = {
    "ALL",           "ALL:raw",   "ALL-UNTRUSTED", "ToCc:addr",      "From:name",
    "From:raw:name", "From:host", "From:domain",   "Received:ip",    "Received:revip",
    "MESSAGEID",     "Subject",   "EnvelopeFrom",  "X-AuthorDomain", "X-Spam-Relays-External",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct fact_values *values)
{
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < values->n; i++) {
        for (size_t j = 0; j < values->list[i].n; j++)
            sum = (unsigned char)(sum + values->list[i].s[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct pool *pool = pool_new(POOL_MAX);
    struct rules_settings *settings = settings_new(&err);
    struct str raw = str_n(size ? (const char *)data : "", size);
    struct message *message;
    struct facts facts;
    if (pool && settings && message_parse(pool, raw, &mail_limits_default, &message, &err) == 0) {
        const struct rules_input input = {.message = message};
        facts_init(&facts, pool, &input, settings);
        const struct relays *relays = facts_relays(&facts);
        if (relays && relays->trusted.n + relays->untrusted.n > RELAYS_MAX + 100)
            abort();
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
            look_at(facts_get_all(&facts, requests[i]));
        look_at(facts_from_addresses(&facts));
        look_at(facts_to_addresses(&facts));
        facts_times(&facts);
    }
    settings_free(&settings);
    pool_free(&pool);
    return 0;
}
