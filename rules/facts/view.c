#include "rules/facts/view.h"

#include "rules/facts/header.h"

/* Pieces laid one behind the other in one buffer, as they come. */
struct layout {
    struct pool *pool;
    char *bytes;
    size_t used, room;
    struct str *pieces;
    size_t n, n_max;
    bool truncated;
};

static int layout_init(struct layout *layout, struct pool *pool, size_t n_max, size_t room,
                       struct err *err)
{
    *layout = (struct layout){.pool = pool, .n_max = n_max};
    layout->truncated = room > VIEW_TEXT_MAX;
    layout->room = layout->truncated ? VIEW_TEXT_MAX : room;
    layout->bytes = pool_alloc(pool, layout->room);
    layout->pieces = POOL_ARRAY(pool, n_max, struct str);
    if (layout->bytes == NULL || layout->pieces == NULL)
        return err_set(err, "rules: the message needs more memory than is allowed");
    return 0;
}

/* With `line_end` the line end behind the piece belongs to it; else it only keeps pieces apart. */
static void layout_add(struct layout *layout, struct str text, bool line_end)
{
    if (layout->n == layout->n_max || text.n + 1 > layout->room - layout->used) {
        layout->truncated = true;
        return;
    }
    char *at = layout->bytes + layout->used;
    if (text.n)
        memcpy(at, text.s, text.n);
    at[text.n] = '\n';
    layout->used += text.n + 1;
    layout->pieces[layout->n++] = str_n(at, text.n + (line_end ? 1 : 0));
}

/* Cuts the pieces into blocks; a piece longer than VIEW_BLOCK_MAX is a block of its own. */
static int make_blocks(struct pool *pool, struct view *view, struct err *err)
{
    view->blocks = POOL_ARRAY(pool, view->n_pieces, struct view_block);
    if (view->blocks == NULL)
        return err_set(err, "rules: the message needs more memory than is allowed");
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i];
        struct view_block *last = view->n_blocks ? &view->blocks[view->n_blocks - 1] : NULL;
        size_t joined = last ? (size_t)(piece.s + piece.n - last->text.s) : 0;
        if (last && joined <= VIEW_BLOCK_MAX) {
            last->text.n = joined;
            last->to = i + 1;
        } else {
            view->blocks[view->n_blocks++] = (struct view_block){piece, i, i + 1};
        }
    }
    return 0;
}

static int finish(struct layout *layout, struct view *view, struct err *err)
{
    view->pieces = layout->pieces;
    view->n_pieces = layout->n;
    view->truncated = layout->truncated;
    return make_blocks(layout->pool, view, err);
}

static int make_lines(struct pool *pool, const struct str *texts, size_t n, bool line_end,
                      struct view *view, struct err *err)
{
    struct layout layout;
    size_t room = 0;
    for (size_t i = 0; i < n; i++)
        room += texts[i].n + 1;
    if (layout_init(&layout, pool, n, room, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        layout_add(&layout, texts[i], line_end);
    return finish(&layout, view, err);
}

static int make_uris(struct pool *pool, const struct mail_text *text, struct view *view,
                     struct err *err)
{
    struct layout layout;
    size_t room = 0;
    for (size_t i = 0; i < text->n_uris; i++)
        room += text->uris[i].text.n + text->uris[i].clean.n + 2;
    if (layout_init(&layout, pool, text->n_uris * 2, room, err) < 0)
        return -1;
    for (size_t i = 0; i < text->n_uris; i++) {
        const struct uri *uri = &text->uris[i];
        layout_add(&layout, uri->clean, false);
        if (!str_eq(uri->text, uri->clean))
            layout_add(&layout, uri->text, false);
    }
    return finish(&layout, view, err);
}

/* The message with the CR before each LF left out, as rules expect it. */
static struct str without_cr(struct pool *pool, struct str raw)
{
    char *copy = str_find(raw, STR("\r\n")) == STR_NONE ? NULL : pool_alloc(pool, raw.n);
    size_t n = 0;
    if (copy == NULL)
        return raw;
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.s[i] != '\r' || i + 1 == raw.n || raw.s[i + 1] != '\n')
            copy[n++] = raw.s[i];
    }
    return str_n(copy, n);
}

/* One piece that stands for itself, which may be a header that is not there. */
static int make_single(struct pool *pool, struct str text, struct view *view, struct err *err)
{
    view->pieces = POOL_NEW(pool, struct str);
    view->blocks = POOL_NEW(pool, struct view_block);
    if (view->pieces == NULL || view->blocks == NULL)
        return err_set(err, "rules: the message needs more memory than is allowed");
    view->pieces[0] = text;
    view->blocks[0] = (struct view_block){text, 0, 1};
    view->n_pieces = view->n_blocks = 1;
    return 0;
}

static int make_parts(struct facts *facts, const struct query *query, struct view *view,
                      struct err *err)
{
    const struct message *message = facts->input->message;
    size_t n = message->n_parts;
    view->pieces = POOL_ARRAY(facts->pool, n, struct str);
    view->blocks = POOL_ARRAY(facts->pool, n, struct view_block);
    if (view->pieces == NULL || view->blocks == NULL)
        return err_set(err, "rules: the message needs more memory than is allowed");
    for (size_t i = 0; i < n; i++) {
        if (header_find(facts, message->parts[i], query, &view->pieces[i], &view->truncated) < 0)
            return err_set(err, "rules: the message needs more memory than is allowed");
        view->blocks[i] = (struct view_block){view->pieces[i], i, i + 1};
    }
    view->n_pieces = view->n_blocks = n;
    return 0;
}

int view_make(struct facts *facts, enum rule_kind kind, const struct query *query,
              struct view *view, struct err *err)
{
    struct pool *pool = facts->pool;
    const struct mail_text *text = facts->input->text;
    struct str raw = facts->input->message->raw;
    struct str found;
    *view = (struct view){.n_pieces = 0};
    switch (kind) {
    case RULE_HEADER:
        if (header_find(facts, facts->input->message->root, query, &found, &view->truncated) < 0)
            return err_set(err, "rules: the message needs more memory than is allowed");
        return make_single(pool, found, view, err);
    case RULE_MIMEHEADER:
        return make_parts(facts, query, view, err);
    case RULE_BODY:
        return make_lines(pool, text->paragraphs, text->n_paragraphs, true, view, err);
    case RULE_RAWBODY:
        return make_lines(pool, text->rawbody, text->n_rawbody, false, view, err);
    case RULE_URI:
        return make_uris(pool, text, view, err);
    case RULE_FULL:
        view->truncated = raw.n > VIEW_FULL_MAX;
        return make_single(pool, without_cr(pool, str_sub(raw, 0, VIEW_FULL_MAX)), view, err);
    default:
        return 0;
    }
}
