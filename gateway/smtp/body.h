/*
 * body: the bytes of a message on their way in. Finds the end of DATA and takes dot-stuffing away
 * (RFC 5321 4.5.2), and notes what no message may hold.
 *
 * Only CR LF ends a line, and only CR LF "." CR LF ends a message: whatever else some server
 * somewhere takes for the end (LF "." LF, CR "." CR, CR NUL LF …) is content here, and is
 * noted, so that the message is refused when its real end has come. So what two servers could
 * read differently ("SMTP smuggling") is never handed on, and never starts a command here.
 * Nothing is buffered: blocks go out as they came in, but for the dots.
 */
#ifndef POTERNE_GATEWAY_SMTP_BODY_H
#define POTERNE_GATEWAY_SMTP_BODY_H

#include "base/str.h"

struct smtp_body {
    enum {
        BODY_LINE_START,
        BODY_IN_LINE,
        BODY_CR,
        BODY_DOT,    /* line start, dot held back */
        BODY_DOT_CR, /* line start, dot and CR held back */
        BODY_ENDED,
    } at;
    bool stray; /* a bare CR or LF was seen */
    bool nul;
};

/* Gets the message, in blocks. */
typedef void smtp_body_sink(void *data, struct str block);

void smtp_body_start(struct smtp_body *body);
/* Takes bytes of DATA; returns how many were used: all of them, or those up to the end of the
 * message (then body->at is BODY_ENDED). */
size_t smtp_body_data(struct smtp_body *body, struct str in, smtp_body_sink *sink, void *data);
/* Takes bytes of a chunk (RFC 3030): no dots, no end. */
void smtp_body_chunk(struct smtp_body *body, struct str in, smtp_body_sink *sink, void *data);
/* After the last chunk: a last line without CR LF gets it, as every line of a message has one. */
void smtp_body_finish(struct smtp_body *body, smtp_body_sink *sink, void *data);

#endif
