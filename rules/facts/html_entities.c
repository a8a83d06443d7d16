#include "rules/facts/html_entities.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "mail/transfer.h"
#include "mail/utf8.h"

#define NAME_BYTES_MAX 8

struct entity {
    char name[NAME_BYTES_MAX + 1];
    bool semicolon; /* stands for a character only with one */
    uint16_t code;
};

/* HTML 4.01 section 24, and "apos"; sorted by name. */
static const struct entity entities[] = {
    {"AElig", false, 0x00c6},  {"Aacute", false, 0x00c1}, {"Acirc", false, 0x00c2},
    {"Agrave", false, 0x00c0}, {"Alpha", true, 0x0391},   {"Aring", false, 0x00c5},
    {"Atilde", false, 0x00c3}, {"Auml", false, 0x00c4},   {"Beta", true, 0x0392},
    {"Ccedil", false, 0x00c7}, {"Chi", true, 0x03a7},     {"Dagger", true, 0x2021},
    {"Delta", true, 0x0394},   {"ETH", false, 0x00d0},    {"Eacute", false, 0x00c9},
    {"Ecirc", false, 0x00ca},  {"Egrave", false, 0x00c8}, {"Epsilon", true, 0x0395},
    {"Eta", true, 0x0397},     {"Euml", false, 0x00cb},   {"Gamma", true, 0x0393},
    {"Iacute", false, 0x00cd}, {"Icirc", false, 0x00ce},  {"Igrave", false, 0x00cc},
    {"Iota", true, 0x0399},    {"Iuml", false, 0x00cf},   {"Kappa", true, 0x039a},
    {"Lambda", true, 0x039b},  {"Mu", true, 0x039c},      {"Ntilde", false, 0x00d1},
    {"Nu", true, 0x039d},      {"OElig", true, 0x0152},   {"Oacute", false, 0x00d3},
    {"Ocirc", false, 0x00d4},  {"Ograve", false, 0x00d2}, {"Omega", true, 0x03a9},
    {"Omicron", true, 0x039f}, {"Oslash", false, 0x00d8}, {"Otilde", false, 0x00d5},
    {"Ouml", false, 0x00d6},   {"Phi", true, 0x03a6},     {"Pi", true, 0x03a0},
    {"Prime", true, 0x2033},   {"Psi", true, 0x03a8},     {"Rho", true, 0x03a1},
    {"Scaron", true, 0x0160},  {"Sigma", true, 0x03a3},   {"THORN", false, 0x00de},
    {"Tau", true, 0x03a4},     {"Theta", true, 0x0398},   {"Uacute", false, 0x00da},
    {"Ucirc", false, 0x00db},  {"Ugrave", false, 0x00d9}, {"Upsilon", true, 0x03a5},
    {"Uuml", false, 0x00dc},   {"Xi", true, 0x039e},      {"Yacute", false, 0x00dd},
    {"Yuml", true, 0x0178},    {"Zeta", true, 0x0396},    {"aacute", false, 0x00e1},
    {"acirc", false, 0x00e2},  {"acute", false, 0x00b4},  {"aelig", false, 0x00e6},
    {"agrave", false, 0x00e0}, {"alefsym", true, 0x2135}, {"alpha", true, 0x03b1},
    {"amp", false, 0x0026},    {"and", true, 0x2227},     {"ang", true, 0x2220},
    {"apos", false, 0x0027},   {"aring", false, 0x00e5},  {"asymp", true, 0x2248},
    {"atilde", false, 0x00e3}, {"auml", false, 0x00e4},   {"bdquo", true, 0x201e},
    {"beta", true, 0x03b2},    {"brvbar", false, 0x00a6}, {"bull", true, 0x2022},
    {"cap", true, 0x2229},     {"ccedil", false, 0x00e7}, {"cedil", false, 0x00b8},
    {"cent", false, 0x00a2},   {"chi", true, 0x03c7},     {"circ", true, 0x02c6},
    {"clubs", true, 0x2663},   {"cong", true, 0x2245},    {"copy", false, 0x00a9},
    {"crarr", true, 0x21b5},   {"cup", true, 0x222a},     {"curren", false, 0x00a4},
    {"dArr", true, 0x21d3},    {"dagger", true, 0x2020},  {"darr", true, 0x2193},
    {"deg", false, 0x00b0},    {"delta", true, 0x03b4},   {"diams", true, 0x2666},
    {"divide", false, 0x00f7}, {"eacute", false, 0x00e9}, {"ecirc", false, 0x00ea},
    {"egrave", false, 0x00e8}, {"empty", true, 0x2205},   {"emsp", true, 0x2003},
    {"ensp", true, 0x2002},    {"epsilon", true, 0x03b5}, {"equiv", true, 0x2261},
    {"eta", true, 0x03b7},     {"eth", false, 0x00f0},    {"euml", false, 0x00eb},
    {"euro", true, 0x20ac},    {"exist", true, 0x2203},   {"fnof", true, 0x0192},
    {"forall", true, 0x2200},  {"frac12", false, 0x00bd}, {"frac14", false, 0x00bc},
    {"frac34", false, 0x00be}, {"frasl", true, 0x2044},   {"gamma", true, 0x03b3},
    {"ge", true, 0x2265},      {"gt", false, 0x003e},     {"hArr", true, 0x21d4},
    {"harr", true, 0x2194},    {"hearts", true, 0x2665},  {"hellip", true, 0x2026},
    {"iacute", false, 0x00ed}, {"icirc", false, 0x00ee},  {"iexcl", false, 0x00a1},
    {"igrave", false, 0x00ec}, {"image", true, 0x2111},   {"infin", true, 0x221e},
    {"int", true, 0x222b},     {"iota", true, 0x03b9},    {"iquest", false, 0x00bf},
    {"isin", true, 0x2208},    {"iuml", false, 0x00ef},   {"kappa", true, 0x03ba},
    {"lArr", true, 0x21d0},    {"lambda", true, 0x03bb},  {"lang", true, 0x2329},
    {"laquo", false, 0x00ab},  {"larr", true, 0x2190},    {"lceil", true, 0x2308},
    {"ldquo", true, 0x201c},   {"le", true, 0x2264},      {"lfloor", true, 0x230a},
    {"lowast", true, 0x2217},  {"loz", true, 0x25ca},     {"lrm", true, 0x200e},
    {"lsaquo", true, 0x2039},  {"lsquo", true, 0x2018},   {"lt", false, 0x003c},
    {"macr", false, 0x00af},   {"mdash", true, 0x2014},   {"micro", false, 0x00b5},
    {"middot", false, 0x00b7}, {"minus", true, 0x2212},   {"mu", true, 0x03bc},
    {"nabla", true, 0x2207},   {"nbsp", false, 0x00a0},   {"ndash", true, 0x2013},
    {"ne", true, 0x2260},      {"ni", true, 0x220b},      {"not", false, 0x00ac},
    {"notin", true, 0x2209},   {"nsub", true, 0x2284},    {"ntilde", false, 0x00f1},
    {"nu", true, 0x03bd},      {"oacute", false, 0x00f3}, {"ocirc", false, 0x00f4},
    {"oelig", true, 0x0153},   {"ograve", false, 0x00f2}, {"oline", true, 0x203e},
    {"omega", true, 0x03c9},   {"omicron", true, 0x03bf}, {"oplus", true, 0x2295},
    {"or", true, 0x2228},      {"ordf", false, 0x00aa},   {"ordm", false, 0x00ba},
    {"oslash", false, 0x00f8}, {"otilde", false, 0x00f5}, {"otimes", true, 0x2297},
    {"ouml", false, 0x00f6},   {"para", false, 0x00b6},   {"part", true, 0x2202},
    {"permil", true, 0x2030},  {"perp", true, 0x22a5},    {"phi", true, 0x03c6},
    {"pi", true, 0x03c0},      {"piv", true, 0x03d6},     {"plusmn", false, 0x00b1},
    {"pound", false, 0x00a3},  {"prime", true, 0x2032},   {"prod", true, 0x220f},
    {"prop", true, 0x221d},    {"psi", true, 0x03c8},     {"quot", false, 0x0022},
    {"rArr", true, 0x21d2},    {"radic", true, 0x221a},   {"rang", true, 0x232a},
    {"raquo", false, 0x00bb},  {"rarr", true, 0x2192},    {"rceil", true, 0x2309},
    {"rdquo", true, 0x201d},   {"real", true, 0x211c},    {"reg", false, 0x00ae},
    {"rfloor", true, 0x230b},  {"rho", true, 0x03c1},     {"rlm", true, 0x200f},
    {"rsaquo", true, 0x203a},  {"rsquo", true, 0x2019},   {"sbquo", true, 0x201a},
    {"scaron", true, 0x0161},  {"sdot", true, 0x22c5},    {"sect", false, 0x00a7},
    {"shy", false, 0x00ad},    {"sigma", true, 0x03c3},   {"sigmaf", true, 0x03c2},
    {"sim", true, 0x223c},     {"spades", true, 0x2660},  {"sub", true, 0x2282},
    {"sube", true, 0x2286},    {"sum", true, 0x2211},     {"sup", true, 0x2283},
    {"sup1", false, 0x00b9},   {"sup2", false, 0x00b2},   {"sup3", false, 0x00b3},
    {"supe", true, 0x2287},    {"szlig", false, 0x00df},  {"tau", true, 0x03c4},
    {"there4", true, 0x2234},  {"theta", true, 0x03b8},   {"thetasym", true, 0x03d1},
    {"thinsp", true, 0x2009},  {"thorn", false, 0x00fe},  {"tilde", true, 0x02dc},
    {"times", false, 0x00d7},  {"trade", true, 0x2122},   {"uArr", true, 0x21d1},
    {"uacute", false, 0x00fa}, {"uarr", true, 0x2191},    {"ucirc", false, 0x00fb},
    {"ugrave", false, 0x00f9}, {"uml", false, 0x00a8},    {"upsih", true, 0x03d2},
    {"upsilon", true, 0x03c5}, {"uuml", false, 0x00fc},   {"weierp", true, 0x2118},
    {"xi", true, 0x03be},      {"yacute", false, 0x00fd}, {"yen", false, 0x00a5},
    {"yuml", false, 0x00ff},   {"zeta", true, 0x03b6},    {"zwj", true, 0x200d},
    {"zwnj", true, 0x200c},
};

static int by_name(const void *key, const void *entry)
{
    return str_cmp(*(const struct str *)key, str_of(((const struct entity *)entry)->name));
}

static const struct entity *find(struct str name)
{
    if (name.n > NAME_BYTES_MAX)
        return NULL;
    return bsearch(&name, entities, sizeof entities / sizeof entities[0], sizeof entities[0],
                   by_name);
}

/* The character named at x's start (behind the '&'), 0: none; *n is how many bytes it takes. */
static uint32_t read_name(struct str x, bool prefix, size_t *n)
{
    size_t length = 0;
    while (length < x.n && ascii_is_alnum(x.s[length]))
        length++;
    const struct entity *entity = find(str_sub(x, 0, length));
    bool semicolon = length < x.n && x.s[length] == ';';
    *n = length;
    if (entity && (semicolon || !entity->semicolon)) {
        *n += semicolon;
        return entity->code;
    }
    if (length > NAME_BYTES_MAX + 1)
        length = NAME_BYTES_MAX + 1;
    while (prefix && length > 2) {
        entity = find(str_sub(x, 0, --length));
        if (entity && !entity->semicolon) {
            *n = length;
            return entity->code;
        }
    }
    return 0;
}

static uint32_t digits(struct str x, size_t at, bool hex, size_t *n)
{
    uint32_t code = 0;
    size_t first = at;
    for (; at < x.n; at++) {
        int digit = hex_digit(x.s[at]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        code = code * (hex ? 16 : 10) + (uint32_t)digit;
        if (code > 0x10ffff)
            break;
    }
    *n = at;
    return at == first || code > 0x10ffff ? 0 : code;
}

/* As read_name(), for what follows "&#". */
static uint32_t read_number(struct str x, size_t *n)
{
    bool hex = x.n > 1 && (x.s[1] | 32) == 'x';
    uint32_t code = digits(x, hex ? 2 : 1, hex, n);
    if (code == 0 || code == 0xfffe || code == 0xffff)
        return 0;
    if (*n < x.n && x.s[*n] == ';')
        ++*n;
    bool none = (code >= 0xd800 && code < 0xe000) || (code >= 0xfdd0 && code <= 0xfdef) ||
                (code & 0xfffe) == 0xfffe;
    return none ? UTF8_REPLACE : code;
}

static uint32_t high_half(uint32_t code)
{
    return code >= 0xd800 && code < 0xdc00 ? code : 0;
}

/* The second half of a character above U+FFFF, written as two references; 0: it is none. */
static uint32_t low_half(struct str x, size_t *n)
{
    if (!str_starts(x, STR("&#")))
        return 0;
    struct str reference = str_from(x, 1);
    bool hex = reference.n > 1 && (reference.s[1] | 32) == 'x';
    uint32_t code = digits(reference, hex ? 2 : 1, hex, n);
    if (code < 0xdc00 || code >= 0xe000)
        return 0;
    *n += *n < reference.n && reference.s[*n] == ';' ? 2 : 1;
    return code;
}

static uint32_t read_reference(struct str x, bool prefix, size_t *n)
{
    if (x.n == 0 || x.s[0] != '#')
        return read_name(x, prefix, n);
    uint32_t code = read_number(x, n);
    size_t more, first;
    bool hex = x.n > 1 && (x.s[1] | 32) == 'x';
    uint32_t high = code == UTF8_REPLACE ? high_half(digits(x, hex ? 2 : 1, hex, &first)) : 0;
    uint32_t low = high ? low_half(str_from(x, *n), &more) : 0;
    if (low == 0)
        return code;
    *n += more;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

size_t html_entities_decode(struct str x, bool prefix, char *out, bool *wide)
{
    size_t n = 0, at = 0;
    while (at < x.n) {
        const char *amp = memchr(x.s + at, '&', x.n - at);
        size_t end = amp ? (size_t)(amp - x.s) : x.n;
        memmove(out + n, x.s + at, end - at);
        n += end - at;
        at = end + 1;
        if (amp == NULL)
            break;
        size_t taken = 0;
        uint32_t code = read_reference(str_from(x, at), prefix, &taken);
        if (code == 0) {
            out[n++] = '&';
            continue;
        }
        n += utf8_put(out + n, code);
        *wide |= code > 0xff;
        at += taken;
    }
    return n;
}
