/* Files that are damaged, ledgers of other versions, and a rebuilding that was broken off. */
#include "t/unit/ledger_inside.h"

#include <errno.h>
#include <fcntl.h>

#include "bayes/ledger/aside.h"
#include "bayes/publish/publish.h"

/* Berkeley DB leaves its log buffer behind when the recovery of a damaged environment fails. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdb-";
}

#define TAUGHT 900 /* messages; a tenth of the later ones are held out */

enum damage { CUT_SHORT, EMPTIED, GARBLED, REMOVED, OVERWRITTEN, ONE_PAGE };

static void damage_file(const char *name, enum damage damage)
{
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s/ledger/%s", folder, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    char page[4096];
    memset(page, 0x5a, sizeof page);
    if (damage == CUT_SHORT)
        assert_int_equal(ftruncate(fd, st.st_size / 2 + 100), 0);
    if (damage == EMPTIED)
        assert_int_equal(ftruncate(fd, 0), 0);
    if (damage == REMOVED)
        assert_int_equal(unlink(path), 0);
    for (off_t at = damage == GARBLED ? 4096 : 0;
         at < st.st_size && (damage == GARBLED || damage == OVERWRITTEN); at += 4096)
        assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
    if (damage == ONE_PAGE && st.st_size > 3 * 4096)
        assert_int_equal(pwrite(fd, page, sizeof page, st.st_size / 2 / 4096 * 4096), 4096);
    close(fd);
}

/* Taught, published and closed. Returns its sum. */
static uint64_t prepare(void)
{
    struct err err;
    struct generation made;
    struct ledger_policy policy = {.hold_out = 10};
    struct ledger *ledger = open_ledger();
    ledger_policy_set(ledger, &policy);
    for (uint64_t i = 0; i < TAUGHT; i += 100)
        assert_int_equal(learn_batch(ledger, i, i + 100), 100);
    assert_true(ledger_totals(ledger).held_ham > 10);
    assert_int_equal(ledger_weights_save(ledger, true, &err), 0);
    learn(ledger, 5, LEARN_FORGET);
    learn(ledger, 5, class_of(5));
    if (publish_model(ledger, LEARN_PUBLISH_FORCED, &made, &err) < 0)
        fail_msg("%s", err.text);
    uint64_t sum = sum_of(ledger);
    ledger_close(&ledger);
    return sum;
}

static int look(void *data, const struct ledger_held *held, struct err *err)
{
    return 0;
}

/* Opened, as often as it takes; looked at all over, so that a bad page is met. */
static struct ledger *open_mended(const char *what)
{
    struct err err;
    uint64_t sum;
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        struct ledger *ledger = ledger_open(folder, &err);
        if (ledger == NULL)
            fail_msg("%s: %s", what, err.text);
        if (ledger_sum(ledger, &sum, &err) == 0 && ledger_held_out(ledger, look, NULL, &err) == 0 &&
            learn(ledger, 5000, LEARN_HAM) == LEARN_DONE &&
            learn(ledger, 5000, LEARN_FORGET) == LEARN_DONE)
            return ledger;
        if (!ledger_broken(ledger))
            fail_msg("%s: %s", what, err.text);
        ledger_close(&ledger);
    }
    fail_msg("%s: not mended after three attempts", what);
    return NULL;
}

/* All that is known one by one can be taken back; the counts are no less than what is known. */
static void assert_sound(struct ledger *ledger, const char *what)
{
    for (uint64_t i = 0; i < TAUGHT; i++)
        if (learn(ledger, i, LEARN_FORGET) == LEARN_FAILED)
            fail_msg("%s: message %d can't be taken back", what, (int)i);
    struct ledger_totals totals = ledger_totals(ledger);
    assert_int_equal(totals.spam, totals.seeded_spam);
    assert_int_equal(totals.ham, totals.seeded_ham);
    assert_int_equal(totals.held_spam + totals.held_ham, 0);
}

static void test_damage(const char *name, enum damage damage, bool exact)
{
    struct err err;
    struct generation made;
    char what[64];
    snprintf(what, sizeof what, "%s, damage %d", name, (int)damage);
    assert_int_equal(make_folder(NULL), 0);
    uint64_t sum = prepare();
    damage_file(name, damage);
    struct ledger *ledger = open_mended(what);
    struct ledger_totals totals = ledger_totals(ledger);
    if (totals.spam + totals.held_spam < TAUGHT / 3 - 50 ||
        totals.ham + totals.held_ham < TAUGHT * 2 / 3 - 80)
        fail_msg("%s: only %d spam, %d ham", what, (int)totals.spam, (int)totals.ham);
    if (exact && sum_of(ledger) != sum)
        fail_msg("%s: not what it was", what);
    if (publish_model(ledger, LEARN_PUBLISH_FORCED, &made, &err) < 0)
        fail_msg("%s: %s", what, err.text);
    assert_sound(ledger, what);
    ledger_close(&ledger);
    remove_folder(NULL);
}

/* What the messages and the totals tell is all there is. */
static void what_the_messages_tell_is_exact(void **state)
{
    static const char *const files[] = {"tokens.db", "sources.db", "steps.db", "rehearsal.db",
                                        "weights-1"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        for (enum damage damage = CUT_SHORT; damage <= ONE_PAGE; damage++)
            test_damage(files[i], damage, true);
}

static void damage_is_set_aside_and_service_goes_on(void **state)
{
    static const char *const files[] = {"messages.db", "totals.db", "held.db"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        for (enum damage damage = CUT_SHORT; damage <= ONE_PAGE; damage++)
            test_damage(files[i], damage, false);
}

static void damaged_logs_are_no_end_either(void **state)
{
    test_damage("log.0000000001", EMPTIED, false);
    test_damage("log.0000000001", CUT_SHORT, false);
    test_damage("log.0000000001", REMOVED, false);
    test_damage("log.0000000001", OVERWRITTEN, false);
}

/* One bad page costs what was on it, not the whole file. */
static void most_messages_survive_a_bad_page(void **state)
{
    struct err err;
    enum learn_class class;
    prepare();
    damage_file("messages.db", ONE_PAGE);
    struct ledger *ledger = open_mended("messages.db");
    uint64_t known = 0;
    for (uint64_t i = 0; i < TAUGHT; i++)
        known += ledger_message(ledger, spread(i), &class, &err) == 1;
    assert_in_range(known, TAUGHT / 2, TAUGHT);
    ledger_close(&ledger);
}

#define OLD   60   /* ham that was there first */
#define LATER 1600 /* ham that takes their places in the rehearsal */

/* The old ham has been rehearsed for spam, and most of it is not kept for that any more. Returns of
 * how many both is true. */
static unsigned learn_and_rehearse(struct ledger *ledger)
{
    int32_t alone[OLD];
    unsigned both = 0;
    assert_int_equal(learn_batch_as(ledger, 0, OLD, all_ham), OLD);
    for (uint64_t i = 0; i < OLD; i++)
        alone[i] = step_of(ledger, i);
    assert_int_equal(learn_batch_as(ledger, 100, 400, all_spam), 300);
    assert_int_equal(learn_batch_as(ledger, 1000, 1000 + LATER, all_ham), LATER);
    for (uint64_t i = 0; i < OLD; i++)
        both += step_of(ledger, i) != alone[i] && !may_be_rehearsed(ledger, i, LEARN_HAM);
    return both;
}

/* With the grams that were noted when a message was rehearsed, whoever is kept for that now. */
static void what_was_rehearsed_is_taken_back_after_a_rebuilding(void **state)
{
    static const char *const files[] = {"steps.db", "rehearsal.db"};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        assert_int_equal(make_folder(NULL), 0);
        struct ledger *ledger = open_ledger();
        uint64_t nothing = sum_of(ledger);
        assert_in_range(learn_and_rehearse(ledger), OLD / 4, OLD);
        uint64_t sum = sum_of(ledger);
        ledger_close(&ledger);
        damage_file(files[f], REMOVED);
        ledger = open_ledger();
        assert_int_equal(set_aside(), 1);
        assert_true(sum_of(ledger) == sum);
        forget_many(ledger, 0, OLD);
        forget_many(ledger, 1000, 1000 + LATER);
        forget_many(ledger, 100, 400);
        assert_true(sum_of(ledger) == nothing);
        ledger_close(&ledger);
        remove_folder(NULL);
    }
}

static void a_right_that_is_missing_is_no_damage(void **state)
{
    struct err err = {""};
    char path[128], aside[128];
    if (geteuid() == 0)
        tap_skip("root may read everything");
    prepare();
    /* Recovery meets the file before anything else does, and panics. */
    snprintf(path, sizeof path, "%s/ledger/tokens.db", folder);
    snprintf(aside, sizeof aside, "%s/rebuild", folder);
    assert_int_equal(chmod(path, 0), 0);
    assert_null(ledger_open(folder, &err));
    assert_int_equal(access(aside, F_OK), -1);
    assert_int_equal(chmod(path, 0600), 0);
    struct ledger *ledger = open_ledger();
    ledger_close(&ledger);
}

/* --- a rebuilding that was broken off --- */

static void break_off(unsigned attempts)
{
    char from[128], to[128], path[128];
    snprintf(from, sizeof from, "%s/ledger", folder);
    snprintf(to, sizeof to, "%s/ledger.damaged-1", folder);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(mkdir(from, 0700), 0);
    snprintf(path, sizeof path, "%s/ledger/messages.db", folder);
    FILE *half = fopen(path, "w");
    assert_true(half && fputs("half of it", half) > 0 && fclose(half) == 0);
    snprintf(path, sizeof path, "%s/rebuild", folder);
    FILE *marker = fopen(path, "w");
    assert_true(marker && fprintf(marker, "ledger.damaged-1 %u\n", attempts) > 0 &&
                fclose(marker) == 0);
}

static void a_rebuilding_is_begun_anew(void **state)
{
    char marker[128];
    uint64_t sum = prepare();
    break_off(1);
    struct ledger *ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
    snprintf(marker, sizeof marker, "%s/rebuild", folder);
    assert_int_equal(access(marker, F_OK), -1);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

static void but_not_for_ever(void **state)
{
    prepare();
    break_off(3);
    struct ledger *ledger = open_ledger();
    struct ledger_totals totals = ledger_totals(ledger);
    assert_true(totals.spam > 200);
    assert_int_equal(totals.spam, totals.seeded_spam);
    ledger_close(&ledger);
}

/* Others with a name alike are nobody's business. */
static void the_newest_damaged_ones_are_kept(void **state)
{
    static const char *const names[] = {"1700000000", "1700000000.2", "1700000000.10", "1700000001",
                                        "x",          "17.x",         "1700000000.2y"};
    static const bool stay[] = {false, false, true, true, true, true, true};
    char path[128];
    prepare();
    for (size_t i = 0; i < 7; i++) {
        snprintf(path, sizeof path, "%s/ledger.damaged-%s", folder, names[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/ledger.damaged-%s/tokens.db", folder, names[i]);
        FILE *file = fopen(path, "w");
        assert_true(file && fclose(file) == 0);
    }
    damage_file("tokens.db", REMOVED);
    struct ledger *ledger = open_ledger();
    ledger_close(&ledger);
    for (size_t i = 0; i < 7; i++) {
        snprintf(path, sizeof path, "%s/ledger.damaged-%s", folder, names[i]);
        assert_int_equal(access(path, F_OK) == 0, stay[i]);
    }
    assert_int_equal(set_aside(), 3 + ASIDE_KEPT);
}

static void a_marker_without_sense_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "ledger.damaged-1",
                                        "ledger.damaged-9 1",
                                        "../../etc 1",
                                        "ledger.damaged-/../.. 1"};
    char path[128];
    uint64_t sum = prepare();
    snprintf(path, sizeof path, "%s/rebuild", folder);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        FILE *marker = fopen(path, "w");
        assert_true(marker && fputs(texts[i], marker) >= 0 && fclose(marker) == 0);
        struct ledger *ledger = open_ledger();
        assert_true(sum_of(ledger) == sum);
        ledger_close(&ledger);
    }
}

/* --- other versions --- */

#define TOTALS_1 48 /* bytes of version 1's totals */

static void put(struct ledger *ledger, DB *db, const void *key, size_t key_size, const void *value,
                size_t size)
{
    DBT k = dbt_of(key, key_size), v = dbt_of(value, size);
    if (db->put(db, NULL, &k, &v, 0) != 0)
        fail_msg("can't write a record");
}

static void totals_rewrite(struct ledger *ledger, uint32_t version, size_t size)
{
    char record[512];
    DBT key = dbt_of("totals", 6), value = dbt_into(record, sizeof record);
    assert_int_equal(ledger->totals_db->get(ledger->totals_db, NULL, &key, &value, 0), 0);
    memcpy(record, &version, sizeof version);
    put(ledger, ledger->totals_db, "totals", 6, record, size ? size : value.size);
}

/* Its messages in the old form, and the databases away that it had not. */
static void make_version_1(uint64_t n)
{
    static const char *const later[] = {"sources.db", "held.db", "steps.db", "rehearsal.db"};
    char path[128], bytes[RECORD_MAX];
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < n; i++) {
        uint64_t words[WORDS], digest = htobe64(spread(i));
        struct message_record_1 head = {class_of(i), (uint32_t)words_of(i, words), 1600000000};
        struct ledger_item item = item_of(spread(i), class_of(i), words, head.n);
        struct err err;
        assert_int_equal(ledger_learn_batch(ledger, &item, 1, &err), 0);
        memcpy(bytes, &head, sizeof head);
        memcpy(bytes + sizeof head, words, head.n * sizeof words[0]);
        put(ledger, ledger->messages, &digest, sizeof digest, bytes,
            sizeof head + head.n * sizeof words[0]);
    }
    totals_rewrite(ledger, 1, TOTALS_1);
    ledger_close(&ledger);
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        snprintf(path, sizeof path, "%s/ledger/%s", folder, later[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void version_1_is_taken_over(void **state)
{
    struct err err;
    struct ledger_taught taught;
    struct ledger_token token;
    uint64_t words[WORDS];
    make_version_1(60);
    for (unsigned round = 0; round < 2; round++) {
        struct ledger *ledger = open_ledger();
        assert_totals(ledger, 20, 40);
        assert_int_equal(ledger_totals(ledger).seeded_ham, 0);
        assert_int_equal(ledger_taught(ledger, spread(7), &taught, &err), 1);
        assert_int_equal(taught.class, class_of(7));
        assert_int_equal(taught.when, 1600000000);
        assert_int_equal(learn(ledger, 7, class_of(7)), LEARN_KNOWN);
        ledger_close(&ledger);
    }
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 100, 130);
    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(learn(ledger, i, i % 2 ? LEARN_FORGET : other_class(i)), LEARN_DONE);
    for (uint64_t i = 0; i < 60; i += 2)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_totals(ledger, 10, 20);
    words_of(59, words);
    forget_many(ledger, 100, 130);
    assert_int_equal(ledger_token(ledger, words[0], &token, &err), 0);
    ledger_close(&ledger);
}

#define TOTALS_2 120 /* bytes of version 2's totals */

/* Its messages, and its steps unless the weights are written, in the form that they had. */
static void make_version_2(uint64_t n, bool written)
{
    char path[128], bytes[RECORD_MAX];
    struct err err;
    struct buf room = BUF_INIT(RECORD_MAX);
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < n; i++)
        learn_many(ledger, i, i + 1);
    if (written)
        assert_int_equal(ledger_weights_save(ledger, true, &err), 0);
    for (uint64_t i = 0; i < n; i++) {
        const int32_t step[2] = {0, 1};
        struct record record;
        uint64_t digest = htobe64(spread(i));
        assert_int_equal(ledger_record_get(ledger, NULL, spread(i), &room, &record, &err), 1);
        uint32_t mark = RECORD_MARK_2;
        size_t rest = record.head.n * sizeof(uint64_t) + record.packed.n + record.reporter.n;
        memcpy(bytes, &record.head, MESSAGE_RECORD_2_SIZE);
        memcpy(bytes, &mark, sizeof mark);
        memcpy(bytes + MESSAGE_RECORD_2_SIZE, record.tokens, rest);
        put(ledger, ledger->messages, &digest, sizeof digest, bytes, MESSAGE_RECORD_2_SIZE + rest);
        if (record.head.gram_step && !written)
            put(ledger, ledger->steps, &digest, sizeof digest, step, sizeof step);
    }
    buf_release(&room);
    totals_rewrite(ledger, 2, TOTALS_2);
    ledger_close(&ledger);
    snprintf(path, sizeof path, "%s/ledger/rehearsal.db", folder);
    assert_int_equal(unlink(path), 0);
}

static void assert_version_2_is_taken_over(bool written)
{
    assert_int_equal(make_folder(NULL), 0);
    struct ledger *ledger = open_ledger();
    uint64_t nothing = sum_of(ledger);
    ledger_close(&ledger);
    make_version_2(60, written);
    uint64_t sum = 0;
    for (unsigned round = 0; round < 2; round++) {
        ledger = open_ledger();
        assert_totals(ledger, 20, 40);
        assert_true(round == 0 || sum_of(ledger) == sum);
        sum = sum_of(ledger);
        ledger_close(&ledger);
    }
    ledger = open_ledger();
    assert_int_equal(learn(ledger, 7, class_of(7)), LEARN_KNOWN);
    learn_many(ledger, 100, 160);
    forget_many(ledger, 100, 160);
    assert_true(sum_of(ledger) == sum);
    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(learn(ledger, i, i % 2 ? LEARN_FORGET : other_class(i)), LEARN_DONE);
    for (uint64_t i = 0; i < 60; i += 2)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == nothing);
    assert_int_equal(set_aside(), 0);
    ledger_close(&ledger);
    remove_folder(NULL);
}

static void version_2_is_taken_over(void **state)
{
    assert_version_2_is_taken_over(false);
    assert_version_2_is_taken_over(true);
}

/* It is no damage, and must not be thrown away. */
static void a_later_version_is_left_alone(void **state)
{
    struct err err = {""};
    char aside[128];
    struct ledger *ledger = open_ledger();
    totals_rewrite(ledger, LEDGER_VERSION + 1, 0);
    ledger_close(&ledger);
    assert_null(ledger_open(folder, &err));
    assert_non_null(strstr(err.text, "reading the totals"));
    snprintf(aside, sizeof aside, "%s/rebuild", folder);
    assert_int_equal(access(aside, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_messages_tell_is_exact),
        cmocka_unit_test(damage_is_set_aside_and_service_goes_on),
        cmocka_unit_test(damaged_logs_are_no_end_either),
        WITH_FOLDER(most_messages_survive_a_bad_page),
        cmocka_unit_test(what_was_rehearsed_is_taken_back_after_a_rebuilding),
        WITH_FOLDER(a_right_that_is_missing_is_no_damage),
        WITH_FOLDER(a_rebuilding_is_begun_anew),
        WITH_FOLDER(but_not_for_ever),
        WITH_FOLDER(the_newest_damaged_ones_are_kept),
        WITH_FOLDER(a_marker_without_sense_is_none),
        WITH_FOLDER(version_1_is_taken_over),
        cmocka_unit_test(version_2_is_taken_over),
        WITH_FOLDER(a_later_version_is_left_alone),
    };
    return tap_run(tests, NULL, NULL);
}
