/* lane: one leg at a time on its way: over a connection that is used again and again, or
 * by a thread: into Maildirs, or to the process `reports`. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/client/connection.h"
#include "gateway/client/maildir.h"
#include "gateway/delivery/delivery.h"

struct lane {
    struct hop *hop;
    struct lane *before, *behind;
    struct leg *leg; /* busy with it */
    struct connection *connection;
    bool greeted;
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
    free(lane->results);
    free(lane);
}

/* --- connections --- */

static void send_leg(struct lane *lane, struct leg *leg)
{
    const struct client_transaction transaction = {.file = leg->job->loaded->file,
                                                   .recipients = leg->owed,
                                                   .n = leg->n};
    lane->leg = leg;
    connection_send(lane->connection, &transaction);
}

static void on_ready(void *data)
{
    struct lane *lane = data;
    struct hop *hop = lane->hop;
    bool first = !lane->greeted;
    lane->greeted = true;
    struct leg *leg = hop_take(hop);
    if (leg)
        send_leg(lane, leg);
    if (first)
        hop_works(hop);
}

static void on_result(void *data, size_t i, enum client_outcome outcome, struct str text)
{
    leg_result(((struct lane *)data)->leg, i, outcome, text);
}

static void on_done(void *data)
{
    struct lane *lane = data;
    struct leg *leg = lane->leg;
    lane->leg = NULL;
    leg_done(leg);
}

static void on_returned(void *data)
{
    struct lane *lane = data;
    struct leg *leg = lane->leg;
    lane->leg = NULL;
    leg_return(leg);
}

static void on_closed(void *data, bool greeted, const char *why)
{
    struct lane *lane = data;
    struct hop *hop = lane->hop;
    lane->connection = NULL;
    lane_free(lane);
    log_debug("%s: connection closed: %s", hop->conf->text, why);
    if (!greeted)
        hop_failed(hop, why);
    hop_kick(hop);
}

static int open_connection(struct hop *hop, struct err *err)
{
    const struct conf *conf = hop->delivery->conf;
    const struct connection_limits limits = {.connect = conf->queue.connect_timeout,
                                             .reply = conf->queue.reply_timeout,
                                             .final = 2 * conf->queue.reply_timeout,
                                             .message = DELIVERY_MESSAGE_MAX,
                                             .idle = DELIVERY_IDLE_SECONDS};
    struct lane *lane = lane_new(hop);
    if (lane == NULL)
        return err_set(err, "out of memory for a connection");
    const struct connection_hooks hooks = {.ready = on_ready,
                                           .result = on_result,
                                           .done = on_done,
                                           .returned = on_returned,
                                           .closed = on_closed,
                                           .data = lane};
    lane->connection =
        connection_open(hop->delivery->base, hop->conf, conf->hostname, &limits, &hooks, err);
    if (lane->connection)
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
    unsigned opening = 0;
    const struct leg *leg = hop->first;
    for (const struct lane *lane = hop->lanes; lane; lane = lane->behind)
        opening += lane->connection && !lane->greeted;
    for (unsigned i = 0; leg && i < opening; i++)
        leg = leg->next;
    return leg != NULL;
}

/* --- threads --- */

static enum client_outcome deliver_maildir(const struct lane *lane, uint32_t index,
                                           char text[CLIENT_TEXT_MAX + 1])
{
    const struct conf *conf = lane->hop->delivery->conf;
    const char *pattern = lane->hop->conf->path;
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
        lane->results[i].outcome = hop->conf->kind == HOP_REPORTS
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
    bool thread = hop->conf->kind == HOP_MAILDIR || hop->conf->kind == HOP_REPORTS;
    return thread ? open_thread(hop, err) : open_connection(hop, err);
}

bool lanes_busy(const struct hop *hop)
{
    for (const struct lane *lane = hop->lanes; lane; lane = lane->behind)
        if (lane->leg)
            return true;
    return false;
}

void lanes_close(struct hop *hop, bool idle_only, const char *why)
{
    for (struct lane *lane = hop->lanes, *next; lane; lane = next) {
        next = lane->behind;
        /* a thread can't be called back: workers_stop() waits for it */
        if (lane->connection == NULL || (idle_only && lane->leg))
            continue;
        connection_close(&lane->connection, why);
        lane_free(lane);
    }
}
