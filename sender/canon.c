#include "sender/canon.h"

static bool read_form(struct str word, enum canon *form)
{
    *form = str_ieq(word, STR("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
    return *form == CANON_RELAXED || str_ieq(word, STR("simple"));
}

bool canon_read(struct str text, enum canon *header, enum canon *body)
{
    size_t slash = str_chr(text, '/');
    *header = *body = CANON_SIMPLE;
    if (text.n == 0)
        return true;
    if (slash == STR_NONE)
        return read_form(text, header);
    return read_form(str_sub(text, 0, slash), header) && read_form(str_from(text, slash + 1), body);
}

bool canon_crlf(struct str raw, struct buf *out, struct str *bytes)
{
    size_t bare = 0;
    for (const char *p = raw.s; (p = memchr(p, '\n', raw.n - (size_t)(p - raw.s))) != NULL; p++)
        bare += p == raw.s || p[-1] != '\r';
    *bytes = raw;
    if (bare == 0)
        return true;
    buf_init(out, raw.n + bare);
    struct str rest = raw;
    size_t lf;
    while ((lf = str_chr(rest, '\n')) != STR_NONE) {
        bool whole = lf > 0 && rest.s[lf - 1] == '\r';
        buf_add(out, str_sub(rest, 0, lf));
        buf_add(out, whole ? STR("\n") : STR("\r\n"));
        rest = str_from(rest, lf + 1);
    }
    buf_add(out, rest);
    *bytes = buf_str(out);
    return buf_ok(out);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void canon_field(enum canon form, struct str field, struct buf *out)
{
    if (form == CANON_SIMPLE) {
        buf_add(out, field);
        return;
    }
    size_t colon = str_chr(field, ':');
    struct str name = str_trim(str_sub(field, 0, colon == STR_NONE ? field.n : colon));
    struct str value = str_trim(str_from(field, colon == STR_NONE ? field.n : colon + 1));
    for (size_t i = 0; i < name.n; i++)
        buf_addc(out, str_lower_char(name.s[i]));
    buf_addc(out, ':');
    for (size_t i = 0; i < value.n; i++) {
        if (!is_blank(value.s[i]))
            buf_addc(out, value.s[i]);
        else if (!is_blank(value.s[i - 1])) /* it does not begin with one */
            buf_addc(out, ' ');
    }
}

/* --- bodies --- */

/* A line without its CR LF: blanks at its end go, others become one. */
static void hash_relaxed(struct sha256 *out, struct str line)
{
    while (line.n > 0 && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t'))
        line.n--;
    for (size_t at = 0; at < line.n;) {
        size_t end = at;
        while (end < line.n && line.s[end] != ' ' && line.s[end] != '\t')
            end++;
        sha256_add(out, str_sub(line, at, end));
        at = end;
        while (at < line.n && (line.s[at] == ' ' || line.s[at] == '\t'))
            at++;
        if (at > end)
            sha256_add(out, STR(" "));
    }
}

/* Takes a line before CR LF off the front; false at the end. */
static bool next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0)
        return false;
    size_t end = str_find(*rest, STR("\r\n"));
    *line = str_sub(*rest, 0, end == STR_NONE ? rest->n : end);
    *rest = str_from(*rest, end == STR_NONE ? rest->n : end + 2);
    return true;
}

static bool is_empty(enum canon form, struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (form == CANON_SIMPLE || (line.s[i] != ' ' && line.s[i] != '\t'))
            return false;
    return true;
}

static void hash_body(enum canon form, struct str body, struct sha256 *out)
{
    struct str line;
    size_t empty = 0;
    bool any = false;
    while (next_line(&body, &line)) {
        if (is_empty(form, line)) { /* those at the end are not signed */
            empty++;
            continue;
        }
        for (; empty > 0; empty--)
            sha256_add(out, STR("\r\n"));
        if (form == CANON_SIMPLE)
            sha256_add(out, line);
        else
            hash_relaxed(out, line);
        sha256_add(out, STR("\r\n"));
        any = true;
    }
    if (!any && form == CANON_SIMPLE)
        sha256_add(out, STR("\r\n"));
}

bool canon_body(enum canon form, struct str body, unsigned char digest[CANON_DIGEST])
{
    struct sha256 hash;
    if (sha256_begin(&hash, NULL) < 0)
        return false;
    hash_body(form, body, &hash);
    return sha256_end(&hash, digest, NULL) == 0;
}
