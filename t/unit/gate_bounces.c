/* How many of an account's recipients elsewhere were refused: the number and the share together
 * decide, within an hour. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "gateway/gate/bounces.h"

#define START 1700000000

static char state[] = "/tmp/poterne-bounces-XXXXXX";

static void forget(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/gate/" BOUNCES_TABLE, state);
    unlink(path);
}

static int make_state(void **data)
{
    return mkdtemp(state) ? 0 : -1;
}

static int remove_state(void **data)
{
    char path[128];
    forget();
    snprintf(path, sizeof path, "%s/gate", state);
    rmdir(path);
    return rmdir(state);
}

struct world {
    struct conf *conf;
    struct bounces bounces;
};

static void world_open(struct world *world, const char *limits)
{
    struct err err = {""};
    struct buf text = BUF_INIT(4000);
    buf_addf(&text,
             "hostname = mx.uni.example\nstate_dir = %s\n"
             "domain uni.example { next_hop = smtp://127.0.0.1:1 }\nlimits { %s }\n",
             state, limits);
    world->conf = conf_parse(buf_str(&text), "test.conf", &err);
    assert_non_null(world->conf);
    assert_int_equal(bounces_open(&world->bounces, world->conf, &err), 0);
    buf_release(&text);
}

static void world_close(struct world *world, bool keep)
{
    bounces_close(&world->bounces);
    conf_free(&world->conf);
    if (!keep)
        forget();
}

/* How many of `n` recipients were answered for until the account was over; n + 1: it never was. */
static unsigned over_at(struct world *world, const char *account, bool bounced, unsigned n,
                        int64_t now, struct bounces_counts *counts)
{
    for (unsigned i = 1; i <= n; i++)
        if (bounces_note(&world->bounces, str_of(account), bounced, now, counts))
            return i;
    return n + 1;
}

static void a_hundred_by_default(void **data)
{
    struct world world;
    struct bounces_counts counts;
    world_open(&world, "");
    assert_int_equal(over_at(&world, "jean@uni.example", true, 200, START, &counts), 100);
    assert_int_equal(counts.answered, 100);
    assert_int_equal(counts.bounced, 100);
    /* each further one says so again: who could not be frozen then is now */
    assert_int_equal(over_at(&world, "JEAN@uni.example", true, 1, START, &counts), 1);
    assert_int_equal(over_at(&world, "anne@uni.example", true, 99, START, &counts), 100);
    world_close(&world, false);
}

/* A mailing to an old list: 150 dead addresses among 1 000 are 15 of 100. */
static void an_old_list_is_no_theft(void **data)
{
    struct world world;
    struct bounces_counts counts;
    world_open(&world, "");
    assert_int_equal(over_at(&world, "news@uni.example", false, 850, START, &counts), 851);
    assert_int_equal(over_at(&world, "news@uni.example", true, 150, START, &counts), 151);
    /* 365 of 1 215 are 30 of 100 at last */
    assert_int_equal(over_at(&world, "news@uni.example", true, 1000, START, &counts), 215);
    assert_int_equal(counts.answered, 1215);
    assert_int_equal(counts.bounced, 365);
    world_close(&world, false);
}

/* Dead domains answer first, in whatever order the others come. */
static void what_is_refused_at_once_is_seen_beside_the_rest(void **data)
{
    struct world world;
    struct bounces_counts counts;
    world_open(&world, "");
    bounces_sent(&world.bounces, STR("news@uni.example"), 1000, START);
    assert_int_equal(over_at(&world, "news@uni.example", true, 299, START, &counts), 300);
    assert_int_equal(over_at(&world, "news@uni.example", true, 1, START, &counts), 1);
    assert_int_equal(counts.of, 1000);
    assert_int_equal(counts.answered, 300);
    world_close(&world, false);
}

static void what_is_older_than_an_hour_counts_no_more(void **data)
{
    struct world world;
    struct bounces_counts counts;
    world_open(&world, "freeze_bounces = 10; freeze_bounces_percent = 0");
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START, &counts), 10);
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START + BOUNCES_SECONDS + 60,
                             &counts),
                     10);
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START + BOUNCES_SECONDS + 120,
                             &counts),
                     1);
    world_close(&world, false);
}

/* Two names that differ beyond ASCII are two accounts. */
static void accounts_of_any_language(void **data)
{
    struct world world;
    struct bounces_counts counts;
    world_open(&world, "freeze_bounces = 3");
    assert_int_equal(over_at(&world, "m\xc3\xbcller@uni.example", true, 2, START, &counts), 3);
    assert_int_equal(over_at(&world, "m\xc3\xb6ller@uni.example", true, 2, START, &counts), 3);
    assert_int_equal(over_at(&world, "m\xc3\xbcller@uni.example", true, 2, START, &counts), 1);
    world_close(&world, false);
}

static void it_outlives_who_counts(void **data)
{
    struct world world;
    struct bounces_counts counts;
    struct err err = {""};
    world_open(&world, "freeze_bounces = 10");
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START, &counts), 10);
    world_close(&world, true);
    struct windows *windows = windows_existing(state, BOUNCES_TABLE, &err);
    assert_non_null(windows);
    assert_int_equal(bounces_counted(windows, STR("jean@uni.example"), START).bounced, 9);
    world_open(&world, "freeze_bounces = 10");
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START, &counts), 1);
    /* `poterne senders thaw` */
    bounces_forget(windows, STR("jean@uni.example"));
    assert_int_equal(bounces_counted(windows, STR("jean@uni.example"), START).of, 0);
    windows_close(&windows);
    assert_int_equal(over_at(&world, "jean@uni.example", true, 9, START, &counts), 10);
    world_close(&world, false);
}

static void zero_is_never(void **data)
{
    struct world world;
    struct bounces_counts counts;
    char path[128];
    world_open(&world, "freeze_bounces = 0");
    assert_int_equal(over_at(&world, "jean@uni.example", true, 5000, START, &counts), 5001);
    snprintf(path, sizeof path, "%s/gate/" BOUNCES_TABLE, state);
    assert_int_equal(access(path, F_OK), -1);
    world_close(&world, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_by_default),
        cmocka_unit_test(an_old_list_is_no_theft),
        cmocka_unit_test(what_is_refused_at_once_is_seen_beside_the_rest),
        cmocka_unit_test(what_is_older_than_an_hour_counts_no_more),
        cmocka_unit_test(accounts_of_any_language),
        cmocka_unit_test(it_outlives_who_counts),
        cmocka_unit_test(zero_is_never),
    };
    return tap_run(tests, make_state, remove_state);
}
