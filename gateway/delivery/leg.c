/* leg: the recipients of a message at one next hop, and when they have their turn. */
#include <stdlib.h>
#include <string.h>

#include "base/network.h"
#include "base/random.h"
#include "base/recipient.h"
#include "gateway/delivery/frozen.h"
#include "gateway/loop.h"

#define DOUBLINGS_MAX 20 /* a pause is bounded long before */

/* --- pauses --- */

unsigned delivery_pause(unsigned first, unsigned max, unsigned tries)
{
    uint64_t pause = first;
    uint16_t chance = 0;
    for (unsigned i = 1; i < tries && i < DOUBLINGS_MAX && pause < max; i++)
        pause *= 2;
    if (pause > max)
        pause = max;
    random_fill(&chance, sizeof chance);
    /* four to six fifths, so that what failed together does not come back together */
    pause = pause * 4 / 5 + pause * 2 * chance / (5 * (uint64_t)UINT16_MAX);
    return pause ? (unsigned)pause : 1;
}

/* --- whose turn it is --- */

#define IPV6_NETWORK 8 /* bytes: who has one address of it has them all */

static struct str client_of(const struct envelope *envelope, struct network *network)
{
    static const unsigned char four[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!network_parse(envelope->client_ip, network))
        return envelope->client_ip;
    bool whole = memcmp(network->address, four, sizeof four) == 0;
    return str_n((const char *)network->address, whole ? NETWORK_BYTES : IPV6_NETWORK);
}

/* The account; else, of what our own people brought, the envelope's sender; else the client. Keyed:
 * nobody can choose with whom he shares a turn. */
static uint64_t sender_of(const struct job *job)
{
    const struct envelope *envelope = &job->loaded->file->envelope;
    struct network network;
    return siphash(job->delivery->sender_key, job->account   ? str_of(job->account)
                                              : job->brought ? envelope->sender
                                                             : client_of(envelope, &network));
}

/* --- lining up --- */

static void line_up(struct leg *leg)
{
    if (leg->job->dropped) {
        leg_drop(leg);
        return;
    }
    if (frozen_waits(leg))
        return;
    if (!leg->hop->down || leg_tell(leg, TOLD_DOWN, leg->hop->error))
        hop_line_up(leg->hop, leg, false);
}

static void fail_without_hop(struct leg *leg)
{
    enum job_need got = leg_begin(leg);
    if (got == JOB_LOADED)
        leg_fail(leg, "the settings name no next hop for this domain");
    else if (got == JOB_LATER)
        leg_postpone(leg);
}

static void on_time(evutil_socket_t fd, short what, void *data)
{
    struct leg *leg = data;
    struct hop *hop = leg->hop;
    if (leg->state != LEG_WAITING || leg->job->hold_us)
        return;
    if (hop == NULL && !leg->job->dropped) {
        fail_without_hop(leg);
        return;
    }
    line_up(leg);
    if (hop)
        hop_kick(hop);
}

void leg_wait(struct leg *leg, unsigned seconds)
{
    const struct timeval wait = {.tv_sec = seconds};
    leg->state = LEG_WAITING;
    loop_wait(leg->timer, &wait);
}

void leg_rest(struct leg *leg)
{
    if (leg->state == LEG_LINED)
        hop_line_leave(leg->hop, leg);
    event_del(leg->timer);
    leg->state = LEG_WAITING;
    leg->told = TOLD_NOTHING;
}

void leg_postpone(struct leg *leg)
{
    leg_wait(leg, leg->job->delivery->conf->queue.retry_first);
}

/* --- making them --- */

struct plan {
    struct hop *hop;
    bool alone; /* its copy is like no other */
    size_t n;
};

/* Which leg recipient i belongs to: the last one of its hop that is not full, or a new one. */
static size_t plan_for(struct plan *plans, size_t *n_plans, struct hop *hop, bool alone)
{
    for (size_t i = *n_plans; i-- > 0 && !alone;)
        if (plans[i].hop == hop && !plans[i].alone && plans[i].n < CLIENT_RECIPIENTS_MAX)
            return i;
    plans[*n_plans] = (struct plan){.hop = hop, .alone = alone};
    return (*n_plans)++;
}

static int make_leg(struct job *job, const struct plan *plan)
{
    struct leg *leg = &job->legs[job->n_legs];
    leg->owed = calloc(plan->n, sizeof *leg->owed);
    if (leg->owed == NULL)
        return -1;
    leg->state = LEG_WAITING;
    leg->job = job;
    leg->hop = plan->hop;
    if (leg->hop)
        leg->hop->users++;
    leg->timer = evtimer_new(job->delivery->base, on_time, leg);
    job->n_legs++;
    return leg->timer ? 0 : -1;
}

static int fill_legs(struct job *job, const struct plan *plans, size_t n_plans,
                     const uint32_t *leg_of)
{
    const struct envelope *envelope = &job->loaded->file->envelope;
    job->legs = calloc(n_plans ? n_plans : 1, sizeof *job->legs);
    if (job->legs == NULL)
        return -1;
    for (size_t i = 0; i < n_plans; i++)
        if (make_leg(job, &plans[i]) < 0)
            return -1;
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        if (leg_of[i] == UINT32_MAX)
            continue;
        struct leg *leg = &job->legs[leg_of[i]];
        if (envelope->recipients[i].tries > leg->tries)
            leg->tries = envelope->recipients[i].tries;
        leg->released = envelope->recipients[i].released_us && (leg->n == 0 || leg->released);
        leg->owed[leg->n++] = i;
    }
    job->n_open = job->n_legs;
    return 0;
}

/* edge has set at most one of the two (RFC 8689 4.1) */
static enum policy_asked asked_by(const struct envelope *envelope)
{
    if (envelope->requiretls)
        return ASKED_REQUIRED;
    return envelope->tls_waived ? ASKED_WAIVED : ASKED_NOTHING;
}

int legs_make(struct job *job, struct err *err)
{
    const struct envelope *envelope = &job->loaded->file->envelope;
    enum policy_asked asked = asked_by(envelope);
    size_t n_plans = 0;
    job->sender = sender_of(job);
    struct plan *plans = calloc(envelope->n_recipients, sizeof *plans);
    uint32_t *leg_of = calloc(envelope->n_recipients, sizeof *leg_of);
    int result = plans && leg_of ? 0 : -1;
    for (size_t i = 0; result == 0 && i < envelope->n_recipients; i++) {
        const struct spool_recipient *r = &envelope->recipients[i];
        leg_of[i] = UINT32_MAX;
        if (!recipient_state_owed((enum recipient_state)r->state))
            continue;
        struct hop *hop;
        if (hop_for(job->delivery, r->address, asked, &hop) < 0)
            result = -1;
        leg_of[i] = (uint32_t)plan_for(plans, &n_plans, hop, r->sender.n || r->fields.n);
        plans[leg_of[i]].n++;
    }
    if (result == 0)
        result = fill_legs(job, plans, n_plans, leg_of);
    free(plans);
    free(leg_of);
    return result == 0 ? 0 : err_set(err, "no room for its recipients");
}

/* What failed before a restart keeps its time. */
static unsigned seconds_left(const struct leg *leg)
{
    const struct conf_queue *queue = &leg->job->delivery->conf->queue;
    const struct spool_recipient *r = &leg->job->loaded->file->envelope.recipients[leg->owed[0]];
    if (r->state != RCPT_DEFERRED)
        return 0;
    int64_t due = r->state_time_us / 1000000 +
                  delivery_pause(queue->retry_first, queue->retry_max, leg->tries);
    int64_t left = due - delivery_now_us() / 1000000;
    return left <= 0 ? 0 : left > queue->retry_max ? queue->retry_max : (unsigned)left;
}

void legs_start(struct job *job)
{
    for (size_t i = 0; i < job->n_legs && job->hold_us == 0; i++) {
        struct leg *leg = &job->legs[i];
        unsigned seconds = seconds_left(leg);
        if (seconds || leg->hop == NULL)
            leg_wait(leg, seconds);
        else
            line_up(leg);
    }
    for (size_t i = 0; i < job->n_legs; i++)
        if (job->legs[i].state == LEG_LINED)
            hop_kick(job->legs[i].hop);
}

void legs_hurry(struct job *job)
{
    for (size_t i = 0; i < job->n_legs; i++)
        if (job->legs[i].state == LEG_WAITING)
            event_active(job->legs[i].timer, EV_TIMEOUT, 0);
}

void legs_hurry_in(struct job *job, unsigned milliseconds)
{
    const struct timeval wait = {.tv_sec = milliseconds / 1000,
                                 .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000};
    for (size_t i = 0; i < job->n_legs; i++)
        if (job->legs[i].state == LEG_WAITING)
            loop_wait(job->legs[i].timer, &wait);
}
