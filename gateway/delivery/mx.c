#include "gateway/delivery/mx.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf_table.h"

_Static_assert(TARGET_HOSTS_MAX >= MX_HOSTS_MAX, "room for each");

static enum mx_result say(struct mx *mx, enum mx_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum mx_result say(struct mx *mx, enum mx_result result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(mx->why, sizeof mx->why, format, args);
    va_end(args);
    return result;
}

/* --- hosts --- */

struct candidate {
    struct str name;
    unsigned preference;
    uint64_t chance;
};

/* One of SplitMix64's numbers (Steele and others, 2014): only that equal hosts share the load hangs
 * on it. */
static uint64_t chance_of(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int by_preference(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return (x->chance > y->chance) - (x->chance < y->chance);
}

static bool is_null(struct str name)
{
    return name.n == 0 || str_eq(name, STR("."));
}

/* What is no name of a host is passed over; n is how many are left. */
static size_t read_candidates(const struct resolver_answer *answer, uint64_t chance,
                              struct candidate list[DNS_RECORDS_MAX])
{
    char name[DOMAIN_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < answer->n && n < DNS_RECORDS_MAX; i++) {
        struct str data = answer->records[i].data;
        if (is_null(data) || !dns_name_ok(data) || !domain_normal(data, name))
            continue;
        list[n++] = (struct candidate){data, answer->records[i].preference, chance_of(chance, i)};
    }
    return n;
}

static bool is_listed(const struct mx *mx, const char *name)
{
    for (size_t i = 0; i < mx->n; i++)
        if (strcmp(mx->hosts[i].name, name) == 0)
            return true;
    return false;
}

/* From the best on, until we are met ourselves; false: we are the best. */
static bool take_candidates(struct mx *mx, const struct mx_us *us, const struct candidate *list,
                            size_t n)
{
    unsigned end = UINT_MAX;
    char own[DOMAIN_SIZE], name[DOMAIN_SIZE];
    domain_normal(str_of(us->hostname), own);
    for (size_t i = 0; i < n; i++)
        if (domain_normal(list[i].name, name) && strcmp(name, own) == 0 && list[i].preference < end)
            end = list[i].preference;
    for (size_t i = 0; i < n && mx->n < MX_HOSTS_MAX && list[i].preference < end; i++) {
        if (!domain_normal(list[i].name, name) || is_listed(mx, name))
            continue;
        struct mx_host *host = &mx->hosts[mx->n++];
        memcpy(host->name, name, sizeof name);
        host->preference = list[i].preference;
    }
    return mx->n > 0;
}

static enum mx_result take_list(struct mx *mx, const struct mx_us *us, const char *domain,
                                const struct resolver_answer *answer, uint64_t chance)
{
    struct candidate list[DNS_RECORDS_MAX];
    size_t n = read_candidates(answer, chance, list);
    if (answer->n == 1 && is_null(answer->records[0].data))
        return say(mx, MX_NEVER, "5.1.10 %s takes no mail (null MX)", domain);
    if (n == 0)
        return say(mx, MX_LATER, "4.4.4 no MX of %s names a host", domain);
    qsort(list, n, sizeof *list, by_preference);
    if (take_candidates(mx, us, list, n))
        return MX_FOUND;
    return say(mx, MX_NEVER, "5.4.6 mail for %s would come back to us: its best MX is %s", domain,
               us->hostname);
}

enum mx_result mx_take_hosts(struct mx *mx, const struct mx_us *us, const char *domain,
                             const struct resolver_answer *answer, uint64_t chance)
{
    *mx = (struct mx){.ttl = answer->ttl,
                      .secure = (answer->flags & RESOLVER_SECURE) != 0,
                      .bogus = answer->status == DNS_BOGUS};
    switch (answer->status) {
    case DNS_FOUND:
        return take_list(mx, us, domain, answer, chance);
    case DNS_NO_DATA: /* the domain itself is its only host */
        snprintf(mx->hosts[0].name, sizeof mx->hosts[0].name, "%s", domain);
        mx->n = 1;
        return MX_FOUND;
    case DNS_NO_NAME:
    case DNS_BAD_NAME:
        return say(mx, MX_NEVER, "5.1.2 there is no domain %s", domain);
    case DNS_ASKED_NOT:
    case DNS_TEMP_FAILED:
    case DNS_BOGUS:
        break;
    }
    return say(mx, MX_LATER, "4.4.3 the DNS does not say which servers take mail for %s: %s",
               domain, dns_status_name(answer->status));
}

/* --- addresses --- */

/* Where A and AAAA say different things, neither counts. */
static void note_canonical(struct mx_host *host, const struct resolver_answer *answer)
{
    char name[DOMAIN_SIZE];
    bool first = host->n4 + host->n6 == 0;
    if (answer->status != DNS_FOUND)
        return;
    if (!domain_normal(answer->canonical, name) || strcmp(name, host->name) == 0 ||
        (!first && strcmp(name, host->canonical) != 0))
        name[0] = '\0';
    memcpy(host->canonical, name, sizeof name);
}

void mx_take_addresses(struct mx *mx, size_t host_number, enum dns_type type,
                       const struct resolver_answer *answer)
{
    struct mx_host *host = &mx->hosts[host_number];
    bool four = type == DNS_A;
    size_t *n = four ? &host->n4 : &host->n6;
    size_t bytes = four ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    if (answer->ttl < mx->ttl && answer->status == DNS_FOUND)
        mx->ttl = answer->ttl;
    if (answer->status == DNS_TEMP_FAILED || answer->status == DNS_BOGUS ||
        answer->status == DNS_ASKED_NOT)
        host->unknown = true;
    if (answer->status == DNS_FOUND && !(answer->flags & RESOLVER_SECURE))
        host->unproved = true;
    note_canonical(host, answer);
    for (size_t i = 0; answer->status == DNS_FOUND && i < answer->n && *n < MX_ADDRESSES_MAX; i++) {
        const struct str data = answer->records[i].data;
        if (data.n != bytes)
            continue;
        if (four ? inet_ntop(AF_INET, data.s, host->four[*n], sizeof host->four[0]) != NULL
                 : inet_ntop(AF_INET6, data.s, host->six[*n], sizeof host->six[0]) != NULL)
            ++*n;
    }
}

/* --- TLSA --- */

/* What an alias leads to goes before it. */
static bool by_canonical(const struct mx_host *host)
{
    return host->canonical[0] && !host->canonical_asked;
}

bool mx_wants_tlsa(const struct mx *mx, const struct mx_us *us, size_t host_number,
                   char name[MX_TLSA_NAME_SIZE])
{
    const struct mx_host *host = &mx->hosts[host_number];
    if (!mx->secure || host->unproved || host->n4 + host->n6 == 0 || host->tlsa ||
        host->tlsa_lost != DNS_ASKED_NOT || host->tlsa_asked)
        return false;
    unsigned port = host->port ? host->port : us->port;
    snprintf(name, MX_TLSA_NAME_SIZE, "_%u._tcp.%s", port,
             by_canonical(host) ? host->canonical : host->name);
    return dns_name_ok(str_of(name));
}

/* Records without a proof are none (RFC 7672 2.1.1). */
int mx_take_tlsa(struct mx *mx, size_t host_number, const struct resolver_answer *answer)
{
    struct mx_host *host = &mx->hosts[host_number];
    bool there = answer->status == DNS_FOUND && answer->n && answer->flags & RESOLVER_SECURE;
    bool canonical = by_canonical(host);
    host->canonical_asked |= canonical;
    host->tlsa_asked = !canonical;
    host->tlsa_by_canonical = there && canonical;
    if (answer->ttl < mx->ttl && answer->status == DNS_FOUND)
        mx->ttl = answer->ttl;
    if (answer->status == DNS_BOGUS)
        host->tlsa_lost = DNS_BOGUS;
    if (answer->status == DNS_TEMP_FAILED || answer->status == DNS_ASKED_NOT)
        host->tlsa_lost = DNS_TEMP_FAILED;
    if (!there || host->tlsa)
        return 0;
    host->tlsa = tlsa_read(answer->records, answer->n);
    if (host->tlsa)
        return 0;
    host->tlsa_lost = DNS_TEMP_FAILED;
    return -1;
}

void mx_release(struct mx *mx)
{
    for (size_t i = 0; i < mx->n; i++) {
        free(mx->hosts[i].tlsa);
        mx->hosts[i].tlsa = NULL;
    }
}

/* --- servers --- */

#define DOUBTFUL "4.7.5 the DNS does not say whether TLS to %s is bound to a key (TLSA, DANE): %s"

static bool is_own(const struct mx_us *us, const char *address)
{
    for (size_t i = 0; i < us->n_own; i++)
        if (us->own[i].port == us->port && strcmp(us->own[i].address, address) == 0)
            return true;
    return false;
}

static bool host_is_own(const struct mx_us *us, const struct mx_host *host)
{
    for (size_t i = 0; i < host->n4; i++)
        if (is_own(us, host->four[i]))
            return true;
    for (size_t i = 0; i < host->n6; i++)
        if (is_own(us, host->six[i]))
            return true;
    return false;
}

struct gathering {
    const struct mx_us *us;
    struct targets *targets;
    bool kept_out; /* an address that is in never_to */
    const struct mx *mx;
    const struct mx_host *doubtful; /* nobody knows whether it has TLSA records */
    const struct mx_host *unlisted; /* by a policy that is to be enforced */
};

static void add_target(struct gathering *g, const char *name, const char *address)
{
    if (networks_hold(g->us->never_to, str_of(address)))
        g->kept_out = true;
    else
        targets_add(g->targets, name, address, g->us->port);
}

/* False: out of memory; without its records it must not be gone to. */
static bool take_tlsa(struct target_host *who, struct mx_host *host)
{
    char *canonical = host->tlsa_by_canonical ? strdup(host->canonical) : NULL;
    if (host->tlsa_by_canonical && canonical == NULL)
        return false;
    free(who->canonical);
    who->canonical = canonical;
    who->tlsa_name = canonical ? canonical : who->name;
    free(who->tlsa);
    who->tlsa = host->tlsa;
    host->tlsa = NULL;
    return true;
}

/* IPv4 first: who sends over IPv6 is asked for more, and refused more often. */
static void add_host(struct gathering *g, struct mx_host *host)
{
    if (host->tlsa_lost != DNS_ASKED_NOT) {
        g->doubtful = host;
        host->left_out = FAULT_DNSSEC_INVALID;
        return;
    }
    const struct sts_policy *sts = g->mx->sts;
    bool listed = sts && sts_policy_lists(sts, host->name);
    if (sts && sts->mode == STS_ENFORCE && !listed && (host->tlsa == NULL || host->tlsa->n == 0)) {
        g->unlisted = host;
        host->left_out = FAULT_VALIDATION_FAILURE;
        return;
    }
    struct target_host *who = targets_host(g->targets, host->name);
    if (who == NULL)
        return;
    if (!take_tlsa(who, host)) {
        g->targets->partial = true;
        return;
    }
    who->sts = sts ? sts->mode : STS_NONE;
    who->listed = listed;
    who->secure = g->mx->secure;
    for (size_t i = 0; i < host->n4; i++)
        add_target(g, host->name, host->four[i]);
    for (size_t i = 0; i < host->n6; i++)
        add_target(g, host->name, host->six[i]);
}

enum mx_result mx_targets(struct mx *mx, const struct mx_us *us, const char *domain,
                          struct targets *targets)
{
    struct gathering g = {.us = us, .targets = targets, .mx = mx};
    unsigned end = UINT_MAX;
    bool unknown = false, before_us = false;
    for (size_t i = 0; i < mx->n; i++)
        if (host_is_own(us, &mx->hosts[i]) && mx->hosts[i].preference < end)
            end = mx->hosts[i].preference;
    for (size_t i = 0; i < mx->n && mx->hosts[i].preference < end; i++) {
        before_us = true;
        unknown |= mx->hosts[i].unknown;
        add_host(&g, &mx->hosts[i]);
    }
    targets->partial = unknown || g.doubtful;
    if (targets->n)
        return MX_FOUND;
    if (!before_us)
        return say(mx, MX_NEVER, "5.4.6 mail for %s would come back to us: its best MX is %s",
                   domain, mx->hosts[0].name);
    if (g.doubtful)
        return say(mx, MX_LATER, DOUBTFUL, g.doubtful->name,
                   dns_status_name(g.doubtful->tlsa_lost));
    if (g.unlisted)
        return say(mx, MX_LATER,
                   "4.7.5 %s is none of the servers that the MTA-STS policy of %s names",
                   g.unlisted->name, domain);
    if (unknown)
        return say(mx, MX_LATER, "4.4.3 the DNS does not say where the mail servers of %s are",
                   domain);
    if (g.kept_out)
        return say(mx, MX_LATER, "4.4.4 mail servers of %s only have addresses of outside.never_to",
                   domain);
    return say(mx, MX_LATER, "4.4.4 no mail server of %s has an address", domain);
}

/* --- servers of the settings --- */

_Static_assert(MX_HOSTS_MAX >= CONF_HOPS_MAX, "room for each");

void mx_take_servers(struct mx *mx, const struct conf_hops *servers)
{
    *mx = (struct mx){.ttl = UINT32_MAX, .secure = true};
    for (size_t i = 0; i < servers->n && mx->n < MX_HOSTS_MAX; i++) {
        struct mx_host *host = &mx->hosts[mx->n++];
        if (servers->items[i].named)
            snprintf(host->name, sizeof host->name, "%s", servers->items[i].host);
        host->port = servers->items[i].port;
    }
}

static void add_server(struct mx_host *host, struct targets *targets)
{
    struct target_host *who = targets_host(targets, host->name);
    if (who == NULL)
        return;
    if (!take_tlsa(who, host)) {
        targets->partial = true;
        return;
    }
    who->secure = true;
    for (size_t i = 0; i < host->n4; i++)
        targets_add(targets, host->name, host->four[i], host->port);
    for (size_t i = 0; i < host->n6; i++)
        targets_add(targets, host->name, host->six[i], host->port);
}

enum mx_result mx_server_targets(struct mx *mx, const struct conf_hops *servers,
                                 struct targets *targets)
{
    const struct mx_host *doubtful = NULL;
    for (size_t i = 0; i < mx->n; i++) {
        struct mx_host *host = &mx->hosts[i];
        if (host->name[0] == '\0')
            targets_add_place(targets, &servers->items[i]);
        else if (host->tlsa_lost != DNS_ASKED_NOT)
            doubtful = host;
        else
            add_server(host, targets);
        targets->partial |= host->unknown || doubtful;
    }
    if (targets->n)
        return MX_FOUND;
    if (doubtful)
        return say(mx, MX_LATER, DOUBTFUL, doubtful->name, dns_status_name(doubtful->tlsa_lost));
    return say(mx, MX_LATER, "4.4.4 the DNS has no address of %s", servers->items[0].host);
}

/* --- literals --- */

bool mx_is_literal(const char *domain)
{
    return str_starts(str_of(domain), STR("[")) && str_ends(str_of(domain), STR("]"));
}

enum mx_result mx_literal(struct mx *mx, const struct mx_us *us, const char *domain,
                          struct targets *targets)
{
    const struct str tag = STR("[IPv6:");
    struct gathering g = {.us = us, .targets = targets, .mx = mx};
    struct str whole = str_of(domain);
    bool six = str_istarts(whole, tag);
    struct str inside = str_sub(whole, six ? tag.n : 1, whole.n - 1);
    unsigned char bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    int family = six ? AF_INET6 : AF_INET;
    *mx = (struct mx){.ttl = UINT32_MAX};
    if (!str_copy(inside, text, sizeof text) || inet_pton(family, text, bytes) != 1 ||
        inet_ntop(family, bytes, text, sizeof text) == NULL)
        return say(mx, MX_NEVER, "5.1.2 %s is no address", domain);
    if (is_own(us, text))
        return say(mx, MX_NEVER, "5.4.6 mail for %s would come back to us", domain);
    add_target(&g, "", text);
    if (g.kept_out)
        return say(mx, MX_LATER, "4.4.4 %s is in outside.never_to", domain);
    return MX_FOUND;
}
