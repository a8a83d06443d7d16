#include "mail/header.h"

#include "mail/utf8.h"

struct reader {
    struct pool *pool;
    struct str text;
    const struct mail_limits *limits;
    struct part *part;
    size_t start;
    size_t cap;
    struct header *last; /* the field that a continuation line belongs to */
};

static bool is_space_or_tab(char c)
{
    return c == ' ' || c == '\t';
}

size_t header_name(struct str line, size_t *colon)
{
    size_t n = 0;
    while (n < line.n && line.s[n] > 32 && line.s[n] < 127 && line.s[n] != ':')
        n++;
    size_t at = n;
    while (at < line.n && is_space_or_tab(line.s[at]))
        at++;
    if (n == 0 || at == line.n || line.s[at] != ':')
        return 0;
    *colon = at;
    return n;
}

/* The CR of the odd line end CR CR LF counts as nothing. */
static bool is_empty_line(struct str line)
{
    while (line.n && line.s[line.n - 1] == '\r')
        line.n--;
    return line.n == 0;
}

/* Not merely the syntax of a field, which "Hello: you" has too, but a name that mail uses. */
static bool is_likely_field(struct str line)
{
    static const char *const names[] = {"from", "to",       "cc",     "bcc",    "subject",
                                        "date", "received", "sender", "status", "references"};
    size_t colon;
    struct str name = str_sub(line, 0, header_name(line, &colon));
    if (name.n == 0)
        return false;
    if (name.s[0] != '-' && str_chr(name, '-') != STR_NONE)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_ieq(name, str_of(names[i])))
            return true;
    return false;
}

/* A multipart without an empty line behind its header starts with its own delimiter. */
static bool may_delimit(struct str line)
{
    return str_starts(line, STR("--"));
}

/* Where fields go on after the line at `at` that is none; STR_NONE: they don't. */
static size_t after_junk(const struct reader *r, size_t at)
{
    struct str first = str_from(r->text, at);
    bool mbox =
        at == r->start && (str_starts(first, STR("From ")) || str_starts(first, STR(">From ")));
    size_t next = line_after(r->text, at);
    if (mbox)
        return next;
    for (unsigned i = 0; i < HEADER_JUNK_LINES && next < r->text.n; i++) {
        size_t after = line_after(r->text, next);
        struct str line = line_between(r->text, next, after);
        if (is_empty_line(line) || may_delimit(line))
            return STR_NONE;
        if (is_likely_field(line))
            return next;
        next = after;
    }
    return STR_NONE;
}

static int add_field(struct reader *r, size_t at, size_t after, size_t name_n, size_t colon,
                     struct err *err)
{
    struct part *part = r->part;
    r->last = NULL;
    if (part->n_headers >= r->limits->headers || after - r->start > r->limits->header_size) {
        part->anomalies |= MAIL_ANOMALY_LIMIT;
        return 0;
    }
    struct header *list = pool_grow(r->pool, part->headers, part->n_headers, &r->cap, sizeof *list);
    if (list == NULL)
        return err_set(err, "out of memory for a message's header");
    part->headers = list;
    r->last = &list[part->n_headers++];
    r->last->name = str_n(r->text.s + at, name_n);
    r->last->value = line_between(r->text, at + colon + 1, after);
    r->last->at = at;
    r->last->end = after;
    return 0;
}

static void extend_field(struct reader *r, size_t after)
{
    struct header *h = r->last;
    if (h == NULL)
        return;
    if (after - r->start > r->limits->header_size) {
        r->part->anomalies |= MAIL_ANOMALY_LIMIT;
        r->last = NULL;
        return;
    }
    h->value = line_between(r->text, (size_t)(h->value.s - r->text.s), after);
    h->end = after;
}

static void finish(struct reader *r, size_t end)
{
    struct part *part = r->part;
    part->head = str_sub(r->text, r->start, end);
    if (utf8_ascii_end(part->head, 0) < part->head.n)
        part->anomalies |= MAIL_ANOMALY_8BIT_HEADER;
}

/* The start of the body without an empty line before it. */
static size_t finish_early(struct reader *r, size_t at)
{
    r->part->anomalies |= MAIL_ANOMALY_NO_BLANK_LINE;
    finish(r, at);
    return at;
}

int header_read(struct pool *pool, struct str text, size_t at, const struct mail_limits *limits,
                const struct boundaries *open, struct part *part, size_t *body, struct err *err)
{
    struct reader r = {.pool = pool, .text = text, .limits = limits, .part = part, .start = at};
    while (at < text.n) {
        size_t after = line_after(text, at);
        struct str line = line_between(text, at, after);
        size_t colon;
        bool closing;
        if (is_empty_line(line)) {
            finish(&r, at);
            *body = after;
            return 0;
        }
        if (boundaries_match(open, line, &closing) != STR_NONE) {
            *body = finish_early(&r, at);
            return 0;
        }
        size_t name_n = header_name(line, &colon);
        if (is_space_or_tab(line.s[0]) && (part->n_headers || at > r.start)) {
            extend_field(&r, after);
        } else if (name_n) {
            if (add_field(&r, at, after, name_n, colon, err) < 0)
                return -1;
        } else {
            size_t next = may_delimit(line) ? STR_NONE : after_junk(&r, at);
            if (next == STR_NONE) {
                *body = finish_early(&r, at);
                return 0;
            }
            part->anomalies |= MAIL_ANOMALY_BAD_HEADER;
            r.last = NULL;
            after = next;
        }
        at = after;
    }
    finish(&r, at);
    *body = at;
    return 0;
}

const struct header *part_header(const struct part *part, struct str name, size_t *from)
{
    for (size_t i = *from; i < part->n_headers; i++) {
        if (str_ieq(part->headers[i].name, name)) {
            *from = i + 1;
            return &part->headers[i];
        }
    }
    *from = part->n_headers;
    return NULL;
}

struct str header_unfold(struct pool *pool, const struct header *header)
{
    struct str value = str_trim(header->value);
    if (value.n == 0)
        return STR("");
    if (str_chr(value, '\n') == STR_NONE)
        return value;
    char *to = pool_alloc(pool, value.n);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    for (size_t i = 0; i < value.n;) {
        if (value.s[i] != '\n') {
            to[n++] = value.s[i++];
            continue;
        }
        while (n && to[n - 1] == '\r')
            n--;
        for (i++; i < value.n &&
                  (is_space_or_tab(value.s[i]) || value.s[i] == '\r' || value.s[i] == '\n');)
            i++;
        to[n++] = ' ';
    }
    return str_n(to, n);
}
