#include "rules/facts/view.h"

#include "rules/facts/body.h"
#include "rules/facts/header.h"
#include "rules/facts/parts.h"
#include "rules/facts/uris.h"

/* Does the piece stand right behind the text, but for a line end that is in it or between? */
static bool is_next(struct str text, struct str piece)
{
    const char *end = text.s + text.n;
    if (piece.s == end)
        return text.n > 0 && end[-1] == '\n';
    return piece.s == end + 1 && *end == '\n';
}

/* Cuts the pieces into blocks; a piece longer than VIEW_BLOCK_MAX is a block of its own. */
static int make_blocks(struct pool *pool, struct view *view, struct err *err)
{
    view->blocks = POOL_ARRAY(pool, view->n_pieces, struct view_block);
    if (view->blocks == NULL)
        return facts_no_memory(err);
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i];
        struct view_block *last = view->n_blocks ? &view->blocks[view->n_blocks - 1] : NULL;
        if (last && last->text.n + piece.n < VIEW_BLOCK_MAX && is_next(last->text, piece)) {
            last->text.n = (size_t)(piece.s + piece.n - last->text.s);
            last->to = i + 1;
        } else {
            view->blocks[view->n_blocks++] = (struct view_block){piece, i, i + 1};
        }
    }
    return 0;
}

/* As many of the pieces as fit into VIEW_TEXT_MAX bytes. */
static int make_pieces(struct pool *pool, struct str *pieces, size_t n, struct view *view,
                       struct err *err)
{
    size_t bytes = 0;
    view->pieces = pieces;
    while (view->n_pieces < n && pieces[view->n_pieces].n <= VIEW_TEXT_MAX - bytes)
        bytes += pieces[view->n_pieces++].n;
    view->truncated |= view->n_pieces < n;
    return make_blocks(pool, view, err);
}

static int make_texts(struct pool *pool, const struct fact_texts *texts, struct view *view,
                      struct err *err)
{
    if (texts == NULL)
        return facts_no_memory(err);
    return make_pieces(pool, texts->list, texts->n, view, err);
}

static int make_uris(struct pool *pool, const struct fact_uris *uris, struct view *view,
                     struct err *err)
{
    if (uris == NULL)
        return facts_no_memory(err);
    view->truncated = uris->truncated;
    return make_pieces(pool, uris->cleaned, uris->n_cleaned, view, err);
}

/* One piece that stands for itself, which may be a header that is not there. */
static int make_single(struct pool *pool, struct str text, struct view *view, struct err *err)
{
    view->pieces = POOL_NEW(pool, struct str);
    view->blocks = POOL_NEW(pool, struct view_block);
    if (view->pieces == NULL || view->blocks == NULL)
        return facts_no_memory(err);
    view->pieces[0] = text;
    view->blocks[0] = (struct view_block){text, 0, 1};
    view->n_pieces = view->n_blocks = 1;
    return 0;
}

static int make_parts(struct facts *facts, const struct query *query, struct view *view,
                      struct err *err)
{
    const struct fact_parts *parts = facts_parts(facts);
    size_t n = parts ? parts->n : 0;
    view->pieces = POOL_ARRAY(facts->pool, n, struct str);
    view->blocks = POOL_ARRAY(facts->pool, n, struct view_block);
    if (parts == NULL || view->pieces == NULL || view->blocks == NULL)
        return facts_no_memory(err);
    view->truncated = parts->limited;
    for (size_t i = 0; i < n; i++) {
        if (header_find_in_part(facts, parts->list[i], query, &view->pieces[i], &view->truncated) <
            0)
            return facts_no_memory(err);
        view->blocks[i] = (struct view_block){view->pieces[i], i, i + 1};
    }
    view->n_pieces = view->n_blocks = n;
    return 0;
}

int view_make(struct facts *facts, enum rule_kind kind, const struct query *query,
              struct view *view, struct err *err)
{
    struct pool *pool = facts->pool;
    struct str found;
    *view = (struct view){.n_pieces = 0};
    switch (kind) {
    case RULE_HEADER:
        if (header_find(facts, query, &found, &view->truncated) < 0)
            return facts_no_memory(err);
        return make_single(pool, found, view, err);
    case RULE_MIMEHEADER:
        return make_parts(facts, query, view, err);
    case RULE_BODY:
        return make_texts(pool, facts_body(facts, BODY_RENDERED), view, err);
    case RULE_RAWBODY:
        return make_texts(pool, facts_rawbody(facts), view, err);
    case RULE_URI:
        return make_uris(pool, facts_uris(facts), view, err);
    case RULE_FULL:
        found = facts_full(facts);
        if (found.s == NULL)
            return facts_no_memory(err);
        view->truncated = found.n > VIEW_FULL_MAX;
        return make_single(pool, str_sub(found, 0, VIEW_FULL_MAX), view, err);
    default:
        return 0;
    }
}
