#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/match/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/match/dialect.h"
#include "rules/match/fold.h"
#include "rules/match/local.h"

struct regex {
    pcre2_code *code;
    bool jit;
    bool local;
};

struct regex_runner {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    int64_t end_ms; /* of the monotonic clock; 0: no end */
};

static pcre2_compile_context *new_compile_context(void)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return NULL;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    pcre2_set_max_pattern_length(context, REGEX_PATTERN_MAX);
    return context;
}

/* What pcre2_compile() was given, and what it said. */
struct compilation {
    pcre2_compile_context *context;
    uint32_t options;
    int problem;
    PCRE2_SIZE at;
};

static pcre2_code *compile_text(struct compilation *c, struct str pattern)
{
    return pcre2_compile((PCRE2_SPTR)(pattern.s ? pattern.s : ""), pattern.n, c->options,
                         &c->problem, &c->at, c->context);
}

/* PCRE2 refuses what compiles to more than 64 kB; what repeats itself can be written shorter. */
static pcre2_code *compile_folded(struct compilation *c, struct str pattern)
{
    struct buf folded = BUF_INIT(REGEX_PATTERN_MAX);
    pcre2_code *code = NULL;
    if (!(c->options & PCRE2_EXTENDED) && fold_groups(pattern, &folded))
        code = compile_text(c, buf_str(&folded));
    buf_release(&folded);
    return code;
}

static pcre2_code *compile(struct str pattern, uint32_t options, bool fold, struct err *err)
{
    struct compilation c = {.context = new_compile_context(), .options = options};
    struct buf text = BUF_INIT(REGEX_PATTERN_MAX + 1);
    pcre2_code *code = NULL;
    dialect_translate(pattern, &text);
    if (c.context && buf_ok(&text))
        code = compile_text(&c, buf_str(&text));
    if (code == NULL && fold && c.problem == PCRE2_ERROR_PATTERN_TOO_LARGE)
        code = compile_folded(&c, buf_str(&text));
    if (code == NULL) {
        char what[128] = "out of memory";
        if (c.problem)
            pcre2_get_error_message(c.problem, (PCRE2_UCHAR *)what, sizeof what);
        else if (pattern.n > REGEX_PATTERN_MAX)
            snprintf(what, sizeof what, "the pattern is longer than %d bytes", REGEX_PATTERN_MAX);
        err_set(err, "%s, at '%.*s'", what,
                STR_ARG(str_sub(str_from(pattern, c.at > 10 ? c.at - 10 : 0), 0, 20)));
    }
    buf_release(&text);
    pcre2_compile_context_free(c.context);
    return code;
}

static struct regex *new_regex(const struct regex_literal *literal, bool fold, struct err *err)
{
    const uint32_t always = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
                            PCRE2_USE_OFFSET_LIMIT | PCRE2_DUPNAMES;
    struct regex *regex = calloc(1, sizeof *regex);
    if (regex == NULL) {
        err_set(err, "rules: out of memory");
        return NULL;
    }
    regex->code = compile(literal->pattern, literal->options | always, fold, err);
    if (regex->code == NULL)
        regex_free(&regex);
    return regex;
}

struct regex *regex_new_once(const struct regex_literal *literal, struct err *err)
{
    return new_regex(literal, false, err);
}

struct regex *regex_new(const struct regex_literal *literal, struct err *err)
{
    struct regex *regex = new_regex(literal, true, err);
    if (regex == NULL)
        return NULL;
    /* Where the JIT is missing or may not make code, PCRE2's interpreter serves. */
    regex->jit = pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) == 0;
    regex->local = pattern_is_local(literal);
    return regex;
}

void regex_free(struct regex **regex)
{
    if (*regex == NULL)
        return;
    pcre2_code_free((*regex)->code);
    free(*regex);
    *regex = NULL;
}

void regex_interpret(struct regex *regex)
{
    regex->jit = false;
}

void regex_keep_to_pieces(struct regex *regex)
{
    regex->local = false;
}

bool regex_is_local(const struct regex *regex)
{
    return regex->local;
}

struct regex_runner *regex_runner_new(struct err *err)
{
    struct regex_runner *runner = calloc(1, sizeof *runner);
    if (runner) {
        runner->context = pcre2_match_context_create(NULL);
        runner->data = pcre2_match_data_create(2, NULL); /* the match, its first group */
    }
    if (runner == NULL || runner->context == NULL || runner->data == NULL) {
        err_set(err, "rules: out of memory for pattern matching");
        regex_runner_free(&runner);
        return NULL;
    }
    pcre2_set_depth_limit(runner->context, REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(runner->context, REGEX_HEAP_LIMIT_KIB);
    /* Without a stack of its own (no JIT here) the JIT would use a small one; both are limits. */
    runner->stack = pcre2_jit_stack_create(REGEX_JIT_STACK_FIRST, REGEX_JIT_STACK_MAX, NULL);
    if (runner->stack)
        pcre2_jit_stack_assign(runner->context, NULL, runner->stack);
    return runner;
}

void regex_runner_free(struct regex_runner **runner)
{
    if (*runner == NULL)
        return;
    pcre2_jit_stack_free((*runner)->stack);
    pcre2_match_data_free((*runner)->data);
    pcre2_match_context_free((*runner)->context);
    free(*runner);
    *runner = NULL;
}

/* The coarse clock: good to some milliseconds, and cheap enough to look at all the time. */
static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void regex_runner_start(struct regex_runner *runner, unsigned milliseconds)
{
    runner->end_ms = now_ms() + milliseconds;
}

bool regex_runner_late(const struct regex_runner *runner)
{
    return runner->end_ms && now_ms() > runner->end_ms;
}

/* One search, and what it has taken so far. */
struct search {
    const struct regex *regex;
    struct regex_runner *runner;
    struct str text;
    size_t window;       /* start positions before the next look at the clock */
    size_t window_first; /* as many as are sure to be over in time */
    uint32_t steps;      /* that each of them may take */
    uint32_t steps_max;  /* from one of them, looked at for itself */
    int64_t looked_ms;   /* when the clock was first looked at; 0: not yet */
    int64_t cpu_us;      /* processor time when the clock had moved on; 0: it has not */
};

static size_t within(size_t x, size_t least, size_t most)
{
    return x < least ? least : x > most ? most : x;
}

/* A step can go over the whole text: the longer that is, the fewer of them come before a look at
 * the clock, and before the end. */
static struct search search_begin(const struct regex *regex, struct regex_runner *runner,
                                  struct str text)
{
    struct search search = {.regex = regex,
                            .runner = runner,
                            .text = text,
                            .window_first = REGEX_WINDOW,
                            .steps = REGEX_STEPS,
                            .steps_max = REGEX_MATCH_LIMIT};
    if (text.n > REGEX_SHORT) {
        search.window_first = within((size_t)REGEX_WINDOW * REGEX_SHORT / text.n, 1, REGEX_WINDOW);
        search.steps = (uint32_t)within((size_t)REGEX_STEPS * REGEX_SHORT / text.n,
                                        REGEX_STEPS_LEAST, REGEX_STEPS);
        search.steps_max = (uint32_t)within((size_t)REGEX_MATCH_LIMIT * REGEX_SHORT / text.n,
                                            REGEX_MATCH_LEAST, REGEX_MATCH_LIMIT);
    }
    search.window = search.window_first;
    return search;
}

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 + 1;
}

/*
 * Has it taken too long? Processor time, which costs a system call, is asked for only once the
 * coarse clock has moved on; while that stands still, the next window may be twice as long.
 */
static bool search_late(struct search *search)
{
    int64_t now = now_ms();
    if (search->runner->end_ms && now > search->runner->end_ms)
        return true;
    if (search->looked_ms == 0)
        search->looked_ms = now;
    if (now == search->looked_ms) {
        if (search->window < REGEX_WINDOW_MAX)
            search->window *= 2;
        return false;
    }
    search->looked_ms = now;
    search->window = search->window_first;
    if (search->cpu_us == 0)
        search->cpu_us = cpu_us();
    return cpu_us() - search->cpu_us > REGEX_TIME_MAX_MS * 1000;
}

/* The first match that starts at from..last, with at most so many steps from one of them. */
static enum regex_result search_window(const struct search *search, size_t from, size_t last,
                                       uint32_t steps, struct regex_match *match)
{
    const struct regex *regex = search->regex;
    struct regex_runner *runner = search->runner;
    PCRE2_SPTR s = (PCRE2_SPTR)(search->text.s ? search->text.s : "");
    pcre2_set_offset_limit(runner->context, last);
    pcre2_set_match_limit(runner->context, steps);
    int n = regex->jit ? pcre2_jit_match(regex->code, s, search->text.n, from, 0, runner->data,
                                         runner->context)
                       : pcre2_match(regex->code, s, search->text.n, from, PCRE2_NO_JIT,
                                     runner->data, runner->context);
    if (n == PCRE2_ERROR_NOMATCH)
        return REGEX_NO;
    if (n < 0)
        return REGEX_LIMIT;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(runner->data);
    *match = (struct regex_match){at[0], at[1]};
    if (match->to < match->from) /* \K in a look-ahead can turn them round */
        match->to = match->from;
    return REGEX_YES;
}

/*
 * One start position that takes many steps: more and more of them, each time at most twice the time
 * of the last, so that the end comes before REGEX_TIME_MAX_MS. What was enough stays for the next
 * position.
 */
static enum regex_result search_at(struct search *search, size_t at, uint32_t *steps,
                                   struct regex_match *match)
{
    if (search->cpu_us == 0)
        search->cpu_us = cpu_us();
    for (;;) {
        enum regex_result result = search_window(search, at, at, *steps, match);
        if (result != REGEX_LIMIT)
            return result;
        if (*steps >= search->steps_max || cpu_us() - search->cpu_us > REGEX_TIME_MAX_MS * 1000 / 3)
            return REGEX_LIMIT;
        *steps *= 2;
    }
}

/* A window in which some start position takes many steps: each for itself. */
static enum regex_result search_each(struct search *search, size_t from, size_t last,
                                     struct regex_match *match)
{
    uint32_t steps = search->steps;
    for (; from <= last; from++) {
        enum regex_result result = search_at(search, from, &steps, match);
        if (result != REGEX_NO)
            return result;
        if (search_late(search))
            return REGEX_LIMIT;
    }
    search->window = search->window_first;
    return REGEX_NO;
}

/* A window of few positions gives each of them the steps of all those that it does not have. */
static uint32_t steps_of(const struct search *search, size_t from, size_t last)
{
    size_t share = search->window_first / (last - from + 1);
    return (uint32_t)within(search->steps * (share ? share : 1), search->steps, search->steps_max);
}

enum regex_result regex_search(const struct regex *regex, struct regex_runner *runner,
                               struct str text, size_t from, size_t last, struct regex_match *match)
{
    struct search search = search_begin(regex, runner, text);
    if (last >= text.n)
        last = text.n;
    while (from <= last) {
        size_t end = last - from >= search.window ? from + search.window - 1 : last;
        uint32_t steps = steps_of(&search, from, end);
        enum regex_result result = search_window(&search, from, end, steps, match);
        if (result == REGEX_LIMIT)
            result = search_each(&search, from, end, match);
        if (result != REGEX_NO || end == last)
            return result;
        if (search_late(&search))
            return REGEX_LIMIT;
        from = end + 1;
    }
    return REGEX_NO;
}

enum regex_result regex_first_group(const struct regex *regex, struct regex_runner *runner,
                                    struct str text, struct str *group)
{
    struct regex_match match;
    enum regex_result result = regex_search(regex, runner, text, 0, STR_NONE, &match);
    *group = STR_EMPTY;
    if (result != REGEX_YES)
        return result;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(runner->data);
    uint32_t groups = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    if (groups && at[2] != PCRE2_UNSET && at[3] >= at[2])
        *group = str_sub(text, at[2], at[3]);
    return result;
}

static void tell_groups(const struct regex *regex, const PCRE2_SIZE *at, struct str text,
                        regex_group_found *found, void *data)
{
    PCRE2_SPTR entry; /* two bytes: the group's number; then its name and a NUL */
    uint32_t n = 0, size = 0;
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &n);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &entry);
    for (; n; n--, entry += size) {
        size_t group = (size_t)entry[0] << 8 | entry[1];
        bool there = at[2 * group] != PCRE2_UNSET && at[2 * group + 1] >= at[2 * group];
        found(data, str_of((const char *)entry + 2),
              there ? str_sub(text, at[2 * group], at[2 * group + 1]) : STR_EMPTY);
    }
}

enum regex_result regex_named_groups(const struct regex *regex, struct regex_runner *runner,
                                     struct str text, size_t from, regex_group_found *found,
                                     void *data)
{
    PCRE2_SPTR s = (PCRE2_SPTR)(text.s ? text.s : "");
    pcre2_match_data *all = pcre2_match_data_create_from_pattern(regex->code, NULL);
    if (all == NULL)
        return REGEX_LIMIT;
    pcre2_set_offset_limit(runner->context, from);
    int n = pcre2_match(regex->code, s, text.n, from, 0, all, runner->context);
    if (n > 0)
        tell_groups(regex, pcre2_get_ovector_pointer(all), text, found, data);
    pcre2_match_data_free(all);
    return n > 0 ? REGEX_YES : n == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_LIMIT;
}
