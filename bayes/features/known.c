#include "bayes/features/known.h"

#include <stdlib.h>

#include "base/domain.h"
#include "bayes/features/known_table.h"
#include "mail/address.h"

#define ID_MIN     8  /* bytes of an id that can't be met by chance */
#define FIELDS_MAX 20 /* of one name that are read */

/* The values of the fields of that name, with a comma between them. .s NULL: no memory. */
static struct str field_of(const struct message *message, const char *name, struct pool *pool)
{
    struct str values[2 * FIELDS_MAX];
    const struct header *header;
    size_t n = 0, from = 0;
    while (n < 2 * FIELDS_MAX && (header = part_header(message->root, str_of(name), &from))) {
        values[n++] = header_unfold(pool, header);
        if (values[n - 1].s == NULL)
            return STR_EMPTY;
        values[n++] = STR(", ");
    }
    return pool_join(pool, values, n);
}

static bool next_address(struct str *rest, struct str *address)
{
    struct mail_address mailbox;
    while (mail_address_next(rest, &mailbox)) {
        *address = str_trim(mailbox.address);
        if (domain_of_address(*address).n && address->n <= KNOWN_TEXT_MAX)
            return true;
    }
    return false;
}

/* "<…>", without the brackets. */
static bool next_id(struct str *rest, struct str *id)
{
    size_t open, close;
    while ((open = str_chr(*rest, '<')) != STR_NONE) {
        *rest = str_from(*rest, open + 1);
        close = str_chr(*rest, '>');
        if (close == STR_NONE)
            return false;
        *id = str_trim(str_sub(*rest, 0, close));
        *rest = str_from(*rest, close + 1);
        if (id->n >= ID_MIN && id->n <= KNOWN_TEXT_MAX)
            return true;
    }
    return false;
}

/* ---- what comes in */

static bool answers(const struct known *known, struct str ids)
{
    struct str id;
    for (unsigned n = 0; n < KNOWN_LOOK_MAX && next_id(&ids, &id); n++)
        if (known_has(known, known_key(known, KNOWN_ID, STR_EMPTY, id)))
            return true;
    return false;
}

static bool wrote_to(const struct known *known, struct str own_users, struct str author)
{
    struct str own;
    for (unsigned n = 0; n < KNOWN_LOOK_MAX && next_address(&own_users, &own); n++)
        if (known_has(known, known_key(known, KNOWN_PAIR, own, author)))
            return true;
    return false;
}

int known_look(const struct known *known, const struct message *message, struct pool *pool,
               struct known_facts *facts, struct err *err)
{
    *facts = (struct known_facts){.from = false};
    if (known == NULL)
        return 0;
    struct str from = field_of(message, "From", pool), author;
    struct str to = field_of(message, "To", pool), cc = field_of(message, "Cc", pool);
    struct str before = field_of(message, "In-Reply-To", pool);
    struct str thread = field_of(message, "References", pool);
    if (from.s == NULL || to.s == NULL || cc.s == NULL || before.s == NULL || thread.s == NULL)
        return err_set(err, "the message needs more memory than is allowed");
    facts->reply = answers(known, before) || answers(known, thread);
    if (!next_address(&from, &author))
        return 0;
    facts->from = known_has(known, known_key(known, KNOWN_ADDRESS, STR_EMPTY, author));
    facts->pair = facts->from && (wrote_to(known, to, author) || wrote_to(known, cc, author));
    return 0;
}

/* ---- what own users send */

static bool is_own(const struct conf *conf, struct str address)
{
    return conf_domain_find(conf, domain_of_address(address)) != NULL;
}

static bool value_is(const struct message *message, const char *name, struct str value)
{
    const struct header *header = message_header(message, str_of(name));
    return header && str_istarts(str_trim(header->value), value);
}

/* RFC 3834 5, and the older ways to say the same. */
static bool is_automatic(const struct message *message)
{
    return (message_header(message, STR("Auto-Submitted")) &&
            !value_is(message, "Auto-Submitted", STR("no"))) ||
           message_header(message, STR("X-Autoreply")) ||
           value_is(message, "Precedence", STR("auto")) ||
           value_is(message, "Precedence", STR("bulk")) ||
           value_is(message, "Precedence", STR("junk")) ||
           str_eq(message->root->type, STR("multipart/report"));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_keys(struct known_keys *keys)
{
    size_t n = 0;
    qsort(keys->list, keys->n, sizeof keys->list[0], by_value);
    for (size_t i = 0; i < keys->n; i++)
        if (i == 0 || keys->list[i] != keys->list[i - 1])
            keys->list[n++] = keys->list[i];
    keys->n = n;
}

/* False: a circular. */
static bool add_recipients(const struct known *known, const struct conf *conf, struct str own,
                           struct str recipients, unsigned *total, struct known_keys *keys)
{
    struct str other;
    while (next_address(&recipients, &other)) {
        if (++*total > KNOWN_RECIPIENTS_MAX)
            return false;
        if (is_own(conf, other))
            continue;
        keys->list[keys->n++] = known_key(known, KNOWN_ADDRESS, STR_EMPTY, other);
        keys->list[keys->n++] = known_key(known, KNOWN_PAIR, own, other);
    }
    return true;
}

int known_keys_of(const struct known *known, const struct conf *conf, const struct message *message,
                  struct pool *pool, struct known_keys *keys, struct err *err)
{
    static const char *const fields[] = {"To", "Cc", "Bcc"};
    struct str from = field_of(message, "From", pool), own, id;
    struct str ids = field_of(message, "Message-ID", pool);
    unsigned total = 0;
    keys->n = 0;
    if (from.s == NULL || ids.s == NULL)
        return err_set(err, "the message needs more memory than is allowed");
    if (!next_address(&from, &own) || !is_own(conf, own) || is_automatic(message))
        return 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct str recipients = field_of(message, fields[i], pool);
        if (recipients.s == NULL)
            return err_set(err, "the message needs more memory than is allowed");
        if (!add_recipients(known, conf, own, recipients, &total, keys)) {
            keys->n = 0;
            return 0;
        }
    }
    if (next_id(&ids, &id))
        keys->list[keys->n++] = known_key(known, KNOWN_ID, STR_EMPTY, id);
    sort_keys(keys);
    return 0;
}
