/*
 * poterne-journal: the one writer of the journal (journal/store.h). Events that come over lasting
 * connections are gathered, committed together with one fsync, and then acknowledged: at most
 * BATCH_MAX of them or BATCH_MS late. A failure (a full disk, a damaged file) ends the process:
 * poterned starts it again, and the clients send what was not acknowledged.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/witness.h"
#include "gateway/clients.h"
#include "journal/store.h"

#define BATCH_MAX       500
#define BATCH_MS        50
#define CLIENT_TURN_MAX 64   /* events of one client before the others have their turn */
#define SWEEP_MS        1000 /* also the pace of forgetting */
#define FAILURE_MS      5000 /* until it ends: a full disk is not mended within a second */
#define ORPHAN_MS       3000 /* for the others' last words, where poterned died; … */
#define ORPHAN_ROUND_MS 50   /* … a look whether they have gone, at least */
#define FILES_MAX       256
#define MEMORY_MAX      (2048ull * 1024 * 1024)

struct writer {
    const struct conf_journal *conf;
    struct journal_store *store;
    struct clients clients;
    unsigned batch;    /* events applied and not committed */
    int64_t commit_at; /* monotonic milliseconds, of the batch */
    int64_t sweep_at;
    struct witness witness;
    char folder[PATH_MAX];
};

/* One that can't be understood is lost, and said to be: sent again it would be no better. */
static int apply(struct writer *writer, struct client *client, struct err *err)
{
    struct event event;
    struct str message = buf_str(&writer->clients.message);
    if (event_get(message, &event)) {
        if (journal_store_apply(writer->store, &event, err) < 0)
            return -1;
    } else {
        log_error("a malformed event of %zu bytes (kind %d) is not in the journal", message.n,
                  (int)event.kind);
    }
    client->mark = event.number;
    if (writer->batch++ == 0)
        writer->commit_at = clock_ms() + BATCH_MS;
    return 0;
}

static int acknowledge(struct client *client, struct err *err)
{
    struct buf ack = BUF_INIT(64);
    event_ack_put(&ack, client->mark);
    client->mark = 0;
    int result = buf_ok(&ack) ? 0 : err_set(err, "out of memory");
    if (result == 0)
        clients_send(client, buf_str(&ack));
    buf_release(&ack);
    return result;
}

static int commit(struct writer *writer, struct err *err)
{
    if (writer->batch == 0)
        return 0;
    if (journal_store_commit(writer->store, err) < 0)
        return -1;
    writer->batch = 0;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &writer->clients.list[i];
        if (client->fd >= 0 && client->mark && acknowledge(client, err) < 0)
            return -1;
    }
    return 0;
}

/* Turn by turn, until nobody has more to say or the batch is full: 1 there may be more. */
static int gather(struct writer *writer, struct err *err)
{
    bool any = false;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &writer->clients.list[i];
        for (unsigned n = 0; client->readable && n < CLIENT_TURN_MAX; n++) {
            if (writer->batch >= BATCH_MAX)
                return 1;
            if (clients_receive(&writer->clients, client) != 1)
                break;
            any = true;
            if (apply(writer, client, err) < 0)
                return -1;
        }
    }
    return any;
}

static int sweep(struct writer *writer, struct err *err)
{
    struct err why;
    if (clock_ms() < writer->sweep_at)
        return 0;
    if (commit(writer, err) < 0)
        return -1;
    int64_t now = (int64_t)time(NULL);
    int64_t believed = witness_time(&writer->witness, writer->folder, now, clock_uptime(), &why);
    if (why.text[0])
        log_warning("%s", why.text);
    int rows =
        journal_store_sweep(writer->store, writer->conf, now * 1000000, believed * 1000000, err);
    if (rows > 0)
        log_debug("%d rows are forgotten", rows);
    writer->sweep_at = clock_ms() + SWEEP_MS;
    return rows < 0 ? -1 : 0;
}

static int wait_time(const struct writer *writer)
{
    int64_t until = writer->batch ? writer->commit_at : writer->sweep_at;
    int64_t left = until - clock_ms();
    return left < 0 ? 0 : left > SWEEP_MS ? SWEEP_MS : (int)left;
}

/* 1 go on, 0 drain was asked, -1 err. */
static int writer_round(struct writer *writer, const struct role_env *env, struct err *err)
{
    int more = clients_wait(&writer->clients, env, true, wait_time(writer), err);
    if (more < 0 || gather(writer, err) < 0)
        return -1;
    bool due = writer->batch >= BATCH_MAX || clock_ms() >= writer->commit_at;
    if (due && commit(writer, err) < 0)
        return -1;
    return sweep(writer, err) < 0 ? -1 : more;
}

static bool has_clients(const struct writer *writer)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (writer->clients.list[i].fd >= 0)
            return true;
    return false;
}

/* poterned, which would have asked for the end when all others are gone, has died: they drain now,
 * and what delivery settles takes our word. The next journal begins behind us. */
static int outlast_clients(struct writer *writer, const struct role_env *env, struct err *err)
{
    struct role_env deaf = *env;
    int64_t end = clock_ms() + ORPHAN_MS;
    int more = 1;
    deaf.ctl_fd = -1;
    while (more > 0 && has_clients(writer) && clock_ms() < end) {
        int wait_ms = wait_time(writer);
        more = clients_wait(&writer->clients, &deaf, true,
                            wait_ms < ORPHAN_ROUND_MS ? wait_ms : ORPHAN_ROUND_MS, err);
        if (more > 0 && gather(writer, err) < 0)
            more = -1;
        if (more > 0 && commit(writer, err) < 0)
            more = -1;
    }
    return more < 0 ? -1 : 0;
}

/* What the clients have sent by now is still taken. */
static int finish(struct writer *writer, const struct role_env *env, struct err *err)
{
    int more;
    do {
        if (clients_wait(&writer->clients, env, true, 0, err) < 0)
            return -1;
        more = gather(writer, err);
        if (more < 0 || commit(writer, err) < 0)
            return -1;
    } while (more);
    return 0;
}

/* The clients know at once; poterned after a while. */
static int fail(struct writer *writer, const struct role_env *env)
{
    struct err ignored;
    clients_release(&writer->clients);
    ipc_wait(env->ctl_fd, false, FAILURE_MS, &ignored);
    return -1;
}

/* The journal is opened here and not before the sandbox, because what SQLite creates must belong
 * to the journal's own user. */
static int journal_serve(const struct role_env *env, void *data, struct err *err)
{
    int more = 1;
    (void)data;
    struct writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return err_set(err, "out of memory");
    writer->conf = &env->conf->journal;
    clients_init(&writer->clients);
    if (fsio_join(writer->folder, sizeof writer->folder, env->conf->state_dir, "journal", err) == 0)
        writer->store = journal_store_open(writer->folder, err);
    if (writer->store == NULL)
        more = -1;
    else
        journal_store_count(writer->store, env->conf->reports.dmarc_send,
                            env->conf->reports.tls_send);
    while (more > 0)
        more = writer_round(writer, env, err);
    if (more == 0 && role_is_orphan(env))
        more = outlast_clients(writer, env, err);
    if (more == 0)
        more = finish(writer, env, err);
    if (more < 0)
        more = fail(writer, env);
    journal_store_close(&writer->store);
    clients_release(&writer->clients);
    free(writer);
    return more;
}

static void journal_sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_FILES | SANDBOX_ACCEPT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    sandbox_path_in(box, env->conf->state_dir, "journal", SANDBOX_WRITE);
}

int main(int argc, char **argv)
{
    static const struct role role = {.name = "journal",
                                     .sandbox = journal_sandbox,
                                     .serve = journal_serve};
    return role_main(argc, argv, &role);
}
