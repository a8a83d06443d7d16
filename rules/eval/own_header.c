#include "base/domain.h"
#include "mail/address.h"
#include "rules/eval/own.h"
#include "rules/facts/date.h"
#include "rules/facts/shown.h"

#define CAPITALS_LETTERS_MIN 10

/* The first mailbox of the first field of that name: 1 found, 0 not, EVAL_NO_MEMORY. */
static double first_address(struct pool *pool, const struct message *message, struct str name,
                            struct mail_address *address)
{
    const struct header *header = message_header(message, name);
    if (header == NULL)
        return 0;
    struct str rest = header_unfold(pool, header);
    if (rest.s == NULL)
        return EVAL_NO_MEMORY;
    return mail_address_next(&rest, address);
}

/*
 * Are two domains of one owner, as far as their names tell: the same but for what stands before
 * the last two labels (three when the second is short, as in "co.uk")?
 */
static bool related(struct str a, struct str b)
{
    size_t n = 0, labels = 0, label_from = 0;
    while (n < a.n && n < b.n &&
           str_lower_char(a.s[a.n - 1 - n]) == str_lower_char(b.s[b.n - 1 - n])) {
        n++;
        bool a_ends = n == a.n || a.s[a.n - 1 - n] == '.';
        bool b_ends = n == b.n || b.s[b.n - 1 - n] == '.';
        if (a_ends && b_ends) {
            labels++;
            if (labels >= 3 || (labels == 2 && n - label_from > 4))
                return true;
            label_from = n;
        }
    }
    return (n == a.n || n == b.n) && labels >= 2;
}

double eval_from_name_other_domain(struct eval_context *c)
{
    struct mail_address from;
    double found = first_address(c->pool, c->input->message, STR("From"), &from);
    if (found <= 0)
        return found;
    struct header name = {.name = STR("From"), .value = from.name};
    struct str shown = header_text(c->pool, &name);
    if (shown.s == NULL)
        return EVAL_NO_MEMORY;
    struct str domain = domain_of_address(shown);
    size_t end = 0;
    while (end < domain.n &&
           (str_lower_char(domain.s[end]) >= 'a' || domain.s[end] == '.' || domain.s[end] == '-' ||
            (domain.s[end] >= '0' && domain.s[end] <= '9')))
        end++;
    domain = str_sub(domain, 0, end);
    if (str_chr(domain, '.') == STR_NONE || related(domain, domain_of_address(from.address)))
        return 0;
    c->text = shown;
    return 1;
}

static double other_domain(const struct rules_input *input, struct pool *pool, struct str name,
                           struct str *text)
{
    struct mail_address from, other;
    double found = first_address(pool, input->message, STR("From"), &from);
    if (found > 0)
        found = first_address(pool, input->message, name, &other);
    if (found <= 0)
        return found;
    struct str domain = domain_of_address(other.address);
    if (domain.n == 0 || related(domain, domain_of_address(from.address)))
        return 0;
    *text = other.address;
    return 1;
}

double eval_reply_to_other_domain(struct eval_context *c)
{
    return other_domain(c->input, c->pool, STR("Reply-To"), &c->text);
}

double eval_message_id_other_domain(struct eval_context *c)
{
    return other_domain(c->input, c->pool, STR("Message-Id"), &c->text);
}

#define LOCAL_PART_BYTES_MIN 4

/* Addresses of a task are named by words that any subject may hold. */
static bool is_role(struct str local)
{
    static const char *const roles[] = {"admin",     "contact", "info",       "mail",
                                        "office",    "sales",   "support",    "service",
                                        "webmaster", "team",    "postmaster", "help"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (str_ieq(local, str_of(roles[i])))
            return true;
    }
    return false;
}

double eval_subject_has_recipient(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    struct mail_address to;
    double found = first_address(c->pool, c->input->message, STR("To"), &to);
    if (found <= 0)
        return found;
    struct str local = str_sub(to.address, 0, str_rchr(to.address, '@'));
    if (local.n < LOCAL_PART_BYTES_MIN || local.n == to.address.n || is_role(local) ||
        str_ifind(text->subject, local) == STR_NONE)
        return 0;
    c->text = text->subject;
    return 1;
}

double eval_to_is_from(struct eval_context *c)
{
    struct mail_address from, to;
    double found = first_address(c->pool, c->input->message, STR("From"), &from);
    if (found > 0)
        found = first_address(c->pool, c->input->message, STR("To"), &to);
    if (found <= 0)
        return found;
    return from.address.n > 0 && str_ieq(from.address, to.address);
}

double eval_received_hops(struct eval_context *c)
{
    size_t from = 0, hops = 0;
    while (part_header(c->input->message->root, STR("Received"), &from))
        hops++;
    return eval_in_bounds((double)hops, c->a, c->n, 0);
}

static double count_addresses(const struct rules_input *input, struct pool *pool, struct str name)
{
    size_t from = 0;
    double count = 0;
    const struct header *header;
    struct mail_address address;
    while ((header = part_header(input->message->root, name, &from)) != NULL) {
        struct str rest = header_unfold(pool, header);
        if (rest.s == NULL)
            return EVAL_NO_MEMORY;
        while (mail_address_next(&rest, &address))
            count += address.address.n > 0;
    }
    return count;
}

double eval_recipients(struct eval_context *c)
{
    double to = count_addresses(c->input, c->pool, STR("To"));
    double cc = count_addresses(c->input, c->pool, STR("Cc"));
    if (to < 0 || cc < 0)
        return EVAL_NO_MEMORY;
    return eval_in_bounds(to + cc, c->a, c->n, 0);
}

double eval_subject_capitals(struct eval_context *c)
{
    const struct mail_text *text = facts_shown(c->facts);
    if (text == NULL)
        return EVAL_NO_MEMORY;
    struct str subject = text->subject;
    size_t capitals = 0, letters = 0;
    for (size_t i = 0; i < subject.n; i++) {
        char lower = str_lower_char(subject.s[i]);
        if (lower < 'a' || lower > 'z')
            continue;
        letters++;
        capitals += lower != subject.s[i];
    }
    if (letters < CAPITALS_LETTERS_MIN || (double)capitals * 100 < c->a[0].number * (double)letters)
        return 0;
    c->text = subject;
    return 1;
}

double eval_date_gap_hours(struct eval_context *c)
{
    const struct header *date = message_header(c->input->message, STR("Date"));
    const struct header *received = message_header(c->input->message, STR("Received"));
    int64_t sent, came;
    if (date == NULL || received == NULL)
        return 0;
    struct str sent_text = header_unfold(c->pool, date);
    struct str came_text = header_unfold(c->pool, received);
    if (sent_text.s == NULL || came_text.s == NULL)
        return EVAL_NO_MEMORY;
    size_t at = str_rchr(came_text, ';');
    if (at == STR_NONE || !date_parse(sent_text, &sent) ||
        !date_parse(str_from(came_text, at + 1), &came))
        return 0;
    c->text = sent_text;
    return eval_in_bounds((double)(came - sent) / 3600.0, c->a, c->n, 0);
}
