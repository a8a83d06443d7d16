#include "rules/facts/locales.h"

/* Takes the next word off the front of *rest; false at the end. */
static bool next_word(struct str *rest, struct str *word)
{
    while (str_next(rest, ' ', word)) {
        *word = str_trim(*word);
        if (word->n)
            return true;
    }
    return false;
}

static bool has_word(struct str list, struct str wanted)
{
    struct str word;
    while (next_word(&list, &word)) {
        if (str_eq(word, wanted))
            return true;
    }
    return false;
}

bool locales_allow_all(struct str ok_locales)
{
    return has_word(ok_locales, STR("all"));
}

/* In upper case, letters and digits only: "ISO-8859-1" is "ISO88591". */
static struct str squeeze(struct str charset, char out[LOCALES_CHARSET_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < charset.n && n < LOCALES_CHARSET_MAX; i++) {
        char c = str_lower_char(charset.s[i]);
        if (c >= 'a' && c <= 'z')
            out[n++] = (char)(c - 32);
        else if (c >= '0' && c <= '9')
            out[n++] = c;
    }
    struct str name = str_n(out, n);
    return str_starts(name, STR("3D")) ? str_from(name, 2) : name; /* quoted-printable, left in */
}

static bool is_usual_everywhere(struct str name)
{
    static const char *const heads[] = {"ISO8859", "ISO10646",      "UTF",           "UCS", "CP125",
                                        "WINDOWS", "UNICODE11UTF7", "UNICODE11UTF8", NULL};
    for (size_t i = 0; heads[i]; i++) {
        if (str_starts(name, str_of(heads[i])))
            return true;
    }
    return has_word(STR("USASCII ASCII IBM852 XUNKNOWN ISO"), name);
}

#define CYRILLIC "KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866"
#define BIG5     "BIG5HKSCS BIG5 EUCTW"
#define MAINLAND "GB1988 GB2312 GB231219800 GB18030 GBK ISO2022CN"
#define JAPANESE                                                                                   \
    "EUCJP JISX020119760 JISX020819830 JISX020819900 JISX020819970 JISX021219900 JISX021320001 "   \
    "JISX021320002 SHIFTJIS ISO2022JP SJIS JIS7 JISX0201 JISX0208 JISX0212"

bool locales_allow_charset(struct str ok_locales, struct str charset)
{
    /* "zh.big5" and "zh.gb2312" are cut to their first two letters before they are looked up */
    static const struct {
        const char *locale;
        const char *charsets;
    } usual[] = {
        {"ja", JAPANESE}, {"ko", "EUCKR KSC56011987"},
        {"ru", CYRILLIC}, {"ka", CYRILLIC},
        {"tg", CYRILLIC}, {"be", CYRILLIC},
        {"uk", CYRILLIC}, {"bg", CYRILLIC},
        {"th", "TIS620"}, {"zh", MAINLAND " " BIG5},
    };
    char squeezed[LOCALES_CHARSET_MAX];
    struct str name = squeeze(charset, squeezed), locale;
    if (is_usual_everywhere(name))
        return true;
    while (next_word(&ok_locales, &locale)) {
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
            if (str_eq(str_sub(locale, 0, 2), str_of(usual[i].locale)) &&
                has_word(str_of(usual[i].charsets), name))
                return true;
        }
    }
    return false;
}
