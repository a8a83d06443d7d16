#include "mail/plain.h"

#include "mail/utf8.h"

#define ESCAPED_COLUMNS 4 /* \xNN */

/* Controls (C0, DEL, C1) steer a terminal; direction marks make a text read as another. */
static bool is_harmless(uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool direction = code == 0x061c || code == 0x200e || code == 0x200f ||
                     (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return code != UTF8_BAD && !control && !direction && code != 0xfeff;
}

/* The character at *at, which is moved behind it. Returns its columns. */
static size_t add_one(struct buf *out, struct str text, size_t *at)
{
    size_t from = *at;
    uint32_t code = utf8_next(text, at);
    if (is_harmless(code) || code == '\t') {
        buf_addn(out, text.s + from, *at - from);
        return 1;
    }
    for (size_t i = from; i < *at; i++)
        buf_addf(out, "\\x%02x", (unsigned char)text.s[i]);
    return ESCAPED_COLUMNS * (*at - from);
}

void plain_add(struct buf *out, struct str text)
{
    for (size_t at = 0; at < text.n;)
        add_one(out, text, &at);
}

size_t plain_add_cut(struct buf *out, struct str text, size_t columns)
{
    size_t used = 0, fits = out->n, fits_used = 0;
    for (size_t at = 0; at < text.n && buf_ok(out);) {
        used += add_one(out, text, &at);
        if (used > columns || (used == columns && at < text.n)) {
            buf_cut(out, fits);
            buf_add(out, STR("…"));
            return fits_used + 1;
        }
        fits = out->n;
        fits_used = used;
    }
    return used;
}
