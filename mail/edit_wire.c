#include "mail/edit_wire.h"

void edits_put(struct buf *out, const struct edits *edits)
{
    wire_u64(out, edits->top);
    wire_u32(out, (uint32_t)edits->n);
    for (size_t i = 0; i < edits->n; i++) {
        wire_u64(out, edits->list[i].at);
        wire_u64(out, edits->list[i].remove);
        wire_str(out, edits->list[i].insert);
    }
}

bool edits_get(struct wire *w, struct pool *pool, struct edits *edits)
{
    edits->top = wire_get_u64(w);
    edits->n = wire_get_u32(w);
    if (w->bad || edits->n > EDITS_MAX) {
        w->bad = true;
        edits->n = 0;
        return true;
    }
    edits->list = POOL_ARRAY(pool, edits->n, struct edit);
    if (edits->list == NULL)
        return false;
    for (size_t i = 0; i < edits->n; i++) {
        edits->list[i].at = wire_get_u64(w);
        edits->list[i].remove = wire_get_u64(w);
        edits->list[i].insert = wire_get_str(w);
    }
    return true;
}
