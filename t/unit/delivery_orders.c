/* poterne-delivery as a process, and what a person orders about messages that are owed: held, let
 * go, requeued, dropped; killed in between, and while they are on their way. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ipc.h"
#include "gateway/gate/senders.h"
#include "spool/notice.h"
#include "t/delivery/fake.h"

#define PATIENCE 60
#define LIFETIME 10
#define JEAN     "jean@b.example"

static struct fake_hop hop;
static struct fake_journal journal;
static struct gateway gateway;
static struct senders *senders;
static char settings[1000];
static const char *const two[] = {"one@a.example", "two@c.example", NULL};

static int up_with(const char *queue)
{
    struct err err;
    gateway_make(&gateway);
    memset(&journal, 0, sizeof journal);
    fake_journal_start(&journal, gateway.run_dir);
    fake_hop_start(&hop, FAKE_SMTP, 0);
    snprintf(settings, sizeof settings,
             "resolver { enabled = no }\nqueue { %s }\n"
             "outside { next_hop = smtp://127.0.0.1:%u }\n"
             "domain b.example { next_hop = smtp://127.0.0.1:1 }\n",
             queue, hop.port);
    gateway_start(&gateway, settings);
    senders = senders_existing(gateway.state_dir, &err);
    return senders ? 0 : -1;
}

/* Tried each second. */
static int up_often(void **state)
{
    char queue[100];
    snprintf(queue, sizeof queue, "retry_first = 1s; retry_max = 1s; lifetime = %ds", LIFETIME);
    return up_with(queue);
}

/* Whatever is tried a second time was asked to be. */
static int up_seldom(void **state)
{
    return up_with("retry_first = 1h; retry_max = 1h");
}

static int down(void **state)
{
    senders_close(&senders);
    gateway_remove(&gateway);
    fake_journal_stop(&journal);
    free(journal.events);
    fake_hop_stop(&hop);
    return 0;
}

static void put(const char *subject, char id[SPOOL_ID_LEN + 1])
{
    gateway_put(&gateway, subject, two, SPOOL_QUEUE, "", id);
    gateway_notify(&gateway, NOTICE_QUEUED, id);
}

/* What is answered, in `said`. */
static int ask(enum notice_kind kind, const char *id, const char *account, char said[512])
{
    const struct notice notice = {.kind = kind,
                                  .id = str_of(id),
                                  .recipient = NOTICE_EVERYONE,
                                  .address = str_of(account),
                                  .why = STR("by a test")};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    int result = notice_ask(gateway.run_dir, &notice, &answer, &err);
    if (result == 0)
        snprintf(said, 512, "%.*s", STR_ARG(buf_str(&answer)));
    else
        snprintf(said, 512, "%s", err.text);
    buf_release(&answer);
    return result;
}

static void order(enum notice_kind kind, const char *id)
{
    char said[512];
    assert_int_equal(ask(kind, id, "", said), 0);
}

static void refused(enum notice_kind kind, const char *id, const char *why)
{
    char said[512];
    assert_int_equal(ask(kind, id, "", said), -1);
    assert_non_null(strstr(said, why));
}

static bool is(const char *id, uint32_t index, enum recipient_state state, const char *why)
{
    char detail[256];
    return fake_journal_state(&journal, id, index, detail, sizeof detail) == (int)state &&
           strncmp(detail, why, strlen(why)) == 0;
}

static bool both(const char *id, enum recipient_state state, const char *why)
{
    return is(id, 0, state, why) && is(id, 1, state, why);
}

static void again(void)
{
    gateway_kill(&gateway);
    gateway_start(&gateway, settings);
}

/* One is held, the other's account frozen, for longer than they may be tried; what they waited does
 * not count, after a restart either. */
static void time_does_not_pass(void **state)
{
    char held[SPOOL_ID_LEN + 1], frozen[SPOOL_ID_LEN + 1], said[512];
    struct err err = {""};
    assert_int_equal(senders_freeze(senders, STR(JEAN), STR("a test"), STR_EMPTY, 1700000000, &err),
                     1);
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("held", held);
    assert_true(WAIT_FOR(both(held, RCPT_DEFERRED, "451"), PATIENCE));
    order(NOTICE_HOLD, held);
    assert_true(WAIT_FOR(both(held, RCPT_DEFERRED, "held in the queue, by a test"), PATIENCE));
    gateway.account = JEAN;
    put("frozen", frozen);
    assert_true(WAIT_FOR(both(frozen, RCPT_DEFERRED, "4.7.1 the account"), PATIENCE));
    again();
    order(NOTICE_FLUSH, "");
    sleep(LIFETIME + 2);
    refused(NOTICE_FLUSH, held, "on hold");
    assert_true(both(held, RCPT_DEFERRED, "held in the queue"));
    assert_true(gateway_has(&gateway, "queue", held) && gateway_has(&gateway, "queue", frozen));
    order(NOTICE_RESUME, held);
    refused(NOTICE_RESUME, held, "not on hold");
    assert_true(senders_thaw(senders, STR(JEAN), &err) >= 0);
    assert_int_equal(ask(NOTICE_THAWED, "", JEAN, said), 0);
    assert_true(WAIT_FOR(both(held, RCPT_DEFERRED, "451"), PATIENCE));
    assert_true(WAIT_FOR(both(frozen, RCPT_DEFERRED, "451"), PATIENCE));
    again();
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "held", NULL), 2);
    assert_int_equal(fake_hop_count(&hop, "frozen", NULL), 2);
}

/* What is on hold is not tried by a start, a flush, or a hop that works again. */
static void held_is_not_tried(void **state)
{
    char held[SPOOL_ID_LEN + 1], free_one[SPOOL_ID_LEN + 1];
    hop.delay_us = 1000;
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("held", held);
    assert_true(WAIT_FOR(both(held, RCPT_DEFERRED, "451"), PATIENCE));
    order(NOTICE_HOLD, held);
    order(NOTICE_HOLD, held);
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    again();
    put("free", free_one);
    order(NOTICE_FLUSH, "");
    assert_true(WAIT_FOR(fake_hop_count(&hop, "free", NULL) == 2, PATIENCE));
    order(NOTICE_REQUEUE, held);
    usleep(300000);
    assert_int_equal(fake_hop_count(&hop, "held", NULL), 0);
    again();
    order(NOTICE_RESUME, held);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "held", NULL), 2);
    refused(NOTICE_HOLD, held, "does not wait");
}

/* Its next try is an hour away. */
static void requeued_is_tried(void **state)
{
    char id[SPOOL_ID_LEN + 1];
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("again", id);
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "451"), PATIENCE));
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    again();
    order(NOTICE_REQUEUE, id);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "again", NULL), 2);
}

/* Nothing can be written of who has it: requeued, it goes to the other alone. */
static void requeued_is_not_delivered_again(void **state)
{
    static const char *const to[] = {"one@a.example", "later@a.example", NULL};
    char id[SPOOL_ID_LEN + 1];
    gateway.padding = 100000;
    gateway_limit_files(&gateway, gateway.padding / 2);
    gateway_put(&gateway, "again", to, SPOOL_QUEUE, "", id);
    gateway_notify(&gateway, NOTICE_QUEUED, id);
    assert_true(WAIT_FOR(is(id, 1, RCPT_DEFERRED, "450"), PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "again", "one@a.example"), 1);
    gateway_limit_files(&gateway, UINT64_MAX);
    fake_hop_fault(&hop, FAULT_PERM, STEP_MAIL); /* a try leaves its trace on whom it was for */
    order(NOTICE_REQUEUE, id);
    assert_true(WAIT_FOR(is(id, 1, RCPT_HELD, "undeliverable: 550"), PATIENCE));
    assert_true(is(id, 0, RCPT_DELIVERED, ""));
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "again", "one@a.example"), 1);
}

/* The journal is away: the process is killed when the order is written, and nothing behind it. */
static void dropped_goes_to_nobody(void **state)
{
    char id[SPOOL_ID_LEN + 1], held[SPOOL_ID_LEN + 1];
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("dropped", id);
    put("held", held);
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "451"), PATIENCE));
    assert_true(WAIT_FOR(both(held, RCPT_DEFERRED, "451"), PATIENCE));
    order(NOTICE_HOLD, held);
    fake_journal_stop(&journal);
    order(NOTICE_DROP, id);
    order(NOTICE_DROP_TELL, held); /* of a stranger's message nobody is told */
    assert_true(gateway_has(&gateway, "queue", id));
    gateway_kill(&gateway);
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    fake_journal_start(&journal, gateway.run_dir);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_true(both(id, RCPT_DELETED, "deleted from the queue, by a test; at last: 451"));
    assert_true(both(held, RCPT_DELETED, "deleted from the queue, by a test"));
    assert_int_equal(hop.n, 0);
    assert_false(gateway_has(&gateway, "quarantine", id) || gateway_has(&gateway, "corrupt", id));
    assert_false(gateway_has(&gateway, "quarantine", held));
}

static bool was_told(const char *id, uint32_t index, const char *what)
{
    bool told = false;
    pthread_mutex_lock(&journal.lock);
    for (size_t i = 0; i < journal.n; i++)
        told |= strcmp(journal.events[i].id, id) == 0 && journal.events[i].index == index &&
                !journal.events[i].message && strstr(journal.events[i].detail, what);
    pthread_mutex_unlock(&journal.lock);
    return told;
}

/* The journal is away until the process is killed: what was ordered is in it at last. */
static void the_journal_hears_of_an_order_after_a_kill(void **state)
{
    char id[SPOOL_ID_LEN + 1], other[SPOOL_ID_LEN + 1];
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("held", id);
    put("requeued", other);
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "451"), PATIENCE));
    assert_true(WAIT_FOR(both(other, RCPT_DEFERRED, "451"), PATIENCE));
    fake_journal_stop(&journal);
    order(NOTICE_HOLD, id);
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    order(NOTICE_REQUEUE, other); /* which is delivered, and waits for the journal */
    assert_true(WAIT_FOR(fake_hop_count(&hop, "requeued", NULL) == 2, PATIENCE));
    gateway_kill(&gateway);
    fake_journal_start(&journal, gateway.run_dir);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "held in the queue, by a test"), PATIENCE));
    assert_true(WAIT_FOR(!gateway_has(&gateway, "queue", other), PATIENCE));
    assert_true(was_told(other, 0, "requeued, by a test"));
    assert_true(was_told(other, 1, "requeued, by a test"));
    assert_true(both(other, RCPT_DELIVERED, "250"));
}

/* No next hop has a leg of a message. */
static bool no_leg(void)
{
    const struct notice notice = {.kind = NOTICE_HOPS};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    assert_int_equal(notice_ask(gateway.run_dir, &notice, &answer, &err), 0);
    bool none = answer.n == 0;
    buf_release(&answer);
    return none;
}

/* What is on hold has no legs, after a start neither, and is found by whatever is said about it. */
static void held_is_no_job(void **state)
{
    char id[SPOOL_ID_LEN + 1], ours[SPOOL_ID_LEN + 1], said[512];
    struct err err = {""};
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("held", id);
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "451"), PATIENCE));
    assert_false(no_leg());
    order(NOTICE_HOLD, id);
    assert_true(no_leg());
    order(NOTICE_HOLD, id);
    order(NOTICE_REQUEUE, id);
    assert_true(no_leg());
    refused(NOTICE_RELEASE, id, "still owed");
    again();
    refused(NOTICE_FLUSH, id, "on hold");
    assert_true(WAIT_FOR(both(id, RCPT_OWED, "requeued, by a test"), PATIENCE));
    assert_true(no_leg());
    gateway.account = JEAN;
    put("ours", ours);
    assert_true(WAIT_FOR(both(ours, RCPT_DEFERRED, "451"), PATIENCE));
    order(NOTICE_HOLD, ours);
    assert_true(no_leg());
    assert_int_equal(senders_freeze(senders, STR("JEAN@b.example"), STR("a test"), STR_EMPTY,
                                    1700000000, &err),
                     1);
    assert_int_equal(ask(NOTICE_SET_ASIDE, "", JEAN, said), 0);
    assert_string_equal(said, "1 messages go to quarantine");
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", ours), PATIENCE));
    assert_int_equal(ask(NOTICE_SET_ASIDE, "", JEAN, said), 0);
    assert_string_equal(said, "0 messages go to quarantine");
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    assert_int_equal(hop.n, 0);
    order(NOTICE_RESUME, id);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "held", NULL), 2);
    assert_true(both(id, RCPT_DELIVERED, "250"));
}

/* Dropped while it is with the next hop: what that says comes first. */
static void dropped_on_its_way(void **state)
{
    char id[SPOOL_ID_LEN + 1], said[512];
    hop.delay_us = 2000000;
    put("gone", id);
    assert_true(WAIT_FOR(hop.open > 0, PATIENCE));
    usleep(300000);
    assert_int_equal(ask(NOTICE_DROP, id, "", said), 0);
    if (strstr(said, "is being tried") == NULL)
        tap_skip("it was not on its way yet");
    refused(NOTICE_HOLD, id, "is deleted, as soon as");
    assert_true(WAIT_FOR(both(id, RCPT_DELIVERED, ""), PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    fake_hop_fault(&hop, FAULT_TEMP, STEP_FINAL);
    put("late", id);
    usleep(500000);
    order(NOTICE_DROP, id);
    assert_true(WAIT_FOR(both(id, RCPT_DELETED, "deleted from the queue, by a test"), PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "late", NULL), 0);
}

/* … or held: what fails then waits. */
static void held_on_its_way(void **state)
{
    char id[SPOOL_ID_LEN + 1], said[512];
    hop.delay_us = 2000000;
    fake_hop_fault(&hop, FAULT_TEMP, STEP_FINAL);
    put("late", id);
    assert_true(WAIT_FOR(hop.open > 0, PATIENCE));
    usleep(300000);
    assert_int_equal(ask(NOTICE_HOLD, id, "", said), 0);
    if (strstr(said, "is being tried") == NULL)
        tap_skip("it was not on its way yet, or no longer");
    assert_true(WAIT_FOR(both(id, RCPT_DEFERRED, "451"), PATIENCE));
    fake_hop_fault(&hop, FAULT_NONE, STEP_FINAL);
    order(NOTICE_FLUSH, "");
    sleep(4);
    assert_true(gateway_has(&gateway, "queue", id));
    assert_int_equal(hop.n, 0);
    assert_true(WAIT_FOR(no_leg(), PATIENCE)); /* a sweep has seen that nobody is busy with it */
    order(NOTICE_RESUME, id);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 2);
}

#define MANY    100
#define KILL_AT 30 /* answers: others are on their way then */
#define NOBODY  7  /* each so many there is no such message */

struct heard {
    size_t n;
    bool wrong;
};

static void hear(void *data, size_t i, const struct notice_reply *reply)
{
    struct heard *heard = data;
    bool there = i % NOBODY != 0;
    heard->wrong |= i != heard->n || reply->done != there ||
                    (!there && !str_ends(reply->text, STR("does not wait for delivery")));
    if (++heard->n == KILL_AT)
        again();
}

/* Many over one connection: each is answered, in order, the process killed in between; whoever was
 * said to be on hold is, killed again behind the last answer. */
static void many_are_answered_in_order(void **state)
{
    char ids[MANY][SPOOL_ID_LEN + 1];
    struct heard heard = {0};
    struct err err = {""};
    const struct notice_many many = {.run_dir = gateway.run_dir,
                                     .notice = {.kind = NOTICE_HOLD,
                                                .recipient = NOTICE_EVERYONE,
                                                .why = STR("by a test")},
                                     .ids = (const char(*)[SPOOL_ID_LEN + 1]) ids,
                                     .n = MANY,
                                     .answered = hear,
                                     .data = &heard};
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    for (size_t i = 0; i < MANY; i++)
        if (i % NOBODY == 0)
            spool_id_make(ids[i]);
        else
            put("many", ids[i]);
    assert_int_equal(notice_ask_many(&many, &err), MANY);
    again();
    assert_int_equal(heard.n, MANY);
    assert_false(heard.wrong);
    for (size_t i = 0; i < MANY; i++)
        if (i % NOBODY)
            refused(NOTICE_FLUSH, ids[i], "on hold");
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    order(NOTICE_FLUSH, "");
    usleep(300000);
    assert_int_equal(hop.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_does_not_pass, up_often, down),
        cmocka_unit_test_setup_teardown(held_is_not_tried, up_often, down),
        cmocka_unit_test_setup_teardown(requeued_is_tried, up_seldom, down),
        cmocka_unit_test_setup_teardown(requeued_is_not_delivered_again, up_seldom, down),
        cmocka_unit_test_setup_teardown(dropped_goes_to_nobody, up_seldom, down),
        cmocka_unit_test_setup_teardown(the_journal_hears_of_an_order_after_a_kill, up_seldom,
                                        down),
        cmocka_unit_test_setup_teardown(held_is_no_job, up_seldom, down),
        cmocka_unit_test_setup_teardown(dropped_on_its_way, up_often, down),
        cmocka_unit_test_setup_teardown(held_on_its_way, up_often, down),
        cmocka_unit_test_setup_teardown(many_are_answered_in_order, up_seldom, down),
    };
    return tap_run(tests, NULL, NULL);
}
