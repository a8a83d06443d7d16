/* How a queue is worked off: senders take turns, a next hop that takes connections and no message
 * is left alone, one that puts off every recipient is not. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/notice.h"
#include "t/delivery/fake.h"

#define PATIENCE 60
#define LANES    5
#define BULK     300

static struct fake_hop hop;
static struct fake_journal journal;
static struct gateway gateway;
static char settings[1000];
static char id[SPOOL_ID_LEN + 1];

static int up(void **state)
{
    gateway_make(&gateway);
    memset(&journal, 0, sizeof journal);
    fake_journal_start(&journal, gateway.run_dir);
    return 0;
}

static int down(void **state)
{
    gateway_remove(&gateway);
    fake_journal_stop(&journal);
    free(journal.events);
    fake_hop_stop(&hop);
    return 0;
}

static void use(const char *queue)
{
    fake_hop_start(&hop, FAKE_SMTP, 0);
    snprintf(settings, sizeof settings,
             "queue { connections_limit = %d; connect_timeout = 1s; %s }\n"
             "domain b.example { next_hop = smtp://127.0.0.1:%u }\n",
             LANES, queue, hop.port);
}

static void put(const char *account, const char *subject)
{
    static const char *const to[] = {"one@b.example", NULL};
    gateway.account = account;
    gateway_put(&gateway, subject, to, SPOOL_QUEUE, "", id);
    gateway_notify(&gateway, NOTICE_QUEUED, id);
}

static void flush(void)
{
    struct buf answer = BUF_INIT(200000);
    struct err err;
    const struct notice notice = {.kind = NOTICE_FLUSH, .recipient = NOTICE_EVERYONE};
    assert_int_equal(notice_ask(gateway.run_dir, &notice, &answer, &err), 0);
    buf_release(&answer);
}

/* How many came before the first of that subject. */
static size_t came_before(const char *subject)
{
    size_t n = 0;
    while (n < hop.n && strcmp(hop.messages[n].subject, subject) != 0)
        n++;
    return n;
}

/* All wait for a server that is away; when it is back each sender has his turn. */
static void who_sends_many_delays_nobody(void **state)
{
    use("retry_first = 1h");
    fake_hop_fault(&hop, FAULT_421, STEP_GREETING);
    gateway_start(&gateway, settings);
    for (int i = 0; i < BULK; i++)
        put("bulk@b.example", "bulk");
    put("jean@b.example", "single");
    assert_true(WAIT_FOR(fake_journal_state(&journal, id, 0, NULL, 0) == RCPT_DEFERRED, PATIENCE));
    fake_hop_fault(&hop, FAULT_NONE, STEP_GREETING);
    flush();
    assert_true(WAIT_FOR(hop.n == BULK + 1, PATIENCE));
    size_t before = came_before("single");
    print_message("# %zu of %d came before the single one\n", before, BULK);
    assert_true(before <= 2 * LANES);
    assert_int_equal(gateway_drain(&gateway), 0);
}

static unsigned told(const char *text, const char ids[][SPOOL_ID_LEN + 1], unsigned n)
{
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        char detail[256] = "";
        found += fake_journal_state(&journal, ids[i], 0, detail, sizeof detail) >= 0 &&
                 strstr(detail, text) != NULL;
    }
    return found;
}

#define WAITING 40

/* It greets, and lets message after message break off: one goes from time to time. */
static void one_that_answers_no_message(void **state)
{
    static char ids[WAITING][SPOOL_ID_LEN + 1];
    use("retry_first = 4s; retry_max = 4s; reply_timeout = 1s");
    fake_hop_fault(&hop, FAULT_STALL, STEP_MAIL);
    gateway_start(&gateway, settings);
    for (int i = 0; i < WAITING; i++) {
        put("jean@b.example", "stalled");
        memcpy(ids[i], id, sizeof ids[i]);
    }
    assert_true(
        WAIT_FOR(told("message after message breaks off", ids, WAITING) > WAITING / 2, PATIENCE));
    unsigned connections = hop.connections;
    print_message("# %u connections for %d messages\n", connections, WAITING);
    assert_true(connections < WAITING / 2);
    fake_hop_fault(&hop, FAULT_NONE, STEP_MAIL);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "stalled", NULL), WAITING);
    assert_int_equal(gateway_drain(&gateway), 0);
}

/* Greylisting: each was tried, and says so. */
static void one_that_puts_off_every_recipient(void **state)
{
    static char ids[WAITING][SPOOL_ID_LEN + 1];
    use("retry_first = 1h");
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    gateway_start(&gateway, settings);
    for (int i = 0; i < WAITING; i++) {
        put("jean@b.example", "greylisted");
        memcpy(ids[i], id, sizeof ids[i]);
    }
    assert_true(WAIT_FOR(told("451 4.3.0 not now", ids, WAITING) == WAITING, PATIENCE));
    assert_int_equal(gateway_drain(&gateway), 0);
}

/* spamd does so with everybody: it answers, and each message was tried. */
static void one_that_puts_off_and_closes(void **state)
{
    static char ids[WAITING][SPOOL_ID_LEN + 1];
    use("retry_first = 1h");
    fake_hop_fault(&hop, FAULT_TEMP_CLOSE, STEP_DATA);
    gateway_start(&gateway, settings);
    for (int i = 0; i < WAITING; i++) {
        put("jean@b.example", "spamd");
        memcpy(ids[i], id, sizeof ids[i]);
    }
    assert_true(WAIT_FOR(told("451 4.3.0 not now", ids, WAITING) == WAITING, PATIENCE));
    assert_int_equal(gateway_drain(&gateway), 0);
}

/* Connections that delivery has to the next hop: what is closed on its side is none any more. */
static unsigned connected(void)
{
    char line[256], ending[16];
    unsigned n = 0;
    FILE *file = fopen("/proc/net/tcp", "re");
    assert_non_null(file);
    snprintf(ending, sizeof ending, ":%04X", hop.port);
    while (fgets(line, sizeof line, file)) {
        char local[32], remote[32];
        unsigned state;
        if (sscanf(line, " %*s %31s %31s %x", local, remote, &state) == 3 && state == 1)
            n += strcmp(strchr(remote, ':'), ending) == 0;
    }
    fclose(file);
    return n;
}

/* Of two looks the one that shows less: one that is not done at one moment may see what closed
 * beside what opened then. */
static unsigned held_at_least(void)
{
    unsigned a = connected(), b = connected();
    return a < b ? a : b;
}

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

#define HANGING 2 /* fewer than PACE_BROKEN: it is not given up */

/* It hangs behind the recipients: from the second time on that is one connection. */
static void one_that_hangs_holds_one_connection(void **state)
{
    static const char *const to[] = {"one@b.example", "two@b.example", NULL};
    static char ids[HANGING][SPOOL_ID_LEN + 1];
    unsigned held = 0;
    use("retry_first = 1s; retry_max = 1s; reply_timeout = 1s");
    fake_hop_fault(&hop, FAULT_STALL, STEP_DATA);
    gateway_start(&gateway, settings);
    gateway.account = "jean@b.example";
    for (unsigned i = 0; i < HANGING; i++) {
        gateway_put(&gateway, "hangs", to, SPOOL_QUEUE, "", ids[i]);
        gateway_notify(&gateway, NOTICE_QUEUED, ids[i]);
    }
    assert_true(WAIT_FOR(told("timed out", ids, HANGING) == HANGING, PATIENCE));
    assert_true(WAIT_FOR(connected() <= 1, PATIENCE));
    unsigned before = hop.connections;
    assert_true(
        WAIT_FOR((held = most(held, held_at_least()), hop.connections >= before + 4), PATIENCE));
    assert_int_equal(held, 1);
    fake_hop_fault(&hop, FAULT_NONE, STEP_DATA);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "hangs", NULL), 2 * HANGING);
    assert_int_equal(gateway_drain(&gateway), 0);
}

#define ROUNDS 4 /* more than PACE_BROKEN */

/* What breaks off now and then is not message after message. */
static void one_that_takes_and_closes(void **state)
{
    use("retry_first = 1h");
    gateway_start(&gateway, settings);
    for (unsigned i = 0; i < ROUNDS; i++) {
        fake_hop_fault(&hop, FAULT_CLOSE, STEP_FINAL);
        put("jean@b.example", "broken");
        assert_true(
            WAIT_FOR(fake_journal_state(&journal, id, 0, NULL, 0) == RCPT_DEFERRED, PATIENCE));
        fake_hop_fault(&hop, FAULT_RIGHT_CLOSE, STEP_FINAL);
        put("jean@b.example", "taken");
        assert_true(WAIT_FOR(fake_hop_count(&hop, "taken", NULL) == i + 1, PATIENCE));
        assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == i + 1, PATIENCE));
    }
    assert_int_equal(gateway_drain(&gateway), 0);
}

/* A message that its server can't stand does not keep the others from it. */
static void one_message_that_breaks_off(void **state)
{
    use("retry_first = 1s; retry_max = 1s; reply_timeout = 1s");
    fake_hop_fault(&hop, FAULT_CLOSE, STEP_FINAL);
    gateway_start(&gateway, settings);
    put("jean@b.example", "poison");
    assert_true(WAIT_FOR(hop.connections >= 5, PATIENCE)); /* more than PACE_BROKEN */
    assert_int_equal(fake_hop_count(&hop, "poison", NULL), 0);
    fake_hop_fault(&hop, FAULT_NONE, STEP_FINAL);
    for (int i = 0; i < 20; i++)
        put("jeanne@b.example", "healthy");
    assert_true(WAIT_FOR(hop.n == 21, PATIENCE));
    assert_int_equal(gateway_drain(&gateway), 0);
}

#define WITH_GATEWAY(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(who_sends_many_delays_nobody),
        WITH_GATEWAY(one_that_answers_no_message),
        WITH_GATEWAY(one_that_puts_off_every_recipient),
        WITH_GATEWAY(one_that_puts_off_and_closes),
        WITH_GATEWAY(one_that_hangs_holds_one_connection),
        WITH_GATEWAY(one_that_takes_and_closes),
        WITH_GATEWAY(one_message_that_breaks_off),
    };
    return tap_run(tests, NULL, NULL);
}
