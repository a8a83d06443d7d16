/* resting: ids are there from when they are put to when they are dropped, as they were put. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/delivery/resting.h"

#define MANY    20000
#define ACCOUNT 7

static char ids[MANY][SPOOL_ID_LEN + 1];

/* All but each so many are dropped again, in another order; whoever is left is found. */
static void put_and_dropped(void **state)
{
    struct resting r = {0};
    for (size_t i = 0; i < MANY; i++) {
        spool_id_make(ids[i]);
        assert_false(resting_has(&r, str_of(ids[i])));
        assert_true(resting_put(&r, str_of(ids[i]), i % 3));
        assert_true(resting_put(&r, str_of(ids[i]), i % 3));
    }
    assert_int_equal(r.n, MANY);
    for (size_t n = 0, i = 0; n < MANY; n++, i = (i + 7919) % MANY)
        if (i % 5) {
            resting_drop(&r, str_of(ids[i]));
            resting_drop(&r, str_of(ids[i]));
        }
    assert_int_equal(r.n, MANY / 5);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(resting_has(&r, str_of(ids[i])), i % 5 == 0);
    resting_free(&r);
    assert_false(resting_has(&r, str_of(ids[0])));
}

/* Whose places are the same, round the end of the table: by hand, since chance makes few. */
static void crowded(void **state)
{
    static char same[400][SPOOL_ID_LEN + 1];
    struct resting r = {0};
    for (size_t i = 0; i < 400; i++) {
        snprintf(same[i], sizeof same[i], "%010u%s", (unsigned)(i + 1), "ZZZZZZZZZZZZZZZZ");
        assert_true(resting_put(&r, str_of(same[i]), ACCOUNT));
    }
    for (size_t gone = 0; gone < 400; gone++) {
        size_t at = gone * 37 % 400;
        resting_drop(&r, str_of(same[at]));
        for (size_t i = 0; i < 400; i += 3)
            if (resting_has(&r, str_of(same[i])))
                assert_int_not_equal(i, at);
        assert_int_equal(r.n, 399 - gone);
        size_t there = 0;
        for (size_t i = 0; i < 400; i++)
            there += resting_has(&r, str_of(same[i]));
        assert_int_equal(there, 399 - gone);
    }
    resting_free(&r);
}

/* By account, written as they were. */
static void of_an_account(void **state)
{
    static const char *const ours[] = {"00000000000000000000000001", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
                                       "01KB0QK3T5XRWWV2A9M4C8D7EF"};
    char found[4][SPOOL_ID_LEN + 1];
    struct resting r = {0};
    unsigned seen = 0;
    for (size_t i = 0; i < 1000; i++)
        assert_true(resting_put(&r, str_of(ids[i]), 0));
    for (size_t i = 0; i < 3; i++)
        assert_true(resting_put(&r, str_of(ours[i]), ACCOUNT));
    assert_int_equal(resting_of(&r, ACCOUNT, found, 4), 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 3; j++)
            seen |= strcmp(found[i], ours[j]) == 0 ? 1u << j : 0;
    assert_int_equal(seen, 7);
    assert_int_equal(resting_of(&r, ACCOUNT, found, 2), 2);
    assert_int_equal(resting_of(&r, ACCOUNT + 1, found, 4), 0);
    resting_free(&r);
}

static void so_many_and_no_more(void **state)
{
    struct resting r = {0};
    char id[SPOOL_ID_LEN + 1];
    for (size_t i = 0; i < RESTING_MAX; i++) {
        spool_id_make(id);
        assert_true(resting_put(&r, str_of(id), 0));
    }
    assert_true(r.n_slots * sizeof *r.slots < (size_t)60 << 20);
    spool_id_make(id);
    assert_false(resting_put(&r, str_of(id), 0));
    assert_false(resting_has(&r, str_of(id)));
    resting_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(put_and_dropped), cmocka_unit_test(crowded),
                                       cmocka_unit_test(of_an_account),
                                       cmocka_unit_test(so_many_and_no_more)};
    return tap_run(tests, NULL, NULL);
}
