/*
 * html_look: how an element's text looks, as far as it decides whether a reader sees it
 * (CSS 2.2, CSS Color 4): display, visibility, opacity, size, colours, boxes of no size.
 */
#ifndef POTERNE_MAIL_HTML_LOOK_H
#define POTERNE_MAIL_HTML_LOOK_H

#include "base/str.h"

#define LOOK_TINY_SIZE   2.5 /* pixels; text of at most this size is not read */
#define LOOK_NEAR_COLOUR 48  /* sum of the channels' differences that the eye does not see */

struct colour {
    unsigned char r, g, b;
    bool clear; /* wholly transparent */
};

struct look {
    struct colour text;
    struct colour back;
    bool back_image;  /* behind it is a picture: colours prove nothing */
    bool gone;        /* nothing inside can undo it */
    bool invisible;   /* visibility:hidden: something inside may undo it */
    double font_size; /* pixels */
    /* of the element itself, never inherited */
    bool no_display; /* display:none */
    bool clipped;    /* overflow:hidden */
    bool zero_box;   /* no height or width */
    bool positioned; /* position:absolute or fixed */
};

extern const struct look look_of_page; /* black on white, 16 pixels */

/* What an element inherits. */
struct look look_inside(const struct look *parent);
/* Applies "property:value; …" to an element inside `parent`. */
void look_declare(struct look *look, const struct look *parent, struct str declarations);
/* Applies what an HTML attribute says; true when it is one about looks. */
bool look_attribute(struct look *look, struct str name, struct str value);
/* Call once all is applied. */
void look_finish(struct look *look);
bool look_is_hidden(const struct look *look);

/* Reads a CSS colour, or HTML's "ff0000" without '#'. */
bool colour_read(struct str text, struct colour *colour);

#endif
