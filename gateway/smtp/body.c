#include "gateway/smtp/body.h"

void smtp_body_start(struct smtp_body *body)
{
    *body = (struct smtp_body){.at = BODY_LINE_START};
}

/* Is there a CR in x[from..to)? */
static bool has_cr(struct str x, size_t from, size_t to)
{
    return to > from && memchr(x.s + from, '\r', to - from) != NULL;
}

/*
 * Reads from `i`, inside a line, to behind the CR LF that ends it, or to the end of the input.
 * A CR that stands last is a bare one or not: the next byte tells.
 */
static size_t rest_of_line(struct smtp_body *body, struct str in, size_t i)
{
    while (i < in.n) {
        const char *lf = memchr(in.s + i, '\n', in.n - i);
        size_t end = lf ? (size_t)(lf - in.s) : in.n;
        bool cr_last = end > i ? in.s[end - 1] == '\r' : body->at == BODY_CR;
        if (body->at == BODY_CR && end > i)
            body->stray = true;
        if (end > i)
            body->stray |= has_cr(in, i, end - cr_last);
        body->at = cr_last ? BODY_CR : BODY_IN_LINE;
        if (lf == NULL)
            return in.n;
        i = end + 1;
        if (cr_last) {
            body->at = BODY_LINE_START;
            return i;
        }
        body->stray = true;
        body->at = BODY_IN_LINE;
    }
    return i;
}

static void note_nul(struct smtp_body *body, struct str block)
{
    if (block.n && memchr(block.s, '\0', block.n))
        body->nul = true;
}

static void emit(struct smtp_body *body, struct str in, size_t from, size_t to,
                 smtp_body_sink *sink, void *data)
{
    struct str block = str_sub(in, from, to);
    if (block.n == 0)
        return;
    note_nul(body, block);
    sink(data, block);
}

/* After a dot at a line's start. The dot itself is never content: it is stuffing or the end. */
static size_t after_dot(struct smtp_body *body, struct str in, size_t i)
{
    if (in.s[i] == '\r') {
        body->at = BODY_DOT_CR;
        return i + 1;
    }
    body->at = BODY_IN_LINE;
    return i;
}

/* After a dot and a CR: the end, or a CR that is content and bare. */
static size_t after_dot_cr(struct smtp_body *body, struct str in, size_t i, smtp_body_sink *sink,
                           void *data)
{
    if (in.s[i] == '\n') {
        body->at = BODY_ENDED;
        return i + 1;
    }
    sink(data, STR("\r"));
    body->at = BODY_CR;
    return i;
}

size_t smtp_body_data(struct smtp_body *body, struct str in, smtp_body_sink *sink, void *data)
{
    size_t i = 0;
    size_t from = 0; /* in[from..i) is read and not yet handed on */
    while (i < in.n && body->at != BODY_ENDED) {
        switch (body->at) {
        case BODY_LINE_START:
            if (in.s[i] == '.') {
                emit(body, in, from, i, sink, data);
                from = ++i;
                body->at = BODY_DOT;
                break;
            }
            body->at = BODY_IN_LINE;
            break;
        case BODY_DOT:
            from = i = after_dot(body, in, i);
            break;
        case BODY_DOT_CR:
            from = i = after_dot_cr(body, in, i, sink, data);
            break;
        default:
            i = rest_of_line(body, in, i);
        }
    }
    emit(body, in, from, i, sink, data);
    return i;
}

void smtp_body_chunk(struct smtp_body *body, struct str in, smtp_body_sink *sink, void *data)
{
    for (size_t i = 0; i < in.n;)
        i = rest_of_line(body, in, i);
    emit(body, in, 0, in.n, sink, data);
}

void smtp_body_finish(struct smtp_body *body, smtp_body_sink *sink, void *data)
{
    if (body->at == BODY_CR) /* the LF makes it whole */
        sink(data, STR("\n"));
    else if (body->at == BODY_IN_LINE)
        sink(data, STR("\r\n"));
    body->at = BODY_LINE_START;
}
