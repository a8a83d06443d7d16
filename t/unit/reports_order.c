/* Decisions about many: kept before anything is done, carried out piece by piece. */
#include "t/unit/reports_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fsio.h"
#include "reports/order.h"

#define MANY 330

static void add_many(struct fixture *f, unsigned n)
{
    open_store(f);
    for (unsigned i = 1; i <= n; i++) {
        struct proposal p = a_report(i, "a@example.org");
        p.campaign = 7;
        add(f, p);
    }
}

static const struct proposal_range all = {1, UINT64_MAX};
static const struct proposal_choice choose_all = {.ranges = &all, .n_ranges = 1};

static struct proposal_ordered give(struct fixture *f, bool accept, int64_t now_us)
{
    const struct proposal_decision decision = {accept, STR("boss@example.org"), STR("all"), now_us};
    struct proposal_ordered ordered;
    if (proposals_order(f->store, &choose_all, &decision, PROPOSALS_AT_ONCE, &ordered, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return ordered;
}

static unsigned count_in(struct fixture *f, enum proposal_state state)
{
    struct proposal_totals totals;
    assert_int_equal(proposals_totals(f->store, &totals, &f->err), 0);
    return (unsigned)totals.in[state];
}

static unsigned orders_left(struct fixture *f)
{
    char path[128];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/" ORDERS_DIR, f->folder);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void test_few_are_done_at_once(void **state)
{
    struct fixture *f = *state;
    struct order *order;
    add_many(f, PROPOSALS_AT_ONCE);
    struct proposal_ordered ordered = give(f, true, NOW_US + 1);
    assert_int_equal(ordered.order, 0);
    assert_int_equal(ordered.decided.changed, PROPOSALS_AT_ONCE);
    assert_int_equal(order_next(f->store, &order, &f->err), 0);
    assert_null(order);
}

static void test_many_are_done_piece_by_piece(void **state)
{
    struct fixture *f = *state;
    struct order *order;
    add_many(f, MANY);
    struct proposal_ordered ordered = give(f, true, NOW_US + 1);
    assert_true(ordered.order != 0);
    assert_int_equal(ordered.n, MANY);
    assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), 0);
    add(f, a_report(9999, "b@example.org")); /* came later: not meant */
    assert_int_equal(order_next(f->store, &order, &f->err), 1);
    int result;
    for (unsigned steps = 1; (result = order_step(order, f->store, &f->err)) == 0; steps++) {
        assert_int_equal(order_progress(order).at, steps * PROPOSALS_AT_ONCE);
        assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), steps * PROPOSALS_AT_ONCE);
    }
    assert_int_equal(result, 1);
    assert_int_equal(order_progress(order).decided.changed, MANY);
    assert_int_equal(order_progress(order).order, ordered.order);
    order_free(&order);
    assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), MANY);
    assert_int_equal(count_in(f, PROPOSAL_WAITING), 1);
    assert_int_equal(load(f, MANY).decided_us, NOW_US + 1);
    assert_str(load(f, MANY).why, "all");
    assert_int_equal(orders_left(f), 0);
}

/* Two at a time are carried out as they came; what was decided about one meanwhile stands. */
static void test_the_later_word_stands(void **state)
{
    struct fixture *f = *state;
    add_many(f, MANY);
    give(f, false, NOW_US + 1);
    give(f, false, NOW_US + 1); /* asked again: a name of its own */
    assert_int_equal(orders_left(f), 2);
    assert_int_equal(decide_one(f, true, 300).changed, 1);
    assert_int_equal(orders_finish(f->store, &f->err), 0);
    assert_int_equal(orders_left(f), 0);
    assert_int_equal(count_in(f, PROPOSAL_REJECTED), MANY - 1);
    assert_int_equal(load(f, 300).state, PROPOSAL_ACCEPTED);
}

/* All is done when it returns, however many; groups of a wide range are found in no time. */
static void test_all_at_once_for_tools(void **state)
{
    struct fixture *f = *state;
    add_many(f, MANY);
    struct proposal_choice groups = choose_all;
    groups.groups = true;
    assert_int_equal(decide(f, true, groups).changed, MANY);
    assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), MANY);
    assert_int_equal(orders_left(f), 0);
}

/* --- failures --- */

static void order_path(struct fixture *f, uint64_t name, char *path, size_t size)
{
    snprintf(path, size, "%s/" ORDERS_DIR "/%llu.order", f->folder, (unsigned long long)name);
}

/* Cut or changed anywhere it is no order: nothing is done by it, and it is kept. */
static void test_damaged_ones_are_set_aside(void **state)
{
    struct fixture *f = *state;
    char path[200], aside[200];
    struct order *order;
    add_many(f, MANY);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t name = give(f, true, NOW_US + 1 + i).order;
        order_path(f, name, path, sizeof path);
        buf_clear(&f->buf);
        assert_int_equal(fsio_read_file(path, &f->buf, &f->err), 0);
        if (i == 0)
            f->buf.n = 0;
        else if (i == 1)
            f->buf.n -= 8;
        else
            f->buf.p[f->buf.n / 2] ^= 1;
        assert_int_equal(fsio_replace(path, buf_str(&f->buf), 0600, &f->err), 0);
        assert_int_equal(order_next(f->store, &order, &f->err), 0);
        snprintf(aside, sizeof aside, "%s/damaged/%llu.order", f->folder, (unsigned long long)name);
        assert_int_equal(access(aside, F_OK), 0);
    }
    assert_int_equal(count_in(f, PROPOSAL_WAITING), MANY);
    assert_int_equal(give(f, true, NOW_US + 9).n, MANY);
    assert_int_equal(orders_finish(f->store, &f->err), 0);
    assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), MANY);
}

/* Where it can't be kept, nothing is decided. */
static void test_no_room_for_it(void **state)
{
    struct fixture *f = *state;
    char path[128];
    const struct proposal_decision decision = {true, STR("boss"), STR_EMPTY, NOW_US};
    struct proposal_ordered ordered;
    add_many(f, MANY);
    snprintf(path, sizeof path, "%s/" ORDERS_DIR, f->folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(proposals_order(f->store, &choose_all, &decision, 1, &ordered, &f->err), -1);
    assert_int_equal(count_in(f, PROPOSAL_WAITING), MANY);
    assert_int_equal(mkdir(path, 0700), 0);
    for (unsigned i = 0; i < ORDERS_MAX; i++) {
        char name[200];
        order_path(f, i + 1, name, sizeof name);
        assert_int_equal(fsio_replace(name, STR("x"), 0600, &f->err), 0);
    }
    assert_int_equal(proposals_order(f->store, &choose_all, &decision, 1, &ordered, &f->err), -1);
    assert_non_null(strstr(f->err.text, "try later"));
}

/* --- killed --- */

static _Noreturn void die(const struct fixture *f)
{
    fprintf(stderr, "# %s\n", f->err.text);
    _exit(1);
}

static _Noreturn void carry_out(struct fixture *f, int told)
{
    struct order *order;
    struct proposals *store = proposals_open(f->folder, &f->err);
    if (store == NULL || write(told, "b", 1) != 1)
        die(f);
    while (order_next(store, &order, &f->err) == 1) {
        int result = 0;
        while (result == 0)
            result = order_step(order, store, &f->err);
        order_free(&order);
        if (result < 0)
            die(f);
    }
    _exit(0);
}

/* True: it came to its end before it was killed. */
static bool killed_after(struct fixture *f, useconds_t us)
{
    int told[2], status;
    char c;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        carry_out(f, told[1]);
    assert_int_equal(read(told[0], &c, 1), 1);
    usleep(us);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(told[0]);
    close(told[1]);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

/* Killed anywhere in it, again and again: each is decided once, none is left out, and what was
 * decided otherwise in between stands. */
static void test_killed_while_carrying_out(void **state)
{
    struct fixture *f = *state;
    unsigned kills = 0;
    add_many(f, MANY);
    give(f, true, NOW_US + 1);
    proposals_close(&f->store);
    for (unsigned i = 0; i < 200 && !killed_after(f, 500 + i * 2500); i++) {
        kills++;
        if (kills != 2)
            continue;
        open_store(f);
        assert_int_equal(decide_one(f, false, 17).changed, 1);
        assert_int_equal(decide_one(f, false, MANY).changed, 1);
        proposals_close(&f->store);
    }
    assert_true(kills >= 2);
    open_store(f);
    assert_int_equal(orders_left(f), 0);
    assert_int_equal(count_in(f, PROPOSAL_ACCEPTED), MANY - 2);
    assert_int_equal(load(f, 17).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, MANY).state, PROPOSAL_REJECTED);
    for (unsigned i = 1; i < MANY; i++) {
        struct proposal p = load(f, i);
        assert_int_equal(p.decided_us, i == 17 ? NOW_US + SECOND_US : NOW_US + 1);
        assert_int_equal(p.changed_us, p.decided_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_few_are_done_at_once),       TEST(test_many_are_done_piece_by_piece),
        TEST(test_the_later_word_stands),      TEST(test_all_at_once_for_tools),
        TEST(test_damaged_ones_are_set_aside), TEST(test_no_room_for_it),
        TEST(test_killed_while_carrying_out),
    };
    return tap_run(tests, NULL, NULL);
}
