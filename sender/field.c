#include "sender/field.h"

/* Where the line that begins at `at` ends, its line end included. */
static size_t line_end(struct str raw, size_t at)
{
    const char *lf = memchr(raw.s + at, '\n', raw.n - at);
    return lf ? (size_t)(lf - raw.s) + 1 : raw.n;
}

static bool is_empty_line(struct str line)
{
    return str_eq(line, STR("\r\n")) || str_eq(line, STR("\n"));
}

static struct str without_line_end(struct str x)
{
    if (x.n > 0 && x.s[x.n - 1] == '\n')
        x.n--;
    if (x.n > 0 && x.s[x.n - 1] == '\r')
        x.n--;
    return x;
}

/* RFC 5322 2.2: printable ASCII without colon; blanks before the colon are the obsolete form. */
static bool split(struct str whole, struct field *field)
{
    size_t colon = str_chr(whole, ':');
    if (colon == STR_NONE || colon == 0)
        return false;
    size_t n = colon;
    while (n > 0 && (whole.s[n - 1] == ' ' || whole.s[n - 1] == '\t'))
        n--;
    for (size_t i = 0; i < n; i++)
        if (whole.s[i] <= ' ' || whole.s[i] >= 127)
            return false;
    field->name = str_sub(whole, 0, n);
    field->value = without_line_end(str_from(whole, colon + 1));
    return n > 0;
}

bool field_next(struct field_walk *walk, struct field *field)
{
    struct str raw = walk->raw;
    while (walk->at < raw.n) {
        size_t at = walk->at;
        size_t end = line_end(raw, at);
        walk->at = end;
        if (is_empty_line(str_sub(raw, at, end)))
            return false;
        while (end < raw.n && (raw.s[end] == ' ' || raw.s[end] == '\t'))
            end = line_end(raw, end);
        walk->at = end;
        field->at = at;
        field->end = end;
        if (split(str_sub(raw, at, end), field))
            return true;
    }
    return false;
}
