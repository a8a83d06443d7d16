#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/ipc.h"
#include "base/log.h"
#include "journal/client.h"

/* The journal's side, played by the test. */
struct fixture {
    char folder[64];
    char path[96];
    int listen_fd;
    int fd; /* the accepted connection */
    struct journal_client *client;
    int watched; /* what `interest` said last */
    bool writing;
    bool blind; /* nothing can be watched */
    uint64_t acked;
    struct buf message;
};

static bool interest(void *data, int fd, bool writing)
{
    struct fixture *f = data;
    f->watched = fd;
    f->writing = writing;
    return fd < 0 || !f->blind;
}

static void acked(void *data, uint64_t number)
{
    struct fixture *f = data;
    f->acked = number;
}

static void listen_on(struct fixture *f)
{
    struct err err = {""};
    f->listen_fd = ipc_listen(f->path, 0600, &err);
    assert_true(f->listen_fd >= 0);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-client.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/journal.sock", f->folder);
    f->listen_fd = f->fd = f->watched = -1;
    f->message = BUF_INIT(IPC_MSG_MAX);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    journal_client_free(&f->client);
    fsio_close_quiet(&f->listen_fd);
    fsio_close_quiet(&f->fd);
    buf_release(&f->message);
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static void begin(struct fixture *f, size_t bytes_max)
{
    struct err err = {""};
    const struct journal_client_hooks hooks = {interest, acked, f};
    f->client = journal_client_new(f->path, bytes_max, &hooks, &err);
    assert_non_null(f->client);
}

static uint64_t put(struct fixture *f, const char *id)
{
    struct event_message event = {.id = str_of(id)};
    return journal_client_message(f->client, &event);
}

static void accept_it(struct fixture *f)
{
    struct err err = {""};
    fsio_close_quiet(&f->fd);
    f->fd = ipc_accept(f->listen_fd, &err);
    assert_true(f->fd >= 0);
}

/* The next event that the journal gets, or 0. */
static uint64_t got(struct fixture *f)
{
    struct event event;
    struct err err = {""};
    if (ipc_recv(f->fd, &f->message, NULL, &err) != 1)
        return 0;
    assert_true(event_get(buf_str(&f->message), &event));
    return event.number;
}

static void ack(struct fixture *f, uint64_t number)
{
    struct buf b = BUF_INIT(16);
    struct err err = {""};
    event_ack_put(&b, number);
    assert_int_equal(ipc_send(f->fd, buf_str(&b), NULL, &err), 1);
    buf_release(&b);
    journal_client_on_readable(f->client);
}

static void events_are_sent_and_acknowledged(void **state)
{
    struct fixture *f = *state;
    listen_on(f);
    begin(f, 10000);
    assert_true(f->watched >= 0);
    assert_int_equal(put(f, "A"), 1);
    assert_int_equal(put(f, "B"), 2);
    assert_int_equal(put(f, "C"), 3);
    accept_it(f);
    assert_int_equal(got(f), 1);
    assert_int_equal(got(f), 2);
    assert_int_equal(got(f), 3);
    assert_int_equal(got(f), 0);
    assert_int_equal(journal_client_waiting(f->client), 3);
    ack(f, 2);
    assert_int_equal(f->acked, 2);
    assert_int_equal(journal_client_waiting(f->client), 1);
    ack(f, 3);
    assert_int_equal(journal_client_waiting(f->client), 0);
    ack(f, 3);
    assert_int_equal(journal_client_waiting(f->client), 0);
}

static void who_can_not_be_watched_is_let_go(void **state)
{
    struct fixture *f = *state;
    listen_on(f);
    f->blind = true;
    begin(f, 10000);
    assert_int_equal(f->watched, -1);
    assert_int_equal(put(f, "A"), 1);
    journal_client_tick(f->client);
    assert_int_equal(f->watched, -1);
    f->blind = false;
    journal_client_tick(f->client);
    assert_true(f->watched >= 0);
    for (int i = 0; i < 3; i++) /* the two that were let go came first */
        accept_it(f);
    assert_int_equal(got(f), 1);
    ack(f, 1);
    assert_int_equal(journal_client_waiting(f->client), 0);
}

static void journal_may_come_later(void **state)
{
    struct fixture *f = *state;
    begin(f, 10000);
    assert_int_equal(f->watched, -1);
    assert_int_equal(put(f, "A"), 1);
    journal_client_tick(f->client);
    listen_on(f);
    journal_client_tick(f->client);
    assert_true(f->watched >= 0);
    accept_it(f);
    assert_int_equal(got(f), 1);
}

static void unacknowledged_is_sent_again(void **state)
{
    struct fixture *f = *state;
    listen_on(f);
    begin(f, 10000);
    put(f, "A");
    put(f, "B");
    accept_it(f);
    assert_int_equal(got(f), 1);
    ack(f, 1);
    fsio_close_quiet(&f->fd);
    journal_client_on_readable(f->client);
    assert_int_equal(f->watched, -1);
    assert_int_equal(put(f, "C"), 3);
    journal_client_tick(f->client);
    accept_it(f);
    assert_int_equal(got(f), 2);
    assert_int_equal(got(f), 3);
    ack(f, 3);
    assert_int_equal(journal_client_waiting(f->client), 0);
}

static void full_is_told(void **state)
{
    struct fixture *f = *state;
    begin(f, 1000);
    uint64_t last = 0, number;
    while ((number = put(f, "A")) != 0)
        last = number;
    assert_true(last > 3 && last < 12);
    assert_int_equal(journal_client_lost(f->client), 1);
    assert_int_equal(put(f, "B"), 0);
    assert_int_equal(journal_client_lost(f->client), 2);
    listen_on(f);
    journal_client_tick(f->client);
    accept_it(f);
    for (uint64_t i = 1; i <= last; i++)
        assert_int_equal(got(f), i);
    ack(f, last);
    assert_int_equal(put(f, "C"), last + 1);
}

/* Strangers make refusals: what is told of mail has room beside any number of them. */
static void refusals_push_nothing_out(void **state)
{
    struct fixture *f = *state;
    const struct event_refused refused = {.session = STR("S"), .stage = STR("rcpt")};
    begin(f, 4000);
    uint64_t last = 0, number;
    while ((number = journal_client_refused(f->client, &refused)) != 0)
        last = number;
    assert_true(last > 3);
    assert_int_equal(journal_client_lost(f->client), 1);
    for (uint64_t i = last + 1; i < last + 7; i++)
        assert_int_equal(put(f, "A"), i);
    /* more than half of it is mail's */
    assert_int_equal(journal_client_refused(f->client, &refused), 0);
    assert_int_equal(put(f, "A"), last + 7);
}

/* A journal that does not read: the socket fills, the rest goes when there is room. */
static void slow_journal_gets_everything(void **state)
{
    struct fixture *f = *state;
    enum { N = 3000 };
    listen_on(f);
    begin(f, JOURNAL_CLIENT_BYTES_DEFAULT);
    accept_it(f);
    for (uint64_t i = 1; i <= N; i++)
        assert_int_equal(put(f, "A"), i);
    assert_true(f->writing);
    for (uint64_t i = 1; i <= N; i++) {
        uint64_t number = got(f);
        if (number == 0) {
            assert_true(f->writing);
            journal_client_on_writable(f->client);
            number = got(f);
        }
        assert_int_equal(number, i);
    }
    journal_client_on_writable(f->client);
    assert_false(f->writing);
    ack(f, N);
    assert_int_equal(journal_client_waiting(f->client), 0);
}

/* An acknowledgement of what was not sent yet is not believed. */
static void strange_answers_do_no_harm(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    listen_on(f);
    begin(f, JOURNAL_CLIENT_BYTES_DEFAULT);
    accept_it(f);
    for (unsigned i = 0; i < 3000; i++)
        put(f, "A");
    ack(f, UINT64_MAX);
    assert_true(journal_client_waiting(f->client) > 0);
    assert_int_equal(ipc_send(f->fd, STR("rubbish"), NULL, &err), 1);
    journal_client_on_readable(f->client);
    assert_int_equal(f->watched, -1);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(events_are_sent_and_acknowledged),
        WITH_FOLDER(who_can_not_be_watched_is_let_go),
        WITH_FOLDER(journal_may_come_later),
        WITH_FOLDER(unacknowledged_is_sent_again),
        WITH_FOLDER(full_is_told),
        WITH_FOLDER(refusals_push_nothing_out),
        WITH_FOLDER(slow_journal_gets_everything),
        WITH_FOLDER(strange_answers_do_no_harm),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
