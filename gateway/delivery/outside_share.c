/* Who has a connection: one for each turn, first who has none. */
#include <stdio.h>

#include "gateway/delivery/outside_work.h"

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

void outside_share_out(struct delivery *delivery)
{
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

void outside_close_silent(struct delivery *delivery, int64_t now)
{
    struct outside *o = delivery->outside;
    if (o->lanes < lanes_max(delivery) || o->for_first.first == NULL)
        return;
    for (struct hop *hop = o->with_lanes, *next; hop; hop = next) {
        next = hop->lookup->lanes_behind;
        lanes_close_silent(hop, now - OUTSIDE_PATIENCE);
    }
}
