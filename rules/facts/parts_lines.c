#include "rules/facts/parts_lines.h"

#include "base/ascii.h"

bool lines_is_field(struct str line, bool blanks)
{
    size_t n = 0;
    while (n < line.n && line.s[n] > 32 && line.s[n] < 127 && line.s[n] != ':')
        n++;
    size_t colon = n;
    while (blanks && colon < line.n && (line.s[colon] == ' ' || line.s[colon] == '\t'))
        colon++;
    return n > 0 && colon < line.n && line.s[colon] == ':';
}

bool lines_is_blank(struct str x)
{
    for (size_t i = 0; i < x.n; i++) {
        if (!ascii_is_space(x.s[i]))
            return false;
    }
    return true;
}

size_t lines_count(struct str text)
{
    size_t n = 0;
    for (size_t at = 0; at < text.n; at = line_after(text, at))
        n++;
    return n;
}

bool lines_is_delimiter(struct str line, struct str boundary, bool *closing)
{
    if (line.n < 2 || line.s[0] != '-' || line.s[1] != '-' ||
        !str_starts(str_from(line, 2), boundary))
        return false;
    struct str rest = str_from(line, 2 + boundary.n);
    *closing = str_starts(rest, STR("--"));
    return lines_is_blank(str_from(rest, *closing ? 2 : 0));
}

bool lines_is_crlf(struct str text)
{
    size_t first = line_after(text, 0), end = text.n;
    if (first >= 2 && text.s[first - 1] == '\n' && text.s[first - 2] == '\r')
        return true;
    return end >= 2 && text.s[end - 1] == '\n' && text.s[end - 2] == '\r';
}

struct str lines_without_mailbox(struct str text)
{
    bool from = text.n > 5 && str_starts(text, STR("From")) && ascii_is_space(text.s[4]);
    if (!from || (text.s[5] == ':' && text.s[4] != '\n'))
        return text;
    return str_from(text, line_after(text, 0));
}

/* Blank lines that begin at `at`; *end is where they end. A long one is left to be. */
static size_t count_blank(struct str text, size_t at, size_t *end)
{
    size_t n = 0;
    while (at < text.n) {
        size_t next = line_after(text, at);
        if (!lines_is_blank(str_sub(text, at, next)))
            break;
        n++;
        at = next;
    }
    *end = at;
    return n;
}

/* Position of the n-th line from `at` on. */
static size_t skip_lines(struct str text, size_t at, size_t n)
{
    while (n-- > 0)
        at = line_after(text, at);
    return at;
}

/* Where the next run of blank lines that is too long begins and how many it has; 0: none. */
static size_t find_run(struct str text, size_t from, size_t *start, size_t *end)
{
    while (from < text.n) {
        if (!ascii_is_space(text.s[from])) {
            from = line_after(text, from);
            continue;
        }
        size_t n = count_blank(text, from, end);
        *start = from;
        /* those at the very start may be one more */
        if (n > BLANK_LINES_MAX + (from == 0))
            return n;
        from = n ? *end : line_after(text, from);
    }
    return 0;
}

struct str lines_squeeze(struct pool *pool, struct str text)
{
    size_t at = 0, start, end, n = 0, run = find_run(text, 0, &start, &end);
    char *out;
    if (run == 0)
        return text;
    if ((out = pool_alloc(pool, text.n)) == NULL)
        return STR_EMPTY;
    for (; run; run = find_run(text, end, &start, &end)) {
        size_t kept = skip_lines(text, start, start == 0 ? 2 : 1);
        size_t more = skip_lines(text, start, run - BLANK_LINES_MAX + 1);
        memcpy(out + n, text.s + at, kept - at);
        n += kept - at;
        at = more;
    }
    memcpy(out + n, text.s + at, text.n - at);
    return str_n(out, n + text.n - at);
}

/* How often lines must be cut. */
static size_t count_cuts(struct str text, size_t max)
{
    size_t cuts = 0;
    for (size_t at = 0; at < text.n;) {
        size_t next = line_after(text, at);
        cuts += (next - at - 1) / max;
        at = next;
    }
    return cuts;
}

struct str lines_cut(struct pool *pool, struct str text, size_t max, unsigned times)
{
    size_t cuts = times && text.n > max ? count_cuts(text, max) : 0, n = 0;
    char *out;
    if (cuts == 0)
        return text;
    if ((out = pool_alloc(pool, text.n + cuts * times)) == NULL)
        return STR_EMPTY;
    for (size_t at = 0; at < text.n;) {
        size_t next = line_after(text, at);
        for (; next - at > max; at += max) {
            memcpy(out + n, text.s + at, max);
            n += max;
            memset(out + n, '\n', times);
            n += times;
        }
        memcpy(out + n, text.s + at, next - at);
        n += next - at;
        at = next;
    }
    return str_n(out, n);
}
