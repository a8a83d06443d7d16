/* How many threads Maildirs hold that hang, and what is left for others. */
#include "t/unit/tap.h"

#include "gateway/delivery/threads.h"

#define MAILDIRS_MAX 40

struct maildirs {
    unsigned held[MAILDIRS_MAX];
    unsigned all;
};

/* It wants as many as it can have, and each of them hangs; how many it holds. */
static unsigned hang(struct maildirs *m, unsigned which)
{
    while (threads_for_maildir(m->held[which], m->all)) {
        m->held[which]++;
        m->all++;
    }
    return m->held[which];
}

static void one_holds_a_quarter(void **state)
{
    struct maildirs m = {.all = 0};
    assert_int_equal(hang(&m, 0), THREADS_ALL / 4);
}

static void two_that_hang_leave_others_theirs(void **state)
{
    struct maildirs m = {.all = 0};
    hang(&m, 0);
    hang(&m, 1);
    assert_int_equal(m.all, THREADS_ALL / 2);
    for (unsigned i = 2; i < 10; i++) {
        assert_true(threads_for_maildir(0, m.all)); /* one that is fine */
        assert_int_equal(hang(&m, i), 1);           /* or is not */
    }
}

/* In whatever order they ask. */
static void all_that_hang_leave_a_quarter(void **state)
{
    struct maildirs m = {.all = 0};
    for (unsigned turn = 0; turn < THREADS_ALL; turn++)
        for (unsigned i = 0; i < MAILDIRS_MAX; i++)
            if (threads_for_maildir(m.held[i], m.all)) {
                m.held[i]++;
                m.all++;
            }
    assert_true(m.all <= THREADS_MAILDIRS_FIRST);
    assert_true(THREADS_ALL - m.all > THREADS_REPORTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_a_quarter),
        cmocka_unit_test(two_that_hang_leave_others_theirs),
        cmocka_unit_test(all_that_hang_leave_a_quarter),
    };
    return tap_run(tests, NULL, NULL);
}
