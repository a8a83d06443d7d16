#include "t/unit/tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "tools/mail_index.h"
#include "tools/workers.h"

#define JOBS 5000

struct seen {
    size_t next; /* jobs must come in order */
    size_t deaths;
    int signal;
    size_t bytes;
};

static void square(void *data, size_t job, struct buf *result)
{
    buf_addf(result, "%zu", job * job);
}

static void expect_square(void *data, size_t job, struct str result, int died)
{
    struct seen *seen = data;
    uint64_t value;
    assert_int_equal(job, seen->next++);
    assert_int_equal(died, 0);
    assert_true(str_to_u64(result, UINT64_MAX, &value));
    assert_int_equal(value, job * job);
}

static void results_come_in_order(void **state)
{
    static const unsigned processes[] = {0, 1, 3, WORKERS_MAX + 1};
    for (size_t i = 0; i < sizeof processes / sizeof processes[0]; i++) {
        struct seen seen = {0};
        struct err err;
        size_t n = processes[i] > 3 ? 300 : JOBS;
        const struct workers_plan plan = {n, processes[i], &seen, square, expect_square, NULL};
        assert_int_equal(workers_run(&plan, &err), 0);
        assert_int_equal(seen.next, n);
    }
}

static bool stop_at_some(void *data)
{
    const struct seen *seen = data;
    return seen->next >= 100;
}

static void a_run_that_is_stopped_leaves_the_rest(void **state)
{
    struct seen seen = {0};
    struct err err;
    const struct workers_plan plan = {JOBS, 2, &seen, square, expect_square, stop_at_some};
    assert_int_equal(workers_run(&plan, &err), 1);
    assert_int_equal(seen.next, 100);
}

static void nothing_to_do_is_done(void **state)
{
    struct seen seen = {0};
    struct err err;
    const struct workers_plan plan = {0, 0, &seen, square, expect_square, NULL};
    assert_int_equal(workers_run(&plan, &err), 0);
    assert_int_equal(seen.next, 0);
}

/* The first job of a batch, one inside, one at its end, and several in a row. */
static bool is_deadly(size_t job)
{
    return job == 0 || job == 13 || job == 47 || (job >= 80 && job < 84) || job == 199;
}

static void die_of_some(void *data, size_t job, struct buf *result)
{
    if (is_deadly(job))
        raise(SIGKILL);
    square(data, job, result);
}

static void count_deaths(void *data, size_t job, struct str result, int died)
{
    struct seen *seen = data;
    if (!is_deadly(job)) {
        expect_square(data, job, result, died);
        return;
    }
    assert_int_equal(job, seen->next++);
    assert_true(WIFSIGNALED(died));
    seen->deaths++;
    seen->signal = WTERMSIG(died);
}

static void a_death_costs_one_job(void **state)
{
    struct seen seen = {0};
    struct err err;
    const struct workers_plan plan = {200, 2, &seen, die_of_some, count_deaths, NULL};
    assert_int_equal(workers_run(&plan, &err), 0);
    assert_int_equal(seen.next, 200);
    assert_int_equal(seen.deaths, 8);
    assert_int_equal(seen.signal, SIGKILL);
}

/* What works late must not make those that are ahead forget anything, nor take all memory. */
static void be_slow_first(void *data, size_t job, struct buf *result)
{
    if (job == 0)
        usleep(200 * 1000);
    square(data, job, result);
}

static void one_slow_job_holds_back_only_the_order(void **state)
{
    struct seen seen = {0};
    struct err err;
    const struct workers_plan plan = {
        3 * (size_t)WORKERS_AHEAD, 2, &seen, be_slow_first, expect_square, NULL};
    assert_int_equal(workers_run(&plan, &err), 0);
    assert_int_equal(seen.next, 3 * WORKERS_AHEAD);
}

static void say_much(void *data, size_t job, struct buf *result)
{
    for (size_t i = 0; i < 100000; i++)
        buf_addf(result, "%05zu ", job);
}

static void expect_much(void *data, size_t job, struct str result, int died)
{
    struct seen *seen = data;
    char word[8];
    assert_int_equal(died, 0);
    assert_int_equal(result.n, 600000);
    snprintf(word, sizeof word, "%05zu ", job);
    assert_true(str_ends(result, str_of(word)));
    seen->bytes += result.n;
}

static void long_results_are_whole(void **state)
{
    struct seen seen = {0};
    struct err err;
    const struct workers_plan plan = {20, 2, &seen, say_much, expect_much, NULL};
    assert_int_equal(workers_run(&plan, &err), 0);
    assert_int_equal(seen.bytes, 20 * 600000);
}

/* ---- mail_index */

struct lists {
    char folder[64];
    char path[96];
    struct pool *pool;
    struct mail_index index;
};

static int read_list(struct lists *lists, const char *text, struct err *err)
{
    snprintf(lists->folder, sizeof lists->folder, "/tmp/poterne-index-XXXXXX");
    assert_non_null(mkdtemp(lists->folder));
    snprintf(lists->path, sizeof lists->path, "%s/index", lists->folder);
    assert_int_equal(fsio_replace(lists->path, str_of(text), 0600, err), 0);
    lists->pool = pool_new(1 << 20);
    lists->index = (struct mail_index){0};
    int result = mail_index_read(&lists->index, lists->pool, lists->path, err);
    unlink(lists->path);
    rmdir(lists->folder);
    return result;
}

static void a_list_has_labels_and_paths(void **state)
{
    struct lists lists;
    struct err err;
    char expected[128];
    assert_int_equal(read_list(&lists, "# ours\nspam a/b c.eml\r\n\nham /x\n", &err), 0);
    assert_int_equal(lists.index.n, 2);
    assert_true(lists.index.list[0].spam);
    snprintf(expected, sizeof expected, "%s/a/b c.eml", lists.folder);
    assert_string_equal(lists.index.list[0].path, expected);
    assert_false(lists.index.list[1].spam);
    assert_string_equal(lists.index.list[1].path, "/x");
    pool_free(&lists.pool);
}

static void a_mistake_in_a_list_is_named(void **state)
{
    static const char *const wrong[] = {"ham x\nspam\n", "ham x\ngood y\n", "ham x\nspam \n",
                                        "ham x\n/a/path\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct lists lists;
        struct err err = {""};
        assert_int_equal(read_list(&lists, wrong[i], &err), -1);
        assert_non_null(strstr(err.text, "/index:2: a line is \"ham PATH\""));
        pool_free(&lists.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_in_order),
        cmocka_unit_test(a_run_that_is_stopped_leaves_the_rest),
        cmocka_unit_test(nothing_to_do_is_done),
        cmocka_unit_test(a_death_costs_one_job),
        cmocka_unit_test(one_slow_job_holds_back_only_the_order),
        cmocka_unit_test(long_results_are_whole),
        cmocka_unit_test(a_list_has_labels_and_paths),
        cmocka_unit_test(a_mistake_in_a_list_is_named),
    };
    return tap_run(tests, NULL, NULL);
}
