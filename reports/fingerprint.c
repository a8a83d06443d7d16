#include "reports/fingerprint.h"

#include "mail/contents.h"
#include "mail/edit.h"
#include "reports/subject.h"

/* A field that comes more often counts so many times. */
#define SAME_FIELDS_MAX 100

static int add_field(struct pool *pool, struct sha256 *h, const struct part *root, const char *name,
                     struct str tag, struct err *err)
{
    const struct header *field;
    bool subject = strcmp(name, "Subject") == 0;
    size_t from = 0;
    contents_add_text(h, str_of(name));
    for (unsigned i = 0; i < SAME_FIELDS_MAX; i++) {
        field = part_header(root, str_of(name), &from);
        if (field == NULL)
            break;
        struct str text = header_text(pool, field);
        if (text.s == NULL)
            return err_set(err, "out of memory for the fields of a message");
        if (subject)
            text = subject_untagged(text, tag);
        /* a Subject without words is as none: the tag alone makes one */
        if (!subject || text.n)
            contents_add_words(h, text);
    }
    return 0;
}

static int add_fields(struct pool *pool, struct sha256 *h, const struct part *root, struct str tag,
                      struct err *err)
{
    /* never change these: what was signed before would look altered */
    static const char *const names[] = {
        "From",       "Sender",         "Reply-To",     "To",          "Cc",
        "Subject",    "Date",           "Message-ID",   "In-Reply-To", "References",
        "List-Id",    "User-Agent",     "X-Mailer",     "Received",    "Return-Path",
        "Precedence", "DKIM-Signature", "Organization", "X-Priority",  "X-Originating-IP"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (add_field(pool, h, root, names[i], tag, err) < 0)
            return -1;
    return 0;
}

const char *missing_field_name(enum missing_field bit)
{
    switch (bit) {
    case MISSING_FROM:
        return "From";
    case MISSING_TO:
        return "To";
    case MISSING_DATE:
        return "Date";
    case MISSING_ID:
        return "Message-ID";
    }
    return "";
}

static unsigned missing_fields(const struct message *message)
{
    unsigned missing = 0;
    for (unsigned bit = 1; bit <= MISSING_ALL; bit <<= 1)
        if (!message_header(message, str_of(missing_field_name((enum missing_field)bit))))
            missing |= bit;
    return missing;
}

static int add_message(struct pool *pool, struct sha256 *h, const struct message *message,
                       struct str tag, struct err *err)
{
    struct str shown = edits_tag(pool, tag);
    if (shown.s == NULL)
        return err_set(err, "out of memory for the fields of a message");
    if (add_fields(pool, h, message->root, shown, err) < 0)
        return -1;
    return contents_add_parts(h, message, err);
}

int fingerprint_make(struct pool *pool, const struct message *message, struct str tag,
                     struct fingerprint *fingerprint, struct err *err)
{
    struct sha256 h;
    if (sha256_begin(&h, err) < 0)
        return -1;
    if (add_message(pool, &h, message, tag, err) < 0) {
        sha256_free(&h);
        return -1;
    }
    fingerprint->missing = missing_fields(message);
    return sha256_end(&h, fingerprint->bytes, err);
}

void fingerprint_hex(const struct fingerprint *fingerprint, char text[FINGERPRINT_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < FINGERPRINT_SIZE; i++) {
        text[2 * i] = digits[fingerprint->bytes[i] >> 4];
        text[2 * i + 1] = digits[fingerprint->bytes[i] & 15];
    }
    text[FINGERPRINT_HEX_SIZE - 1] = '\0';
}

int fingerprint_load(struct err *err)
{
    struct fingerprint nothing;
    static const struct part root = {.type = {"text/plain", 10}};
    struct part *parts[] = {(struct part *)&root};
    const struct message message = {.root = parts[0], .parts = parts, .n_parts = 1};
    struct pool *pool = pool_new(64 * 1024);
    int result = pool ? fingerprint_make(pool, &message, STR_EMPTY, &nothing, err)
                      : err_set(err, "out of memory");
    pool_free(&pool);
    return result;
}
