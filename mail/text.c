#include "mail/text.h"

#include "mail/charset.h"
#include "mail/flow.h"
#include "mail/html.h"
#include "mail/part.h"
#include "mail/uri.h"
#include "mail/utf8.h"

#define CHUNK_MAX   4096 /* bytes of one paragraph or rawbody chunk */
#define CHUNK_LEAST 2048 /* a cut is looked for from here on */
#define UTF8_GROWTH 3    /* bytes that one byte of another charset can become */
#define HTML_LOOK   256  /* where a text/plain part may show that it is HTML */

struct list {
    struct str *items;
    size_t n;
    size_t cap;
};

struct maker {
    struct pool *pool;
    struct mail_text *text;
    struct buf visible;
    struct buf invisible;
    struct buf bytes; /* one part decoded */
    struct buf utf8;  /* and converted */
    struct html_sinks sinks;
    struct uris uris;
    struct list rawbody;
    struct list paragraphs;
    size_t left; /* of TEXT_TOTAL_MAX */
};

static int list_add(struct pool *pool, struct list *list, struct str x, struct err *err)
{
    struct str *items = pool_grow(pool, list->items, list->n, &list->cap, sizeof *items);
    if (items == NULL)
        return err_set(err, "out of memory for the text of a message");
    list->items = items;
    items[list->n++] = x;
    return 0;
}

/* Where to cut a text that is longer than CHUNK_MAX: behind the last `sep` in the second half of
 * what fits, else between two characters. */
static size_t cut_at(struct str x, char sep)
{
    size_t at = str_rchr(str_sub(x, CHUNK_LEAST, CHUNK_MAX), sep);
    if (at != STR_NONE)
        return CHUNK_LEAST + at + 1;
    size_t n = utf8_head(x, CHUNK_MAX).n;
    return n >= CHUNK_LEAST ? n : CHUNK_MAX;
}

static int list_add_cut(struct pool *pool, struct list *list, struct str x, char sep,
                        struct err *err)
{
    while (x.n > CHUNK_MAX) {
        size_t n = cut_at(x, sep);
        bool space = sep == ' ' && x.s[n - 1] == ' ';
        if (list_add(pool, list, str_sub(x, 0, n - space), err) < 0)
            return -1;
        x = str_from(x, n);
    }
    return x.n ? list_add(pool, list, x, err) : 0;
}

/* A copy with LF for CR LF: rules are written for it. */
static struct str with_lf(struct pool *pool, struct str x)
{
    char *to = pool_alloc(pool, x.n);
    size_t n = 0;
    if (to == NULL)
        return STR_EMPTY;
    while (x.n) {
        size_t cr = str_chr(x, '\r');
        size_t run = cr == STR_NONE ? x.n : cr;
        memcpy(to + n, x.s, run);
        n += run;
        if (cr != STR_NONE && (cr + 1 == x.n || x.s[cr + 1] != '\n'))
            to[n++] = '\r';
        x = str_from(x, run + 1);
    }
    return str_n(to, n);
}

static bool is_html_type(const struct part *part)
{
    return str_eq(part->type, STR("text/html")) || str_eq(part->type, STR("application/xhtml+xml"));
}

/* Text that mail programs show in the message: not other text formats that are attached, but
 * delivery reports, and multiparts in which no parts are found. */
static bool is_shown(const struct part *part)
{
    if (part->child)
        return false;
    if (is_html_type(part) || part_is_multipart(part) || str_starts(part->type, STR("message/")))
        return true;
    if (!str_starts(part->type, STR("text/")))
        return false;
    return str_eq(part->type, STR("text/plain")) || !str_eq(part->disposition, STR("attachment"));
}

/* A text/plain part that is a whole page is shown as one by some, and written for them. */
static bool is_html(const struct part *part, struct str text)
{
    if (is_html_type(part))
        return true;
    struct str head = str_trim(str_sub(text, 0, HTML_LOOK));
    return str_eq(part->type, STR("text/plain")) &&
           (str_istarts(head, STR("<!doctype html")) || str_istarts(head, STR("<html")));
}

/* The part's bytes, decoded, at most what may still be taken. */
static struct str decode(struct maker *m, const struct part *part)
{
    size_t most = m->left < TEXT_PART_MAX ? m->left : TEXT_PART_MAX;
    struct str bytes = str_sub(part->body, 0, most);
    if (part_is_encoded(part)) {
        buf_clear(&m->bytes);
        m->bytes.max = most;
        part_decode(part, &m->bytes);
        bytes = buf_str(&m->bytes);
    }
    m->text->truncated |= bytes.n == most;
    m->left -= bytes.n;
    return bytes;
}

static int add_part(struct maker *m, const struct part *part, struct err *err)
{
    struct str bytes = decode(m, part);
    struct str raw = with_lf(m->pool, bytes);
    if (raw.s == NULL || list_add_cut(m->pool, &m->rawbody, raw, '\n', err) < 0)
        return err_set(err, "out of memory for the text of a message");
    buf_clear(&m->utf8);
    charset_to_utf8(part_charset(part, bytes), bytes, &m->utf8);
    if (m->bytes.failed || m->utf8.failed)
        return err_set(err, "out of memory for the text of a message");
    struct str text = buf_str(&m->utf8);
    if (is_html(part, text))
        return html_render(&m->sinks, text, err);
    flow_plain(&m->sinks.visible, text);
    return 0;
}

static int add_subject(struct maker *m, const struct message *message, struct err *err)
{
    const struct header *subject = message_header(message, STR("Subject"));
    m->text->subject = subject ? header_text(m->pool, subject) : STR("");
    if (m->text->subject.s == NULL)
        return err_set(err, "out of memory for a Subject");
    return list_add(m->pool, &m->paragraphs, m->text->subject, err);
}

/* The running text is final: it is copied to where it stays, and cut into paragraphs. */
static int add_paragraphs(struct maker *m, struct err *err)
{
    struct str text = pool_str(m->pool, buf_str(&m->visible)), line;
    m->text->invisible = pool_str(m->pool, str_trim(buf_str(&m->invisible)));
    if (text.s == NULL || m->text->invisible.s == NULL || m->visible.failed || m->invisible.failed)
        return err_set(err, "out of memory for the text of a message");
    uris_find(&m->uris, m->text->subject);
    uris_find(&m->uris, text);
    while (str_next_line(&text, &line))
        if (list_add_cut(m->pool, &m->paragraphs, line, ' ', err) < 0)
            return -1;
    return m->uris.no_memory ? err_set(err, "out of memory for the links of a message") : 0;
}

static int make(struct maker *m, const struct message *message, struct err *err)
{
    if (add_subject(m, message, err) < 0)
        return -1;
    for (size_t i = 0; i < message->n_parts; i++) {
        if (!is_shown(message->parts[i]))
            continue;
        if (m->left == 0)
            m->text->truncated = true;
        else if (add_part(m, message->parts[i], err) < 0)
            return -1;
    }
    if (add_paragraphs(m, err) < 0)
        return -1;
    struct mail_text *text = m->text;
    text->paragraphs = m->paragraphs.items;
    text->n_paragraphs = m->paragraphs.n;
    text->rawbody = m->rawbody.items;
    text->n_rawbody = m->rawbody.n;
    text->uris = m->uris.list;
    text->n_uris = m->uris.n;
    text->truncated |= m->sinks.visible.full || m->sinks.invisible.full || m->uris.full;
    return 0;
}

int mail_text_make(struct pool *pool, const struct message *message, struct mail_text **text,
                   struct err *err)
{
    struct maker m = {
        .pool = pool,
        .text = POOL_NEW(pool, struct mail_text),
        .visible = BUF_INIT(TEXT_TOTAL_MAX),
        .invisible = BUF_INIT(TEXT_TOTAL_MAX),
        .bytes = BUF_INIT(TEXT_PART_MAX),
        .utf8 = BUF_INIT(UTF8_GROWTH * TEXT_PART_MAX),
        .uris = {.pool = pool},
        .left = TEXT_TOTAL_MAX,
    };
    if (m.text == NULL)
        return err_set(err, "out of memory for the text of a message");
    m.sinks = (struct html_sinks){.pool = pool,
                                  .visible = {.out = &m.visible},
                                  .invisible = {.out = &m.invisible},
                                  .uris = &m.uris,
                                  .facts = &m.text->html};
    int result = make(&m, message, err);
    buf_release(&m.visible);
    buf_release(&m.invisible);
    buf_release(&m.bytes);
    buf_release(&m.utf8);
    *text = result == 0 ? m.text : NULL;
    return result;
}
