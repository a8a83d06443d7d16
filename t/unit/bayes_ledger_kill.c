/*
 * kill -9 of who learns, at random moments under load: the ledger opens, what was acknowledged is
 * there, what was not is there wholly or not at all, and nothing is counted twice. A dozen times;
 * 200 times with POTERNE_TEST_ALL=1.
 */
#include "t/unit/ledger_world.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"

#define MESSAGES 1500
#define BATCH    20
#define STARTS   (MESSAGES / BATCH)

static unsigned rounds(void)
{
    return getenv("POTERNE_TEST_ALL") ? 200 : 12;
}

/* Which batch is the b-th of a round: they jump about. */
static uint64_t batch_start(unsigned round, uint64_t b)
{
    return ((round * 31 + b * 7) % STARTS) * BATCH;
}

/* Learns the messages of a batch that are not known, forgets the others, and says so. */
static void toggle(bool *known, uint64_t from)
{
    for (uint64_t i = from; i < from + BATCH; i++)
        known[i] = !known[i];
}

static _Noreturn void learn_until_killed(int out, unsigned round, bool *known)
{
    static struct mail mail[BATCH];
    struct ledger_item items[BATCH];
    struct err err;
    struct ledger *ledger = ledger_open(folder, &err);
    if (ledger == NULL)
        _exit(2);
    for (uint64_t b = 0;; b++) {
        uint64_t from = batch_start(round, b);
        for (uint64_t k = 0; k < BATCH; k++) {
            mail_make(&mail[k], from + k, known[from + k] ? LEARN_FORGET : class_of(from + k));
            items[k] = mail[k].item;
        }
        if (ledger_learn_batch(ledger, items, BATCH, &err) < 0 || ledger_sync(ledger, &err) < 0)
            _exit(3);
        toggle(known, from);
        if (write(out, ".", 1) != 1)
            _exit(4);
    }
}

/* Returns how many batches were acknowledged; `known` is as it was before. */
static uint64_t run_and_kill(unsigned round, bool *known)
{
    int out[2], status;
    char dots[64];
    uint64_t acknowledged = 0;
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        learn_until_killed(out[1], round, known);
    close(out[1]);
    /* Now and then while it opens, else soon after it has begun. */
    struct pollfd begun = {.fd = out[0], .events = POLLIN};
    if (round % 8)
        poll(&begun, 1, 10000);
    usleep((useconds_t)(spread(round) % 150000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    for (ssize_t n; (n = read(out[0], dots, sizeof dots)) > 0;)
        acknowledged += (uint64_t)n;
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        fail_msg("round %u: it ended by itself with %d", round, WEXITSTATUS(status));
    return acknowledged;
}

static bool is_known(struct ledger *ledger, uint64_t i)
{
    struct err err;
    enum learn_class class;
    int found = ledger_message(ledger, spread(i), &class, &err);
    if (found < 0)
        fail_msg("%s", err.text);
    return found;
}

/* Every count is that of the known messages, no more and no less. */
static void assert_counts(struct ledger *ledger, const bool *known)
{
    static uint64_t words[MESSAGES * WORDS];
    struct err err;
    uint64_t spam = 0, ham = 0;
    size_t n = 0;
    for (uint64_t i = 0; i < MESSAGES; i++) {
        if (known[i])
            n += words_of(i, words + n);
        spam += known[i] && class_of(i) == LEARN_SPAM;
        ham += known[i] && class_of(i) == LEARN_HAM;
    }
    assert_totals(ledger, spam, ham);
    qsort(words, n, sizeof words[0], by_value);
    for (size_t i = 0, run; i < n; i += run) {
        struct ledger_token token = {0, 0, 0};
        for (run = 1; i + run < n && words[i + run] == words[i]; run++)
            ;
        assert_int_equal(ledger_token(ledger, words[i], &token, &err), 1);
        assert_int_equal(token.spam + token.ham, run);
    }
}

/* All acknowledged batches, and of the next one all or nothing. */
static void assert_kept(struct ledger *ledger, unsigned round, uint64_t acknowledged, bool *known)
{
    for (uint64_t b = 0; b < acknowledged; b++)
        toggle(known, batch_start(round, b));
    uint64_t last = batch_start(round, acknowledged);
    if (is_known(ledger, last) != known[last])
        toggle(known, last);
    for (uint64_t i = 0; i < MESSAGES; i++)
        if (is_known(ledger, i) != known[i])
            fail_msg("round %u: message %d is %s", round, (int)i,
                     known[i] ? "lost" : "there again");
}

static void kill_9_loses_nothing_and_counts_nothing_twice(void **state)
{
    static bool known[MESSAGES];
    uint64_t acknowledged = 0;
    struct ledger *ledger = open_ledger();
    uint64_t nothing = sum_of(ledger);
    ledger_close(&ledger);
    for (unsigned round = 0; round < rounds(); round++) {
        uint64_t batches = run_and_kill(round, known);
        acknowledged += batches;
        ledger = open_ledger();
        assert_kept(ledger, round, batches, known);
        assert_counts(ledger, known);
        ledger_close(&ledger);
        assert_int_equal(set_aside(), 0);
    }
    print_message("# %u kills, %u batches of %d acknowledged\n", rounds(), (unsigned)acknowledged,
                  BATCH);
    assert_true(acknowledged > rounds());
    ledger = open_ledger();
    for (uint64_t i = 0; i < MESSAGES; i++)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), known[i] ? LEARN_DONE : LEARN_KNOWN);
    assert_true(sum_of(ledger) == nothing);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(kill_9_loses_nothing_and_counts_nothing_twice),
    };
    return tap_run(tests, NULL, NULL);
}
