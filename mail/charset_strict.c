#include "mail/charset_strict.h"

#include <errno.h>
#include <iconv.h>

struct charset {
    const char *name;  /* lower case */
    const char *iconv; /* glibc's name */
};

/* The narrow meaning of each name, other than in charset.c, where it is the wide one of browsers.
 */
static const struct charset charsets[] = {
    {"big5", "BIG5"},
    {"big5-eten", "BIG5"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"cp437", "IBM437"},
    {"cp850", "IBM850"},
    {"cp866", "CP866"},
    {"cp932", "CP932"},
    {"cp936", "GBK"},
    {"cp949", "CP949"},
    {"cp1250", "WINDOWS-1250"},
    {"cp1251", "WINDOWS-1251"},
    {"euc-cn", "EUC-CN"},
    {"euc-jp", "EUC-JP"},
    {"euc-kr", "EUC-KR"},
    {"gb2312", "EUC-CN"},
    {"gb_2312-80", "EUC-CN"},
    {"gbk", "GBK"},
    {"gb18030", "GBK"},
    {"ibm850", "IBM850"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"iso-2022-kr", "ISO-2022-KR"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "ISO-8859-9"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"ks_c_5601-1987", "CP949"},
    {"latin1", "ISO-8859-1"},
    {"latin-1", "ISO-8859-1"},
    {"latin-9", "ISO-8859-15"},
    {"macintosh", "MACINTOSH"},
    {"shift_jis", "SJIS"},
    {"shift-jis", "SJIS"},
    {"sjis", "SJIS"},
    {"tis-620", "CP874"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"utf-7", "UTF-7"},
    {"utf-16be", "UTF-16BE"},
    {"utf-16le", "UTF-16LE"},
    {"windows-1250", "WINDOWS-1250"},
    {"windows-1251", "WINDOWS-1251"},
    {"windows-1253", "WINDOWS-1253"},
    {"windows-1254", "WINDOWS-1254"},
    {"windows-1255", "WINDOWS-1255"},
    {"windows-1256", "WINDOWS-1256"},
    {"windows-1257", "WINDOWS-1257"},
    {"windows-1258", "WINDOWS-1258"},
    {"windows-31j", "CP932"},
    {"windows-874", "CP874"},
    {"x-euc-jp", "EUC-JP"},
    {"x-sjis", "SJIS"},
};

#define N_CHARSETS (sizeof charsets / sizeof charsets[0])

/* Keeps glibc's modules loaded, as the table in charset.c does; never read. */
static iconv_t kept_loaded[N_CHARSETS];

int charset_strict_preload(struct err *err)
{
    for (size_t i = 0; i < N_CHARSETS; i++) {
        if (kept_loaded[i])
            continue;
        iconv_t cd = iconv_open("UTF-8", charsets[i].iconv);
        if (cd == (iconv_t)-1)
            return err_sys(err, "cannot load the charset %s", charsets[i].iconv);
        kept_loaded[i] = cd;
    }
    return 0;
}

static const char *find(struct str name)
{
    for (size_t i = 0; i < N_CHARSETS; i++)
        if (str_ieq(name, str_of(charsets[i].name)))
            return charsets[i].iconv;
    return NULL;
}

static bool convert(iconv_t cd, struct str in, struct buf *out)
{
    char *from = (char *)in.s;
    size_t left = in.n;
    bool flush = false;
    for (;;) {
        char piece[4096];
        char *to = piece;
        size_t room = sizeof piece;
        size_t result =
            flush ? iconv(cd, NULL, NULL, &to, &room) : iconv(cd, &from, &left, &to, &room);
        buf_addn(out, piece, sizeof piece - room);
        if (out->failed || (result == (size_t)-1 && errno != E2BIG))
            return false;
        if (flush)
            return true;
        flush = left == 0;
    }
}

bool charset_strict(struct str charset, struct str in, struct buf *out)
{
    const char *name = find(charset);
    size_t before = out->n;
    if (name == NULL)
        return false;
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1)
        return false;
    bool done = convert(cd, in, out);
    iconv_close(cd);
    if (!done && !out->failed)
        buf_cut(out, before);
    return done;
}
