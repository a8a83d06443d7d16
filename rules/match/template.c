#include "rules/match/template.h"

#include "base/ascii.h"
#include "rules/match/regex.h"

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* The end of a name that begins at `at`: words of capitals and digits, with single "_" between. */
static size_t name_end(struct str x, size_t at)
{
    size_t i = at;
    if (i >= x.n || !is_capital(x.s[i]))
        return at;
    while (i < x.n && (is_capital(x.s[i]) || ascii_is_digit(x.s[i]) || x.s[i] == '_')) {
        if (x.s[i] == '_' &&
            (i + 1 == x.n || (!is_capital(x.s[i + 1]) && !ascii_is_digit(x.s[i + 1]))))
            break;
        i++;
    }
    return i;
}

/* The end of "(argument)" at `at`, or `at` where none stands. */
static size_t argument_end(struct str x, size_t at)
{
    if (at >= x.n || x.s[at] != '(')
        return at;
    for (size_t i = at + 1; i < x.n && x.s[i] != '}'; i++) {
        if (x.s[i] == ')')
            return i + 1;
    }
    return at;
}

bool template_next(struct str pattern, size_t at, struct template_mark *mark)
{
    for (;;) {
        size_t found = str_find(str_from(pattern, at), STR("%{"));
        if (found == STR_NONE)
            return false;
        size_t from = at + found;
        size_t end = argument_end(pattern, name_end(pattern, from + 2));
        bool escaped = from > 0 && pattern.s[from - 1] == '\\';
        if (!escaped && end > from + 2 && end < pattern.n && pattern.s[end] == '}') {
            *mark = (struct template_mark){from, end + 1, str_sub(pattern, from + 2, end)};
            return true;
        }
        at = from + 2;
    }
}

bool template_has(struct str pattern)
{
    struct template_mark mark;
    return template_next(pattern, 0, &mark);
}

bool template_next_group(struct str pattern, size_t *at, struct str *name)
{
    for (;;) {
        size_t found = str_find(str_from(pattern, *at), STR("(?"));
        if (found == STR_NONE)
            return false;
        size_t from = *at + found + 2;
        from += from < pattern.n && pattern.s[from] == 'P';
        *at = from;
        if (from >= pattern.n || (pattern.s[from] != '<' && pattern.s[from] != '\''))
            continue;
        size_t end = name_end(pattern, from + 1);
        char close = pattern.s[from] == '<' ? '>' : '\'';
        if (end == from + 1 || end >= pattern.n || pattern.s[end] != close)
            continue;
        *name = str_sub(pattern, from + 1, end);
        *at = end + 1;
        return true;
    }
}

/* The next place to look at; a class is passed as a whole. */
static size_t step(struct str pattern, size_t at)
{
    if (pattern.s[at] == '\\')
        return at + 2;
    return pattern.s[at] == '[' ? regex_skip_class(pattern, at) + 1 : at + 1;
}

int template_check(struct str pattern, struct err *err)
{
    struct template_mark mark;
    for (size_t at = 0; template_next(pattern, at, &mark); at = mark.to) {
        while (at < mark.from)
            at = step(pattern, at);
        if (at > mark.from)
            return err_set(err, "%%{%.*s} can't stand in a character class",
                           STR_ARG(str_sub(mark.name, 0, 60)));
    }
    return 0;
}

void template_fill(struct str pattern, template_put *put, void *data, struct buf *out)
{
    struct template_mark mark;
    size_t at = 0;
    for (; template_next(pattern, at, &mark); at = mark.to) {
        buf_add(out, str_sub(pattern, at, mark.from));
        put(data, mark.name, out);
    }
    buf_add(out, str_from(pattern, at));
}

void template_quote(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] == '\0')
            buf_add(out, STR("\\x00"));
        else if (!ascii_is_word(text.s[i])) {
            buf_addc(out, '\\');
            buf_addc(out, text.s[i]);
        } else {
            buf_addc(out, text.s[i]);
        }
    }
}
