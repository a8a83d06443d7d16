/* All that was learned, out as text and back in. */
#include "t/unit/ledger_world.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/fsio.h"
#include "bayes/ledger/export.h"
#include "bayes/transfer/portable.h"

#define DAY 86400

static int memory_file(const char *text)
{
    struct err err;
    int fd = memfd_create("t", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsio_pwrite(fd, str_of(text), 0, "t", &err), 0);
    return fd;
}

static void export_to(struct ledger *ledger, int fd)
{
    struct err err;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    if (ledger_export(ledger, fd, "t", &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void assert_same_text(int a, int b)
{
    struct err err;
    struct buf one = BUF_INIT(64 * 1024 * 1024), other = BUF_INIT(64 * 1024 * 1024);
    assert_int_equal(fsio_read_fd(a, &one, "a", &err), 0);
    assert_int_equal(fsio_read_fd(b, &other, "b", &err), 0);
    assert_true(one.n > 1000);
    assert_true(str_eq(buf_str(&one), buf_str(&other)));
    buf_release(&one);
    buf_release(&other);
}

static void what_went_out_comes_in_again(void **state)
{
    struct err err;
    struct import_summary summary;
    int out = memory_file(""), again = memory_file("");
    struct ledger *ledger = open_ledger();
    learn_batch(ledger, 0, 300);
    export_to(ledger, out);
    ledger_close(&ledger);
    remove_folder(NULL);
    make_folder(NULL);
    ledger = open_ledger();
    if (ledger_import(ledger, out, "t", &summary, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(summary.spam, 100);
    assert_int_equal(summary.ham, 200);
    assert_true(summary.tokens > 5000);
    assert_totals(ledger, 100, 200);
    assert_int_equal(ledger_totals(ledger).seeded_ham, 200);
    assert_true(ledger_changed(ledger));
    ledger_close(&ledger);
    ledger = open_ledger();
    export_to(ledger, again);
    assert_int_equal(lseek(out, 0, SEEK_SET), 0);
    assert_same_text(out, again);
    /* Learning goes on from there, and is taken back to there. */
    uint64_t sum = sum_of(ledger);
    learn_batch(ledger, 0, 50);
    forget_many(ledger, 0, 50);
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
    close(out);
    close(again);
}

static void it_is_added_to_what_is_there(void **state)
{
    struct err err;
    struct import_summary summary;
    struct ledger_token token;
    int out = memory_file("");
    struct ledger *ledger = open_ledger();
    learn_batch(ledger, 0, 60);
    uint64_t words[WORDS];
    words_of(3, words);
    assert_int_equal(ledger_token(ledger, words[0], &token, &err), 1);
    uint32_t before = token.spam + token.ham;
    export_to(ledger, out);
    assert_int_equal(ledger_import(ledger, out, "t", &summary, &err), 0);
    assert_totals(ledger, 40, 80);
    assert_int_equal(ledger_token(ledger, words[0], &token, &err), 1);
    assert_int_equal(token.spam + token.ham, 2 * before);
    /* Its own messages can still be taken back. */
    forget_many(ledger, 0, 60);
    assert_totals(ledger, 20, 40);
    ledger_close(&ledger);
    close(out);
}

static void a_broken_text_changes_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "poterne-learned\t1\ntotals\t3\t5\ntoken\t00000000000000ff\t1\t2\t20000\n",
        "poterne-learned\t1\ntotals\t3\t5\ntoken\t00000000000000ff\t1\t2\t20000\nend\t2\n",
        "poterne-learned\t1\ntotals\t3\t5\nweight\t3\t5\nfusion\t0\t100\ntoken\t1\nend\t5\n",
    };
    struct err err;
    struct import_summary summary;
    struct ledger *ledger = open_ledger();
    uint64_t sum = sum_of(ledger);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = memory_file(texts[i]);
        assert_int_equal(ledger_import(ledger, fd, "t", &summary, &err), -1);
        assert_true(sum_of(ledger) == sum);
        close(fd);
    }
    assert_false(ledger_changed(ledger));
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

/* Counts beyond what can be counted are refused, not wrapped. */
static void too_many_are_refused(void **state)
{
    struct err err = {""};
    struct import_summary summary;
    int fd = memory_file("poterne-learned\t1\ntotals\t4294967295\t5\n"
                         "token\t00000000000000ff\t4294967295\t2\t20000\nend\t3\n");
    struct ledger *ledger = open_ledger();
    assert_int_equal(ledger_import(ledger, fd, "t", &summary, &err), 0);
    uint64_t sum = sum_of(ledger);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(ledger_import(ledger, fd, "t", &summary, &err), -1);
    assert_non_null(strstr(err.text, "more messages than can be counted"));
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
    close(fd);
}

/* --- expiry of what was last seen long ago --- */

static void stale_tokens_go(void **state)
{
    struct err err;
    struct import_summary summary;
    struct ledger_token token;
    uint64_t words[WORDS];
    int more = 1;
    int fd = memory_file("poterne-learned\t1\ntotals\t10\t10\n"
                         "token\t00000000000000ff\t3\t2\t10000\n"
                         "token\t00000000000000fe\t3\t2\t900000\nend\t4\n");
    struct ledger *ledger = open_ledger();
    assert_int_equal(ledger_import(ledger, fd, "t", &summary, &err), 0);
    close(fd);
    /* Not while there is nothing newer to stand for it. */
    assert_int_equal(ledger_expire(ledger, 100, time(NULL), &err), 0);
    assert_int_equal(ledger_token(ledger, 0xff, &token, &err), 1);
    learn_batch(ledger, 0, 1600);
    /* Once a day is enough. */
    assert_int_equal(ledger_expire(ledger, 100, time(NULL), &err), 0);
    assert_int_equal(ledger_token(ledger, 0xff, &token, &err), 1);
    for (unsigned calls = 0; calls < 1000 && more > 0; calls++)
        more = ledger_expire(ledger, 100, time(NULL) + DAY, &err);
    assert_int_equal(more, 0);
    assert_int_equal(ledger_token(ledger, 0xff, &token, &err), 0);
    assert_int_equal(ledger_token(ledger, 0xfe, &token, &err), 1);
    words_of(7, words);
    assert_int_equal(ledger_token(ledger, words[0], &token, &err), 1);
    forget_many(ledger, 0, 1600);
    assert_totals(ledger, 10, 10);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(what_went_out_comes_in_again),
        WITH_FOLDER(it_is_added_to_what_is_there),
        WITH_FOLDER(a_broken_text_changes_nothing),
        WITH_FOLDER(too_many_are_refused),
        WITH_FOLDER(stale_tokens_go),
    };
    return tap_run(tests, NULL, NULL);
}
