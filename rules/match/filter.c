#include "rules/match/filter.h"

#include "rules/match/outlines.h"
#include "rules/match/words.h"

struct filters {
    struct words *words;
    struct outlines *outlines;
};

/* Out of the working memory into the pool. */
static void keep_words(struct pool *pool, const struct literals *found, struct filter *filter)
{
    struct str *list = POOL_ARRAY(pool, found->n, struct str);
    for (size_t i = 0; list && i < found->n; i++) {
        list[i] = pool_str(pool, found->list[i]);
        if (list[i].s == NULL)
            return;
    }
    if (list == NULL || found->n == 0)
        return;
    filter->words = (struct literals){list, found->n, found->before, found->cost};
    filter->before = found->before;
}

static void keep_outlines(struct pool *pool, const struct outline_list *found,
                          struct filter *filter)
{
    filter->outlines = POOL_ARRAY(pool, found->n, struct outline);
    if (filter->outlines == NULL)
        return;
    memcpy(filter->outlines, found->list, found->n * sizeof *found->list);
    filter->n_outlines = found->n;
    filter->before = 0;
    for (size_t i = 0; i < found->n; i++) {
        if (found->list[i].before > filter->before) /* STR_NONE is the largest number */
            filter->before = found->list[i].before;
    }
}

/* PCRE2 tries a small pattern at few places as fast as an automaton would. */
static size_t least_positions(const struct filter *filter)
{
    return filter->before > FILTER_NEAR ? 0 : FILTER_LARGE;
}

void filter_of(struct pool *pool, struct pool *work, const struct regex_literal *pattern,
               bool automaton, struct filter *filter)
{
    struct outline_list outlines;
    *filter = (struct filter){.before = STR_NONE};
    pool_reset(work);
    struct literals words = literals_of(work, pattern);
    const struct tree *tree = tree_read(work, pattern);
    outlines.n = 0;
    if (tree)
        outline_of(tree, &outlines);
    bool fits = outlines.n && outlines.cost < FILTER_COST_MAX;
    if (words.n == 0 || (fits && outlines.cost * FILTER_WORDS_BETTER < words.cost)) {
        if (fits)
            keep_outlines(pool, &outlines, filter);
    } else {
        keep_words(pool, &words, filter);
    }
    if (automaton && tree)
        filter->automaton = automaton_new(pool, work, tree, least_positions(filter));
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
    size_t n_outlines = 0, used = 0;
    for (size_t i = 0; i < n; i++)
        n_outlines += list[i].filter->n_outlines;
    struct outlines_entry *outlines = POOL_ARRAY(pool, n_outlines, struct outlines_entry);
    for (size_t i = 0; outlines && i < n; i++) {
        const struct filter *filter = list[i].filter;
        for (size_t j = 0; j < filter->n_outlines; j++)
            outlines[used++] = (struct outlines_entry){&filter->outlines[j], list[i].number};
    }
    return outlines ? outlines_new(pool, outlines, used) : NULL;
}

struct filters *filters_new(struct pool *pool, const struct filters_entry *list, size_t n)
{
    struct filters *filters = POOL_NEW(pool, struct filters);
    if (filters == NULL)
        return NULL;
    size_t n_words = 0;
    for (size_t i = 0; i < n; i++)
        n_words += list[i].filter->words.n;
    filters->words = words_new(pool, n_words);
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
