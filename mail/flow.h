/*
 * flow: running text as a reader takes it in: white space folded to single spaces, one line a
 * paragraph. Input is valid UTF-8; output is bounded by the buf, past it `full` is set and the
 * rest is left out.
 */
#ifndef POTERNE_MAIL_FLOW_H
#define POTERNE_MAIL_FLOW_H

#include "base/buf.h"

struct flow {
    struct buf *out;
    bool space;   /* one is owed before the next text */
    bool text;    /* the paragraph has some */
    bool newline; /* a line break is the last that came */
    bool full;
};

/* White space in it is folded, line ends too. */
void flow_text(struct flow *flow, struct str text);
void flow_space(struct flow *flow);
/* A line end: a second one with nothing between them ends the paragraph. */
void flow_line(struct flow *flow);
void flow_paragraph(struct flow *flow);
/* Plain text: its empty lines part paragraphs. */
void flow_plain(struct flow *flow, struct str text);

#endif
