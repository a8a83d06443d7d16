/*
 * A pattern and a text: "flags pattern LF text", where bits of the first byte are the flags i, s, m
 * and x. Wherever PCRE2 finds a match, what is searched for in its place must have let it through;
 * and the pattern written in PCRE2's dialect, or with its groups written once, matches the same.
 */
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/match/dialect.h"
#include "rules/match/filter.h"
#include "rules/match/fold.h"

#define POOL_MAX  (64 * 1024 * 1024)
#define INPUT_MAX 2048
#define TIME_MS   200
#define PLACES    50 /* at so many places it is asked whether a match begins there */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trial {
    struct pool *pool, *work;
    struct regex *regex;
    struct regex_runner *runner;
    struct str text;
    size_t before; /* of the filter */
    unsigned places;
    bool any;   /* some place was found */
    bool known; /* a match begins where it should, or nobody can say */
};

static bool on_place(void *data, uint32_t number, size_t at)
{
    struct trial *t = data;
    struct regex_match match;
    if (at > t->text.n)
        abort();
    t->any = true;
    size_t from = t->before == STR_NONE || t->before > at ? 0 : at - t->before;
    size_t last = t->before == STR_NONE ? STR_NONE : at;
    t->known |= ++t->places > PLACES ||
                regex_search(t->regex, t->runner, t->text, from, last, &match) != REGEX_NO;
    return !t->known;
}

/* The text has a match: the filter must say so. */
static void check_places(struct trial *t, const struct filter *filter)
{
    const struct filters_entry entry = {filter, 7};
    const struct filters *filters = filters_new(t->pool, &entry, 1);
    t->before = filter->before;
    t->places = 0;
    t->any = t->known = false;
    if (filters == NULL || filter_is_none(filter))
        return;
    filters_search(filters, t->text, on_place, t);
    if (!t->any || !t->known)
        abort();
}

/* Words, or outlines: what is chosen, and the outlines where they would have done. */
static void check_filters(struct trial *t, const struct regex_literal *literal)
{
    struct outline_list outlines;
    struct filter filter;
    filter_of(t->pool, t->work, literal, true, &filter);
    check_places(t, &filter);
    const struct tree *tree = tree_read(t->work, literal);
    outlines.n = 0;
    outlines.cost = 1;
    if (tree)
        outline_of(tree, &outlines);
    if (outlines.cost >= FILTER_COST_MAX)
        return;
    filter = (struct filter){.outlines = outlines.list, .n_outlines = outlines.n};
    for (size_t i = 0; i < outlines.n; i++) {
        if (outlines.list[i].before > filter.before)
            filter.before = outlines.list[i].before;
    }
    check_places(t, &filter);
}

/* The automaton knows that a match begins there, when it is asked for that place or for more. */
static void check_automaton(struct trial *t, const struct regex_literal *literal, size_t begins)
{
    struct err err;
    pool_reset(t->work);
    const struct tree *tree = tree_read(t->work, literal);
    const struct automaton *automaton = tree ? automaton_new(t->pool, t->work, tree, 0) : NULL;
    struct automaton_states *states = automaton_states_new(1, &err);
    const size_t first[] = {0, begins / 2, begins}, last[] = {t->text.n, begins, begins};
    for (size_t i = 0; automaton && states && i < sizeof first / sizeof *first; i++) {
        size_t from = first[i];
        if (!automaton_may_match(automaton, states, 0, t->text, &from, last[i]) || from > begins)
            abort();
    }
    automaton_states_free(&states);
}

/* What PCRE2 finds by itself: the place and the length, or -1; -2 when it gave up. */
static long find_plain(struct str pattern, uint32_t options, struct str text, size_t *length)
{
    int problem;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern.s, pattern.n,
                      options | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
                      &problem, &at, NULL);
    pcre2_match_data *data = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    long found = -2;
    if (data && context) {
        pcre2_set_match_limit(context, 20000);
        int n = pcre2_match(code, (PCRE2_SPTR)text.s, text.n, 0, 0, data, context);
        const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
        found = n > 0 ? (long)ends[0] : n == PCRE2_ERROR_NOMATCH ? -1 : -2;
        *length = n > 0 ? ends[1] - ends[0] : 0;
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_code_free(code);
    return found;
}

/* Groups long enough to be written once, made of the pattern. */
static void check_fold(struct pool *pool, const struct regex_literal *literal, struct str text)
{
    struct buf folded = BUF_INIT(64 * INPUT_MAX);
    struct str p = literal->pattern;
    struct str twice = pool_strf(pool, "(?:%.*s|%0*d)x?(?:%.*s|%0*d){1,2}?", STR_ARG(p),
                                 FOLD_GROUP_MIN, 7, STR_ARG(p), FOLD_GROUP_MIN, 7);
    size_t a = 0, b = 0;
    uint32_t options = literal->options & ~PCRE2_EXTENDED;
    if (twice.s && fold_groups(twice, &folded)) {
        long plain = find_plain(twice, options, text, &a);
        long other = find_plain(buf_str(&folded), options, text, &b);
        if (plain != -2 && other != -2 && (plain != other || a != b))
            abort();
    }
    buf_release(&folded);
}

/* What is written in PCRE2's dialect stays so; what holds nothing else is left alone. */
static void check_dialect(struct str pattern)
{
    struct buf once = BUF_INIT(8 * INPUT_MAX), again = BUF_INIT(8 * INPUT_MAX);
    dialect_translate(pattern, &once);
    dialect_translate(buf_str(&once), &again);
    if (!buf_ok(&once) || !str_eq(buf_str(&once), buf_str(&again)))
        abort();
    bool foreign = false; /* it may hold what is written otherwise */
    for (size_t i = 0; i + 1 < pattern.n; i++)
        foreign |= strchr("^$bBAzZG", pattern.s[i]) && strchr("?*+{", pattern.s[i + 1]);
    foreign |= str_find(pattern, STR("{,")) != STR_NONE || str_find(pattern, STR("(?")) != STR_NONE;
    if (!foreign && !str_eq(buf_str(&once), pattern))
        abort();
    buf_release(&once);
    buf_release(&again);
}

static void check(struct trial *t, const struct regex_literal *literal)
{
    struct err err;
    struct regex_match match;
    check_dialect(literal->pattern);
    check_fold(t->pool, literal, t->text);
    t->regex = regex_new(literal, &err);
    if (t->regex == NULL)
        return;
    regex_runner_start(t->runner, TIME_MS);
    if (regex_search(t->regex, t->runner, t->text, 0, STR_NONE, &match) == REGEX_YES) {
        check_filters(t, literal);
        check_automaton(t, literal, match.from);
    }
    regex_free(&t->regex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t flags[] = {PCRE2_CASELESS, PCRE2_DOTALL, PCRE2_MULTILINE, PCRE2_EXTENDED};
    struct str input = str_n((const char *)data, size), line;
    struct regex_literal literal = {.options = 0};
    struct err err;
    if (size < 2 || size > INPUT_MAX)
        return 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        literal.options |= data[0] >> i & 1 ? flags[i] : 0;
    literal.extended = literal.options & PCRE2_EXTENDED;
    input = str_from(input, 1);
    if (!str_next(&input, '\n', &line) || line.n == 0)
        return 0;
    struct trial t = {
        .pool = pool_new(POOL_MAX),
        .work = pool_new(POOL_MAX),
        .runner = regex_runner_new(&err),
        .text = str_n(input.n ? input.s : "", input.n),
    };
    literal.pattern = line;
    if (t.pool && t.work && t.runner)
        check(&t, &literal);
    regex_runner_free(&t.runner);
    pool_free(&t.pool);
    pool_free(&t.work);
    return 0;
}
