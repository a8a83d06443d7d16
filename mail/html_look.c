#include "mail/html_look.h"

const struct look look_of_page = {
    .text = {0, 0, 0, false},
    .back = {255, 255, 255, false},
    .font_size = 16,
};

struct look look_inside(const struct look *parent)
{
    struct look look = *parent;
    look.no_display = look.clipped = look.zero_box = look.positioned = false;
    return look;
}

/* A CSS length in pixels; `whole` is what percentages and em count in. */
static bool read_length(struct str text, double whole, double *pixels)
{
    static const struct {
        const char *name;
        double pixels; /* 0: of whole */
    } units[] = {{"px", 1}, {"pt", 4.0 / 3}, {"em", 0},  {"rem", 16}, {"%", 0},    {"", 1},
                 {"ex", 8}, {"pc", 16},      {"in", 96}, {"cm", 38},  {"mm", 3.8}, {"vw", 6}};
    size_t n = 0;
    text = str_trim(text);
    while (n < text.n && strchr("+-.0123456789", text.s[n]) && text.s[n])
        n++;
    double number;
    if (!str_to_double(str_sub(text, 0, n), &number))
        return false;
    struct str unit = str_from(text, n);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!str_ieq(unit, str_of(units[i].name)))
            continue;
        double scale = units[i].pixels;
        if (scale == 0)
            scale = str_ieq(unit, STR("%")) ? whole / 100 : whole;
        *pixels = number * scale;
        return true;
    }
    return false;
}

static bool is_word(struct str value, const char *word)
{
    return str_ieq(value, str_of(word));
}

static void set_font_size(struct look *look, const struct look *parent, struct str value)
{
    double pixels;
    if (read_length(value, parent->font_size, &pixels))
        look->font_size = pixels;
    else if (is_word(value, "smaller"))
        look->font_size = parent->font_size * 0.83;
    else if (is_word(value, "larger"))
        look->font_size = parent->font_size * 1.2;
    else if (str_iends(value, STR("small")) || str_iends(value, STR("large")) ||
             is_word(value, "medium"))
        look->font_size = 16;
}

static void set_back(struct look *look, struct colour colour)
{
    if (colour.clear)
        return;
    look->back = colour;
    look->back_image = false;
}

/* The shorthand holds a colour somewhere, a picture, or both. */
static void set_background(struct look *look, struct str value)
{
    struct colour colour;
    if (colour_read(value, &colour)) {
        set_back(look, colour);
        return;
    }
    struct str rest = value, word;
    while (str_next(&rest, ' ', &word))
        if (colour_read(word, &colour))
            set_back(look, colour);
    if (str_ifind(value, STR("url(")) != STR_NONE || str_ifind(value, STR("gradient")) != STR_NONE)
        look->back_image = true;
}

/* The size in the shorthand "bold 12px/1.5 Arial": the first length. */
static void set_font(struct look *look, const struct look *parent, struct str value)
{
    struct str rest = value, word;
    while (str_next(&rest, ' ', &word)) {
        double pixels;
        struct str size = str_sub(word, 0, str_chr(word, '/'));
        bool weight = size.n == 3 && str_ends(size, STR("00"));
        if (!weight && read_length(size, parent->font_size, &pixels)) {
            look->font_size = pixels;
            return;
        }
    }
}

static void set_box(struct look *look, struct str value)
{
    double pixels;
    if (read_length(value, 100, &pixels) && pixels <= 1)
        look->zero_box = true;
}

static void set_offset(struct look *look, struct str value)
{
    double pixels;
    if (look->positioned && read_length(value, 100, &pixels) && (pixels < -500 || pixels > 5000))
        look->gone = true;
}

static void set_visibility(struct look *look, struct str value)
{
    look->invisible = is_word(value, "hidden") || is_word(value, "collapse");
}

static void set_text_colour(struct look *look, struct str value)
{
    struct colour colour;
    if (colour_read(value, &colour))
        look->text = colour;
}

static void set_opacity(struct look *look, struct str value)
{
    double v;
    if (read_length(value, 1, &v) && v < 0.05)
        look->gone = true;
}

static void set_indent(struct look *look, struct str value)
{
    double pixels;
    if (read_length(value, 100, &pixels) && pixels < -500)
        look->gone = true;
}

static void set_clip(struct look *look, struct str value)
{
    if (look->positioned &&
        (str_istarts(value, STR("rect(0")) || str_istarts(value, STR("rect(1px"))))
        look->gone = true;
}

static void declare(struct look *look, const struct look *parent, struct str name, struct str value)
{
    if (is_word(name, "display"))
        look->no_display = is_word(value, "none");
    else if (is_word(name, "visibility"))
        set_visibility(look, value);
    else if (is_word(name, "color"))
        set_text_colour(look, value);
    else if (is_word(name, "background") || is_word(name, "background-color") ||
             is_word(name, "background-image"))
        set_background(look, value);
    else if (is_word(name, "font-size"))
        set_font_size(look, parent, value);
    else if (is_word(name, "font"))
        set_font(look, parent, value);
    else if (is_word(name, "opacity"))
        set_opacity(look, value);
    else if (is_word(name, "max-height") || is_word(name, "height") || is_word(name, "max-width") ||
             is_word(name, "width"))
        set_box(look, value);
    else if (is_word(name, "overflow"))
        look->clipped = is_word(value, "hidden") || is_word(value, "clip");
    else if (is_word(name, "position"))
        look->positioned = is_word(value, "absolute") || is_word(value, "fixed");
    else if (is_word(name, "left") || is_word(name, "top") || is_word(name, "right"))
        set_offset(look, value);
    else if (is_word(name, "text-indent"))
        set_indent(look, value);
    else if (is_word(name, "clip"))
        set_clip(look, value);
    else if (is_word(name, "mso-hide"))
        look->gone |= is_word(value, "all");
}

/* Without "!important" and a comment in front of or behind it. */
static struct str plain_value(struct str value)
{
    size_t bang = str_chr(value, '!');
    value = str_trim(str_sub(value, 0, bang));
    if (str_starts(value, STR("/*"))) {
        size_t close = str_find(value, STR("*/"));
        value = close == STR_NONE ? STR_EMPTY : str_trim(str_from(value, close + 2));
    }
    size_t open = str_find(value, STR("/*"));
    return open == STR_NONE ? value : str_trim(str_sub(value, 0, open));
}

#define PARENTHESES_MAX 4096 /* looked through for their end */

/* Where the declaration ends: at a ';' outside parentheses (data: URIs hold some). */
static size_t declaration_end(struct str x)
{
    size_t semicolon = str_chr(x, ';');
    size_t open = str_chr(str_sub(x, 0, semicolon), '(');
    if (open == STR_NONE)
        return semicolon == STR_NONE ? x.n : semicolon;
    size_t close = str_chr(str_sub(x, open, open + PARENTHESES_MAX), ')');
    if (close == STR_NONE)
        return semicolon == STR_NONE ? x.n : semicolon;
    size_t after = str_chr(str_from(x, open + close), ';');
    return after == STR_NONE ? x.n : open + close + after;
}

void look_declare(struct look *look, const struct look *parent, struct str rest)
{
    while (rest.n) {
        size_t end = declaration_end(rest);
        struct str one = str_sub(rest, 0, end);
        size_t colon = str_chr(one, ':');
        if (colon != STR_NONE)
            declare(look, parent, str_trim(str_sub(one, 0, colon)),
                    plain_value(str_from(one, colon + 1)));
        rest = str_from(rest, end + 1);
    }
}

bool look_attribute(struct look *look, struct str name, struct str value)
{
    struct colour colour;
    if (is_word(name, "hidden")) {
        look->gone = true;
    } else if (is_word(name, "color") || is_word(name, "text")) {
        set_text_colour(look, value);
    } else if (is_word(name, "bgcolor")) {
        if (colour_read(value, &colour))
            set_back(look, colour);
    } else if (is_word(name, "background")) {
        look->back_image = value.n > 0;
    } else {
        return false;
    }
    return true;
}

void look_finish(struct look *look)
{
    if (look->no_display || (look->zero_box && look->clipped))
        look->gone = true;
}

static int difference(unsigned char a, unsigned char b)
{
    return a > b ? a - b : b - a;
}

bool look_is_hidden(const struct look *look)
{
    if (look->gone || look->invisible || look->font_size <= LOOK_TINY_SIZE || look->text.clear)
        return true;
    if (look->back_image)
        return false;
    int apart = difference(look->text.r, look->back.r) + difference(look->text.g, look->back.g) +
                difference(look->text.b, look->back.b);
    return apart <= LOOK_NEAR_COLOUR;
}
