/* Whose turn it is at a next hop. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/delivery/line.h"

#define MANY 100000

static struct flows flows;
static struct line line;
static struct line_place *places;

static int up(void **state)
{
    line_init(&line, &flows);
    places = calloc(MANY, sizeof *places);
    return places ? 0 : -1;
}

static int down(void **state)
{
    while (line_take(&line))
        ;
    assert_int_equal(line.n, 0);
    assert_int_equal(line.n_flows, 0);
    assert_int_equal(flows.n, 0);
    assert_null(line.top);
    assert_null(line.bottom);
    flows_free(&flows);
    free(places);
    return 0;
}

static void put(size_t place, uint64_t sender)
{
    line_put(&line, &places[place], sender, LINE_NEW, false);
}

static size_t take(void)
{
    const struct line_place *place = line_take(&line);
    assert_non_null(place);
    return (size_t)(place - places);
}

static void one_sender_is_served_in_his_order(void **state)
{
    assert_null(line_take(&line));
    for (size_t i = 0; i < 100; i++)
        put(i, 7);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(take(), i);
    assert_null(line_take(&line));
}

/* Who has ten thousand delays who has one by one message. */
static void many_of_one_do_not_delay_another(void **state)
{
    for (size_t i = 0; i < MANY - 2; i++)
        put(i, 1);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(take(), i);
    put(MANY - 2, 2);
    put(MANY - 1, 3);
    assert_int_equal(take(), 10);
    assert_int_equal(take(), MANY - 2);
    assert_int_equal(take(), MANY - 1);
    assert_int_equal(take(), 11);
}

static void senders_take_turns(void **state)
{
    for (size_t i = 0; i < 30; i++)
        put(i, i / 10);
    for (size_t i = 0; i < 30; i++)
        assert_int_equal(take(), i % 3 * 10 + i / 3);
}

/* Wherever it stands, and whosever turn it is. */
static void leaving(void **state)
{
    for (size_t i = 0; i < 9; i++)
        put(i, i / 3);
    line_leave(&line, &places[0]); /* whose turn it is */
    line_leave(&line, &places[4]); /* in the middle */
    line_leave(&line, &places[8]); /* the last */
    assert_int_equal(line.n, 6);
    static const size_t order[] = {1, 3, 6, 2, 5, 7};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(take(), order[i]);
}

static void a_flow_that_ends_where_the_turn_is(void **state)
{
    put(0, 1);
    put(1, 2);
    put(2, 3);
    line_leave(&line, &places[0]);
    assert_int_equal(line.n_flows, 2);
    assert_int_equal(take(), 1);
    put(3, 1); /* he is new again: behind who waits */
    assert_int_equal(take(), 2);
    assert_int_equal(take(), 3);
}

static void in_front(void **state)
{
    for (size_t i = 0; i < 4; i++)
        put(i, i % 2);
    line_put(&line, &places[4], 1, LINE_NEW, true);
    assert_int_equal(take(), 4);
    line_put(&line, &places[4], 9, LINE_NEW, true);
    line_put(&line, &places[5], 9, LINE_RETRY, true);
    assert_int_equal(take(), 5);
    assert_int_equal(take(), 4);
    assert_int_equal(take(), 0);
}

/* One of what was tried before goes behind so many new ones, and neither waits for the other. */
static void new_before_retries_in_proportion(void **state)
{
    size_t retries = 0, taken = 0;
    for (size_t i = 0; i < 100; i++)
        line_put(&line, &places[i], i % 3, i < 50 ? LINE_RETRY : LINE_NEW, false);
    while (taken < 50) {
        retries += take() < 50;
        taken++;
    }
    assert_int_equal(retries, 50 / (LINE_NEW_IN_A_ROW + 1));
    for (size_t i = 0; i < 50; i++)
        retries += take() < 50;
    assert_int_equal(retries, 50);
}

static void looks_go_round_and_keep_places(void **state)
{
    for (size_t i = 0; i < 10; i++)
        put(i, 1);
    for (size_t i = 0; i < 25; i++)
        assert_ptr_equal(line_look(&line), &places[i % 10]);
    assert_int_equal(take(), 0);
    line_leave(&line, &places[5]); /* the next to be looked at */
    assert_ptr_equal(line_look(&line), &places[6]);
}

/* Each has a sender of his own: the last ones share, and nobody is forgotten. */
static void more_senders_than_flows(void **state)
{
    char *seen = calloc(MANY, 1);
    assert_non_null(seen);
    for (size_t i = 0; i < MANY; i++)
        put(i, i * UINT64_C(0x9e3779b97f4a7c15));
    assert_int_equal(line.n_flows, LINE_FLOWS_MAX);
    for (size_t i = 0; i < MANY; i++)
        seen[take()]++;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

static void lines_do_not_mix(void **state)
{
    struct line other;
    line_init(&other, &flows);
    put(0, 1);
    line_put(&other, &places[1], 1, LINE_NEW, false);
    put(2, 1);
    assert_ptr_equal(line_take(&other), &places[1]);
    assert_null(line_take(&other));
    assert_int_equal(take(), 0);
    assert_int_equal(take(), 2);
}

/* Whatever is done in whatever order: what stands in it is what was put and not taken. */
static void at_random(void **state)
{
    unsigned x = 1;
    size_t in = 0;
    static bool stands[1000];
    for (unsigned step = 0; step < 200000; step++) {
        x = x * 1103515245 + 12345;
        size_t i = x / 65536 % 1000;
        if (stands[i] && x % 3 == 0) {
            line_leave(&line, &places[i]);
            stands[i] = false;
            in--;
        } else if (!stands[i]) {
            line_put(&line, &places[i], x / 131072 % 20, x % 2 ? LINE_NEW : LINE_RETRY, x % 7 == 0);
            stands[i] = true;
            in++;
        } else {
            size_t got = take();
            assert_true(stands[got]);
            stands[got] = false;
            in--;
        }
        line_look(&line);
        assert_int_equal(line.n, in);
    }
}

/* Each step took the whole line once: 100 000 that leave from its end were minutes. */
static void long_lines_cost_no_more(void **state)
{
    int64_t began = clock_ms();
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < MANY; i++)
            put(i, i % 50);
        for (size_t i = MANY; i-- > 0;)
            line_leave(&line, &places[i]);
    }
    assert_true(clock_ms() - began < 20000);
}

#define WITH_LINE(test) cmocka_unit_test_setup_teardown(test, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LINE(one_sender_is_served_in_his_order),
        WITH_LINE(many_of_one_do_not_delay_another),
        WITH_LINE(senders_take_turns),
        WITH_LINE(leaving),
        WITH_LINE(a_flow_that_ends_where_the_turn_is),
        WITH_LINE(in_front),
        WITH_LINE(new_before_retries_in_proportion),
        WITH_LINE(looks_go_round_and_keep_places),
        WITH_LINE(more_senders_than_flows),
        WITH_LINE(lines_do_not_mix),
        WITH_LINE(at_random),
        WITH_LINE(long_lines_cost_no_more),
    };
    return tap_run(tests, NULL, NULL);
}
