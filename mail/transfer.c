#include "mail/transfer.h"

/* Where decoded bytes go: room that was asked for once, so that a byte costs no call. */
struct out {
    char *to;
    char *end;
};

static struct out out_open(struct buf *b, size_t most)
{
    size_t left = b->max - b->n;
    if (most > left)
        most = left;
    char *to = most ? buf_room(b, most) : NULL;
    return (struct out){to, to ? to + most : NULL};
}

static void out_close(struct buf *b, const struct out *out)
{
    if (out->to)
        buf_filled(b, (size_t)(out->to - (b->p + b->n)));
}

#define B64_SKIP 64
#define B64_PAD  65

static const unsigned char b64_value[256] = {
    ['A'] = 0,  ['B'] = 1,  ['C'] = 2,  ['D'] = 3,  ['E'] = 4,  ['F'] = 5,  ['G'] = 6,  ['H'] = 7,
    ['I'] = 8,  ['J'] = 9,  ['K'] = 10, ['L'] = 11, ['M'] = 12, ['N'] = 13, ['O'] = 14, ['P'] = 15,
    ['Q'] = 16, ['R'] = 17, ['S'] = 18, ['T'] = 19, ['U'] = 20, ['V'] = 21, ['W'] = 22, ['X'] = 23,
    ['Y'] = 24, ['Z'] = 25, ['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
    ['g'] = 32, ['h'] = 33, ['i'] = 34, ['j'] = 35, ['k'] = 36, ['l'] = 37, ['m'] = 38, ['n'] = 39,
    ['o'] = 40, ['p'] = 41, ['q'] = 42, ['r'] = 43, ['s'] = 44, ['t'] = 45, ['u'] = 46, ['v'] = 47,
    ['w'] = 48, ['x'] = 49, ['y'] = 50, ['z'] = 51, ['0'] = 52, ['1'] = 53, ['2'] = 54, ['3'] = 55,
    ['4'] = 56, ['5'] = 57, ['6'] = 58, ['7'] = 59, ['8'] = 60, ['9'] = 61, ['+'] = 62, ['/'] = 63,
};

static unsigned b64_class(unsigned char c)
{
    unsigned v = b64_value[c];
    if (v || c == 'A')
        return v;
    return c == '=' ? B64_PAD : B64_SKIP;
}

/* What is left in `bits` after 2 or 3 characters of a group: 1 or 2 bytes. */
static void b64_flush(struct out *out, uint32_t bits, unsigned count)
{
    if (count >= 2 && out->to < out->end)
        *out->to++ = (char)(bits >> (count == 2 ? 4 : 10));
    if (count == 3 && out->to < out->end)
        *out->to++ = (char)(bits >> 2);
}

/* After padding decoding goes on: pieces that were encoded one by one and joined are common. */
void transfer_base64(struct str in, struct buf *b)
{
    struct out out = out_open(b, in.n / 4 * 3 + 3);
    uint32_t bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < in.n && out.to < out.end; i++) {
        unsigned v = b64_class((unsigned char)in.s[i]);
        if (v == B64_SKIP)
            continue;
        if (v == B64_PAD) {
            b64_flush(&out, bits, count);
            bits = count = 0;
            continue;
        }
        bits = bits << 6 | v;
        if (++count < 4)
            continue;
        if (out.end - out.to >= 3) {
            out.to[0] = (char)(bits >> 16);
            out.to[1] = (char)(bits >> 8);
            out.to[2] = (char)bits;
            out.to += 3;
        } else {
            b64_flush(&out, bits >> 6, 3);
        }
        bits = count = 0;
    }
    b64_flush(&out, bits, count);
    out_close(b, &out);
}

/* Where the blanks that end at `end` begin: they are not part of the text (RFC 2045 6.7 (3)). */
static size_t before_blanks(struct str line, size_t end)
{
    while (end && (line.s[end - 1] == ' ' || line.s[end - 1] == '\t' || line.s[end - 1] == '\r'))
        end--;
    return end;
}

/* `space` also stands for a space; -1: nothing does. */
static void qp_bytes(struct str x, struct out *out, int space)
{
    for (size_t i = 0; i < x.n && out->to < out->end; i++) {
        int byte = x.s[i] == '=' ? hex_byte(x, i + 1) : -1;
        if (byte >= 0)
            i += 2;
        else
            byte = x.s[i] == space ? ' ' : x.s[i];
        *out->to++ = (char)byte;
    }
}

void transfer_qp(struct str in, struct buf *b)
{
    struct out out = out_open(b, in.n);
    while (in.n && out.to < out.end) {
        size_t lf = str_chr(in, '\n');
        bool ended = lf != STR_NONE;
        struct str line = str_sub(in, 0, ended ? lf : in.n);
        bool crlf = ended && line.n && line.s[line.n - 1] == '\r';
        in = str_from(in, line.n + ended);
        line.n = before_blanks(line, line.n);
        bool soft = line.n && line.s[line.n - 1] == '=';
        line.n -= soft;
        qp_bytes(line, &out, -1);
        if (ended && !soft && crlf && out.to < out.end)
            *out.to++ = '\r';
        if (ended && !soft && out.to < out.end)
            *out.to++ = '\n';
    }
    out_close(b, &out);
}

void transfer_q(struct str in, struct buf *b)
{
    struct out out = out_open(b, in.n);
    qp_bytes(in, &out, '_');
    out_close(b, &out);
}

void transfer_percent(struct str in, struct buf *b)
{
    struct out out = out_open(b, in.n);
    for (size_t i = 0; i < in.n && out.to < out.end; i++) {
        int byte = in.s[i] == '%' ? hex_byte(in, i + 1) : -1;
        if (byte >= 0)
            i += 2;
        *out.to++ = byte >= 0 ? (char)byte : in.s[i];
    }
    out_close(b, &out);
}

/* One line: a length character, then groups of four that stand for three bytes each. */
static void uu_line(struct str line, struct out *out)
{
    size_t bytes = ((unsigned char)line.s[0] - 32u) & 63;
    for (size_t at = 1; bytes && at < line.n; at += 4) {
        uint32_t bits = 0;
        for (size_t i = 0; i < 4; i++) {
            unsigned char c = at + i < line.n ? (unsigned char)line.s[at + i] : ' ';
            bits = bits << 6 | ((c - 32u) & 63);
        }
        for (int shift = 16; shift >= 0 && bytes; shift -= 8, bytes--) {
            if (out->to == out->end)
                return;
            *out->to++ = (char)(bits >> shift);
        }
    }
}

/* Is there a line that starts with "begin "? */
static bool has_begin(struct str in)
{
    return str_starts(in, STR("begin ")) || str_find(in, STR("\nbegin ")) != STR_NONE;
}

void transfer_uu(struct str in, struct buf *b)
{
    struct out out = out_open(b, in.n + 3); /* a line of one character and LF gives three bytes */
    struct str line;
    bool inside = !has_begin(in);
    while (out.to < out.end && str_next_line(&in, &line)) {
        if (!inside)
            inside = str_starts(line, STR("begin "));
        else if (str_eq(str_trim(line), STR("end")))
            break;
        else if (line.n)
            uu_line(line, &out);
    }
    out_close(b, &out);
}

void transfer_none(struct str in, struct buf *b)
{
    buf_add(b, str_sub(in, 0, b->max - b->n));
}

#define QP_LINE_MAX 76 /* RFC 2045 6.7, rule 5 */

/* Blanks at a line's end get lost on the way; a lone dot or "From " is changed by some. */
static bool is_plain(struct str line, size_t i, bool first)
{
    char c = line.s[i];
    if (c == ' ' || c == '\t')
        return i + 1 < line.n;
    return c > ' ' && c < 127 && c != '=' && !(first && (c == '.' || c == 'F'));
}

static void put_qp_line(struct str line, struct buf *out)
{
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        if (column + strlen("=XX=") > QP_LINE_MAX) {
            buf_add(out, STR("=\r\n"));
            column = 0;
        }
        size_t start = out->n;
        if (is_plain(line, i, column == 0))
            buf_addc(out, line.s[i]);
        else
            buf_addf(out, "=%02X", (unsigned char)line.s[i]);
        column += out->n - start;
    }
    buf_add(out, STR("\r\n"));
}

void transfer_qp_put(struct str text, struct buf *out)
{
    struct str line;
    while (str_next_line(&text, &line))
        put_qp_line(line, out);
}

#define BASE64_LINE 57 /* bytes that 76 characters hold */

void transfer_base64_put(struct str bytes, struct buf *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        unsigned char b[3] = {0};
        size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
        memcpy(b, bytes.s + i, n);
        char four[4] = {letters[b[0] >> 2], letters[(b[0] & 3) << 4 | b[1] >> 4],
                        n > 1 ? letters[(b[1] & 15) << 2 | b[2] >> 6] : '=',
                        n > 2 ? letters[b[2] & 63] : '='};
        buf_addn(out, four, sizeof four);
        if ((i + 3) % BASE64_LINE == 0 || i + 3 >= bytes.n)
            buf_add(out, STR("\r\n"));
    }
}
