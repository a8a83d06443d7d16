/*
 * html_style: how text looks inside the elements that are open, as far as SpamAssassin's renderer
 * looks at it (HTML.pm of 4.0.1): font colour against background colour, font size, display:none,
 * visibility:hidden. Opening, closing and asking take constant time on average.
 */
#ifndef POTERNE_RULES_HTML_STYLE_H
#define POTERNE_RULES_HTML_STYLE_H

#include "base/pool.h"
#include "rules/facts/html_names.h"

/* A colour: 0xrrggbb, or one of these. */
#define STYLE_NO_COLOUR   0x1000000u /* it was written, but can't be read */
#define STYLE_TRANSPARENT 0x2000000u /* only while a style is read */

struct style {
    uint32_t fore, back;
    double size; /* HTML's 1 to 7, where 3 is normal */
    unsigned char id;
    bool no_display, hidden;
};

struct styles {
    struct pool *pool;
    struct style *open;
    size_t n, cap, max;
    size_t beyond;          /* open elements that found no place */
    size_t count[ID_COUNT]; /* of each element that is open */
    double base_size, least, most;
    bool truncated; /* more open elements than its maximum */
    bool no_memory;
};

struct style_attribute {
    struct str name, value; /* name in any case; value decoded */
};

void styles_init(struct styles *styles, struct pool *pool, size_t max);
/* attributes: those of styles_wants() */
void styles_open(struct styles *styles, unsigned id, const struct style_attribute *attributes,
                 size_t n);
void styles_close(struct styles *styles, unsigned id);
/* Is it one that says how this element looks? */
bool styles_wants(unsigned id, struct str name);

enum style_visibility { STYLE_VISIBLE, STYLE_HIDDEN, STYLE_LOW_CONTRAST, STYLE_INVALID_COLOUR };
enum style_visibility styles_visibility(const struct styles *styles);

#endif
