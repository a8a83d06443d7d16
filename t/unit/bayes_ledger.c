#include "t/unit/tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "bayes/ledger.h"
#include "bayes/model.h"

#define WORDS 40 /* features of one made-up message */

/* Berkeley DB leaves its log buffer behind when the recovery of a damaged environment fails. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdb-";
}

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int make_folder(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/poterne-ledger-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- made-up mail --- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t spread(uint64_t i)
{
    return (i + 1) * 0x9e3779b97f4a7c15u;
}

/* Message i: words that many share and words of its own. */
static size_t words_of(uint64_t i, uint64_t *words)
{
    size_t n = 0;
    for (uint64_t k = 0; k < WORDS; k++) {
        uint64_t word =
            k < WORDS / 2 ? spread((i * 7 + k * k) % 500) : spread(1000 + i * WORDS + k);
        bool there = false;
        for (size_t j = 0; j < n; j++)
            there |= words[j] == word; // cppcheck-suppress uninitvar
        if (!there)
            words[n++] = word;
    }
    qsort(words, n, sizeof words[0], by_value);
    return n;
}

static struct ledger_item item_of(uint64_t digest, enum learn_class class, const uint64_t *words,
                                  size_t n)
{
    return (struct ledger_item){.digest = digest, .class = class, .features = words, .n = n};
}

static enum learn_class class_of(uint64_t i)
{
    return i % 3 ? LEARN_HAM : LEARN_SPAM;
}

static struct ledger *open_ledger(void)
{
    struct err err;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        fail_msg("%s", err.text);
    return ledger;
}

static enum learn_result learn(struct ledger *ledger, uint64_t i, enum learn_class class)
{
    struct err err;
    uint64_t words[WORDS];
    size_t n = words_of(i, words);
    return ledger_learn(ledger, spread(i), class, words, n, &err);
}

static void learn_many(struct ledger *ledger, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(learn(ledger, i, class_of(i)), LEARN_DONE);
}

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

static void assert_totals(struct ledger *ledger, uint64_t spam, uint64_t ham)
{
    assert_int_equal(ledger_totals(ledger).spam, spam);
    assert_int_equal(ledger_totals(ledger).ham, ham);
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

static unsigned count_files(const char *prefix)
{
    unsigned n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    closedir(dir);
    return n;
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

/* --- damage --- */

enum damage { CUT_SHORT, EMPTIED, GARBLED, REMOVED, OVERWRITTEN };

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
    close(fd);
}

#define PUBLISHED 200

/* Returns the digest of its counts. */
static uint64_t prepare_published(void)
{
    struct err err;
    struct ledger *ledger = open_ledger();
    learn_many(ledger, 0, PUBLISHED);
    assert_true(ledger_publish(ledger, &err) > 0);
    uint64_t digest = counts_digest(ledger, PUBLISHED);
    ledger_close(&ledger);
    return digest;
}

/* Whatever is damaged: the counts are what they were (at the latest when the bad page has been met
 * and the ledger was opened anew), and learning and publishing go on. */
static void goes_on_after(const char *name, enum damage damage)
{
    struct err err;
    uint64_t digest = prepare_published();
    damage_file(name, damage);
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        struct ledger *ledger = ledger_open(folder, &err);
        if (ledger == NULL)
            fail_msg("%s: %s", name, err.text);
        uint64_t now = counts_digest(ledger, PUBLISHED);
        if (!ledger_broken(ledger) && now != digest)
            fail_msg("%s, damage %d: other counts", name, damage);
        for (uint64_t i = 0; i < 300 && !ledger_broken(ledger); i++)
            if (learn(ledger, i, class_of(i)) == LEARN_FAILED && !ledger_broken(ledger))
                fail_msg("%s, damage %d: can't learn", name, damage);
        bool good = !ledger_broken(ledger) && ledger_publish(ledger, &err) > 0;
        bool broken = ledger_broken(ledger);
        ledger_close(&ledger);
        if (good)
            return;
        if (!broken)
            fail_msg("%s: %s", name, err.text);
    }
    fail_msg("%s, damage %d: not mended after three attempts", name, damage);
}

static void test_damage(const char *name, enum damage damage, bool set_aside)
{
    assert_int_equal(make_folder(NULL), 0);
    goes_on_after(name, damage);
    if (set_aside && count_files("ledger.damaged-") == 0)
        fail_msg("%s, damage %d: nothing was set aside", name, damage);
    remove_folder(NULL);
}

static void damage_is_set_aside_and_service_goes_on(void **state)
{
    static const char *const files[] = {"tokens.db", "messages.db", "totals.db"};
    for (size_t i = 0; i < 3; i++)
        for (enum damage damage = CUT_SHORT; damage <= OVERWRITTEN; damage++)
            test_damage(files[i], damage, damage == OVERWRITTEN);
}

static void damaged_logs_are_no_end_either(void **state)
{
    test_damage("log.0000000001", EMPTIED, false);
    test_damage("log.0000000001", CUT_SHORT, false);
    test_damage("log.0000000001", REMOVED, false);
    test_damage("log.0000000001", OVERWRITTEN, false);
}

static void a_new_ledger_starts_from_the_model(void **state)
{
    struct err err;
    uint64_t digest = prepare_published();
    damage_file("totals.db", OVERWRITTEN);
    struct ledger *ledger = open_ledger();
    struct ledger_totals totals = ledger_totals(ledger);
    assert_int_equal(totals.spam, 67);
    assert_int_equal(totals.ham, 133);
    assert_int_equal(totals.seeded_spam, 67);
    assert_int_equal(totals.seeded_ham, 133);
    assert_true(counts_digest(ledger, 200) == digest);
    assert_int_equal(count_files("ledger.damaged-"), 1);
    learn_many(ledger, 200, 210);
    assert_int_equal(ledger_publish(ledger, &err), 2);
    ledger_close(&ledger);
}

static void a_right_that_is_missing_is_no_damage(void **state)
{
    struct err err = {""};
    char path[128];
    if (geteuid() == 0)
        tap_skip("root may read everything");
    prepare_published();
    /* Recovery meets the file before anything else does, and panics. */
    snprintf(path, sizeof path, "%s/ledger/tokens.db", folder);
    assert_int_equal(chmod(path, 0), 0);
    assert_null(ledger_open(folder, &err));
    assert_int_equal(count_files("ledger.damaged-"), 0);
    assert_int_equal(chmod(path, 0600), 0);
    struct ledger *ledger = open_ledger();
    assert_totals(ledger, 67, 133);
    ledger_close(&ledger);
}

/* --- kill -9 --- */

#define KILL_MESSAGES 1500
#define KILL_BATCH    20

/* Learns all in batches, from the beginning, and writes a byte for each batch that is done. */
static _Noreturn void learn_until_killed(int out)
{
    static uint64_t words[KILL_BATCH][WORDS];
    struct ledger_item items[KILL_BATCH];
    struct err err;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        _exit(2);
    for (uint64_t i = 0; i < KILL_MESSAGES; i += KILL_BATCH) {
        for (uint64_t k = 0; k < KILL_BATCH; k++)
            items[k] = item_of(spread(i + k), class_of(i + k), words[k], words_of(i + k, words[k]));
        if (ledger_learn_batch(ledger, items, KILL_BATCH, &err) < 0 ||
            ledger_sync(ledger, &err) < 0)
            _exit(3);
        if (i % 300 == 0 && ledger_publish(ledger, &err) < 0)
            _exit(4);
        if (write(out, ".", 1) != 1)
            _exit(5);
    }
    ledger_close(&ledger);
    _exit(0);
}

/* Runs a learner that is killed after so many answers (0: never); returns how many came. */
static uint64_t run_and_kill(unsigned after, int *status)
{
    int out[2];
    char dots[64];
    uint64_t seen = 0;
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0)
        learn_until_killed(out[1]);
    close(out[1]);
    for (ssize_t n; (n = read(out[0], dots, after ? 1 : sizeof dots)) > 0;) {
        seen += (uint64_t)n;
        if (after && seen == after) {
            usleep((useconds_t)(after * 37 % 900));
            kill(pid, SIGKILL);
        }
    }
    close(out[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
    return seen;
}

static void kill_9_loses_nothing_and_counts_nothing_twice(void **state)
{
    struct err err;
    enum learn_class class;
    int status;
    uint64_t least = 0;
    for (unsigned round = 1; round <= 12; round++) {
        uint64_t seen = run_and_kill(round * 5, &status);
        if (seen * KILL_BATCH > least)
            least = seen * KILL_BATCH;
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        struct ledger *ledger = open_ledger();
        for (uint64_t i = 0; i < least; i++)
            assert_int_equal(ledger_message(ledger, spread(i), &class, &err), 1);
        struct ledger_totals totals = ledger_totals(ledger);
        uint64_t known = 0;
        for (uint64_t i = 0; i < KILL_MESSAGES; i++)
            known += ledger_message(ledger, spread(i), &class, &err) == 1;
        assert_int_equal(totals.spam + totals.ham, known);
        ledger_close(&ledger);
        assert_int_equal(count_files("ledger.damaged-"), 0);
    }
    run_and_kill(0, &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct ledger *ledger = open_ledger();
    uint64_t digest = counts_digest(ledger, KILL_MESSAGES);
    assert_totals(ledger, KILL_MESSAGES / 3, KILL_MESSAGES - KILL_MESSAGES / 3);
    ledger_close(&ledger);
    remove_folder(NULL);
    make_folder(NULL);
    ledger = open_ledger();
    learn_many(ledger, 0, KILL_MESSAGES);
    assert_true(counts_digest(ledger, KILL_MESSAGES) == digest);
    ledger_close(&ledger);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
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
        cmocka_unit_test(damage_is_set_aside_and_service_goes_on),
        cmocka_unit_test(damaged_logs_are_no_end_either),
        WITH_FOLDER(a_new_ledger_starts_from_the_model),
        WITH_FOLDER(a_right_that_is_missing_is_no_damage),
        WITH_FOLDER(kill_9_loses_nothing_and_counts_nothing_twice),
    };
    return tap_run(tests, NULL, NULL);
}
