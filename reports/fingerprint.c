#include "reports/fingerprint.h"

#include <openssl/evp.h>

#include "base/ascii.h"
#include "mail/edit.h"
#include "mail/header.h"
#include "reports/subject.h"

/* A field that comes more often counts so many times. */
#define SAME_FIELDS_MAX 100

#define BLOCK_SIZE 4096

/* OpenSSL is asked for whole blocks: its calls cost more than a line's hash. */
struct hash {
    EVP_MD_CTX *ctx;
    bool failed;
    size_t n; /* in block */
    char block[BLOCK_SIZE];
};

static void update(struct hash *h, struct str x)
{
    if (x.n && EVP_DigestUpdate(h->ctx, x.s, x.n) != 1)
        h->failed = true;
}

static void flush(struct hash *h)
{
    update(h, str_n(h->block, h->n));
    h->n = 0;
}

static void add(struct hash *h, struct str x)
{
    if (x.n > sizeof h->block - h->n)
        flush(h);
    if (x.n > sizeof h->block) {
        update(h, x);
    } else if (x.n) {
        memcpy(h->block + h->n, x.s, x.n);
        h->n += x.n;
    }
}

/* Texts in which no NUL stands, each closed by one, so that no two lists of them are the same. */
static void add_closed(struct hash *h, struct str x)
{
    for (size_t nul; (nul = str_chr(x, '\0')) != STR_NONE; x = str_from(x, nul + 1))
        add(h, str_sub(x, 0, nul));
    add(h, x);
    add(h, str_n("", 1));
}

/* Words with one blank between them: how a field was folded does not count. */
static void add_words(struct hash *h, struct str x)
{
    for (size_t at = 0; at < x.n;) {
        size_t from = at;
        while (at < x.n && !ascii_is_space(x.s[at]) && x.s[at] != '\0')
            at++;
        if (at > from) {
            add(h, str_sub(x, from, at));
            add(h, STR(" "));
        }
        at++;
    }
    add(h, str_n("", 1));
}

static int add_field(struct pool *pool, struct hash *h, const struct part *root, const char *name,
                     struct str tag, struct err *err)
{
    const struct header *field;
    bool subject = strcmp(name, "Subject") == 0;
    size_t from = 0;
    add_closed(h, str_of(name));
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
            add_words(h, text);
    }
    return 0;
}

static int add_fields(struct pool *pool, struct hash *h, const struct part *root, struct str tag,
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

/* What mboxes do to lines that start with "From ": any number of '>' in front. */
static struct str unescaped(struct str line)
{
    size_t n = 0;
    while (n < line.n && line.s[n] == '>')
        n++;
    return n && str_starts(str_from(line, n), STR("From ")) ? str_from(line, n) : line;
}

static struct str without_end_blanks(struct str line)
{
    while (line.n && ascii_is_space(line.s[line.n - 1]))
        line.n--;
    return line;
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

/* Line by line; empty ones count only between others. */
static void add_lines(struct hash *h, struct str text)
{
    struct str line;
    size_t empty = 0;
    bool any = false;
    for (size_t at = 0; at < text.n;) {
        size_t after = line_after(text, at);
        line = without_end_blanks(str_sub(text, at, after));
        at = after;
        if (line.n == 0) {
            empty++;
            continue;
        }
        for (; any && empty; empty--)
            add(h, STR("\n"));
        empty = 0;
        add(h, unescaped(line));
        add(h, STR("\n"));
        any = true;
    }
}

static int add_part(struct hash *h, const struct part *part, struct err *err)
{
    struct buf bytes = BUF_INIT(part->body.n + 1);
    add_closed(h, part->type);
    add_closed(h, part->filename);
    if (part->child)
        return 0;
    add_closed(h, part->charset);
    switch (part->encoding) {
    case ENC_BASE64:
    case ENC_QP:
    case ENC_UUENCODE:
        part_decode(part, &bytes);
        add_lines(h, buf_str(&bytes));
        break;
    case ENC_7BIT:
    case ENC_8BIT:
    case ENC_BINARY:
    case ENC_UNKNOWN:
        add_lines(h, part->body);
        break;
    }
    bool failed = bytes.failed;
    buf_release(&bytes);
    return failed ? err_set(err, "out of memory for a part") : 0;
}

static int add_message(struct pool *pool, struct hash *h, const struct message *message,
                       struct str tag, struct err *err)
{
    struct str shown = edits_tag(pool, tag);
    if (shown.s == NULL)
        return err_set(err, "out of memory for the fields of a message");
    if (add_fields(pool, h, message->root, shown, err) < 0)
        return -1;
    for (size_t i = 0; i < message->n_parts; i++)
        if (add_part(h, message->parts[i], err) < 0)
            return -1;
    return 0;
}

int fingerprint_make(struct pool *pool, const struct message *message, struct str tag,
                     struct fingerprint *fingerprint, struct err *err)
{
    struct hash h;
    h.ctx = EVP_MD_CTX_new();
    h.failed = false;
    h.n = 0;
    int result = -1;
    if (h.ctx == NULL || EVP_DigestInit_ex(h.ctx, EVP_sha256(), NULL) != 1)
        err_set(err, "SHA-256 can't be used");
    else
        result = add_message(pool, &h, message, tag, err);
    if (result == 0)
        flush(&h);
    if (result == 0 && (h.failed || EVP_DigestFinal_ex(h.ctx, fingerprint->bytes, NULL) != 1))
        result = err_set(err, "SHA-256 failed");
    EVP_MD_CTX_free(h.ctx);
    fingerprint->missing = missing_fields(message);
    return result;
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
