#include "base/buf.h"
#include "rules/facts/header.h"
#include "rules/prefilter.h"
#include "rules/run.h"

#define FEW_RULES 2 /* of one header: trying them takes less time than searching their filters */

/* "!~": a hit when no piece matches. A limit is no answer either way. */
static void search_negated(struct rules_scratch *s, uint32_t number, const struct view *view)
{
    const struct rule *rule = &s->set->rules[number];
    switch (run_anywhere(s->runner, rule->regex, view, rule->if_unset)) {
    case REGEX_NO:
        scratch_hit(s, number, STR_EMPTY);
        break;
    case REGEX_LIMIT:
        scratch_give_up(s, number);
        break;
    default:
        break;
    }
}

/* A header that is not there: the rule's own text stands for it. */
static void run_missing(struct rules_scratch *s, const struct group *group)
{
    const struct view view = {.pieces = &(struct str){NULL, 0}, .n_pieces = 1};
    for (size_t i = 0; i < group->n_missing; i++) {
        uint32_t number = group->missing[i];
        if (regex_runner_late(s->runner))
            scratch_give_up(s, number);
        else if (s->set->rules[number].negated)
            search_negated(s, number, &view);
        else
            run_search(s, number, s->set->rules[number].if_unset, 0, STR_NONE);
    }
}

/* The text of one header, while its rules run. */
struct header_text {
    struct rules_scratch *scratch;
    struct str text;
};

/* One rule, whose pattern may match there. */
static void on_candidate(void *data, uint32_t number, size_t piece, size_t from, size_t last)
{
    const struct header_text *header = data;
    struct rules_scratch *s = header->scratch;
    const struct rule *rule = &s->set->rules[number];
    struct regex_match match;
    if (regex_runner_late(s->runner)) {
        scratch_give_up(s, number);
    } else if (rule->kind == RULE_EXISTS) {
        scratch_hit(s, number, STR_EMPTY);
    } else if (rule->negated) {
        enum regex_result result =
            s->matched[number]
                ? REGEX_YES
                : regex_search(rule->regex, s->runner, header->text, from, last, &match);
        s->matched[number] = result == REGEX_YES;
        if (result == REGEX_LIMIT)
            scratch_give_up(s, number);
    } else {
        run_search(s, number, header->text, from, last);
    }
}

static void run_there(struct rules_scratch *s, const struct group *group, struct str text)
{
    struct header_text header = {s, text};
    struct view_block block = {text, 0, 1};
    const struct view view = {.pieces = &text, .n_pieces = 1, .blocks = &block, .n_blocks = 1};
    const struct prefilter_job job = {s->set,  s->runner,    s->states, s->done,
                                      s->next, on_candidate, &header};
    for (size_t i = 0; i < group->n_negated; i++)
        s->matched[group->negated[i]] = false;
    if (group->n > FEW_RULES)
        prefilter_block(&job, group, &view, &block);
    for (size_t i = 0; group->n <= FEW_RULES && i < group->n; i++)
        on_candidate(&header, group->rules[i], 0, 0, STR_NONE);
    for (size_t i = 0; i < group->n_negated; i++) {
        uint32_t number = group->negated[i];
        if (!s->matched[number] && !s->limited[number])
            scratch_hit(s, number, STR_EMPTY);
    }
}

int run_headers(struct run *run, const struct group *group)
{
    struct str text;
    if (header_find(&run->facts, &group->query, &text, &run->result->truncated) < 0)
        return facts_no_memory(run->err);
    if (text.s)
        run_there(run->scratch, group, text);
    else
        run_missing(run->scratch, group);
    return 0;
}

/* The headers of the parts, one behind the other, each ended by a line end. */
static int join_parts(struct run *run, const struct rule *rule, const struct view *view,
                      struct str *text)
{
    struct buf all = BUF_INIT(VIEW_TEXT_MAX);
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = run_piece(view, i, rule->if_unset);
        if (i + 1 < rule->part_first || i + 1 > rule->part_last)
            continue;
        buf_add(&all, piece);
        if (!str_ends(piece, STR("\n")))
            buf_addc(&all, '\n');
    }
    run->result->truncated |= !buf_ok(&all);
    *text = pool_str(run->pool, buf_str(&all));
    buf_release(&all);
    return text->s ? 0 : facts_no_memory(run->err);
}

/* A rule that looks at the headers of all parts together, or asks that none has a match. */
static int run_all_parts(struct run *run, uint32_t number, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    const struct rule *rule = &s->set->rules[number];
    struct view joined = {.n_pieces = 1};
    struct str text;
    if (regex_runner_late(s->runner)) {
        scratch_give_up(s, number);
        return 0;
    }
    if (rule->concat) {
        if (join_parts(run, rule, view, &text) < 0)
            return -1;
        joined.pieces = &text;
        view = &joined;
    }
    if (rule->negated)
        search_negated(s, number, view);
    else
        run_search(s, number, text, 0, STR_NONE);
    return 0;
}

/* The rules that look at each part for itself, on one of them. */
static void run_part(struct rules_scratch *s, const struct group *group, const struct view *view,
                     size_t part)
{
    struct str text = view->pieces[part];
    const uint32_t *rules = text.s ? group->rules : group->missing;
    size_t n = text.s ? group->n : group->n_missing;
    if (text.s)
        prefilter_piece(group, text, s->next);
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = &s->set->rules[rules[i]];
        if (rule->concat || rule->negated || (text.s && !s->next[rules[i]]) ||
            s->values[rules[i]] != 0 || part + 1 < rule->part_first || part + 1 > rule->part_last)
            continue;
        if (regex_runner_late(s->runner))
            scratch_give_up(s, rules[i]);
        else
            run_search(s, rules[i], text.s ? text : rule->if_unset, 0, STR_NONE);
    }
}

int run_part_headers(struct run *run, const struct group *group, const struct view *view)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct rule *rule = &run->set->rules[group->rules[i]];
        if ((rule->concat || rule->negated) && run_all_parts(run, group->rules[i], view) < 0)
            return -1;
    }
    for (size_t i = 0; i < view->n_pieces; i++)
        run_part(run->scratch, group, view, i);
    return 0;
}
