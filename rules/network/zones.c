/* The lists that a set of rules asks, and how each can be tried. */
#include "rules/rules.h"
#include "rules/ruleset.h"

static bool asks_addresses(const struct network_rule *rule)
{
    switch (rule->source) {
    case NETWORK_RELAYS:
    case NETWORK_ACCREDITED:
    case NETWORK_FIRST_HOP:
        return true;
    case NETWORK_LINKS:
        return !rule->domains_only;
    default:
        return false;
    }
}

static bool asks_names(const struct network_rule *rule)
{
    switch (rule->source) {
    case NETWORK_RELAYS:
    case NETWORK_ACCREDITED:
        return false;
    case NETWORK_LINKS:
        return !rule->ips_only && rule->links != DNS_LINE_ADDRESSES;
    default:
        return true;
    }
}

/* What askdns asks for may be no list at all. */
static bool is_list(const struct network_rule *rule)
{
    return rule->zone.n && rule->source != NETWORK_TEMPLATE && rule->source != NETWORK_SAME_SET;
}

static struct rules_zone *find(struct rules_zone *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_ieq(list[i].name, name))
            return &list[i];
    return NULL;
}

size_t ruleset_zones(const struct ruleset *set, struct rules_zone *list, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < set->network.n; i++) {
        const struct network_rule *rule = &set->network.rules[i];
        struct rules_zone *zone = is_list(rule) ? find(list, n, rule->zone) : NULL;
        if (zone == NULL && is_list(rule) && n < max) {
            zone = &list[n++];
            *zone = (struct rules_zone){.name = rule->zone};
        }
        if (zone) {
            zone->addresses |= asks_addresses(rule);
            zone->names |= asks_names(rule);
        }
    }
    return n;
}
