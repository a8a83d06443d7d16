#include "gateway/zones.h"

#include <stdlib.h>

#include "base/log.h"

enum entry { NAME_HELD, NAME_FREE, ADDRESS_HELD, ADDRESS_FREE, ENTRIES };

static const struct {
    struct str name;
    bool held;    /* as it must be */
    bool is_name; /* of a list of names; else of one of addresses */
} entries[ENTRIES] = {
    [NAME_HELD] = {STR("test"), true, true},
    [NAME_FREE] = {STR("invalid"), false, true},
    [ADDRESS_HELD] = {STR("2.0.0.127"), true, false},
    [ADDRESS_FREE] = {STR("1.0.0.127"), false, false},
};

enum state { NOT_LOOKED_AT, SERVES, SILENT, NOT_LISTING, LISTS_ALL };

struct zone {
    struct rules_zone rules;
    enum state state;
    bool asked; /* its questions are under way */
    int64_t next;
};

struct zones {
    size_t n, n_off;
    struct zone list[ZONES_MAX];
    struct str off[ZONES_MAX];
};

struct zones *zones_new(const struct ruleset *rules)
{
    struct rules_zone list[ZONES_MAX];
    struct zones *zones = calloc(1, sizeof *zones);
    if (zones == NULL)
        return NULL;
    zones->n = ruleset_zones(rules, list, ZONES_MAX);
    for (size_t i = 0; i < zones->n; i++)
        zones->list[i].rules = list[i];
    return zones;
}

void zones_free(struct zones **zones)
{
    free(*zones);
    *zones = NULL;
}

/* --- questions --- */

/* A list of names is tried as one of addresses, too, where rules ask it for both: many hold the
 * test entries of one kind alone. */
static bool is_tried(const struct zone *zone, enum entry entry)
{
    return entries[entry].is_name ? zone->rules.names : zone->rules.addresses;
}

/* .name.s NULL: no memory. */
static struct dns_query question(const struct zone *zone, enum entry entry, struct pool *pool)
{
    return (struct dns_query){.type = DNS_A,
                              .name = pool_strf(pool, "%.*s.%.*s", STR_ARG(entries[entry].name),
                                                STR_ARG(zone->rules.name))};
}

void zones_questions(struct zones *zones, int64_t now, struct pool *pool, struct dns_query *queries,
                     size_t *n, size_t max)
{
    size_t looked = 0;
    for (size_t i = 0; i < zones->n; i++) {
        struct zone *zone = &zones->list[i];
        zone->asked = now >= zone->next && looked < ZONES_A_MESSAGE && max - *n >= ZONES_QUESTIONS;
        if (!zone->asked)
            continue;
        looked++;
        for (enum entry e = 0; e < ENTRIES; e++) {
            queries[*n] = question(zone, e, pool);
            *n += is_tried(zone, e) && queries[*n].name.s != NULL;
        }
    }
}

/* --- answers --- */

#define ADDRESS(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* What lists say instead of an answer: that they don't serve whoever asks (Spamhaus, URIBL), or
 * hold nothing of that kind (Spamhaus' list of domains, of an address). */
static bool is_refusal(uint32_t address)
{
    return address >> 8 == ADDRESS(127, 255, 255, 0) >> 8 || address == ADDRESS(127, 0, 0, 1) ||
           address == ADDRESS(127, 0, 1, 255);
}

static bool says_listed(const struct dns_query *query)
{
    for (size_t i = 0; i < query->n; i++) {
        const unsigned char *a = (const unsigned char *)query->records[i].data.s;
        if (query->records[i].data.n == 4 && a[0] == 127 &&
            !is_refusal(ADDRESS(a[0], a[1], a[2], a[3])))
            return true;
    }
    return false;
}

static enum state state_of(const struct zone *zone, struct pool *pool, const struct dns_source *dns)
{
    bool held = false, silent = false;
    for (enum entry e = 0; e < ENTRIES; e++) {
        struct dns_query query = question(zone, e, pool);
        if (!is_tried(zone, e))
            continue;
        if (query.name.s)
            dns->ask(dns->data, pool, &query, 1);
        bool listed = says_listed(&query);
        if (listed && !entries[e].held)
            return LISTS_ALL;
        held |= listed;
        silent |=
            query.status != DNS_FOUND && query.status != DNS_NO_NAME && query.status != DNS_NO_DATA;
    }
    return silent ? SILENT : held ? SERVES : NOT_LISTING;
}

static void tell_change(const struct zone *zone, enum state now)
{
    static const char *const why[] = {
        [SILENT] = "its servers do not answer",
        [NOT_LISTING] =
            "it does not hold its test entry, which each must: it is dead, or refuses us",
        [LISTS_ALL] = "it holds what no list may: it answers for everybody",
    };
    bool first = zone->state == NOT_LOOKED_AT;
    if (now == zone->state || (first && now == SERVES))
        return;
    if (now == SERVES)
        log_info("rules: list %.*s serves again", STR_ARG(zone->rules.name));
    else
        log_warning("rules: list %.*s is switched off until it answers rightly: %s",
                    STR_ARG(zone->rules.name), why[now]);
}

void zones_take(struct zones *zones, int64_t now, struct pool *pool, const struct dns_source *dns)
{
    zones->n_off = 0;
    for (size_t i = 0; i < zones->n; i++) {
        struct zone *zone = &zones->list[i];
        if (zone->asked) {
            enum state state = state_of(zone, pool, dns);
            tell_change(zone, state);
            zone->state = state;
            zone->next = now + (state == SERVES ? ZONES_CHECK_EVERY : ZONES_CHECK_SOON);
            zone->asked = false;
        }
        if (zone->state != SERVES && zone->state != NOT_LOOKED_AT)
            zones->off[zones->n_off++] = zone->rules.name;
    }
}

const struct str *zones_off(const struct zones *zones, size_t *n)
{
    *n = zones->n_off;
    return zones->off;
}
