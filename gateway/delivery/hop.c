/* hop: the next hops, which one is whose, and how legs get from its line onto its lanes. */
#include <stddef.h>
#include <stdlib.h>

#include "base/random.h"
#include "directory/report.h"
#include "gateway/delivery/frozen.h"
#include "gateway/delivery/threads.h"
#include "gateway/loop.h"

/* --- which one --- */

static void on_go_on(evutil_socket_t fd, short what, void *data);

/* Threads are few. */
static unsigned lanes_max(const struct conf *conf, enum conf_hop_kind kind)
{
    unsigned max = conf->queue.connections_limit;
    unsigned reports =
        conf->reports.workers < THREADS_REPORTS ? conf->reports.workers : THREADS_REPORTS;
    if (kind == HOP_REPORTS)
        return reports;
    return kind == HOP_MAILDIR && max > THREADS_MAILDIR ? THREADS_MAILDIR : max;
}

void hop_free(struct hop *hop)
{
    if (hop->timer)
        event_free(hop->timer);
    if (hop->go_on)
        event_free(hop->go_on);
    targets_drop(&hop->targets);
    lookup_free(&hop->lookup);
    free(hop);
}

static void on_hop_time(evutil_socket_t fd, short what, void *data)
{
    hop_try_again(data);
}

struct hop *hop_new(struct delivery *delivery, enum conf_hop_kind kind, const char *text, bool ours)
{
    unsigned max = lanes_max(delivery->conf, kind);
    struct hop *hop = calloc(1, sizeof *hop);
    if (hop == NULL)
        return NULL;
    hop->delivery = delivery;
    hop->kind = kind;
    hop->text = text;
    pace_begin(&hop->pace, max, ours || max < PACE_FIRST ? max : PACE_FIRST);
    line_init(&hop->line, &delivery->flows);
    hop->timer = evtimer_new(delivery->base, on_hop_time, hop);
    hop->go_on = evtimer_new(delivery->base, on_go_on, hop);
    if (hop->timer == NULL || hop->go_on == NULL) {
        hop_free(hop);
        return NULL;
    }
    hop->next = delivery->hops;
    delivery->hops = hop;
    return hop;
}

static struct hop *hop_of(struct delivery *delivery, const struct route *route)
{
    enum conf_hop_kind kind = route->servers->items[0].kind;
    struct hop *hop = hop_new(delivery, kind, route->servers->items[0].text, true);
    if (hop == NULL)
        return NULL;
    hop->route = route;
    if (kind == HOP_MAILDIR)
        return hop;
    hop->targets = targets_of(route->servers);
    return hop->targets ? hop : NULL;
}

/* Domains with the same servers, gone to in the same way, share the line before them. While they
 * are made their hops stand in a table by their first server: there may be thousands. */
struct named {
    struct hop *hop;
    struct named *same_slot;
};

static struct named *find_named(struct named *first, const struct route *route)
{
    while (first && !route_same(first->hop->route, route))
        first = first->same_slot;
    return first;
}

static struct hop *hop_named(struct delivery *delivery, const struct route *route,
                             struct named **slot, struct named *free_place)
{
    const struct named *found = find_named(*slot, route);
    if (found)
        return found->hop;
    struct hop *hop = hop_of(delivery, route);
    if (hop == NULL)
        return NULL;
    *free_place = (struct named){.hop = hop, .same_slot = *slot};
    *slot = free_place;
    return hop;
}

static int make_domain_hops(struct delivery *delivery)
{
    size_t n = delivery->conf->n_domains;
    struct named *named = calloc(n + 1, sizeof *named);
    struct named **slots = calloc(n + 1, sizeof(struct named *));
    delivery->domain_hops = calloc(n + 1, sizeof(struct hop *));
    int result = named && slots && delivery->domain_hops ? 0 : -1;
    for (size_t i = 0; result == 0 && i < n; i++) {
        const struct route *route = &delivery->loaded->routes->domains[i];
        size_t slot = str_hash(str_of(route->hops.items[0].text)) % (n + 1);
        struct hop *hop = hop_named(delivery, route, &slots[slot], &named[i]);
        delivery->domain_hops[i] = hop;
        result = hop ? 0 : -1;
    }
    free(named);
    free(slots);
    return result;
}

int hops_make(struct delivery *delivery, struct err *err)
{
    random_fill(delivery->sender_key, sizeof delivery->sender_key);
    if (make_domain_hops(delivery) < 0)
        return err_set(err, "out of memory for the next hops");
    delivery->reports_hop = hop_new(delivery, HOP_REPORTS, "reports", true);
    return delivery->reports_hop ? 0 : err_set(err, "out of memory for the next hops");
}

/* An address without a domain is <postmaster> (RFC 5321 4.1.1.3): it is the first domain's. */
int hop_for(struct delivery *delivery, struct str address, enum policy_asked asked,
            struct hop **hop)
{
    const struct conf *conf = delivery->conf;
    size_t at = str_rchr(address, '@');
    struct str name = at == STR_NONE ? STR_EMPTY : str_from(address, at + 1);
    const struct conf_domain *domain =
        at == STR_NONE && conf->n_domains ? &conf->domains[0] : conf_domain_find(conf, name);
    *hop = report_address_of(conf, address) != REPORT_ADDRESS_NONE ? delivery->reports_hop
           : domain ? delivery->domain_hops[domain - conf->domains]
                    : NULL;
    return *hop ? 1 : outside_hop(delivery, name, asked, hop);
}

bool hop_is_by_mx(const struct hop *hop)
{
    return hop->route && hop->route->servers == NULL;
}

/* --- from the line onto lanes --- */

/* It is in no line any more. */
static struct leg *take_next(struct hop *hop)
{
    struct line_place *place = line_take(&hop->line);
    if (place == NULL)
        return NULL;
    struct leg *leg = (struct leg *)((char *)place - offsetof(struct leg, place));
    leg->state = LEG_WAITING;
    return leg;
}

struct leg *hop_take(struct hop *hop)
{
    const struct timeval at_once = {0};
    struct leg *leg;
    if (hop->delivery->draining || hop->resting)
        return NULL;
    for (unsigned n = 0; (leg = take_next(hop)) != NULL; n++) {
        if (n == DELIVERY_ROUND) {
            hop_line_return(hop, leg);
            hop->resting = true;
            loop_wait(hop->go_on, &at_once);
            return NULL;
        }
        if (frozen_waits(leg))
            continue;
        enum job_need got = leg_begin(leg);
        if (got == JOB_LOADED && leg_seal(leg))
            return leg;
        if (got == JOB_LATER)
            leg_postpone(leg);
    }
    return NULL;
}

static bool has_thread(const struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    bool has =
        hop->kind != HOP_MAILDIR || threads_for_maildir(hop->n_lanes, delivery->maildir_lanes);
    delivery->maildirs_wait |= !has;
    return has;
}

void hop_thread_free(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    if (hop->kind != HOP_MAILDIR || !delivery->maildirs_wait)
        return;
    delivery->maildirs_wait = false;
    /* round: who stands behind it in the list has its turn first */
    for (struct hop *other = hop->next; other; other = other->next)
        if (other->kind == HOP_MAILDIR)
            hop_kick(other);
    for (struct hop *other = delivery->hops; other != hop; other = other->next)
        if (other->kind == HOP_MAILDIR)
            hop_kick(other);
}

void hop_kick(struct hop *hop)
{
    struct err err;
    /* lanes that open or close while this runs kick again */
    if (hop->kicking || hop->line.n == 0 || hop->down || hop->delivery->draining || hop->resting)
        return;
    if (hop->lookup && !outside_ready(hop))
        return;
    hop->kicking = true;
    if (hop->n_lanes == 0)
        hop->doubtful = false; /* nobody tries any more */
    while (hop->line.n && !hop->down && !hop->resting && !hop->delivery->draining) {
        if (lane_offer(hop))
            continue;
        if (hop->doubtful || hop->n_lanes >= hop_lanes_allowed(hop) || !lane_wanted(hop))
            break;
        if ((hop->lookup && !outside_has_room(hop)) || !has_thread(hop))
            break;
        if (lane_open(hop, &err) < 0) {
            hop_failed(hop, err.text);
            break;
        }
    }
    hop->kicking = false;
}

static void on_go_on(evutil_socket_t fd, short what, void *data)
{
    struct hop *hop = data;
    hop->resting = false;
    hop_kick(hop);
}

bool hops_busy(const struct delivery *delivery)
{
    for (const struct hop *hop = delivery->hops; hop; hop = hop->next)
        if (lanes_busy(hop))
            return true;
    return false;
}

void hops_close_lanes(struct delivery *delivery, bool idle_only, const char *why)
{
    for (struct hop *hop = delivery->hops; hop; hop = hop->next)
        lanes_close(hop, idle_only, why);
}

void hops_free(struct delivery *delivery)
{
    while (delivery->hops) {
        struct hop *hop = delivery->hops;
        delivery->hops = hop->next;
        hop_free(hop);
    }
    flows_free(&delivery->flows);
    free(delivery->domain_hops);
    delivery->domain_hops = NULL;
}
