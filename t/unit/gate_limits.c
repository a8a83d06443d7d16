/* How much may be sent: the table of defaults row by row, and who is counted. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "gateway/gate/limits.h"

#define START   1700000000
#define QUARTER 900
#define HOUR    3600

static char state[] = "/tmp/poterne-limits-XXXXXX";

static void forget(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/gate/" LIMITS_TABLE, state);
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
    struct limits limits;
};

static void world_open(struct world *world, const char *sections)
{
    struct err err = {""};
    struct buf text = BUF_INIT(4000);
    buf_addf(&text,
             "hostname = mx.uni.example\nstate_dir = %s\n"
             "domain uni.example { next_hop = smtp://127.0.0.1:1 }\n%s\n",
             state, sections);
    world->conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (world->conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(world->conf);
    assert_int_equal(limits_open(&world->limits, world->conf, &err), 0);
    buf_release(&text);
}

static void world_close(struct world *world)
{
    limits_close(&world->limits);
    conf_free(&world->conf);
    forget();
}

static struct limits_origin from(enum network_class of, const char *ip, const char *account)
{
    return (struct limits_origin){.network_class = of,
                                  .ip = str_of(ip),
                                  .account = str_of(account),
                                  .sender = STR("someone@uni.example")};
}

/* How many of `tries` are let through; the answer is that to the last one. */
static unsigned try(struct world *world, struct limits_origin origin, enum limits_series series,
                    unsigned tries, int64_t now, struct limits_answer *answer)
{
    unsigned let = 0;
    for (unsigned i = 0; i < tries; i++) {
        limits_count(&world->limits, &origin, series, now, answer);
        let += answer->result == WINDOWS_COUNTED;
    }
    return let;
}

#define NONE 3000 /* more than any limit */

/* A row of the table of defaults, for one address, and for one account that has an address of its
 * own each time. */
static void expect_row(enum network_class of, bool logged_in, unsigned per_message,
                       unsigned messages, unsigned quarter, unsigned hour)
{
    struct world world;
    struct limits_answer answer;
    struct limits_origin who = from(of, "192.0.2.1", logged_in ? "jean@uni.example" : "");
    world_open(&world, "");
    assert_int_equal(limits_of_message(&world.conf->limits, of), per_message);
    assert_int_equal(try(&world, who, LIMITS_MESSAGES, NONE, START, &answer), messages);
    assert_int_equal(answer.result, WINDOWS_REACHED);
    assert_int_equal(try(&world, who, LIMITS_RECIPIENTS, NONE, START, &answer), quarter);
    unsigned rest = try(&world, who, LIMITS_RECIPIENTS, NONE, START + QUARTER + 60, &answer);
    if (quarter < NONE) {
        assert_int_equal(rest, hour - quarter < quarter ? hour - quarter : quarter);
        assert_int_equal(answer.result, WINDOWS_REACHED);
        assert_int_equal(answer.of_account, logged_in);
        rest += try(&world, who, LIMITS_RECIPIENTS, NONE, START + 2 * (QUARTER + 60), &answer);
        assert_int_equal(quarter + rest, hour);
    }
    assert_int_equal(try(&world, who, LIMITS_MESSAGES, NONE, START + HOUR - 60, &answer), 0);
    assert_int_equal(try(&world, who, LIMITS_MESSAGES, NONE, START + HOUR + 60, &answer), messages);
    world_close(&world);
}

static void webmail(void **data)
{
    expect_row(CLASS_WEBMAIL, true, 50, 100, 500, 1000);
}

static void inside(void **data)
{
    expect_row(CLASS_INSIDE, true, 100, 200, 500, 1000);
    expect_row(CLASS_INSIDE, false, 100, 200, 500, 1000);
}

static void outside(void **data)
{
    expect_row(CLASS_OUTSIDE, true, 50, 50, 250, 500);
}

static void private_relay(void **data)
{
    expect_row(CLASS_RELAY, false, 50, 100, NONE, NONE);
}

static void an_account_counts_from_wherever_it_sends(void **data)
{
    struct world world;
    struct limits_answer answer;
    char ip[32];
    unsigned let = 0;
    world_open(&world, "");
    for (unsigned i = 0; i < 100; i++) {
        snprintf(ip, sizeof ip, "198.51.100.%u", i);
        let += try(&world, from(CLASS_OUTSIDE, ip, "jean@uni.example"), LIMITS_MESSAGES, 1, START,
                   &answer);
    }
    assert_int_equal(let, 50);
    assert_true(answer.of_account);
    assert_int_equal(answer.hits, 50);
    let += try(&world, from(CLASS_WEBMAIL, "10.0.0.1", "Jean@uni.example"), LIMITS_MESSAGES, NONE,
               START, &answer);
    assert_int_equal(let, 150);
    let += try(&world, from(CLASS_INSIDE, "10.0.0.2", "jean@uni.example"), LIMITS_MESSAGES, NONE,
               START, &answer);
    assert_int_equal(let, 200); /* limits_account */
    assert_int_equal(try(&world, from(CLASS_OUTSIDE, "198.51.100.1", "anne@uni.example"),
                         LIMITS_MESSAGES, NONE, START, &answer),
                     49); /* one of jean's was from that address */
    assert_false(answer.of_account);
    world_close(&world);
}

static void an_address_counts_whoever_logs_in_from_it(void **data)
{
    struct world world;
    struct limits_answer answer;
    char account[32];
    unsigned let = 0, shared = 0, webmail_users = 0;
    world_open(&world, "limits { shared = { 203.0.113.0/24 } }");
    for (unsigned i = 0; i < 100; i++) {
        snprintf(account, sizeof account, "user%u@uni.example", i);
        let += try(&world, from(CLASS_OUTSIDE, "198.51.100.1", account), LIMITS_MESSAGES, 1, START,
                   &answer);
        shared += try(&world, from(CLASS_OUTSIDE, "203.0.113.9", account), LIMITS_MESSAGES, 1,
                      START, &answer);
        webmail_users += try(&world, from(CLASS_WEBMAIL, "10.0.0.1", account), LIMITS_MESSAGES, 2,
                             START, &answer);
    }
    assert_int_equal(let, 50);
    assert_int_equal(shared, 100);
    assert_int_equal(webmail_users, 200);
    /* without a login a shared address is all that is known */
    assert_int_equal(try(&world, from(CLASS_RELAY, "203.0.113.9", ""), LIMITS_MESSAGES, NONE, START,
                         &answer),
                     100);
    world_close(&world);
}

static void a_network_of_ipv6_is_one_address(void **data)
{
    struct world world;
    struct limits_answer answer;
    char ip[64];
    unsigned let = 0;
    world_open(&world, "");
    for (unsigned i = 0; i < 300; i++) {
        snprintf(ip, sizeof ip, "2001:db8:1:2::%x", i);
        let += try(&world, from(CLASS_INSIDE, ip, ""), LIMITS_MESSAGES, 1, START, &answer);
    }
    assert_int_equal(let, 200);
    assert_int_equal(try(&world, from(CLASS_INSIDE, "2001:db8:1:3::1", ""), LIMITS_MESSAGES, 1,
                         START, &answer),
                     1);
    world_close(&world);
}

static void webmail_without_a_login_counts_by_sender(void **data)
{
    struct world world;
    struct limits_answer answer;
    struct limits_origin a = from(CLASS_WEBMAIL, "10.0.0.1", ""), b = a;
    b.sender = STR("other@uni.example");
    world_open(&world, "");
    assert_int_equal(try(&world, a, LIMITS_MESSAGES, NONE, START, &answer), 100);
    assert_int_equal(try(&world, b, LIMITS_MESSAGES, NONE, START, &answer), 100);
    world_close(&world);
}

static void the_answer_has_the_numbers(void **data)
{
    struct world world;
    struct limits_answer answer;
    world_open(&world, "limits_outside { messages_per_hour = 2 }");
    try(&world, from(CLASS_OUTSIDE, "198.51.100.1", "jean@uni.example"), LIMITS_MESSAGES, 3,
        1700000040, &answer);
    assert_string_equal(answer.words,
                        "2 messages an hour from outside for jean@uni.example, 2 counted; "
                        "try again at 23:15:00 UTC, in 3660 s");
    world_close(&world);
}

static void it_outlives_who_counts(void **data)
{
    struct world world, next;
    struct limits_answer answer;
    struct limits_origin jean = from(CLASS_OUTSIDE, "198.51.100.1", "jean@uni.example");
    world_open(&world, "");
    assert_int_equal(try(&world, jean, LIMITS_MESSAGES, 20, START, &answer), 20);
    world_open(&next, ""); /* both serve for a while */
    assert_int_equal(try(&next, jean, LIMITS_MESSAGES, 20, START, &answer), 20);
    assert_int_equal(try(&world, jean, LIMITS_MESSAGES, 20, START, &answer), 10);
    limits_close(&world.limits);
    conf_free(&world.conf);
    assert_int_equal(try(&next, jean, LIMITS_MESSAGES, 20, START, &answer), 0);
    world_close(&next);
}

/* VmRSS and what is mapped of files, in kB. */
static long resident_kb(void)
{
    char line[200];
    long kb = -1;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "VmRSS: %ld kB", &kb) == 1)
            break;
    fclose(status);
    return kb;
}

#define ACCOUNTS 10000

static void ten_thousand_accounts_cost_little(void **data)
{
    struct world world;
    struct limits_answer answer;
    char account[64], ip[32];
    unsigned let = 0;
    long before = resident_kb();
    world_open(&world, "");
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        snprintf(account, sizeof account, "some.body.%u@uni.example", i);
        snprintf(ip, sizeof ip, "100.64.%u.%u", i / 250, i % 250);
        let += try(&world, from(CLASS_OUTSIDE, ip, account), LIMITS_MESSAGES, 2, START, &answer);
        let += try(&world, from(CLASS_OUTSIDE, ip, account), LIMITS_RECIPIENTS, 3, START, &answer);
    }
    long kb = resident_kb() - before;
    print_message("# %d accounts, each from an address of its own: %ld kB\n", ACCOUNTS, kb);
    assert_int_equal(let, 5 * ACCOUNTS);
#ifndef __SANITIZE_ADDRESS__ /* what it keeps beside is counted, too */
    assert_true(kb < 20 * 1000);
#endif
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(webmail),
        cmocka_unit_test(inside),
        cmocka_unit_test(outside),
        cmocka_unit_test(private_relay),
        cmocka_unit_test(an_account_counts_from_wherever_it_sends),
        cmocka_unit_test(an_address_counts_whoever_logs_in_from_it),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(webmail_without_a_login_counts_by_sender),
        cmocka_unit_test(the_answer_has_the_numbers),
        cmocka_unit_test(it_outlives_who_counts),
        cmocka_unit_test(ten_thousand_accounts_cost_little),
    };
    return tap_run(tests, make_state, remove_state);
}
