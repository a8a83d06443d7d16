/* hop: the line of legs before each next hop, how many lanes serve it, and whether it is
 * there at all. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "directory/report.h"
#include "gateway/delivery/frozen.h"

/* --- which one --- */

static void on_hop_time(evutil_socket_t fd, short what, void *data);
static void on_go_on(evutil_socket_t fd, short what, void *data);

/* Threads are few; none but some are for who may wait for long. */
static unsigned lanes_max(const struct conf *conf, enum conf_hop_kind kind)
{
    unsigned max = conf->queue.connections_limit;
    unsigned reports =
        conf->reports.workers < DELIVERY_REPORTS ? conf->reports.workers : DELIVERY_REPORTS;
    if (kind == HOP_REPORTS)
        return reports;
    return kind == HOP_MAILDIR && max > DELIVERY_THREADS ? DELIVERY_THREADS : max;
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

struct hop *hop_new(struct delivery *delivery, enum conf_hop_kind kind, const char *text)
{
    struct hop *hop = calloc(1, sizeof *hop);
    if (hop == NULL)
        return NULL;
    hop->delivery = delivery;
    hop->kind = kind;
    hop->text = text;
    hop->limit = hop->limit_max = lanes_max(delivery->conf, kind);
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
    struct hop *hop = hop_new(delivery, kind, route->servers->items[0].text);
    if (hop == NULL)
        return NULL;
    hop->route = route;
    if (kind == HOP_MAILDIR)
        return hop;
    hop->targets = targets_of(route->servers);
    return hop->targets ? hop : NULL;
}

/* Domains with the same servers, gone to in the same way, share the line before them. */
static struct hop *hop_named(const struct delivery *delivery, const struct route *route)
{
    struct hop *hop = delivery->hops;
    while (hop && (hop->route == NULL || !route_same(hop->route, route)))
        hop = hop->next;
    return hop;
}

static int make_domain_hops(struct delivery *delivery)
{
    const struct conf *conf = delivery->conf;
    delivery->domain_hops = calloc(conf->n_domains + 1, sizeof(struct hop *));
    if (delivery->domain_hops == NULL)
        return -1;
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct route *route = &delivery->loaded->routes->domains[i];
        struct hop *hop = hop_named(delivery, route);
        if (hop == NULL && (hop = hop_of(delivery, route)) == NULL)
            return -1;
        delivery->domain_hops[i] = hop;
    }
    return 0;
}

int hops_make(struct delivery *delivery, struct err *err)
{
    if (make_domain_hops(delivery) < 0)
        return err_set(err, "out of memory for the next hops");
    delivery->reports_hop = hop_new(delivery, HOP_REPORTS, "reports");
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

/* --- the line --- */

static void put_in_line(struct hop *hop, struct leg *leg, bool in_front)
{
    leg->state = LEG_LINED;
    leg->next = in_front ? hop->first : NULL;
    if (hop->last == NULL)
        hop->first = hop->last = leg;
    else if (in_front)
        hop->first = leg;
    else
        hop->last = hop->last->next = leg;
}

void hop_line_up(struct hop *hop, struct leg *leg, bool in_front)
{
    leg->lined_at = clock_seconds();
    put_in_line(hop, leg, in_front);
}

void hop_line_leave(struct hop *hop, struct leg *leg)
{
    struct leg *before = NULL;
    struct leg *at = hop->first;
    while (at && at != leg) {
        before = at;
        at = at->next;
    }
    if (at == NULL)
        return;
    if (before)
        before->next = leg->next;
    else
        hop->first = leg->next;
    if (hop->last == leg)
        hop->last = before;
}

static struct leg *take_first(struct hop *hop)
{
    struct leg *leg = hop->first;
    if (leg) {
        hop->first = leg->next;
        leg->state = LEG_WAITING;
    }
    if (hop->first == NULL)
        hop->last = NULL;
    return leg;
}

struct leg *hop_take(struct hop *hop)
{
    const struct timeval at_once = {0};
    struct leg *leg;
    if (hop->delivery->draining || hop->resting)
        return NULL;
    for (unsigned n = 0; (leg = take_first(hop)) != NULL; n++) {
        if (n == DELIVERY_ROUND) {
            put_in_line(hop, leg, true);
            hop->resting = true;
            event_add(hop->go_on, &at_once);
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

void hop_kick(struct hop *hop)
{
    struct err err;
    /* lanes that open or close while this runs kick again */
    if (hop->kicking || hop->first == NULL || hop->down || hop->delivery->draining || hop->resting)
        return;
    if (hop->lookup && !outside_ready(hop))
        return;
    hop->kicking = true;
    if (hop->n_lanes == 0)
        hop->doubtful = false; /* nobody tries any more */
    while (hop->first && !hop->down && !hop->resting && !hop->delivery->draining) {
        if (lane_offer(hop))
            continue;
        unsigned allowed = hop->failures ? 1 : hop->limit;
        if (hop->doubtful || hop->n_lanes >= allowed || !lane_wanted(hop))
            break;
        if (hop->lookup && !outside_has_room(hop))
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

/* --- who waits, and why --- */

static unsigned look_seconds(const struct hop *hop)
{
    unsigned first = hop->delivery->conf->queue.retry_first;
    return first < DELIVERY_LOOK_SECONDS ? first : DELIVERY_LOOK_SECONDS;
}

static void why_it_waits(const struct hop *hop, char why[CLIENT_TEXT_MAX + 1])
{
    size_t size = CLIENT_TEXT_MAX + 1;
    if (hop->down)
        memcpy(why, hop->error, size);
    else if (hop->lookup && outside_why_it_waits(hop, why, size))
        return;
    else if (hop->targets && !lanes_greeted(hop))
        snprintf(why, size, "4.4.1 its server has not answered yet");
    else
        snprintf(why, size,
                 "4.4.5 waits for its turn: as many as may be (%u) are on their way there",
                 hop->n_lanes);
}

static bool is_to_be_told(const struct leg *leg, int64_t now)
{
    const struct hop *hop = leg->hop;
    if (hop->down)
        return leg->told != TOLD_DOWN;
    return leg->told == TOLD_NOTHING && now - leg->lined_at >= look_seconds(hop);
}

/*
 * Legs stay in line while their hop is down or all its lanes are in use, and go as soon as there is
 * one; until then the postmaster can read why they wait. What has waited too long is held. At most
 * `max` of them, since each is read from the disk; the rest is told a little later. How many.
 */
static unsigned tell_line(struct hop *hop, unsigned max)
{
    char why[CLIENT_TEXT_MAX + 1];
    int64_t now = clock_seconds();
    unsigned told = 0;
    size_t n = 0;
    why_it_waits(hop, why);
    for (const struct leg *leg = hop->first; leg; leg = leg->next)
        n++;
    /* each once round the line; one whose file has gone takes others of its job along */
    for (struct leg *leg; n && (leg = take_first(hop)) != NULL; n--) {
        bool tell = told < max && (is_to_be_told(leg, now) || leg_is_expired(leg));
        bool owed = !tell || leg_tell(leg, hop->down ? TOLD_DOWN : TOLD_TURN, why);
        told += tell;
        if (owed)
            put_in_line(hop, leg, false);
    }
    hop->look_at = now + (told < max ? look_seconds(hop) : DELIVERY_LOOK_AGAIN);
    return told;
}

void hops_tick(struct delivery *delivery)
{
    int64_t now = clock_seconds();
    unsigned told = 0;
    if (delivery->draining)
        return;
    /* one that was looked at stands back for some seconds, whatever is left of it */
    for (struct hop *hop = delivery->hops; hop && told < DELIVERY_LOOK_MAX; hop = hop->next)
        if (hop->first && now >= hop->look_at)
            told += tell_line(hop, DELIVERY_LOOK_MAX - told);
}

/* --- a hop that is down --- */

static void start_timer(struct hop *hop, unsigned seconds)
{
    const struct timeval wait = {.tv_sec = seconds};
    event_add(hop->timer, &wait);
}

static void on_hop_time(evutil_socket_t fd, short what, void *data)
{
    struct hop *hop = data;
    hop->down = false;
    hop->limit = hop->limit_max;
    hop_kick(hop);
}

unsigned hop_pause(const struct hop *hop, unsigned failures)
{
    const struct conf_queue *queue = &hop->delivery->conf->queue;
    unsigned max = queue->retry_max;
    /* ours is soon back; others' servers are not to be asked every few minutes (RFC 5321 4.5.4.1)
     */
    if (!hop_is_by_mx(hop) && max > DELIVERY_HOP_RETRY_MAX)
        max = DELIVERY_HOP_RETRY_MAX;
    unsigned first = queue->retry_first < max ? queue->retry_first : max;
    return delivery_pause(first, max, failures);
}

void hop_failed(struct hop *hop, const char *why)
{
    snprintf(hop->error, sizeof hop->error, "%.*s", CLIENT_TEXT_MAX, why);
    if (hop->n_lanes && !lanes_greeted(hop)) {
        hop->doubtful = true; /* the last of those that try decides */
        return;
    }
    hop->doubtful = false;
    if (hop->n_lanes) {
        /* it serves others of ours: it wants no more of them, for now */
        hop->limit = hop->n_lanes;
        start_timer(hop, DELIVERY_LIMIT_SECONDS);
        log_info("%s: %s; %u connections it is, for a while", hop->text, why, hop->limit);
        return;
    }
    hop->failures++;
    hop->down = true;
    unsigned pause = hop_pause(hop, hop->failures);
    start_timer(hop, pause);
    log_warning("%s: %s; it is tried again in %u s", hop->text, hop->error, pause);
    tell_line(hop, DELIVERY_TELL_MAX);
}

void hop_refuse(struct hop *hop)
{
    struct leg *leg;
    for (unsigned n = 0; n < DELIVERY_TELL_MAX && (leg = hop_take(hop)) != NULL; n++)
        leg_refuse(leg, hop->error);
    if (hop->first && !hop->delivery->draining)
        event_active(hop->timer, EV_TIMEOUT, 0);
}

void hop_works(struct hop *hop)
{
    if (hop->failures)
        log_info("%s: is there again", hop->text);
    hop->failures = 0;
    hop->doubtful = false;
    hop->down = false;
    for (struct leg *leg = hop->first; leg; leg = leg->next)
        if (leg->told == TOLD_DOWN)
            leg->told = TOLD_NOTHING;
    hop_kick(hop);
}

void hops_hurry(struct delivery *delivery)
{
    for (struct hop *hop = delivery->hops; hop; hop = hop->next) {
        event_del(hop->timer);
        if (hop->targets)
            targets_hurry(hop->targets);
        if (hop->lookup)
            outside_forget(hop);
        hop->down = false;
        hop->limit = hop->limit_max;
        hop_kick(hop);
    }
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
    free(delivery->domain_hops);
    delivery->domain_hops = NULL;
}
