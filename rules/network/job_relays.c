/* Which addresses of those that a message came over are looked for in lists (DNSEval.pm). */
#include "rules/facts/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/relays.h"
#include "rules/language/parse.h"
#include "rules/network/job.h"

#define ADDRESSES_MAX 256 /* looked at, newest first */
#define ASKED_MAX     9   /* SpamAssassin's num_check_received */

struct addresses {
    struct str list[ADDRESSES_MAX];
    size_t n;
};

/* Public addresses, each once. */
static void add(struct addresses *addresses, struct str ip)
{
    if (ip.n == 0 || ip_is_private(ip) || addresses->n == ADDRESSES_MAX)
        return;
    for (size_t i = 0; i < addresses->n; i++) {
        if (str_eq(addresses->list[i], ip))
            return;
    }
    addresses->list[addresses->n++] = ip;
}

static bool is_trusted(const struct job *job, struct str ip)
{
    bool configured;
    return networks_have(settings_networks(job->facts->settings, SETTINGS_TRUSTED_NETWORKS,
                                           &configured),
                         ip);
}

/* All addresses in the fields that say where a message came from before its first Received. */
static void add_originating(struct job *job, struct addresses *addresses, bool trusted_too)
{
    size_t n;
    const struct str *names =
        settings_words(job->facts->settings, SETTINGS_ORIGINATING_IP_HEADERS, &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = pool_cstr(job->pool, names[i]);
        struct str value = name ? facts_get(job->facts, name) : STR_EMPTY;
        for (size_t at = 0; at < value.n;) {
            size_t length = ip_at(value, at);
            struct str ip = str_sub(value, at, at + length);
            if (length && (trusted_too || !is_trusted(job, ip)))
                add(addresses, ip);
            at += length ? length : 1;
        }
        job->no_memory |= name == NULL;
    }
}

static void add_all(struct addresses *addresses, const struct relay_list *list, bool internal_too)
{
    for (size_t i = 0; i < list->n; i++) {
        if (internal_too || !list->list[i]->internal)
            add(addresses, list->list[i]->ip);
    }
}

static void reverse(struct addresses *addresses)
{
    for (size_t i = 0; i < addresses->n / 2; i++) {
        struct str other = addresses->list[i];
        addresses->list[i] = addresses->list[addresses->n - 1 - i];
        addresses->list[addresses->n - 1 - i] = other;
    }
}

static void drop_first(struct addresses *addresses)
{
    memmove(addresses->list, addresses->list + 1, --addresses->n * sizeof *addresses->list);
}

/* Those that a set's name asks for by its end, in the order in which they count. */
static void choose(struct job *job, struct str set, const struct relays *relays,
                   struct addresses *addresses)
{
    bool last = str_ends(set, STR("-lastexternal"));
    if (last || str_ends(set, STR("-notfirsthop"))) {
        add_all(addresses, &relays->trusted, false);
        add_all(addresses, &relays->untrusted, true);
        if (last && addresses->n > 1)
            addresses->n = 1;
        else if (!last && addresses->n > 1)
            addresses->n--;
        return;
    }
    add_all(addresses, &relays->untrusted, true);
    add_originating(job, addresses, false);
    if (str_ends(set, STR("-firsttrusted"))) {
        if (addresses->n > 1)
            addresses->n = 1;
    } else if (str_ends(set, STR("-untrusted"))) {
        if (addresses->n)
            drop_first(addresses);
    } else {
        reverse(addresses);
    }
}

/* Where all open relays are trusted there is nobody to ask about. */
static bool is_anybody_untrusted(struct job *job, const struct relays *relays,
                                 struct addresses *addresses)
{
    addresses->n = 0;
    add_all(addresses, &relays->untrusted, true);
    add_originating(job, addresses, true);
    size_t n = addresses->n;
    addresses->n = 0;
    return n > 0;
}

/* "Accreditor: NAME, …", or "@a--NAME." in the sender's address. */
static bool is_accredited(struct job *job, struct str who)
{
    struct str sender = facts_get(job->facts, "EnvelopeFrom:addr"), name;
    struct str field = facts_get(job->facts, "Accreditor");
    for (size_t at = 1; at + 3 < sender.n; at++) {
        struct str rest = str_from(sender, at);
        if ((sender.s[at - 1] == '@' || sender.s[at - 1] == '.') && str_istarts(rest, STR("a--")) &&
            str_ieq(str_sub(rest, 3, str_chr(rest, '.')), who))
            return who.n >= 3;
    }
    while (str_next(&field, ',', &name)) {
        name = str_trim(name);
        if (str_ieq(parse_word(&name), who))
            return who.n > 0;
    }
    return false;
}

void job_relays(struct job *job, uint32_t rule)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    const struct relays *relays = facts_relays(job->facts);
    struct addresses addresses;
    if (relays == NULL) {
        job->no_memory = true;
        return;
    }
    if (r->source == NETWORK_ACCREDITED && !is_accredited(job, r->argument))
        return;
    if (!is_anybody_untrusted(job, relays, &addresses))
        return;
    choose(job, r->set, relays, &addresses);
    if (addresses.n > ASKED_MAX)
        addresses.n = ASKED_MAX;
    while (!r->nice && addresses.n && is_trusted(job, addresses.list[0]))
        drop_first(&addresses);
    for (size_t i = 0; i < addresses.n; i++)
        job_ask_list(job, rule, addresses.list[i]);
}

void job_first_hop(struct job *job, uint32_t rule)
{
    const struct relays *relays = facts_relays(job->facts);
    if (relays == NULL || relays->untrusted.n == 0)
        return;
    const struct relay *relay = relays->untrusted.list[relays->untrusted.n - 1];
    const struct str hosts[] = {relay->ip, relay->by, relay->helo, relay->rdns};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct str host = pool_lower(job->pool, hosts[i]);
        job->no_memory |= host.s == NULL;
        job_ask_host(job, rule, host);
    }
}
