#include <stdlib.h>

#include "mail/html_look.h"
#include "mail/transfer.h"

struct named {
    const char *name;
    uint32_t rgb;
};

/* CSS Color 4, 6.1, and the two system colours that Outlook writes. Sorted by name. */
static const struct named named_colours[] = {{"aliceblue", 0xf0f8ff},
                                             {"antiquewhite", 0xfaebd7},
                                             {"aqua", 0x00ffff},
                                             {"aquamarine", 0x7fffd4},
                                             {"azure", 0xf0ffff},
                                             {"beige", 0xf5f5dc},
                                             {"bisque", 0xffe4c4},
                                             {"black", 0x000000},
                                             {"blanchedalmond", 0xffebcd},
                                             {"blue", 0x0000ff},
                                             {"blueviolet", 0x8a2be2},
                                             {"brown", 0xa52a2a},
                                             {"burlywood", 0xdeb887},
                                             {"cadetblue", 0x5f9ea0},
                                             {"chartreuse", 0x7fff00},
                                             {"chocolate", 0xd2691e},
                                             {"coral", 0xff7f50},
                                             {"cornflowerblue", 0x6495ed},
                                             {"cornsilk", 0xfff8dc},
                                             {"crimson", 0xdc143c},
                                             {"cyan", 0x00ffff},
                                             {"darkblue", 0x00008b},
                                             {"darkcyan", 0x008b8b},
                                             {"darkgoldenrod", 0xb8860b},
                                             {"darkgray", 0xa9a9a9},
                                             {"darkgreen", 0x006400},
                                             {"darkgrey", 0xa9a9a9},
                                             {"darkkhaki", 0xbdb76b},
                                             {"darkmagenta", 0x8b008b},
                                             {"darkolivegreen", 0x556b2f},
                                             {"darkorange", 0xff8c00},
                                             {"darkorchid", 0x9932cc},
                                             {"darkred", 0x8b0000},
                                             {"darksalmon", 0xe9967a},
                                             {"darkseagreen", 0x8fbc8f},
                                             {"darkslateblue", 0x483d8b},
                                             {"darkslategray", 0x2f4f4f},
                                             {"darkslategrey", 0x2f4f4f},
                                             {"darkturquoise", 0x00ced1},
                                             {"darkviolet", 0x9400d3},
                                             {"deeppink", 0xff1493},
                                             {"deepskyblue", 0x00bfff},
                                             {"dimgray", 0x696969},
                                             {"dimgrey", 0x696969},
                                             {"dodgerblue", 0x1e90ff},
                                             {"firebrick", 0xb22222},
                                             {"floralwhite", 0xfffaf0},
                                             {"forestgreen", 0x228b22},
                                             {"fuchsia", 0xff00ff},
                                             {"gainsboro", 0xdcdcdc},
                                             {"ghostwhite", 0xf8f8ff},
                                             {"gold", 0xffd700},
                                             {"goldenrod", 0xdaa520},
                                             {"gray", 0x808080},
                                             {"green", 0x008000},
                                             {"greenyellow", 0xadff2f},
                                             {"grey", 0x808080},
                                             {"honeydew", 0xf0fff0},
                                             {"hotpink", 0xff69b4},
                                             {"indianred", 0xcd5c5c},
                                             {"indigo", 0x4b0082},
                                             {"ivory", 0xfffff0},
                                             {"khaki", 0xf0e68c},
                                             {"lavender", 0xe6e6fa},
                                             {"lavenderblush", 0xfff0f5},
                                             {"lawngreen", 0x7cfc00},
                                             {"lemonchiffon", 0xfffacd},
                                             {"lightblue", 0xadd8e6},
                                             {"lightcoral", 0xf08080},
                                             {"lightcyan", 0xe0ffff},
                                             {"lightgoldenrodyellow", 0xfafad2},
                                             {"lightgray", 0xd3d3d3},
                                             {"lightgreen", 0x90ee90},
                                             {"lightgrey", 0xd3d3d3},
                                             {"lightpink", 0xffb6c1},
                                             {"lightsalmon", 0xffa07a},
                                             {"lightseagreen", 0x20b2aa},
                                             {"lightskyblue", 0x87cefa},
                                             {"lightslategray", 0x778899},
                                             {"lightslategrey", 0x778899},
                                             {"lightsteelblue", 0xb0c4de},
                                             {"lightyellow", 0xffffe0},
                                             {"lime", 0x00ff00},
                                             {"limegreen", 0x32cd32},
                                             {"linen", 0xfaf0e6},
                                             {"magenta", 0xff00ff},
                                             {"maroon", 0x800000},
                                             {"mediumaquamarine", 0x66cdaa},
                                             {"mediumblue", 0x0000cd},
                                             {"mediumorchid", 0xba55d3},
                                             {"mediumpurple", 0x9370db},
                                             {"mediumseagreen", 0x3cb371},
                                             {"mediumslateblue", 0x7b68ee},
                                             {"mediumspringgreen", 0x00fa9a},
                                             {"mediumturquoise", 0x48d1cc},
                                             {"mediumvioletred", 0xc71585},
                                             {"midnightblue", 0x191970},
                                             {"mintcream", 0xf5fffa},
                                             {"mistyrose", 0xffe4e1},
                                             {"moccasin", 0xffe4b5},
                                             {"navajowhite", 0xffdead},
                                             {"navy", 0x000080},
                                             {"oldlace", 0xfdf5e6},
                                             {"olive", 0x808000},
                                             {"olivedrab", 0x6b8e23},
                                             {"orange", 0xffa500},
                                             {"orangered", 0xff4500},
                                             {"orchid", 0xda70d6},
                                             {"palegoldenrod", 0xeee8aa},
                                             {"palegreen", 0x98fb98},
                                             {"paleturquoise", 0xafeeee},
                                             {"palevioletred", 0xdb7093},
                                             {"papayawhip", 0xffefd5},
                                             {"peachpuff", 0xffdab9},
                                             {"peru", 0xcd853f},
                                             {"pink", 0xffc0cb},
                                             {"plum", 0xdda0dd},
                                             {"powderblue", 0xb0e0e6},
                                             {"purple", 0x800080},
                                             {"rebeccapurple", 0x663399},
                                             {"red", 0xff0000},
                                             {"rosybrown", 0xbc8f8f},
                                             {"royalblue", 0x4169e1},
                                             {"saddlebrown", 0x8b4513},
                                             {"salmon", 0xfa8072},
                                             {"sandybrown", 0xf4a460},
                                             {"seagreen", 0x2e8b57},
                                             {"seashell", 0xfff5ee},
                                             {"sienna", 0xa0522d},
                                             {"silver", 0xc0c0c0},
                                             {"skyblue", 0x87ceeb},
                                             {"slateblue", 0x6a5acd},
                                             {"slategray", 0x708090},
                                             {"slategrey", 0x708090},
                                             {"snow", 0xfffafa},
                                             {"springgreen", 0x00ff7f},
                                             {"steelblue", 0x4682b4},
                                             {"tan", 0xd2b48c},
                                             {"teal", 0x008080},
                                             {"thistle", 0xd8bfd8},
                                             {"tomato", 0xff6347},
                                             {"turquoise", 0x40e0d0},
                                             {"violet", 0xee82ee},
                                             {"wheat", 0xf5deb3},
                                             {"white", 0xffffff},
                                             {"whitesmoke", 0xf5f5f5},
                                             {"window", 0xffffff},
                                             {"windowtext", 0x000000},
                                             {"yellow", 0xffff00},
                                             {"yellowgreen", 0x9acd32}};

static int by_name(const void *key, const void *entry)
{
    return str_cmp(*(const struct str *)key, str_of(((const struct named *)entry)->name));
}

static bool read_name(struct str text, struct colour *colour)
{
    char lower[24];
    for (size_t i = 0; i < text.n && i < sizeof lower; i++)
        lower[i] = str_lower_char(text.s[i]);
    struct str key = str_n(lower, text.n);
    if (text.n > sizeof lower)
        return false;
    if (str_eq(key, STR("transparent"))) {
        *colour = (struct colour){.clear = true};
        return true;
    }
    const struct named *found =
        bsearch(&key, named_colours, sizeof named_colours / sizeof named_colours[0],
                sizeof named_colours[0], by_name);
    if (found == NULL)
        return false;
    *colour = (struct colour){.r = (unsigned char)(found->rgb >> 16),
                              .g = (unsigned char)(found->rgb >> 8),
                              .b = (unsigned char)found->rgb};
    return true;
}

/* rgb, rgba, rrggbb or rrggbbaa */
static bool read_hex(struct str text, struct colour *colour)
{
    unsigned char byte[4] = {0, 0, 0, 255};
    bool small = text.n == 3 || text.n == 4;
    if (!small && text.n != 6 && text.n != 8)
        return false;
    size_t step = small ? 1 : 2;
    for (size_t i = 0; i < text.n / step; i++) {
        int high = hex_digit(text.s[i * step]), low = hex_digit(text.s[i * step + step - 1]);
        if (high < 0 || low < 0)
            return false;
        byte[i] = (unsigned char)(high << 4 | low);
    }
    *colour = (struct colour){byte[0], byte[1], byte[2], byte[3] == 0};
    return true;
}

/* A number or percentage of `whole`, clamped to 0..whole. */
static bool read_channel(struct str text, double whole, double *value)
{
    text = str_trim(text);
    bool percent = str_ends(text, STR("%"));
    text.n -= percent;
    if (!str_to_double(text, value))
        return false;
    if (percent)
        *value = *value * whole / 100;
    *value = *value < 0 ? 0 : *value > whole ? whole : *value;
    return true;
}

/* The inside of "rgb(…)" or "rgba(…)": separated by commas, or by blanks and '/'. */
static bool read_rgb(struct str text, struct colour *colour)
{
    double v[4] = {0, 0, 0, 1};
    size_t n = 0;
    while (n < 4) {
        size_t from = 0, end;
        while (from < text.n && strchr(" ,/\t", text.s[from]))
            from++;
        for (end = from; end < text.n && !strchr(" ,/\t", text.s[end]);)
            end++;
        if (end == from)
            break;
        if (!read_channel(str_sub(text, from, end), n < 3 ? 255 : 1, &v[n]))
            return false;
        text = str_from(text, end);
        n++;
    }
    *colour =
        (struct colour){(unsigned char)v[0], (unsigned char)v[1], (unsigned char)v[2], v[3] < 0.05};
    return n >= 3;
}

bool colour_read(struct str text, struct colour *colour)
{
    text = str_trim(text);
    if (text.n == 0)
        return false;
    if (text.s[0] == '#')
        return read_hex(str_from(text, 1), colour);
    if (str_istarts(text, STR("rgb"))) {
        size_t open = str_chr(text, '('), close = str_chr(text, ')');
        if (open == STR_NONE)
            return false;
        return read_rgb(str_sub(text, open + 1, close == STR_NONE ? text.n : close), colour);
    }
    return read_name(text, colour) || (text.n == 6 && read_hex(text, colour));
}
