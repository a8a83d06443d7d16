/* outage: whether a next hop is there, how many lanes it gets (pace.h), and when one that is down
 * is tried again: by one lane, with growing pauses, until it greets; where it greeted and then let
 * message after message break off, until it has answered one. */
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "gateway/loop.h"

unsigned hop_lanes_allowed(const struct hop *hop)
{
    /* others' servers may be many that take connections and never say a word */
    bool unknown = hop->failures || (hop_is_by_mx(hop) && !lanes_greeted(hop));
    return unknown ? 1 : pace_limit(&hop->pace);
}

/* --- down --- */

static void start_timer(struct hop *hop, unsigned seconds)
{
    const struct timeval wait = {.tv_sec = seconds};
    loop_wait(hop->timer, &wait);
}

void hop_try_again(struct hop *hop)
{
    hop->down = false;
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

int64_t hop_again_in(const struct hop *hop)
{
    struct timeval when, now;
    if (hop->timer == NULL || !event_pending(hop->timer, EV_TIMEOUT, &when) ||
        event_base_gettimeofday_cached(hop->delivery->base, &now) < 0)
        return 0;
    return (int64_t)when.tv_sec - now.tv_sec;
}

static void go_down(struct hop *hop, unsigned pause_max)
{
    if (hop->failures++ == 0)
        hop->outage++;
    hop->down = true;
    unsigned pause = hop_pause(hop, hop->failures);
    if (pause > pause_max)
        pause = pause_max;
    start_timer(hop, pause);
    log_warning("%s: %s; it is tried again in %u s", hop->text, hop->error, pause);
    hop_tell_line(hop, DELIVERY_TELL_MAX);
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
        pace_refused(&hop->pace, hop->n_lanes, clock_seconds());
        log_info("%s: %s; %u connections it is, for a while", hop->text, why,
                 pace_limit(&hop->pace));
        return;
    }
    go_down(hop, UINT_MAX);
}

void hop_unknown(struct hop *hop, const char *why)
{
    if (hop->n_lanes == 0)
        hop_failed(hop, why);
    else
        log_info("%s: %s; its connections stay", hop->text, why);
}

void hop_broke(struct hop *hop, bool silent, const char *why)
{
    pace_broke(&hop->pace, silent, clock_seconds());
    if (hop->down || !pace_is_broken(&hop->pace))
        return;
    snprintf(hop->error, sizeof hop->error, "4.4.2 message after message breaks off: %.*s",
             CLIENT_TEXT_MAX / 2, why);
    /* each of those messages has a pause of its own, which grows to the longest */
    go_down(hop, DELIVERY_HOP_RETRY_MAX);
}

void hop_refuse(struct hop *hop)
{
    struct leg *leg;
    for (unsigned n = 0; n < DELIVERY_TELL_MAX && (leg = hop_take(hop)) != NULL; n++)
        leg_refuse(leg, hop->error);
    if (hop->line.n && !hop->delivery->draining)
        event_active(hop->timer, EV_TIMEOUT, 0);
}

/* --- there again --- */

static void is_there(struct hop *hop)
{
    if (hop->failures) {
        log_info("%s: is there again", hop->text);
        pace_again(&hop->pace);
        event_del(hop->timer);
    }
    hop->failures = 0;
    hop->down = false;
    hop_kick(hop);
}

void hop_works(struct hop *hop)
{
    hop->doubtful = false;
    if (!pace_is_broken(&hop->pace)) /* or that it greets says nothing */
        is_there(hop);
}

void hop_answered(struct hop *hop, bool delivered, bool put_off)
{
    bool was_broken = pace_is_broken(&hop->pace);
    pace_answered(&hop->pace);
    if (put_off)
        pace_put_off(&hop->pace, clock_seconds());
    else if (delivered)
        pace_delivered(&hop->pace, hop->n_lanes, clock_seconds());
    if (was_broken)
        is_there(hop);
    else if (hop->n_lanes < hop_lanes_allowed(hop))
        hop_kick(hop);
}

void hop_hurry(struct hop *hop)
{
    event_del(hop->timer);
    if (hop->targets)
        targets_hurry(hop->targets);
    if (hop->lookup)
        outside_forget(hop);
    hop->down = false;
    pace_forget(&hop->pace);
    hop_kick(hop);
}

void hops_hurry(struct delivery *delivery)
{
    for (struct hop *hop = delivery->hops; hop; hop = hop->next)
        hop_hurry(hop);
}
