#include "gateway/antivirus/content.h"

#include <stdlib.h>

#include "antivirus/files/unlock.h"
#include "gateway/antivirus/frames.h"
#include "gateway/antivirus/looks.h"
#include "gateway/antivirus/loose.h"
#include "gateway/antivirus/names.h"
#include "gateway/antivirus/readings.h"
#include "mail/header.h"
#include "mail/part.h"
#include "mail/text.h"
#include "mail/tnef.h"
#include "mail/transfer.h"

/* What a part is called. */
struct label {
    struct str filename;
    const struct str *names;
    size_t n_names;
};

/* A decoded part stands in the buffer at an offset: the buffer moves while it grows. */
struct piece {
    struct str view; /* not decoded: the bytes in the message, or in the pool */
    size_t at;       /* else in decoded */
    size_t n;
    struct label label;
    unsigned depth; /* of encodings that it stands in */
    bool is_text;   /* its line ends are those of the way */
    bool as_it_stands;
};

#define DECODE_SLACK 16
/* RFC 1741 4: where BinHex begins. It is not decoded here; ClamAV's mail parser does that. */
#define BINHEX_MARK "(This file must be converted with BinHex"
/* Messages, and files in frames of their own, inside of what was decoded. */
#define AV_INSIDE_MAX 8
/* Bytes that are read as messages, for each byte that came: a text may be one in many readings, and
 * so may what is in each. */
#define WORK_RATIO 16
#define WORK_LEAST ((size_t)1024 * 1024)
/* Memory beyond this is given back after the message that needed it. */
#define BUFFER_KEPT ((size_t)4 * 1024 * 1024)

struct av_content {
    struct pool *pool;
    struct buf decoded;
    struct buf scratch;
    struct piece *pieces;
    size_t n;
    size_t cap;
    unsigned depth;   /* of the pieces that are added now */
    size_t work_left; /* bytes that may still be read as messages */
    struct str left_out;
    bool odd; /* some program may read it in another way */
    struct unlock *unlock;
};

struct av_content *av_content_new(size_t decoded_max)
{
    struct av_content *content = calloc(1, sizeof *content);
    if (!content)
        return NULL;
    buf_init(&content->decoded, decoded_max);
    buf_init(&content->scratch, AV_SCRATCH_RATIO * decoded_max + DECODE_SLACK);
    content->pool = pool_new(AV_STRUCTURE_MAX);
    content->unlock = unlock_new(decoded_max);
    if (!content->pool || !content->unlock)
        av_content_free(&content);
    return content;
}

void av_content_free(struct av_content **content)
{
    if (!*content)
        return;
    pool_free(&(*content)->pool);
    unlock_free(&(*content)->unlock);
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

/* The names are copied once for all pieces of a part. */
static struct label label_of(struct av_content *content, const struct av_names *names,
                             struct str filename)
{
    struct label label = {.filename = filename};
    if (names->left_out)
        leave_out(content, STR("a part with too many file names, or too long ones"));
    if (names->n == 0)
        return label;
    struct str *list = POOL_ARRAY(content->pool, names->n, struct str);
    if (!list) {
        leave_out(content, STR("its structure is too large"));
        return label;
    }
    memcpy(list, names->list, names->n * sizeof *list);
    label.names = list;
    label.n_names = names->n;
    if (filename.n == 0)
        label.filename = list[0];
    return label;
}

static struct label label_of_header(struct av_content *content, struct str head,
                                    struct str filename)
{
    struct av_names names = {.n = 0};
    av_names_add(&names, content->pool, filename);
    av_names_read(&names, content->pool, head);
    return label_of(content, &names, filename);
}

static struct label label_of_name(struct av_content *content, struct str name)
{
    struct av_names names = {.n = 0};
    av_names_add(&names, content->pool, name);
    return label_of(content, &names, STR_EMPTY);
}

/* Is there no room for another piece? Then something may not be looked at. */
static bool is_full(struct av_content *content)
{
    if (content->n == AV_PARTS_MAX)
        leave_out(content, STR("too many parts"));
    return content->n == AV_PARTS_MAX;
}

static struct piece *add_piece(struct av_content *content, const struct label *label)
{
    if (is_full(content))
        return NULL;
    struct piece *pieces =
        pool_grow(content->pool, content->pieces, content->n, &content->cap, sizeof *pieces);
    if (!pieces) {
        leave_out(content, STR("its structure is too large"));
        return NULL;
    }
    content->pieces = pieces;
    pieces[content->n] = (struct piece){.label = *label, .depth = content->depth};
    return &pieces[content->n++];
}

static void add_view(struct av_content *content, struct str bytes, const struct label *label)
{
    struct piece *piece = bytes.n > 0 ? add_piece(content, label) : NULL;
    if (!piece)
        return;
    piece->view = bytes;
    piece->is_text = piece->as_it_stands = true;
}

/* Keeps what was appended to content->decoded since `at`, if that is anything. */
static void keep_decoded(struct av_content *content, size_t at, const struct label *label,
                         bool is_text)
{
    struct buf *out = &content->decoded;
    if (!buf_ok(out) || !buf_ok(&content->scratch)) {
        leave_out(content, STR("out of memory for its decoded parts"));
        return;
    }
    struct piece *piece = out->n > at ? add_piece(content, label) : NULL;
    if (!piece)
        return;
    piece->at = at;
    piece->n = out->n - at;
    piece->is_text = is_text;
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

static void add_readings(struct av_content *content, struct str coded, const struct label *label,
                         enum encoding encoding)
{
    for (size_t i = 0; i < n_av_readings; i++) {
        const struct av_reading *reading = &av_readings[i];
        if (reading->encoding != encoding || !reading->differs(coded) ||
            !has_room(content, coded.n))
            continue;
        size_t at = content->decoded.n;
        content->odd = true;
        buf_clear(&content->scratch);
        reading->decode(coded, &content->scratch, &content->decoded);
        keep_decoded(content, at, label, encoding == ENC_QP);
    }
}

/* The plain reading, and those of broken coding. */
static void add_decoded(struct av_content *content, struct str coded, const struct label *label,
                        enum encoding encoding)
{
    static void (*const decoders[])(struct str in, struct buf * out) = {
        [ENC_QP] = transfer_qp,
        [ENC_BASE64] = transfer_base64,
        [ENC_UUENCODE] = transfer_uu,
    };
    if (has_room(content, coded.n)) {
        size_t at = content->decoded.n;
        decoders[encoding](coded, &content->decoded);
        keep_decoded(content, at, label, encoding == ENC_QP);
    }
    add_readings(content, coded, label, encoding);
}

#define ANY_ENCODING (1U << ENC_QP | 1U << ENC_BASE64 | 1U << ENC_UUENCODE)

static void add_body(struct av_content *content, struct str body, const struct label *label,
                     unsigned encodings)
{
    static const enum encoding order[] = {ENC_QP, ENC_BASE64, ENC_UUENCODE};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (encodings & 1U << order[i])
            add_decoded(content, body, label, order[i]);
}

/* --- what the parser finds --- */

static bool is_doubtful(const struct part *part)
{
    return part->encoding == ENC_UNKNOWN ||
           (part->anomalies & (MAIL_ANOMALY_TWICE | MAIL_ANOMALY_BAD_ENCODING));
}

/* All that its header may name. */
static unsigned named_encodings(struct str head)
{
    unsigned named = av_loose_encodings(head);
    return (named & 1U << ENC_UNKNOWN ? ANY_ENCODING : named) & ANY_ENCODING;
}

static unsigned encodings_of(const struct part *part)
{
    if (is_doubtful(part))
        return ANY_ENCODING;
    return named_encodings(part->head) | (part_is_encoded(part) ? 1U << part->encoding : 0);
}

static void add_part(struct av_content *content, const struct part *part)
{
    struct label label = label_of_header(content, part->head, part->filename);
    unsigned encodings = encodings_of(part);
    if (encodings != (part_is_encoded(part) ? 1U << part->encoding : 0))
        content->odd = true;
    if (!part_is_encoded(part) || is_doubtful(part))
        add_view(content, part->body, &label);
    add_body(content, part->body, &label, encodings);
}

/* Of one text, the parts that our parser finds: some of message->parts, in the order of the text.
 */
struct known {
    struct str text;
    struct part *const *parts;
    size_t n;
    const struct part *asked; /* the part that encodings_at() was asked of last */
    unsigned encodings;       /* its */
};

/* Of a part with much in it that looks like parts: its header is read once for all of them. */
static unsigned encodings_at(struct known *known, const struct part *part)
{
    if (known->asked != part) {
        known->asked = part;
        known->encodings = encodings_of(part);
    }
    return known->encodings;
}

/* The last part whose body begins there or before; NULL: none does. */
static const struct part *part_around(const struct known *known, const char *body)
{
    size_t from = 0, to = known->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (known->parts[middle]->body.s <= body)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 ? known->parts[from - 1] : NULL;
}

static struct known known_in(const struct message *message, struct str text, size_t first)
{
    struct known known = {.text = text, .parts = message->parts + first};
    while (first + known.n < message->n_parts) {
        const char *body = known.parts[known.n]->body.s;
        if (body < text.s || body > text.s + text.n)
            break;
        known.n++;
    }
    return known;
}

static void add_unpacked(struct av_content *content, struct str bytes, const struct label *label)
{
    struct piece *piece = bytes.n > 0 ? add_piece(content, label) : NULL;
    if (!piece)
        return;
    piece->view = bytes;
    piece->is_text = true;
}

/* What stands before and behind the parts of an encoded multipart stands nowhere else. */
static void add_outside_parts(struct av_content *content, const struct part *part)
{
    struct str text = part->unpacked_text;
    const struct part *last = part->child;
    while (last->next)
        last = last->next;
    struct label label = label_of_header(content, part->head, part->filename);
    add_unpacked(content, str_sub(text, 0, (size_t)(part->child->head.s - text.s)), &label);
    add_unpacked(content, str_from(text, (size_t)(last->body.s + last->body.n - text.s)), &label);
}

/* --- what else may be there --- */

static void add_as_others_see_it(struct av_content *content, struct str text);

static bool add_frame(struct av_content *content, const struct av_frame *frame)
{
    content->odd = true;
    if (!has_room(content, frame->lines.n))
        return false;
    struct label label = label_of_name(content, frame->name);
    size_t at = content->decoded.n;
    av_frame_decode(frame, &content->decoded);
    keep_decoded(content, at, &label, false);
    return true;
}

static void add_frames(struct av_content *content, struct str text)
{
    struct av_frame frame;
    while (av_frame_next(&text, &frame) && !is_full(content)) {
        if (!add_frame(content, &frame))
            return;
        if (av_frame_is_fragment(&frame))
            leave_out(content, STR("a fragment of a file (yEnc in several parts)"));
    }
}

/* In a text, each run of base64 is decoded for itself: a word before it would shift all. */
static void add_base64_runs(struct av_content *content, struct str text, const struct label *label)
{
    struct str rest = text, run;
    while (av_looks_base64_next(&rest, &run) && !is_full(content)) {
        if (!has_room(content, run.n))
            return;
        size_t at = content->decoded.n;
        transfer_base64(run, &content->decoded);
        keep_decoded(content, at, label, false);
    }
}

/* What the body looks like, unless it is a piece of a part that is decoded in that way. */
static unsigned looks_of(struct known *all, const struct part *around, struct str body)
{
    bool inside = around && body.s < around->body.s + around->body.n;
    return av_looks_encoded(body) & ~(inside ? encodings_at(all, around) : 0);
}

/* Else it is text, and what looks like a file name in it gives no file a name. */
static bool has_content_field(struct str head)
{
    for (size_t at = 0; at < head.n; at = line_after(head, at))
        if (str_istarts(str_from(head, at), STR("content-")))
            return true;
    return false;
}

static void add_loose_part(struct av_content *content, struct known *all,
                           const struct av_loose_part *loose)
{
    const struct part *around = part_around(all, loose->body.s);
    const struct part *known = around && around->body.s == loose->body.s ? around : NULL;
    unsigned encodings = named_encodings(loose->head);
    unsigned done = known ? encodings_at(all, known) : 0;
    unsigned looks = encodings || done ? 0 : looks_of(all, around, loose->body);
    encodings = (encodings | (looks & 1U << ENC_QP)) & ~done;
    if (!known || known->child || done) /* else they are found in the part as it stands */
        add_frames(content, loose->body);
    bool hidden = !known && str_chr(loose->body, '\0') != STR_NONE;
    bool described = !known && has_content_field(loose->head);
    if (!encodings && !hidden && !looks && !described)
        return;
    content->odd = true;
    struct label label = label_of_header(content, loose->head, STR_EMPTY);
    if (hidden || (described && label.n_names > 0))
        add_view(content, loose->body, &label);
    add_body(content, loose->body, &label, encodings);
    if (looks & 1U << ENC_BASE64)
        add_base64_runs(content, loose->body, &label);
}

static void add_loose_parts(struct av_content *content, struct known *known)
{
    struct av_loose walk = av_loose_of(known->text);
    struct av_loose_part loose;
    while (av_loose_next(&walk, &loose) && !is_full(content))
        add_loose_part(content, known, &loose);
}

/* A file in it that stands between lines of its own, wherever that is: in a header, too. */
static bool has_old_frame(struct str text)
{
    struct av_frame frame;
    struct str rest = text;
    return av_frame_next(&rest, &frame) || str_find(text, STR(BINHEX_MARK)) != STR_NONE;
}

static void add_message(struct av_content *content, struct str text)
{
    struct message *message;
    struct err err;
    if (text.n > content->work_left) {
        leave_out(content, STR("it can be read in too many ways"));
        return;
    }
    content->work_left -= text.n;
    if (message_parse(content->pool, text, &mail_limits_default, &message, &err) < 0) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    if (message->anomalies & ~MAIL_ANOMALY_8BIT_HEADER)
        content->odd = true;
    if (message->anomalies & MAIL_ANOMALY_LIMIT)
        leave_out(content, STR("too many parts, too deep, or too large a header"));
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        if (str_eq(part->type, STR("message/partial")))
            leave_out(content, STR("a fragment of a message (message/partial)"));
        if (!part->child)
            add_part(content, part);
    }
    content->odd |= has_old_frame(message->raw);
    struct known known = known_in(message, message->raw, 0);
    add_loose_parts(content, &known);
    for (size_t i = 0; i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        if (!part->child || part->unpacked_text.n == 0)
            continue;
        content->odd = true;
        known = known_in(message, part->unpacked_text, part->child->index);
        add_loose_parts(content, &known);
        add_outside_parts(content, part);
        add_as_others_see_it(content, known.text);
    }
}

static bool is_bare_cr(struct str text, size_t at)
{
    return text.s[at] == '\r' && (at + 1 == text.n || text.s[at + 1] != '\n');
}

static bool has_bare_cr(struct str text)
{
    for (size_t at = 0, found; (found = str_chr(str_from(text, at), '\r')) != STR_NONE;) {
        at += found;
        if (is_bare_cr(text, at))
            return true;
        at++;
    }
    return false;
}

/* Some programs skip NUL, and take a CR alone for a line end: the message as they see it. */
static void add_as_others_see_it(struct av_content *content, struct str text)
{
    if (str_chr(text, '\0') == STR_NONE && !has_bare_cr(text))
        return;
    content->odd = true;
    char *to = pool_alloc(content->pool, text.n);
    size_t n = 0;
    if (!to) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    for (size_t i = 0; i < text.n; i++)
        if (text.s[i] != '\0')
            to[n++] = is_bare_cr(text, i) ? '\n' : text.s[i];
    add_message(content, str_n(to, n));
}

/* --- inside of the pieces --- */

static struct str bytes_of(const struct av_content *content, const struct piece *piece)
{
    return piece->view.n > 0 ? piece->view
                             : str_sub(buf_str(&content->decoded), piece->at, piece->at + piece->n);
}

/* A file that was not encoded, or only where it had to be: on the way its line ends became CR LF.
 */
static void add_with_lf(struct av_content *content, struct str bytes, const struct label *label)
{
    if (str_chr(bytes, '\0') == STR_NONE || str_find(bytes, STR("\r\n")) == STR_NONE ||
        !has_room(content, bytes.n))
        return;
    size_t at = content->decoded.n;
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.s[i] != '\r' || i + 1 == bytes.n || bytes.s[i + 1] != '\n')
            buf_addc(&content->decoded, bytes.s[i]);
    keep_decoded(content, at, label, false);
}

/* winmail.dat; an attached message in it is one in its turn. `stream` stays where it is. */
static void add_tnef(struct av_content *content, struct str stream)
{
    struct tnef tnef;
    struct err err;
    if (tnef_read(content->pool, stream, &tnef, &err) < 0) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    if (tnef.damaged || tnef.more)
        leave_out(content, STR("a winmail.dat that could not be read to its end"));
    for (size_t i = 0; i < tnef.n; i++) {
        const struct tnef_attachment *attachment = &tnef.list[i];
        if (attachment->data.n == 0)
            continue;
        struct av_names names = {.n = 0};
        for (size_t k = 0; k < attachment->n_names; k++)
            av_names_add(&names, content->pool, attachment->names[k]);
        struct label label = label_of(content, &names, attachment->name);
        struct piece *piece = add_piece(content, &label);
        if (piece)
            piece->view = attachment->data;
    }
}

static void look_inside(struct av_content *content, size_t index)
{
    struct piece piece = content->pieces[index];
    struct str bytes = bytes_of(content, &piece), rest = bytes;
    struct av_frame frame;
    content->odd |= str_find(bytes, STR(BINHEX_MARK)) != STR_NONE;
    bool message = !piece.as_it_stands && av_looks_like_message(bytes);
    bool binary = piece.is_text && str_chr(bytes, '\0') != STR_NONE;
    bool tnef = tnef_is(bytes);
    if (!message && !binary && !tnef && !av_frame_next(&rest, &frame))
        return;
    content->odd = true;
    content->depth = piece.depth + 1;
    if (content->depth > AV_INSIDE_MAX) {
        leave_out(content, STR("encoded parts inside one another, too deep"));
        return;
    }
    if (piece.view.n == 0)
        bytes = pool_str(content->pool, bytes); /* what is decoded moves */
    if (!bytes.s) {
        leave_out(content, STR("its structure is too large"));
        return;
    }
    if (message) {
        add_message(content, bytes);
        add_as_others_see_it(content, bytes);
    }
    if (binary)
        add_with_lf(content, bytes, &piece.label);
    if (tnef)
        add_tnef(content, bytes);
    add_frames(content, bytes);
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
        parts[i] = (struct av_part){.bytes = bytes_of(content, piece),
                                    .filename = piece->label.filename,
                                    .names = piece->label.names,
                                    .n_names = piece->label.n_names,
                                    .as_it_stands = piece->as_it_stands};
    }
    message->parts = parts;
    message->n_parts = content->n;
}

/* What a reader sees: passwords may stand in it. Only for a message with an encrypted archive. */
static size_t visible_text(void *data, struct str raw, const struct str **texts)
{
    struct av_content *content = data;
    struct message *message;
    struct mail_text *text;
    struct err err;
    if (message_parse(content->pool, raw, &mail_limits_default, &message, &err) < 0 ||
        mail_text_make(content->pool, message, &text, &err) < 0)
        return 0;
    *texts = text->paragraphs;
    return text->n_paragraphs;
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
    content->depth = 0;
    content->odd = false;
    content->work_left = WORK_RATIO * raw.n + WORK_LEAST;
    add_message(content, raw);
    add_as_others_see_it(content, raw);
    for (size_t i = 0; i < content->n; i++)
        look_inside(content, i);
    resolve(content, message);
    message->left_out = content->left_out;
    message->read_one_way = !content->odd && content->left_out.n == 0;
    unlock_message(content->unlock, message, visible_text, content);
}
