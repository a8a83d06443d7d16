/* DMARC aggregate reports that somebody sends: what is taken out of one is within its limits. */
#include <stdlib.h>

#include "tally/dmarc_read.h"

#define POOL_MAX ((size_t)256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dmarc_read *report)
{
    if (report->n == 0 || report->n > DMARC_READ_ROWS_MAX || report->domain.n == 0 ||
        report->begin_s < 0 || report->end_s < report->begin_s)
        abort();
    for (size_t i = 0; i < report->n; i++)
        if (report->rows[i].source_ip.n < 2 || report->rows[i].source_ip.n > 45 ||
            report->rows[i].header_from.n > DMARC_READ_TEXT_MAX)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct dmarc_read report;
    struct err err = {""};
    if (pool && dmarc_read(str_n((const char *)data, size), pool, &report, &err) == 0)
        check(&report);
    pool_free(&pool);
    return 0;
}
