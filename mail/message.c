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

#define ADOPTED_MAX 200 /* bytes of a boundary that is taken from the text */

/* One multipart that is open; its boundaries stand in parser.open under its index. */
struct level {
    struct part *part;
    struct part *last; /* its last child so far */
    bool adopted;      /* has a boundary from the text */
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
    size_t n_levels;
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

/* Is there room for a further boundary of this multipart when each that may be inside it takes
 * one? */
static bool spare_boundaries(const struct parser *p, const struct part *part)
{
    return p->open.n + (p->limits->depth - part->depth) < BOUNDARIES_MAX;
}

/* Opens a multipart, so that its boundary is looked for from here on. With several boundary
 * parameters each counts: readers differ in which they take. */
static void open_multipart(struct parser *p, struct part *part)
{
    size_t level = p->n_levels;
    bool any = false;
    if (!may_go_deeper(p, part))
        return;
    if (level == BOUNDARIES_MAX) {
        part->anomalies |= MAIL_ANOMALY_LIMIT;
        return;
    }
    for (size_t i = 0; i < part->n_params && (!any || spare_boundaries(p, part)); i++) {
        if (str_eq(part->params[i].name, STR("boundary")))
            any |= boundaries_push(&p->open, part->params[i].value, level);
    }
    if (!any)
        part->anomalies |= MAIL_ANOMALY_NO_BOUNDARY;
    p->levels[p->n_levels++] = (struct level){.part = part};
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
        if (!part_is_message(part) || part_is_encoded(part) || !may_go_deeper(p, part))
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

/* Multiparts from `level` on lack their closing delimiter. */
static void close_levels(struct parser *p, size_t level)
{
    for (size_t i = level; i < p->n_levels; i++)
        p->levels[i].part->anomalies |= MAIL_ANOMALY_UNCLOSED;
    boundaries_cut(&p->open, level);
    if (p->n_levels > level)
        p->n_levels = level;
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

/*
 * Readers find delimiters where we read another boundary from the header, or none: a line in a
 * preamble that looks like one, with a MIME field behind it, is taken for a delimiter too.
 */
static bool adopt(struct parser *p, size_t at, size_t after)
{
    struct level *level = &p->levels[p->n_levels - 1];
    struct str line = str_from(line_between(p->text, at, after), 2);
    if (level->part != p->current || level->last || level->adopted ||
        !spare_boundaries(p, level->part) || str_trim(line).n == 0 || line.n > ADOPTED_MAX ||
        !str_istarts(str_from(p->text, after), STR("content-")))
        return false;
    level->adopted = true;
    level->part->anomalies |= MAIL_ANOMALY_NO_BOUNDARY;
    return boundaries_push(&p->open, line, p->n_levels - 1);
}

/* The next delimiter's line at or after `at`; STR_NONE: none. */
static size_t find_delimiter(struct parser *p, size_t at, size_t *level, bool *closing)
{
    struct str text = p->text;
    if (p->n_levels == 0)
        return STR_NONE;
    while (at < text.n) {
        size_t after = line_after(text, at);
        if (text.s[at] == '-' && at + 1 < text.n && text.s[at + 1] == '-') {
            *level = boundaries_match(&p->open, line_between(text, at, after), closing);
            if (*level == STR_NONE && adopt(p, at, after)) {
                *level = p->n_levels - 1;
                *closing = false;
            }
            if (*level != STR_NONE)
                return at;
        }
        at = after;
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

/* Reads all parts from `at` on, where the body of p->current starts, and ends them; `above` is
 * what p->text as a whole stands in. */
static int read_parts(struct parser *p, const struct part *above, size_t at, struct err *err)
{
    size_t level;
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
        close_levels(p, level + 1);
        at = line_after(p->text, line);
        if (!closing) {
            at = next_part(p, level, at, err);
        } else {
            boundaries_cut(&p->open, level);
            p->n_levels = level;
        }
    }
    if (at == STR_NONE)
        return -1;
    end_parts(p, above, p->text.n);
    close_levels(p, 0);
    return 0;
}

static int read_tree(struct parser *p, struct part *outermost, struct err *err)
{
    return read_parts(p, outermost->parent, read_part(p, outermost, 0, err), err);
}

/* Reads what stands in p->text, the decoded body of the part. */
static int read_unpacked(struct parser *p, struct part *part, struct err *err)
{
    if (part_is_multipart(part)) {
        p->current = part;
        open_multipart(p, part);
        return read_parts(p, part, 0, err);
    }
    part->child = add_part(p, part, err);
    return part->child ? read_tree(p, part->child, err) : -1;
}

/*
 * A message or multipart that was attached in base64 or the like (against RFC 2045 6.4, but
 * webmails do): its parts are read from its decoded text. What does not fit stays one encoded
 * part.
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
    p->text = part->unpacked_text = text;
    return read_unpacked(p, part, err);
}

/* Parts that unpacking adds come last in the list, and are unpacked in their turn. */
static int unpack_all(struct parser *p, struct err *err)
{
    struct message *m = p->message;
    for (size_t i = 0; i < m->n_parts; i++) {
        struct part *part = m->parts[i];
        bool holds = part_is_message(part) || part_is_multipart(part);
        if (part->child == NULL && holds && part_is_encoded(part) && unpack(p, part, err) < 0)
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
