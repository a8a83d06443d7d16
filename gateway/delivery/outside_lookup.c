/* Which servers a domain has, and what they are to prove: asked, put together, kept. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "gateway/delivery/outside_work.h"

#define ASK_AGAIN 5 /* seconds until the DNS is asked anew, where connections stand */
#define QUESTIONS 2 /* of a host: A and AAAA */

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
