/*
 * mime: a message through all of mail/. The first byte chooses limits and tag, the rest is the
 * message. What is checked beyond memory: offsets lie in the text, parts nest, all text is valid
 * UTF-8, and edits rebuild the message.
 */
#include <stdlib.h>

#include "mail/edit.h"
#include "mail/text.h"
#include "mail/utf8.h"

#define POOL_MAX (256 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static bool lies_in(struct str inner, struct str outer)
{
    return inner.n == 0 || (inner.s >= outer.s && inner.s + inner.n <= outer.s + outer.n);
}

static void check_part(struct pool *pool, const struct message *m, const struct part *part)
{
    struct buf out = BUF_INIT(100000);
    must(part->parent == NULL || part->parent->index < part->index);
    must(part->parent == NULL || part->depth == part->parent->depth + 1);
    if (!part->unpacked) {
        must(lies_in(part->head, m->raw) && lies_in(part->body, m->raw));
        must(part->parent == NULL || lies_in(part->body, part->parent->body));
    }
    for (size_t i = 0; i < part->n_headers; i++) {
        const struct header *h = &part->headers[i];
        struct str text = header_text(pool, h);
        must(h->at < h->end && lies_in(h->value, part->head) && text.s);
        must(utf8_valid_end(text) == text.n);
        must(header_unfold(pool, h).s != NULL);
    }
    must(utf8_valid_end(part->filename) == part->filename.n);
    part_decode(part, &out);
    buf_clear(&out);
    part_text(part, &out);
    must(buf_ok(&out) && utf8_valid_end(buf_str(&out)) == out.n);
    buf_release(&out);
}

static void check_text(struct pool *pool, const struct message *m)
{
    struct mail_text *text = NULL;
    struct err err;
    must(mail_text_make(pool, m, &text, &err) == 0);
    must(text->n_paragraphs > 0 && text->n_uris <= TEXT_URIS_MAX);
    for (size_t i = 0; i < text->n_paragraphs; i++)
        must(utf8_valid_end(text->paragraphs[i]) == text->paragraphs[i].n);
    must(utf8_valid_end(text->invisible) == text->invisible.n);
    for (size_t i = 0; i < text->n_uris; i++)
        must(text->uris[i].clean.n > 0 && str_ends(text->uris[i].host, text->uris[i].domain));
}

static void check_edits(struct pool *pool, const struct message *m, struct str tag)
{
    struct edits edits;
    struct err err;
    struct buf out = BUF_INIT(m->raw.n + 1024 * 1024);
    uint64_t end = 0;
    must(edits_make(pool, m, tag, &edits, &err) == 0);
    must(edits_insert_top(pool, &edits, STR("X-Top: 1\r\n"), &err) == 0);
    must(edits.n <= EDITS_MAX);
    for (size_t i = 0; i < edits.n; i++) {
        must(edits.list[i].at >= end);
        end = edits.list[i].at + edits.list[i].remove;
    }
    must(end <= m->raw.n);
    edits_apply(&edits, m->raw, &out);
    must(buf_ok(&out));
    must(str_ends(buf_str(&out), m->root->body));
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mail_limits limits = mail_limits_default;
    struct message *m = NULL;
    struct err err;
    if (size == 0)
        return 0;
    if (data[0] & 1)
        limits = (struct mail_limits){.depth = 3, .parts = 5, .headers = 4, .header_size = 100};
    struct str raw = str_n((const char *)data + 1, size - 1);
    struct pool *pool = pool_new(POOL_MAX);
    must(pool && message_parse(pool, raw, &limits, &m, &err) == 0);
    for (size_t i = 0; i < m->n_parts; i++)
        check_part(pool, m, m->parts[i]);
    check_text(pool, m);
    check_edits(pool, m, data[0] & 2 ? STR("[SPAM] ") : data[0] & 4 ? STR("[\xc3\x89] ") : STR(""));
    pool_free(&pool);
    return 0;
}
