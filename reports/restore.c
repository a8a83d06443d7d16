#include "reports/restore.h"

#include "base/ascii.h"
#include "mail/edit.h"
#include "reports/signature.h"
#include "reports/subject.h"
#include "spool/spool.h"

#define NO_FIELD ((size_t)-1)

struct restorer {
    struct pool *pool;
    struct restored *restored;
    const struct message *from;
    struct str tag;
    size_t id_field;       /* where X-Poterne-Id stands among the fields, or NO_FIELD */
    size_t received_field; /* our own Received, or NO_FIELD */
    unsigned missing;      /* enum missing_field: what the message was without */
    bool in_order;         /* nothing of the sender's stands above X-Poterne-Id */
    struct buf out;
};

static const struct header *field_at(const struct restorer *r, size_t i)
{
    return &r->from->root->headers[i];
}

static bool is_named(const struct header *field, const char *const *names)
{
    for (; *names; names++)
        if (str_ieq(field->name, str_of(*names)))
            return true;
    return false;
}

static bool is_senders(const struct header *field)
{
    static const char *const names[] = {"From",    "Sender", "Reply-To",   "To", "Cc",
                                        "Subject", "Date",   "Message-ID", NULL};
    return is_named(field, names) || str_istarts(field->name, STR("Content-"));
}

/* --- what our fields say --- */

static int read_id(struct restorer *r, size_t i, struct err *err)
{
    struct str value = header_unfold(r->pool, field_at(r, i));
    struct signature_field field;
    if (value.s == NULL)
        return err_set(err, "out of memory for an original");
    if (!signature_parse(value, &field) || !spool_id_valid(field.id))
        return 0;
    if (r->id_field != NO_FIELD) {
        r->restored->several = true;
        return 0;
    }
    r->id_field = i;
    r->restored->id = field.id;
    r->restored->signature = field.text;
    r->missing = field.missing;
    return 0;
}

static void read_mark(struct restorer *r, const struct header *field)
{
    struct str value = str_trim(field->value);
    enum marked *marked = &r->restored->marked;
    if (*marked != MARKED_NOT)
        return;
    if (str_ieq(field->name, STR("X-Spam-Flag")))
        *marked = str_istarts(value, STR("YES")) ? MARKED_SPAM : MARKED_HAM;
    else if (str_ieq(field->name, STR("X-Spam-Status")))
        *marked = str_istarts(value, STR("Yes")) ? MARKED_SPAM : MARKED_HAM;
}

/* Was it added behind us, since the message had none? */
static bool was_missing(const struct restorer *r, const struct header *field)
{
    for (unsigned bit = 1; bit <= MISSING_ALL; bit <<= 1)
        if ((r->missing & bit) &&
            str_ieq(field->name, str_of(missing_field_name((enum missing_field)bit))))
            return true;
    return false;
}

static int read_ours(struct restorer *r, struct err *err)
{
    for (size_t i = 0; i < r->from->root->n_headers; i++) {
        const struct header *field = field_at(r, i);
        if (str_ieq(field->name, STR(SIGNATURE_FIELD)) && read_id(r, i, err) < 0)
            return -1;
        read_mark(r, field);
    }
    r->in_order = r->id_field != NO_FIELD;
    for (size_t i = 0; r->in_order && i < r->id_field; i++)
        r->in_order = !is_senders(field_at(r, i)) || was_missing(r, field_at(r, i));
    return 0;
}

/* gateway/received.h writes "by HOST (poterne) with … id ID". */
static void find_received(struct restorer *r)
{
    for (size_t i = 0; r->id_field != NO_FIELD && i < r->from->root->n_headers; i++) {
        const struct header *field = field_at(r, i);
        if (str_ieq(field->name, STR("Received")) &&
            str_find(field->value, STR("(poterne)")) != STR_NONE &&
            str_find(field->value, r->restored->id) != STR_NONE) {
            r->received_field = i;
            return;
        }
    }
}

/* --- what is left of it --- */

static bool is_added(const struct restorer *r, size_t i)
{
    static const char *const delivery[] = {"Return-Path",     "Delivered-To",
                                           "X-Original-To",   "Envelope-To",
                                           "Delivery-Date",   "X-Envelope-To",
                                           "X-Envelope-From", NULL};
    const struct header *field = field_at(r, i);
    if (edits_own_field(field->name))
        return true;
    if (r->id_field == NO_FIELD)
        return false;
    if (was_missing(r, field))
        return true;
    if (r->in_order)
        return i < r->id_field;
    if (str_ieq(field->name, STR("Received")))
        return r->received_field != NO_FIELD && i <= r->received_field;
    return is_named(field, delivery);
}

/* A Subject that we had to make for the tag stands last, and holds nothing else. */
static bool was_made(const struct restorer *r, size_t i, struct str value, bool tagged)
{
    return tagged && str_trim(value).n == 0 && i + 1 == r->from->root->n_headers;
}

static int put_subject(struct restorer *r, size_t i, struct err *err)
{
    const struct header *field = field_at(r, i);
    struct str raw = str_sub(r->from->raw, field->at, field->end);
    bool tagged;
    struct str value = subject_restored(r->pool, field->value, r->tag, &tagged);
    if (value.s == NULL)
        return err_set(err, "out of memory for a Subject");
    r->restored->tagged |= tagged;
    if (!tagged)
        buf_add(&r->out, raw);
    else if (!was_made(r, i, value, tagged))
        buf_addf(&r->out, "%.*s:%.*s%s", STR_ARG(field->name), STR_ARG(value),
                 str_ends(raw, STR("\r\n")) ? "\r\n" : "\n");
    return 0;
}

/* Where the header starts: behind an mbox's line. */
static size_t top_of(const struct message *m)
{
    struct str head = m->root->head;
    size_t end = str_starts(head, STR("From ")) || str_starts(head, STR(">From "))
                     ? str_chr(head, '\n')
                     : STR_NONE;
    return end == STR_NONE ? 0 : end + 1;
}

static int put_message(struct restorer *r, struct err *err)
{
    const struct message *m = r->from;
    size_t at = top_of(m);
    if (r->in_order)
        at = field_at(r, r->id_field)->end;
    for (size_t i = 0; i < m->root->n_headers; i++) {
        const struct header *field = field_at(r, i);
        if (field->at < at)
            continue;
        buf_add(&r->out, str_sub(m->raw, at, field->at)); /* lines that are no field */
        at = field->end;
        if (is_added(r, i))
            continue;
        if (str_ieq(field->name, STR("Subject"))) {
            if (put_subject(r, i, err) < 0)
                return -1;
        } else {
            buf_add(&r->out, str_sub(m->raw, field->at, field->end));
        }
    }
    buf_add(&r->out, str_from(m->raw, at));
    return 0;
}

static int restore(struct restorer *r, struct err *err)
{
    if (read_ours(r, err) < 0)
        return -1;
    find_received(r);
    if (put_message(r, err) < 0)
        return -1;
    struct str raw = r->out.failed ? STR_EMPTY : pool_str(r->pool, buf_str(&r->out));
    if (raw.s == NULL)
        return err_set(err, "out of memory for an original");
    return message_parse(r->pool, raw, &mail_limits_default, &r->restored->message, err);
}

int restore_original(struct pool *pool, struct str original, struct str tag,
                     struct restored *restored, struct err *err)
{
    struct message *from;
    *restored = (struct restored){0};
    /* the body is not looked into here: what is read is the header */
    static const struct mail_limits header_only = {.depth = 0,
                                                   .parts = 1,
                                                   .headers = 2000,
                                                   .header_size = 1024 * 1024};
    struct restorer r = {.pool = pool,
                         .restored = restored,
                         .tag = edits_tag(pool, tag),
                         .id_field = NO_FIELD,
                         .received_field = NO_FIELD,
                         /* a Subject that is written anew may grow */
                         .out = BUF_INIT(2 * original.n + 64 * 1024)};
    if (r.tag.s == NULL)
        return err_set(err, "out of memory for an original");
    if (message_parse(pool, original, &header_only, &from, err) < 0)
        return -1;
    r.from = from;
    int result = restore(&r, err);
    buf_release(&r.out);
    if (result < 0)
        return -1;
    return fingerprint_make(pool, restored->message, tag, &restored->fingerprint, err);
}
