#include "rules/facts/normalize.h"

#include "mail/charset.h"
#include "mail/charset_strict.h"
#include "mail/utf8.h"

#define GROWTH_MAX 4 /* bytes of UTF-8 for one of another charset, at most */

static bool has_digits(struct str x, size_t least, size_t most)
{
    if (x.n < least || x.n > most)
        return false;
    for (size_t i = 0; i < x.n; i++) {
        if (x.s[i] < '0' || x.s[i] > '9')
            return false;
    }
    return true;
}

/* A charset of which ASCII is a part: text of ASCII alone needs no decoding. */
static bool extends_ascii(struct str name)
{
    static const char *const names[] = {"us-ascii", "ascii",          "iso646-us",
                                        "utf-8",    "utf8",           "big5",
                                        "gbk",      "gb18030",        "gb-18030",
                                        "gb 18030", "ansi_x3.4-1968", "ansi_x3.4-1986"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_ieq(name, str_of(names[i])))
            return true;
    }
    if (str_istarts(name, STR("windows-")))
        return has_digits(str_from(name, 8), 4, 4);
    if (str_istarts(name, STR("koi8-")) || str_istarts(name, STR("euc-")))
        return str_rchr(name, '-') + 2 <= name.n && name.n - str_rchr(name, '-') <= 3;
    if (!str_istarts(name, STR("iso")))
        return false;
    struct str rest = str_from(name, 3);
    if (rest.n && (rest.s[0] == '-' || rest.s[0] == ' '))
        rest = str_from(rest, 1);
    if (!str_starts(rest, STR("8859")))
        return false;
    rest = str_from(rest, 4);
    return rest.n == 0 || (rest.s[0] == '-' && has_digits(str_from(rest, 1), 1, 2));
}

static bool is_1252(struct str name)
{
    return str_ieq(name, STR("iso-8859-1")) || str_ieq(name, STR("iso8859-1")) ||
           str_ieq(name, STR("windows-1252")) || str_ieq(name, STR("cp1252"));
}

static bool is_unused_1252(unsigned char c)
{
    return c == 0x81 || c == 0x8d || c == 0x8f || c == 0x90 || c == 0x9d;
}

/* `strict`: false when some byte means nothing there; else U+FFFD stands for it. */
static bool from_1252(struct str in, bool strict, struct buf *out)
{
    size_t before = out->n;
    for (size_t at = 0; at < in.n;) {
        size_t ascii = utf8_ascii_end(in, at);
        buf_addn(out, in.s + at, ascii - at);
        if ((at = ascii) == in.n)
            break;
        unsigned char c = (unsigned char)in.s[at++];
        char bytes[4];
        if (is_unused_1252(c) && strict) {
            buf_cut(out, before);
            return false;
        }
        buf_addn(out, bytes,
                 utf8_put(bytes, is_unused_1252(c) ? UTF8_REPLACE : windows_1252_char(c)));
    }
    return true;
}

/* UTF-16 without a mark: which byte of each pair is mostly small, and where blanks stand. */
static struct str guess_utf16(struct str in)
{
    size_t little = 0, big = 0, even = 0, odd = 0;
    if (str_starts(in, STR("\xff\xfe")) || str_starts(in, STR("\xfe\xff")))
        return STR_EMPTY;
    for (size_t i = 0; i + 1 < in.n; i += 2) {
        unsigned char a = (unsigned char)in.s[i], b = (unsigned char)in.s[i + 1];
        even += (a >> 4) + (a & 15u);
        odd += (b >> 4) + (b & 15u);
        little += a == ' ' && b == 0;
        big += a == 0 && b == ' ';
    }
    little += even > odd * 4;
    big += odd * 4 > even;
    return little > big ? STR("utf-16le") : big > little ? STR("utf-16be") : STR_EMPTY;
}

static bool from_declared(struct str charset, struct str in, struct buf *out)
{
    if (str_ieq(charset, STR("us-ascii")) || str_ieq(charset, STR("ascii")))
        return false;
    if (str_istarts(charset, STR("utf-16")) || str_istarts(charset, STR("utf16")) ||
        str_istarts(charset, STR("utf 16")))
        charset = guess_utf16(in);
    if (is_1252(charset))
        return from_1252(in, true, out);
    return charset_strict(charset, in, out);
}

struct normalized normalize(struct pool *pool, struct str charset, struct str in)
{
    bool ascii = utf8_ascii_end(in, 0) == in.n;
    if (in.n == 0)
        return (struct normalized){STR(""), false};
    if (ascii && extends_ascii(charset))
        return (struct normalized){in, false};
    if (!ascii && utf8_valid_end(in) == in.n)
        return (struct normalized){in, true};
    struct buf out = BUF_INIT(in.n * GROWTH_MAX + 64);
    struct normalized made = {STR_EMPTY, true};
    if (!from_declared(charset, in, &out)) {
        if (ascii)
            made = (struct normalized){in, false};
        else
            from_1252(in, false, &out);
    }
    if (made.wide && buf_ok(&out))
        made.text = pool_str(pool, buf_str(&out));
    buf_release(&out);
    return made;
}
