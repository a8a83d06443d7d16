/* An HTML part of the rule language: events, rendered text, notes and links. */
#include <stdlib.h>

#include "rules/facts/html_render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_new((size_t)64 << 20);
    struct html_doc doc = {.n_links = 0};
    struct rendered_html rendered;
    if (size < 2 || pool == NULL) {
        pool_free(&pool);
        return 0;
    }
    struct str html = str_n((const char *)data + 1, size - 1);
    if (html_render_part(pool, html, data[0] & 1, html.n, &doc, &rendered)) {
        size_t at = 0;
        for (size_t i = 0; i < rendered.n_hidden; i++) {
            if (rendered.hidden[i].from < at || rendered.hidden[i].to > rendered.text.n)
                abort();
            at = rendered.hidden[i].to;
        }
    }
    pool_free(&pool);
    return 0;
}
