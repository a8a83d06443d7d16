#include "gateway/client/reply.h"

#define CODE_DIGITS 3

void reply_init(struct reply *reply)
{
    *reply = (struct reply){.lines = BUF_INIT(REPLY_TEXT_MAX), .line = BUF_INIT(REPLY_LINE_MAX)};
}

void reply_release(struct reply *reply)
{
    buf_release(&reply->lines);
    buf_release(&reply->line);
}

static enum reply_progress bad(struct reply *reply, const char *reason)
{
    reply->reason = reason;
    return REPLY_BAD;
}

/* 0 when the line does not start with a code of RFC 5321 4.2.1 followed by its end, ' ' or '-'. */
static unsigned line_code(struct str line)
{
    if (line.n < CODE_DIGITS || line.s[0] < '2' || line.s[0] > '5')
        return 0;
    if (line.n > CODE_DIGITS && line.s[CODE_DIGITS] != ' ' && line.s[CODE_DIGITS] != '-')
        return 0;
    uint64_t code;
    return str_to_u64(str_sub(line, 0, CODE_DIGITS), 599, &code) ? (unsigned)code : 0;
}

static enum reply_progress take_line(struct reply *reply)
{
    struct str line = buf_str(&reply->line);
    if (str_ends(line, STR("\r")))
        line = str_sub(line, 0, line.n - 1);
    unsigned code = line_code(line);
    bool last = line.n <= CODE_DIGITS || line.s[CODE_DIGITS] == ' ';
    if (code == 0)
        return bad(reply, "sent a line that is no SMTP reply");
    if (reply->n_lines && code != reply->code)
        return bad(reply, "sent a reply whose lines have different codes");
    if (++reply->n_lines > REPLY_LINES_MAX)
        return bad(reply, "sent a reply of too many lines");
    reply->code = code;
    buf_add(&reply->lines, str_from(line, CODE_DIGITS + 1));
    buf_addc(&reply->lines, '\n');
    if (!buf_ok(&reply->lines))
        return bad(reply, "sent a reply that is too long");
    buf_clear(&reply->line);
    reply->whole = last;
    return last ? REPLY_DONE : REPLY_MORE;
}

enum reply_progress reply_feed(struct reply *reply, struct str *in)
{
    if (reply->whole) {
        reply->whole = false;
        reply->n_lines = 0;
        buf_clear(&reply->lines);
    }
    while (in->n) {
        size_t end = str_chr(*in, '\n');
        struct str piece = str_sub(*in, 0, end == STR_NONE ? in->n : end);
        buf_add(&reply->line, piece);
        if (!buf_ok(&reply->line))
            return bad(reply, "sent a line that is too long");
        *in = str_from(*in, piece.n + (end != STR_NONE));
        if (end == STR_NONE)
            return REPLY_MORE;
        enum reply_progress got = take_line(reply);
        if (got != REPLY_MORE)
            return got;
    }
    return REPLY_MORE;
}

/* Replaces what is not printable ASCII and cuts at max; for texts that others sent. */
static void add_printable(struct buf *out, struct str text, size_t max)
{
    for (size_t i = 0; i < text.n && i < max; i++) {
        char c = text.s[i];
        buf_addc(out, c >= ' ' && c <= '~' ? c : '?');
    }
}

void reply_text(const struct reply *reply, struct buf *out, size_t max)
{
    struct str rest = buf_str(&reply->lines);
    struct str line;
    size_t start = out->n;
    buf_addf(out, "%u", reply->code);
    while (str_next_line(&rest, &line) && out->n - start < max) {
        buf_addc(out, ' ');
        add_printable(out, str_trim(line), max - (out->n - start));
    }
    buf_cut(out, start + max);
}
