/* poterne-delivery as a process, and frozen accounts: what they have in the queue waits, and who
 * has too much of his mail refused becomes one, with one note to the managers. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/ipc.h"
#include "gateway/gate/senders.h"
#include "spool/notice.h"
#include "t/delivery/fake.h"

#define PATIENCE 60
#define JEAN     "jean@b.example"
#define FROZEN   "4.7.1 the account that sent it "

static struct fake_hop hop;
static struct fake_journal journal;
static struct gateway gateway;
static struct senders *senders;
static char settings[1000];
static char id[SPOOL_ID_LEN + 1];

/* `lifetime`: seconds that a message is tried. */
static int up_for(unsigned lifetime)
{
    struct err err;
    gateway_make(&gateway);
    memset(&journal, 0, sizeof journal);
    fake_journal_start(&journal, gateway.run_dir);
    fake_hop_start(&hop, FAKE_SMTP, 0);
    gateway.account = JEAN;
    snprintf(settings, sizeof settings,
             "resolver { enabled = no }\nmanagers = { boss@b.example }\n"
             "queue { retry_first = 1s; retry_max = 1s; lifetime = %us }\n"
             "limits { freeze_bounces = 5; freeze_bounces_percent = 50 }\n"
             "outside { next_hop = smtp://127.0.0.1:%u }\n"
             "domain b.example { next_hop = smtp://127.0.0.1:1 }\n",
             lifetime, hop.port);
    gateway_start(&gateway, settings);
    senders = senders_existing(gateway.state_dir, &err);
    return senders ? 0 : -1;
}

static int up(void **state)
{
    return up_for(3);
}

/* Time enough to freeze an account whose mail is on its way. */
static int up_for_long(void **state)
{
    return up_for(12);
}

/* What can't be delivered stays in the queue. */
static int up_for_hours(void **state)
{
    return up_for(7200);
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

static void put(const char *subject, const char *const *recipients)
{
    gateway_put(&gateway, subject, recipients, SPOOL_QUEUE, "", id);
    gateway_notify(&gateway, NOTICE_QUEUED, id);
}

static void freeze(void)
{
    struct err err = {""};
    assert_int_equal(senders_freeze(senders, STR(JEAN), STR("a test"), STR_EMPTY, 1700000000, &err),
                     1);
}

static void thaw_saying(const char *said)
{
    const struct notice notice = {.kind = NOTICE_THAWED,
                                  .recipient = NOTICE_EVERYONE,
                                  .address = STR(JEAN)};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    assert_true(senders_thaw(senders, STR(JEAN), &err) >= 0);
    assert_int_equal(notice_ask(gateway.run_dir, &notice, &answer, &err), 0);
    if (!str_starts(buf_str(&answer), str_of(said)))
        fail_msg("\"%s\"", buf_cstr(&answer));
    buf_release(&answer);
}

static void thaw(void)
{
    thaw_saying("");
}

static bool waits(uint32_t index, const char *why)
{
    char detail[256];
    return fake_journal_state(&journal, id, index, detail, sizeof detail) == RCPT_DEFERRED &&
           strncmp(detail, why, strlen(why)) == 0;
}

static int state_of(uint32_t index)
{
    return fake_journal_state(&journal, id, index, NULL, 0);
}

static void what_is_frozen_waits_past_its_time(void **state)
{
    static const char *const two[] = {"one@a.example", "two@c.example", NULL};
    freeze();
    put("frozen", two);
    assert_true(
        WAIT_FOR(waits(0, FROZEN "is frozen since 2023-11-14 22:13 UTC: a test"), PATIENCE));
    gateway_kill(&gateway);
    gateway_start(&gateway, settings);
    sleep(5);
    assert_true(gateway_has(&gateway, "queue", id));
    assert_true(waits(0, FROZEN) && waits(1, FROZEN));
    assert_int_equal(hop.n, 0);
    /* who has no account is nobody's hostage */
    gateway.account = NULL;
    put("free", two);
    assert_true(WAIT_FOR(fake_hop_count(&hop, "free", NULL) == 2, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "frozen", NULL), 0);
    thaw();
    assert_true(WAIT_FOR(fake_hop_count(&hop, "frozen", NULL) == 2, PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
}

#define MANY 200 /* more than DELIVERY_ROUND, some times */

static void of_many_that_are_thawed_all_go(void **state)
{
    static const char *const one[] = {"one@a.example", NULL};
    static char ids[MANY][SPOOL_ID_LEN + 1];
    freeze();
    for (unsigned i = 0; i < MANY; i++) {
        put("frozen", one);
        memcpy(ids[i], id, sizeof ids[i]);
    }
    for (unsigned i = 0; i < MANY; i++) {
        memcpy(id, ids[i], sizeof id);
        assert_true(WAIT_FOR(waits(0, FROZEN), PATIENCE));
    }
    thaw_saying("200 messages go on");
    assert_true(WAIT_FOR(fake_hop_count(&hop, "frozen", NULL) == MANY, PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
}

/* One whose try is under way when it is frozen, and fails after its time. */
static void frozen_between_two_tries(void **state)
{
    static const char *const one[] = {"one@a.example", NULL};
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put("late", one);
    assert_true(WAIT_FOR(waits(0, "451"), PATIENCE));
    freeze();
    assert_true(WAIT_FOR(waits(0, FROZEN), PATIENCE));
    sleep(14);
    assert_true(gateway_has(&gateway, "queue", id));
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    thaw();
    assert_true(WAIT_FOR(hop.n == 1, PATIENCE));
}

/* The folder can't be read: nobody goes, and who has no account does. */
static void what_cannot_be_known_waits(void **state)
{
    static const char *const one[] = {"one@a.example", NULL};
    char folder[160];
    snprintf(folder, sizeof folder, "%s/" SENDERS_FOLDER, gateway.state_dir);
    if (geteuid() != 0)
        tap_skip("only root can take a folder away from the gateway's user");
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    put("unknown", one);
    assert_true(WAIT_FOR(waits(0, FROZEN "may be frozen, which can't be known now"), PATIENCE));
    char waiting[SPOOL_ID_LEN + 1];
    memcpy(waiting, id, sizeof waiting);
    gateway.account = NULL;
    put("free", one);
    assert_true(WAIT_FOR(fake_hop_count(&hop, "free", NULL) == 1, PATIENCE));
    sleep(4);
    assert_true(gateway_has(&gateway, "queue", waiting));
    assert_int_equal(fake_hop_count(&hop, "unknown", NULL), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    thaw();
    assert_true(WAIT_FOR(fake_hop_count(&hop, "unknown", NULL) == 1, PATIENCE));
}

/* Until the journal has heard of it the answer is to ask again in a moment. */
static void release_at_last(void)
{
    const struct notice notice = {.kind = NOTICE_RELEASE,
                                  .recipient = NOTICE_EVERYONE,
                                  .id = str_of(id),
                                  .why = STR("fine")};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    bool done = false;
    for (int left = PATIENCE * 100; left > 0 && !done; left--) {
        buf_clear(&answer);
        done = notice_ask(gateway.run_dir, &notice, &answer, &err) == 0;
        usleep(10000);
    }
    assert_true(done);
    buf_release(&answer);
}

/* A manager has it moved, looks at it and releases it: it goes, though the account is frozen. */
static void set_aside_and_released(void **state)
{
    static const char *const two[] = {"one@a.example", "two@c.example", NULL};
    struct notice notice = {.kind = NOTICE_SET_ASIDE,
                            .recipient = NOTICE_EVERYONE,
                            .address = STR(JEAN),
                            .why = STR("set aside")};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    assert_int_equal(notice_ask(gateway.run_dir, &notice, &answer, &err), -1);
    assert_non_null(strstr(err.text, "not frozen"));
    freeze();
    put("theft", two);
    assert_true(WAIT_FOR(waits(0, FROZEN) && waits(1, FROZEN), PATIENCE));
    assert_int_equal(notice_ask(gateway.run_dir, &notice, &answer, &err), 0);
    assert_true(str_starts(buf_str(&answer), STR("1 ")));
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_int_equal(state_of(0), RCPT_HELD);
    assert_int_equal(state_of(1), RCPT_HELD);
    release_at_last();
    assert_true(WAIT_FOR(fake_hop_count(&hop, "theft", NULL) == 2, PATIENCE));
    buf_release(&answer);
}

static unsigned notes(void)
{
    char path[200];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/queue", gateway.state_dir);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct buf text = BUF_INIT(1 << 20);
        struct err err;
        char file[400];
        snprintf(file, sizeof file, "%s/%.26s", path, e->d_name);
        if (e->d_name[0] != '.' && fsio_read_file(file, &text, &err) == 0)
            n += str_find(buf_str(&text), STR("Subject: " JEAN " may send nothing for now\r\n")) !=
                 STR_NONE;
        buf_release(&text);
    }
    closedir(dir);
    return n;
}

static bool is_frozen(void)
{
    struct frozen frozen;
    struct err err;
    return senders_look(senders, STR(JEAN), &frozen, &err) == 1;
}

/* What is refused freezes him, whenever the process is killed; the note waits in the queue, since
 * the managers' hop is away. */
static void frozen_by_bounces_with_one_note(void **state)
{
    static const char *const five[] = {"a@a.example", "b@a.example", "c@a.example",
                                       "d@a.example", "e@a.example", NULL};
    struct err err = {""};
    for (unsigned round = 0; round < 12; round++) {
        fake_hop_fault(&hop, FAULT_PERM, STEP_RCPT);
        put("refused", five);
        usleep(round * 3000);
        gateway_kill(&gateway);
        gateway_start(&gateway, settings);
        put("refused", five);
        assert_true(WAIT_FOR(is_frozen(), PATIENCE));
        usleep(round * 1000);
        gateway_kill(&gateway);
        gateway_start(&gateway, settings);
        assert_true(WAIT_FOR(notes() == round + 1, PATIENCE));
        /* what was staged for nothing edge removes, which is not here */
        assert_true(spool_recover(gateway.spool, &err) >= 0);
        assert_int_equal(senders_thaw(senders, STR(JEAN), &err), 1);
    }
}

/* Ours that is wrong, or full, says nothing of who sends. */
static void what_is_no_bounce(void **state)
{
    static const char *const ten[] = {"1@b.example", "2@b.example", "3@b.example", "4@b.example",
                                      "5@b.example", "6@b.example", "7@b.example", "8@b.example",
                                      "9@b.example", "0@b.example", NULL};
    fake_hop_fault(&hop, FAULT_PERM, STEP_RCPT);
    gateway_kill(&gateway);
    snprintf(settings, sizeof settings,
             "resolver { enabled = no }\nmanagers = { boss@b.example }\n"
             "limits { freeze_bounces = 5; freeze_bounces_percent = 50 }\n"
             "domain b.example { next_hop = smtp://127.0.0.1:%u }\n",
             hop.port);
    gateway_start(&gateway, settings);
    put("ours", ten);
    for (uint32_t i = 0; i < 10; i++)
        assert_true(WAIT_FOR(state_of(i) >= 0 && state_of(i) != RCPT_DEFERRED, PATIENCE));
    assert_false(is_frozen());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_frozen_waits_past_its_time, up, down),
        cmocka_unit_test_setup_teardown(of_many_that_are_thawed_all_go, up_for_hours, down),
        cmocka_unit_test_setup_teardown(frozen_between_two_tries, up_for_long, down),
        cmocka_unit_test_setup_teardown(what_cannot_be_known_waits, up, down),
        cmocka_unit_test_setup_teardown(set_aside_and_released, up, down),
        cmocka_unit_test_setup_teardown(frozen_by_bounces_with_one_note, up_for_hours, down),
        cmocka_unit_test_setup_teardown(what_is_no_bounce, up, down),
    };
    return tap_run(tests, NULL, NULL);
}
