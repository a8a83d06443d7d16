/* html: HTML through the renderer, and the same bytes as running text through the link finder. */
#include <stdlib.h>

#include "mail/charset.h"
#include "mail/html.h"
#include "mail/utf8.h"

#define POOL_MAX (256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check(const struct uris *uris, const struct buf *text)
{
    must(buf_ok(text) && utf8_valid_end(buf_str(text)) == text->n);
    must(str_find(buf_str(text), STR("  ")) == STR_NONE);
    must(!uris->no_memory && uris->n <= TEXT_URIS_MAX);
    for (size_t i = 0; i < uris->n; i++) {
        must(utf8_valid_end(uris->list[i].clean) == uris->list[i].clean.n);
        must(utf8_valid_end(uris->list[i].text) == uris->list[i].text.n);
        must(uris->list[i].clean.n > 0 && uris->list[i].host.n <= HOST_MAX);
        for (size_t k = 0; k < i && i < 50; k++)
            must(!str_eq(uris->list[i].clean, uris->list[k].clean));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct html_facts facts = {0};
    struct buf html = BUF_INIT(3 * size), seen = BUF_INIT(3 * size + 10),
               hidden = BUF_INIT(3 * size + 10);
    struct pool *pool = pool_new(POOL_MAX);
    must(pool != NULL);
    struct uris uris = {.pool = pool};
    struct html_sinks sinks = {.pool = pool,
                               .visible = {.out = &seen},
                               .invisible = {.out = &hidden},
                               .uris = &uris,
                               .facts = &facts};
    charset_to_utf8(STR("utf-8"), str_n((const char *)data, size), &html);
    must(html_render(&sinks, buf_str(&html), &err) == 0);
    uris_find(&uris, buf_str(&html));
    check(&uris, &seen);
    check(&uris, &hidden);
    buf_release(&html);
    buf_release(&seen);
    buf_release(&hidden);
    pool_free(&pool);
    return 0;
}
