#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/match/regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <time.h>

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

static const struct {
    char flag;
    uint32_t option;
} flags[] = {
    {'i', PCRE2_CASELESS},
    {'s', PCRE2_DOTALL},
    {'m', PCRE2_MULTILINE},
    {'x', PCRE2_EXTENDED},
    {'n', PCRE2_NO_AUTO_CAPTURE},
    /* without meaning here: compile once, global, keep the match, ASCII, locale, defaults */
    {'o', 0},
    {'g', 0},
    {'p', 0},
    {'a', 0},
    {'l', 0},
    {'d', 0},
};

static int add_flag(char flag, uint32_t *options)
{
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (flags[i].flag == flag) {
            *options |= flags[i].option;
            return 0;
        }
    }
    return -1;
}

static char closing(char open)
{
    static const char pairs[] = "{}()<>[]";
    const char *p = strchr(pairs, open);
    return p && *p && (p - pairs) % 2 == 0 ? p[1] : open;
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') ||
           (str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z');
}

/* Is the delimiter inside without a backslash? Then what follows was meant to be outside. */
static bool has_bare(struct str pattern, char delimiter)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.s[i] == '\\')
            i++;
        else if (pattern.s[i] == delimiter)
            return true;
    }
    return false;
}

int regex_literal_parse(struct str text, struct regex_literal *literal, struct err *err)
{
    struct str rest = text;
    if (str_starts(rest, STR("qr")))
        rest = str_from(rest, 2);
    else if (str_starts(rest, STR("m")))
        rest = str_from(rest, 1);
    else if (!str_starts(rest, STR("/")))
        rest = STR_EMPTY;
    if (rest.n == 0 || is_word(rest.s[0]) || strchr(" \t\\", rest.s[0]))
        return err_set(err, "'%.*s' is no pattern; write it as /…/ or m{…}",
                       STR_ARG(str_sub(text, 0, 60)));
    char close = closing(rest.s[0]);
    bool paired = close != rest.s[0];
    rest = str_from(rest, 1);
    size_t end = str_rchr(rest, close);
    if (end == STR_NONE)
        return err_set(err, "the closing '%c' of the pattern is missing", close);
    struct str options = str_from(rest, end + 1);
    *literal = (struct regex_literal){.pattern = str_sub(rest, 0, end)};
    for (size_t i = 0; i < options.n; i++) {
        if (add_flag(options.s[i], &literal->options) < 0)
            return err_set(err, "'%.*s' behind the pattern are no flags (use i, s, m, x)",
                           STR_ARG(str_sub(options, 0, 20)));
    }
    literal->extended = (literal->options & PCRE2_EXTENDED) != 0;
    if (literal->pattern.n == 0)
        return err_set(err, "the pattern is empty and would match everything");
    if (!paired && has_bare(literal->pattern, close))
        return err_set(err, "'%c' stands inside the pattern without a backslash", close);
    return 0;
}

/* End of the character class that begins at i, or n. */
static size_t skip_class(struct str p, size_t i)
{
    i++;
    if (i < p.n && p.s[i] == '^')
        i++;
    if (i < p.n && p.s[i] == ']')
        i++;
    for (; i < p.n && p.s[i] != ']'; i++) {
        if (p.s[i] == '\\')
            i++;
        else if (p.s[i] == '[' && i + 1 < p.n && p.s[i + 1] == ':' &&
                 str_find(str_from(p, i), STR(":]")) != STR_NONE)
            i += str_find(str_from(p, i), STR(":]")) + 1;
    }
    return i;
}

/*
 * May what follows "(" be in a local pattern: a plain group, (?:, a positive look-around (which
 * finds in the longer text what it found in the piece), a switch of flags i and s?
 */
static bool group_is_local(struct str inside)
{
    if (str_starts(inside, STR("*")))
        return false;
    if (!str_starts(inside, STR("?")))
        return true;
    if (str_starts(inside, STR("?=")) || str_starts(inside, STR("?<=")))
        return true;
    size_t i = 1;
    while (i < inside.n && (inside.s[i] == 'i' || inside.s[i] == 's' || inside.s[i] == '-'))
        i++;
    return i < inside.n && (inside.s[i] == ':' || (i > 1 && inside.s[i] == ')'));
}

/*
 * Anything not known to be harmless makes a pattern "not local"; that costs time, never a match.
 * Anchors see the ends of the piece; look-around sees past them; possessive and
 * atomic groups, \R and \X give up ways of matching once they have eaten beyond the piece.
 */
static bool pattern_is_local(const struct regex_literal *literal)
{
    struct str p = literal->pattern;
    if (literal->extended)
        return false;
    for (size_t i = 0; i < p.n; i++) {
        char next = i + 1 < p.n ? p.s[i + 1] : '\0';
        switch (p.s[i]) {
        case '\\':
            if (next == '\0' || strchr("AzZGKRXQECgk123456789", next))
                return false;
            i++;
            break;
        case '[':
            i = skip_class(p, i);
            break;
        case '(':
            if (!group_is_local(str_from(p, i + 1)))
                return false;
            break;
        case '^':
        case '$':
            if (!(literal->options & PCRE2_MULTILINE))
                return false;
            break;
        case '*':
        case '+':
        case '?':
        case '}':
            if (next == '+')
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

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

struct regex *regex_new(const struct regex_literal *literal, struct err *err)
{
    const uint32_t always =
        PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    int problem = 0;
    PCRE2_SIZE at = 0;
    struct regex *regex = calloc(1, sizeof *regex);
    pcre2_compile_context *context = new_compile_context();
    if (regex && context)
        regex->code = pcre2_compile((PCRE2_SPTR)literal->pattern.s, literal->pattern.n,
                                    literal->options | always, &problem, &at, context);
    pcre2_compile_context_free(context);
    if (regex == NULL || regex->code == NULL) {
        char text[128] = "out of memory";
        if (problem)
            pcre2_get_error_message(problem, (PCRE2_UCHAR *)text, sizeof text);
        err_set(err, "%s, at '%.*s'", text,
                STR_ARG(str_sub(str_from(literal->pattern, at > 10 ? at - 10 : 0), 0, 20)));
        regex_free(&regex);
        return NULL;
    }
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
        runner->data = pcre2_match_data_create(1, NULL);
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
