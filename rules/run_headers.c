#include "base/buf.h"
#include "rules/prefilter.h"
#include "rules/run.h"

/* "!~": a hit when no piece matches. A limit is no answer either way. */
static void search_negated(struct rules_scratch *s, uint32_t number, const struct view *view)
{
    const struct rule *rule = &s->set->rules[number];
    struct regex_match match;
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        enum regex_result result = regex_search(rule->regex, s->runner, piece, 0, STR_NONE, &match);
        if (result == REGEX_LIMIT)
            scratch_give_up(s, number);
        if (result != REGEX_NO)
            return;
    }
    scratch_hit(s, number, STR_EMPTY);
}

/* One rule on a header's text; `possible` is what the prefilter says. */
static void run_header(struct rules_scratch *s, uint32_t number, const struct view *view,
                       bool possible)
{
    const struct rule *rule = &s->set->rules[number];
    if (regex_runner_late(s->runner)) {
        scratch_give_up(s, number);
    } else if (rule->kind == RULE_EXISTS) {
        if (view->pieces[0].s)
            scratch_hit(s, number, STR_EMPTY);
    } else if (rule->negated) {
        if (possible)
            search_negated(s, number, view);
        else
            scratch_hit(s, number, STR_EMPTY);
    } else if (possible) {
        run_search(s, number, view->pieces[0].s ? view->pieces[0] : rule->if_unset, 0, STR_NONE);
    }
}

/* The headers of the parts, one behind the other, each ended by a line end. */
static int join_parts(struct run *run, const struct rule *rule, const struct view *view,
                      struct str *text)
{
    struct buf all = BUF_INIT(VIEW_TEXT_MAX);
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        if (i + 1 < rule->part_first || i + 1 > rule->part_last)
            continue;
        buf_add(&all, piece);
        if (!str_ends(piece, STR("\n")))
            buf_addc(&all, '\n');
    }
    run->result->truncated |= !buf_ok(&all);
    *text = pool_str(run->pool, buf_str(&all));
    buf_release(&all);
    return text->s ? 0 : err_set(run->err, "rules: the message needs more memory than is allowed");
}

/* The first part in which it hits gives all its hits; "!~" hits when none has a match. */
static int run_part_header(struct run *run, uint32_t number, const struct view *view)
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
    if (rule->negated) {
        search_negated(s, number, view);
        return 0;
    }
    for (size_t i = 0; i < view->n_pieces && s->values[number] == 0; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        if (rule->concat || (i + 1 >= rule->part_first && i + 1 <= rule->part_last))
            run_search(s, number, piece, 0, STR_NONE);
    }
    return 0;
}

int run_part_headers(struct run *run, const struct group *group, const struct view *view)
{
    for (size_t i = 0; i < group->n; i++) {
        if (run_part_header(run, group->rules[i], view) < 0)
            return -1;
    }
    return 0;
}

void run_headers(struct run *run, const struct group *group, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    /* a header that is not there has the rule's own text in its place, which no prefilter has seen
     */
    bool filtered = group->kind == RULE_HEADER && view->pieces[0].s;
    if (filtered)
        prefilter_piece(run->set, group, view->pieces[0], s->next);
    for (size_t i = 0; i < group->n; i++) {
        uint32_t number = group->rules[i];
        run_header(s, number, view, !filtered || s->next[number]);
    }
}
