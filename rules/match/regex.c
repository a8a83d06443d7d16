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
    pcre2_set_match_limit(runner->context, REGEX_MATCH_LIMIT);
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

static enum regex_result search_window(const struct regex *regex, struct regex_runner *runner,
                                       struct str text, size_t from, struct regex_match *match)
{
    PCRE2_SPTR s = (PCRE2_SPTR)(text.s ? text.s : "");
    int n = regex->jit
                ? pcre2_jit_match(regex->code, s, text.n, from, 0, runner->data, runner->context)
                : pcre2_match(regex->code, s, text.n, from, 0, runner->data, runner->context);
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

enum regex_result regex_search(const struct regex *regex, struct regex_runner *runner,
                               struct str text, size_t from, size_t last, struct regex_match *match)
{
    if (last >= text.n)
        last = text.n;
    while (from <= last) {
        bool more = last - from > REGEX_WINDOW;
        pcre2_set_offset_limit(runner->context, more ? from + REGEX_WINDOW : last);
        enum regex_result result = search_window(regex, runner, text, from, match);
        if (result != REGEX_NO || !more)
            return result;
        if (regex_runner_late(runner))
            return REGEX_LIMIT;
        from += REGEX_WINDOW + 1;
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
