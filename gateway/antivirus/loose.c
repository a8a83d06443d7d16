#include "gateway/antivirus/loose.h"

static size_t line_after(struct str raw, size_t at)
{
    const char *lf = at < raw.n ? memchr(raw.s + at, '\n', raw.n - at) : NULL;
    return lf ? (size_t)(lf - raw.s) + 1 : raw.n;
}

static bool is_delimiter(struct str raw, size_t at)
{
    return at + 2 < raw.n && raw.s[at] == '-' && raw.s[at + 1] == '-';
}

static bool is_content_field(struct str line)
{
    return str_istarts(line, STR("content-")) && str_chr(line, ':') != STR_NONE;
}

static unsigned encodings_in(struct str line)
{
    static const struct {
        const char *word;
        enum encoding encoding;
    } words[] = {{"base64", ENC_BASE64},
                 {"quoted-printable", ENC_QP},
                 {"uu", ENC_UUENCODE},
                 {"yenc", ENC_UNKNOWN}};
    unsigned found = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_ifind(line, str_of(words[i].word)) != STR_NONE)
            found |= 1U << words[i].encoding;
    return found;
}

/* Reads header lines from `at`; returns where the body begins. */
static size_t read_header(struct str raw, size_t at, struct av_loose_part *part)
{
    part->encodings = 0;
    while (at < raw.n && !is_delimiter(raw, at)) {
        size_t next = line_after(raw, at);
        struct str line = str_sub(raw, at, next);
        at = next;
        if (str_trim(line).n == 0)
            break;
        part->encodings |= encodings_in(line);
    }
    return at;
}

static size_t find_delimiter(struct str raw, size_t at)
{
    while (at < raw.n && !is_delimiter(raw, at))
        at = line_after(raw, at);
    return at;
}

bool av_loose_next(struct av_loose *walk, struct av_loose_part *part)
{
    struct str raw = walk->raw;
    while (walk->at < raw.n) {
        size_t at = line_after(raw, find_delimiter(raw, walk->at));
        walk->at = at;
        if (at >= raw.n || !is_content_field(str_sub(raw, at, line_after(raw, at))))
            continue;
        size_t body = read_header(raw, at, part);
        walk->at = find_delimiter(raw, body);
        part->body = str_sub(raw, body, walk->at);
        return true;
    }
    return false;
}
