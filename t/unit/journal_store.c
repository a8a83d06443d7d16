#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/log.h"
#include "journal/query.h"
#include "journal/store.h"
#include "journal/time_id.h"

#define SCHEMA_PAGES 40
#define DAY_US       ((int64_t)86400 * 1000000)
#define NOW_US       ((int64_t)1792000000 * 1000000)
#define MADE_AT      (NOW_US - 2 * DAY_US)

struct fixture {
    char folder[64];
    char path[96];
    struct journal_store *store;
    struct journal *journal;
    struct pool *pool;
    struct journal_found found;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-journal.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/journal.sqlite", f->folder);
    f->pool = pool_new(64 * 1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[512];
    journal_close(&f->journal);
    journal_store_close(&f->store);
    pool_free(&f->pool);
    DIR *dir = opendir(f->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", f->folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void open_store(struct fixture *f)
{
    struct err err = {""};
    f->store = journal_store_open(f->folder, &err);
    if (f->store == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->store);
}

/* An id as the spool makes it: its time, then something of its own. */
static const char *id_at(int64_t time_us, const char *rest)
{
    static char id[32];
    char text[TIME_ID_SIZE];
    struct str head = time_id(time_us, text);
    snprintf(id, sizeof id, "%.*s%-16s", STR_ARG(head), rest);
    for (char *c = id; *c; c++)
        *c = *c == ' ' ? '0' : *c;
    return id;
}

static void apply(struct fixture *f, const struct event *event)
{
    struct err err = {""};
    int result = journal_store_apply(f->store, event, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
}

static void commit(struct fixture *f)
{
    struct err err = {""};
    assert_int_equal(journal_store_commit(f->store, &err), 0);
}

static void put_message(struct fixture *f, const char *id, int64_t time_us, const char *sender)
{
    struct event e = {.kind = EVENT_MESSAGE,
                      .message = {.id = str_of(id),
                                  .time_us = time_us,
                                  .client_ip = STR("192.0.2.9"),
                                  .sender = str_of(sender),
                                  .subject = STR("s\xc3\xa9minaire"),
                                  .size = 5300,
                                  .verdict = STR("spam"),
                                  .global = -2.3,
                                  .heuristics = -0.4,
                                  .bayes = -1.9,
                                  .evidence = STR("{\"rules\":[]}")}};
    apply(f, &e);
}

static void put_recipient(struct fixture *f, const char *id, uint32_t index, const char *address,
                          enum recipient_state state, int64_t time_us, const char *detail)
{
    struct event e = {.kind = EVENT_RECIPIENT,
                      .recipient = {.id = str_of(id),
                                    .index = index,
                                    .address = str_of(address),
                                    .how = STR("file people"),
                                    .state = state,
                                    .time_us = time_us,
                                    .relay = STR("192.0.2.10:24"),
                                    .detail = str_of(detail)}};
    apply(f, &e);
}

static void put_refused(struct fixture *f, int64_t time_us, const char *sender,
                        const char *recipient)
{
    struct event e = {.kind = EVENT_REFUSED,
                      .refused = {.time_us = time_us,
                                  .session = STR("s1"),
                                  .client_ip = STR("198.51.100.7"),
                                  .sender = str_of(sender),
                                  .recipient = str_of(recipient),
                                  .stage = STR("rcpt"),
                                  .code = 550,
                                  .enhanced = STR("5.1.1"),
                                  .text = STR("unknown")}};
    apply(f, &e);
}

static const struct journal_found *search(struct fixture *f, struct journal_filter filter)
{
    struct err err = {""};
    if (f->journal == NULL)
        f->journal = journal_open(f->folder, &err);
    if (f->journal == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->journal);
    int result = journal_search(f->journal, &filter, f->pool, &f->found, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    return &f->found;
}

#define SEARCH(f, ...) search((f), (struct journal_filter){__VA_ARGS__})

static void message_comes_back_with_its_story(void **state)
{
    struct fixture *f = *state;
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "AAAA"));
    put_message(f, id, MADE_AT, "news@shop.example");
    put_recipient(f, id, 1, "Bob@univ.example", RCPT_DELIVERED, MADE_AT + 20, "250 saved");
    put_recipient(f, id, 0, "Jean.Toto@univ.example", RCPT_OWED, MADE_AT, "");
    put_recipient(f, id, 0, "Jean.Toto@univ.example", RCPT_DEFERRED, MADE_AT + 10, "451 busy");
    put_recipient(f, id, 0, "Jean.Toto@univ.example", RCPT_DELIVERED, MADE_AT + 30, "250 saved");
    commit(f);
    const struct journal_found *found = SEARCH(f, .id = str_of(id));
    assert_int_equal(found->n_messages, 1);
    assert_int_equal(found->n_refusals, 0);
    assert_false(found->more);
    const struct journal_message *m = &found->messages[0];
    assert_true(m->complete);
    assert_str(m->event.id, id);
    assert_str(m->event.sender, "news@shop.example");
    assert_str(m->event.subject, "s\xc3\xa9minaire");
    assert_str(m->event.evidence, "{\"rules\":[]}");
    assert_true(m->event.time_us == MADE_AT && m->event.global == -2.3);
    assert_int_equal(m->event.size, 5300);
    assert_int_equal(m->n_recipients, 2);
    assert_str(m->recipients[0].address, "Jean.Toto@univ.example");
    assert_str(m->recipients[0].how, "file people");
    assert_int_equal(m->recipients[0].state, RCPT_DELIVERED);
    assert_int_equal(m->recipients[0].n_outcomes, 3);
    assert_str(m->recipients[0].outcomes[1].detail, "451 busy");
    assert_str(m->recipients[0].outcomes[1].relay, "192.0.2.10:24");
    assert_int_equal(m->recipients[0].outcomes[2].state, RCPT_DELIVERED);
    assert_int_equal(m->recipients[1].n_outcomes, 1);
}

static void uncommitted_is_not_there(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    commit(f);
    put_message(f, id_at(MADE_AT, "A"), MADE_AT, "x@y.example");
    assert_int_equal(SEARCH(f, .limit = 10)->n_messages, 0);
    journal_store_close(&f->store);
    open_store(f);
    assert_int_equal(SEARCH(f, .limit = 10)->n_messages, 0);
}

static void twice_is_once(void **state)
{
    struct fixture *f = *state;
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "AAAA"));
    for (int i = 0; i < 2; i++) {
        put_message(f, id, MADE_AT, i ? "other@shop.example" : "news@shop.example");
        put_recipient(f, id, 0, "jean@univ.example", RCPT_OWED, MADE_AT, "");
        put_recipient(f, id, 0, "jean@univ.example", RCPT_DELIVERED, MADE_AT + 30, "250 saved");
        put_refused(f, MADE_AT, "a@b.example", "c@univ.example");
        commit(f);
    }
    const struct journal_found *found = SEARCH(f, .limit = 10);
    assert_int_equal(found->n_messages, 1);
    assert_int_equal(found->n_refusals, 1);
    assert_str(found->messages[0].event.sender, "news@shop.example");
    assert_int_equal(found->messages[0].n_recipients, 1);
    assert_int_equal(found->messages[0].recipients[0].n_outcomes, 2);
}

static enum recipient_state state_after(struct fixture *f, const char *id)
{
    commit(f);
    return SEARCH(f, .id = str_of(id))->messages[0].recipients[0].state;
}

static void late_news_undo_nothing(void **state)
{
    struct fixture *f = *state;
    const char *to = "jean@univ.example";
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "AAAA"));
    put_recipient(f, id, 0, to, RCPT_HELD, 100, "");
    put_recipient(f, id, 0, to, RCPT_OWED, 50, "");
    assert_int_equal(state_after(f, id), RCPT_HELD);
    put_recipient(f, id, 0, to, RCPT_RELEASED, 200, "");
    put_recipient(f, id, 0, to, RCPT_HELD, 100, "");
    assert_int_equal(state_after(f, id), RCPT_RELEASED);
    put_recipient(f, id, 0, to, RCPT_DEFERRED, 300, "451");
    assert_int_equal(state_after(f, id), RCPT_DEFERRED);
    put_recipient(f, id, 0, to, RCPT_DELIVERED, 290, "250");
    assert_int_equal(state_after(f, id), RCPT_DELIVERED);
    put_recipient(f, id, 0, to, RCPT_DEFERRED, 900, "451");
    assert_int_equal(state_after(f, id), RCPT_DELIVERED);
    put_recipient(f, id, 0, to, RCPT_FAILED, 280, "550");
    assert_int_equal(state_after(f, id), RCPT_DELIVERED);
    put_recipient(f, id, 0, to, RCPT_FAILED, 950, "550");
    assert_int_equal(state_after(f, id), RCPT_FAILED);
    assert_int_equal(f->found.messages[0].recipients[0].n_outcomes, 8);
    assert_false(f->found.messages[0].complete);
}

static void finds_by_address_client_and_time(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32];
    open_store(f);
    snprintf(a, sizeof a, "%s", id_at(MADE_AT, "A"));
    snprintf(b, sizeof b, "%s", id_at(MADE_AT + DAY_US, "B"));
    put_message(f, a, MADE_AT, "News@shop.example");
    put_recipient(f, a, 0, "Jean.Toto@univ.example", RCPT_DELIVERED, MADE_AT, "");
    put_message(f, b, MADE_AT + DAY_US, "jean.toto@univ.example");
    put_recipient(f, b, 0, "bob@univ.example", RCPT_DELIVERED, MADE_AT + DAY_US, "");
    put_refused(f, MADE_AT + 5, "news@shop.example", "nobody@univ.example");
    put_refused(f, MADE_AT + 6, "", "");
    commit(f);
    const struct journal_found *found = SEARCH(f, .address = STR("JEAN.toto@univ.example"));
    assert_int_equal(found->n_messages, 2);
    assert_str(found->messages[0].event.id, a);
    assert_str(found->messages[1].event.id, b);
    assert_int_equal(found->n_refusals, 0);
    found = SEARCH(f, .address = STR("news@SHOP.example"));
    assert_int_equal(found->n_messages, 1);
    assert_int_equal(found->n_refusals, 1);
    found = SEARCH(f, .address = STR("nobody@univ.example"));
    assert_int_equal(found->n_messages, 0);
    assert_int_equal(found->n_refusals, 1);
    assert_int_equal(found->refusals[0].code, 550);
    assert_str(found->refusals[0].enhanced, "5.1.1");
    found = SEARCH(f, .client_ip = STR("192.0.2.9"));
    assert_int_equal(found->n_messages, 2);
    assert_int_equal(found->n_refusals, 0);
    found = SEARCH(f, .client_ip = STR("198.51.100.7"));
    assert_int_equal(found->n_messages, 0);
    assert_int_equal(found->n_refusals, 2);
    found = SEARCH(f, .address = STR("bob@univ.example"), .client_ip = STR("192.0.2.8"));
    assert_int_equal(found->n_messages, 0);
    found = SEARCH(f, .address = STR("bob@univ.example"), .client_ip = STR("192.0.2.9"));
    assert_int_equal(found->n_messages, 1);
    found = SEARCH(f, .from_us = MADE_AT + 1000, .to_us = NOW_US);
    assert_int_equal(found->n_messages, 1);
    assert_str(found->messages[0].event.id, b);
    assert_int_equal(found->n_refusals, 0);
    found = SEARCH(f, .from_us = MADE_AT, .to_us = MADE_AT + DAY_US);
    assert_int_equal(found->n_messages, 1);
    assert_str(found->messages[0].event.id, a);
    assert_int_equal(found->n_refusals, 2);
}

static void finds_by_the_beginning_of_an_id(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    char id[32], low[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "ABCD"));
    put_message(f, id, MADE_AT, "a@b.example");
    commit(f);
    snprintf(low, sizeof low, "%s", id);
    for (char *c = low; *c; c++)
        *c = str_lower_char(*c);
    assert_int_equal(SEARCH(f, .id = str_of(low))->n_messages, 1);
    assert_int_equal(SEARCH(f, .id = str_sub(str_of(id), 0, 12))->n_messages, 1);
    assert_int_equal(SEARCH(f, .id = STR("0"))->n_messages, 1);
    assert_int_equal(SEARCH(f, .id = STR("Z"))->n_messages, 0);
    assert_int_equal(SEARCH(f, .id = STR("x' OR 1=1 --"))->n_messages, 0);
    char huge[1000];
    memset(huge, 'A', sizeof huge);
    struct journal_filter filter = {.id = str_n(huge, sizeof huge)};
    assert_int_equal(journal_search(f->journal, &filter, f->pool, &f->found, &err), -1);
}

/* A message refused at its end has an id, and is found by it. */
static void finds_refusals_by_id(void **state)
{
    struct fixture *f = *state;
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "ABCD"));
    struct event e = {.kind = EVENT_REFUSED,
                      .refused = {.time_us = MADE_AT,
                                  .id = str_of(id),
                                  .sender = STR("a@b.example"),
                                  .stage = STR("content"),
                                  .code = 554,
                                  .evidence = STR("{}")}};
    apply(f, &e);
    put_refused(f, MADE_AT, "a@b.example", "c@univ.example");
    commit(f);
    const struct journal_found *found = SEARCH(f, .id = str_of(id));
    assert_int_equal(found->n_refusals, 1);
    assert_int_equal(found->refusals[0].code, 554);
    assert_str(found->refusals[0].evidence, "{}");
    found = SEARCH(f, .id = str_of(id), .address = STR("A@b.example"));
    assert_int_equal(found->n_refusals, 1);
    found = SEARCH(f, .id = str_of(id), .address = STR("c@univ.example"));
    assert_int_equal(found->n_refusals, 0);
    assert_int_equal(SEARCH(f, .limit = 10)->n_refusals, 2);
}

static void limit_keeps_the_newest(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (int i = 0; i < 20; i++) {
        char rest[8];
        snprintf(rest, sizeof rest, "%02d", i);
        put_message(f, id_at(MADE_AT + i * 1000, rest), MADE_AT + i, "a@b.example");
        put_refused(f, MADE_AT + i, "a@b.example", "c@univ.example");
    }
    commit(f);
    const struct journal_found *found = SEARCH(f, .address = STR("a@b.example"), .limit = 5);
    assert_int_equal(found->n_messages, 5);
    assert_int_equal(found->n_refusals, 5);
    assert_true(found->more);
    assert_true(found->messages[4].event.time_us == MADE_AT + 19);
    assert_true(found->messages[0].event.time_us == MADE_AT + 15);
    assert_true(found->refusals[4].time_us == MADE_AT + 19);
}

static int swept(struct fixture *f, unsigned keep_days, size_t size_limit)
{
    struct err err = {""};
    struct conf_journal conf = {.keep = keep_days * 86400, .size_limit = size_limit};
    int rows, all = 0;
    do {
        rows = journal_store_sweep(f->store, &conf, NOW_US, NOW_US, &err);
        assert_true(rows >= 0);
        all += rows;
    } while (rows > 0);
    return all;
}

static void forgets_what_is_settled_and_old(void **state)
{
    struct fixture *f = *state;
    char old[32], held[32], lost[32], young[32], revived[32];
    int64_t long_ago = NOW_US - 40 * DAY_US;
    open_store(f);
    snprintf(old, sizeof old, "%s", id_at(long_ago, "OLD"));
    snprintf(held, sizeof held, "%s", id_at(long_ago, "HELD"));
    snprintf(lost, sizeof lost, "%s", id_at(long_ago, "LOST"));
    snprintf(revived, sizeof revived, "%s", id_at(long_ago, "REV"));
    snprintf(young, sizeof young, "%s", id_at(MADE_AT, "YOUNG"));
    put_message(f, old, long_ago, "a@b.example");
    put_recipient(f, old, 0, "c@univ.example", RCPT_DELIVERED, long_ago, "");
    put_message(f, held, long_ago, "a@b.example");
    put_recipient(f, held, 0, "c@univ.example", RCPT_DELIVERED, long_ago, "");
    put_recipient(f, held, 1, "d@univ.example", RCPT_HELD, long_ago, "");
    put_recipient(f, lost, 0, "c@univ.example", RCPT_DELIVERED, long_ago, "");
    put_message(f, revived, long_ago, "a@b.example");
    put_recipient(f, revived, 0, "c@univ.example", RCPT_DELIVERED, MADE_AT, "");
    put_message(f, young, MADE_AT, "a@b.example");
    put_refused(f, long_ago, "a@b.example", "c@univ.example");
    put_refused(f, MADE_AT, "a@b.example", "c@univ.example");
    commit(f);
    assert_int_equal(swept(f, 50, SIZE_MAX / 2), 0);
    /* old: message, recipient, outcome; lost: recipient, outcome; one refusal */
    assert_int_equal(swept(f, 30, SIZE_MAX / 2), 6);
    const struct journal_found *found = SEARCH(f, .limit = 10);
    assert_int_equal(found->n_messages, 3);
    assert_int_equal(found->n_refusals, 1);
    assert_int_equal(SEARCH(f, .id = str_of(old))->n_messages, 0);
    assert_int_equal(SEARCH(f, .id = str_of(lost))->n_messages, 0);
    assert_int_equal(SEARCH(f, .id = str_of(held))->messages[0].n_recipients, 2);
    assert_int_equal(SEARCH(f, .id = str_of(revived))->n_messages, 1);
}

static void size_limit_takes_the_oldest_refusals_first(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (int i = 0; i < 5000; i++)
        put_refused(f, MADE_AT + i, "someone@b.example", "c@univ.example");
    for (int i = 0; i < 100; i++) {
        char rest[8];
        snprintf(rest, sizeof rest, "%02d", i);
        put_message(f, id_at(MADE_AT, rest), MADE_AT, "a@b.example");
    }
    commit(f);
    assert_int_equal(swept(f, 30, 100 * 1024 * 1024), 0);
    assert_true(swept(f, 30, 200 * 1024) >= 2000);
    struct journal_totals totals;
    struct err err = {""};
    SEARCH(f, .limit = 1);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    assert_true(totals.refusals < 3001);
    assert_int_equal(totals.messages, 100);
}

/* Behind a clock that is not believed what strangers make is newer than now, and goes first. */
static void size_limit_takes_refusals_of_a_doubted_time_first(void **state)
{
    struct fixture *f = *state;
    const struct conf_journal conf = {.keep = 30 * 86400, .size_limit = 200 * 1024};
    struct journal_totals totals;
    struct err err = {""};
    open_store(f);
    for (int i = 0; i < 5000; i++)
        put_refused(f, NOW_US - 2 * DAY_US + i, "someone@b.example", "c@univ.example");
    for (int i = 0; i < 100; i++) {
        char rest[8], id[32];
        snprintf(rest, sizeof rest, "%02d", i);
        snprintf(id, sizeof id, "%s", id_at(NOW_US - 10 * DAY_US, rest));
        put_message(f, id, NOW_US - 10 * DAY_US, "a@b.example");
        put_recipient(f, id, 0, "c@univ.example", RCPT_DELIVERED, NOW_US - 10 * DAY_US, "");
    }
    commit(f);
    while (journal_store_sweep(f->store, &conf, NOW_US, NOW_US - 4 * DAY_US, &err) > 0)
        ;
    SEARCH(f, .limit = 1);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    assert_true(totals.refusals < 3001);
    assert_int_equal(totals.messages, 100);
}

static void totals_count(void **state)
{
    struct fixture *f = *state;
    struct journal_totals totals;
    struct err err = {""};
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "A"));
    put_message(f, id, MADE_AT, "a@b.example");
    put_recipient(f, id, 0, "c@univ.example", RCPT_DELIVERED, MADE_AT, "");
    put_recipient(f, id, 1, "d@univ.example", RCPT_HELD, MADE_AT, "");
    put_recipient(f, id, 2, "e@univ.example", RCPT_HELD, MADE_AT, "");
    commit(f);
    SEARCH(f, .limit = 1);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    assert_int_equal(totals.messages, 1);
    assert_int_equal(totals.recipients, 3);
    assert_int_equal(totals.recipients_in[RCPT_HELD], 2);
    assert_int_equal(totals.recipients_in[RCPT_DELIVERED], 1);
}

/* --- what goes wrong --- */

static size_t files_named(struct fixture *f, const char *part)
{
    size_t n = 0;
    DIR *dir = opendir(f->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        n += strstr(e->d_name, part) != NULL;
    closedir(dir);
    return n;
}

static void rubbish_is_set_aside(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct buf rubbish = BUF_INIT(100000);
    for (int i = 0; i < 20000; i++)
        buf_addf(&rubbish, "%d ", i % 97);
    assert_int_equal(fsio_replace(f->path, buf_str(&rubbish), 0600, &err), 0);
    open_store(f);
    assert_int_equal(files_named(f, ".damaged-"), 1);
    put_message(f, id_at(MADE_AT, "A"), MADE_AT, "a@b.example");
    commit(f);
    assert_int_equal(SEARCH(f, .limit = 10)->n_messages, 1);
    buf_release(&rubbish);
}

/* A page in the middle is overwritten: found while writing, the next open begins anew. */
static void damage_found_in_use_is_set_aside(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    char junk[4096];
    open_store(f);
    for (int i = 0; i < 3000; i++)
        put_refused(f, MADE_AT + i, "someone@b.example", "c@univ.example");
    commit(f);
    journal_store_close(&f->store);
    memset(junk, 0x5a, sizeof junk);
    FILE *file = fopen(f->path, "r+");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long pages = ftell(file) / 4096;
    /* not the schema and the roots of the tables: their damage is found when the file is opened */
    assert_true(pages > 2 * SCHEMA_PAGES);
    for (long page = SCHEMA_PAGES; page < pages; page++) {
        fseek(file, page * 4096, SEEK_SET);
        fwrite(junk, 1, sizeof junk, file);
    }
    fclose(file);
    open_store(f);
    struct event e = {.kind = EVENT_REFUSED, .refused = {.time_us = NOW_US, .stage = STR("rcpt")}};
    int result = journal_store_apply(f->store, &e, &err);
    if (result == 0)
        result = journal_store_commit(f->store, &err);
    assert_int_equal(result, -1);
    assert_int_equal(journal_store_commit(f->store, &err), -1);
    assert_int_equal(journal_store_apply(f->store, &e, &err), -1);
    journal_store_close(&f->store);
    open_store(f);
    assert_true(files_named(f, ".damaged-") >= 1);
    apply(f, &e);
    commit(f);
    assert_int_equal(SEARCH(f, .limit = 10)->n_refusals, 1);
}

static void newer_schema_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99; CREATE TABLE x (y)", 0, 0, 0),
                     SQLITE_OK);
    sqlite3_close(db);
    f->store = journal_store_open(f->folder, &err);
    assert_null(f->store);
    assert_non_null(strstr(err.text, "newer poterne"));
    assert_int_equal(files_named(f, ".damaged-"), 0);
    f->journal = journal_open(f->folder, &err);
    assert_null(f->journal);
    assert_non_null(strstr(err.text, "schema 99"));
}

static void no_folder_is_an_error(void **state)
{
    struct err err = {""};
    assert_null(journal_store_open("/nonexistent/journal", &err));
    assert_non_null(strstr(err.text, "/nonexistent/journal"));
    assert_null(journal_open("/nonexistent/journal", &err));
    assert_non_null(strstr(err.text, "no journal at /nonexistent/journal/journal.sqlite yet"));
}

/* Texts of mail are bytes: NUL, quotes and broken UTF-8 come back as they were. */
static void odd_bytes_are_kept(void **state)
{
    struct fixture *f = *state;
    char id[32];
    open_store(f);
    snprintf(id, sizeof id, "%s", id_at(MADE_AT, "A"));
    struct event e = {.kind = EVENT_MESSAGE,
                      .message = {.id = str_of(id),
                                  .sender = STR("'; DROP TABLE message; --"),
                                  .subject = str_n("a\0b\xff\xfe", 5)}};
    apply(f, &e);
    commit(f);
    const struct journal_found *found = SEARCH(f, .id = str_of(id));
    assert_str(found->messages[0].event.sender, "'; DROP TABLE message; --");
    assert_int_equal(found->messages[0].event.subject.n, 5);
    assert_memory_equal(found->messages[0].event.subject.s, "a\0b\xff\xfe", 5);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void put_virus(struct fixture *f, const char *rest, int64_t time_us, const char *client_ip,
                      const char *held)
{
    struct event e = {.kind = EVENT_MESSAGE,
                      .message = {.time_us = time_us,
                                  .client_ip = str_of(client_ip),
                                  .sender = STR("u@univ.example"),
                                  .verdict = STR("infected"),
                                  .held = str_of(held)}};
    char id[32];
    snprintf(id, sizeof id, "%s", id_at(time_us, rest));
    e.message.id = str_of(id);
    apply(f, &e);
    put_recipient(f, id, 0, "a@univ.example", RCPT_HELD, time_us, held);
    put_recipient(f, id, 1, "b@univ.example", RCPT_HELD, time_us, held);
}

static bool is_inside(void *data, struct str client_ip)
{
    return str_starts(client_ip, STR("10."));
}

static void infected_mail_is_counted(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct journal_viruses v;
    open_store(f);
    put_virus(f, "A", NOW_US - 3 * DAY_US, "10.0.0.1", "infected: Old (clamav)");
    put_virus(f, "B", NOW_US - 10, "10.0.0.1", "infected: New (clamav)");
    put_virus(f, "C", NOW_US - 9, "203.0.113.1", "infected: New (clamav)");
    put_virus(f, "D", NOW_US - 8, "203.0.113.1", "infected: Odd (yara)");
    put_message(f, id_at(NOW_US - 7, "E"), NOW_US - 7, "spam@shop.example");
    for (int i = 0; i < 2; i++) {
        struct event e = {.kind = EVENT_REFUSED,
                          .refused = {.time_us = NOW_US - 5 + i,
                                      .session = STR("s"),
                                      .client_ip = STR("10.0.0.1"),
                                      .sender = STR("u@univ.example"),
                                      .stage = STR("content"),
                                      .code = 550,
                                      .evidence = i ? STR("{\"verdict\":\"infected\"}")
                                                    : STR("{\"verdict\":\"spam\"}")}};
        apply(f, &e);
    }
    commit(f);
    f->journal = journal_open(f->folder, &err);
    assert_non_null(f->journal);
    assert_int_equal(journal_viruses(f->journal, NOW_US - DAY_US, is_inside, NULL, f->pool, &v,
                                     &err),
                     0);
    assert_int_equal(v.n_held, 1); /* messages, not recipients */
    assert_str(v.held[0].what, "infected");
    assert_int_equal(v.held[0].n, 4);
    assert_int_equal(v.n_found, 2);
    assert_str(v.found[0].what, "infected: New (clamav)");
    assert_int_equal(v.found[0].n, 2);
    assert_int_equal(v.n_clients, 1);
    assert_str(v.clients[0].what, "10.0.0.1");
    assert_str(v.clients[0].who, "u@univ.example");
    assert_int_equal(v.clients[0].n, 2); /* one taken, one refused */
}

static void put_full(struct fixture *f, int64_t time_us, struct str recipient, struct str enhanced)
{
    struct event e = {.kind = EVENT_REFUSED,
                      .refused = {.time_us = time_us,
                                  .session = STR("s"),
                                  .client_ip = STR("10.0.0.1"),
                                  .recipient = recipient,
                                  .stage = STR("rcpt"),
                                  .code = 552,
                                  .enhanced = enhanced}};
    apply(f, &e);
}

static void full_mailboxes_are_counted(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct journal_mailboxes m;
    char address[40];
    open_store(f);
    put_full(f, NOW_US - 2 * DAY_US, STR("old@univ.example"), STR("5.2.2"));
    put_full(f, NOW_US - 9, STR("Jean@univ.example"), STR("5.2.2"));
    put_full(f, NOW_US - 8, STR("jean@univ.example"), STR("5.2.2"));
    put_full(f, NOW_US - 7, STR("large@univ.example"), STR("5.3.4"));
    for (int i = 0; i < JOURNAL_COUNTS_MAX; i++) {
        snprintf(address, sizeof address, "u%02d@univ.example", i);
        put_full(f, NOW_US - 100 - i, str_of(address), STR("5.2.2"));
    }
    commit(f);
    f->journal = journal_open(f->folder, &err);
    assert_non_null(f->journal);
    assert_int_equal(journal_full_mailboxes(f->journal, NOW_US - DAY_US, f->pool, &m, &err), 0);
    assert_int_equal(m.n, JOURNAL_COUNTS_MAX);
    assert_int_equal(m.all, JOURNAL_COUNTS_MAX + 1);
    assert_str(m.list[0].what, "jean@univ.example");
    assert_int_equal(m.list[0].n, 2);
    assert_str(m.list[1].what, "u00@univ.example");
}

static void put_how(struct fixture *f, const char *id, const char *address, const char *how)
{
    const struct event e = {.kind = EVENT_RECIPIENT,
                            .recipient = {.id = str_of(id),
                                          .address = str_of(address),
                                          .how = str_of(how),
                                          .state = RCPT_DELIVERED,
                                          .time_us = NOW_US}};
    apply(f, &e);
}

static void what_was_not_redirected_is_counted(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct journal_mailboxes m;
    open_store(f);
    put_how(f, "00000000000000000000000001", "old@a.example", "file; not redirected to x: old");
    put_how(f, "7ZZZZZZZZZZZZZZZZZZZZZZZZ1", "Jean@a.example", "file; not redirected to x: rule");
    put_how(f, "7ZZZZZZZZZZZZZZZZZZZZZZZZ2", "jean@a.example", "file; not redirected to x: rule");
    put_how(f, "7ZZZZZZZZZZZZZZZZZZZZZZZZ3", "anne@a.example", "file; redirected to x (rule)");
    const struct event refused = {.kind = EVENT_REFUSED,
                                  .refused = {.time_us = NOW_US,
                                              .recipient = STR("free@a.example"),
                                              .stage = STR("rcpt"),
                                              .code = 550,
                                              .enhanced = STR("5.7.1"),
                                              .text = STR("Mail may not be redirected there: y")}};
    apply(f, &refused);
    commit(f);
    f->journal = journal_open(f->folder, &err);
    assert_non_null(f->journal);
    assert_int_equal(journal_redirections(f->journal, NOW_US - DAY_US, f->pool, &m, &err), 0);
    assert_int_equal(m.n, 2);
    assert_str(m.list[0].what, "jean@a.example");
    assert_str(m.list[0].who, "not redirected to x: rule");
    assert_int_equal(m.list[0].n, 2);
    assert_str(m.list[1].what, "free@a.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(message_comes_back_with_its_story),
        WITH_FOLDER(uncommitted_is_not_there),
        WITH_FOLDER(twice_is_once),
        WITH_FOLDER(late_news_undo_nothing),
        WITH_FOLDER(finds_by_address_client_and_time),
        WITH_FOLDER(finds_by_the_beginning_of_an_id),
        WITH_FOLDER(finds_refusals_by_id),
        WITH_FOLDER(limit_keeps_the_newest),
        WITH_FOLDER(infected_mail_is_counted),
        WITH_FOLDER(full_mailboxes_are_counted),
        WITH_FOLDER(what_was_not_redirected_is_counted),
        WITH_FOLDER(forgets_what_is_settled_and_old),
        WITH_FOLDER(size_limit_takes_the_oldest_refusals_first),
        WITH_FOLDER(size_limit_takes_refusals_of_a_doubted_time_first),
        WITH_FOLDER(totals_count),
        WITH_FOLDER(rubbish_is_set_aside),
        WITH_FOLDER(damage_found_in_use_is_set_aside),
        WITH_FOLDER(newer_schema_is_left_alone),
        cmocka_unit_test(no_folder_is_an_error),
        WITH_FOLDER(odd_bytes_are_kept),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
