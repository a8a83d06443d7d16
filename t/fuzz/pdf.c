/* A PDF file: what is read out of it keeps its bounds, and its name is the same by any pieces. */
#include <stdlib.h>

#include "rules/facts/pdf.h"
#include "rules/facts/pdf_string.h"

#define POOL_MAX (16 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_md5(struct str file)
{
    struct md5 whole, pieces;
    char a[MD5_HEX + 1], b[MD5_HEX + 1];
    md5_init(&whole);
    md5_init(&pieces);
    md5_add(&whole, file);
    for (size_t at = 0, n = 1; at < file.n; at += n++)
        md5_add(&pieces, str_sub(file, at, at + n));
    md5_finish(&whole, a);
    md5_finish(&pieces, b);
    if (strcmp(a, b) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str file = str_n((const char *)data, size);
    struct pool *pool = pool_new(POOL_MAX);
    if (pool == NULL)
        return 0;
    check_md5(file);
    pdf_begins(&file);
    const struct pdf *pdf = pdf_read(pool, file);
    if (pdf == NULL || pdf->n_details > PDF_DETAILS_MAX || pdf->n_sizes > PDF_SIZES_MAX + 1 ||
        pdf->n_links > PDF_LINKS_MAX)
        abort();
    for (size_t i = 0; i < pdf->n_details; i++) {
        if (pdf->details[i].value.n > PDF_DETAIL_MAX)
            abort();
    }
    for (size_t i = 0; i < pdf->n_links; i++) {
        if (pdf->links[i].n == 0 || pdf->links[i].n > PDF_LINK_MAX)
            abort();
    }
    pool_free(&pool);
    return 0;
}
