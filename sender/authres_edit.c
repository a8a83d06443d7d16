#include "sender/authres.h"

/* What is inserted may itself be a piece of the header, written anew (EDITS_MAX in mail/edit.h). */
static int clean_insert(struct pool *pool, struct str host, struct edit *edit, struct err *err)
{
    struct authres_span *spans;
    size_t n;
    if (edit->remove == 0 || edit->insert.n == 0)
        return 0;
    if (authres_forged(pool, edit->insert, host, &spans, &n, err) < 0)
        return -1;
    struct buf out = BUF_INIT(edit->insert.n + 1);
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        buf_add(&out, str_sub(edit->insert, from, spans[i].at));
        from = spans[i].end;
    }
    buf_add(&out, str_from(edit->insert, from));
    struct str text = buf_ok(&out) ? pool_str(pool, buf_str(&out)) : STR_EMPTY;
    buf_release(&out);
    edit->insert = text;
    return text.s ? 0 : err_set(err, "out of memory");
}

/* Both lists are in order. A span that an edit takes away already is left out. */
static int merge(struct edits *edits, const struct authres_span *spans, size_t n, size_t base,
                 struct edit *merged, struct err *err)
{
    size_t count = 0, k = 0;
    for (size_t i = 0; i <= edits->n; i++) {
        const struct edit *edit = i < edits->n ? &edits->list[i] : NULL;
        for (; k < n && (!edit || base + spans[k].at < edit->at); k++) {
            const struct edit *last = count > 0 ? &merged[count - 1] : NULL;
            if (last && base + spans[k].at < last->at + last->remove)
                continue;
            merged[count++] =
                (struct edit){.at = base + spans[k].at, .remove = spans[k].end - spans[k].at};
        }
        if (edit)
            merged[count++] = *edit;
    }
    if (count > EDITS_MAX)
        return err_set(err, "a header needs more than %d edits", EDITS_MAX);
    edits->list = merged;
    edits->n = count;
    return 0;
}

int authres_remove(struct pool *pool, const struct message *message, struct str host,
                   struct edits *edits, struct err *err)
{
    struct str head = message->root->head;
    struct authres_span *spans;
    size_t n;
    if (authres_forged(pool, head, host, &spans, &n, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < edits->n; i++)
        if (clean_insert(pool, host, &edits->list[i], err) < 0)
            return -1;
    struct edit *merged = POOL_ARRAY(pool, edits->n + n, struct edit);
    if (!merged)
        return err_set(err, "out of memory");
    return merge(edits, spans, n, (size_t)(head.s - message->raw.s), merged, err);
}
