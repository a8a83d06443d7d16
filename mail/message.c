#include "mail/message.h"

#include "mail/boundary.h"
#include "mail/header.h"
#include "mail/part.h"

const struct mail_limits mail_limits_default = {
    .depth = 50,
    .parts = 1000,
    .headers = 2000,
    .header_size = 1024 * 1024,
};

/* Texts that encoded messages decode to, together, for each byte of the message itself. */
#define UNPACK_RATIO 2

/* One multipart that is open: its boundary stands in parser.open at the same index. */
struct level {
    struct part *part;
    struct part *last; /* its last child so far */
};

struct parser {
    struct pool *pool;
    const struct mail_limits *limits;
    struct message *message;
    size_t parts_cap;
    size_t unpack_left; /* bytes that encoded messages may still decode to */
    struct str text;    /* message.raw, or the decoded text of an encoded message */
    struct boundaries open;
    struct level levels[BOUNDARIES_MAX];
    struct part *current; /* innermost part whose end is not known yet */
};

static struct part *add_part(struct parser *p, struct part *parent, struct err *err)
{
    struct message *m = p->message;
    struct part **parts =
        pool_grow(p->pool, m->parts, m->n_parts, &p->parts_cap, sizeof(struct part *));
    struct part *part = parts ? POOL_NEW(p->pool, struct part) : NULL;
    if (part == NULL) {
        err_set(err, "out of memory for the parts of a message");
        return NULL;
    }
    m->parts = parts;
    part->parent = parent;
    part->depth = parent ? parent->depth + 1 : 0;
    part->unpacked = parent && (parent->unpacked || p->text.s != m->raw.s);
    part->index = (unsigned)m->n_parts;
    m->parts[m->n_parts++] = part;
    return part;
}

static bool may_go_deeper(struct parser *p, struct part *part)
{
    if (part->depth < p->limits->depth && p->message->n_parts < p->limits->parts)
        return true;
    part->anomalies |= MAIL_ANOMALY_LIMIT;
    return false;
}

/* Opens a multipart, so that its boundary is looked for from here on. */
static void open_multipart(struct parser *p, struct part *part)
{
    struct str boundary = part_param(part, STR("boundary"));
    if (boundary.s == NULL) {
        part->anomalies |= MAIL_ANOMALY_NO_BOUNDARY;
        return;
    }
    if (!may_go_deeper(p, part))
        return;
    if (!boundaries_push(&p->open, boundary)) {
        part->anomalies |= MAIL_ANOMALY_LIMIT;
        return;
    }
    p->levels[p->open.n - 1] = (struct level){.part = part};
}

/*
 * Reads headers from `at` on: the part's own and, as long as a part is a message, those of what
 * is in it. Sets p->current to the innermost and returns where its body starts, STR_NONE: no
 * memory.
 */
static size_t read_part(struct parser *p, struct part *part, size_t at, struct err *err)
{
    for (;;) {
        size_t body;
        if (header_read(p->pool, p->text, at, p->limits, &p->open, part, &body, err) < 0 ||
            part_interpret(p->pool, part, err) < 0)
            return STR_NONE;
        part->body = str_from(p->text, body);
        p->current = part;
        if (part_is_multipart(part))
            open_multipart(p, part);
        bool plain = part->encoding <= ENC_BINARY || part->encoding == ENC_UNKNOWN;
        if (!part_is_message(part) || !plain || !may_go_deeper(p, part))
            return body;
        part->child = add_part(p, part, err);
        if (part->child == NULL)
            return STR_NONE;
        part = part->child;
        at = body;
    }
}

/* Ends every part inside `outer` (NULL: all) at the position. */
static void end_parts(struct parser *p, const struct part *outer, size_t end)
{
    while (p->current != outer) {
        struct part *part = p->current;
        size_t from = (size_t)(part->body.s - p->text.s);
        part->body.n = end > from ? end - from : 0;
        p->current = part->parent;
    }
}

/* Multiparts above `level` lack their closing delimiter. */
static void close_levels(struct parser *p, size_t level)
{
    for (size_t i = level; i < p->open.n; i++)
        p->levels[i].part->anomalies |= MAIL_ANOMALY_UNCLOSED;
    boundaries_cut(&p->open, level);
}

/* The line end before a delimiter belongs to it (RFC 2046 5.1.1). */
static size_t before_line_end(struct str text, size_t at)
{
    if (at && text.s[at - 1] == '\n')
        at--;
    if (at && text.s[at - 1] == '\r')
        at--;
    return at;
}

/* The next delimiter's line at or after `at`; STR_NONE: none. */
static size_t find_delimiter(const struct parser *p, size_t at, int *level, bool *closing)
{
    struct str text = p->text;
    if (p->open.n == 0)
        return STR_NONE;
    while (at < text.n) {
        if (text.s[at] == '-' && at + 1 < text.n && text.s[at + 1] == '-') {
            struct str line = line_between(text, at, line_after(text, at));
            *level = boundaries_match(&p->open, line, closing);
            if (*level >= 0)
                return at;
        }
        at = line_after(text, at);
    }
    return STR_NONE;
}

/* A new part after a delimiter of that level; returns where its body starts. */
static size_t next_part(struct parser *p, size_t level, size_t at, struct err *err)
{
    struct level *l = &p->levels[level];
    struct part *part = add_part(p, l->part, err);
    if (part == NULL)
        return STR_NONE;
    if (l->last)
        l->last->next = part;
    else
        l->part->child = part;
    l->last = part;
    return read_part(p, part, at, err);
}

/* Reads the part tree whose outermost header starts at the beginning of p->text. */
static int read_tree(struct parser *p, struct part *outermost, struct err *err)
{
    const struct part *above = outermost->parent;
    size_t at = read_part(p, outermost, 0, err);
    int level;
    bool closing;
    while (at != STR_NONE) {
        size_t line = find_delimiter(p, at, &level, &closing);
        if (line == STR_NONE)
            break;
        struct part *multipart = p->levels[level].part;
        if (!closing && p->message->n_parts >= p->limits->parts) {
            multipart->anomalies |= MAIL_ANOMALY_LIMIT;
            break;
        }
        end_parts(p, multipart, before_line_end(p->text, line));
        close_levels(p, (size_t)level + 1);
        at = line_after(p->text, line);
        if (closing)
            boundaries_cut(&p->open, (size_t)level);
        else
            at = next_part(p, (size_t)level, at, err);
    }
    if (at == STR_NONE)
        return -1;
    end_parts(p, above, p->text.n);
    close_levels(p, 0);
    return 0;
}

/*
 * A message that was attached in base64 or the like (against RFC 2046 5.2.1, but webmails do):
 * its tree is read from its decoded text. What does not fit stays one encoded part.
 */
static int unpack(struct parser *p, struct part *part, struct err *err)
{
    if (!may_go_deeper(p, part))
        return 0;
    struct buf bytes = BUF_INIT(p->unpack_left);
    part_decode(part, &bytes);
    bool fits = bytes.n < p->unpack_left && !bytes.failed;
    struct str text = fits ? pool_str(p->pool, buf_str(&bytes)) : STR_EMPTY;
    buf_release(&bytes);
    if (text.s == NULL) {
        part->anomalies |= MAIL_ANOMALY_LIMIT;
        return 0;
    }
    p->unpack_left -= text.n;
    p->text = text;
    part->child = add_part(p, part, err);
    if (part->child == NULL)
        return -1;
    return read_tree(p, part->child, err);
}

/* Parts that unpacking adds come last in the list, and are unpacked in their turn. */
static int unpack_all(struct parser *p, struct err *err)
{
    struct message *m = p->message;
    for (size_t i = 0; i < m->n_parts; i++) {
        struct part *part = m->parts[i];
        if (part->child == NULL && part_is_message(part) && part->encoding > ENC_BINARY &&
            part->encoding != ENC_UNKNOWN && unpack(p, part, err) < 0)
            return -1;
    }
    return 0;
}

static bool has_bare_cr(struct str x)
{
    for (size_t at; (at = str_chr(x, '\r')) != STR_NONE; x = str_from(x, at + 1))
        if (at + 1 == x.n || x.s[at + 1] != '\n')
            return true;
    return false;
}

static unsigned odd_bytes(struct str x)
{
    return (str_chr(x, '\0') != STR_NONE ? (unsigned)MAIL_ANOMALY_NUL : 0) |
           (has_bare_cr(x) ? (unsigned)MAIL_ANOMALY_BARE_CR : 0);
}

static void sum_anomalies(struct message *m)
{
    m->anomalies = odd_bytes(m->raw);
    bool odd = m->anomalies != 0;
    for (size_t i = 0; i < m->n_parts; i++) {
        struct part *part = m->parts[i];
        if (odd || part->unpacked)
            part->anomalies |= odd_bytes(part->head);
        if ((odd || part->unpacked) && part->child == NULL)
            part->anomalies |= odd_bytes(part->body);
        m->anomalies |= part->anomalies;
    }
}

int message_parse(struct pool *pool, struct str raw, const struct mail_limits *limits,
                  struct message **message, struct err *err)
{
    struct parser p = {.pool = pool, .limits = limits, .text = raw.n ? raw : STR("")};
    p.message = POOL_NEW(pool, struct message);
    if (p.message == NULL)
        return err_set(err, "out of memory for a message");
    p.message->raw = p.text;
    p.unpack_left = raw.n * UNPACK_RATIO;
    p.message->root = add_part(&p, NULL, err);
    if (p.message->root == NULL || read_tree(&p, p.message->root, err) < 0 ||
        unpack_all(&p, err) < 0)
        return -1;
    sum_anomalies(p.message);
    *message = p.message;
    return 0;
}
