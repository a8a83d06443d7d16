/* A file of the spool as it may be found on a damaged disk: header, envelope and records. */
#include <stdlib.h>

#include "spool/format.h"

#define POOL_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct envelope *envelope, uint64_t message_size)
{
    uint64_t from = 0;
    if (envelope->n_recipients == 0 || envelope->n_recipients > SPOOL_RECIPIENTS_MAX)
        abort();
    if (envelope->account.n > SPOOL_ACCOUNT_MAX)
        abort();
    for (size_t i = 0; i < envelope->edits.n; i++) {
        const struct edit *edit = &envelope->edits.list[i];
        if (edit->at < from || edit->at + edit->remove > message_size)
            abort();
        from = edit->at + edit->remove;
    }
}

/* The CRCs keep the fuzzer out: envelopes are also tried without them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n((const char *)data, size);
    struct pool *pool = pool_new(POOL_MAX);
    struct envelope envelope = {.n_recipients = 0};
    struct spool_header header;
    struct record record;
    uint64_t at = 0;
    bool corrupt;
    header_get(rest, &header);
    for (uint32_t version = SPOOL_VERSION_PLAIN; version <= SPOOL_VERSION; version++)
        if (envelope_get(rest, version, 1000, pool, &envelope, &corrupt, NULL) == 0)
            check(&envelope, 1000);
    for (unsigned n = 0; record_get(&rest, &at, &record) == RECORD_GOOD; n++)
        if (n > size)
            abort();
    pool_free(&pool);
    return 0;
}
