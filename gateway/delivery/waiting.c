/* waiting: the line of legs before a next hop: each keeps its place, and is told now and then why
 * it waits. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/delivery/delivery.h"

/* --- the line --- */

static void put_in_line(struct hop *hop, struct leg *leg, bool in_front)
{
    leg->state = LEG_LINED;
    line_put(&hop->line, &leg->place, leg->job->sender, leg->tries ? LINE_RETRY : LINE_NEW,
             in_front);
}

void hop_line_up(struct hop *hop, struct leg *leg, bool in_front)
{
    leg->lined_at = clock_seconds();
    put_in_line(hop, leg, in_front);
}

void hop_line_return(struct hop *hop, struct leg *leg)
{
    put_in_line(hop, leg, true);
}

void hop_line_leave(struct hop *hop, struct leg *leg)
{
    line_leave(&hop->line, &leg->place);
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

/* That it is down counts for the time that it was told in. */
static enum leg_told was_told(const struct leg *leg)
{
    return leg->told == TOLD_DOWN && leg->outage != leg->hop->outage ? TOLD_NOTHING : leg->told;
}

static bool is_to_be_told(const struct leg *leg, int64_t now)
{
    const struct hop *hop = leg->hop;
    if (hop->down)
        return was_told(leg) != TOLD_DOWN;
    return was_told(leg) == TOLD_NOTHING && now - leg->lined_at >= look_seconds(hop);
}

/*
 * Legs stay in line while their hop is down or all its lanes are in use, and go as soon as there is
 * one; until then the postmaster can read why they wait. What has waited too long is held. At most
 * `max` of them, since each is read from the disk, and some of a long line; the rest has its look a
 * little later.
 */
unsigned hop_tell_line(struct hop *hop, unsigned max)
{
    char why[CLIENT_TEXT_MAX + 1];
    int64_t now = clock_seconds();
    struct line_place *place;
    unsigned told = 0;
    size_t left = hop->line.n;
    why_it_waits(hop, why);
    /* one whose file has gone takes others of its job along */
    for (unsigned n = 0; left && told < max && n < DELIVERY_LOOK_STEPS; n++, left--) {
        if ((place = line_look(&hop->line)) == NULL)
            break;
        struct leg *leg = (struct leg *)((char *)place - offsetof(struct leg, place));
        if (!is_to_be_told(leg, now) && !leg_is_expired(leg))
            continue;
        leg_tell(leg, hop->down ? TOLD_DOWN : TOLD_TURN, why);
        told++;
    }
    hop->look_at = now + (left ? DELIVERY_LOOK_AGAIN : look_seconds(hop));
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
        if (hop->line.n && now >= hop->look_at)
            told += hop_tell_line(hop, DELIVERY_LOOK_MAX - told);
}
