#include "sender/author.h"

#include "base/ascii.h"
#include "base/domain.h"
#include "mail/address.h"
#include "mail/word.h"
#include "sender/field.h"

struct check {
    author_allowed *allowed;
    void *data;
    struct buf *shown;
};

static enum author_result deny(const struct check *check, struct str address)
{
    buf_add(check->shown, str_sub(address, 0, check->shown->max));
    return AUTHOR_DENIED;
}

/* --- what only looks like an address --- */

static bool is_beyond_ascii(char c)
{
    return (unsigned char)c >= 0x80;
}

static bool is_local(char c)
{
    return is_beyond_ascii(c) || ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(char c)
{
    return is_beyond_ascii(c) || ascii_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

/* Where what stands before the @ begins. */
static size_t local_start(struct str text, size_t at)
{
    size_t from = at;
    if (at && text.s[at - 1] == '"') {
        size_t open = str_rchr(str_sub(text, 0, at - 1), '"');
        return open == STR_NONE ? at : open;
    }
    while (from && is_local(text.s[from - 1]) && at - from < AUTHOR_ADDRESS_MAX)
        from--;
    return from;
}

/* "a.example" out of "a.example”" and "a.example."; empty: no domain that mail goes to. */
static struct str domain_shown(struct str text)
{
    char normal[DOMAIN_SIZE];
    size_t n = 0, ascii = 0;
    while (n < text.n && is_domain(text.s[n]))
        n++;
    while (ascii < n && !is_beyond_ascii(text.s[ascii]))
        ascii++;
    const size_t ends[] = {n, ascii};
    for (size_t i = 0; i < 2; i++) {
        struct str domain = str_sub(text, 0, ends[i]);
        while (domain.n && (domain.s[domain.n - 1] == '.' || domain.s[domain.n - 1] == '-'))
            domain.n--;
        if (str_chr(domain, '.') != STR_NONE && domain_normal(domain, normal))
            return domain;
    }
    return STR_EMPTY;
}

/* 'jean@a.example' is shown as jean@a.example, in quotes of any kind */
static struct str without_marks(struct str address)
{
    while (address.n && !ascii_is_word(address.s[0]))
        address = str_from(address, 1);
    return address;
}

static enum author_result check_looks(const struct check *check, struct str text)
{
    size_t at = 0, next;
    while ((next = str_chr(str_from(text, at), '@')) != STR_NONE) {
        at += next;
        size_t from = local_start(text, at);
        struct str domain = domain_shown(str_from(text, at + 1));
        struct str address = str_sub(text, from, at + 1 + domain.n);
        at++;
        if (from + 1 == at || domain.n == 0 || check->allowed(check->data, address))
            continue;
        if (!check->allowed(check->data, without_marks(address)))
            return deny(check, address);
    }
    return AUTHOR_FINE;
}

/* --- mailboxes --- */

/* One address, and no reader takes another out of it. */
static bool is_one_address(struct str address)
{
    size_t at = str_chr(address, '@');
    return at != STR_NONE && at > 0 && at == str_rchr(address, '@') && at + 1 < address.n &&
           str_chr(address, '<') == STR_NONE;
}

static enum author_result check_mailboxes(const struct check *check, struct str value, size_t max)
{
    struct mail_address mailbox;
    size_t n = 0;
    while (mail_address_next(&value, &mailbox)) {
        if (!is_one_address(mailbox.address) || ++n > max)
            return AUTHOR_MALFORMED;
        if (!check->allowed(check->data, mailbox.address))
            return deny(check, mailbox.address);
    }
    return n ? AUTHOR_FINE : AUTHOR_MALFORMED;
}

/* --- fields --- */

/* Some readers take what others stop at. */
static bool has_control(struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        bool fold =
            value.s[i] == '\n' || (value.s[i] == '\r' && i + 1 < value.n && value.s[i + 1] == '\n');
        if (((unsigned char)value.s[i] < ' ' || value.s[i] == 127) && value.s[i] != '\t' && !fold)
            return true;
    }
    return false;
}

/* RFC 5322 2.2.3 */
static void unfold(struct str value, struct buf *out)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.s[i] != '\r' && value.s[i] != '\n')
            buf_addc(out, value.s[i]);
}

static enum author_result check_field(const struct check *check, struct str value, size_t max)
{
    if (value.n > AUTHOR_FIELD_MAX || has_control(value))
        return AUTHOR_MALFORMED;
    struct buf line = BUF_INIT(AUTHOR_FIELD_MAX);
    struct buf read = BUF_INIT(AUTHOR_FIELD_MAX);
    enum author_result result = AUTHOR_NO_MEMORY;
    unfold(value, &line);
    words_bytes(buf_str(&line), &read);
    if (buf_ok(&line) && buf_ok(&read))
        result = check_mailboxes(check, buf_str(&line), max);
    if (result == AUTHOR_FINE)
        result = check_looks(check, buf_str(&line));
    if (result == AUTHOR_FINE)
        result = check_looks(check, buf_str(&read));
    buf_release(&line);
    buf_release(&read);
    return result;
}

enum author_result author_check(struct str header, author_allowed *allowed, void *data,
                                struct buf *shown)
{
    const struct check check = {allowed, data, shown};
    struct field_walk walk = field_walk_of(header);
    struct field field;
    struct str from = STR_EMPTY, sender = STR_EMPTY;
    bool has_from = false, has_sender = false;
    if (header.n && (header.s[0] == ' ' || header.s[0] == '\t'))
        return AUTHOR_MALFORMED; /* a field to some readers, to others none */
    while (field_next(&walk, &field)) {
        bool is_from = str_ieq(field.name, STR("From"));
        bool is_sender = str_ieq(field.name, STR("Sender"));
        if ((is_from && has_from) || (is_sender && has_sender))
            return AUTHOR_TWICE;
        has_from |= is_from;
        has_sender |= is_sender;
        from = is_from ? field.value : from;
        sender = is_sender ? field.value : sender;
    }
    if (!has_from)
        return AUTHOR_MISSING;
    enum author_result result = check_field(&check, from, SIZE_MAX);
    return result == AUTHOR_FINE && has_sender ? check_field(&check, sender, 1) : result;
}
