#include "gateway/delivery/outside.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "gateway/delivery/outside_work.h"

#define SWEEP_SECONDS 10

static struct hop **slot_of(struct outside *o, const char *domain)
{
    return &o->slots[siphash(o->key, str_of(domain)) % OUTSIDE_SLOTS];
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
    char name[OUTSIDE_NAME_SIZE];
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
        outside_close_silent(delivery, now);
    if (now < o->sweep_at)
        return;
    o->sweep_at = now + SWEEP_SECONDS;
    sweep_hops(delivery, now);
}

static void on_turn(evutil_socket_t fd, short what, void *data)
{
    outside_share_out(data);
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
