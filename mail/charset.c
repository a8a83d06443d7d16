#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>

#include "mail/charset_strict.h"
#include "mail/message.h"
#include "mail/utf8.h"

enum kind { GUESS, UTF8, LATIN1, UTF16, UTF16LE, UTF32, UTF32LE, ICONV };

struct charset {
    const char *name; /* lower case, as in mail */
    enum kind kind;
    const char *iconv; /* glibc's name */
};

static const struct charset charsets[] = {
    {"us-ascii", GUESS, NULL},
    {"ascii", GUESS, NULL},
    {"utf-8", UTF8, NULL},
    {"utf8", UTF8, NULL},
    {"unicode-1-1-utf-8", UTF8, NULL},
    {"iso-8859-1", LATIN1, NULL},
    {"iso8859-1", LATIN1, NULL},
    {"iso_8859-1", LATIN1, NULL},
    {"latin1", LATIN1, NULL},
    {"latin-1", LATIN1, NULL},
    {"windows-1252", LATIN1, NULL},
    {"cp1252", LATIN1, NULL},
    {"ansi_x3.4-1968", GUESS, NULL},
    {"utf-16", UTF16, NULL},
    {"utf-16be", UTF16, NULL},
    {"utf-16le", UTF16LE, NULL},
    {"unicode", UTF16LE, NULL},
    {"utf-32", UTF32, NULL},
    {"utf-32be", UTF32, NULL},
    {"utf-32le", UTF32LE, NULL},
    {"utf-7", ICONV, "UTF-7"},
    {"unicode-1-1-utf-7", ICONV, "UTF-7"},
    {"iso-8859-2", ICONV, "ISO-8859-2"},
    {"iso-8859-3", ICONV, "ISO-8859-3"},
    {"iso-8859-4", ICONV, "ISO-8859-4"},
    {"iso-8859-5", ICONV, "ISO-8859-5"},
    {"iso-8859-6", ICONV, "ISO-8859-6"},
    {"iso-8859-7", ICONV, "ISO-8859-7"},
    {"iso-8859-8", ICONV, "ISO-8859-8"},
    {"iso-8859-8-i", ICONV, "ISO-8859-8"},
    {"iso-8859-9", ICONV, "WINDOWS-1254"},
    {"iso-8859-10", ICONV, "ISO-8859-10"},
    {"iso-8859-11", ICONV, "CP874"},
    {"iso-8859-13", ICONV, "ISO-8859-13"},
    {"iso-8859-14", ICONV, "ISO-8859-14"},
    {"iso-8859-15", ICONV, "ISO-8859-15"},
    {"latin-9", ICONV, "ISO-8859-15"},
    {"iso-8859-16", ICONV, "ISO-8859-16"},
    {"windows-874", ICONV, "CP874"},
    {"tis-620", ICONV, "CP874"},
    {"windows-1250", ICONV, "WINDOWS-1250"},
    {"cp1250", ICONV, "WINDOWS-1250"},
    {"windows-1251", ICONV, "WINDOWS-1251"},
    {"cp1251", ICONV, "WINDOWS-1251"},
    {"windows-1253", ICONV, "WINDOWS-1253"},
    {"windows-1254", ICONV, "WINDOWS-1254"},
    {"windows-1255", ICONV, "WINDOWS-1255"},
    {"windows-1256", ICONV, "WINDOWS-1256"},
    {"windows-1257", ICONV, "WINDOWS-1257"},
    {"windows-1258", ICONV, "WINDOWS-1258"},
    {"koi8-r", ICONV, "KOI8-R"},
    {"koi8-u", ICONV, "KOI8-U"},
    {"ibm437", ICONV, "IBM437"},
    {"cp437", ICONV, "IBM437"},
    {"ibm850", ICONV, "IBM850"},
    {"cp850", ICONV, "IBM850"},
    {"ibm852", ICONV, "IBM852"},
    {"cp866", ICONV, "CP866"},
    {"ibm866", ICONV, "CP866"},
    {"macintosh", ICONV, "MACINTOSH"},
    {"gb2312", ICONV, "GB18030"},
    {"gbk", ICONV, "GB18030"},
    {"gb18030", ICONV, "GB18030"},
    {"cp936", ICONV, "GB18030"},
    {"gb_2312-80", ICONV, "GB18030"},
    {"euc-cn", ICONV, "GB18030"},
    {"big5", ICONV, "BIG5-HKSCS"},
    {"big5-hkscs", ICONV, "BIG5-HKSCS"},
    {"cp950", ICONV, "BIG5-HKSCS"},
    {"euc-tw", ICONV, "EUC-TW"},
    {"iso-2022-jp", ICONV, "ISO-2022-JP-2"},
    {"iso-2022-jp-2", ICONV, "ISO-2022-JP-2"},
    {"shift_jis", ICONV, "CP932"},
    {"shift-jis", ICONV, "CP932"},
    {"sjis", ICONV, "CP932"},
    {"x-sjis", ICONV, "CP932"},
    {"windows-31j", ICONV, "CP932"},
    {"cp932", ICONV, "CP932"},
    {"euc-jp", ICONV, "EUC-JP-MS"},
    {"x-euc-jp", ICONV, "EUC-JP-MS"},
    {"euc-kr", ICONV, "CP949"},
    {"ks_c_5601-1987", ICONV, "CP949"},
    {"ksc5601", ICONV, "CP949"},
    {"cp949", ICONV, "CP949"},
    {"iso-2022-kr", ICONV, "ISO-2022-KR"},
};

#define N_CHARSETS (sizeof charsets / sizeof charsets[0])

/*
 * glibc loads a conversion's module from a file at the first use and drops it some time after
 * the last descriptor is closed. This table, filled once by mail_preload() and never read again,
 * keeps one open for each, so that iconv_open() needs no file once a sandbox is closed.
 */
static iconv_t kept_loaded[N_CHARSETS];

int mail_preload(struct err *err)
{
    for (size_t i = 0; i < N_CHARSETS; i++) {
        if (charsets[i].kind != ICONV || kept_loaded[i])
            continue;
        iconv_t cd = iconv_open("UTF-8", charsets[i].iconv);
        if (cd == (iconv_t)-1)
            return err_sys(err,
                           "cannot load the charset %s: is glibc's gconv folder complete "
                           "(Debian: package libc6)?",
                           charsets[i].iconv);
        kept_loaded[i] = cd;
    }
    return charset_strict_preload(err);
}

static const struct charset *charset_find(struct str name)
{
    for (size_t i = 0; i < N_CHARSETS; i++)
        if (str_ieq(name, str_of(charsets[i].name)))
            return &charsets[i];
    return &charsets[0];
}

bool charset_known(struct str name)
{
    return str_ieq(name, STR("us-ascii")) || charset_find(name) != &charsets[0];
}

/* windows-1252 0x80..0x9f; the five unused places mean the control characters (WHATWG). */
static const uint16_t windows_1252[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

/* False when out is full. NUL is left out. */
static bool put(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n = utf8_put(bytes, c);
    if (c == 0)
        return true;
    if (out->failed || n > out->max - out->n)
        return false;
    buf_addn(out, bytes, n);
    return true;
}

/* Valid UTF-8 in one piece, cut between characters where out is full. */
static bool put_valid(struct buf *out, struct str x)
{
    while (x.n) {
        size_t nul = str_chr(x, '\0');
        struct str piece = nul == STR_NONE ? x : str_sub(x, 0, nul);
        struct str fits = utf8_head(piece, out->max - out->n);
        buf_add(out, fits);
        if (fits.n < piece.n || out->failed)
            return false;
        x = str_from(x, piece.n + (nul != STR_NONE));
    }
    return true;
}

uint32_t windows_1252_char(uint32_t code)
{
    return code >= 0x80 && code < 0xa0 ? windows_1252[code - 0x80] : code;
}

static bool put_1252(struct buf *out, unsigned char c)
{
    return put(out, windows_1252_char(c));
}

static void from_1252(struct str in, struct buf *out)
{
    while (in.n) {
        size_t n = utf8_ascii_end(in, 0);
        if (!put_valid(out, str_sub(in, 0, n)))
            return;
        in = str_from(in, n);
        if (in.n && !put_1252(out, (unsigned char)in.s[0]))
            return;
        in = str_from(in, 1);
    }
}

/* Bytes that are no UTF-8 are taken for windows-1252: text that is declared wrongly stays
 * readable. */
static void from_utf8(struct str in, struct buf *out)
{
    if (str_starts(in, STR("\xef\xbb\xbf")))
        in = str_from(in, 3);
    while (in.n) {
        size_t n = utf8_valid_end(in);
        if (!put_valid(out, str_sub(in, 0, n)))
            return;
        in = str_from(in, n);
        if (in.n && !put_1252(out, (unsigned char)in.s[0]))
            return;
        in = str_from(in, 1);
    }
}

static uint32_t unit_at(struct str in, size_t at, size_t size, bool little)
{
    uint32_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | (unsigned char)in.s[at + (little ? size - 1 - i : i)];
    return v;
}

static void from_utf16(struct str in, bool little, struct buf *out)
{
    for (size_t at = 0; at + 2 <= in.n; at += 2) {
        uint32_t c = unit_at(in, at, 2, little);
        if (at == 0 && (c == 0xfeff || c == 0xfffe)) {
            little ^= c == 0xfffe;
            continue;
        }
        if (c >= 0xd800 && c < 0xdc00 && at + 4 <= in.n) {
            uint32_t low = unit_at(in, at + 2, 2, little);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                at += 2;
            }
        }
        if (!put(out, c))
            return;
    }
}

static void from_utf32(struct str in, bool little, struct buf *out)
{
    for (size_t at = 0; at + 4 <= in.n; at += 4) {
        uint32_t c = unit_at(in, at, 4, little);
        if (at == 0 && (c == 0xfeff || c == 0xfffe0000)) {
            little ^= c == 0xfffe0000;
            continue;
        }
        if (!put(out, c))
            return;
    }
}

/* Steps over what can't be converted; stops after CHARSET_ERRORS_MAX of it. Returns what is
 * left, or an empty text when all is done or out is full. */
static struct str run_iconv(iconv_t cd, struct str in, struct buf *out)
{
    unsigned errors = 0;
    while (in.n) {
        char piece[4096];
        char *from = (char *)in.s, *to = piece;
        size_t left = in.n, room = sizeof piece;
        size_t result = iconv(cd, &from, &left, &to, &room);
        int why = result == (size_t)-1 ? errno : 0;
        in = str_n(from, left);
        if (!put_valid(out, str_n(piece, sizeof piece - room)))
            return STR_EMPTY;
        if (why == EINVAL)
            return STR_EMPTY;
        if (why != EILSEQ)
            continue;
        if (++errors > CHARSET_ERRORS_MAX)
            return in;
        if (!put(out, UTF8_REPLACE))
            return STR_EMPTY;
        in = str_from(in, 1);
    }
    return in;
}

/* Some converters keep the last character back until they know that nothing combines with it. */
static void flush_iconv(iconv_t cd, struct buf *out)
{
    char piece[64];
    char *to = piece;
    size_t room = sizeof piece;
    iconv(cd, NULL, NULL, &to, &room);
    put_valid(out, str_n(piece, sizeof piece - room));
}

static void from_iconv(const char *name, struct str in, struct buf *out)
{
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1) {
        from_utf8(in, out);
        return;
    }
    struct str rest = run_iconv(cd, in, out);
    flush_iconv(cd, out);
    from_utf8(rest, out);
    iconv_close(cd);
}

static void from_guess(struct str in, struct buf *out)
{
    if (in.n >= 2 && (str_starts(in, STR("\xff\xfe")) || str_starts(in, STR("\xfe\xff"))))
        from_utf16(in, false, out);
    else if (str_find(in, STR("\x1b$B")) != STR_NONE || str_find(in, STR("\x1b$@")) != STR_NONE)
        from_iconv("ISO-2022-JP-2", in, out);
    else if (utf8_valid_end(in) == in.n)
        from_utf8(in, out);
    else
        from_1252(in, out);
}

void charset_to_utf8(struct str name, struct str in, struct buf *out)
{
    const struct charset *charset = charset_find(str_trim(name));
    switch (charset->kind) {
    case GUESS:
        from_guess(in, out);
        break;
    case UTF8:
        from_utf8(in, out);
        break;
    case LATIN1:
        from_1252(in, out);
        break;
    case UTF16:
    case UTF16LE:
        from_utf16(in, charset->kind == UTF16LE, out);
        break;
    case UTF32:
    case UTF32LE:
        from_utf32(in, charset->kind == UTF32LE, out);
        break;
    case ICONV:
        from_iconv(charset->iconv, in, out);
        break;
    }
}
