/* TLS reports that somebody sends: what is taken out of one is within its limits. */
#include <stdlib.h>

#include "tally/tls_read.h"

#define POOL_MAX ((size_t)256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tls_read *report)
{
    if (report->n == 0 || report->n > TLS_READ_ROWS_MAX || report->report_id.n == 0 ||
        report->org.n > TLS_READ_TEXT_MAX || report->begin_s < 0 || report->end_s < report->begin_s)
        abort();
    for (size_t i = 0; i < report->n; i++) {
        const struct tls_read_row *row = &report->rows[i];
        if (row->n == 0 || row->domain.n == 0 || row->result.n > TLS_READ_TEXT_MAX ||
            row->reason.n > TLS_READ_TEXT_MAX || row->receiving_mx.n > TLS_READ_TEXT_MAX)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct tls_read report;
    struct err err = {""};
    if (pool && tls_read(str_n((const char *)data, size), pool, &report, &err) == 0)
        check(&report);
    pool_free(&pool);
    return 0;
}
