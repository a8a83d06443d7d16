/*
 * WLBLEval.pm and WelcomeListSubject.pm of SpamAssassin 4.0.1: is a sender, recipient, subject or
 * link on a list of the rule files?
 */
#include "base/domain.h"
#include "rules/eval/look.h"
#include "rules/facts/relays.h"
#include "rules/facts/uris.h"

static bool any_in(struct eval_context *c, const struct fact_values *addresses,
                   enum settings_addresses list)
{
    for (size_t i = 0; i < addresses->n; i++) {
        if (settings_address_in(c->settings, list, look_lower(c, addresses->list[i])))
            return true;
    }
    return false;
}

static double from_in_blocklist(struct eval_context *c)
{
    return any_in(c, facts_from_addresses(c->facts), SETTINGS_BLOCKLIST_FROM);
}

static double to_in_blocklist(struct eval_context *c)
{
    return any_in(c, facts_to_addresses(c->facts), SETTINGS_BLOCKLIST_TO);
}

static double to_in_welcomelist(struct eval_context *c)
{
    return any_in(c, facts_to_addresses(c->facts), SETTINGS_WELCOMELIST_TO);
}

static double to_in_more_spam(struct eval_context *c)
{
    return any_in(c, facts_to_addresses(c->facts), SETTINGS_MORE_SPAM_TO);
}

static double to_in_all_spam(struct eval_context *c)
{
    return any_in(c, facts_to_addresses(c->facts), SETTINGS_ALL_SPAM_TO);
}

static double any_in_named(struct eval_context *c, const struct fact_values *addresses)
{
    bool known;
    for (size_t i = 0; i < addresses->n; i++) {
        if (settings_address_in_named(c->settings, c->a[0].text, look_lower(c, addresses->list[i]),
                                      &known))
            return 1;
    }
    return 0;
}

static double from_in_list(struct eval_context *c)
{
    return any_in_named(c, facts_from_addresses(c->facts));
}

static double to_in_list(struct eval_context *c)
{
    return any_in_named(c, facts_to_addresses(c->facts));
}

static double reply_to_in_list(struct eval_context *c)
{
    struct str address = look_get(c, "Reply-To:addr");
    const struct fact_values one = {.list = &address, .n = address.n > 0};
    return any_in_named(c, &one);
}

/* "[192.0.2.1]" and networks, or a domain that the relay's name ends with. */
static bool fits_relay(const struct relay *relay, struct str value)
{
    if (str_starts(value, STR("[")))
        return networks_literal_has(value, relay->ip);
    return domain_holds(value, relay->rdns);
}

/* The relays of which one must fit: the newest untrusted one, else all. */
static struct relay_list asked_relays(struct eval_context *c)
{
    const struct relays *relays = facts_relays(c->facts);
    if (relays == NULL)
        return (struct relay_list){.n = 0};
    struct relay_list asked = relays->untrusted.n ? relays->untrusted : relays->trusted;
    asked.n = relays->untrusted.n ? 1 : asked.n;
    return asked;
}

enum listed { LISTED, NOT_LISTED, FORGED };

static enum listed listed_with_relay(struct eval_context *c, enum settings_pairs list,
                                     struct str address)
{
    struct relay_list relays = asked_relays(c);
    const struct settings_pair *pair;
    enum listed found = NOT_LISTED;
    size_t at = 0;
    address = look_lower(c, address);
    if (relays.n == 0)
        return NOT_LISTED;
    while ((pair = settings_pair_next(c->settings, list, address, &at)) != NULL) {
        for (size_t i = 0; i < relays.n; i++) {
            if (fits_relay(relays.list[i], pair->value))
                return LISTED;
        }
        found = FORGED;
    }
    if (found == FORGED &&
        settings_address_in(c->settings, SETTINGS_WELCOMELIST_ALLOWS_RELAYS, address))
        found = NOT_LISTED;
    return found;
}

static enum listed listed_from(struct eval_context *c, bool stock)
{
    const struct fact_values *from = facts_from_addresses(c->facts);
    enum settings_pairs list =
        stock ? SETTINGS_DEF_WELCOMELIST_FROM_RCVD : SETTINGS_WELCOMELIST_FROM_RCVD;
    enum listed found = NOT_LISTED;
    for (size_t i = 0; i < from->n; i++) {
        struct str address = look_lower(c, from->list[i]);
        if (!stock && settings_address_in(c->settings, SETTINGS_WELCOMELIST_FROM, address))
            return LISTED;
        enum listed one = listed_with_relay(c, list, address);
        if (one == LISTED)
            return LISTED;
        found = one == FORGED ? FORGED : found;
    }
    return found;
}

static double from_in_welcomelist(struct eval_context *c)
{
    return listed_from(c, false) == LISTED;
}

static double from_in_default_welcomelist(struct eval_context *c)
{
    return listed_from(c, true) == LISTED;
}

static double forged_in_welcomelist(struct eval_context *c)
{
    return listed_from(c, false) == FORGED && listed_from(c, true) == NOT_LISTED;
}

static double forged_in_default_welcomelist(struct eval_context *c)
{
    return listed_from(c, true) == FORGED && listed_from(c, false) == NOT_LISTED;
}

/* The envelope's sender and the relay that it came from are of one domain. */
static double sender_matches_relay(struct eval_context *c)
{
    struct str sender = look_get(c, "EnvelopeFrom:addr"), name, domain, relay_domain;
    struct relay_list relays = asked_relays(c);
    size_t at = str_rchr(sender, '@');
    if (at == STR_NONE || str_chr(str_from(sender, at), '.') == STR_NONE)
        return 0;
    settings_split_domain(c->settings, look_lower(c, str_from(sender, at + 1)), &name, &domain);
    for (size_t i = 0; i < relays.n; i++) {
        struct str rdns = look_lower(c, relays.list[i]->rdns);
        settings_split_domain(c->settings, rdns, &name, &relay_domain);
        if (rdns.n && str_eq(domain, relay_domain))
            return 1;
    }
    return 0;
}

static double host_listed(struct eval_context *c, struct str list)
{
    const struct fact_uris *uris = facts_uris(c->facts);
    if (uris == NULL)
        return EVAL_NO_MEMORY;
    for (size_t i = 0; i < uris->n; i++) {
        const struct fact_uri *uri = &uris->list[i];
        if (str_istarts(uri->raw, STR("mailto:")))
            continue;
        for (size_t k = 0; k < uri->n_hosts; k++) {
            if (settings_host_listed(c->settings, list, uri->hosts[k].host) == HOST_IN) {
                c->text = uri->hosts[k].host;
                return 1;
            }
        }
    }
    return 0;
}

static double uri_host_listed(struct eval_context *c)
{
    return host_listed(c, c->a[0].text);
}

static double uri_host_in_blocklist(struct eval_context *c)
{
    return host_listed(c, STR("BLOCK"));
}

static double uri_host_in_welcomelist(struct eval_context *c)
{
    return host_listed(c, STR("WELCOME"));
}

static double subject_in(struct eval_context *c, enum settings_subjects list)
{
    struct str subject = look_get(c, "Subject");
    return subject.n && settings_subject_in(c->settings, list, look_lower(c, subject));
}

static double subject_in_welcomelist(struct eval_context *c)
{
    return subject_in(c, SETTINGS_WELCOMELIST_SUBJECT);
}

static double subject_in_blocklist(struct eval_context *c)
{
    return subject_in(c, SETTINGS_BLOCKLIST_SUBJECT);
}

const struct eval_entry eval_lists[] = {
    {"check_from_in_blocklist", from_in_blocklist, 0, 0},
    {"check_from_in_blacklist", from_in_blocklist, 0, 0},
    {"check_to_in_blocklist", to_in_blocklist, 0, 0},
    {"check_to_in_blacklist", to_in_blocklist, 0, 0},
    {"check_to_in_welcomelist", to_in_welcomelist, 0, 0},
    {"check_to_in_whitelist", to_in_welcomelist, 0, 0},
    {"check_to_in_more_spam", to_in_more_spam, 0, 0},
    {"check_to_in_all_spam", to_in_all_spam, 0, 0},
    {"check_from_in_list", from_in_list, 1, 1},
    {"check_to_in_list", to_in_list, 1, 1},
    {"check_replyto_in_list", reply_to_in_list, 1, 1},
    {"check_from_in_welcomelist", from_in_welcomelist, 0, 0},
    {"check_from_in_whitelist", from_in_welcomelist, 0, 0},
    {"check_from_in_default_welcomelist", from_in_default_welcomelist, 0, 0},
    {"check_from_in_default_whitelist", from_in_default_welcomelist, 0, 0},
    {"check_forged_in_welcomelist", forged_in_welcomelist, 0, 0},
    {"check_forged_in_whitelist", forged_in_welcomelist, 0, 0},
    {"check_forged_in_default_welcomelist", forged_in_default_welcomelist, 0, 0},
    {"check_forged_in_default_whitelist", forged_in_default_welcomelist, 0, 0},
    {"check_mailfrom_matches_rcvd", sender_matches_relay, 0, 0},
    {"check_uri_host_listed", uri_host_listed, 1, 1},
    {"check_uri_host_in_blocklist", uri_host_in_blocklist, 0, 0},
    {"check_uri_host_in_blacklist", uri_host_in_blocklist, 0, 0},
    {"check_uri_host_in_welcomelist", uri_host_in_welcomelist, 0, 0},
    {"check_uri_host_in_whitelist", uri_host_in_welcomelist, 0, 0},
    {"check_subject_in_welcomelist", subject_in_welcomelist, 0, 0},
    {"check_subject_in_whitelist", subject_in_welcomelist, 0, 0},
    {"check_subject_in_blocklist", subject_in_blocklist, 0, 0},
    {"check_subject_in_blacklist", subject_in_blocklist, 0, 0},
    {.name = NULL},
};
