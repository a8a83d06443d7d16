#include "mail/html_entity.h"

#include "base/ascii.h"

#include <stdlib.h>

#include "mail/charset.h"
#include "mail/utf8.h"

#define NAME_MAX_BYTES 16

struct entity {
    const char *name;
    uint16_t code;
};

/* Sorted by name. HTML 4's, and those of HTML 5 that stand for letters of European languages,
 * for ASCII signs (which hide URLs) and for what is not seen. */
static const struct entity entities[] = {{"AElig", 0x00c6},
                                         {"AMP", 0x0026},
                                         {"Aacute", 0x00c1},
                                         {"Acirc", 0x00c2},
                                         {"Agrave", 0x00c0},
                                         {"Alpha", 0x0391},
                                         {"Amacr", 0x0100},
                                         {"Aring", 0x00c5},
                                         {"Atilde", 0x00c3},
                                         {"Auml", 0x00c4},
                                         {"Beta", 0x0392},
                                         {"COPY", 0x00a9},
                                         {"Cacute", 0x0106},
                                         {"Ccaron", 0x010c},
                                         {"Ccedil", 0x00c7},
                                         {"Chi", 0x03a7},
                                         {"Dagger", 0x2021},
                                         {"Delta", 0x0394},
                                         {"ETH", 0x00d0},
                                         {"Eacute", 0x00c9},
                                         {"Ecaron", 0x011a},
                                         {"Ecirc", 0x00ca},
                                         {"Egrave", 0x00c8},
                                         {"Epsilon", 0x0395},
                                         {"Eta", 0x0397},
                                         {"Euml", 0x00cb},
                                         {"GT", 0x003e},
                                         {"Gamma", 0x0393},
                                         {"Iacute", 0x00cd},
                                         {"Icirc", 0x00ce},
                                         {"Idot", 0x0130},
                                         {"Igrave", 0x00cc},
                                         {"InvisibleComma", 0x2063},
                                         {"InvisibleTimes", 0x2062},
                                         {"Iota", 0x0399},
                                         {"Iuml", 0x00cf},
                                         {"Kappa", 0x039a},
                                         {"LT", 0x003c},
                                         {"Lambda", 0x039b},
                                         {"Lstrok", 0x0141},
                                         {"MediumSpace", 0x205f},
                                         {"Mu", 0x039c},
                                         {"NewLine", 0x000a},
                                         {"NoBreak", 0x2060},
                                         {"NonBreakingSpace", 0x00a0},
                                         {"Ntilde", 0x00d1},
                                         {"Nu", 0x039d},
                                         {"OElig", 0x0152},
                                         {"Oacute", 0x00d3},
                                         {"Ocirc", 0x00d4},
                                         {"Ograve", 0x00d2},
                                         {"Omega", 0x03a9},
                                         {"Omicron", 0x039f},
                                         {"Oslash", 0x00d8},
                                         {"Otilde", 0x00d5},
                                         {"Ouml", 0x00d6},
                                         {"Phi", 0x03a6},
                                         {"Pi", 0x03a0},
                                         {"Prime", 0x2033},
                                         {"Psi", 0x03a8},
                                         {"QUOT", 0x0022},
                                         {"REG", 0x00ae},
                                         {"Rcaron", 0x0158},
                                         {"Rho", 0x03a1},
                                         {"Sacute", 0x015a},
                                         {"Scaron", 0x0160},
                                         {"Sigma", 0x03a3},
                                         {"THORN", 0x00de},
                                         {"Tab", 0x0009},
                                         {"Tau", 0x03a4},
                                         {"Theta", 0x0398},
                                         {"Uacute", 0x00da},
                                         {"Ucirc", 0x00db},
                                         {"Ugrave", 0x00d9},
                                         {"Upsilon", 0x03a5},
                                         {"Uuml", 0x00dc},
                                         {"Xi", 0x039e},
                                         {"Yacute", 0x00dd},
                                         {"Yuml", 0x0178},
                                         {"Zcaron", 0x017d},
                                         {"ZeroWidthSpace", 0x200b},
                                         {"Zeta", 0x0396},
                                         {"aacute", 0x00e1},
                                         {"abreve", 0x0103},
                                         {"acirc", 0x00e2},
                                         {"acute", 0x00b4},
                                         {"aelig", 0x00e6},
                                         {"af", 0x2061},
                                         {"agrave", 0x00e0},
                                         {"alefsym", 0x2135},
                                         {"alpha", 0x03b1},
                                         {"amacr", 0x0101},
                                         {"amp", 0x0026},
                                         {"and", 0x2227},
                                         {"ang", 0x2220},
                                         {"aogon", 0x0105},
                                         {"apos", 0x0027},
                                         {"aring", 0x00e5},
                                         {"ast", 0x002a},
                                         {"asymp", 0x2248},
                                         {"atilde", 0x00e3},
                                         {"auml", 0x00e4},
                                         {"bdquo", 0x201e},
                                         {"beta", 0x03b2},
                                         {"brvbar", 0x00a6},
                                         {"bsol", 0x005c},
                                         {"bull", 0x2022},
                                         {"cacute", 0x0107},
                                         {"cap", 0x2229},
                                         {"ccaron", 0x010d},
                                         {"ccedil", 0x00e7},
                                         {"cedil", 0x00b8},
                                         {"cent", 0x00a2},
                                         {"check", 0x2713},
                                         {"chi", 0x03c7},
                                         {"circ", 0x02c6},
                                         {"clubs", 0x2663},
                                         {"colon", 0x003a},
                                         {"comma", 0x002c},
                                         {"commat", 0x0040},
                                         {"cong", 0x2245},
                                         {"copy", 0x00a9},
                                         {"crarr", 0x21b5},
                                         {"cross", 0x2717},
                                         {"cup", 0x222a},
                                         {"curren", 0x00a4},
                                         {"dArr", 0x21d3},
                                         {"dagger", 0x2020},
                                         {"darr", 0x2193},
                                         {"dash", 0x2010},
                                         {"deg", 0x00b0},
                                         {"delta", 0x03b4},
                                         {"diams", 0x2666},
                                         {"divide", 0x00f7},
                                         {"dollar", 0x0024},
                                         {"eacute", 0x00e9},
                                         {"ecaron", 0x011b},
                                         {"ecirc", 0x00ea},
                                         {"egrave", 0x00e8},
                                         {"empty", 0x2205},
                                         {"emsp", 0x2003},
                                         {"emsp13", 0x2004},
                                         {"emsp14", 0x2005},
                                         {"ensp", 0x2002},
                                         {"eogon", 0x0119},
                                         {"epsilon", 0x03b5},
                                         {"equals", 0x003d},
                                         {"equiv", 0x2261},
                                         {"eta", 0x03b7},
                                         {"eth", 0x00f0},
                                         {"euml", 0x00eb},
                                         {"euro", 0x20ac},
                                         {"excl", 0x0021},
                                         {"exist", 0x2203},
                                         {"ffilig", 0xfb03},
                                         {"fflig", 0xfb00},
                                         {"filig", 0xfb01},
                                         {"fllig", 0xfb02},
                                         {"fnof", 0x0192},
                                         {"forall", 0x2200},
                                         {"frac12", 0x00bd},
                                         {"frac14", 0x00bc},
                                         {"frac34", 0x00be},
                                         {"frasl", 0x2044},
                                         {"gamma", 0x03b3},
                                         {"gbreve", 0x011f},
                                         {"ge", 0x2265},
                                         {"grave", 0x0060},
                                         {"gt", 0x003e},
                                         {"hArr", 0x21d4},
                                         {"hairsp", 0x200a},
                                         {"harr", 0x2194},
                                         {"hearts", 0x2665},
                                         {"hellip", 0x2026},
                                         {"horbar", 0x2015},
                                         {"hyphen", 0x2010},
                                         {"iacute", 0x00ed},
                                         {"ic", 0x2063},
                                         {"icirc", 0x00ee},
                                         {"iexcl", 0x00a1},
                                         {"igrave", 0x00ec},
                                         {"image", 0x2111},
                                         {"infin", 0x221e},
                                         {"inodot", 0x0131},
                                         {"int", 0x222b},
                                         {"iota", 0x03b9},
                                         {"iquest", 0x00bf},
                                         {"isin", 0x2208},
                                         {"it", 0x2062},
                                         {"iuml", 0x00ef},
                                         {"kappa", 0x03ba},
                                         {"lArr", 0x21d0},
                                         {"lambda", 0x03bb},
                                         {"lang", 0x2329},
                                         {"laquo", 0x00ab},
                                         {"larr", 0x2190},
                                         {"lbrack", 0x005b},
                                         {"lceil", 0x2308},
                                         {"lcub", 0x007b},
                                         {"ldquo", 0x201c},
                                         {"ldquor", 0x201e},
                                         {"le", 0x2264},
                                         {"lfloor", 0x230a},
                                         {"lowast", 0x2217},
                                         {"lowbar", 0x005f},
                                         {"loz", 0x25ca},
                                         {"lpar", 0x0028},
                                         {"lrm", 0x200e},
                                         {"lsaquo", 0x2039},
                                         {"lsqb", 0x005b},
                                         {"lsquo", 0x2018},
                                         {"lsquor", 0x201a},
                                         {"lstrok", 0x0142},
                                         {"lt", 0x003c},
                                         {"macr", 0x00af},
                                         {"mdash", 0x2014},
                                         {"micro", 0x00b5},
                                         {"middot", 0x00b7},
                                         {"minus", 0x2212},
                                         {"mldr", 0x2026},
                                         {"mu", 0x03bc},
                                         {"nabla", 0x2207},
                                         {"nacute", 0x0144},
                                         {"nbsp", 0x00a0},
                                         {"ndash", 0x2013},
                                         {"ne", 0x2260},
                                         {"ni", 0x220b},
                                         {"not", 0x00ac},
                                         {"notin", 0x2209},
                                         {"nsub", 0x2284},
                                         {"ntilde", 0x00f1},
                                         {"nu", 0x03bd},
                                         {"num", 0x0023},
                                         {"numsp", 0x2007},
                                         {"oacute", 0x00f3},
                                         {"ocirc", 0x00f4},
                                         {"odblac", 0x0151},
                                         {"oelig", 0x0153},
                                         {"ograve", 0x00f2},
                                         {"oline", 0x203e},
                                         {"omega", 0x03c9},
                                         {"omicron", 0x03bf},
                                         {"oplus", 0x2295},
                                         {"or", 0x2228},
                                         {"ordf", 0x00aa},
                                         {"ordm", 0x00ba},
                                         {"oslash", 0x00f8},
                                         {"otilde", 0x00f5},
                                         {"otimes", 0x2297},
                                         {"ouml", 0x00f6},
                                         {"para", 0x00b6},
                                         {"part", 0x2202},
                                         {"percnt", 0x0025},
                                         {"period", 0x002e},
                                         {"permil", 0x2030},
                                         {"perp", 0x22a5},
                                         {"phi", 0x03c6},
                                         {"phone", 0x260e},
                                         {"pi", 0x03c0},
                                         {"piv", 0x03d6},
                                         {"plus", 0x002b},
                                         {"plusmn", 0x00b1},
                                         {"pound", 0x00a3},
                                         {"prime", 0x2032},
                                         {"prod", 0x220f},
                                         {"prop", 0x221d},
                                         {"psi", 0x03c8},
                                         {"puncsp", 0x2008},
                                         {"quest", 0x003f},
                                         {"quot", 0x0022},
                                         {"rArr", 0x21d2},
                                         {"radic", 0x221a},
                                         {"rang", 0x232a},
                                         {"raquo", 0x00bb},
                                         {"rarr", 0x2192},
                                         {"rbrack", 0x005d},
                                         {"rcaron", 0x0159},
                                         {"rceil", 0x2309},
                                         {"rcub", 0x007d},
                                         {"rdquo", 0x201d},
                                         {"rdquor", 0x201d},
                                         {"real", 0x211c},
                                         {"reg", 0x00ae},
                                         {"rfloor", 0x230b},
                                         {"rho", 0x03c1},
                                         {"rlm", 0x200f},
                                         {"rpar", 0x0029},
                                         {"rsaquo", 0x203a},
                                         {"rsqb", 0x005d},
                                         {"rsquo", 0x2019},
                                         {"rsquor", 0x2019},
                                         {"sacute", 0x015b},
                                         {"sbquo", 0x201a},
                                         {"scaron", 0x0161},
                                         {"scedil", 0x015f},
                                         {"sdot", 0x22c5},
                                         {"sect", 0x00a7},
                                         {"semi", 0x003b},
                                         {"shy", 0x00ad},
                                         {"sigma", 0x03c3},
                                         {"sigmaf", 0x03c2},
                                         {"sim", 0x223c},
                                         {"sol", 0x002f},
                                         {"spades", 0x2660},
                                         {"star", 0x2606},
                                         {"starf", 0x2605},
                                         {"sub", 0x2282},
                                         {"sube", 0x2286},
                                         {"sum", 0x2211},
                                         {"sup", 0x2283},
                                         {"sup1", 0x00b9},
                                         {"sup2", 0x00b2},
                                         {"sup3", 0x00b3},
                                         {"supe", 0x2287},
                                         {"szlig", 0x00df},
                                         {"tau", 0x03c4},
                                         {"tcedil", 0x0163},
                                         {"there4", 0x2234},
                                         {"theta", 0x03b8},
                                         {"thetasym", 0x03d1},
                                         {"thinsp", 0x2009},
                                         {"thorn", 0x00fe},
                                         {"tilde", 0x02dc},
                                         {"times", 0x00d7},
                                         {"trade", 0x2122},
                                         {"uArr", 0x21d1},
                                         {"uacute", 0x00fa},
                                         {"uarr", 0x2191},
                                         {"ucirc", 0x00fb},
                                         {"udblac", 0x0171},
                                         {"ugrave", 0x00f9},
                                         {"uml", 0x00a8},
                                         {"upsih", 0x03d2},
                                         {"upsilon", 0x03c5},
                                         {"uring", 0x016f},
                                         {"uuml", 0x00fc},
                                         {"verbar", 0x007c},
                                         {"weierp", 0x2118},
                                         {"xi", 0x03be},
                                         {"yacute", 0x00fd},
                                         {"yen", 0x00a5},
                                         {"yuml", 0x00ff},
                                         {"zacute", 0x017a},
                                         {"zcaron", 0x017e},
                                         {"zdot", 0x017c},
                                         {"zeta", 0x03b6},
                                         {"zwj", 0x200d},
                                         {"zwnj", 0x200c}};

static int by_name(const void *key, const void *entry)
{
    return str_cmp(*(const struct str *)key, str_of(((const struct entity *)entry)->name));
}

static const struct entity *find(struct str name)
{
    return bsearch(&name, entities, sizeof entities / sizeof entities[0], sizeof entities[0],
                   by_name);
}

static uint32_t digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    char low = str_lower_char(c);
    return low >= 'a' && low <= 'f' ? (uint32_t)(low - 'a') + 10 : 16;
}

/* "#123;" or "#x7b;", the ';' not needed. */
static size_t numeric(struct str x, uint32_t *code)
{
    uint32_t value = 0, base = 10;
    size_t at = 1;
    if (at < x.n && str_lower_char(x.s[at]) == 'x') {
        base = 16;
        at++;
    }
    size_t digits = at;
    for (; at < x.n && digit_of(x.s[at]) < base; at++)
        if (value <= 0x10ffff)
            value = value * base + digit_of(x.s[at]);
    if (at == digits)
        return 0;
    *code = value ? value : UTF8_REPLACE;
    return at + (at < x.n && x.s[at] == ';');
}

/* May it stand without ';'? The names that HTML 2 and 3.2 had. */
static bool is_old(const struct entity *e)
{
    return (e->code >= 0xa0 && e->code < 0x100) || e->code == '"' || e->code == '&' ||
           e->code == '<' || e->code == '>';
}

/* Without ';' only old names count, also as the head of a longer word; in an attribute not even
 * those when more of a word or '=' follows ("?a=1&copy=2"). */
static size_t named(struct str x, bool attribute, uint32_t *code)
{
    size_t n = 0;
    while (n < x.n && n < NAME_MAX_BYTES && ascii_is_alnum(x.s[n]))
        n++;
    const struct entity *e = find(str_sub(x, 0, n));
    if (e && n < x.n && x.s[n] == ';') {
        *code = e->code;
        return n + 1;
    }
    bool more = n < x.n && x.s[n] == '=';
    for (size_t full = n; n >= 2; n--) {
        e = find(str_sub(x, 0, n));
        if (e && is_old(e)) {
            *code = e->code;
            return attribute && (more || n < full) ? 0 : n;
        }
    }
    return 0;
}

size_t html_entity(struct str x, bool attribute, char out[4], size_t *n)
{
    uint32_t code = 0;
    struct str name = str_from(x, 1);
    if (name.n == 0)
        return 0;
    size_t used = name.s[0] == '#' ? numeric(name, &code) : named(name, attribute, &code);
    if (used == 0)
        return 0;
    *n = utf8_put(out, windows_1252_char(code));
    return used + 1;
}

void html_decode(struct str x, bool attribute, struct buf *out)
{
    while (x.n) {
        char bytes[4];
        size_t n;
        size_t amp = str_chr(x, '&');
        size_t plain = amp == STR_NONE ? x.n : amp;
        buf_add(out, str_sub(x, 0, plain));
        x = str_from(x, plain);
        if (x.n == 0)
            break;
        size_t used = html_entity(x, attribute, bytes, &n);
        if (used)
            buf_addn(out, bytes, n);
        else
            buf_addc(out, '&');
        x = str_from(x, used ? used : 1);
    }
}
