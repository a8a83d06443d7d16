/* What was learned is taken back exactly, and does not depend on how it was cut into batches. */
#include "t/unit/ledger_inside.h"

#define MANY 1000

/* 0..n in an order that has nothing to do with that of learning. */
static uint64_t shuffled(uint64_t i, uint64_t n)
{
    return (i * 389 + 17) % n; /* 389 is a prime that does not divide n */
}

static void a_thousand_are_taken_back_to_the_bit(void **state)
{
    struct ledger *ledger = open_ledger();
    assert_int_equal(learn_batch(ledger, 5000, 5100), 100);
    uint64_t before = sum_of(ledger);
    assert_int_equal(learn_batch(ledger, 0, MANY), MANY);
    assert_true(sum_of(ledger) != before);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(learn(ledger, shuffled(i, MANY), LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == before);
    assert_int_equal(learn_batch(ledger, 0, 1), 1);
    assert_true(sum_of(ledger) != before);
    ledger_close(&ledger);
}

/* Messages of which nothing tells the class go on being rehearsed, those that were there before
 * too: learned in runs of one class, over what is kept, and taken back in another order. */
static void rehearsal_is_taken_back_too(void **state)
{
    struct ledger *ledger = open_ledger();
    uint64_t nothing = sum_of(ledger);
    assert_int_equal(learn_batch_as(ledger, 5000, 5300, class_by_lot), 300);
    uint64_t before = sum_of(ledger);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(learn_batch_as(ledger, 0, 1300, all_ham), 1300);
        assert_int_equal(learn_batch_as(ledger, 2000, 2200, all_spam), 200);
        for (uint64_t i = 0; i < 1300; i++)
            assert_int_equal(learn(ledger, shuffled(i, 1300), LEARN_FORGET), LEARN_DONE);
        forget_many(ledger, 2000, 2200);
        assert_true(sum_of(ledger) == before);
        ledger_close(&ledger);
        ledger = open_ledger();
        assert_true(sum_of(ledger) == before);
        assert_int_equal(set_aside(), 0);
    }
    for (uint64_t i = 5300; i-- > 5000;)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == nothing);
    ledger_close(&ledger);
}

/* One that is forgotten first takes all its steps along, and comes back as another: forgetting who
 * had it rehearsed takes nothing from that. */
static void one_that_comes_back_is_another(void **state)
{
    struct ledger *ledger = open_ledger();
    uint64_t nothing = sum_of(ledger);
    assert_int_equal(learn(ledger, 0, LEARN_SPAM), LEARN_DONE);
    int32_t alone = step_of(ledger, 0);
    assert_int_equal(learn(ledger, 1, LEARN_HAM), LEARN_DONE);
    assert_true(step_of(ledger, 0) > alone);
    assert_int_equal(learn(ledger, 1, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(step_of(ledger, 0), alone);
    assert_int_equal(learn(ledger, 1, LEARN_HAM), LEARN_DONE);
    assert_int_equal(learn(ledger, 0, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(learn(ledger, 0, LEARN_SPAM), LEARN_DONE);
    int32_t again = step_of(ledger, 0);
    assert_int_equal(learn(ledger, 1, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(step_of(ledger, 0), again);
    assert_int_equal(rehearsal_size(ledger->rehearsal, LEARN_HAM), 0);
    assert_int_equal(rehearsal_size(ledger->rehearsal, LEARN_SPAM), 1);
    assert_int_equal(learn(ledger, 0, LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == nothing);
    ledger_close(&ledger);
}

/* Steps that are in the file of the weights although their messages have none any more. */
static void the_weights_may_be_written_at_any_time(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    uint64_t nothing = sum_of(ledger);
    assert_int_equal(learn_batch_as(ledger, 0, 400, all_ham), 400);
    assert_int_equal(step_of(ledger, 399), 0);
    uint64_t before = sum_of(ledger);
    for (uint64_t from = 400; from < 600; from += 100) {
        assert_int_equal(learn_batch_as(ledger, from, from + 100, all_spam), 100);
        assert_int_equal(ledger_weights_save(ledger, true, &err), 0);
    }
    forget_many(ledger, 400, 600);
    for (unsigned round = 0; round < 2; round++) {
        assert_true(sum_of(ledger) == before);
        ledger_close(&ledger);
        ledger = open_ledger();
    }
    forget_many(ledger, 0, 400);
    for (unsigned round = 0; round < 2; round++) {
        assert_true(sum_of(ledger) == nothing);
        ledger_close(&ledger);
        ledger = open_ledger();
    }
    assert_int_equal(set_aside(), 0);
    ledger_close(&ledger);
}

/* Who is rehearsed, and in which slot. */
static uint64_t members_sum(const struct ledger *ledger)
{
    uint64_t sum = 0;
    for (enum learn_class class = LEARN_HAM; class <= LEARN_SPAM; class ++)
        for (size_t i = 0; i < rehearsal_size(ledger->rehearsal, class); i++)
            sum = spread(sum ^ rehearsal_at(ledger->rehearsal, class, i)->digest ^ class);
    return sum;
}

/* The last hundred one after the other, or in one batch, which is undone in the middle. */
static uint64_t learn_over_a_bad_record(bool single, uint64_t *members)
{
    const uint64_t bad = htobe64(spread(1150));
    char junk[8] = "junk";
    DBT key = dbt_of(&bad, sizeof bad), value = dbt_of(junk, sizeof junk);
    assert_int_equal(make_folder(NULL), 0);
    struct ledger *ledger = open_ledger();
    assert_int_equal(ledger->messages->put(ledger->messages, NULL, &key, &value, 0), 0);
    assert_int_equal(learn_batch_as(ledger, 2000, 2100, all_spam), 100);
    assert_int_equal(learn_batch_as(ledger, 0, 1100, all_ham), 1100);
    if (single)
        for (uint64_t i = 1100; i < 1200; i++)
            learn(ledger, i, class_by_lot(i));
    else
        assert_int_equal(learn_batch_as(ledger, 1100, 1200, class_by_lot), 99);
    *members = members_sum(ledger);
    uint64_t sum = sum_of(ledger);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    assert_true(members_sum(ledger) == *members);
    ledger_close(&ledger);
    remove_folder(NULL);
    return sum;
}

static void a_batch_that_fails_rehearses_nothing(void **state)
{
    uint64_t in_turn, at_once;
    uint64_t sum = learn_over_a_bad_record(true, &in_turn);
    assert_true(learn_over_a_bad_record(false, &at_once) == sum);
    assert_true(at_once == in_turn);
}

static void and_to_nothing(void **state)
{
    struct ledger *ledger = open_ledger();
    uint64_t before = sum_of(ledger);
    learn_many(ledger, 0, 60);
    forget_many(ledger, 0, 60);
    assert_true(sum_of(ledger) == before);
    ledger_close(&ledger);
}

/* The lesson of a message is made from what came before it, in its batch too. */
static void batches_of_any_size_teach_the_same(void **state)
{
    static const size_t sizes[] = {1, 7, 64, 300};
    uint64_t sums[4];
    for (size_t s = 0; s < 4; s++) {
        assert_int_equal(make_folder(NULL), 0);
        struct ledger *ledger = open_ledger();
        for (uint64_t i = 0; i < 300; i += sizes[s]) {
            uint64_t to = i + sizes[s] < 300 ? i + sizes[s] : 300;
            assert_int_equal(learn_batch(ledger, i, to), to - i);
        }
        sums[s] = sum_of(ledger);
        ledger_close(&ledger);
        remove_folder(NULL);
        assert_true(sums[s] == sums[0]);
    }
}

static void the_order_decides_what_is_taught(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 30);
    uint64_t rising = sum_of(ledger);
    for (uint64_t i = 0; i < 30; i++)
        learn(ledger, i, LEARN_FORGET);
    for (uint64_t i = 30; i-- > 0;)
        assert_int_equal(learn(ledger, i, class_of(i)), LEARN_DONE);
    assert_true(sum_of(ledger) != rising);
    ledger_close(&ledger);
}

/* Moving is taking back and learning anew. */
static void moving_is_forgetting_and_learning(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 50);
    for (uint64_t i = 0; i < 50; i += 5) {
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
        assert_int_equal(learn(ledger, i, other_class(i)), LEARN_DONE);
    }
    uint64_t stepwise = sum_of(ledger);
    for (uint64_t i = 0; i < 50; i++)
        learn(ledger, i, LEARN_FORGET);
    learn_many(ledger, 0, 50);
    for (uint64_t i = 0; i < 50; i += 5)
        assert_int_equal(learn(ledger, i, other_class(i)), LEARN_DONE);
    assert_true(sum_of(ledger) == stepwise);
    ledger_close(&ledger);
}

static void all_of_it_survives_closing(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 80);
    for (uint64_t i = 0; i < 80; i += 4)
        learn(ledger, i, LEARN_FORGET);
    for (uint64_t i = 1; i < 80; i += 8)
        learn(ledger, i, other_class(i));
    uint64_t sum = sum_of(ledger);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

static unsigned weights_files(void)
{
    char path[128];
    unsigned n = 0;
    for (unsigned i = 1; i < 20; i++) {
        snprintf(path, sizeof path, "%s/ledger/weights-%u", folder, i);
        n += access(path, F_OK) == 0;
    }
    return n;
}

/* More than are noted before the weights are written anew. */
static void the_weights_are_written_now_and_then(void **state)
{
    struct ledger *ledger = open_ledger();
    assert_int_equal(weights_files(), 0);
    uint64_t nothing = sum_of(ledger);
    for (uint64_t i = 0; i < 6000; i += 500)
        assert_int_equal(learn_batch_as(ledger, i, i + 500, class_by_lot), 500);
    assert_int_equal(weights_files(), 1);
    uint64_t sum = sum_of(ledger);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    for (uint64_t i = 0; i < 6000; i++)
        assert_int_equal(learn(ledger, shuffled(i, 6000), LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == nothing);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == nothing);
    assert_int_equal(weights_files(), 1);
    ledger_close(&ledger);
}

static void a_refused_item_changes_nothing(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 10);
    uint64_t sum = sum_of(ledger);
    struct mail mail;
    mail_make(&mail, 77, LEARN_SPAM);
    mail.grams[5] = mail.grams[4];
    assert_int_equal(ledger_learn_batch(ledger, &mail.item, 1, &err), -1);
    assert_int_equal(mail.item.result, LEARN_FAILED);
    assert_non_null(strstr(err.text, "grams"));
    mail_make(&mail, 77, LEARN_SPAM);
    mail.grams[GRAMS - 1] = GRAM_WEIGHTS;
    assert_int_equal(ledger_learn_batch(ledger, &mail.item, 1, &err), -1);
    mail_make(&mail, 77, LEARN_SPAM);
    mail.item.source.when = -5;
    assert_int_equal(ledger_learn_batch(ledger, &mail.item, 1, &err), -1);
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_thousand_are_taken_back_to_the_bit),
        WITH_FOLDER(rehearsal_is_taken_back_too),
        WITH_FOLDER(one_that_comes_back_is_another),
        WITH_FOLDER(the_weights_may_be_written_at_any_time),
        cmocka_unit_test(a_batch_that_fails_rehearses_nothing),
        WITH_FOLDER(and_to_nothing),
        cmocka_unit_test(batches_of_any_size_teach_the_same),
        WITH_FOLDER(the_order_decides_what_is_taught),
        WITH_FOLDER(moving_is_forgetting_and_learning),
        WITH_FOLDER(all_of_it_survives_closing),
        WITH_FOLDER(the_weights_are_written_now_and_then),
        WITH_FOLDER(a_refused_item_changes_nothing),
    };
    return tap_run(tests, NULL, NULL);
}
