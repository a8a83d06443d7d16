/* The models of a folder: notes, which one serves, what is kept, publishing and going back. */
#include "t/unit/publish_world.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/publish/note.h"

#define WORDS 10

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/poterne-models-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *in_folder(const char *name)
{
    static char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool there(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

static void write_file(const char *name, const char *text)
{
    struct err err;
    assert_int_equal(fsio_replace(in_folder(name), str_of(text), 0644, &err), 0);
}

static unsigned count_models(void)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, "model-", 6) == 0 && strchr(entry->d_name, '.') == NULL;
    closedir(dir);
    return n;
}

/* --- a ledger with a little in it --- */

static struct ledger *open_ledger(void)
{
    struct err err;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        fail_msg("%s", err.text);
    return ledger;
}

static void learn_from(struct ledger *ledger, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct err err;
        uint64_t words[WORDS];
        for (uint64_t k = 0; k < WORDS; k++)
            words[k] = (k << 32) + (i % 2 << 16) + i % 7 + 1;
        assert_int_equal(ledger_learn(ledger, i + 1, i % 2 ? LEARN_SPAM : LEARN_HAM, words, WORDS,
                                      &err),
                         LEARN_DONE);
    }
}

static struct generation roll_back(struct ledger *ledger, uint64_t to)
{
    struct generation out;
    struct err err;
    if (publish_rollback(ledger, to, "it was bad", &out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

static struct generation read_one(uint64_t number)
{
    struct generation generation;
    struct err err;
    assert_int_equal(generation_read(folder, number, &generation, &err), 1);
    return generation;
}

/* --- notes --- */

static const struct generation noted = {
    .number = 7,
    .state = GENERATION_REFUSED,
    .built = 1795339567,
    .spam = 1896,
    .ham = 4150,
    .tokens = 212345,
    .compared_with = 6,
    .held =
        {.ham = 400, .spam = 180, .before = {1, 3, 0.00021}, .after = {2, 4, 0.00033}, .z = -1.25},
    .why = "of 400 held-out ham 2 would look like spam",
};

static void a_note_is_read_as_it_was_written(void **state)
{
    struct err err;
    assert_int_equal(generation_note(folder, &noted, &err), 0);
    struct generation got = read_one(7);
    assert_false(got.kept);
    assert_false(got.in_service);
    assert_int_equal(got.state, GENERATION_REFUSED);
    assert_int_equal(got.built, noted.built);
    assert_int_equal(got.tokens, noted.tokens);
    assert_int_equal(got.compared_with, 6);
    assert_int_equal(got.held.before.spam_missed, 3);
    assert_int_equal(got.held.after.ham_errors, 2);
    assert_true(got.held.after.roca > 0.000329 && got.held.after.roca < 0.000331);
    assert_true(got.held.z == -1.25);
    assert_string_equal(got.why, noted.why);
    assert_string_equal(generation_word(&got), "refused");
}

static void a_line_break_can_not_forge_a_field(void **state)
{
    struct err err;
    struct generation generation = noted;
    snprintf(generation.why, sizeof generation.why, "x\nstate accepted\nnumber 1\x1b[2J");
    assert_int_equal(generation_note(folder, &generation, &err), 0);
    struct generation got = read_one(7);
    assert_int_equal(got.state, GENERATION_REFUSED);
    assert_string_equal(got.why, "x state accepted number 1 [2J");
}

static void damaged_notes_are_told_with_their_line(void **state)
{
    static const struct {
        const char *text;
        const char *told;
    } notes[] = {
        {"", ".note:1: expected"},
        {"poterne model 2\n", ".note:1: expected"},
        {"poterne model 1\nnumber 7\nspam many\n", ".note:3: makes no sense"},
        {"poterne model 1\nnumber 7\nham-errors 4294967296\n", ".note:3: makes no sense"},
        {"poterne model 1\nnumber 7\n\n1-roca 1e3\n", ".note:4: makes no sense"},
        {"poterne model 1\nnumber 8\n", "another model"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct generation generation;
        struct err err = {""};
        write_file("model-7.note", notes[i].text);
        assert_int_equal(generation_read(folder, 7, &generation, &err), -1);
        if (strstr(err.text, notes[i].told) == NULL)
            fail_msg("%s is not about %s", err.text, notes[i].told);
        assert_int_equal(generation.state, GENERATION_UNKNOWN);
        assert_true(generation.why[0] != '\0');
    }
    write_file("model-7.note", "poterne model 1\nnumber 7\nfrom-the-future yes\nspam 3\n");
    assert_int_equal(read_one(7).spam, 3);
}

static void too_large_a_note_is_refused(void **state)
{
    struct err err;
    struct generation generation;
    char *text = malloc(2 * NOTE_MAX);
    memset(text, '\n', 2 * NOTE_MAX);
    text[2 * NOTE_MAX - 1] = '\0';
    write_file("model-7.note", text);
    free(text);
    assert_int_equal(generation_read(folder, 7, &generation, &err), -1);
}

static void the_trial_survives(void **state)
{
    struct err err;
    struct trial trial = {5, {9, 1, 2, 3, 4}, true, 77}, got;
    assert_int_equal(trial_read(folder, &got, &err), 0);
    assert_int_equal(got.proved, 0);
    assert_int_equal(trial_write(folder, &trial, &err), 0);
    assert_int_equal(trial_read(folder, &got, &err), 0);
    assert_memory_equal(&got.watch, &trial.watch, sizeof got.watch);
    assert_true(got.held && got.held_at == 77 && got.proved == 5);
    write_file("trial", "poterne trial 1\nheld perhaps\n");
    assert_int_equal(trial_read(folder, &got, &err), -1);
}

static void numbers_are_never_used_again(void **state)
{
    struct err err;
    uint64_t next;
    assert_int_equal(generation_next(folder, 0, &next, &err), 0);
    assert_int_equal(next, 1);
    assert_int_equal(generation_note(folder, &noted, &err), 0);
    write_file("model-3", "");
    write_file("model-99x", "");
    write_file("model-.note", "");
    assert_int_equal(generation_next(folder, 0, &next, &err), 0);
    assert_int_equal(next, 8);
    assert_int_equal(generation_next(folder, 20, &next, &err), 0);
    assert_int_equal(next, 21);
    assert_int_equal(generation_next("/nonexistent", 0, &next, &err), -1);
}

/* --- publishing --- */

static void each_model_has_its_note(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    assert_int_equal(generation_current(folder), 0);
    learn_from(ledger, 0, 20);
    struct generation made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(made.number, 1);
    assert_int_equal(generation_current(folder), 1);
    assert_false(ledger_changed(ledger));
    learn_from(ledger, 20, 30);
    made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(made.compared_with, 1);
    assert_int_equal(ledger_totals(ledger).generation, 2);
    ledger_close(&ledger);
    struct generation *list;
    size_t n;
    assert_int_equal(generations_read(folder, &list, &n, &err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(list[0].number, 2);
    assert_true(list[0].in_service && list[0].kept && list[1].kept);
    assert_int_equal(list[0].spam + list[0].ham, 30);
    assert_string_equal(generation_word(&list[0]), "in service");
    assert_string_equal(generation_word(&list[1]), "former");
    assert_true(list[0].tokens > 0 && list[0].built > 1700000000);
    free(list);
}

static void the_last_models_are_kept(void **state)
{
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < GENERATIONS_NEWEST + 4; i++) {
        learn_from(ledger, 2 * i, 2 * i + 2);
        publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    }
    /* and the first, which is the last one that has proved itself */
    assert_int_equal(count_models(), GENERATIONS_NEWEST + 1);
    assert_true(there("model-1") && !there("model-2") && there("model-2.note"));
    assert_int_equal(generation_current(folder), GENERATIONS_NEWEST + 4);
    ledger_close(&ledger);
}

static void models_of_other_days_are_kept(void **state)
{
    struct err err;
    struct generation generation = {.state = GENERATION_ACCEPTED};
    for (uint64_t i = 1; i <= 60; i++) {
        char name[32];
        snprintf(name, sizeof name, "model-%u", (unsigned)i);
        write_file(name, "x");
        generation.number = i;
        generation.built = 1795305600 + (i - 1) / 3 * 86400; /* three a day, from midnight on */
        generation.state = i % 10 == 0 ? GENERATION_REFUSED : GENERATION_ACCEPTED;
        assert_int_equal(generation_note(folder, &generation, &err), 0);
    }
    generations_expire(folder, 17);
    /* 60 and 50 are refused; 59..55 the newest; then the last good one of each day before */
    static const unsigned kept[] = {60, 59, 58, 57, 56, 55, 54, 51, 50, 48, 45, 42, 39, 36, 17};
    assert_int_equal(count_models(), sizeof kept / sizeof kept[0]);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        char name[32];
        snprintf(name, sizeof name, "model-%u", kept[i]);
        if (!there(name))
            fail_msg("%s is gone", name);
    }
    assert_true(there("model-1.note"));
}

static void old_notes_go(void **state)
{
    struct err err;
    struct generation generation = noted;
    for (uint64_t i = 1; i <= GENERATIONS_NOTES + 5; i++) {
        generation.number = i;
        assert_int_equal(generation_note(folder, &generation, &err), 0);
    }
    generations_expire(folder, 2);
    assert_true(there("model-6.note") && there("model-2.note"));
    assert_false(there("model-5.note") || there("model-1.note"));
}

static void a_damaged_model_gives_way_to_the_one_before(void **state)
{
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < 3; i++) {
        learn_from(ledger, 2 * i, 2 * i + 2);
        publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    }
    write_file("model-3", "damaged");
    assert_int_equal(generation_fallback(folder, INT64_MAX), 2);
    learn_from(ledger, 6, 8);
    struct generation made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(made.number, 4);
    assert_int_equal(made.compared_with, 2);
    ledger_close(&ledger);
}

static void what_did_not_serve_is_nothing_to_fall_back_on(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < 3; i++) {
        learn_from(ledger, 2 * i, 2 * i + 2);
        publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    }
    struct generation generation = read_one(2);
    generation.state = GENERATION_REFUSED;
    assert_int_equal(generation_note(folder, &generation, &err), 0);
    assert_int_equal(generation_fallback(folder, 3), 1);
    write_file("model-2.note", "garbage");
    assert_int_equal(generation_fallback(folder, 3), 1);
    assert_int_equal(unlink(in_folder("model-2.note")), 0); /* of an older program */
    assert_int_equal(generation_fallback(folder, 3), 2);
    assert_int_equal(generation_fallback(folder, 1), 0);
    ledger_close(&ledger);
}

/* --- back --- */

static void going_back_holds_what_comes_next(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_from(ledger, 0, 20);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    learn_from(ledger, 20, 40);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    learn_from(ledger, 40, 42);
    struct generation out = roll_back(ledger, 0);
    assert_int_equal(out.number, 2);
    assert_string_equal(out.why, "it was bad");
    assert_int_equal(generation_current(folder), 1);
    assert_int_equal(ledger_totals(ledger).generation, 1);
    assert_string_equal(generation_word(&(struct generation){.state = read_one(2).state}),
                        "rolled back");
    assert_false(ledger_changed(ledger)); /* nothing to publish, also after a restart */
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_false(ledger_changed(ledger));
    learn_from(ledger, 42, 42 + TRIAL_HELD - 1);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_HELD);
    assert_int_equal(generation_current(folder), 1);
    learn_from(ledger, 42 + TRIAL_HELD - 1, 42 + TRIAL_HELD);
    assert_int_equal(publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE).number, 3);
    assert_int_equal(generation_fallback(folder, 3), 1);
    ledger_close(&ledger);
}

static void taking_back_or_an_administrator_ends_the_hold(void **state)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < 2; i++) {
        learn_from(ledger, 20 * i, 20 * i + 20);
        publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    }
    roll_back(ledger, 0);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_HELD);
    assert_int_equal(ledger_learn(ledger, 3, LEARN_FORGET, NULL, 0, &err), LEARN_DONE);
    assert_int_equal(publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE).number, 3);
    roll_back(ledger, 0);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_HELD);
    assert_int_equal(publish(ledger, LEARN_PUBLISH_NOW, PUBLISH_LIVE).number, 4);
    ledger_close(&ledger);
}

static void any_model_that_served_can_be_put_back(void **state)
{
    struct err err;
    struct generation out;
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < 3; i++) {
        learn_from(ledger, 20 * i, 20 * i + 20);
        publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    }
    roll_back(ledger, 2);
    assert_int_equal(generation_current(folder), 2);
    roll_back(ledger, 3);
    assert_int_equal(generation_current(folder), 3);
    assert_int_equal(read_one(3).state, GENERATION_FORCED);
    assert_int_equal(publish_rollback(ledger, 3, "", &out, &err), -1);
    assert_non_null(strstr(err.text, "already"));
    assert_int_equal(publish_rollback(ledger, 9, "", &out, &err), -1);
    assert_non_null(strstr(err.text, "model list"));
    struct generation refused = read_one(1);
    refused.state = GENERATION_REFUSED;
    assert_int_equal(generation_note(folder, &refused, &err), 0);
    assert_int_equal(publish_rollback(ledger, 1, "", &out, &err), -1);
    assert_non_null(strstr(err.text, "--force"));
    write_file("model-2", "damaged");
    assert_int_equal(publish_rollback(ledger, 2, "", &out, &err), -1);
    assert_int_equal(generation_current(folder), 3);
    ledger_close(&ledger);
}

static void nowhere_to_go_back_to_is_an_error(void **state)
{
    struct err err;
    struct generation out;
    struct ledger *ledger = open_ledger();
    assert_int_equal(publish_rollback(ledger, 0, "", &out, &err), -1);
    learn_from(ledger, 0, 2);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(publish_rollback(ledger, 0, "", &out, &err), -1);
    assert_non_null(strstr(err.text, "no former model"));
    assert_int_equal(generation_current(folder), 1);
    ledger_close(&ledger);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_note_is_read_as_it_was_written),
        WITH_FOLDER(a_line_break_can_not_forge_a_field),
        WITH_FOLDER(damaged_notes_are_told_with_their_line),
        WITH_FOLDER(too_large_a_note_is_refused),
        WITH_FOLDER(the_trial_survives),
        WITH_FOLDER(numbers_are_never_used_again),
        WITH_FOLDER(each_model_has_its_note),
        WITH_FOLDER(the_last_models_are_kept),
        WITH_FOLDER(models_of_other_days_are_kept),
        WITH_FOLDER(old_notes_go),
        WITH_FOLDER(a_damaged_model_gives_way_to_the_one_before),
        WITH_FOLDER(what_did_not_serve_is_nothing_to_fall_back_on),
        WITH_FOLDER(going_back_holds_what_comes_next),
        WITH_FOLDER(taking_back_or_an_administrator_ends_the_hold),
        WITH_FOLDER(any_model_that_served_can_be_put_back),
        WITH_FOLDER(nowhere_to_go_back_to_is_an_error),
    };
    log_open("test", LOG_ERROR_LEVEL);
    return tap_run(tests, NULL, NULL);
}
