#include "mail/flow.h"

enum class { PLAIN, SPACE, MAYBE };

/* U+00A0, U+2000..U+200A, U+202F, U+205F, U+3000 start with one of the MAYBE bytes. */
static const unsigned char classes[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE, ['\v'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE,
    [' '] = SPACE,  [0xc2] = MAYBE, [0xe2] = MAYBE, [0xe3] = MAYBE,
};

/* Bytes of the space character at the position; 0: it is none. */
static size_t wide_space(struct str x, size_t at)
{
    struct str rest = str_from(x, at);
    if (str_starts(rest, STR("\xc2\xa0")))
        return 2;
    if (str_starts(rest, STR("\xe3\x80\x80")) || str_starts(rest, STR("\xe2\x80\xaf")) ||
        str_starts(rest, STR("\xe2\x81\x9f")))
        return 3;
    bool typographic = str_starts(rest, STR("\xe2\x80")) && rest.n > 2 &&
                       (unsigned char)rest.s[2] >= 0x80 && (unsigned char)rest.s[2] <= 0x8a;
    return typographic ? 3 : 0;
}

static void put(struct flow *flow, struct str run)
{
    if (run.n == 0 || flow->full)
        return;
    size_t left = flow->out->max - flow->out->n;
    if (run.n + 1 > left) {
        flow->full = true;
        return;
    }
    if (flow->space && flow->text)
        buf_addc(flow->out, ' ');
    buf_add(flow->out, run);
    flow->space = false;
    flow->newline = false;
    flow->text = true;
}

void flow_text(struct flow *flow, struct str text)
{
    size_t start = 0, at = 0;
    while (at < text.n) {
        unsigned class = classes[(unsigned char)text.s[at]];
        size_t n = class == SPACE ? 1 : class == MAYBE ? wide_space(text, at) : 0;
        if (n) {
            put(flow, str_sub(text, start, at));
            flow->space = true;
            start = at + n;
        }
        at += n ? n : 1;
    }
    put(flow, str_from(text, start));
}

void flow_space(struct flow *flow)
{
    flow->space = true;
}

void flow_line(struct flow *flow)
{
    if (flow->newline)
        flow_paragraph(flow);
    flow->space = true;
    flow->newline = true;
}

void flow_paragraph(struct flow *flow)
{
    if (flow->text && flow->out->n < flow->out->max)
        buf_addc(flow->out, '\n');
    flow->space = false;
    flow->text = false;
    flow->newline = false;
}

void flow_plain(struct flow *flow, struct str text)
{
    struct str line;
    while (str_next_line(&text, &line)) {
        flow_text(flow, line);
        flow_line(flow);
    }
    flow_paragraph(flow);
}
