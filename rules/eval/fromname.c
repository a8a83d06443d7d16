/*
 * FromNameSpoof.pm of SpamAssassin 4.0.1: a From whose display name holds another address than it
 * comes from. Owners of addresses are told by their domains alone.
 */
#include "rules/eval/look.h"

struct spoof {
    bool has_email;
    bool other_address, other_domain, other_owner;
    bool is_reply_to, is_to;
};

static struct str registered(struct eval_context *c, struct str address)
{
    struct str name, domain;
    size_t at = str_rchr(address, '@');
    if (at == STR_NONE || !settings_is_domain_valid(c->settings, str_from(address, at + 1)))
        return STR_EMPTY;
    settings_split_domain(c->settings, str_from(address, at + 1), &name, &domain);
    return domain;
}

/* The first address in a display name. */
static struct str email_in(struct eval_context *c, struct str name)
{
    struct shape_found found;
    if (!look_for(c,
                  "%W%[A-Za-z0-9_.!#$%&'*+/=?^`{|}~-]+@%[A-Za-z0-9_]%[A-Za-z0-9_-]*."
                  "%[A-Za-z0-9_]%[A-Za-z0-9_.-]*%W",
                  name, &found))
        return STR_EMPTY;
    return found.all;
}

static size_t odd_chars(struct str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += !((text.s[i] >= 'a' && text.s[i] <= 'z') || (text.s[i] >= '0' && text.s[i] <= '9'));
    return n;
}

static struct str owner_of(struct str domain)
{
    return str_sub(domain, 0, str_chr(domain, '.'));
}

static bool goes_to(struct eval_context *c, struct str address)
{
    const struct fact_values *to = facts_to_addresses(c->facts);
    for (size_t i = 0; i < to->n; i++) {
        if (str_eq(to->list[i], address))
            return true;
    }
    return false;
}

static struct spoof look_at_from(struct eval_context *c)
{
    struct spoof spoof = {.has_email = false};
    struct str from = look_lower(c, look_get(c, "From:addr"));
    struct str name = look_lower(c, look_get(c, "From:name"));
    struct str domain = registered(c, from), shown = email_in(c, name);
    struct str shown_domain = registered(c, shown);
    if (domain.n == 0 || shown.n == 0 || shown_domain.n == 0)
        return spoof;
    spoof.has_email = true;
    /* how much more than the address the name says; odd characters count twice */
    double more =
        (double)name.n + (double)odd_chars(name) - (double)odd_chars(shown) - (double)shown.n;
    if (more > settings_number(c->settings, SETTINGS_FNS_EXTRACHARS))
        return spoof;
    spoof.other_address = !str_eq(shown, from);
    spoof.other_domain = !str_eq(shown_domain, domain);
    spoof.other_owner = !str_eq(owner_of(shown_domain), owner_of(domain));
    spoof.is_reply_to = str_ieq(look_get(c, "Reply-To:addr"), shown);
    spoof.is_to = goes_to(c, shown);
    return spoof;
}

/* (0, 1 or 2): another address; of another owner; of another domain */
static double spoofed(struct eval_context *c)
{
    struct spoof spoof = look_at_from(c);
    bool said = c->n && c->a[0].text.n == 1 && c->a[0].text.s[0] >= '0' && c->a[0].text.s[0] <= '2';
    double level = said ? c->a[0].number : settings_number(c->settings, SETTINGS_FNS_CHECK);
    return spoof.other_address &&
           (level < 1 || (level < 2 ? spoof.other_owner : spoof.other_domain));
}

static double different(struct eval_context *c)
{
    return look_at_from(c).other_address;
}

static double domain_differs(struct eval_context *c)
{
    return look_at_from(c).other_domain;
}

static double owner_differs(struct eval_context *c)
{
    return look_at_from(c).other_owner;
}

static double contains_email(struct eval_context *c)
{
    return look_at_from(c).has_email;
}

static double equals_to(struct eval_context *c)
{
    return look_at_from(c).is_to;
}

static double equals_reply_to(struct eval_context *c)
{
    return look_at_from(c).is_reply_to;
}

const struct eval_entry eval_fromname[] = {
    {"check_fromname_spoof", spoofed, 0, 1},
    {"check_fromname_different", different, 0, 0},
    {"check_fromname_domain_differ", domain_differs, 0, 0},
    {"check_fromname_owners_differ", owner_differs, 0, 0},
    {"check_fromname_contains_email", contains_email, 0, 0},
    {"check_fromname_equals_to", equals_to, 0, 0},
    {"check_fromname_equals_replyto", equals_reply_to, 0, 0},
    {.name = NULL},
};
