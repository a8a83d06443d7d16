/* poterne-delivery as a process: what it owes is delivered, whatever happens around it. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/ipc.h"
#include "quarantine/index.h"
#include "quarantine/quarantine.h"
#include "t/delivery/fake.h"

static struct fake_hop hop;
static struct fake_journal journal;
static struct gateway gateway;
static char settings[1000];
static char id[SPOOL_ID_LEN + 1];

#define PATIENCE 30

static void use(enum fake_hop_kind kind, const char *queue)
{
    fake_hop_start(&hop, kind, 0);
    snprintf(settings, sizeof settings,
             "resolver { enabled = no }\nqueue { %s }\n"
             "domain b.example { next_hop = %s://127.0.0.1:%u }\n",
             queue, kind == FAKE_LMTP ? "lmtp" : "smtp", hop.port);
}

static void use_quarantine(const char *what)
{
    use(FAKE_LMTP, "");
    size_t n = strlen(settings);
    snprintf(settings + n, sizeof settings - n, "quarantine { %s }\n", what);
}

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
    if (hop.messages)
        fake_hop_stop(&hop);
    return 0;
}

static void put_to(const char *subject, const char *recipient)
{
    const char *const recipients[] = {recipient, NULL};
    gateway_put(&gateway, subject, recipients, SPOOL_QUEUE, "", id);
}

static void put_many(int from, int to)
{
    char subject[32];
    for (int i = from; i < to; i++) {
        snprintf(subject, sizeof subject, "number %d", i);
        put_to(subject, "one@b.example");
    }
}

static int state_of(uint32_t index)
{
    return fake_journal_state(&journal, id, index, NULL, 0);
}

static void delivers_and_settles(void **state, enum fake_hop_kind kind)
{
    static const char *const three[] = {"one@b.example", "two@b.example", "three@b.example", NULL};
    use(kind, "");
    gateway_start(&gateway, settings);
    for (int i = 0; i < 50; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "number %d", i);
        gateway_put(&gateway, subject, three, SPOOL_QUEUE, "", id);
        gateway_notify(&gateway, NOTICE_QUEUED, id);
    }
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 150);
    for (int i = 0; i < 50; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "number %d", i);
        for (int r = 0; r < 3; r++)
            assert_int_equal(fake_hop_count(&hop, subject, three[r]), 1);
    }
    for (uint32_t r = 0; r < 3; r++)
        assert_int_equal(state_of(r), RCPT_DELIVERED);
    assert_true(fake_journal_knows(&journal, id));
    assert_int_equal(gateway_drain(&gateway), 0);
    assert_true(hop.open_most <= 20);
    assert_true(hop.connections <= 25);
}

static void lmtp_delivers(void **state)
{
    delivers_and_settles(state, FAKE_LMTP);
}

static void smtp_delivers(void **state)
{
    delivers_and_settles(state, FAKE_SMTP);
}

static void smtp_without_ehlo_delivers(void **state)
{
    delivers_and_settles(state, FAKE_HELO);
}

static void lmtp_over_a_unix_socket_delivers(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/lmtp", gateway.run_dir);
    fake_hop_start_at(&hop, FAKE_LMTP, path);
    snprintf(settings, sizeof settings, "domain b.example { next_hop = \"lmtp://%s\" }\n", path);
    put_many(0, 20);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 20);
}

static void the_message_is_the_edited_one(void **state)
{
    use(FAKE_LMTP, "");
    put_to("edited", "one@b.example");
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(hop.n == 1, PATIENCE));
    assert_int_equal(hop.messages[0].size,
                     strlen("X-Poterne-Id: test\r\nSubject: edited\r\n\r\n.a line with a dot\r\n"));
}

static unsigned maildir_files(const char *user)
{
    char path[256];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/mail/b.example/%s/new", gateway.root, user);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static void maildirs_are_filled(void **state)
{
    static const char *const two[] = {"One@B.example", "../../etc@b.example", NULL};
    char text[500];
    struct buf bytes = BUF_INIT(10000);
    snprintf(settings, sizeof settings,
             "domain b.example { next_hop = maildir://%s/mail/%%d/%%u }\n", gateway.root);
    for (int i = 0; i < 30; i++)
        gateway_put(&gateway, "to a folder", two, SPOOL_QUEUE, "", id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(maildir_files("one"), 30);
    assert_int_equal(maildir_files("=2E.=2F..=2Fetc"), 30);
    snprintf(text, sizeof text, "%s/mail/b.example/one/new", gateway.root);
    DIR *dir = opendir(text);
    struct dirent *e;
    while ((e = readdir(dir)) && e->d_name[0] == '.')
        continue;
    snprintf(text, sizeof text, "%s/mail/b.example/one/new/%s", gateway.root, e->d_name);
    closedir(dir);
    struct err err;
    assert_int_equal(fsio_read_file(text, &bytes, &err), 0);
    assert_str(buf_str(&bytes), "Return-Path: <sender@shop.example>\n"
                                "Delivered-To: One@B.example\n"
                                "X-Poterne-Id: test\nSubject: to a folder\n\n.a line with a dot\n");
    buf_release(&bytes);
    assert_int_equal(state_of(0), RCPT_DELIVERED);
}

static void a_killed_process_loses_nothing(void **state)
{
    unsigned twice = 0;
    use(FAKE_LMTP, "");
    hop.delay_us = 20000;
    put_many(0, 500);
    gateway_start(&gateway, settings);
    for (int kills = 0; kills < 3; kills++) {
        size_t before = hop.n;
        assert_true(WAIT_FOR(hop.n >= before + 60, PATIENCE));
        gateway_kill(&gateway);
        gateway_start(&gateway, settings);
    }
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    for (int i = 0; i < 500; i++) {
        char subject[32];
        snprintf(subject, sizeof subject, "number %d", i);
        unsigned n = fake_hop_count(&hop, subject, "one@b.example");
        assert_true(n >= 1);
        twice += n - 1;
    }
    /* only what was on a lane when it was killed, and had no answer yet, may come again */
    print_message("# %u of 500 came twice after 3 kills with 20 lanes\n", twice);
    assert_true(twice <= 3 * 20);
    assert_int_equal(gateway_files(&gateway, "corrupt"), 0);
}

/* A Maildir gets nothing twice: the copy takes the place of the first. */
#define MANY_MAILDIRS 40 /* more than there are threads */
#define MANY_EACH     5

/* Each domain's is a next hop of its own: they wait for threads, and each gets its turn. */
static void many_maildirs_share_the_threads(void **state)
{
    static char many[MANY_MAILDIRS * 256];
    size_t n = 0;
    for (int i = 0; i < MANY_MAILDIRS; i++)
        n += (size_t)snprintf(many + n, sizeof many - n,
                              "domain d%d.example { next_hop = maildir://%s/m%d/%%u }\n", i,
                              gateway.root, i);
    assert_true(n < sizeof many);
    for (int i = 0; i < MANY_MAILDIRS * MANY_EACH; i++) {
        char address[64];
        const char *const to[] = {address, NULL};
        snprintf(address, sizeof address, "one@d%d.example", i % MANY_MAILDIRS);
        gateway_put(&gateway, "to one of many", to, SPOOL_QUEUE, "", id);
    }
    gateway_start(&gateway, many);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(gateway_drain(&gateway), 0);
}

static void a_killed_process_fills_no_maildir_twice(void **state)
{
    snprintf(settings, sizeof settings,
             "domain b.example { next_hop = maildir://%s/mail/%%d/%%u }\n", gateway.root);
    put_many(0, 300);
    gateway_start(&gateway, settings);
    for (int kills = 0; kills < 4; kills++) {
        unsigned before = maildir_files("one");
        WAIT_FOR(maildir_files("one") > before + 20, 2);
        gateway_kill(&gateway);
        gateway_start(&gateway, settings);
    }
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(maildir_files("one"), 300);
}

static void what_was_delivered_is_remembered_without_a_journal(void **state)
{
    use(FAKE_LMTP, "");
    fake_journal_stop(&journal);
    put_many(0, 20);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(hop.n == 20, PATIENCE));
    usleep(200000);
    assert_int_equal(gateway_files(&gateway, "queue"), 20);
    gateway_kill(&gateway);
    gateway_start(&gateway, settings);
    put_many(20, 30);
    gateway_notify(&gateway, NOTICE_QUEUED, id);
    assert_true(WAIT_FOR(hop.n >= 21, PATIENCE));
    usleep(200000);
    assert_int_equal(fake_hop_count(&hop, "number 3", NULL), 1);
    fake_journal_start(&journal, gateway.run_dir);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 30);
    assert_int_equal(state_of(0), RCPT_DELIVERED);
}

static void each_recipient_has_a_fate_of_its_own(void **state)
{
    static const char *const mixed[] = {"one@b.example", "no.one@b.example", "later@b.example",
                                        "two@nowhere.example", NULL};
    char detail[256];
    use(FAKE_LMTP, "retry_first = 1s; lifetime = 2s");
    gateway_put(&gateway, "mixed", mixed, SPOOL_QUEUE, "", id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(state_of(2) == RCPT_DEFERRED, PATIENCE));
    assert_int_equal(state_of(0), RCPT_DELIVERED);
    assert_int_equal(state_of(1), RCPT_HELD);
    assert_true(gateway_has(&gateway, "queue", id));
    /* the last ones live out their lifetime */
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_false(gateway_has(&gateway, "queue", id));
    assert_int_equal(fake_hop_count(&hop, "mixed", NULL), 1);
    fake_journal_state(&journal, id, 1, detail, sizeof detail);
    assert_string_equal(detail, "undeliverable: 550 5.1.1 no such user");
    fake_journal_state(&journal, id, 2, detail, sizeof detail);
    assert_string_equal(
        detail, "undeliverable: not delivered within 2 seconds; at last: 450 4.2.0 come again");
    fake_journal_state(&journal, id, 3, detail, sizeof detail);
    assert_non_null(strstr(detail, "no next hop"));
    gateway_drain(&gateway);
    struct pool *pool = pool_new(1000000);
    struct spool_file *file;
    struct err err;
    bool corrupt;
    assert_int_equal(spool_load(gateway.spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err),
                     0);
    assert_str(file->envelope.held, "undeliverable: 550 5.1.1 no such user");
    assert_true(file->journaled);
    spool_unload(&file);
    pool_free(&pool);
}

/* That a file may not grow is answered as a full disk is. */
static void start_with_files_below(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const struct rlimit less = {.rlim_cur = bytes, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    gateway_start(&gateway, settings);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void refused_is_owed_until_it_can_be_written(void **state)
{
    use(FAKE_LMTP, "retry_first = 1s; retry_max = 1s");
    size_t n = strlen(settings);
    snprintf(settings + n, sizeof settings - n,
             "domain shop.example { next_hop = lmtp://127.0.0.1:%u }\n", hop.port);
    gateway.protocol = "ESMTPSA";
    gateway.padding = 4 * 1000 * 1000;
    put_to("who is told", "no.one@b.example");
    start_with_files_below(1000 * 1000);
    sleep(4); /* several tries; time enough to forget it */
    assert_true(gateway_has(&gateway, "queue", id));
    assert_int_equal(hop.n, 0);
    assert_int_equal(gateway_drain(&gateway), 0);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(hop.n == 1, PATIENCE)); /* its sender */
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(state_of(0), RCPT_FAILED);
    assert_int_equal(hop.n, 1);
}

static const struct spool_recipient *recipients_of(const char *held_id, struct pool *pool)
{
    struct spool_file *file;
    struct err err;
    bool corrupt;
    assert_int_equal(spool_load(gateway.spool, SPOOL_QUARANTINE, held_id, pool, &file, &corrupt,
                                &err),
                     0);
    const struct spool_recipient *recipients = file->envelope.recipients;
    spool_unload(&file);
    return recipients;
}

/* Nothing can be written of who has it: a sweep does not take him for one who is owed, and nobody
 * does once there is room. */
static void who_has_it_does_not_get_it_again_while_the_disk_is_full(void **state)
{
    static const char *const to[] = {"one@b.example", "no.one@b.example", NULL};
    use(FAKE_LMTP, "retry_first = 1s; retry_max = 1s");
    gateway.padding = 100000;
    gateway_put(&gateway, "full", to, SPOOL_QUEUE, "", id);
    start_with_files_below(gateway.padding / 2);
    assert_true(WAIT_FOR(state_of(1) == RCPT_HELD, PATIENCE));
    sleep(7); /* a sweep comes by */
    assert_int_equal(state_of(0), RCPT_DELIVERED);
    assert_true(gateway_has(&gateway, "queue", id));
    assert_int_equal(hop.n, 1);
    gateway_limit_files(&gateway, UINT64_MAX);
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_int_equal(gateway_drain(&gateway), 0);
    struct pool *pool = pool_new(1000000);
    const struct spool_recipient *r = recipients_of(id, pool);
    assert_int_equal(r[0].state, RCPT_DELIVERED);
    assert_int_equal(r[1].state, RCPT_HELD);
    assert_str(r[1].detail, "undeliverable: 550 5.1.1 no such user");
    pool_free(&pool);
    assert_int_equal(hop.n, 1);
}

/* … nor can the file be removed. */
static void who_has_it_does_not_get_it_again_while_it_stays(void **state)
{
    char folder[160];
    use(FAKE_LMTP, "retry_first = 1s; retry_max = 1s");
    gateway.padding = 100000;
    snprintf(folder, sizeof folder, "%s/queue", gateway.state_dir);
    put_to("stays", "one@b.example");
    assert_int_equal(chmod(folder, 02550), 0);
    start_with_files_below(gateway.padding / 2);
    assert_true(WAIT_FOR(state_of(0) == RCPT_DELIVERED, PATIENCE));
    sleep(7); /* a sweep comes by */
    assert_true(gateway_has(&gateway, "queue", id));
    assert_int_equal(hop.n, 1);
    assert_int_equal(chmod(folder, 02770), 0);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 1);
}

static void a_hop_that_is_away_is_waited_for(void **state)
{
    char detail[256];
    use(FAKE_LMTP, "retry_first = 1s; retry_max = 1s");
    unsigned port = hop.port;
    fake_hop_stop(&hop);
    put_many(0, 40);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(state_of(0) == RCPT_DEFERRED, PATIENCE));
    fake_journal_state(&journal, id, 0, detail, sizeof detail);
    assert_non_null(strstr(detail, "Connection refused"));
    fake_hop_start(&hop, FAKE_LMTP, port);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 40);
    assert_int_equal(state_of(0), RCPT_DELIVERED);
}

static void flush_does_not_wait(void **state)
{
    struct buf answer = BUF_INIT(200000);
    struct err err;
    use(FAKE_LMTP, "retry_first = 1h");
    fake_hop_fault(&hop, FAULT_TEMP, STEP_RCPT);
    put_to("patient", "one@b.example");
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(state_of(0) == RCPT_DEFERRED, PATIENCE));
    fake_hop_fault(&hop, FAULT_NONE, STEP_RCPT);
    usleep(100000);
    assert_int_equal(hop.n, 0);
    struct notice flush = {.kind = NOTICE_FLUSH, .id = str_of(id), .recipient = NOTICE_EVERYONE};
    assert_int_equal(notice_ask(gateway.run_dir, &flush, &answer, &err), 0);
    assert_true(WAIT_FOR(hop.n == 1, PATIENCE));
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    flush.id = STR_EMPTY;
    assert_int_equal(notice_ask(gateway.run_dir, &flush, &answer, &err), 0);
    buf_release(&answer);
}

/* Until the journal has heard of it, the answer is to ask again in a moment. */
static bool release_at_last(const char *message, uint32_t recipient, struct buf *answer)
{
    struct err err;
    for (int left = PATIENCE * 100; left > 0; left--) {
        if (quarantine_release(gateway.run_dir, message, recipient, STR("by me"), answer, &err) ==
            0)
            return true;
        if (strstr(err.text, "ask again") == NULL)
            fail_msg("%s", err.text);
        usleep(10000);
    }
    return false;
}

/* Two people decide about the same message. */
static void held_mail_is_released_once_and_deleted_for_good(void **state)
{
    static const char *const three[] = {"one@b.example", "two@b.example", "three@b.example", NULL};
    struct buf answer = BUF_INIT(200000);
    struct err err;
    use_quarantine("keep_originals = 1h");
    gateway_start(&gateway, settings);
    gateway_put(&gateway, "virus", three, SPOOL_QUARANTINE, "infected: Eicar", id);
    gateway_notify(&gateway, NOTICE_HELD, id);
    assert_true(WAIT_FOR(state_of(2) == RCPT_HELD, PATIENCE));
    assert_true(fake_journal_knows(&journal, id));

    assert_true(release_at_last(id, 1, &answer));
    assert_str(buf_str(&answer), "released to 1 recipients");
    assert_true(WAIT_FOR(state_of(1) == RCPT_DELIVERED, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "virus", "two@b.example"), 1);
    assert_true(WAIT_FOR(gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_false(gateway_has(&gateway, "queue", id));

    assert_true(
        WAIT_FOR(quarantine_release(gateway.run_dir, id, 1, STR_EMPTY, &answer, &err) == -1 &&
                     strstr(err.text, "was delivered"),
                 PATIENCE));
    assert_int_equal(quarantine_delete(gateway.run_dir, id, NOTICE_EVERYONE, STR_EMPTY, &answer,
                                       &err),
                     0);
    assert_str(buf_str(&answer), "deleted for 2 recipients");
    assert_true(WAIT_FOR(!gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_false(gateway_has(&gateway, "kept", id)); /* deleted is for good */
    assert_int_equal(state_of(0), RCPT_DELETED);
    assert_int_equal(state_of(1), RCPT_DELIVERED);
    assert_int_equal(state_of(2), RCPT_DELETED);
    assert_int_equal(quarantine_release(gateway.run_dir, id, 0, STR_EMPTY, &answer, &err), -1);
    assert_non_null(strstr(err.text, "is not in quarantine"));
    assert_int_equal(hop.n, 1);
    buf_release(&answer);
}

static void damaged_files_are_set_aside_and_others_go_on(void **state)
{
    char path[256];
    use(FAKE_LMTP, "");
    put_to("damaged", "one@b.example");
    snprintf(path, sizeof path, "%s/queue/%s", gateway.state_dir, id);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, 70), 1);
    close(fd);
    char damaged[sizeof id];
    memcpy(damaged, id, sizeof id);
    put_to("good", "one@b.example");
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 1);
    assert_true(gateway_has(&gateway, "corrupt", damaged));
}

static void put_held(const char *subject)
{
    static const char *const one[] = {"one@b.example", NULL};
    gateway_put(&gateway, subject, one, SPOOL_QUARANTINE, "held", id);
}

static bool expire(void)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    int result = quarantine_expire(gateway.run_dir, &answer, &err);
    buf_release(&answer);
    return result == 0;
}

static void a_damaged_body_keeps_nothing_from_expiring(void **state)
{
    char path[256];
    use_quarantine("keep_policy = 1s");
    put_held("damaged");
    snprintf(path, sizeof path, "%s/quarantine/%s", gateway.state_dir, id);
    char damaged[sizeof id];
    memcpy(damaged, id, sizeof id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(state_of(0) == RCPT_HELD, PATIENCE));
    sleep(1); /* the journal has committed it */
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, 70), 1);
    close(fd);
    put_held("later");
    gateway_notify(&gateway, NOTICE_HELD, id);
    assert_true(WAIT_FOR(state_of(0) == RCPT_HELD, PATIENCE));
    sleep(2);
    assert_true(WAIT_FOR(expire(), PATIENCE));
    assert_true(WAIT_FOR(state_of(0) == RCPT_DELETED, PATIENCE));
    assert_true(WAIT_FOR(!gateway_has(&gateway, "quarantine", id), PATIENCE));
    assert_true(WAIT_FOR(gateway_has(&gateway, "corrupt", damaged), PATIENCE));
}

/* The row of the message says that it is held since 1970. */
static void put_wrong_row(void)
{
    struct spool_file *file;
    struct held held;
    struct err err;
    char folder[200];
    bool corrupt;
    struct pool *pool = pool_new(1 << 20);
    struct spool *spool = spool_open(gateway.state_dir, &err);
    snprintf(folder, sizeof folder, "%s/quarantine", gateway.state_dir);
    struct held_index *index = held_index_open(folder, &err);
    assert_int_equal(spool_peek(spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err), 0);
    assert_int_equal(held_read(file, pool, &held, &err), 0);
    held.since_us = 1;
    assert_int_equal(held_index_put(index, &held, &err), 0);
    held_index_close(&index);
    spool_unload(&file);
    spool_close(&spool);
    pool_free(&pool);
}

static void nothing_expires_on_the_word_of_the_index(void **state)
{
    use_quarantine("keep_policy = 1h");
    put_held("kept");
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(state_of(0) == RCPT_HELD, PATIENCE));
    sleep(1); /* noted in the file */
    assert_int_equal(gateway_drain(&gateway), 0);
    put_wrong_row();
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(expire(), PATIENCE));
    sleep(1);
    assert_int_equal(state_of(0), RCPT_HELD);
    assert_true(gateway_has(&gateway, "quarantine", id));
}

static void asked_to_end_it_finishes_what_is_under_way(void **state)
{
    use(FAKE_LMTP, "connections_limit = 3");
    hop.delay_us = 300000;
    put_many(0, 30);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(hop.open == 3, PATIENCE));
    usleep(100000);
    assert_int_equal(gateway_drain(&gateway), 0);
    unsigned left = gateway_files(&gateway, "queue");
    assert_int_equal(hop.n, 30 - left);
    assert_true(left > 20);
    hop.delay_us = 0;
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(hop.n, 30);
}

static void many_recipients_go_in_several_transactions(void **state)
{
    const char *recipients[251];
    static char addresses[250][32];
    use(FAKE_SMTP, "");
    for (int i = 0; i < 250; i++) {
        snprintf(addresses[i], sizeof addresses[i], "user%d@b.example", i);
        recipients[i] = addresses[i];
    }
    recipients[250] = NULL;
    gateway_put(&gateway, "to many", recipients, SPOOL_QUEUE, "", id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    for (int i = 0; i < 250; i++)
        assert_int_equal(fake_hop_count(&hop, "to many", addresses[i]), 1);
}

static void who_is_not_ours_goes_outside(void **state)
{
    static const char *const recipients[] = {"one@b.example", "two@elsewhere.example", NULL};
    struct fake_hop outside;
    fake_hop_start(&outside, FAKE_SMTP, 0);
    use(FAKE_LMTP, "");
    size_t n = strlen(settings);
    snprintf(settings + n, sizeof settings - n, "outside { next_hop = smtp://127.0.0.1:%u }\n",
             outside.port);
    gateway_put(&gateway, "to both", recipients, SPOOL_QUEUE, "", id);
    gateway_start(&gateway, settings);
    assert_true(WAIT_FOR(gateway_files(&gateway, "queue") == 0, PATIENCE));
    assert_int_equal(fake_hop_count(&hop, "to both", "one@b.example"), 1);
    assert_int_equal(fake_hop_count(&hop, "to both", NULL), 1);
    assert_int_equal(fake_hop_count(&outside, "to both", "two@elsewhere.example"), 1);
    assert_int_equal(fake_hop_count(&outside, "to both", NULL), 1);
    fake_hop_stop(&outside);
}

#define WITH_GATEWAY(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_GATEWAY(lmtp_delivers),
        WITH_GATEWAY(smtp_delivers),
        WITH_GATEWAY(smtp_without_ehlo_delivers),
        WITH_GATEWAY(lmtp_over_a_unix_socket_delivers),
        WITH_GATEWAY(the_message_is_the_edited_one),
        WITH_GATEWAY(maildirs_are_filled),
        WITH_GATEWAY(a_killed_process_loses_nothing),
        WITH_GATEWAY(many_maildirs_share_the_threads),
        WITH_GATEWAY(a_killed_process_fills_no_maildir_twice),
        WITH_GATEWAY(what_was_delivered_is_remembered_without_a_journal),
        WITH_GATEWAY(each_recipient_has_a_fate_of_its_own),
        WITH_GATEWAY(refused_is_owed_until_it_can_be_written),
        WITH_GATEWAY(who_has_it_does_not_get_it_again_while_the_disk_is_full),
        WITH_GATEWAY(who_has_it_does_not_get_it_again_while_it_stays),
        WITH_GATEWAY(a_hop_that_is_away_is_waited_for),
        WITH_GATEWAY(flush_does_not_wait),
        WITH_GATEWAY(held_mail_is_released_once_and_deleted_for_good),
        WITH_GATEWAY(damaged_files_are_set_aside_and_others_go_on),
        WITH_GATEWAY(a_damaged_body_keeps_nothing_from_expiring),
        WITH_GATEWAY(nothing_expires_on_the_word_of_the_index),
        WITH_GATEWAY(asked_to_end_it_finishes_what_is_under_way),
        WITH_GATEWAY(many_recipients_go_in_several_transactions),
        WITH_GATEWAY(who_is_not_ours_goes_outside),
    };
    return tap_run(tests, NULL, NULL);
}
