#include "gateway/antivirus/content.h"

#include <stdlib.h>

#include "gateway/antivirus/loose.h"
#include "gateway/antivirus/readings.h"
#include "mail/message.h"
#include "mail/transfer.h"

/* A decoded part stands in the buffer at an offset: the buffer moves while it grows. */
struct piece {
    struct str view; /* not decoded: the bytes in the message */
    size_t at;       /* else in decoded */
    size_t n;
    struct str filename;
};

#define DECODE_SLACK 16
/* Memory beyond this is given back after the message that needed it. */
#define BUFFER_KEPT ((size_t)4 * 1024 * 1024)

struct av_content {
    struct pool *pool;
    struct buf decoded;
    struct buf scratch;
    struct piece *pieces;
    size_t n;
    size_t cap;
    struct str left_out;
};

struct av_content *av_content_new(size_t decoded_max)
{
    struct av_content *content = calloc(1, sizeof *content);
    if (!content)
        return NULL;
    buf_init(&content->decoded, decoded_max);
    buf_init(&content->scratch, decoded_max);
    content->pool = pool_new(AV_STRUCTURE_MAX);
    if (!content->pool)
        av_content_free(&content);
    return content;
}

void av_content_free(struct av_content **content)
{
    if (!*content)
        return;
    pool_free(&(*content)->pool);
    buf_release(&(*content)->decoded);
    buf_release(&(*content)->scratch);
    free(*content);
    *content = NULL;
}

static void leave_out(struct av_content *content, struct str reason)
{
    if (content->left_out.n == 0)
        content->left_out = reason;
}

static struct piece *add_piece(struct av_content *content, struct str filename)
{
    if (content->n == AV_PARTS_MAX) {
        leave_out(content, STR("too many parts"));
        return NULL;
    }
    struct piece *pieces =
        pool_grow(content->pool, content->pieces, content->n, &content->cap, sizeof *pieces);
    if (!pieces) {
        leave_out(content, STR("its structure is too large"));
        return NULL;
    }
    content->pieces = pieces;
    pieces[content->n] = (struct piece){.filename = filename};
    return &pieces[content->n++];
}

static void add_view(struct av_content *content, struct str bytes, struct str filename)
{
    struct piece *piece = bytes.n > 0 ? add_piece(content, filename) : NULL;
    if (piece)
        piece->view = bytes;
}

/* Keeps what was appended to content->decoded since `at`, if that is anything. */
static void keep_decoded(struct av_content *content, size_t at, struct str filename)
{
    struct buf *out = &content->decoded;
    if (!buf_ok(out) || !buf_ok(&content->scratch)) {
        leave_out(content, STR("out of memory for its decoded parts"));
        return;
    }
    struct piece *piece = out->n > at ? add_piece(content, filename) : NULL;
    if (piece) {
        piece->at = at;
        piece->n = out->n - at;
    }
}

/* No encoding makes anything longer, but for a few bytes. */
static bool has_room(struct av_content *content, size_t n)
{
    struct buf *out = &content->decoded;
    if (buf_ok(out) && n + DECODE_SLACK <= out->max - out->n)
        return true;
    leave_out(content, STR("its decoded parts are too large together"));
    return false;
}

static void add_readings(struct av_content *content, struct str coded, struct str filename,
                         enum encoding encoding)
{
    for (size_t i = 0; i < n_av_readings; i++) {
        const struct av_reading *reading = &av_readings[i];
        if (reading->encoding != encoding || !reading->differs(coded) ||
            !has_room(content, coded.n))
            continue;
        size_t at = content->decoded.n;
        buf_clear(&content->scratch);
        reading->decode(coded, &content->scratch, &content->decoded);
        keep_decoded(content, at, filename);
    }
}

/* The plain reading, and those of broken coding. */
static void add_decoded(struct av_content *content, struct str coded, struct str filename,
                        enum encoding encoding)
{
    static void (*const decoders[])(struct str in, struct buf * out) = {
        [ENC_QP] = transfer_qp,
        [ENC_BASE64] = transfer_base64,
        [ENC_UUENCODE] = transfer_uu,
        [ENC_UNKNOWN] = NULL,
    };
    if (decoders[encoding] && has_room(content, coded.n)) {
        size_t at = content->decoded.n;
        decoders[encoding](coded, &content->decoded);
        keep_decoded(content, at, filename);
    }
    add_readings(content, coded, filename, encoding);
}

/* All that it might be. */
#define ANY_ENCODING (1U << ENC_QP | 1U << ENC_BASE64 | 1U << ENC_UUENCODE | 1U << ENC_UNKNOWN)

static void add_body(struct av_content *content, struct str body, struct str filename,
                     unsigned encodings)
{
    for (enum encoding e = ENC_7BIT; e <= ENC_UNKNOWN; e++)
        if (e > ENC_BINARY && (encodings & 1U << e))
            add_decoded(content, body, filename, e);
}

static void add_part(struct av_content *content, const struct part *part)
{
    bool plain = part->encoding <= ENC_BINARY;
    bool doubtful = part->encoding == ENC_UNKNOWN ||
                    (part->anomalies & (MAIL_ANOMALY_TWICE | MAIL_ANOMALY_BAD_ENCODING));
    if (plain || doubtful)
        add_view(content, part->body, part->filename);
    add_body(content, part->body, part->filename, doubtful ? ANY_ENCODING : 1U << part->encoding);
}

/* Does our parser, too, see a part that begins there? Its parts stand in the order of the text. */
static bool is_known(const struct message *message, const char *body)
{
    size_t from = 0, to = message->n_parts;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct part *part = message->parts[middle];
        if (!part->unpacked && part->body.s < body)
            from = middle + 1;
        else
            to = middle;
    }
    return from < message->n_parts && message->parts[from]->body.s == body;
}

static void add_loose_parts(struct av_content *content, const struct message *message)
{
    struct av_loose walk = av_loose_of(message->raw);
    struct av_loose_part part;
    while (content->n < AV_PARTS_MAX && av_loose_next(&walk, &part))
        if (!is_known(message, part.body.s))
            add_body(content, part.body, STR_EMPTY, part.encodings);
}

static void add_parts(struct av_content *content, struct str raw)
{
    struct message *message;
    struct err err;
    if (message_parse(content->pool, raw, &mail_limits_default, &message, &err) < 0) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    if (message->anomalies & MAIL_ANOMALY_LIMIT)
        leave_out(content, STR("too many parts, too deep, or too large a header"));
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        if (str_eq(part->type, STR("message/partial")))
            leave_out(content, STR("a fragment of a message (message/partial)"));
        if (!part->child)
            add_part(content, part);
    }
    add_loose_parts(content, message);
}

static void resolve(struct av_content *content, struct av_message *message)
{
    struct av_part *parts = POOL_ARRAY(content->pool, content->n, struct av_part);
    if (!parts) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    for (size_t i = 0; i < content->n; i++) {
        const struct piece *piece = &content->pieces[i];
        parts[i].filename = piece->filename;
        parts[i].as_it_stands = piece->view.n > 0;
        parts[i].bytes = piece->view.n > 0
                             ? piece->view
                             : str_sub(buf_str(&content->decoded), piece->at, piece->at + piece->n);
    }
    message->parts = parts;
    message->n_parts = content->n;
}

static void empty(struct buf *b)
{
    if (b->cap > BUFFER_KEPT)
        buf_release(b);
    buf_clear(b);
}

void av_content_make(struct av_content *content, struct str raw, struct av_message *message)
{
    *message = (struct av_message){.raw = raw};
    pool_reset(content->pool);
    empty(&content->decoded);
    empty(&content->scratch);
    content->pieces = NULL;
    content->n = content->cap = 0;
    content->left_out = STR_EMPTY;
    add_parts(content, raw);
    resolve(content, message);
    message->left_out = content->left_out;
}
