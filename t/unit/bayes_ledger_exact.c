/* What was learned is taken back exactly, and does not depend on how it was cut into batches. */
#include "t/unit/ledger_world.h"

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

static void and_to_nothing(void **state)
{
    struct ledger *ledger = open_ledger();
    uint64_t before = sum_of(ledger);
    learn_many(ledger, 0, 60);
    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
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
