#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/ascii.h"
#include "rules/match/regex.h"

#include <pcre2.h>

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
    if (rest.n == 0 || ascii_is_word(rest.s[0]) || strchr(" \t\\", rest.s[0]))
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

#define CLASS_NAME_MAX 20 /* bytes of "[:name:]" */

size_t regex_skip_class(struct str pattern, size_t at)
{
    size_t i = at + 1;
    i += i < pattern.n && pattern.s[i] == '^';
    i += i < pattern.n && pattern.s[i] == ']';
    for (; i < pattern.n && pattern.s[i] != ']'; i++) {
        struct str rest = str_sub(pattern, i, i + CLASS_NAME_MAX);
        size_t close = str_starts(rest, STR("[:")) ? str_find(rest, STR(":]")) : STR_NONE;
        if (pattern.s[i] == '\\')
            i++;
        else if (close != STR_NONE)
            i += close + 1;
    }
    return i;
}
