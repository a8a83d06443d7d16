/* The journal's program and its client: what is acknowledged survives, whatever happens. */
#include "t/unit/tap.h"

#include <ftw.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "journal/client.h"
#include "journal/query.h"
#include "journal/time_id.h"
#include "t/unit/role_process.h"

#define UID_FIRST   40400
#define UID_JOURNAL (UID_FIRST + 7) /* its place in role_names */
#define KEPT_MAX    (16 * 1024 * 1024)

struct fixture {
    char folder[64];
    char socket[96];
    char journal_folder[96];
    char settings[512];
    struct role_process process;
    struct journal_client *client;
    int fd;
    bool writing;
    uint64_t acked;
    uint64_t put;
    struct journal *journal;
    struct pool *pool;
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static bool interest(void *data, int fd, bool writing)
{
    struct fixture *f = data;
    f->fd = fd;
    f->writing = writing;
    return true;
}

static void acked(void *data, uint64_t number)
{
    struct fixture *f = data;
    f->acked = number;
}

static void start(struct fixture *f)
{
    assert_true(role_process_start(&f->process));
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    const struct journal_client_hooks hooks = {interest, acked, f};
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-gwj-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(chmod(f->folder, 0755), 0);
    snprintf(f->journal_folder, sizeof f->journal_folder, "%s/journal", f->folder);
    assert_int_equal(mkdir(f->journal_folder, 0770), 0);
    if (getuid() == 0)
        assert_int_equal(chown(f->journal_folder, UID_JOURNAL, UID_FIRST), 0);
    assert_true(ipc_path(f->folder, "journal", f->socket, sizeof f->socket));
    snprintf(f->settings, sizeof f->settings,
             "hostname = mx.example\nstate_dir = %s\nrun_dir = %s\nuid_first = %d\n"
             "domain univ.example { next_hop = lmtp://192.0.2.10:24 }\n",
             f->folder, f->folder, UID_FIRST);
    f->process = (struct role_process){.program = PROGRAMS "/poterne-journal",
                                       .settings = f->settings,
                                       .ctl_fd = -1,
                                       .service_fd = ipc_listen(f->socket, 0660, &err)};
    assert_true(f->process.service_fd >= 0);
    f->pool = pool_new(256 * 1024 * 1024);
    f->client = journal_client_new(f->socket, KEPT_MAX, &hooks, &err);
    assert_non_null(f->client);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    role_process_kill(&f->process);
    journal_client_free(&f->client);
    journal_close(&f->journal);
    pool_free(&f->pool);
    close(f->process.service_fd);
    nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

/* One turn of the client's loop. */
static void turn(struct fixture *f, int timeout_ms)
{
    struct pollfd p = {.fd = f->fd, .events = (short)(POLLIN | (f->writing ? POLLOUT : 0))};
    poll(&p, 1, timeout_ms);
    if (p.revents & POLLOUT)
        journal_client_on_writable(f->client);
    if (p.revents & ~POLLOUT)
        journal_client_on_readable(f->client);
    if (f->fd < 0)
        journal_client_tick(f->client);
}

static void put(struct fixture *f)
{
    char id[32], now[TIME_ID_SIZE];
    struct event_message event = {.id = STR_EMPTY, .sender = STR("a@b.example")};
    snprintf(id, sizeof id, "%.*s%016u", STR_ARG(time_id((int64_t)time(NULL) * 1000000, now)),
             (unsigned)f->put);
    event.id = str_of(id);
    if (journal_client_message(f->client, &event))
        f->put++;
}

static void settle(struct fixture *f)
{
    for (unsigned i = 0; i < 2000 && journal_client_waiting(f->client); i++)
        turn(f, 10);
    assert_int_equal(journal_client_waiting(f->client), 0);
}

static uint64_t messages(struct fixture *f)
{
    struct err err = {""};
    struct journal_totals totals;
    if (f->journal == NULL)
        f->journal = journal_open(f->journal_folder, &err);
    if (f->journal == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->journal);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    return totals.messages;
}

static void acknowledged_is_committed(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (unsigned i = 0; i < 1200; i++)
        put(f);
    settle(f);
    assert_int_equal(f->put, 1200);
    assert_int_equal(f->acked, 1200);
    assert_int_equal(messages(f), 1200);
    assert_int_equal(role_process_drain(&f->process), 0);
    assert_int_equal(messages(f), 1200);
}

/* Killed again and again: nothing that was acknowledged is missing, all comes in the end, once. */
static void killed_at_any_time_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < 6; round++) {
        start(f);
        for (unsigned i = 0; i < 400; i++) {
            put(f);
            turn(f, 0);
        }
        for (unsigned i = 0; i < round * 3; i++)
            turn(f, 5);
        uint64_t promised = f->acked;
        assert_int_equal(role_process_kill(&f->process), 1000 + SIGKILL);
        if (promised)
            assert_true(messages(f) >= promised);
    }
    start(f);
    settle(f);
    assert_int_equal(f->put, 2400);
    assert_int_equal(messages(f), 2400);
}

static void drained_it_takes_what_was_sent(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (unsigned i = 0; i < 100; i++)
        put(f);
    assert_int_equal(role_process_drain(&f->process), 0);
    assert_int_equal(messages(f), 100);
}

static void rubbish_is_acknowledged_and_passed_over(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf reply = BUF_INIT(IPC_MSG_MAX);
    uint64_t number = 0;
    start(f);
    int fd = ipc_connect(f->socket, &err);
    assert_true(fd >= 0);
    assert_int_equal(ipc_send(fd, STR("\x05\0\0\0\0\0\0\0\x09rubbish"), NULL, &err), 1);
    assert_int_equal(ipc_wait(fd, false, ROLE_WAIT_MS, &err), 1);
    assert_int_equal(ipc_recv(fd, &reply, NULL, &err), 1);
    assert_true(event_ack_get(buf_str(&reply), &number));
    assert_int_equal(number, 5);
    close(fd);
    buf_release(&reply);
    put(f);
    settle(f);
    assert_int_equal(messages(f), 1);
}

/* More connections than are served at once: those that are open serve on, the next waits. */
static void too_many_connections_wait(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    int fds[80];
    start(f);
    put(f);
    settle(f);
    for (size_t i = 0; i < 80; i++) {
        fds[i] = ipc_connect(f->socket, &err);
        assert_true(fds[i] >= 0);
    }
    put(f);
    settle(f);
    for (size_t i = 0; i < 80; i++)
        close(fds[i]);
    int fd = ipc_connect(f->socket, &err);
    assert_int_equal(ipc_send(fd, STR("\x06\0\0\0\0\0\0\0\x09"), NULL, &err), 1);
    assert_int_equal(ipc_wait(fd, false, ROLE_WAIT_MS, &err), 1);
    close(fd);
    assert_int_equal(messages(f), 2);
}

static void unusable_folder_ends_it(void **state)
{
    struct fixture *f = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/journal.sqlite", f->journal_folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(role_process_start(&f->process));
    assert_int_equal(role_process_wait(&f->process), 1);
    assert_int_equal(rmdir(path), 0);
    put(f);
    start(f);
    settle(f);
    assert_int_equal(messages(f), 1);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(acknowledged_is_committed),
        WITH_FOLDER(killed_at_any_time_nothing_is_lost),
        WITH_FOLDER(drained_it_takes_what_was_sent),
        WITH_FOLDER(rubbish_is_acknowledged_and_passed_over),
        WITH_FOLDER(too_many_connections_wait),
        WITH_FOLDER(unusable_folder_ends_it),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
