#include "rules/facts/rendered.h"

#include "rules/facts/normalize.h"

static bool render(struct facts *facts, struct rendered *rendered, struct rendered_leaf *leaf)
{
    struct str type = leaf->part->effective;
    bool html = str_eq(type, STR("text/html"));
    if (!html && !str_eq(type, STR("text/plain")))
        return true;
    struct str decoded = fact_part_decoded(facts, leaf->part), charset = leaf->part->charset;
    if (decoded.s == NULL)
        return false;
    struct normalized text = normalize(facts->pool, charset.s ? charset : STR("us-ascii"), decoded);
    if (text.text.s == NULL)
        return false;
    leaf->is_text = true;
    leaf->shown = (struct rendered_html){.text = text.text, .wide = text.wide};
    if (!html || decoded.n == 0)
        return true;
    struct html_doc *doc = &rendered->docs.list[rendered->docs.n++];
    doc->part = leaf->part;
    bool ok = html_render_part(facts->pool, text.text, text.wide, decoded.n, doc, &leaf->shown);
    facts->truncated |= doc->truncated;
    return ok;
}

static struct rendered *make_rendered(struct facts *facts)
{
    const struct fact_parts *parts = facts_parts(facts);
    struct rendered *rendered = POOL_NEW(facts->pool, struct rendered);
    if (parts == NULL || rendered == NULL)
        return NULL;
    rendered->list = POOL_ARRAY(facts->pool, parts->n, struct rendered_leaf);
    rendered->docs.list = POOL_ARRAY(facts->pool, parts->n, struct html_doc);
    if (rendered->list == NULL || rendered->docs.list == NULL)
        return NULL;
    for (size_t i = 0; i < parts->n; i++) {
        if (!parts->list[i]->leaf || parts->list[i]->type.n == 0)
            continue;
        struct rendered_leaf *leaf = &rendered->list[rendered->n++];
        leaf->part = parts->list[i];
        if (!render(facts, rendered, leaf))
            return NULL;
    }
    return rendered;
}

const struct rendered *facts_rendered(struct facts *facts)
{
    if (facts->made[FACT_RENDERED] == NULL)
        facts->made[FACT_RENDERED] = make_rendered(facts);
    return facts->made[FACT_RENDERED];
}

const struct html_docs *facts_html(struct facts *facts)
{
    const struct rendered *rendered = facts_rendered(facts);
    return rendered ? &rendered->docs : NULL;
}
