/* How often managers agreed with a reporter. */
#include "t/unit/reports_fixture.h"

#include "reports/reporter.h"

static bool near(double x, double expected)
{
    return x > expected - 0.0005 && x < expected + 0.0005;
}

/* Values of E. B. Wilson's interval as R's prop.test(k, n, correct = FALSE) gives them. */
static void test_wilson(void **state)
{
    (void)state;
    assert_true(near(wilson_lower(1, 1), 0.2065));
    assert_true(near(wilson_lower(10, 10), 0.7225));
    assert_true(near(wilson_lower(9, 10), 0.5958));
    assert_true(near(wilson_upper(9, 10), 0.9821));
    assert_true(near(wilson_upper(0, 10), 0.2775));
    assert_true(near(wilson_lower(950, 1000), 0.9347));
    assert_true(wilson_lower(0, 10) >= 0 && wilson_lower(0, 10) < 1e-9);
    /* nothing is known, or what can't be */
    assert_true(wilson_lower(0, 0) == 0 && wilson_upper(0, 0) == 1);
    assert_true(wilson_lower(5, 4) == 0 && wilson_upper(5, 4) == 1);
    assert_true(wilson_lower(UINT64_MAX, UINT64_MAX) <= 1);
}

static struct reporter_list reporters(struct fixture *f, const char *address)
{
    struct reporter_list list;
    if (reporters_list(f->store, str_of(address), 0, f->pool, &list, &f->err) != 0)
        fail_msg("%s", f->err.text);
    return list;
}

static void test_records(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    assert_int_equal(reporters(f, "").n, 0);
    for (uint64_t i = 1; i <= 10; i++)
        add(f, a_report(i, "good@example.org"));
    for (uint64_t i = 11; i <= 20; i++)
        add(f, a_report(i, "bad@example.org"));
    add(f, a_report(21, "new@example.org"));
    add(f, a_report(1, "new@example.org")); /* with the good one */
    for (uint64_t i = 1; i <= 9; i++)
        decide_one(f, true, i);
    for (uint64_t i = 11; i <= 19; i++)
        decide_one(f, false, i);
    struct reporter_list all = reporters(f, "");
    assert_int_equal(all.n, 3);
    assert_str(all.list[0].address, "good@example.org");
    assert_int_equal(all.list[0].proposals, 10);
    assert_int_equal(all.list[0].agreed, 9);
    assert_int_equal(all.list[0].rejected, 0);
    assert_int_equal(all.list[0].waiting, 1);
    assert_true(near(all.list[0].trust, wilson_lower(9, 9)));
    assert_str(all.list[1].address, "new@example.org");
    assert_int_equal(all.list[1].agreed, 1);
    assert_str(all.list[2].address, "bad@example.org");
    assert_true(near(all.list[2].trust_at_most, wilson_upper(0, 9)));
    /* without case */
    assert_int_equal(reporters(f, "BAD@example.ORG").n, 1);
    assert_int_equal(reporters(f, "nobody@example.org").n, 0);
}

/* A wave that was decided at once is one decision. */
static void test_a_wave_makes_no_record(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (uint64_t i = 1; i <= 50; i++) {
        struct proposal p = a_report(i, "wave@example.org");
        p.campaign = 4711;
        add(f, p);
    }
    const struct proposal_range all = {1, 49};
    decide(f, true, (struct proposal_choice){.ranges = &all, .n_ranges = 1});
    decide_one(f, false, 50);
    struct reporter_list list = reporters(f, "wave@example.org");
    assert_int_equal(list.list[0].proposals, 50);
    assert_int_equal(list.list[0].agreed, 1);
    assert_int_equal(list.list[0].rejected, 1);
}

/* Trusted reporters' proposals come first, genuine ones before others. */
static void test_order_of_what_waits(void **state)
{
    struct fixture *f = *state;
    struct proposal_list list;
    const struct proposal_filter waiting = {.states = 1u << PROPOSAL_WAITING};
    open_store(f);
    add(f, a_report(1, "bad@example.org"));
    add(f, a_report(2, "good@example.org"));
    decide_one(f, false, 1);
    decide_one(f, true, 2);
    add(f, a_report(3, "bad@example.org"));
    struct proposal unknown = a_report(4, "new@example.org");
    unknown.identity = IDENTITY_UNKNOWN;
    add(f, unknown);
    add(f, a_report(5, "new@example.org"));
    add(f, a_report(6, "good@example.org"));
    assert_int_equal(proposals_list(f->store, &waiting, f->pool, &list, &f->err), 0);
    assert_int_equal(list.n, 4);
    assert_int_equal(list.lines[0].lead.number, 6);
    assert_int_equal(list.lines[3].lead.identity, IDENTITY_UNKNOWN);
    /* the more trusted of two who report the same counts */
    add(f, a_report(3, "good@example.org"));
    assert_int_equal(proposals_list(f->store, &waiting, f->pool, &list, &f->err), 0);
    assert_int_equal(list.lines[0].lead.number, 3);
    assert_int_equal(list.lines[0].reporters, 2);
    assert_true(list.lines[0].trust > 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson),
        TEST(test_records),
        TEST(test_a_wave_makes_no_record),
        TEST(test_order_of_what_waits),
    };
    return tap_run(tests, NULL, NULL);
}
