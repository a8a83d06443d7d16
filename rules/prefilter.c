#include "rules/prefilter.h"

/* The search in one block. */
struct walk {
    const struct prefilter_job *job;
    const struct view *view;
    const struct view_block *block;
    size_t piece; /* in which the last place was found */
};

/* Where a piece begins in its block. */
static size_t piece_start(const struct walk *walk, size_t piece)
{
    return (size_t)(walk->view->pieces[piece].s - walk->block->text.s);
}

/* Places come in the order of the text, but for a few times that they begin anew. */
static void move_to(struct walk *walk, size_t at)
{
    if (at < piece_start(walk, walk->piece))
        walk->piece = walk->block->from;
    while (walk->piece + 1 < walk->block->to && at >= piece_start(walk, walk->piece + 1))
        walk->piece++;
}

/* The rule is a candidate in that piece, if its automaton says nothing else. */
static void propose(const struct prefilter_job *job, uint32_t number, const struct view *view,
                    size_t piece, size_t from, size_t last)
{
    const struct filter *filter = &job->set->rules[number].filter;
    if (regex_runner_late(job->runner) ||
        filter_may_match(filter, job->states, number, view->pieces[piece], &from, last))
        job->candidate(job->data, number, piece, from, last);
}

/*
 * next[] is a place in the block: nothing before it is tried again. A rule that wants to count its
 * matches, or whose matches may begin anywhere before the place, is tried on the whole piece.
 */
static bool on_place(void *data, uint32_t number, size_t at)
{
    struct walk *walk = data;
    const struct prefilter_job *job = walk->job;
    const struct rule *rule = &job->set->rules[number];
    if (job->done[number] || at < job->next[number])
        return true;
    move_to(walk, at);
    size_t start = piece_start(walk, walk->piece);
    size_t end = start + walk->view->pieces[walk->piece].n;
    if (rule->hits_max > 1 || rule->filter.before == STR_NONE) {
        job->next[number] = end;
        propose(job, number, walk->view, walk->piece, 0, STR_NONE);
        return true;
    }
    size_t from = at > rule->filter.before ? at - rule->filter.before : 0;
    from = from < job->next[number] ? job->next[number] : from;
    from = from < start ? start : from;
    job->next[number] = at + 1;
    propose(job, number, walk->view, walk->piece, from - start, at - start);
    return true;
}

/* The piece of the block that the position stands in. */
static size_t piece_at(const struct view *view, const struct view_block *block, size_t at)
{
    const char *p = block->text.s + at;
    size_t low = block->from, high = block->to;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (view->pieces[middle].s <= p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first piece that a rule without a filter is to be tried on; block->to: none. */
static size_t first_piece(const struct prefilter_job *job, const struct rule *rule,
                          const struct view *view, const struct view_block *block)
{
    struct regex_match match;
    if (block->to - block->from <= 1 || !regex_is_local(rule->regex))
        return block->from;
    switch (regex_search(rule->regex, job->runner, block->text, 0, STR_NONE, &match)) {
    case REGEX_NO:
        return block->to;
    case REGEX_YES:
        return piece_at(view, block, match.from);
    default:
        return block->from; /* a limit says nothing about the pieces, which are shorter */
    }
}

void prefilter_block(const struct prefilter_job *job, const struct group *group,
                     const struct view *view, const struct view_block *block)
{
    struct walk walk = {job, view, block, block->from};
    for (size_t i = 0; i < group->n; i++)
        job->next[group->rules[i]] = 0;
    filters_search(group->filters, block->text, on_place, &walk);
    for (size_t i = 0; i < group->n_unfiltered; i++) {
        uint32_t number = group->unfiltered[i];
        if (job->done[number])
            continue;
        for (size_t piece = first_piece(job, &job->set->rules[number], view, block);
             piece < block->to && !job->done[number]; piece++)
            propose(job, number, view, piece, 0, STR_NONE);
    }
}

static bool mark(void *data, uint32_t number, size_t at)
{
    ((size_t *)data)[number] = 1;
    return true;
}

void prefilter_piece(const struct group *group, struct str piece, size_t *maybe)
{
    for (size_t i = 0; i < group->n; i++)
        maybe[group->rules[i]] = 0;
    for (size_t i = 0; i < group->n_unfiltered; i++)
        maybe[group->unfiltered[i]] = 1;
    filters_search(group->filters, piece, mark, maybe);
}
