#include "rules/facts/content_type.h"

#include "base/ascii.h"

#define SECTIONS_MAX 100 /* name*0, name*1 … of RFC 2231 that are joined */

static size_t skip_space(struct str x, size_t at)
{
    while (at < x.n && ascii_is_space(x.s[at]))
        at++;
    return at;
}

/* Position behind the next "name" at or after `from` that begins a word, or STR_NONE. */
static size_t find_name(struct str x, struct str name, size_t from)
{
    for (;;) {
        size_t at = str_ifind(str_from(x, from), name);
        if (at == STR_NONE)
            return STR_NONE;
        at += from;
        if (at == 0 || !ascii_is_word(x.s[at - 1]))
            return at + name.n;
        from = at + 1;
    }
}

/* Position of the value behind "=", or STR_NONE. */
static size_t skip_equals(struct str x, size_t at)
{
    at = skip_space(x, at);
    return at < x.n && x.s[at] == '=' ? skip_space(x, at + 1) : STR_NONE;
}

static struct str without_quotes(struct pool *pool, struct str x)
{
    if (str_chr(x, '"') == STR_NONE)
        return x;
    char *copy = pool_alloc(pool, x.n + 1);
    size_t n = 0;
    for (size_t i = 0; copy && i < x.n; i++) {
        if (x.s[i] != '"')
            copy[n++] = x.s[i];
    }
    return str_n(copy, n);
}

/* Behind an opening quote up to the next one or the end; else a word that ";" or a blank ends. */
static struct str boundary_at(struct str x, size_t at)
{
    size_t end = at;
    if (at < x.n && x.s[at] == '"') {
        size_t close = str_chr(str_from(x, at + 1), '"');
        end = close == STR_NONE ? x.n : at + 1 + close;
        return end > at + 1 ? str_sub(x, at, end) : STR_EMPTY;
    }
    while (end < x.n && !ascii_is_space(x.s[end]) && x.s[end] != '"' && x.s[end] != ';')
        end++;
    return end < x.n && x.s[end] == '"' ? STR_EMPTY : str_sub(x, at, end);
}

static bool read_boundary(struct pool *pool, struct str x, struct str *boundary)
{
    size_t at = 0;
    *boundary = STR_EMPTY;
    while ((at = find_name(x, STR("boundary"), at)) != STR_NONE) {
        size_t value = skip_equals(x, at);
        struct str found = value == STR_NONE ? STR_EMPTY : boundary_at(x, value);
        if (found.n == 0)
            continue;
        *boundary = without_quotes(pool, found);
        return boundary->s != NULL;
    }
    return true;
}

/* Up to the next ';'; one quote at each end is left out. */
static struct str loose_value(struct str x, size_t at)
{
    struct str value = str_from(x, at);
    value = str_sub(value, 0, str_chr(value, ';'));
    if (value.n && (value.s[0] == '"' || value.s[0] == '\''))
        value = str_from(value, 1);
    if (value.n && (value.s[value.n - 1] == '"' || value.s[value.n - 1] == '\''))
        value.n--;
    return value;
}

static struct str read_loose(struct str x, struct str name)
{
    size_t at = 0;
    while ((at = find_name(x, name, at)) != STR_NONE) {
        size_t value = skip_equals(x, at);
        if (value != STR_NONE)
            return loose_value(x, value);
    }
    return STR_EMPTY;
}

/* "name" and "filename", whichever comes first. */
static struct str read_name(struct str x)
{
    struct str name = read_loose(x, STR("name")), filename = read_loose(x, STR("filename"));
    if (name.s == NULL || (filename.s && filename.s < name.s))
        return filename;
    return name;
}

/* The value of section `number`: "name*0=" (RFC 2231 section 3). */
static struct str read_section(struct str x, struct str name, unsigned number)
{
    char star[16];
    size_t n = 0;
    star[n++] = '*';
    if (number >= 10)
        star[n++] = (char)('0' + number / 10);
    star[n++] = (char)('0' + number % 10);
    size_t at = 0;
    while ((at = find_name(x, name, at)) != STR_NONE) {
        if (!str_starts(str_from(x, at), str_n(star, n)))
            continue;
        size_t value = skip_equals(x, at + n);
        if (value != STR_NONE)
            return loose_value(x, value);
    }
    return STR_EMPTY;
}

static bool join_sections(struct pool *pool, struct str x, struct str *name)
{
    struct str key = STR("name");
    if (str_chr(x, '*') == STR_NONE)
        return true;
    if (read_section(x, key, 0).s == NULL)
        key = STR("filename");
    char *joined = pool_alloc(pool, x.n + 1);
    size_t n = 0;
    if (joined == NULL)
        return false;
    for (unsigned i = 0; i < SECTIONS_MAX; i++) {
        struct str section = read_section(x, key, i);
        if (section.s == NULL)
            break;
        if (section.n > x.n - n)
            break;
        memcpy(joined + n, section.s, section.n);
        n += section.n;
    }
    if (n)
        *name = str_n(joined, n);
    return true;
}

/* "something/something" and no more. */
static struct str cut_type(struct str x)
{
    x = str_from(x, skip_space(x, 0));
    x = str_sub(x, 0, str_chr(x, ';'));
    size_t slash = str_chr(x, '/');
    if (slash == STR_NONE || slash == 0)
        return x;
    size_t end = slash + 1;
    while (end < x.n && x.s[end] != '/' && !ascii_is_space(x.s[end]))
        end++;
    return str_sub(x, 0, end);
}

static bool is_type_char(char c)
{
    return c > ' ' && c < 127 && !memchr("\"(),:;<=>?@[\\]", c, 14);
}

static bool read_type(struct pool *pool, struct str x, struct content_type *type)
{
    struct str whole = pool_lower(pool, cut_type(x));
    if (whole.s == NULL)
        return false;
    bool text = str_starts(whole, STR("text")) && (whole.n == 4 || !ascii_is_word(whole.s[4]));
    bool known = str_eq(whole, STR("text/html")) || str_eq(whole, STR("text/calendar")) ||
                 str_eq(whole, STR("text/x-vcard"));
    type->missing = whole.n == 0;
    type->type = STR("text/plain");
    if (whole.n == 0 || (text && !known))
        return true;
    char *kept = pool_alloc(pool, whole.n + 1);
    size_t n = 0;
    for (size_t i = 0; kept && i < whole.n; i++) {
        if (is_type_char(whole.s[i]))
            kept[n++] = whole.s[i];
    }
    type->type = str_n(kept, n);
    return kept != NULL;
}

bool content_type_read(struct pool *pool, struct str value, struct content_type *type)
{
    *type = (struct content_type){.type = STR("text/plain")};
    if (value.n == 0) {
        type->missing = true;
        type->charset = STR("us-ascii");
        return true;
    }
    type->charset = read_loose(value, STR("charset"));
    type->name = read_name(value);
    if (type->name.n == 0 && !join_sections(pool, value, &type->name))
        return false;
    return read_boundary(pool, value, &type->boundary) && read_type(pool, value, type);
}

struct str disposition_name(struct str value)
{
    for (size_t at = 0;;) {
        size_t found = str_ifind(str_from(value, at), STR("name="));
        if (found == STR_NONE)
            return STR_EMPTY;
        at = skip_space(value, at + found + 5);
        if (at < value.n && value.s[at] == '"')
            at++;
        struct str name = str_from(value, at);
        size_t n = 0;
        while (n < name.n && name.s[n] != '"' && name.s[n] != ';')
            n++;
        if (n)
            return str_sub(name, 0, n);
    }
}
