#include "rules/facts/pdf_string.h"

#include "base/ascii.h"
#include "mail/transfer.h"

/* Two bytes for each letter, the first mostly 0: without those, it can be read. */
static size_t strip_utf16(char *text, size_t n)
{
    size_t kept = 0;
    bool marked = n >= 2 && (memcmp(text, "\xfe\xff", 2) == 0 || memcmp(text, "\xff\xfe", 2) == 0);
    if (!marked)
        return n;
    for (size_t i = 2; i < n; i++) {
        if (text[i])
            text[kept++] = text[i];
    }
    return kept;
}

static bool is_octal(struct str x, size_t at)
{
    return at + 3 < x.n && x.s[at] == '\\' && (at == 0 || x.s[at - 1] != '\\') &&
           x.s[at + 1] >= '0' && x.s[at + 1] <= '3' && x.s[at + 2] >= '0' && x.s[at + 2] <= '7' &&
           x.s[at + 3] >= '0' && x.s[at + 3] <= '7';
}

static size_t unescape(char *text, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool escape = text[i] == '\\' && i + 1 < n &&
                      (text[i + 1] == '(' || text[i + 1] == ')' || text[i + 1] == '\\');
        text[kept++] = text[escape ? ++i : i];
    }
    return kept;
}

/* "<FEFF0057>": any two hexadecimal digits that stand together. */
static size_t read_hex(struct str raw, char *out)
{
    size_t n = 0;
    for (size_t at = 0; at + 1 < raw.n;) {
        int byte = hex_byte(raw, at);
        if (byte >= 0)
            out[n++] = (char)byte;
        at += byte >= 0 ? 2 : 1;
    }
    return strip_utf16(out, n);
}

/* "(Foo \(bar\) \376\377)" */
static size_t read_literal(struct str raw, char *out)
{
    size_t n = 0;
    for (size_t at = 0; at < raw.n; at++) {
        if (is_octal(raw, at)) {
            out[n++] = (char)((raw.s[at + 1] - '0') << 6 | (raw.s[at + 2] - '0') << 3 |
                              (raw.s[at + 3] - '0'));
            at += 3;
        } else {
            out[n++] = raw.s[at];
        }
    }
    return unescape(out, strip_utf16(out, n));
}

size_t pdf_string_end(struct str x)
{
    if (x.n == 0 || (x.s[0] != '(' && x.s[0] != '<'))
        return STR_NONE;
    if (x.s[0] == '<')
        return str_chr(x, '>');
    for (size_t i = 1; i < x.n; i++) {
        if (x.s[i] == ')' && x.s[i - 1] != '\\')
            return i;
    }
    return STR_NONE;
}

size_t pdf_string_read(struct str x, char *out)
{
    if (str_starts(x, STR("<")))
        return read_hex(str_sub(str_from(x, 1), 0, PDF_STRING_MAX), out);
    if (str_starts(x, STR("(")))
        x = str_from(x, 1);
    if (str_ends(x, STR(")")))
        x.n--;
    return read_literal(str_sub(x, 0, PDF_STRING_MAX), out);
}
