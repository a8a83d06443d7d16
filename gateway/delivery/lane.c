/* lane: one leg at a time on its way: over a connection that is used again and again, or
 * by a thread: into Maildirs, or to the process `reports`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/client/connection.h"
#include "gateway/client/maildir.h"
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/policy.h"

#define SECURITY_SIZE 80
#define TLS_STATUS    "4.7.5 "  /* RFC 3463 3.8 */
#define LACK_STATUS   "4.7.30 " /* RFC 8689 6 */
#define SILENT_STATUS "4.4.1 "  /* RFC 3463 3.5 */

struct lane {
    struct hop *hop;
    struct lane *before, *behind;
    struct leg *leg; /* busy with it */
    unsigned served; /* those before */
    bool finished;   /* the last is done with, and nothing more was heard */
    bool answered;   /* … for good, at least for one of its recipients */
    bool delivered;  /* … to one */
    bool put_off;    /* … its MAIL was */
    bool broke_off;  /* … without an answer for everybody */
    bool silent;     /* … until its time was over */
    struct connection *connection;
    bool greeted;
    struct targets *targets; /* where it goes to, one after the other until one greets */
    size_t at;               /* the one that it is with */
    uint64_t tried;          /* a bit each */
    int64_t walk_until;      /* monotonic seconds */
    int64_t began;           /* likewise: with this one */
    struct policy policy;    /* how it is gone to */
    bool tls_failed;         /* there */
    bool lacks;              /* it has not what REQUIRETLS asks for … */
    size_t lacking;          /* … and so many of those tried */
    bool again;              /* the same one, in clear */
    /* a thread's */
    struct work work;
    const struct spool_file *file;
    struct {
        enum client_outcome outcome;
        char text[CLIENT_TEXT_MAX + 1];
    } * results;
};

static struct lane *lane_new(struct hop *hop)
{
    struct lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->hop = hop;
    lane->behind = hop->lanes;
    if (hop->lanes)
        hop->lanes->before = lane;
    hop->lanes = lane;
    hop->n_lanes++;
    hop->delivery->maildir_lanes += hop->kind == HOP_MAILDIR;
    if (hop->lookup)
        outside_lane_opened(hop);
    return lane;
}

static void lane_free(struct lane *lane)
{
    if (lane->before)
        lane->before->behind = lane->behind;
    else
        lane->hop->lanes = lane->behind;
    if (lane->behind)
        lane->behind->before = lane->before;
    lane->hop->n_lanes--;
    lane->hop->delivery->maildir_lanes -= lane->hop->kind == HOP_MAILDIR;
    if (lane->hop->lookup)
        outside_lane_closed(lane->hop);
    targets_drop(&lane->targets);
    free(lane->results);
    free(lane);
}

/* --- connections --- */

/* "TLSv1.3, DANE verified"; NULL: in clear. */
static const char *security_of(const struct lane *lane, char text[SECURITY_SIZE])
{
    const char *version = connection_security(lane->connection);
    const char *proved = policy_protection(&lane->policy, connection_proof(lane->connection));
    if (version == NULL)
        return NULL;
    snprintf(text, SECURITY_SIZE, "%s%s%s", version, proved ? ", " : "", proved ? proved : "");
    return text;
}

/* Who tells the sender that it got there (RFC 3461 5). */
static enum leg_way way_of(const struct lane *lane)
{
    if (connection_offers_dsn(lane->connection))
        return WAY_NOTICES;
    return lane->targets->list[lane->at].place.kind == HOP_LMTP ? WAY_FINAL : WAY_RELAY;
}

static void send_leg(struct lane *lane, struct leg *leg)
{
    const struct client_transaction transaction = {.file = leg->job->loaded->file,
                                                   .recipients = leg->owed,
                                                   .n = leg->n};
    char security[SECURITY_SIZE];
    lane->leg = leg;
    lane->finished = lane->answered = lane->delivered = lane->put_off = false;
    lane->broke_off = lane->silent = false;
    leg->way = way_of(lane);
    leg_is_with(leg, lane->targets->list[lane->at].place.text, security_of(lane, security));
    connection_send(lane->connection, &transaction);
}

/* A server that is preferred may be back: a new connection finds out. */
static bool is_second_best(const struct lane *lane)
{
    return targets_next(lane->targets, 0, clock_seconds()) < lane->at;
}

/* Why its connection takes no further message; NULL: it does. */
static const char *why_retire(struct lane *lane)
{
    if (connection_wants_tls(lane->connection)) {
        lane->targets->list[lane->at].plain_until = 0;
        return "it takes nothing in clear";
    }
    if (lane->hop->lookup && lane->targets != lane->hop->targets)
        return "its domain was looked up anew";
    if (outside_should_yield(lane->hop, lane->served))
        return "others wait for a connection";
    if (lane->hop->n_lanes > pace_limit(&lane->hop->pace))
        return "fewer connections are enough for now";
    return is_second_best(lane) ? "a better server may be there again" : NULL;
}

static void tell_tls(const struct lane *lane, enum proof_fault fault, const char *why,
                     const char *local)
{
    const struct tls_end end = {.hop = lane->hop,
                                .target = &lane->targets->list[lane->at],
                                .policy = &lane->policy,
                                .local = local,
                                .fault = fault,
                                .why = why};
    /* no report is about what the sender asked for */
    bool told = lane->hop->asked == ASKED_NOTHING ||
                (lane->hop->asked == ASKED_REQUIRED && lane->policy.kind != POLICY_NONE);
    if (hop_is_by_mx(lane->hop) && told)
        tls_tell_session(&end);
}

/* It greeted; whether that is what its domain's policy asks for. A second try in clear is no news.
 */
static void tell_tls_result(const struct lane *lane)
{
    const struct target_host *who = lane->targets->list[lane->at].who;
    const struct proof *proof = connection_proof(lane->connection);
    const char *local = connection_local(lane->connection);
    bool sts = lane->policy.kind == POLICY_STS, dane = lane->policy.kind == POLICY_TLSA;
    if (lane->policy.tls == CLIENT_TLS_NONE)
        return;
    if (connection_security(lane->connection) == NULL)
        tell_tls(lane, FAULT_STARTTLS_NOT_SUPPORTED, "STARTTLS is not offered", local);
    else if (sts && who && !who->listed)
        tell_tls(lane, FAULT_VALIDATION_FAILURE, "the policy does not name this server", local);
    else if (sts && proof->fault)
        tell_tls(lane, proof->fault, proof->why, local);
    else if (dane && proof->by != PROOF_DANE)
        tell_tls(lane, FAULT_TLSA_INVALID, "none of its TLSA records is usable", local);
    else
        tell_tls(lane, FAULT_NONE, "", local);
}

/* The hop hears how its server takes what is sent there, after lane and leg have gone on. */
static void on_ready(void *data)
{
    struct lane *lane = data;
    struct hop *hop = lane->hop;
    const bool first = !lane->greeted, delivered = lane->delivered, put_off = lane->put_off;
    const char *why = first ? NULL : why_retire(lane);
    lane->greeted = true;
    lane->finished = false; /* to its end: that it may close now means nothing */
    if (first) {
        target_works(&lane->targets->list[lane->at]);
        tell_tls_result(lane);
    }
    if (why) {
        connection_retire(lane->connection, why);
    } else {
        struct leg *leg = hop_take(hop);
        if (leg)
            send_leg(lane, leg);
        else if (outside_should_yield(hop, 0))
            connection_retire(lane->connection, "others wait for a connection");
    }
    if (first)
        hop_works(hop);
    else
        hop_answered(hop, delivered, put_off);
}

static void on_result(void *data, size_t i, enum client_outcome outcome, struct str text)
{
    struct lane *lane = data;
    lane->answered = lane->answered || outcome != CLIENT_DEFERRED;
    lane->delivered = lane->delivered || outcome == CLIENT_DELIVERED;
    leg_result(lane->leg, i, outcome, text);
}

static void on_done(void *data)
{
    struct lane *lane = data;
    struct leg *leg = lane->leg;
    lane->leg = NULL;
    lane->finished = true;
    lane->served++;
    if (lane->connection) { /* or it is we who close it */
        lane->broke_off = connection_broke_off(lane->connection);
        lane->silent = connection_was_silent(lane->connection);
        lane->put_off = !lane->answered && !lane->broke_off &&
                        !connection_took_sender(lane->connection) &&
                        !connection_wants_tls(lane->connection);
    }
    leg_done(leg);
}

static void on_returned(void *data)
{
    struct lane *lane = data;
    struct leg *leg = lane->leg;
    lane->leg = NULL;
    leg_return(leg);
}

/* The same server again without it, unless it must be: only what is secret for everybody is lost if
 * this was an attack, as it is if there is no TLS at all (RFC 7435). */
static void on_tls_failed(void *data, const struct tls_failure *failure)
{
    struct lane *lane = data;
    struct target *target = &lane->targets->list[lane->at];
    lane->tls_failed = true;
    lane->lacks = failure->lasting && (failure->fault == FAULT_NONE || lane->policy.by_sender);
    tell_tls(lane, failure->fault, failure->fault ? failure->why : "", failure->local);
    if (lane->policy.tls != CLIENT_TLS_MAY)
        return;
    target->plain_until = clock_seconds() + DELIVERY_PLAIN_SECONDS;
    lane->again = true;
}

static int next_server(struct lane *lane, struct err *err);

static void say_why(struct lane *lane, const char *why, struct err *err)
{
    lane->lacking += lane->lacks;
    if (lane->lacks)
        err_set(err, LACK_STATUS "REQUIRETLS: %s", why);
    else if (lane->tls_failed && lane->policy.because)
        err_set(err, TLS_STATUS "%s: %s", lane->policy.because, why);
    else
        err_set(err, "%s", why);
}

/* None of its servers has what REQUIRETLS asks for: `why` of the last, now for good. */
static void refuse_line(struct hop *hop, const char *why)
{
    snprintf(hop->error, sizeof hop->error, "5%.*s", CLIENT_TEXT_MAX - 1, why + 1);
    log_info("%s: %s", hop->text, hop->error);
    hop_refuse(hop);
}

/* What it said of some recipients before it hung excuses it no more than its greeting does; that it
 * took the message for one does. */
static bool message_broke(const struct lane *lane)
{
    return lane->finished && lane->broke_off && !lane->delivered &&
           (lane->silent || !lane->answered);
}

static void on_closed(void *data, bool greeted, const char *why)
{
    struct lane *lane = data;
    struct hop *hop = lane->hop;
    struct err err;
    lane->connection = NULL;
    log_debug("%s: connection closed: %s", lane->targets->list[lane->at].place.text, why);
    say_why(lane, why, &err);
    if (!greeted && next_server(lane, &err) == 0)
        return;
    bool never = lane->lacking && lane->lacking == lane->targets->n && !lane->targets->partial;
    bool broke = message_broke(lane), silent = lane->silent;
    /* it closed together with its answer */
    bool answered = lane->finished && !lane->broke_off;
    bool delivered = lane->delivered, put_off = lane->put_off;
    lane_free(lane);
    if (!greeted && never)
        refuse_line(hop, err.text);
    else if (!greeted)
        hop_failed(hop, err.text);
    else if (broke)
        hop_broke(hop, silent, err.text);
    else if (answered)
        hop_answered(hop, delivered, put_off);
    hop_kick(hop);
}

/* A process of this machine: what is said to it passes over no network. */
static bool is_here(const struct conf_hop *place)
{
    struct str host = str_of(place->host ? place->host : "");
    return place->path || str_starts(host, STR("127.")) || str_eq(host, STR("::1"));
}

static struct policy_facts facts_of(const struct hop *hop, const struct target *target)
{
    const struct route *route = hop->route;
    const struct target_host *who = target->who;
    bool stays =
        route->tls == OUTSIDE_TLS_MAY && target->place.kind == HOP_LMTP && is_here(&target->place);
    return (struct policy_facts){.asked = route->ours ? ASKED_NOTHING : hop->asked,
                                 .tls = stays ? OUTSIDE_TLS_NONE : route->tls,
                                 .name = route->tls_name ? route->tls_name
                                         : who           ? who->name
                                                         : NULL,
                                 .tlsa = who ? who->tlsa : NULL,
                                 .sts = who ? who->sts : STS_NONE,
                                 .tls_fails = clock_seconds() < target->plain_until};
}

/* A password goes to nobody else than the server of that name. */
static void want_proof(struct policy *policy)
{
    if (policy->proof == PROOF_DANE)
        policy->otherwise = PROOF_PKIX; /* where no record of its is usable */
    if (policy->tls == CLIENT_TLS_MUST && policy->required)
        return;
    policy->tls = CLIENT_TLS_MUST;
    policy->proof = PROOF_PKIX;
    policy->required = true;
    policy->because = "we log in over TLS only, where the certificate is right";
}

/* Keys are bound to the name that has the records (RFC 7672 3.2.2), certificates to the server's.
 */
static const char *name_of(const struct route *route, const struct policy_facts *facts,
                           const struct target_host *who)
{
    bool keys = facts->tlsa && facts->tlsa->n && route->tls_name == NULL;
    return keys && facts->asked != ASKED_WAIVED ? who->tlsa_name : facts->name;
}

/* The one place that says how a server is gone to, whosever it is. */
static struct connection_way way_to(struct lane *lane, const struct target *target)
{
    const struct hop *hop = lane->hop;
    const struct route *route = hop->route;
    const struct policy_facts facts = facts_of(hop, target);
    const struct target_host *who = target->who;
    struct connection_way way = {.hostname = route->helo,
                                 .ours = route->ours,
                                 .requiretls = hop->asked == ASKED_REQUIRED,
                                 .source4 = route->source4,
                                 .source6 = route->source6,
                                 .context = hop->delivery->loaded->tls};
    lane->policy = policy_decide(&facts);
    if (route->login.user) {
        way.login = &route->login;
        want_proof(&lane->policy);
    }
    way.tls = lane->policy.tls;
    way.proof = (struct proof_wanted){.kind = lane->policy.proof,
                                      .otherwise = lane->policy.otherwise,
                                      .required = lane->policy.required,
                                      .name = name_of(route, &facts, who),
                                      .domain = hop_is_by_mx(hop) ? hop->text : NULL,
                                      .tlsa = facts.tlsa,
                                      .name_proved = who == NULL || who->secure ||
                                                     (who->sts != STS_NONE && who->listed)};
    return way;
}

static int open_connection(struct lane *lane, struct err *err)
{
    const struct delivery *delivery = lane->hop->delivery;
    const struct conf *conf = delivery->conf;
    const struct connection_limits limits = {.connect = conf->queue.connect_timeout,
                                             .reply = conf->queue.reply_timeout,
                                             .final = 2 * conf->queue.reply_timeout,
                                             .message = DELIVERY_MESSAGE_MAX,
                                             .idle = DELIVERY_IDLE_SECONDS};
    const struct connection_hooks hooks = {.ready = on_ready,
                                           .result = on_result,
                                           .done = on_done,
                                           .returned = on_returned,
                                           .tls_failed = on_tls_failed,
                                           .closed = on_closed,
                                           .data = lane};
    const struct target *target = &lane->targets->list[lane->at];
    const struct connection_way way = way_to(lane, target);
    lane->tls_failed = false;
    lane->lacks = false;
    lane->began = clock_seconds();
    lane->connection = connection_open(delivery->base, &target->place, &way, &limits, &hooks, err);
    return lane->connection ? 0 : -1;
}

/* Which one it was, behind the status code of what it says. */
static void name_server(struct err *err, const char *text)
{
    static const char *const codes[] = {TLS_STATUS, LACK_STATUS, SILENT_STATUS};
    const char *code = "";
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (str_starts(str_of(err->text), str_of(codes[i])))
            code = codes[i];
    size_t n = strlen(code);
    memmove(err->text, err->text + n, strlen(err->text + n) + 1);
    err_prefix(err, "%s%s", code, text);
}

/* err says why the one before failed, if there was one; -1: there is none left, and err says why
 * the last failed. */
static int next_server(struct lane *lane, struct err *err)
{
    struct delivery *delivery = lane->hop->delivery;
    for (;;) {
        int64_t now = clock_seconds();
        size_t n = lane->targets->n;
        if (lane->again) {
            lane->again = false;
            lane->tried &= ~((uint64_t)1 << lane->at);
            log_info("%s: %s; from here on in clear", lane->targets->list[lane->at].place.text,
                     err->text);
        } else if (lane->tried) {
            struct target *failed = &lane->targets->list[lane->at];
            target_failed(failed, now, hop_pause(lane->hop, failed->failures + 1));
            if (n > 1) {
                log_info("%s: %s", failed->place.text, err->text);
                name_server(err, failed->place.text);
            }
        }
        size_t next = targets_next(lane->targets, lane->tried, now);
        if (next == TARGET_NONE || now >= lane->walk_until || delivery->draining)
            return -1;
        struct target *target = &lane->targets->list[next];
        lane->at = next;
        lane->tried |= (uint64_t)1 << next;
        target_begin(target, now, hop_pause(lane->hop, target->failures));
        if (open_connection(lane, err) == 0)
            return 0;
    }
}

static int open_server(struct hop *hop, struct err *err)
{
    struct lane *lane = lane_new(hop);
    err_set(err, "there is no server");
    if (lane == NULL)
        return err_set(err, "out of memory for a connection");
    lane->targets = targets_hold(hop->targets);
    lane->walk_until = clock_seconds() + DELIVERY_WALK_SECONDS;
    if (next_server(lane, err) == 0)
        return 0;
    lane_free(lane);
    return -1;
}

bool lane_offer(struct hop *hop)
{
    struct lane *lane = hop->lanes;
    while (lane && (lane->connection == NULL || !connection_is_idle(lane->connection)))
        lane = lane->behind;
    struct leg *leg = lane ? hop_take(hop) : NULL;
    if (leg)
        send_leg(lane, leg);
    return leg != NULL;
}

bool lanes_greeted(const struct hop *hop)
{
    for (const struct lane *lane = hop->lanes; lane; lane = lane->behind)
        if (lane->greeted)
            return true;
    return false;
}

/* No more lanes are opened than there are legs to be taken. */
bool lane_wanted(const struct hop *hop)
{
    size_t opening = 0;
    for (const struct lane *lane = hop->lanes; lane; lane = lane->behind)
        opening += lane->connection && !lane->greeted;
    return hop->line.n > opening;
}

/* --- threads --- */

static enum client_outcome deliver_maildir(const struct lane *lane, uint32_t index,
                                           char text[CLIENT_TEXT_MAX + 1])
{
    const struct conf *conf = lane->hop->delivery->conf;
    const char *pattern = lane->hop->route->servers->items[0].path;
    enum client_outcome outcome = CLIENT_DELIVERED;
    char path[MAILDIR_PATH_MAX];
    struct err err = {""};
    if (maildir_path(pattern, lane->file->envelope.recipients[index].address, path, &err) < 0)
        outcome = CLIENT_REFUSED;
    else if (maildir_deliver(pattern, conf->hostname, lane->file, index, &err) < 0)
        outcome = CLIENT_DEFERRED;
    snprintf(text, CLIENT_TEXT_MAX + 1, "%.*s", CLIENT_TEXT_MAX,
             outcome == CLIENT_DELIVERED ? "saved" : err.text);
    return outcome;
}

static void run_leg(struct work *work)
{
    struct lane *lane = (struct lane *)((char *)work - offsetof(struct lane, work));
    const struct hop *hop = lane->hop;
    for (size_t i = 0; i < lane->leg->n; i++) {
        uint32_t index = lane->leg->owed[i];
        char *text = lane->results[i].text;
        lane->results[i].outcome = hop->kind == HOP_REPORTS
                                       ? report_hand_over(hop->delivery, lane->file, index, text)
                                       : deliver_maildir(lane, index, text);
    }
}

static void leg_has_run(struct work *work)
{
    struct lane *lane = (struct lane *)((char *)work - offsetof(struct lane, work));
    struct hop *hop = lane->hop;
    struct leg *leg = lane->leg;
    for (size_t i = 0; i < leg->n; i++)
        leg_result(leg, i, lane->results[i].outcome, str_of(lane->results[i].text));
    lane_free(lane);
    leg_done(leg);
    hop_thread_free(hop);
    hop_kick(hop);
}

static int open_thread(struct hop *hop, struct err *err)
{
    struct leg *leg = hop_take(hop);
    if (leg == NULL)
        return 0;
    struct lane *lane = lane_new(hop);
    if (lane)
        lane->results = calloc(leg->n, sizeof *lane->results);
    if (lane == NULL || lane->results == NULL) {
        if (lane)
            lane_free(lane);
        leg_fail(leg, "out of memory");
        return 0;
    }
    lane->leg = leg;
    lane->file = leg->job->loaded->file;
    lane->work = (struct work){.run = run_leg, .done = leg_has_run};
    workers_give(hop->delivery->workers, &lane->work);
    return 0;
}

/* --- both --- */

int lane_open(struct hop *hop, struct err *err)
{
    bool thread = hop->kind == HOP_MAILDIR || hop->kind == HOP_REPORTS;
    return thread ? open_thread(hop, err) : open_server(hop, err);
}

bool lanes_busy(const struct hop *hop)
{
    for (const struct lane *lane = hop->lanes; lane; lane = lane->behind)
        if (lane->leg)
            return true;
    return false;
}

static void lane_close(struct lane *lane, const char *why)
{
    connection_close(&lane->connection, why);
    lane_free(lane);
}

void lanes_close_kept(struct hop *hop, const char *why)
{
    for (struct lane *lane = hop->lanes, *next; lane; lane = next) {
        next = lane->behind;
        if (lane->connection && connection_is_idle(lane->connection))
            lane_close(lane, why);
    }
}

void lanes_close_silent(struct hop *hop, int64_t before)
{
    struct err why;
    for (struct lane *lane = hop->lanes, *next; lane; lane = next) {
        next = lane->behind;
        if (lane->connection == NULL || lane->greeted || lane->began > before)
            continue;
        err_set(&why, SILENT_STATUS "no answer for %u seconds, and others wait for a connection",
                (unsigned)(clock_seconds() - lane->began));
        connection_close(&lane->connection, why.text);
        if (next_server(lane, &why) == 0)
            continue;
        lane_free(lane);
        hop_failed(hop, why.text);
    }
}

void lanes_close(struct hop *hop, bool idle_only, const char *why)
{
    for (struct lane *lane = hop->lanes, *next; lane; lane = next) {
        next = lane->behind;
        /* a thread can't be called back: workers_stop() waits for it */
        if (lane->connection == NULL || (idle_only && lane->leg))
            continue;
        lane_close(lane, why);
    }
}
