/* html_names: the elements that SpamAssassin's renderer knows (HTML.pm of 4.0.1). */
#ifndef POTERNE_RULES_HTML_NAMES_H
#define POTERNE_RULES_HTML_NAMES_H

#include "base/str.h"

enum html_name_flag {
    NAME_ELEMENT = 1 << 0, /* of HTML 4, or met in mail so often that it is no sign of spam */
    NAME_TRICK = 1 << 1,   /* of no standard, but shown */
    NAME_LINES = 1 << 2,   /* an empty line where it begins and ends */
    NAME_LINE = 1 << 3,    /* a line end there */
    NAME_BLANK = 1 << 4,   /* a blank there */
    NAME_STYLE = 1 << 5,   /* changes how text looks */
};

/* Elements that are more than their flags. */
enum html_name_id {
    ID_OTHER,
    ID_A,
    ID_AREA,
    ID_BASE,
    ID_BASEFONT,
    ID_BGSOUND,
    ID_BIG,
    ID_BODY,
    ID_DIV,
    ID_EMBED,
    ID_FONT,
    ID_FORM,
    ID_FRAME,
    ID_IFRAME,
    ID_IMG,
    ID_LINK,
    ID_MARQUEE,
    ID_META,
    ID_OBJECT,
    ID_P,
    ID_SCRIPT,
    ID_SMALL,
    ID_SPAN,
    ID_STYLE,
    ID_TABLE,
    ID_TD,
    ID_TH,
    ID_TITLE,
    ID_TR,
    ID_COUNT,
};

struct html_name {
    const char *name;
    unsigned char flags, id;
};

/* name in lower case; NULL: not known. */
const struct html_name *html_name_find(struct str name);

/* "o:p" and "st1:city", which Microsoft's programs write: elements, but without effect. */
bool html_name_is_office(struct str name);

#endif
