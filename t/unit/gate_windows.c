/* Sliding windows: no window of a limit's length ever holds one more than the limit, whatever the
 * clock does, whoever else counts, and whoever is killed. */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/gate/windows.h"

#define START   1700000000 /* in the middle of a minute */
#define QUARTER 900
#define HOUR    3600
#define TABLE   "windows"

static char state[] = "/tmp/poterne-windows-XXXXXX";

static int make_state(void **data)
{
    return mkdtemp(state) ? 0 : -1;
}

static int remove_state(void **data)
{
    static const char *const names[] = {"/gate/" TABLE, "/gate", ""};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s%s", state, names[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return 0;
}

static struct windows *open_of(size_t entries, enum windows_full full)
{
    struct err err = {""};
    struct windows *w = windows_open(state, TABLE, entries, full, &err);
    assert_non_null(w);
    return w;
}

static struct windows *open_new(size_t entries, enum windows_full full)
{
    char path[128];
    snprintf(path, sizeof path, "%s/gate/" TABLE, state);
    unlink(path);
    return open_of(entries, full);
}

static struct windows_charge charge_of(const char *name, unsigned seconds, unsigned most)
{
    return (struct windows_charge){.who = windows_who(1, 0, str_of(name)),
                                   .limits = {{0, seconds, most}},
                                   .n_limits = 1};
}

static bool counts(struct windows *w, const struct windows_charge *charge, int64_t now)
{
    struct windows_reached reached;
    return windows_count(w, charge, 1, 0, now, &reached) == WINDOWS_COUNTED;
}

/* What was let through within the last `seconds`, with the second of now. */
static unsigned let_through(const int64_t *times, size_t n, unsigned seconds, int64_t now)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += times[i] > now - seconds && times[i] <= now;
    return sum;
}

/* The same numbers each time. */
static unsigned next_number(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33);
}

static void slide(unsigned seconds, unsigned most, unsigned pause_max)
{
    static int64_t times[100000];
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge charge = charge_of("jean", seconds, most);
    size_t n = 0, refused = 0;
    int64_t now = START;
    uint64_t seed = 7;
    for (int i = 0; i < 20000; i++) {
        now += next_number(&seed) % pause_max;
        if (!counts(w, &charge, now)) {
            refused++;
            /* never needlessly: what is older than the window and a step is free */
            assert_true(let_through(times, n, seconds + WINDOWS_STEP, now) >= most);
            continue;
        }
        times[n++] = now;
        size_t from = n > most + 1 ? n - most - 1 : 0;
        assert_true(let_through(times + from, n - from, seconds, now) <= most);
    }
    assert_true(n > most && refused > 0);
    windows_close(&w);
}

static void no_window_holds_one_more(void **data)
{
    slide(QUARTER, 250, 4);
    slide(HOUR, 50, 100);
    slide(HOUR, 1000, 3);
    slide(HOUR, 1, 4000);
    slide(WINDOWS_STEP, 10, 20);
}

static void the_time_that_is_told_is_true(void **data)
{
    struct windows_reached reached;
    for (int first = 0; first < 130; first += 7) {
        struct windows *w = open_new(1024, WINDOWS_REFUSE);
        struct windows_charge charge = charge_of("jean", QUARTER, 3);
        int64_t now = START + first;
        for (int i = 0; i < 3; i++, now += WINDOWS_STEP)
            assert_true(counts(w, &charge, now));
        assert_int_equal(windows_count(w, &charge, 1, 0, now, &reached), WINDOWS_REACHED);
        assert_int_equal(reached.counted, 3);
        assert_true(reached.until > START + first + QUARTER);
        assert_true(reached.until <= START + first + QUARTER + WINDOWS_STEP);
        assert_false(counts(w, &charge, reached.until - 1));
        assert_true(counts(w, &charge, reached.until));
        assert_false(counts(w, &charge, reached.until)); /* the second of the three counts yet */
        windows_close(&w);
    }
}

static void all_of_them_or_none(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge both[2] = {charge_of("account", HOUR, 5), charge_of("address", HOUR, 3)};
    struct windows_reached reached;
    struct windows_entry entry;
    for (int i = 0; i < 3; i++)
        assert_int_equal(windows_count(w, both, 2, 0, START, &reached), WINDOWS_COUNTED);
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(windows_count(w, both, 2, 0, START, &reached), WINDOWS_REACHED);
        assert_int_equal(reached.charge, 1);
        assert_int_equal(reached.hits, i);
    }
    assert_true(windows_find(w, &both[0].who, &entry));
    assert_int_equal(windows_sum(&entry, 0, HOUR, START), 3);
    assert_int_equal(entry.hits, 0);
    both[1] = charge_of("another address", HOUR, 3);
    assert_int_equal(windows_count(w, both, 2, 0, START, &reached), WINDOWS_COUNTED);
    assert_int_equal(windows_count(w, both, 2, 0, START, &reached), WINDOWS_COUNTED);
    assert_int_equal(windows_count(w, both, 2, 0, START, &reached), WINDOWS_REACHED);
    assert_int_equal(reached.charge, 0);
    windows_close(&w);
}

static void series_are_apart(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge charge = {.who = windows_who(1, 0, STR("jean")),
                                    .limits = {{0, HOUR, 2}, {1, QUARTER, 3}, {1, HOUR, 4}},
                                    .n_limits = 3};
    struct windows_reached reached;
    int let = 0;
    for (int i = 0; i < 5; i++)
        let += windows_count(w, &charge, 1, 1, START, &reached) == WINDOWS_COUNTED;
    assert_int_equal(let, 3);
    assert_int_equal(reached.limit, 1);
    for (int i = 0; i < 5; i++)
        let += windows_count(w, &charge, 1, 1, START + QUARTER + WINDOWS_STEP, &reached) ==
               WINDOWS_COUNTED;
    assert_int_equal(let, 4);
    assert_int_equal(reached.limit, 2);
    for (int i = 0; i < 5; i++)
        let += windows_count(w, &charge, 1, 0, START, &reached) == WINDOWS_COUNTED;
    assert_int_equal(let, 6);
    windows_close(&w);
}

static void no_limit_is_none(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge charge = charge_of("relay", HOUR, 0);
    struct windows_entry entry;
    for (int i = 0; i < WINDOWS_COUNT_MAX + 10; i++)
        assert_true(counts(w, &charge, START));
    assert_true(windows_find(w, &charge.who, &entry));
    assert_int_equal(windows_sum(&entry, 0, HOUR, START), WINDOWS_COUNT_MAX);
    windows_close(&w);
}

static void who_is_told_by_kind_and_class_and_in_any_case(void **data)
{
    struct windows_who a = windows_who(1, 2, STR("Jean.Toto@univ.example"));
    struct windows_who b = windows_who(1, 2, STR("jean.toto@UNIV.example"));
    struct windows_who other_kind = windows_who(2, 2, STR("jean.toto@univ.example"));
    struct windows_who other_class = windows_who(1, 3, STR("jean.toto@univ.example"));
    assert_memory_equal(a.key, b.key, sizeof a.key);
    assert_memory_not_equal(a.key, other_kind.key, sizeof a.key);
    assert_memory_not_equal(a.key, other_class.key, sizeof a.key);
    assert_string_equal(a.name, "jean.toto@univ.example");
    char name[2 * WINDOWS_NAME_SIZE];
    memset(name, 'x', sizeof name);
    struct windows_who one = windows_who(1, 0, str_n(name, sizeof name));
    name[sizeof name - 1] = 'y';
    struct windows_who two = windows_who(1, 0, str_n(name, sizeof name));
    assert_int_equal(strlen(one.name), WINDOWS_NAME_SIZE - 1);
    assert_memory_not_equal(one.key, two.key, sizeof one.key);
}

static void a_clock_set_back_frees_nothing(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge charge = charge_of("jean", HOUR, 4);
    int64_t before = START - 86400;
    assert_true(counts(w, &charge, START - 1800));
    assert_true(counts(w, &charge, START));
    assert_true(counts(w, &charge, START));
    assert_true(counts(w, &charge, before));
    assert_false(counts(w, &charge, before));
    /* the oldest keeps its age */
    assert_false(counts(w, &charge, before + 1700));
    assert_true(counts(w, &charge, before + 1860));
    assert_false(counts(w, &charge, before + 3500));
    assert_true(counts(w, &charge, before + 3720));
    windows_close(&w);
}

/* Whoever fills the table makes nobody's limit forgotten; when what fills it is over there is room
 * again. */
static void a_full_table_forgets_nobody(void **data)
{
    struct windows *w = open_new(256, WINDOWS_REFUSE);
    struct windows_charge jean = charge_of("jean", HOUR, 2);
    struct windows_reached reached;
    size_t room = 0, none = 0;
    char name[32];
    assert_true(counts(w, &jean, START) && counts(w, &jean, START));
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "x%d", i);
        struct windows_charge x = charge_of(name, HOUR, 2);
        enum windows_result result = windows_count(w, &x, 1, 0, START + 60, &reached);
        room += result == WINDOWS_COUNTED;
        none += result == WINDOWS_UNCOUNTED;
    }
    assert_true(room >= 250 && room < 256);
    assert_int_equal(room + none, 2000);
    assert_false(counts(w, &jean, START + 60));
    struct windows_charge late = charge_of("late", HOUR, 1);
    assert_false(counts(w, &late, START + 3600));
    assert_true(counts(w, &late, START + 3600 + 3 * WINDOWS_STEP));
    windows_close(&w);
}

/* Where somebody stands is chance, another one in each table. */
static void nine_of_ten_entries_are_used_before_anybody_is_refused(void **data)
{
    char name[32];
    for (int table = 0; table < 20; table++) {
        struct windows *w = open_new(1024, WINDOWS_REFUSE);
        int n = 0;
        for (; n < 1024; n++) {
            snprintf(name, sizeof name, "x%d", n);
            struct windows_charge x = charge_of(name, HOUR, 1);
            if (!counts(w, &x, START))
                break;
        }
        if (n < 1024 * 9 / 10)
            fail_msg("the first was refused when %d of 1024 entries were used", n);
        windows_close(&w);
    }
}

static void or_the_oldest_makes_room(void **data)
{
    struct windows *w = open_new(256, WINDOWS_FORGET);
    char name[32];
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "x%d", i);
        struct windows_charge x = charge_of(name, HOUR, 1);
        assert_true(counts(w, &x, START + i));
        assert_false(counts(w, &x, START + i));
    }
    windows_close(&w);
}

static void what_is_taken_back_counts_no_more(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    struct windows_charge charge = charge_of("jean", HOUR, 1);
    struct windows_reached reached;
    assert_true(counts(w, &charge, START));
    assert_int_equal(windows_look(w, &charge, 1, 0, START, &reached), WINDOWS_REACHED);
    windows_take_back(w, &charge.who, 0, START, START + 120);
    assert_int_equal(windows_look(w, &charge, 1, 0, START, &reached), WINDOWS_COUNTED);
    windows_take_back(w, &charge.who, 0, START, START + 120);
    assert_true(counts(w, &charge, START + 120));
    assert_false(counts(w, &charge, START + 120));
    windows_take_back(w, &charge.who, 0, START, START + 86400);
    assert_false(counts(w, &charge, START + 120));
    assert_true(windows_clear(w, &charge.who));
    assert_false(windows_clear(w, &charge.who));
    assert_true(counts(w, &charge, START + 120));
    windows_close(&w);
}

/* Processes that count at once, and are killed at any moment: never one more. */
#define CHILDREN 6
#define MOST     20000

static void count_on(int report)
{
    struct windows *w = open_of(1024, WINDOWS_REFUSE);
    struct windows_charge charge = charge_of("all", HOUR, MOST);
    struct windows_reached reached;
    for (;;) {
        enum windows_result result = windows_count(w, &charge, 1, 0, START, &reached);
        if (result == WINDOWS_REACHED)
            _exit(0);
        if (result == WINDOWS_COUNTED && write(report, "x", 1) != 1)
            _exit(1);
    }
}

static pid_t start_child(int report)
{
    pid_t child = fork();
    if (child == 0)
        count_on(report);
    assert_true(child > 0);
    return child;
}

static void exact_among_processes_that_are_killed(void **data)
{
    struct windows *w = open_new(1024, WINDOWS_REFUSE);
    pid_t children[CHILDREN];
    int ends[2];
    size_t let = 0, killed = 0;
    char block[4096];
    ssize_t got;
    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < CHILDREN; i++)
        children[i] = start_child(ends[1]);
    for (; killed < 40 && let < MOST / 2; killed++) {
        size_t i = killed % CHILDREN;
        got = read(ends[0], block, 200);
        assert_true(got > 0);
        let += (size_t)got;
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
        children[i] = start_child(ends[1]);
    }
    close(ends[1]);
    while ((got = read(ends[0], block, sizeof block)) > 0)
        let += (size_t)got;
    for (size_t i = 0; i < CHILDREN; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_true(let <= MOST && let >= MOST - killed); /* one of each that was killed, at most */
    close(ends[0]);
    windows_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_window_holds_one_more),
        cmocka_unit_test(the_time_that_is_told_is_true),
        cmocka_unit_test(all_of_them_or_none),
        cmocka_unit_test(series_are_apart),
        cmocka_unit_test(no_limit_is_none),
        cmocka_unit_test(who_is_told_by_kind_and_class_and_in_any_case),
        cmocka_unit_test(a_clock_set_back_frees_nothing),
        cmocka_unit_test(a_full_table_forgets_nobody),
        cmocka_unit_test(nine_of_ten_entries_are_used_before_anybody_is_refused),
        cmocka_unit_test(or_the_oldest_makes_room),
        cmocka_unit_test(what_is_taken_back_counts_no_more),
        cmocka_unit_test(exact_among_processes_that_are_killed),
    };
    return tap_run(tests, make_state, remove_state);
}
