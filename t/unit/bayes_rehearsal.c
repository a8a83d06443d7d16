/* Who is rehearsed: bounded, by chance that the messages decide, and undone with its transaction.
 */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "bayes/model/rehearsal.h"

static struct rehearsal *members_new(void)
{
    struct err err;
    struct rehearsal *rehearsal = rehearsal_new(&err);
    assert_non_null(rehearsal);
    return rehearsal;
}

static uint64_t digest_of(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

static size_t learn(struct rehearsal *rehearsal, enum learn_class class, uint64_t i)
{
    struct err err;
    uint32_t grams[2] = {(uint32_t)i, (uint32_t)i + 1};
    struct rehearsal_member member = {digest_of(i), grams, 2};
    size_t slot = rehearsal_place(rehearsal, class, member.digest);
    assert_int_equal(rehearsal_put(rehearsal, class, slot, &member, &err), 0);
    return slot;
}

static bool forget(struct rehearsal *rehearsal, enum learn_class class, uint64_t i)
{
    struct err err;
    size_t slot = rehearsal_find(rehearsal, class, digest_of(i));
    if (slot == REHEARSAL_NONE)
        return false;
    assert_int_equal(rehearsal_remove(rehearsal, class, slot, &err), 0);
    return true;
}

/* Who is where. */
static uint64_t sum_of(const struct rehearsal *rehearsal)
{
    uint64_t sum = 0;
    for (enum learn_class class = LEARN_HAM; class <= LEARN_SPAM; class ++)
        for (size_t i = 0; i < rehearsal_size(rehearsal, class); i++) {
            const struct rehearsal_member *member = rehearsal_at(rehearsal, class, i);
            assert_int_equal(member->n, 2);
            assert_true(member->digest == digest_of(member->grams[0]));
            assert_int_equal(member->grams[1], member->grams[0] + 1);
            sum = (sum ^ member->digest ^ class) * 0x100000001b3u;
        }
    return sum;
}

static void one_of_the_other_class_is_chosen(void **state)
{
    struct rehearsal *rehearsal = members_new();
    assert_null(rehearsal_choose(rehearsal, LEARN_SPAM, 1));
    learn(rehearsal, LEARN_SPAM, 1);
    assert_null(rehearsal_choose(rehearsal, LEARN_SPAM, 1));
    learn(rehearsal, LEARN_HAM, 2);
    assert_true(rehearsal_choose(rehearsal, LEARN_SPAM, 1)->digest == digest_of(2));
    assert_true(rehearsal_choose(rehearsal, LEARN_HAM, 2)->digest == digest_of(1));
    assert_true(forget(rehearsal, LEARN_HAM, 2));
    assert_null(rehearsal_choose(rehearsal, LEARN_SPAM, 1));
    rehearsal_free(&rehearsal);
}

/* Each of 100 about 100 times of 10 000. */
static void all_have_the_same_chance(void **state)
{
    unsigned chosen[100] = {0};
    struct rehearsal *rehearsal = members_new();
    for (uint64_t i = 0; i < 100; i++)
        learn(rehearsal, LEARN_HAM, i);
    for (uint64_t i = 0; i < 10000; i++)
        chosen[rehearsal_choose(rehearsal, LEARN_SPAM, digest_of(i))->grams[0]]++;
    for (size_t i = 0; i < 100; i++)
        assert_in_range(chosen[i], 50, 150);
    rehearsal_free(&rehearsal);
}

/* However many come; old ones stay with their chance. */
static void no_more_than_so_many_are_kept(void **state)
{
    struct rehearsal *rehearsal = members_new();
    size_t old = 0;
    for (uint64_t i = 0; i < REHEARSAL_MAX; i++)
        assert_int_equal(learn(rehearsal, LEARN_SPAM, i), i);
    for (uint64_t i = REHEARSAL_MAX; i < 2 * REHEARSAL_MAX; i++)
        assert_true(learn(rehearsal, LEARN_SPAM, i) < REHEARSAL_MAX);
    assert_int_equal(rehearsal_size(rehearsal, LEARN_SPAM), REHEARSAL_MAX);
    for (uint64_t i = 0; i < REHEARSAL_MAX; i++)
        old += rehearsal_find(rehearsal, LEARN_SPAM, digest_of(i)) != REHEARSAL_NONE;
    assert_in_range(old, REHEARSAL_MAX / 3, REHEARSAL_MAX / 2); /* 1/e */
    rehearsal_free(&rehearsal);
}

static void the_messages_decide(void **state)
{
    struct rehearsal *a = members_new(), *b = members_new();
    for (uint64_t i = 0; i < 3 * REHEARSAL_MAX; i++) {
        learn(a, i % 3 ? LEARN_SPAM : LEARN_HAM, i);
        if (i % 2)
            rehearsal_keep(a);
        learn(b, i % 3 ? LEARN_SPAM : LEARN_HAM, i);
    }
    assert_true(sum_of(a) == sum_of(b));
    rehearsal_free(&a);
    rehearsal_free(&b);
}

/* New members, replaced ones, removed ones, some of them more than once. */
static void what_is_undone_was_never_there(void **state)
{
    struct rehearsal *rehearsal = members_new();
    uint64_t n = REHEARSAL_MAX + 100;
    for (uint64_t i = 0; i < n; i++)
        learn(rehearsal, LEARN_HAM, i);
    learn(rehearsal, LEARN_SPAM, 5000);
    rehearsal_keep(rehearsal);
    uint64_t before = sum_of(rehearsal);
    for (uint64_t i = 0; i < 300; i++) {
        forget(rehearsal, LEARN_HAM, i * 3);
        learn(rehearsal, i % 2 ? LEARN_HAM : LEARN_SPAM, 10000 + i);
        forget(rehearsal, i % 4 ? LEARN_HAM : LEARN_SPAM, 10000 + i / 2);
    }
    assert_true(forget(rehearsal, LEARN_SPAM, 5000));
    assert_true(rehearsal_changes(rehearsal) > 300);
    assert_true(sum_of(rehearsal) != before);
    rehearsal_undo(rehearsal);
    assert_true(sum_of(rehearsal) == before);
    assert_int_equal(rehearsal_changes(rehearsal), 0);
    rehearsal_undo(rehearsal);
    assert_true(sum_of(rehearsal) == before);
    rehearsal_free(&rehearsal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_the_other_class_is_chosen),
        cmocka_unit_test(all_have_the_same_chance),
        cmocka_unit_test(no_more_than_so_many_are_kept),
        cmocka_unit_test(the_messages_decide),
        cmocka_unit_test(what_is_undone_was_never_there),
    };
    return tap_run(tests, NULL, NULL);
}
