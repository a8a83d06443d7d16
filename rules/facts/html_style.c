#include "rules/facts/html_style.h"

#include "base/ascii.h"

#include <math.h>

#include "mail/html_look.h"
#include "mail/transfer.h"

#define NEAR_COLOUR   12 /* distance of colours, weighted by brightness, that is not read */
#define COLOUR_MAX    64 /* bytes; a longer text is no colour */
#define NORMAL_SIZE   3
#define NUMBER_DIGITS 9 /* of a number; one with more is as good as that */

static struct str trim(struct str x)
{
    while (x.n && ascii_is_space(x.s[0]))
        x = str_from(x, 1);
    while (x.n && ascii_is_space(x.s[x.n - 1]))
        x.n--;
    return x;
}

/* The digits that x starts with; *n is how many. */
static uint32_t read_digits(struct str x, size_t *n)
{
    uint32_t value = 0;
    for (*n = 0; *n < x.n && x.s[*n] >= '0' && x.s[*n] <= '9'; ++*n) {
        if (*n < NUMBER_DIGITS)
            value = value * 10 + (uint32_t)(x.s[*n] - '0');
    }
    return value;
}

/* "#rgb", "#rrggbb", with too few digits filled up and other characters left out. */
static uint32_t read_hex(struct str x)
{
    unsigned digits[6];
    size_t n = 0;
    for (size_t i = 0; i < x.n && n < 6; i++) {
        int digit = hex_digit(x.s[i]);
        if (digit >= 0)
            digits[n++] = (unsigned)digit;
    }
    if (n == 0)
        return STYLE_NO_COLOUR;
    if (n == 4 || n == 5)
        n = 3;
    while (n % 3)
        digits[n++] = 0;
    uint32_t value = 0;
    for (size_t i = 0; i < 6; i++)
        value = value << 4 | digits[n == 3 ? i / 2 : i];
    return value;
}

/* The inside of "rgb(1, 2, 3)" or "rgb(1%, 2%, 3%)". */
static uint32_t read_channels(struct str x)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++) {
        size_t n;
        uint32_t channel = read_digits(x, &n);
        bool percent = n < x.n && x.s[n] == '%';
        if (n == 0)
            return STYLE_NO_COLOUR;
        if (percent)
            channel = channel * 255 / 100;
        value = value << 8 | (channel > 255 ? 255 : channel);
        x = trim(str_from(x, n + percent));
        if (i < 2 && (x.n == 0 || x.s[0] != ','))
            return STYLE_NO_COLOUR;
        x = i < 2 ? trim(str_from(x, 1)) : x;
    }
    return x.n && x.s[0] == ')' ? value : STYLE_NO_COLOUR;
}

/* Has it letters only, not all of them hexadecimal digits? */
static bool is_name(struct str x)
{
    bool beyond_hex = false;
    for (size_t i = 0; i < x.n; i++) {
        char low = str_lower_char(x.s[i]);
        if (low < 'a' || low > 'z')
            return false;
        beyond_hex |= low > 'f';
    }
    return beyond_hex;
}

/* Names of CSS that came after CSS 3 Color, or that are no colours of their own. */
static bool is_newer_name(struct str x)
{
    static const char *const names[] = {"rebeccapurple", "window", "windowtext", "transparent"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_ieq(x, str_of(names[i])))
            return true;
    }
    return false;
}

/* As HTML's and CSS's colours are read; STYLE_NO_COLOUR. */
static uint32_t style_colour(struct str text)
{
    struct colour colour;
    text = trim(text);
    if (text.n == 0 || text.n > COLOUR_MAX)
        return STYLE_NO_COLOUR;
    if (is_name(text)) {
        if (is_newer_name(text) || !colour_read(text, &colour))
            return STYLE_NO_COLOUR;
        return (uint32_t)(colour.r << 16 | colour.g << 8 | colour.b);
    }
    size_t open = str_ifind(text, STR("rgb("));
    if (open != STR_NONE)
        return read_channels(trim(str_from(text, open + 4)));
    for (size_t i = 0; i < text.n; i++) {
        if (hex_digit(text.s[i]) < 0 && text.s[i] != '#')
            return STYLE_NO_COLOUR;
    }
    return text.s[0] == '#' ? read_hex(text) : STYLE_NO_COLOUR;
}

/* The first three numbers between commas, whatever else stands there. */
static uint32_t read_loose_rgb(struct str x)
{
    uint32_t value = 0, channel = 0;
    unsigned n = 0;
    for (size_t i = 0; i < x.n && n < 3; i++) {
        if (x.s[i] >= '0' && x.s[i] <= '9')
            channel = channel > 255 ? 256 : channel * 10 + (uint32_t)(x.s[i] - '0');
        if (x.s[i] != ',')
            continue;
        value = value << 8 | (channel > 255 ? 255 : channel);
        channel = 0;
        n++;
    }
    for (; n < 3; n++) {
        value = value << 8 | (channel > 255 ? 255 : channel);
        channel = 0;
    }
    return value;
}

static struct str without_important(struct str x)
{
    struct str rest = x;
    if (!str_iends(rest, STR("important")))
        return x;
    rest = trim(str_sub(rest, 0, rest.n - 9));
    if (!str_ends(rest, STR("!")))
        return x;
    return trim(str_sub(rest, 0, rest.n - 1));
}

/* "color:" and "background-color:" */
static void declare_colour(struct str value, uint32_t *colour)
{
    value = without_important(value);
    if (str_ifind(value, STR("rgb")) != STR_NONE)
        *colour = read_loose_rgb(value);
    else if (str_ieq(value, STR("transparent")))
        *colour = STYLE_TRANSPARENT;
    else if (!str_ieq(value, STR("inherit")))
        *colour = style_colour(value);
}

/* The next word of a background; quotes and brackets hold it together. *comma: it ends a layer. */
static bool next_word(struct str *rest, struct str *word, bool *comma)
{
    char inside = '\0';
    bool bracket = false;
    size_t at = 0;
    while (rest->n && rest->s[0] == ' ')
        *rest = str_from(*rest, 1);
    for (; at < rest->n; at++) {
        char c = rest->s[at];
        if (inside) {
            inside = c == inside ? '\0' : inside;
        } else if (c == '"' || c == '\'') {
            inside = c;
        } else if (bracket) {
            bracket = c != ')';
            if (!bracket) {
                at++;
                break;
            }
        } else if (c == '(') {
            bracket = true;
        } else if (c == ' ' || c == ',') {
            break;
        }
    }
    *word = str_sub(*rest, 0, at);
    *comma = at < rest->n && rest->s[at] == ',';
    *rest = str_from(*rest, at + *comma);
    return word->n > 0 || *comma;
}

/* "background:": the first colour of the bottom layer. */
static void declare_background(struct str value, uint32_t *colour)
{
    struct str word;
    bool comma, found = false;
    uint32_t bottom = *colour;
    while (next_word(&value, &word, &comma)) {
        uint32_t read = word.n && !found ? style_colour(word) : STYLE_NO_COLOUR;
        if (read != STYLE_NO_COLOUR) {
            bottom = read;
            found = true;
        }
        if (comma && trim(value).n) {
            bottom = *colour;
            found = false;
        }
    }
    *colour = bottom;
}

/* "color:" and the like with nothing but a blank behind it is a colour that can't be read. */
static bool declare_colours(struct style *style, struct str property, struct str rest)
{
    struct str value = trim(rest);
    if (!str_ieq(property, STR("color")) && !str_ieq(property, STR("background-color")))
        return false;
    if (rest.n > 0)
        declare_colour(value, property.n == 5 ? &style->fore : &style->back);
    return true;
}

/* One "property: value" of a style attribute. */
static void declare(struct style *style, struct str text)
{
    size_t colon = str_chr(text, ':');
    if (colon == STR_NONE)
        return;
    struct str rest = str_from(text, colon + 1), value = trim(rest);
    struct str property = str_sub(text, 0, colon);
    while (property.n && ascii_is_space(property.s[0]))
        property = str_from(property, 1);
    if (str_chr(value, '\n') != STR_NONE || declare_colours(style, property, rest) || value.n == 0)
        return;
    if (str_eq(property, STR("background")))
        declare_background(value, &style->back);
    else if (str_eq(trim(property), STR("display")))
        style->no_display = str_ieq(value, STR("none"));
    else if (str_eq(trim(property), STR("visibility")))
        style->hidden = str_ieq(value, STR("hidden"));
}

static void declare_all(struct style *style, const struct style *parent, struct str text)
{
    struct str one;
    while (str_next(&text, ';', &one))
        declare(style, one);
    if (style->back == STYLE_TRANSPARENT)
        style->back = parent->back;
    if (style->fore == STYLE_TRANSPARENT)
        style->fore = style->back;
}

static void declare_size(struct styles *styles, struct style *style, struct str text)
{
    size_t n;
    text = trim(text);
    bool sign = text.n && (text.s[0] == '+' || text.s[0] == '-');
    double value = read_digits(str_from(text, sign), &n);
    if (n == 0)
        return;
    if (sign)
        style->size = styles->base_size + (text.s[0] == '-' ? -value : value);
    else
        style->size = value;
}

void styles_init(struct styles *styles, struct pool *pool, size_t max)
{
    *styles = (struct styles){.pool = pool, .max = max};
    styles->base_size = styles->least = styles->most = NORMAL_SIZE;
    styles->open = pool_grow(pool, NULL, 0, &styles->cap, sizeof(struct style));
    styles->no_memory = styles->open == NULL;
    if (styles->open == NULL)
        return;
    styles->open[0] = (struct style){.back = 0xffffff, .size = NORMAL_SIZE, .id = ID_OTHER};
    styles->n = 1;
}

bool styles_wants(unsigned id, struct str name)
{
    switch (id) {
    case ID_BASEFONT:
    case ID_FONT:
        return str_ieq(name, STR("color")) || str_ieq(name, STR("face")) ||
               str_ieq(name, STR("size"));
    case ID_BODY:
        return str_ieq(name, STR("text")) || str_ieq(name, STR("bgcolor")) ||
               str_ieq(name, STR("link")) || str_ieq(name, STR("alink")) ||
               str_ieq(name, STR("vlink")) || str_ieq(name, STR("background"));
    case ID_MARQUEE:
        return str_ieq(name, STR("bgcolor")) || str_ieq(name, STR("background"));
    case ID_TABLE:
    case ID_TD:
    case ID_TH:
    case ID_TR:
        return str_ieq(name, STR("bgcolor")) || str_ieq(name, STR("style"));
    case ID_SPAN:
    case ID_P:
    case ID_DIV:
    case ID_A:
        return str_ieq(name, STR("style"));
    default:
        return false;
    }
}

static struct style *top(const struct styles *styles)
{
    return &styles->open[styles->n - 1];
}

static void pop(struct styles *styles)
{
    styles->count[top(styles)->id]--;
    styles->n--;
}

static void push(struct styles *styles, const struct style *style)
{
    struct style *open = NULL;
    if (styles->n >= styles->max) {
        styles->truncated = true;
        styles->beyond++;
        return;
    }
    open = pool_grow(styles->pool, styles->open, styles->n, &styles->cap, sizeof *open);
    if (open == NULL) {
        styles->no_memory = true;
        return;
    }
    styles->open = open;
    open[styles->n++] = *style;
    styles->count[style->id]++;
}

/* A cell ends the cell before it, a row the row, and the fonts inside. */
static void close_table_tag(struct styles *styles, unsigned id)
{
    if (styles->count[id] == 0)
        return;
    for (;;) {
        unsigned last = top(styles)->id;
        if (last != ID_FONT && last != ID_TD && (id != ID_TR || last != ID_TR))
            return;
        pop(styles);
    }
}

static void apply(struct styles *styles, struct style *style, const struct style *parent,
                  const struct style_attribute *attribute)
{
    if (str_ieq(attribute->name, STR("text")) || str_ieq(attribute->name, STR("color")))
        style->fore = style_colour(attribute->value);
    else if (str_ieq(attribute->name, STR("size")))
        declare_size(styles, style, attribute->value);
    else if (str_ieq(attribute->name, STR("style")))
        declare_all(style, parent, attribute->value);
    if (style->size > styles->most)
        styles->most = style->size;
    else if (style->size < styles->least)
        styles->least = style->size;
}

static bool set_base_size(struct styles *styles, const struct style_attribute *attributes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t digits;
        double size = read_digits(trim(attributes[i].value), &digits);
        if (!str_ieq(attributes[i].name, STR("size")) || digits == 0)
            continue;
        styles->base_size = size;
        return true;
    }
    return false;
}

void styles_open(struct styles *styles, unsigned id, const struct style_attribute *attributes,
                 size_t n)
{
    if (styles->no_memory)
        return;
    if (id == ID_TH)
        id = ID_TD;
    if (id == ID_BASEFONT && set_base_size(styles, attributes, n))
        return;
    if (id == ID_TD || id == ID_TR)
        close_table_tag(styles, id);
    const struct style parent = *top(styles);
    struct style style = parent;
    style.id = (unsigned char)id;
    if (id == ID_BIG || id == ID_SMALL)
        style.size += id == ID_BIG ? 1 : -1;
    else
        for (size_t i = 0; i < n; i++)
            apply(styles, &style, &parent, &attributes[i]);
    push(styles, &style);
}

/* Closes all that is open inside it, too; "body" never ends. */
void styles_close(struct styles *styles, unsigned id)
{
    if (id == ID_TH)
        id = ID_TD;
    if (id == ID_BODY || styles->no_memory)
        return;
    if (styles->beyond) {
        styles->beyond--;
        return;
    }
    for (bool done = styles->count[id] == 0; !done;) {
        done = top(styles)->id == id;
        pop(styles);
    }
}

static double channel_distance(uint32_t a, uint32_t b, unsigned shift, double weight)
{
    double difference = (double)(a >> shift & 255) - (double)(b >> shift & 255);
    return weight * weight * difference * difference;
}

enum style_visibility styles_visibility(const struct styles *styles)
{
    const struct style *style = top(styles);
    if (style->fore == style->back)
        return STYLE_LOW_CONTRAST;
    if (style->fore <= 0xffffff && style->back <= 0xffffff) {
        double distance = channel_distance(style->fore, style->back, 16, 0.2126) +
                          channel_distance(style->fore, style->back, 8, 0.7152) +
                          channel_distance(style->fore, style->back, 0, 0.0722);
        if (sqrt(distance) < NEAR_COLOUR)
            return STYLE_LOW_CONTRAST;
    }
    if (style->fore == STYLE_NO_COLOUR || style->back == STYLE_NO_COLOUR)
        return STYLE_INVALID_COLOUR;
    return style->size <= 1 || style->no_display || style->hidden ? STYLE_HIDDEN : STYLE_VISIBLE;
}
