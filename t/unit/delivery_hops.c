/* Next hops that close, stall, babble, flood or refuse at each step: nothing is lost, nothing waits
 * for ever, and when they behave again everything is delivered once. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "spool/notice.h"
#include "t/delivery/fake.h"

#define PATIENCE 30

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

static void use(enum fake_hop_kind kind)
{
    fake_hop_start(&hop, kind, 0);
    snprintf(settings, sizeof settings,
             "queue { retry_first = 1h; reply_timeout = 1s; connect_timeout = 1s }\n"
             "domain b.example { next_hop = %s://127.0.0.1:%u }\n",
             kind == FAKE_LMTP ? "lmtp" : "smtp", hop.port);
}

static void put(const char *subject)
{
    static const char *const two[] = {"one@b.example", "two@b.example", NULL};
    gateway_put(&gateway, subject, two, SPOOL_QUEUE, "", id);
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

static int state_of(uint32_t index)
{
    return fake_journal_state(&journal, id, index, NULL, 0);
}

/* What the recipients must be told, or part of it. */
static void fails_with(enum fake_fault fault, enum fake_step at, const char *reason)
{
    char detail[256];
    char subject[32];
    snprintf(subject, sizeof subject, "fault %d at %d", fault, at);
    fake_hop_fault(&hop, fault, at);
    gateway_start(&gateway, settings); /* without a connection from before */
    put(subject);
    assert_true(WAIT_FOR(state_of(0) == RCPT_DEFERRED, PATIENCE));
    assert_true(WAIT_FOR(state_of(1) == RCPT_DEFERRED, PATIENCE));
    fake_journal_state(&journal, id, 0, detail, sizeof detail);
    if (strstr(detail, reason) == NULL)
        fail_msg("fault %d at step %d: \"%s\" has no \"%s\"", fault, at, detail, reason);
    assert_true(gateway_has(&gateway, "queue", id));
    assert_int_equal(fake_hop_count(&hop, subject, NULL), 0);
    fake_hop_fault(&hop, FAULT_NONE, at);
    assert_true(
        WAIT_FOR((flush(), usleep(50000), gateway_files(&gateway, "queue") == 0), PATIENCE / 5));
    assert_int_equal(fake_hop_count(&hop, subject, "one@b.example"), 1);
    assert_int_equal(fake_hop_count(&hop, subject, "two@b.example"), 1);
    assert_int_equal(gateway_drain(&gateway), 0);
}

static void every_step(enum fake_hop_kind kind, enum fake_fault fault, const char *reason)
{
    use(kind);
    for (int at = STEP_GREETING; at < STEPS; at++)
        fails_with(fault, (enum fake_step)at, reason);
}

static void closing_lmtp(void **state)
{
    every_step(FAKE_LMTP, FAULT_CLOSE, "closed the connection");
}

static void closing_smtp(void **state)
{
    every_step(FAKE_SMTP, FAULT_CLOSE, "closed the connection");
}

static void stalling(void **state)
{
    every_step(FAKE_LMTP, FAULT_STALL, "timed out");
}

static void babbling(void **state)
{
    every_step(FAKE_SMTP, FAULT_BABBLE, "no SMTP reply");
}

static void flooding(void **state)
{
    every_step(FAKE_LMTP, FAULT_FLOOD, "line that is too long");
}

static void busy(void **state)
{
    every_step(FAKE_LMTP, FAULT_TEMP, "451 4.3.0 not now");
}

static void saying_421(void **state)
{
    every_step(FAKE_SMTP, FAULT_421, "421 4.4.5 closing");
}

/* 5xx for a message is for good; for the connection it is not the message's fault. */
static void refusing(void **state)
{
    use(FAKE_LMTP);
    fails_with(FAULT_PERM, STEP_GREETING, "550 5.1.1 never");
    fails_with(FAULT_PERM, STEP_HELLO, "550 5.1.1 never");
    gateway_start(&gateway, settings);
    for (int at = STEP_MAIL; at < STEPS; at++) {
        fake_hop_fault(&hop, FAULT_PERM, (enum fake_step)at);
        put("refused");
        assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
        assert_int_equal(state_of(0), RCPT_HELD);
        assert_int_equal(state_of(1), RCPT_HELD);
    }
    assert_int_equal(fake_hop_count(&hop, "refused", NULL), 0);
}

/* A server that closes after each message costs a connection for each, and nothing else. */
static void closing_behind_each_message(void **state)
{
    use(FAKE_SMTP);
    gateway_start(&gateway, settings);
    hop.after = 1;
    fake_hop_fault(&hop, FAULT_421, STEP_MAIL);
    for (int i = 0; i < 60; i++)
        put("one each");
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 120);
    assert_true(hop.connections >= 40);
}

/* One next hop that stalls does not hold up another. */
static void others_are_not_held_up(void **state)
{
    struct fake_hop slow;
    static const char *const here[] = {"one@b.example", NULL};
    static const char *const there[] = {"one@slow.example", NULL};
    fake_hop_start(&hop, FAKE_LMTP, 0);
    fake_hop_start(&slow, FAKE_LMTP, 0);
    fake_hop_fault(&slow, FAULT_STALL, STEP_RCPT);
    snprintf(settings, sizeof settings,
             "domain b.example { next_hop = lmtp://127.0.0.1:%u }\n"
             "domain slow.example { next_hop = lmtp://127.0.0.1:%u }\n",
             hop.port, slow.port);
    for (int i = 0; i < 50; i++)
        gateway_put(&gateway, "slow", there, SPOOL_QUEUE, "", id);
    for (int i = 0; i < 50; i++)
        gateway_put(&gateway, "fast", here, SPOOL_QUEUE, "", id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(hop.n == 50, PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 50, PATIENCE));
    fake_hop_fault(&slow, FAULT_NONE, STEP_RCPT);
    gateway_kill(&gateway);
    fake_hop_stop(&slow);
}

/* The second serves while the first is away, and no longer. */
static void the_first_of_several_is_preferred(void **state)
{
    struct fake_hop second;
    use(FAKE_LMTP);
    fake_hop_start(&second, FAKE_SMTP, 0);
    snprintf(settings, sizeof settings,
             "queue { retry_first = 1s; retry_max = 1s; connect_timeout = 1s }\n"
             "domain b.example { next_hop = { lmtp://127.0.0.1:%u, smtp://127.0.0.1:%u } }\n",
             hop.port, second.port);
    gateway_start(&gateway, settings);
    put("both there");
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "both there", NULL), 2);
    fake_hop_fault(&hop, FAULT_421, STEP_GREETING);
    gateway_drain(&gateway);
    gateway_start(&gateway, settings); /* without a connection from before */
    put("the first says 421");
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&second, "the first says 421", NULL), 2);
    fake_hop_fault(&hop, FAULT_NONE, STEP_GREETING);
    for (int i = 0; i < 100 && fake_hop_count(&hop, "back", NULL) == 0; i++) {
        put("back");
        assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
        usleep(100000);
    }
    assert_true(fake_hop_count(&hop, "back", NULL) > 0);
    gateway_drain(&gateway);
    fake_hop_stop(&second);
}

/* Nobody there at all: it waits, and whoever is there first gets it. */
static void several_that_are_all_away(void **state)
{
    struct fake_hop second;
    char detail[256];
    use(FAKE_LMTP);
    fake_hop_start(&second, FAKE_LMTP, 0);
    snprintf(settings, sizeof settings,
             "queue { retry_first = 1h; connect_timeout = 1s; reply_timeout = 1s }\n"
             "domain b.example { next_hop = { lmtp://127.0.0.1:%u, lmtp://127.0.0.1:%u } }\n",
             hop.port, second.port);
    fake_hop_fault(&hop, FAULT_STALL, STEP_GREETING);
    fake_hop_fault(&second, FAULT_CLOSE, STEP_GREETING);
    gateway_start(&gateway, settings);
    put("nobody");
    assert_true(WAIT_FOR(state_of(0) == RCPT_DEFERRED, PATIENCE));
    fake_journal_state(&journal, id, 0, detail, sizeof detail);
    if (strstr(detail, "closed the connection") == NULL)
        fail_msg("\"%s\"", detail);
    fake_hop_fault(&second, FAULT_NONE, STEP_GREETING);
    assert_true(
        WAIT_FOR((flush(), usleep(50000), gateway_files(&gateway, "queue") == 0), PATIENCE));
    assert_int_equal(fake_hop_count(&second, "nobody", NULL), 2);
    gateway_drain(&gateway);
    fake_hop_stop(&second);
}

/* More legs than are taken at once can't be begun: who stands behind them has his turn all the
 * same, and soon. */
static void behind_many_whose_files_have_gone(void **state)
{
    char gone[3 * 64][SPOOL_ID_LEN + 1];
    char path[200];
    const size_t n = sizeof gone / sizeof *gone;
    use(FAKE_LMTP);
    fake_hop_fault(&hop, FAULT_421, STEP_GREETING);
    gateway_start(&gateway, settings);
    for (size_t i = 0; i < n; i++) {
        put("gone");
        memcpy(gone[i], id, sizeof gone[i]);
    }
    put("there");
    for (size_t i = 0; i < n; i++)
        assert_true(
            WAIT_FOR(fake_journal_state(&journal, gone[i], 0, NULL, 0) == RCPT_DEFERRED, PATIENCE));
    assert_true(WAIT_FOR(state_of(0) == RCPT_DEFERRED, PATIENCE));
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/queue/%.*s", gateway.state_dir, SPOOL_ID_LEN, gone[i]);
        assert_int_equal(unlink(path), 0);
    }
    fake_hop_fault(&hop, FAULT_NONE, STEP_GREETING);
    flush(); /* once: nothing else wakes them before an hour is over */
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "there", NULL), 2);
    assert_int_equal(hop.n, 2);
    assert_int_equal(gateway_drain(&gateway), 0);
}

#define WITH_GATEWAY(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(closing_lmtp),
        WITH_GATEWAY(closing_smtp),
        WITH_GATEWAY(stalling),
        WITH_GATEWAY(babbling),
        WITH_GATEWAY(flooding),
        WITH_GATEWAY(busy),
        WITH_GATEWAY(saying_421),
        WITH_GATEWAY(refusing),
        WITH_GATEWAY(closing_behind_each_message),
        WITH_GATEWAY(others_are_not_held_up),
        WITH_GATEWAY(the_first_of_several_is_preferred),
        WITH_GATEWAY(several_that_are_all_away),
        WITH_GATEWAY(behind_many_whose_files_have_gone),
    };
    return tap_run(tests, NULL, NULL);
}
