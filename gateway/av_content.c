#include "gateway/av_content.h"

#include <stdlib.h>

#include "mail/message.h"
#include "mail/transfer.h"

/* A decoded part stands in the buffer at an offset: the buffer moves while it grows. */
struct piece {
    struct str view; /* not decoded: the bytes in the message */
    size_t at;       /* else in decoded */
    size_t n;
    struct str filename;
};

struct av_content {
    struct pool *pool;
    struct buf decoded;
    struct piece *pieces;
    size_t n;
    size_t cap;
    struct av_part *parts;
    struct str left_out;
};

struct av_content *av_content_new(size_t decoded_max)
{
    struct av_content *content = calloc(1, sizeof *content);
    if (!content)
        return NULL;
    buf_init(&content->decoded, decoded_max);
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

static void add_decoded(struct av_content *content, struct str coded, struct str filename,
                        void (*decode)(struct str in, struct buf *out))
{
    struct buf *out = &content->decoded;
    size_t at = out->n;
    /* no encoding makes it longer */
    if (coded.n + 4 > out->max - out->n) {
        leave_out(content, STR("its decoded parts are too large together"));
        return;
    }
    decode(coded, out);
    if (!buf_ok(out)) {
        leave_out(content, STR("out of memory for its decoded parts"));
        return;
    }
    struct piece *piece = out->n > at ? add_piece(content, filename) : NULL;
    if (piece) {
        piece->at = at;
        piece->n = out->n - at;
    }
}

static bool is_doubtful(const struct part *part)
{
    return part->encoding == ENC_UNKNOWN ||
           (part->anomalies & (MAIL_ANOMALY_TWICE | MAIL_ANOMALY_BAD_ENCODING));
}

static void add_part(struct av_content *content, const struct part *part)
{
    bool doubtful = is_doubtful(part);
    bool plain = part->encoding <= ENC_BINARY || part->encoding == ENC_UNKNOWN;
    if (plain || doubtful)
        add_view(content, part->body, part->filename);
    if (part->encoding == ENC_BASE64 || doubtful)
        add_decoded(content, part->body, part->filename, transfer_base64);
    if (part->encoding == ENC_QP || doubtful)
        add_decoded(content, part->body, part->filename, transfer_qp);
    if (part->encoding == ENC_UUENCODE || doubtful)
        add_decoded(content, part->body, part->filename, transfer_uu);
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

void av_content_make(struct av_content *content, struct str raw, struct av_message *message)
{
    *message = (struct av_message){.raw = raw};
    pool_reset(content->pool);
    buf_clear(&content->decoded);
    content->pieces = NULL;
    content->n = content->cap = 0;
    content->left_out = STR_EMPTY;
    add_parts(content, raw);
    resolve(content, message);
    message->left_out = content->left_out;
}
