#include "rules/facts/html_names.h"

#include <stdlib.h>

#include "base/ascii.h"

/* Sorted by name. */
static const struct html_name names[] = {
    {"a", NAME_ELEMENT | NAME_STYLE, ID_A},
    {"abbr", NAME_ELEMENT, ID_OTHER},
    {"acronym", NAME_ELEMENT, ID_OTHER},
    {"address", NAME_ELEMENT, ID_OTHER},
    {"applet", NAME_ELEMENT, ID_OTHER},
    {"area", NAME_ELEMENT, ID_AREA},
    {"b", NAME_ELEMENT, ID_OTHER},
    {"base", NAME_ELEMENT, ID_BASE},
    {"basefont", NAME_ELEMENT | NAME_STYLE, ID_BASEFONT},
    {"bdo", NAME_ELEMENT, ID_OTHER},
    {"bgsound", NAME_TRICK, ID_BGSOUND},
    {"big", NAME_ELEMENT | NAME_STYLE, ID_BIG},
    {"blockquote", NAME_ELEMENT | NAME_LINES, ID_OTHER},
    {"body", NAME_ELEMENT | NAME_STYLE, ID_BODY},
    {"br", NAME_ELEMENT | NAME_LINE, ID_OTHER},
    {"button", NAME_ELEMENT, ID_OTHER},
    {"caption", NAME_ELEMENT, ID_OTHER},
    {"center", NAME_ELEMENT, ID_OTHER},
    {"cite", NAME_ELEMENT, ID_OTHER},
    {"code", NAME_ELEMENT, ID_OTHER},
    {"col", NAME_ELEMENT, ID_OTHER},
    {"colgroup", NAME_ELEMENT, ID_OTHER},
    {"dd", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"del", NAME_ELEMENT, ID_OTHER},
    {"dfn", NAME_ELEMENT, ID_OTHER},
    {"dir", NAME_ELEMENT, ID_OTHER},
    {"div", NAME_ELEMENT | NAME_LINE | NAME_STYLE, ID_DIV},
    {"dl", NAME_ELEMENT, ID_OTHER},
    {"dt", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"em", NAME_ELEMENT, ID_OTHER},
    {"embed", NAME_TRICK | NAME_BLANK, ID_EMBED},
    {"fieldset", NAME_ELEMENT, ID_OTHER},
    {"font", NAME_ELEMENT | NAME_STYLE, ID_FONT},
    {"form", NAME_ELEMENT, ID_FORM},
    {"frame", NAME_ELEMENT, ID_FRAME},
    {"frameset", NAME_ELEMENT, ID_OTHER},
    {"h1", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"h2", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"h3", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"h4", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"h5", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"h6", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"head", NAME_ELEMENT, ID_OTHER},
    {"hr", NAME_ELEMENT | NAME_LINES, ID_OTHER},
    {"html", NAME_ELEMENT, ID_OTHER},
    {"i", NAME_ELEMENT, ID_OTHER},
    {"iframe", NAME_ELEMENT, ID_IFRAME},
    {"img", NAME_ELEMENT, ID_IMG},
    {"input", NAME_ELEMENT, ID_OTHER},
    {"ins", NAME_ELEMENT, ID_OTHER},
    {"isindex", NAME_ELEMENT, ID_OTHER},
    {"kbd", NAME_ELEMENT, ID_OTHER},
    {"label", NAME_ELEMENT, ID_OTHER},
    {"legend", NAME_ELEMENT, ID_OTHER},
    {"li", NAME_ELEMENT | NAME_BLANK, ID_OTHER},
    {"link", NAME_ELEMENT, ID_LINK},
    {"listing", NAME_TRICK | NAME_LINES, ID_OTHER},
    {"map", NAME_ELEMENT, ID_OTHER},
    {"marquee", NAME_STYLE, ID_MARQUEE},
    {"menu", NAME_ELEMENT, ID_OTHER},
    {"meta", NAME_ELEMENT, ID_META},
    {"nobr", NAME_ELEMENT, ID_OTHER},
    {"noframes", NAME_ELEMENT, ID_OTHER},
    {"noscript", NAME_ELEMENT, ID_OTHER},
    {"object", NAME_ELEMENT, ID_OBJECT},
    {"ol", NAME_ELEMENT, ID_OTHER},
    {"optgroup", NAME_ELEMENT, ID_OTHER},
    {"option", NAME_ELEMENT, ID_OTHER},
    {"p", NAME_ELEMENT | NAME_LINES | NAME_STYLE, ID_P},
    {"param", NAME_ELEMENT, ID_OTHER},
    {"plaintext", NAME_TRICK | NAME_LINES, ID_OTHER},
    {"pre", NAME_ELEMENT | NAME_LINES, ID_OTHER},
    {"q", NAME_ELEMENT, ID_OTHER},
    {"s", NAME_ELEMENT, ID_OTHER},
    {"samp", NAME_ELEMENT, ID_OTHER},
    {"script", NAME_ELEMENT, ID_SCRIPT},
    {"select", NAME_ELEMENT, ID_OTHER},
    {"small", NAME_ELEMENT | NAME_STYLE, ID_SMALL},
    {"span", NAME_ELEMENT | NAME_STYLE, ID_SPAN},
    {"strike", NAME_ELEMENT, ID_OTHER},
    {"strong", NAME_ELEMENT, ID_OTHER},
    {"style", NAME_ELEMENT, ID_STYLE},
    {"sub", NAME_ELEMENT, ID_OTHER},
    {"sup", NAME_ELEMENT, ID_OTHER},
    {"table", NAME_ELEMENT | NAME_STYLE, ID_TABLE},
    {"tbody", NAME_ELEMENT, ID_OTHER},
    {"td", NAME_ELEMENT | NAME_BLANK | NAME_STYLE, ID_TD},
    {"textarea", NAME_ELEMENT, ID_OTHER},
    {"tfoot", NAME_ELEMENT, ID_OTHER},
    {"th", NAME_ELEMENT | NAME_BLANK | NAME_STYLE, ID_TH},
    {"thead", NAME_ELEMENT, ID_OTHER},
    {"title", NAME_ELEMENT | NAME_LINES, ID_TITLE},
    {"tr", NAME_ELEMENT | NAME_STYLE, ID_TR},
    {"tt", NAME_ELEMENT, ID_OTHER},
    {"u", NAME_ELEMENT, ID_OTHER},
    {"ul", NAME_ELEMENT, ID_OTHER},
    {"var", NAME_ELEMENT, ID_OTHER},
    {"x-sigsep", NAME_ELEMENT, ID_OTHER},
    {"x-tab", NAME_ELEMENT, ID_OTHER},
    {"xmp", NAME_TRICK | NAME_LINES, ID_OTHER},
};

static int by_name(const void *key, const void *entry)
{
    return str_cmp(*(const struct str *)key, str_of(((const struct html_name *)entry)->name));
}

const struct html_name *html_name_find(struct str name)
{
    return bsearch(&name, names, sizeof names / sizeof names[0], sizeof names[0], by_name);
}

static bool is_word_or_hyphen(char c)
{
    return ascii_is_word(c) || c == '-';
}

bool html_name_is_office(struct str name)
{
    size_t at = 0;
    if (str_starts(name, STR("o:")))
        at = 2;
    else if (name.n > 4 && str_starts(name, STR("st")) && name.s[2] >= '0' && name.s[2] <= '9' &&
             name.s[3] == ':')
        at = 4;
    size_t end = name.n && name.s[name.n - 1] == '/' ? name.n - 1 : name.n;
    if (at == 0 || at >= end)
        return false;
    while (at < end && is_word_or_hyphen(name.s[at]))
        at++;
    return at == end;
}
