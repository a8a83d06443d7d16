#include "gateway/antivirus/loose.h"

#include "base/ascii.h"
#include "mail/header.h"

#define WORD_LEAST 4 /* characters of a line that is taken for coded text */
/* Of a header that is searched for encodings; it is as much as a header may be. */
#define HEAD_LOOK ((size_t)1024 * 1024)

static bool is_delimiter(struct str text, size_t at)
{
    return at + 2 < text.n && text.s[at] == '-' && text.s[at + 1] == '-';
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (!ascii_is_space(line.s[i]) && line.s[i] != '\0')
            return false;
    return true;
}

/* A body without an empty line before it: one long word and no field. */
static bool is_coded(struct str line, struct str next)
{
    size_t colon;
    line = str_trim(line);
    for (size_t i = 0; i < line.n; i++)
        if (ascii_is_space(line.s[i]) || line.s[i] == ':')
            return false;
    bool folded = next.n > 0 && (next.s[0] == ' ' || next.s[0] == '\t');
    return line.n >= WORD_LEAST && !folded && header_name(line, &colon) == 0;
}

/* Returns where the body begins of a header that begins at `at`. A line of blanks is an empty one
 * to some. */
static size_t end_of_header(struct str text, size_t at, bool blanks_end)
{
    size_t start = at;
    while (at < text.n && !is_delimiter(text, at)) {
        size_t next = line_after(text, at);
        struct str line = str_sub(text, at, next);
        if (blanks_end ? is_blank(line) : line_between(text, at, next).n == 0)
            return next;
        if (at > start && line.s[0] != ' ' && line.s[0] != '\t' &&
            is_coded(line, str_from(text, next)))
            return at;
        at = next;
    }
    return at;
}

static size_t end_of_body(struct str text, size_t at)
{
    bool blank = false;
    while (at < text.n && !is_delimiter(text, at)) {
        size_t next = line_after(text, at);
        struct str line = str_sub(text, at, next);
        if (blank && str_istarts(line, STR("content-")) && str_chr(line, ':') != STR_NONE)
            break;
        blank = is_blank(line);
        at = next;
    }
    return at;
}

static void set_part(const struct av_loose *walk, size_t at, size_t body,
                     struct av_loose_part *part)
{
    part->head = str_sub(walk->text, at, body);
    part->body = str_sub(walk->text, body, walk->at);
}

bool av_loose_next(struct av_loose *walk, struct av_loose_part *part)
{
    struct str text = walk->text;
    size_t at = walk->at;
    if (walk->again > 0) {
        struct str part_text = str_sub(text, 0, at); /* else each would be read to the text's end */
        set_part(walk, walk->again - 1, end_of_header(part_text, walk->again - 1, false), part);
        walk->again = 0;
        return true;
    }
    if (walk->begun && is_delimiter(text, at))
        at = line_after(text, at);
    if (at >= text.n)
        return false;
    size_t body = end_of_header(text, at, true);
    walk->begun = true;
    walk->at = end_of_body(text, body);
    set_part(walk, at, body, part);
    struct str last = line_between(text, at, body);
    size_t lf = str_rchr(last, '\n');
    bool blanks = lf != STR_NONE && lf + 1 < last.n && is_blank(str_from(last, lf + 1));
    walk->again = blanks ? at + 1 : 0;
    return true;
}

static bool speaks_of_content(struct str line)
{
    size_t colon;
    return header_name(line, &colon) == 0 || str_ifind(line, STR("content-")) != STR_NONE;
}

void av_loose_fields(struct str head, struct buf *out)
{
    bool wanted = false;
    for (size_t at = 0, next; at < head.n; at = next) {
        next = line_after(head, at);
        struct str line = str_sub(head, at, next);
        if (line.s[0] != ' ' && line.s[0] != '\t')
            wanted = speaks_of_content(line);
        if (wanted)
            buf_add(out, line);
    }
}

/* Leaves letters, digits and "-" alone, in lower case, without what stands in comments. */
static void squeeze(struct buf *text)
{
    bool comment = false;
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++) {
        char c = text->p[i];
        if (c == '(')
            comment = true;
        else if (c == ')' || c == '\n')
            comment = false;
        else if (!comment && (ascii_is_alnum(c) || c == '-'))
            text->p[n++] = str_lower_char(c);
    }
    buf_cut(text, n);
}

static unsigned words_in(struct str text)
{
    static const struct {
        const char *word;
        enum encoding encoding;
    } words[] = {{"base64", ENC_BASE64},   {"base-64", ENC_BASE64}, {"gzip64", ENC_BASE64},
                 {"quoted-print", ENC_QP}, {"quotedprint", ENC_QP}, {"encodinguu", ENC_UUENCODE},
                 {"x-uu", ENC_UUENCODE}};
    unsigned found = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_ifind(text, str_of(words[i].word)) != STR_NONE)
            found |= 1U << words[i].encoding;
    return found;
}

/* Is an encoding named that is none of the usual ones? */
static bool names_unknown(struct str squeezed)
{
    static const char *const plain[] = {"7bit",   "8bit",     "7-bit",  "8-bit",
                                        "binary", "quoted-p", "base64", "utf-8"};
    struct str word = STR("transfer-encoding");
    for (size_t found; (found = str_find(squeezed, word)) != STR_NONE;) {
        squeezed = str_from(squeezed, found + word.n);
        bool known = false;
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
            known |= str_starts(squeezed, str_of(plain[i]));
        if (!known)
            return true;
    }
    return false;
}

unsigned av_loose_encodings(struct str head)
{
    struct buf text = BUF_INIT(HEAD_LOOK);
    av_loose_fields(str_sub(head, 0, HEAD_LOOK), &text);
    unsigned found = words_in(buf_str(&text));
    squeeze(&text);
    found |= words_in(buf_str(&text));
    if (names_unknown(buf_str(&text)) || !buf_ok(&text))
        found |= 1U << ENC_UNKNOWN;
    buf_release(&text);
    return found;
}
