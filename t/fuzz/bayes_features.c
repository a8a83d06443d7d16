/* From the bytes of a message to its features: bounded, in order, readable. */
#include <stdlib.h>

#include "bayes/bayes.h"
#include "mail/utf8.h"

#define POOL_MAX (256u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct features *features)
{
    if (features->n > FEATURES_MAX)
        abort();
    for (size_t i = 0; i < features->n; i++) {
        struct str text = features->list[i].text;
        if (i && features->list[i - 1].hash >= features->list[i].hash)
            abort();
        if (utf8_valid_end(text) != text.n)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct features features;
    struct err err;
    if (pool && features_of_mail(pool, str_n((const char *)data, size), NULL, &features, &err) == 0)
        check(&features);
    pool_free(&pool);
    return 0;
}
