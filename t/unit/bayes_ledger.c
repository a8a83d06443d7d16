/* Learning and taking back, and the model that is built from it. */
#include "t/unit/ledger_world.h"

#include <errno.h>
#include <fcntl.h>

#include "bayes/model/model.h"

/* All counts of the words of messages 0..n, in one number; 0 when they can't be read. */
static uint64_t counts_digest(struct ledger *ledger, uint64_t n)
{
    uint64_t digest = 1;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t words[WORDS];
        size_t n_words = words_of(i, words);
        for (size_t k = 0; k < n_words; k++) {
            struct ledger_token token = {0, 0, 0};
            struct err err;
            if (ledger_token(ledger, words[k], &token, &err) < 0)
                return 0;
            digest = (digest ^ token.spam * 65537ull ^ token.ham) * 0x9e3779b97f4a7c15u;
            digest ^= digest >> 29;
        }
    }
    return digest;
}

/* --- learning --- */

static void counts_what_is_learned(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    struct ledger_token token;
    enum learn_class class;
    const uint64_t words[] = {5, 6, 7}, other[] = {6, 9};
    assert_false(ledger_changed(ledger));
    assert_int_equal(ledger_learn(ledger, 1, LEARN_SPAM, words, 3, &err), LEARN_DONE);
    assert_int_equal(ledger_learn(ledger, 2, LEARN_HAM, other, 2, &err), LEARN_DONE);
    assert_true(ledger_changed(ledger));
    assert_totals(ledger, 1, 1);
    assert_int_equal(ledger_token(ledger, 6, &token, &err), 1);
    assert_int_equal(token.spam, 1);
    assert_int_equal(token.ham, 1);
    assert_true(token.day > 20000);
    assert_int_equal(ledger_token(ledger, 8, &token, &err), 0);
    assert_int_equal(ledger_message(ledger, 2, &class, &err), 1);
    assert_int_equal(class, LEARN_HAM);
    assert_int_equal(ledger_message(ledger, 3, &class, &err), 0);
    ledger_close(&ledger);
    assert_null(ledger);
}

static void twice_is_once(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 30);
    uint64_t digest = counts_digest(ledger, 40);
    for (uint64_t i = 0; i < 30; i++)
        assert_int_equal(learn(ledger, i, class_of(i)), LEARN_KNOWN);
    assert_true(counts_digest(ledger, 40) == digest);
    assert_totals(ledger, 10, 20);
    ledger_close(&ledger);
}

static void forgetting_gives_back_exactly(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 50);
    uint64_t digest = counts_digest(ledger, 100);
    learn_many(ledger, 50, 100);
    assert_true(counts_digest(ledger, 100) != digest);
    for (uint64_t i = 50; i < 100; i++)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(learn(ledger, 50, LEARN_FORGET), LEARN_KNOWN);
    assert_true(counts_digest(ledger, 100) == digest);
    assert_totals(ledger, 17, 33);
    ledger_close(&ledger);
}

static void the_other_class_moves_it(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 20);
    uint64_t digest = counts_digest(ledger, 20);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(learn(ledger, i, class_of(i) == LEARN_SPAM ? LEARN_HAM : LEARN_SPAM),
                         LEARN_DONE);
    assert_totals(ledger, 13, 7);
    for (uint64_t i = 0; i < 20; i++)
        assert_int_equal(learn(ledger, i, class_of(i)), LEARN_DONE);
    assert_true(counts_digest(ledger, 20) == digest);
    assert_totals(ledger, 7, 13);
    ledger_close(&ledger);
}

/* What was learned with other features (an older tokenizer) is taken back with those. */
static void it_is_taken_back_with_what_it_gave(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    struct ledger_token token;
    const uint64_t before[] = {1, 2}, after[] = {2, 3};
    assert_int_equal(ledger_learn(ledger, 77, LEARN_SPAM, before, 2, &err), LEARN_DONE);
    assert_int_equal(ledger_learn(ledger, 77, LEARN_HAM, after, 2, &err), LEARN_DONE);
    assert_int_equal(ledger_token(ledger, 1, &token, &err), 0);
    assert_int_equal(ledger_token(ledger, 2, &token, &err), 1);
    assert_true(token.spam == 0 && token.ham == 1);
    assert_int_equal(ledger_learn(ledger, 77, LEARN_FORGET, NULL, 0, &err), LEARN_DONE);
    assert_int_equal(ledger_token(ledger, 3, &token, &err), 0);
    assert_totals(ledger, 0, 0);
    ledger_close(&ledger);
}

static void a_batch_is_as_its_items(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    static uint64_t words[6][WORDS];
    struct ledger_item items[6];
    static const enum learn_class classes[] = {LEARN_SPAM, LEARN_SPAM,   LEARN_HAM,
                                               LEARN_SPAM, LEARN_FORGET, LEARN_SPAM};
    static const uint64_t messages[] = {1, 1, 1, 2, 2, 3};
    static const enum learn_result results[] = {LEARN_DONE, LEARN_KNOWN, LEARN_DONE,
                                                LEARN_DONE, LEARN_DONE,  LEARN_DONE};
    for (size_t i = 0; i < 6; i++)
        items[i] =
            item_of(spread(messages[i]), classes[i], words[i], words_of(messages[i], words[i]));
    assert_int_equal(ledger_learn_batch(ledger, items, 6, &err), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(items[i].result, results[i]);
    assert_totals(ledger, 1, 1);
    ledger_close(&ledger);
}

static void a_refused_item_spoils_no_other(void **state)
{
    struct err err = {""};
    struct ledger *ledger = open_ledger();
    struct ledger_token token;
    uint64_t good[] = {1, 2}, twice[] = {4, 4}, falling[] = {9, 8};
    uint64_t *many = calloc(FEATURES_MAX + 1, sizeof *many);
    for (size_t i = 0; i <= FEATURES_MAX; i++)
        many[i] = i;
    struct ledger_item items[] = {item_of(1, LEARN_SPAM, good, 2),
                                  item_of(2, LEARN_SPAM, twice, 2),
                                  item_of(3, LEARN_SPAM, falling, 2),
                                  item_of(4, LEARN_SPAM, many, FEATURES_MAX + 1),
                                  item_of(5, (enum learn_class)9, good, 2),
                                  item_of(6, LEARN_HAM, good, 2)};
    assert_int_equal(ledger_learn_batch(ledger, items, 6, &err), -1);
    assert_true(err.text[0] != '\0');
    assert_int_equal(items[0].result, LEARN_DONE);
    for (size_t i = 1; i < 5; i++)
        assert_int_equal(items[i].result, LEARN_FAILED);
    assert_int_equal(items[5].result, LEARN_DONE);
    assert_totals(ledger, 1, 1);
    assert_int_equal(ledger_token(ledger, 4, &token, &err), 0);
    free(many);
    ledger_close(&ledger);
}

/* More than one transaction holds. */
static void large_batches_are_cut(void **state)
{
    enum { N = 120 };
    struct err err;
    struct ledger *ledger = open_ledger();
    uint64_t *words = calloc(FEATURES_MAX, sizeof *words);
    struct ledger_item items[N];
    struct ledger_token token;
    for (size_t i = 0; i < FEATURES_MAX; i++)
        words[i] = i * 1000;
    for (size_t i = 0; i < N; i++)
        items[i] = item_of(i, LEARN_HAM, words, FEATURES_MAX);
    assert_int_equal(ledger_learn_batch(ledger, items, N, &err), 0);
    assert_totals(ledger, 0, N);
    assert_int_equal(ledger_token(ledger, 19999 * 1000, &token, &err), 1);
    assert_int_equal(token.ham, N);
    free(words);
    ledger_close(&ledger);
}

static void survives_closing(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 100);
    uint64_t digest = counts_digest(ledger, 100);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_totals(ledger, 34, 66);
    assert_true(ledger_changed(ledger));
    assert_true(counts_digest(ledger, 100) == digest);
    ledger_close(&ledger);
}

static void has_one_owner(void **state)
{
    struct err err = {""};
    struct ledger *ledger = open_ledger();
    assert_null(ledger_open(folder, &err));
    assert_non_null(strstr(err.text, "locked by"));
    ledger_close(&ledger);
    ledger = open_ledger();
    ledger_close(&ledger);
    assert_null(ledger_open("/nonexistent/bayes", &err));
}

/* --- publishing --- */

static struct model *current_model(void)
{
    struct err err;
    char path[128];
    snprintf(path, sizeof path, "%s/current", folder);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return NULL;
    struct model *model = model_open(fd, path, &err);
    close(fd);
    return model;
}

static void a_model_holds_the_ledgers_counts(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    assert_null(current_model());
    learn_many(ledger, 0, 60);
    assert_int_equal(ledger_publish(ledger, &err), 1);
    assert_false(ledger_changed(ledger));
    struct model *model = current_model();
    assert_non_null(model);
    assert_int_equal(model_generation(model), 1);
    assert_int_equal(model_spam(model), 20);
    assert_int_equal(model_ham(model), 40);
    for (uint64_t i = 0; i < 60; i++) {
        uint64_t words[WORDS];
        size_t n = words_of(i, words);
        for (size_t k = 0; k < n; k++) {
            struct ledger_token token;
            struct model_counts counts;
            struct feature feature = {words[k], STR("x")};
            assert_int_equal(ledger_token(ledger, words[k], &token, &err), 1);
            model_find(model, &feature, 1, &counts);
            assert_int_equal(counts.spam, token.spam);
            assert_int_equal(counts.ham, token.ham);
        }
    }
    model_close(&model);
    ledger_close(&ledger);
}

static void a_full_folder_is_an_error_and_the_old_model_stays(void **state)
{
    struct err err = {""};
    char beside[128];
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, 10);
    assert_int_equal(ledger_publish(ledger, &err), 1);
    learn_many(ledger, 10, 20);
    snprintf(beside, sizeof beside, "%s/model.new", folder);
    assert_int_equal(mkdir(beside, 0700), 0);
    assert_int_equal(ledger_publish(ledger, &err), -1);
    assert_non_null(strstr(err.text, "model.new"));
    assert_true(ledger_changed(ledger));
    struct model *model = current_model();
    assert_int_equal(model_generation(model), 1);
    model_close(&model);
    assert_int_equal(rmdir(beside), 0);
    assert_int_equal(ledger_publish(ledger, &err), 2);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(counts_what_is_learned),
        WITH_FOLDER(twice_is_once),
        WITH_FOLDER(forgetting_gives_back_exactly),
        WITH_FOLDER(the_other_class_moves_it),
        WITH_FOLDER(it_is_taken_back_with_what_it_gave),
        WITH_FOLDER(a_batch_is_as_its_items),
        WITH_FOLDER(a_refused_item_spoils_no_other),
        WITH_FOLDER(large_batches_are_cut),
        WITH_FOLDER(survives_closing),
        WITH_FOLDER(has_one_owner),
        WITH_FOLDER(a_model_holds_the_ledgers_counts),
        WITH_FOLDER(a_full_folder_is_an_error_and_the_old_model_stays),
    };
    return tap_run(tests, NULL, NULL);
}
