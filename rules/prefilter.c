#include "rules/prefilter.h"

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

size_t prefilter_block(const struct ruleset *set, const struct group *group,
                       struct regex_runner *runner, const struct view *view,
                       const struct view_block *block, const bool *done,
                       struct candidate *candidates)
{
    size_t n = 0;
    for (size_t i = 0; i < group->n; i++) {
        const struct rule *rule = &set->rules[group->rules[i]];
        struct regex_match match = {0, 0};
        size_t piece = block->from;
        if (done[group->rules[i]])
            continue;
        if (block->to - block->from > 1 && regex_is_local(rule->regex)) {
            /* A limit says nothing about the pieces, which are shorter. */
            enum regex_result result = regex_search(rule->regex, runner, block->text, 0, &match);
            if (result == REGEX_NO)
                continue;
            if (result == REGEX_YES)
                piece = piece_at(view, block, match.from);
        }
        candidates[n++] = (struct candidate){group->rules[i], piece};
    }
    return n;
}
