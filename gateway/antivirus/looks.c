#include "gateway/antivirus/looks.h"

#include "mail/header.h"
#include "mail/transfer.h"

/* Characters of base64 in lines of nothing else, one after the other: 60 bytes of a file. A list of
 * words, one a line, may have it too, and costs a useless scan. */
#define BASE64_LEAST      80
#define BASE64_LINE_LEAST 4
/* Escaped bytes and soft breaks, and how many times rarer every other "=" must be: HTML is full of
 * them. */
#define QP_LEAST    4
#define QP_OTHERS   8
#define FIELDS_LOOK ((size_t)64 * 1024)

static bool is_base64_line(struct str line)
{
    while (line.n > 0 && line.s[line.n - 1] == '=')
        line.n--;
    for (size_t i = 0; i < line.n; i++)
        if (!transfer_is_base64(line.s[i]))
            return false;
    return line.n >= BASE64_LINE_LEAST;
}

/* What "=" stands for: in quoted-printable always an escaped byte or, at the end, a soft break. */
static void count_equals(struct str line, size_t *valid, size_t *others)
{
    for (size_t at = 0, found; (found = str_chr(str_from(line, at), '=')) != STR_NONE;) {
        at += found + 1;
        bool escape = hex_byte(line, at) >= 0;
        bool soft = at == line.n && line.n > 1 && line.s[line.n - 2] != '=';
        *(escape || soft ? valid : others) += 1;
    }
}

unsigned av_looks_encoded(struct str text)
{
    size_t run = 0, valid = 0, others = 0;
    bool base64 = false;
    struct str line;
    while (str_next_line(&text, &line)) {
        line = str_trim(line);
        if (line.n == 0)
            continue;
        bool coded = is_base64_line(line);
        run = coded ? run + line.n : 0;
        base64 |= run >= BASE64_LEAST;
        if (!coded)
            count_equals(line, &valid, &others);
    }
    bool qp = valid >= QP_LEAST && others * QP_OTHERS <= valid;
    return (base64 ? 1U << ENC_BASE64 : 0) | (qp ? 1U << ENC_QP : 0);
}

bool av_looks_base64_next(struct str *rest, struct str *run)
{
    struct str line;
    size_t n = 0;
    *run = STR_EMPTY;
    while (rest->n > 0) {
        struct str next = *rest;
        str_next_line(&next, &line);
        bool coded = is_base64_line(str_trim(line));
        if (!coded && n >= BASE64_LEAST)
            return true;
        if (coded && n == 0)
            run->s = rest->s;
        n = coded ? n + line.n : 0;
        run->n = coded ? (size_t)(next.s - run->s) : 0;
        *rest = next;
    }
    return n >= BASE64_LEAST;
}

bool av_looks_like_message(struct str bytes)
{
    struct str rest = str_sub(bytes, 0, FIELDS_LOOK), line;
    bool first = true;
    while (str_next_line(&rest, &line)) {
        size_t colon;
        bool blank = str_trim(line).n == 0;
        bool folded = line.n > 0 && (line.s[0] == ' ' || line.s[0] == '\t');
        if (first && blank)
            continue;
        if (str_istarts(line, STR("content-")) || str_istarts(line, STR("mime-version")))
            return true;
        if (blank || (!folded && header_name(line, &colon) == 0 && !str_starts(line, STR("--"))))
            return false;
        first = false;
    }
    return false;
}
