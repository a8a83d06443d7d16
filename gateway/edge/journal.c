#include "gateway/edge/journal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ipc.h"
#include "base/log.h"
#include "gateway/edge/watch.h"
#include "journal/client.h"

#define KEPT_MAX  (8 * 1024 * 1024)
#define PATH_SIZE 128

struct edge_journal {
    struct journal_client *client;
    struct watch *watch;
};

static void on_readable(void *data)
{
    const struct edge_journal *j = data;
    journal_client_on_readable(j->client);
}

static void on_writable(void *data)
{
    const struct edge_journal *j = data;
    journal_client_on_writable(j->client);
}

static bool interest(void *data, int fd, bool writing)
{
    const struct edge_journal *j = data;
    return watch_set(j->watch, fd, writing);
}

struct edge_journal *edge_journal_open(struct event_base *base, const char *run_dir,
                                       struct err *err)
{
    char path[PATH_SIZE];
    struct edge_journal *j = calloc(1, sizeof *j);
    if (j)
        j->watch = watch_new(base, on_readable, on_writable, j);
    if (j == NULL || j->watch == NULL) {
        free(j);
        err_set(err, "out of memory");
        return NULL;
    }
    struct journal_client_hooks hooks = {.interest = interest, .data = j};
    if (!ipc_path(run_dir, "journal", path, sizeof path))
        err_set(err, "run_dir %s is too long for a socket's path", run_dir);
    else
        j->client = journal_client_new(path, KEPT_MAX, &hooks, err);
    if (j->client == NULL)
        edge_journal_close(&j);
    return j;
}

static void log_lost(const struct journal_client *client)
{
    size_t waiting = journal_client_waiting(client);
    uint64_t lost = journal_client_lost(client);
    if (waiting || lost)
        log_warning("the journal did not acknowledge %zu events, and %llu found no room: it may "
                    "not know of them",
                    waiting, (unsigned long long)lost);
}

void edge_journal_close(struct edge_journal **journal)
{
    struct edge_journal *j = *journal;
    if (j == NULL)
        return;
    if (j->client)
        log_lost(j->client);
    watch_free(&j->watch);
    journal_client_free(&j->client);
    free(j);
    *journal = NULL;
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void edge_journal_refused(struct edge_journal *journal, const struct edge_refused *refused)
{
    const struct smtp_refusal *refusal = refused->refusal;
    struct event_refused event = {
        .time_us = now_us(),
        .id = refused->id,
        .session = refused->session,
        .client_ip = refused->ip,
        .helo = refused->helo,
        .sender = refusal->sender,
        .recipient = refusal->recipient,
        .stage = str_of(refusal->stage),
        .code = refusal->reply->code,
        .enhanced = str_of(refusal->reply->enhanced),
        .text = refusal->text,
        .evidence = refused->evidence,
    };
    journal_client_refused(journal->client, &event);
}

void edge_journal_accepted(struct edge_journal *journal, const struct envelope *envelope,
                           uint64_t size, bool held)
{
    char room[EVENT_TEXT_MAX];
    size_t n = 0;
    /* whole addresses, as many as fit */
    for (size_t i = 0; i < envelope->n_recipients; i++) {
        struct str address = envelope->recipients[i].address;
        if (address.n + 1 > sizeof room - n)
            break;
        if (i)
            room[n++] = '\n';
        memcpy(room + n, address.s, address.n);
        n += address.n;
    }
    const struct event_accepted event = {.id = envelope->id,
                                         .time_us = now_us(),
                                         .sender = envelope->sender,
                                         .n = (uint32_t)envelope->n_recipients,
                                         .recipients = str_n(room, n),
                                         .size = size,
                                         .held = held};
    journal_client_accepted(journal->client, &event);
}

size_t edge_journal_waiting(const struct edge_journal *journal)
{
    return journal_client_waiting(journal->client);
}

void edge_journal_tick(struct edge_journal *journal)
{
    journal_client_tick(journal->client);
}
