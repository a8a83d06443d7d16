/* What a reader says of a report, and it may be anybody's by then: what is understood, written
 * again, is understood again. */
#include <stdlib.h>

#include "gateway/reports/findings.h"

#define POOL_MAX ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf again = BUF_INIT(FINDINGS_MAX);
    struct findings findings, same;
    if (pool && findings_get(str_n((const char *)data, size), pool, &findings)) {
        for (size_t i = 0; i < findings.n_originals; i++)
            findings_put_original(&again, &findings.originals[i]);
        findings_put(&again, &findings);
        if (!findings_get(buf_str(&again), pool, &same) || same.n_originals != findings.n_originals)
            abort();
    }
    buf_release(&again);
    pool_free(&pool);
    return 0;
}
