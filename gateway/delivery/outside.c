#include "gateway/delivery/outside.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/conf_place.h"
#include "base/log.h"
#include "base/random.h"
#include "base/siphash.h"
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/sts_refresh.h"
#include "gateway/resolver/desk.h"
#include "gateway/smtp/address.h"

#define SLOTS         4096
#define SWEEP_SECONDS 10
#define ASK_AGAIN     5 /* seconds until the DNS is asked anew, where connections stand */
#define QUESTIONS     2 /* of a host: A and AAAA */
#define NAME_SIZE     (SMTP_DOMAIN_MAX + sizeof "smtp://:65535")

/* What a hop for another domain has beside. */
struct lookup {
    struct hop *same_hash;
    struct hop *waits_before, *waits_behind; /* for a lane */
    struct hop *lanes_before, *lanes_behind; /* in the list of those that have lanes */
    struct waiting *waits;                   /* where; NULL: it does not */
    bool never;                              /* what was heard is that nothing can be delivered */
    struct mx *mx;                           /* while it is being asked */
    unsigned open;                           /* questions about addresses, or about TLSA records */
    bool gathered;                           /* all answers about servers are there */
    struct sts_domain sts;
    int64_t fresh_until;  /* monotonic seconds: what was heard holds */
    int64_t ask_at;       /* likewise: who has lanes does not ask before */
    int64_t unused_since; /* 0: it is in use */
    char name[NAME_SIZE]; /* the domain, or the first of the servers */
};

struct waiting {
    struct hop *first, *last;
};

struct outside {
    struct dns_desk *desk; /* NULL: nothing is looked up */
    struct networks never_to;
    struct mx_us us;
    bool dane;
    struct sts sts; /* .fetch NULL: no policies are fetched */
    struct sts_refresh *refresh;
    unsigned char key[SIPHASH_KEY_SIZE];
    struct hop *slots[SLOTS];
    size_t n;
    unsigned lanes;
    struct waiting for_first, for_more; /* wait for a lane; who has none is served before */
    struct hop *granted;                /* whose turn it is to open one */
    struct hop *with_lanes;             /* as many as there are lanes, at most */
    struct event *turn;                 /* one of those who wait may have it */
    int64_t sweep_at;
};

/* --- our own addresses --- */

static void add_own(struct mx_own *own, size_t *n, int family, const void *bytes, uint16_t port)
{
    if (*n < OUTSIDE_OWN_MAX && inet_ntop(family, bytes, own[*n].address, INET6_ADDRSTRLEN))
        own[(*n)++].port = port;
}

static void add_interfaces(struct mx_own *own, size_t *n, int family, uint16_t port)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) < 0) {
        log_warning("cannot ask for the machine's addresses: a mail loop by address is not seen");
        return;
    }
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family)
            continue;
        const struct sockaddr_in *four = (const struct sockaddr_in *)one->ifa_addr;
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)one->ifa_addr;
        const void *bytes = family == AF_INET ? (const void *)&four->sin_addr : &six->sin6_addr;
        add_own(own, n, family, bytes, port);
    }
    freeifaddrs(all);
}

size_t outside_own_addresses(const struct conf *conf, struct mx_own own[OUTSIDE_OWN_MAX])
{
    static const unsigned char any[sizeof(struct in6_addr)];
    size_t n = 0;
    for (size_t i = 0; i < conf->smtp.listen.n; i++) {
        char host[INET6_ADDRSTRLEN];
        unsigned char bytes[sizeof(struct in6_addr)];
        uint16_t port;
        if (!conf_place_server(str_of(conf->smtp.listen.items[i]), host, &port))
            continue;
        int family = inet_pton(AF_INET, host, bytes) == 1 ? AF_INET : AF_INET6;
        size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
        if (family == AF_INET6 && inet_pton(AF_INET6, host, bytes) != 1)
            continue;
        if (memcmp(bytes, any, size) == 0)
            add_interfaces(own, &n, family, port);
        else
            add_own(own, &n, family, bytes, port);
    }
    return n;
}

/* --- what was heard --- */

/* What is known of a server stays known. */
static void take_targets(struct hop *hop, struct targets *targets)
{
    for (size_t i = 0; hop->targets && i < targets->n; i++)
        for (size_t k = 0; k < hop->targets->n; k++) {
            const struct target *before = &hop->targets->list[k];
            if (strcmp(before->place.text, targets->list[i].place.text) != 0)
                continue;
            targets->list[i].failures = before->failures;
            targets->list[i].down_until = before->down_until;
            targets->list[i].plain_until = before->plain_until;
        }
    targets_drop(&hop->targets);
    hop->targets = targets;
}

static void unknown(struct hop *hop, const char *why)
{
    hop->lookup->ask_at = clock_seconds() + ASK_AGAIN;
    hop_unknown(hop, why);
}

/* The looking up ends; targets (or NULL) are the hop's. */
static void heard(struct hop *hop, enum mx_result result, struct targets *targets)
{
    struct lookup *l = hop->lookup;
    char why[MX_WHY_SIZE];
    uint32_t ttl = l->mx->ttl;
    snprintf(why, sizeof why, "%s", l->mx->why);
    if (hop_is_by_mx(hop) &&
        hop->asked != ASKED_WAIVED) /* what TLS would have shown is of no matter */
        tls_tell_left_out(hop, l->mx);
    mx_release(l->mx);
    free(l->mx);
    l->mx = NULL;
    if (result != MX_FOUND)
        targets_drop(&targets);
    if (result == MX_LATER) {
        unknown(hop, why);
        return;
    }
    l->never = result == MX_NEVER;
    if (l->never) {
        snprintf(hop->error, sizeof hop->error, "%.*s", CLIENT_TEXT_MAX, why);
        ttl = OUTSIDE_NEVER_TTL;
    } else {
        take_targets(hop, targets);
    }
    ttl = ttl < OUTSIDE_TTL_MIN ? OUTSIDE_TTL_MIN : ttl > OUTSIDE_TTL_MAX ? OUTSIDE_TTL_MAX : ttl;
    l->fresh_until = clock_seconds() + ttl;
    hop_kick(hop);
}

static void heard_nothing(struct hop *hop, const char *why)
{
    snprintf(hop->lookup->mx->why, sizeof hop->lookup->mx->why, "%s", why);
    heard(hop, MX_LATER, NULL);
}

/* --- asking --- */

/* What its servers have published is to be held to. */
static bool asks_for_policy(const struct hop *hop)
{
    return hop->asked != ASKED_WAIVED && hop->route->tls != OUTSIDE_TLS_NONE;
}

static void put_together(struct hop *hop)
{
    struct lookup *l = hop->lookup;
    const struct conf_hops *servers = hop->route->servers;
    struct targets *targets = targets_new();
    l->mx->sts = hop->asked == ASKED_WAIVED ? NULL : sts_policy_of(&l->sts);
    if (targets == NULL)
        heard_nothing(hop, "4.3.0 out of memory for its mail servers");
    else if (servers)
        heard(hop, mx_server_targets(l->mx, servers, targets), targets);
    else
        heard(hop, mx_targets(l->mx, &hop->delivery->outside->us, l->name, targets), targets);
}

/* The policy may take longer. */
static void servers_gathered(struct hop *hop)
{
    hop->lookup->gathered = true;
    if (!hop->lookup->sts.busy)
        put_together(hop);
}

static void on_policy(void *asker)
{
    struct hop *hop = asker;
    if (hop->lookup->mx && hop->lookup->gathered)
        put_together(hop);
}

static void ask_tlsa_of(struct hop *hop, uint32_t host);

static void on_tlsa(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct hop *hop = asker;
    struct lookup *l = hop->lookup;
    if (mx_take_tlsa(l->mx, ticket, answer) < 0)
        log_warning("out of memory for the TLSA records of %s", l->mx->hosts[ticket].name);
    l->open--;
    ask_tlsa_of(hop, ticket); /* of an alias itself, too */
    if (l->open == 0)
        servers_gathered(hop);
}

static void ask_tlsa_of(struct hop *hop, uint32_t host)
{
    const struct outside *o = hop->delivery->outside;
    const struct resolver_answer unasked = {.status = DNS_TEMP_FAILED};
    struct lookup *l = hop->lookup;
    char name[MX_TLSA_NAME_SIZE];
    if (!mx_wants_tlsa(l->mx, &o->us, host, name))
        return;
    if (dns_desk_ask(o->desk, DNS_TLSA, str_of(name), on_tlsa, hop, host))
        l->open++;
    else
        mx_take_tlsa(l->mx, host, &unasked);
}

/* Which hosts said to what keys their TLS is bound. */
static void ask_tlsa(struct hop *hop)
{
    const struct outside *o = hop->delivery->outside;
    struct lookup *l = hop->lookup;
    l->open = 0;
    bool wanted = o->dane && asks_for_policy(hop);
    for (uint32_t i = 0; wanted && i < l->mx->n; i++)
        ask_tlsa_of(hop, i);
    if (l->open == 0)
        servers_gathered(hop);
}

static void on_addresses(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct hop *hop = asker;
    struct lookup *l = hop->lookup;
    mx_take_addresses(l->mx, ticket / QUESTIONS, ticket % QUESTIONS ? DNS_AAAA : DNS_A, answer);
    if (--l->open == 0)
        ask_tlsa(hop);
}

static void ask_addresses(struct hop *hop)
{
    struct lookup *l = hop->lookup;
    const struct resolver_answer unasked = {.status = DNS_TEMP_FAILED};
    l->open = 0;
    for (uint32_t i = 0; i < QUESTIONS * l->mx->n; i++) {
        size_t host = i / QUESTIONS;
        enum dns_type type = i % QUESTIONS ? DNS_AAAA : DNS_A;
        if (l->mx->hosts[host].name[0] == '\0')
            continue;
        if (dns_desk_ask(hop->delivery->outside->desk, type, str_of(l->mx->hosts[host].name),
                         on_addresses, hop, i))
            l->open++;
        else
            mx_take_addresses(l->mx, host, type, &unasked);
    }
    if (l->open == 0)
        ask_tlsa(hop);
}

static void on_hosts(void *asker, uint32_t ticket, const struct resolver_answer *answer)
{
    struct hop *hop = asker;
    struct lookup *l = hop->lookup;
    uint64_t chance;
    random_fill(&chance, sizeof chance);
    enum mx_result result =
        mx_take_hosts(l->mx, &hop->delivery->outside->us, l->name, answer, chance);
    if (result == MX_FOUND)
        ask_addresses(hop);
    else
        heard(hop, result, NULL);
}

/* Those that the DNS names for it. */
static void look_up_domain(struct hop *hop)
{
    struct outside *o = hop->delivery->outside;
    struct lookup *l = hop->lookup;
    if (mx_is_literal(l->name)) {
        struct targets *targets = targets_new();
        if (targets == NULL)
            heard_nothing(hop, "4.3.0 out of memory for its mail servers");
        else
            heard(hop, mx_literal(l->mx, &o->us, l->name, targets), targets);
        return;
    }
    if (o->sts.fetch && !l->sts.busy && asks_for_policy(hop))
        sts_look(&o->sts, &l->sts, l->name, on_policy, hop);
    if (!dns_desk_ask(o->desk, DNS_MX, str_of(l->name), on_hosts, hop, 0))
        heard_nothing(hop, "4.4.3 the resolver can't be asked now");
}

/* All have addresses: nobody is asked. */
static void take_servers(struct hop *hop)
{
    if (hop->targets == NULL)
        hop->targets = targets_of(hop->route->servers);
    if (hop->targets == NULL) {
        unknown(hop, "4.3.0 out of memory for its mail servers");
        return;
    }
    hop->lookup->fresh_until = INT64_MAX;
    hop_kick(hop);
}

static void look_up(struct hop *hop)
{
    struct lookup *l = hop->lookup;
    const struct conf_hops *servers = hop->route->servers;
    if (servers && !conf_hops_named(servers)) {
        take_servers(hop);
        return;
    }
    l->mx = calloc(1, sizeof *l->mx);
    if (l->mx == NULL) {
        unknown(hop, "4.3.0 out of memory for a question to the DNS");
        return;
    }
    l->gathered = false;
    if (servers) {
        mx_take_servers(l->mx, servers);
        ask_addresses(hop);
        return;
    }
    look_up_domain(hop);
}

bool outside_ready(struct hop *hop)
{
    struct lookup *l = hop->lookup;
    if (l->mx)
        return false;
    if (clock_seconds() >= l->fresh_until) {
        if (hop->n_lanes == 0 || clock_seconds() >= l->ask_at)
            look_up(hop);
        return false; /* it is kicked, or has been already */
    }
    if (l->never)
        hop_refuse(hop);
    return !l->never;
}

const struct sts_policy *outside_sts(const struct hop *hop)
{
    return hop->lookup ? sts_policy_of(&hop->lookup->sts) : NULL;
}

enum proof_fault outside_sts_fault(const struct hop *hop, const char **why)
{
    *why = hop->lookup ? hop->lookup->sts.why : "";
    return hop->lookup ? hop->lookup->sts.fault : FAULT_NONE;
}

void outside_forget(struct hop *hop)
{
    hop->lookup->fresh_until = hop->lookup->ask_at = 0;
}

/* --- lanes --- */

static unsigned lanes_max(const struct delivery *delivery)
{
    return delivery->conf->outside.connections_limit;
}

static void stop_waiting(struct hop *hop)
{
    struct lookup *l = hop->lookup;
    if (l->waits_before)
        l->waits_before->lookup->waits_behind = l->waits_behind;
    else
        l->waits->first = l->waits_behind;
    if (l->waits_behind)
        l->waits_behind->lookup->waits_before = l->waits_before;
    else
        l->waits->last = l->waits_before;
    l->waits = NULL;
}

static void start_waiting(struct outside *o, struct hop *hop)
{
    struct lookup *l = hop->lookup;
    l->waits = hop->n_lanes ? &o->for_more : &o->for_first;
    l->waits_before = l->waits->last;
    l->waits_behind = NULL;
    if (l->waits->last)
        l->waits->last->lookup->waits_behind = hop;
    else
        l->waits->first = hop;
    l->waits->last = hop;
}

static struct hop *next_waiting(const struct outside *o)
{
    return o->for_first.first ? o->for_first.first : o->for_more.first;
}

/* One lane for each turn: whoever wants more waits for the next one behind all others. */
bool outside_has_room(struct hop *hop)
{
    struct outside *o = hop->delivery->outside;
    bool granted = o->granted == hop;
    if (!hop_is_by_mx(hop))
        return true;
    if (o->lanes < lanes_max(hop->delivery) && (granted || next_waiting(o) == NULL)) {
        o->granted = NULL;
        return true;
    }
    if (hop->lookup->waits == NULL) {
        start_waiting(o, hop);
        event_active(o->turn, EV_TIMEOUT, 0);
    }
    return false;
}

bool outside_why_it_waits(const struct hop *hop, char *why, size_t size)
{
    if (hop->lookup->mx && hop->lookup->gathered)
        snprintf(why, size, "4.4.3 its MTA-STS policy is being fetched");
    else if (hop->lookup->mx)
        snprintf(why, size, "4.4.3 the DNS has not answered yet");
    else if (hop->lookup->waits)
        snprintf(why, size,
                 "4.4.5 waits for its turn: all %u connections to other domains are in use "
                 "(outside.connections_limit)",
                 lanes_max(hop->delivery));
    else
        return false;
    return true;
}

bool outside_should_yield(const struct hop *hop, unsigned served)
{
    const struct outside *o = hop->delivery->outside;
    const struct hop *more = o->for_more.first, *next = next_waiting(o);
    if (!hop_is_by_mx(hop))
        return false;
    if (hop->line.n == 0)
        return next && next != hop;
    if (o->for_first.first)
        return hop->n_lanes > 1 || served >= OUTSIDE_TURN;
    /* or two who have as many would take them from each other for ever */
    return more && more->n_lanes + 1 < hop->n_lanes;
}

static void enter_lanes(struct outside *o, struct hop *hop)
{
    hop->lookup->lanes_before = NULL;
    hop->lookup->lanes_behind = o->with_lanes;
    if (o->with_lanes)
        o->with_lanes->lookup->lanes_before = hop;
    o->with_lanes = hop;
}

static void leave_lanes(struct outside *o, struct hop *hop)
{
    const struct lookup *l = hop->lookup;
    if (l->lanes_before)
        l->lanes_before->lookup->lanes_behind = l->lanes_behind;
    else
        o->with_lanes = l->lanes_behind;
    if (l->lanes_behind)
        l->lanes_behind->lookup->lanes_before = l->lanes_before;
}

void outside_lane_opened(struct hop *hop)
{
    struct outside *o = hop->delivery->outside;
    if (!hop_is_by_mx(hop))
        return;
    o->lanes++;
    if (hop->n_lanes == 1)
        enter_lanes(o, hop);
}

void outside_lane_closed(struct hop *hop)
{
    struct outside *o = hop->delivery->outside;
    if (!hop_is_by_mx(hop))
        return;
    o->lanes--;
    if (hop->n_lanes == 0) {
        leave_lanes(o, hop);
        if (hop->lookup->waits) {
            stop_waiting(hop);
            start_waiting(o, hop);
        }
    }
    if (next_waiting(o))
        event_active(o->turn, EV_TIMEOUT, 0);
}

/* Connections that are only kept for what may come give way to what waits. */
static void close_idle(struct delivery *delivery)
{
    for (struct hop *hop = delivery->outside->with_lanes, *next; hop; hop = next) {
        next = hop->lookup->lanes_behind;
        lanes_close_kept(hop, "others wait for a connection");
    }
}

static void on_turn(evutil_socket_t fd, short what, void *data)
{
    struct delivery *delivery = data;
    struct outside *o = delivery->outside;
    struct hop *hop;
    if (o->lanes >= lanes_max(delivery))
        close_idle(delivery);
    while (o->lanes < lanes_max(delivery) && (hop = next_waiting(o)) != NULL) {
        stop_waiting(hop);
        o->granted = hop;
        hop_kick(hop);
        o->granted = NULL;
    }
}

/* Servers that take a connection and say nothing may hold it for minutes (RFC 5321 4.5.3.2.1), but
 * not while there is none for others. */
static void close_silent(struct delivery *delivery, int64_t now)
{
    struct outside *o = delivery->outside;
    if (o->lanes < lanes_max(delivery) || o->for_first.first == NULL)
        return;
    for (struct hop *hop = o->with_lanes, *next; hop; hop = next) {
        next = hop->lookup->lanes_behind;
        lanes_close_silent(hop, now - OUTSIDE_PATIENCE);
    }
}

/* --- the hops --- */

static struct hop **slot_of(struct outside *o, const char *domain)
{
    return &o->slots[siphash(o->key, str_of(domain)) % SLOTS];
}

/* In the form in which it is compared: A-labels; what is no domain as it stands. */
static void normal_form(struct str domain, char out[SMTP_DOMAIN_MAX + 1])
{
    char normal[DOMAIN_SIZE];
    if (domain_normal(domain, normal)) {
        snprintf(out, SMTP_DOMAIN_MAX + 1, "%s", normal);
        return;
    }
    domain = str_sub(domain, 0, SMTP_DOMAIN_MAX);
    for (size_t i = 0; i < domain.n; i++)
        out[i] = str_lower_char(domain.s[i]);
    out[domain.n] = '\0';
}

static struct hop *find_hop(struct hop *first, const struct hop *like, const char *name)
{
    struct hop *hop = first;
    while (hop && (hop->asked != like->asked || hop->route != like->route ||
                   strcmp(hop->lookup->name, name) != 0))
        hop = hop->lookup->same_hash;
    return hop;
}

/* What its sender asked for decides where the domain is gone to itself: what others do behind the
 * server that takes all is theirs, but for REQUIRETLS. */
int outside_hop(struct delivery *delivery, struct str domain, enum policy_asked asked,
                struct hop **hop)
{
    struct outside *o = delivery->outside;
    const struct route *route = route_for(delivery->loaded->routes, domain);
    bool waived = asked == ASKED_WAIVED;
    const struct hop like = {.route = route,
                             .asked = route->servers && waived ? ASKED_NOTHING : asked};
    char name[NAME_SIZE];
    if (route->servers)
        snprintf(name, sizeof name, "%s", route->servers->items[0].text);
    else
        normal_form(domain, name);
    if (route->servers == NULL && o->desk == NULL)
        return 0;
    struct hop **slot = slot_of(o, name);
    *hop = find_hop(*slot, &like, name);
    if (*hop)
        return 1;
    struct lookup *l = o->n < OUTSIDE_HOPS_MAX ? calloc(1, sizeof *l) : NULL;
    *hop = l ? hop_new(delivery, HOP_SMTP, l->name, route->servers != NULL) : NULL;
    if (*hop == NULL) {
        free(l);
        return -1;
    }
    snprintf(l->name, sizeof l->name, "%s", name);
    (*hop)->lookup = l;
    (*hop)->route = like.route;
    (*hop)->asked = like.asked;
    l->same_hash = *slot;
    *slot = *hop;
    o->n++;
    return 1;
}

static bool is_unused(struct hop *hop, int64_t now)
{
    struct lookup *l = hop->lookup;
    bool used = hop->users || hop->n_lanes || l->mx || l->waits || l->sts.busy;
    if (used)
        l->unused_since = 0;
    else if (l->unused_since == 0)
        l->unused_since = now;
    return !used && now - l->unused_since >= OUTSIDE_KEEP;
}

static void leave_slot(struct outside *o, struct hop *hop)
{
    struct hop **slot = slot_of(o, hop->lookup->name);
    while (*slot != hop)
        slot = &(*slot)->lookup->same_hash;
    *slot = hop->lookup->same_hash;
    o->n--;
}

static void sweep_hops(struct delivery *delivery, int64_t now)
{
    struct hop **at = &delivery->hops;
    while (*at) {
        struct hop *hop = *at;
        if (hop->lookup == NULL || !is_unused(hop, now)) {
            at = &hop->next;
            continue;
        }
        *at = hop->next;
        leave_slot(delivery->outside, hop);
        hop_free(hop);
    }
}

void outside_tick(struct delivery *delivery)
{
    struct outside *o = delivery->outside;
    int64_t now = clock_seconds();
    if (o == NULL)
        return;
    if (o->desk)
        dns_desk_tick(o->desk);
    if (o->sts.fetch) {
        fetch_desk_tick(o->sts.fetch);
        sts_refresh_tick(o->refresh, delivery->draining);
    }
    if (!delivery->draining)
        close_silent(delivery, now);
    if (now < o->sweep_at)
        return;
    o->sweep_at = now + SWEEP_SECONDS;
    sweep_hops(delivery, now);
}

static int start_sts(struct delivery *delivery, struct outside *o, struct err *err)
{
    o->sts.dns = o->desk;
    o->sts.workers = delivery->workers;
    o->sts.cache = sts_cache_open(delivery->conf->state_dir, err);
    if (o->sts.cache == NULL)
        return -1;
    o->refresh = sts_refresh_new(&o->sts);
    if (o->refresh == NULL)
        return err_set(err, "out of memory for MTA-STS policies");
    o->sts.fetch = fetch_desk_open(delivery->base, delivery->conf->run_dir, err);
    return o->sts.fetch ? 0 : -1;
}

int outside_start(struct delivery *delivery, struct err *err)
{
    const struct conf *conf = delivery->conf;
    struct outside *o = calloc(1, sizeof *o);
    if (o == NULL)
        return err_set(err, "out of memory for other domains' next hops");
    delivery->outside = o;
    random_fill(o->key, sizeof o->key);
    if (networks_load(&conf->outside.never_to, &o->never_to, err) < 0)
        return -1;
    o->us = (struct mx_us){.hostname = conf->hostname,
                           .own = delivery->loaded->own,
                           .n_own = delivery->loaded->n_own,
                           .never_to = &o->never_to,
                           .port = (uint16_t)conf->outside.port};
    o->dane = conf->outside.dane;
    o->turn = evtimer_new(delivery->base, on_turn, delivery);
    if (o->turn == NULL)
        return err_set(err, "out of memory for other domains' next hops");
    if (!conf_asks_for_servers(conf))
        return 0;
    o->desk = dns_desk_open(delivery->base, conf->run_dir, err);
    if (o->desk == NULL)
        return -1;
    bool wanted = conf->outside.mta_sts && routes_use_policies(delivery->loaded->routes);
    return wanted ? start_sts(delivery, o, err) : 0;
}

void outside_stop(struct delivery *delivery)
{
    struct outside *o = delivery->outside;
    delivery->outside = NULL;
    if (o == NULL)
        return;
    if (o->desk)
        dns_desk_close(&o->desk);
    if (o->sts.fetch)
        fetch_desk_close(&o->sts.fetch);
    sts_refresh_free(&o->refresh);
    sts_cache_close(&o->sts.cache);
    if (o->turn)
        event_free(o->turn);
    networks_free(&o->never_to);
    free(o);
}

void lookup_free(struct lookup **lookup)
{
    if (*lookup && (*lookup)->mx)
        mx_release((*lookup)->mx);
    if (*lookup) {
        sts_domain_release(&(*lookup)->sts);
        free((*lookup)->mx);
    }
    free(*lookup);
    *lookup = NULL;
}
