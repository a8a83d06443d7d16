/* All texts of a message that the rule language looks at. */
#include <stdlib.h>

#include "rules/facts/body.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/uris.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct fact_texts *texts)
{
    volatile unsigned char sum = 0;
    for (size_t i = 0; texts && i < texts->n; i++) {
        for (size_t j = 0; j < texts->list[i].n; j++)
            sum = (unsigned char)(sum + texts->list[i].s[j]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new((size_t)256 << 20);
    struct str raw = str_n(size ? (const char *)data : "", size);
    struct message *message;
    struct facts facts;
    struct err err;
    if (pool && message_parse(pool, raw, &mail_limits_default, &message, &err) == 0) {
        const struct rules_input input = {.message = message};
        facts_init(&facts, pool, &input, NULL);
        look_at(facts_body(&facts, BODY_RENDERED));
        look_at(facts_body(&facts, BODY_VISIBLE));
        look_at(facts_body(&facts, BODY_INVISIBLE));
        look_at(facts_rawbody(&facts));
        facts_full(&facts);
        const struct fact_uris *uris = facts_uris(&facts);
        look_at(uris ? &(struct fact_texts){uris->cleaned, uris->n_cleaned} : NULL);
        for (size_t i = 0; uris && i < uris->n; i++) {
            if (uris->list[i].n_cleaned > 4 * FACT_CLEANED_MAX)
                abort();
        }
    }
    pool_free(&pool);
    return 0;
}
