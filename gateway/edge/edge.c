/* edge: SMTP from the world to the spool. See edge.h. */
#include "gateway/edge/edge.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "base/algorithms.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/edge/digest.h"
#include "gateway/loop.h"
#include "gateway/tls.h"
#include "reports/signature.h"

#define DRAIN_TIME    40 /* seconds for messages under way; poterned kills after 60 */
#define DRAIN_LAST    10 /* seconds more for their last words */
#define DRAIN_JOURNAL 5  /* seconds more for the journal to take the last refusals */
#define LINK_WAITING  (1024 * 1024)
/* The file, its reading end, three scanners, the resolver; each session has one more. */
#define FDS_A_MESSAGE    6
#define FDS_OTHER        64
#define FDS_MESSAGES     2000 /* messages under way at once that we plan for */
#define DAY              86400
#define CERTIFICATE_DAYS 10 /* ACME clients renew a month before the end */

/* --- before the sandbox --- */

/* As many sessions as settings want and descriptors allow. Where these are few, two of three are
 * for sessions: most of them wait for their client, and a message that finds no descriptor is
 * deferred. */
static void plan_descriptors(struct edge *edge)
{
    const size_t others = FDS_OTHER + (size_t)FDS_A_MESSAGE * FDS_MESSAGES;
    size_t wanted = edge->conf->smtp.sessions_limit;
    struct rlimit files;
    edge->sessions_max = wanted;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    rlim_t need = wanted + others;
    if (files.rlim_cur < need) {
        files.rlim_cur = need < files.rlim_max ? need : files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= need)
        return;
    size_t share = files.rlim_cur / 3 * 2;
    size_t left = files.rlim_cur > others ? files.rlim_cur - others : 0;
    size_t most = left > share ? left : share;
    if (most >= wanted)
        return;
    edge->sessions_max = most;
    log_warning("only %llu open files are allowed: %zu sessions instead of %zu",
                (unsigned long long)files.rlim_cur, edge->sessions_max, wanted);
}

/*
 * What is left in incoming/ after a crash goes, but only when no other edge lives (a reload runs
 * two for a while): each holds a shared lock on the folder.
 */
static int recover_incoming(struct edge *edge, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, edge->conf->state_dir, "incoming", err) < 0)
        return -1;
    edge->incoming_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (edge->incoming_fd < 0)
        return err_sys(err, "cannot open %s", path);
    if (flock(edge->incoming_fd, LOCK_EX | LOCK_NB) == 0) {
        int removed = spool_recover(edge->spool, err);
        if (removed < 0)
            return -1;
        if (removed > 0)
            log_info("%d messages that were being received before a crash are removed", removed);
    }
    if (flock(edge->incoming_fd, LOCK_SH) < 0)
        return err_sys(err, "cannot lock %s", path);
    return 0;
}

static void unload(void *data)
{
    struct edge *edge = data;
    if (edge == NULL)
        return;
    if (edge->base)
        event_base_free(edge->base);
    spool_close(&edge->spool);
    fsio_close_quiet(&edge->incoming_fd);
    fsio_close_quiet(&edge->spare_fd);
    room_close(&edge->room);
    SSL_CTX_free(edge->tls);
    keys_wipe(&edge->keys);
    explicit_bzero(&edge->srs, sizeof edge->srs);
    clients_free(&edge->clients);
    networks_free(&edge->proxy_from);
    networks_free(&edge->inside);
    networks_free(&edge->xclient_from);
    classes_free(&edge->classes);
    limits_close(&edge->limits);
    senders_close(&edge->senders);
    guesses_close(&edge->guesses);
    gate_table_close(&edge->harvest);
    gate_table_close(&edge->waited);
    greylist_close(&edge->greylist);
    free(edge->block);
    free(edge);
}

/* Mail comes first: without a key, reports are matched by the journal alone. */
static int load_keys(struct edge *edge, struct err *err)
{
    struct err why = {""};
    if (keys_read(edge->conf->state_dir, &edge->keys, &why) < 0)
        log_error("%s; X-Poterne-Id is not signed, and bounces of redirected mail go to postmaster",
                  why.text);
    for (size_t i = 0; i < edge->keys.n; i++)
        if (srs_key_add(&edge->srs, edge->keys.bytes[i], KEY_SIZE, err) < 0)
            return -1;
    unsigned held = conf_quarantine_longest(edge->conf);
    edge->srs.held_days = held ? (held + DAY - 1) / DAY : SRS_DAYS_MAX;
    return signature_load(err);
}

/* What is not switched on needs no table. */
static int load_memory(struct edge *edge, struct err *err)
{
    const struct conf *conf = edge->conf;
    edge->harvest = gate_table_open(conf->state_dir, HARVEST_TABLE, HARVEST_ENTRIES, err);
    if (edge->harvest == NULL)
        return -1;
    if (conf->gate.early_talker) {
        edge->waited = gate_table_open(conf->state_dir, WAITED_TABLE, WAITED_ENTRIES, err);
        if (edge->waited == NULL)
            return -1;
    }
    return conf->gate.greylist ? greylist_open(&edge->greylist, conf->state_dir, err) : 0;
}

static int load_gate(struct edge *edge, struct err *err)
{
    const struct conf_gate *conf = &edge->conf->gate;
    if (networks_load(&conf->proxy_from, &edge->proxy_from, err) < 0 ||
        networks_load(&conf->xclient_from, &edge->xclient_from, err) < 0 ||
        networks_load(&conf->inside, &edge->inside, err) < 0 ||
        classes_load(conf, &edge->classes, err) < 0 ||
        limits_open(&edge->limits, edge->conf, err) < 0)
        return -1;
    if (conf_takes_logins(edge->conf) && guesses_open(&edge->guesses, edge->conf, err) < 0)
        return -1;
    return load_memory(edge, err);
}

static int load_parts(struct edge *edge, struct err *err)
{
    const struct conf *conf = edge->conf;
    post_postmaster(conf, edge->postmaster, sizeof edge->postmaster);
    plan_descriptors(edge);
    edge->spool = spool_open(conf->state_dir, err);
    edge->senders = edge->spool ? senders_open(conf->state_dir, err) : NULL;
    if (edge->senders == NULL || freeze_recover(edge->senders, edge->spool, err) < 0 ||
        recover_incoming(edge, err) < 0)
        return -1;
    if (algorithms_load(err) < 0 || tls_load(&conf->smtp, &edge->tls, err) < 0 ||
        load_keys(edge, err) < 0)
        return -1;
    edge->smtp =
        (struct smtp_config){conf, &session_ops, edge->postmaster, edge->tls != NULL, false};
    edge->submission = edge->smtp;
    edge->submission.submission = true;
    if (load_gate(edge, err) < 0)
        return -1;
    edge->clients = clients_new();
    edge->block = malloc(SMTP_BLOCK_MAX);
    edge->base = event_base_new();
    if (edge->clients == NULL || edge->block == NULL || edge->base == NULL)
        return err_set(err, "out of memory");
    return 0;
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (edge == NULL)
        return err_set(err, "out of memory");
    edge->env = env;
    edge->conf = env->conf;
    edge->incoming_fd = -1;
    edge->spare_fd = -1;
    room_open(&edge->room, edge->conf);
    /* the commit threads need no arena each: they hold little, for a moment */
    mallopt(M_ARENA_MAX, 2);
    if (load_parts(edge, err) < 0) {
        unload(edge);
        return -1;
    }
    *data = edge;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    static const char *const folders[] = {"incoming", "queue", "quarantine", "corrupt",
                                          SENDERS_FOLDER};
    box->allow = SANDBOX_FILES | SANDBOX_THREADS | SANDBOX_ACCEPT | SANDBOX_UNIX_CONNECT;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        sandbox_path_in(box, env->conf->state_dir, folders[i], SANDBOX_WRITE);
}

/* --- serving --- */

static void begin_drain(struct edge *edge)
{
    if (edge->draining)
        return;
    log_info("draining: %zu sessions, %zu messages", edge->n_sessions, edge->n_messages);
    edge->draining = true;
    edge->drain_end = edge->now + DRAIN_TIME;
    event_del(&edge->ctl);
    accept_stop(edge);
    sessions_drain(edge);
}

static void tend_drain(struct edge *edge)
{
    bool late = edge->now > edge->drain_end + DRAIN_LAST;
    if (late)
        sessions_close(edge);
    if (edge->n_sessions > 0 || (edge->n_messages > 0 && !late))
        return;
    if (edge->emptied == 0)
        edge->emptied = edge->now;
    if (edge_journal_waiting(edge->journal) == 0 || edge->now > edge->emptied + DRAIN_JOURNAL)
        event_base_loopbreak(edge->base);
}

static void watch_certificate(struct edge *edge)
{
    if (edge->tls == NULL || edge->now < edge->certificate_look)
        return;
    edge->certificate_look = edge->now + DAY;
    int days = tls_days_left(edge->tls);
    const char *path = edge->conf->smtp.tls_certificate;
    if (days < 0)
        log_error("%s has expired: servers that check it send no mail any more; renew it", path);
    else if (days < CERTIFICATE_DAYS)
        log_warning("%s expires in %d days: see why it was not renewed", path, days);
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
    struct edge *edge = data;
    edge->now = clock_seconds();
    room_look(&edge->room, edge->spool, edge->conf);
    accept_tick(edge);
    recipients_tick(edge->recipients);
    if (edge->logins) {
        logins_tick(edge->logins);
        held_logins_tick(edge);
    }
    if (edge->tokens)
        tokens_tick(edge->tokens);
    if (edge->dns) {
        dns_desk_tick(edge->dns);
        lists_tick(edge->lists);
    }
    scanner_tick(edge->scanner);
    committer_tick(edge->committer);
    watch_certificate(edge);
    link_tick(edge->delivery);
    edge_journal_tick(edge->journal);
    sessions_tick(edge);
    if (edge->draining)
        tend_drain(edge);
}

static void on_ctl(evutil_socket_t fd, short what, void *data)
{
    begin_drain(data);
}

static int open_parts(struct edge *edge, struct err *err)
{
    const struct conf *conf = edge->conf;
    const struct link_hooks nothing = {.message = NULL};
    edge->recipients = recipients_open(edge->base, conf->run_dir, session_recipient_answer, err);
    if (edge->recipients == NULL)
        return -1;
    if (conf_takes_logins(conf)) {
        edge->logins = logins_open(edge->base, conf->run_dir, session_login_answer, err);
        if (edge->logins == NULL)
            return -1;
        held_logins_start(edge);
    }
    if (edge->logins && conf->oauth.introspection[0]) {
        edge->tokens = tokens_open(edge->base, conf, session_token_answer, err);
        if (edge->tokens == NULL)
            return -1;
    }
    if (conf->resolver.enabled) {
        edge->dns = dns_desk_open(edge->base, conf->run_dir, err);
        edge->lists = edge->dns ? lists_open(conf, edge->dns) : NULL;
        if (edge->lists == NULL)
            return err_set(err, "the resolver can't be asked: out of memory");
    }
    edge->scanner = scanner_open(edge->base, conf, err);
    if (edge->scanner == NULL)
        return -1;
    edge->committer = committer_open(edge->base, conf->smtp.commit_threads, err);
    if (edge->committer == NULL)
        return -1;
    edge->delivery = link_new(edge->base, conf->run_dir, "delivery", LINK_WAITING, &nothing, err);
    if (edge->delivery == NULL)
        return -1;
    edge->journal = edge_journal_open(edge->base, conf->run_dir, err);
    return edge->journal ? 0 : -1;
}

static void close_parts(struct edge *edge)
{
    sessions_close(edge);
    if (edge->logins)
        event_del(&edge->held_logins.turn);
    committer_close(&edge->committer);
    link_free(&edge->delivery);
    edge_journal_close(&edge->journal);
    scanner_close(&edge->scanner);
    recipients_close(&edge->recipients);
    tokens_close(&edge->tokens);
    logins_close(&edge->logins);
    lists_close(&edge->lists);
    dns_desk_close(&edge->dns);
}

static int run(struct edge *edge, int ctl_fd, struct err *err)
{
    const struct timeval second = {.tv_sec = 1};
    room_look(&edge->room, edge->spool, edge->conf);
    event_assign(&edge->tick, edge->base, -1, EV_PERSIST, on_tick, edge);
    event_assign(&edge->ctl, edge->base, ctl_fd, EV_READ | EV_PERSIST, on_ctl, edge);
    int result = loop_add(&edge->tick, &second, err);
    if (result == 0)
        result = loop_add(&edge->ctl, NULL, err);
    if (result == 0 && event_base_dispatch(edge->base) < 0)
        result = err_sys(err, "the event loop failed");
    event_del(&edge->tick);
    event_del(&edge->ctl);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct edge *edge = data;
    edge->now = clock_seconds();
    int result = open_parts(edge, err);
    if (result == 0)
        result = accept_start(edge, err);
    if (result == 0)
        result = run(edge, env->ctl_fd, err);
    close_parts(edge);
    return result;
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "edge", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
