#include "rules/match/filter.h"

#include "rules/match/outlines.h"
#include "rules/match/words.h"

struct filters {
    struct words *words;
    struct outlines *outlines;
};

/* Out of the working memory into the pool. */
static bool keep_words(struct pool *pool, const struct literals *found, struct filter *filter)
{
    struct str *list = POOL_ARRAY(pool, found->n, struct str);
    for (size_t i = 0; list && i < found->n; i++) {
        list[i] = pool_str(pool, found->list[i]);
        if (list[i].s == NULL)
            return false;
    }
    if (list == NULL || found->n == 0)
        return false;
    filter->words = (struct literals){list, found->n, found->before};
    filter->before = found->before;
    return true;
}

static void keep_outline(struct pool *pool, const struct outline *found, struct filter *filter)
{
    filter->outline = POOL_NEW(pool, struct outline);
    if (filter->outline == NULL)
        return;
    *filter->outline = *found;
    filter->before = found->before;
}

void filter_of(struct pool *pool, struct pool *work, const struct regex_literal *pattern,
               struct filter *filter)
{
    struct outline outline;
    *filter = (struct filter){.before = STR_NONE};
    pool_reset(work);
    struct literals words = literals_of(work, pattern);
    if (keep_words(pool, &words, filter))
        return;
    pool_reset(work);
    const struct tree *tree = tree_read(work, pattern);
    if (tree && outline_of(tree, &outline) && outline.frequency < FILTER_FREQUENCY_MAX)
        keep_outline(pool, &outline, filter);
    pool_reset(work);
}

static bool add_words(struct words *words, struct pool *pool, const struct filters_entry *entry)
{
    for (size_t i = 0; i < entry->filter->words.n; i++) {
        if (!words_add(words, pool, entry->filter->words.list[i], entry->number))
            return false;
    }
    return true;
}

static struct outlines *new_outlines(struct pool *pool, const struct filters_entry *list, size_t n)
{
    struct outlines_entry *outlines = POOL_ARRAY(pool, n, struct outlines_entry);
    size_t used = 0;
    for (size_t i = 0; outlines && i < n; i++) {
        if (list[i].filter->outline)
            outlines[used++] = (struct outlines_entry){list[i].filter->outline, list[i].number};
    }
    return outlines ? outlines_new(pool, outlines, used) : NULL;
}

struct filters *filters_new(struct pool *pool, const struct filters_entry *list, size_t n)
{
    struct filters *filters = POOL_NEW(pool, struct filters);
    if (filters == NULL)
        return NULL;
    filters->words = words_new(pool);
    filters->outlines = new_outlines(pool, list, n);
    bool ok = filters->words && filters->outlines;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_words(filters->words, pool, &list[i]);
    return ok ? filters : NULL;
}

void filters_search(const struct filters *filters, struct str text, filters_found *found,
                    void *data)
{
    words_search(filters->words, text, found, data);
    outlines_search(filters->outlines, text, found, data);
}
