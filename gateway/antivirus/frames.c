#include "gateway/antivirus/frames.h"

#include "base/ascii.h"
#include "mail/transfer.h"

#define NUMBER_MAX (UINT64_MAX / 2)

/* The number behind "key=", 0 when there is none. */
static uint64_t number_of(struct str line, struct str key)
{
    size_t at = str_find(line, key);
    uint64_t number = 0;
    if (at == STR_NONE)
        return 0;
    struct str value = str_from(line, at + key.n);
    size_t n = 0;
    while (n < value.n && ascii_is_digit(value.s[n]))
        n++;
    return str_to_u64(str_sub(value, 0, n), NUMBER_MAX, &number) ? number : 0;
}

/* "begin 644 name" */
static bool begins_uu(struct str line, struct str word, struct str *name)
{
    if (!str_starts(line, word))
        return false;
    struct str rest = str_from(line, word.n);
    size_t n = 0;
    while (n < rest.n && rest.s[n] >= '0' && rest.s[n] <= '7')
        n++;
    if (n < 3 || n > 5 || n == rest.n || rest.s[n] != ' ')
        return false;
    *name = str_trim(str_from(rest, n));
    return name->n > 0;
}

static bool begins(struct str line, struct av_frame *frame)
{
    *frame = (struct av_frame){.kind = AV_FRAME_UU};
    if (line.n == 0 || (line.s[0] != 'b' && line.s[0] != '='))
        return false;
    if (begins_uu(line, STR("begin "), &frame->name))
        return true;
    frame->kind = AV_FRAME_BASE64;
    if (begins_uu(line, STR("begin-base64 "), &frame->name))
        return true;
    if (!str_starts(line, STR("=ybegin ")))
        return false;
    size_t name = str_find(line, STR(" name="));
    frame->kind = AV_FRAME_YENC;
    frame->part = number_of(line, STR(" part="));
    frame->total = number_of(line, STR(" total="));
    if (name != STR_NONE)
        frame->name = str_trim(str_from(line, name + strlen(" name=")));
    return true;
}

static bool ends(const struct av_frame *frame, struct str line)
{
    switch (frame->kind) {
    case AV_FRAME_UU:
        return str_eq(str_trim(line), STR("end"));
    case AV_FRAME_BASE64:
        return str_starts(line, STR("===="));
    default:
        return str_starts(line, STR("=yend"));
    }
}

/* Reads lines up to the frame's end, or the next one's beginning. */
static void read_lines(struct str *rest, struct av_frame *frame)
{
    const char *from = rest->s;
    struct str line, next = *rest;
    struct av_frame other;
    while (str_next_line(&next, &line)) {
        if (begins(line, &other))
            break;
        if (frame->kind == AV_FRAME_YENC && str_starts(line, STR("=ypart ")))
            frame->begin = number_of(line, STR(" begin="));
        *rest = next;
        if (ends(frame, line)) {
            frame->lines = str_n(from, (size_t)(line.s - from));
            return;
        }
    }
    frame->lines = str_n(from, (size_t)(rest->s - from));
}

bool av_frame_next(struct str *rest, struct av_frame *frame)
{
    struct str line;
    while (str_next_line(rest, &line))
        if (begins(line, frame)) {
            read_lines(rest, frame);
            return true;
        }
    return false;
}

static void decode_yenc_line(struct str line, struct buf *out)
{
    for (size_t i = 0; i < line.n; i++) {
        unsigned char c = (unsigned char)line.s[i];
        if (c == '=' && i + 1 < line.n)
            c = (unsigned char)((unsigned char)line.s[++i] - 64);
        buf_addc(out, (char)(unsigned char)(c - 42));
    }
}

static void decode_yenc(struct str lines, struct buf *out)
{
    struct str line;
    while (str_next_line(&lines, &line))
        if (!str_starts(line, STR("=ypart ")))
            decode_yenc_line(line, out);
}

void av_frame_decode(const struct av_frame *frame, struct buf *out)
{
    switch (frame->kind) {
    case AV_FRAME_UU:
        transfer_uu(frame->lines, out);
        break;
    case AV_FRAME_BASE64:
        transfer_base64(frame->lines, out);
        break;
    default:
        decode_yenc(frame->lines, out);
    }
}
