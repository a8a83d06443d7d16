/* Accepted proposals on their way into the ledger, with no learner running. */
#include "t/unit/reports_fixture.h"

#include <sys/stat.h>

#include "base/fsio.h"
#include "bayes/ledger/ledger.h"
#include "reports/teach.h"

static struct conf *make_conf(struct fixture *f)
{
    char text[512], bayes[128];
    snprintf(text, sizeof text,
             "state_dir = \"%s\"\nrun_dir = \"%s\"\n"
             "domain x.example { next_hop = \"maildir:///nowhere/%%d/%%u\" }\n",
             f->folder, f->folder);
    snprintf(bayes, sizeof bayes, "%s/bayes", f->folder);
    assert_int_equal(mkdir(bayes, 0700), 0);
    struct conf *conf = conf_parse(str_of(text), "test", &f->err);
    if (conf == NULL)
        fail_msg("%s", f->err.text);
    return conf;
}

/* A message of its own words, or one of a wave. */
static uint64_t add_message(struct fixture *f, unsigned n, bool wave)
{
    char text[2048];
    struct buf out = BUF_OVER(text);
    enum proposal_added added;
    buf_addf(&out, "From: a%u@shop.example\r\nSubject: offer %u\r\nMessage-ID: <%u@x>\r\n\r\n", n,
             n, n);
    for (unsigned i = 0; i < 40; i++)
        buf_addf(&out, "word%c%c%s ", 'a' + (char)(i % 26),
                 'a' + (char)((wave ? i : i + 7 * n) % 26), wave ? "" : "different");
    buf_addf(&out, "\r\n");
    struct proposal p = a_report(n, "Jean@Example.org");
    assert_int_equal(proposals_add(f->store, &roomy, &p, buf_str(&out), &added, &f->err), 0);
    return p.number;
}

static int teach(struct fixture *f, const struct conf *conf)
{
    int n = proposals_teach(f->store, conf, NOW_US + DAY_US, &f->err);
    if (n < 0)
        fail_msg("%s", f->err.text);
    return n;
}

static struct ledger_totals ledger_now(struct fixture *f)
{
    char folder[128];
    snprintf(folder, sizeof folder, "%s/bayes", f->folder);
    struct ledger *ledger = ledger_open(folder, &f->err);
    if (ledger == NULL)
        fail_msg("%s", f->err.text);
    struct ledger_totals totals = ledger_totals(ledger);
    ledger_close(&ledger);
    return totals;
}

static void test_learned_once(void **state)
{
    struct fixture *f = *state;
    struct conf *conf = make_conf(f);
    open_store(f);
    assert_int_equal(teach(f, conf), 0);
    for (unsigned i = 1; i <= 3; i++)
        add_message(f, i, false);
    decide_one(f, true, 1);
    decide_one(f, true, 2);
    assert_int_equal(teach(f, conf), 2);
    assert_int_equal(load(f, 1).state, PROPOSAL_LEARNED);
    assert_int_equal(load(f, 2).state, PROPOSAL_LEARNED);
    assert_int_equal(load(f, 3).state, PROPOSAL_WAITING);
    assert_int_equal(ledger_now(f).spam, 2);
    assert_true(ledger_now(f).generation > 0); /* nobody else would build the model */
    assert_int_equal(teach(f, conf), 0);
    /* learned, and killed before it was marked so: nothing is counted twice */
    struct proposal p = load(f, 1);
    p.state = PROPOSAL_ACCEPTED;
    char path[128];
    struct buf facts = BUF_INIT(PROPOSAL_FACTS_MAX);
    snprintf(path, sizeof path, "%s/proposals/1.facts", f->folder);
    proposal_put(&facts, &p);
    assert_int_equal(fsio_replace(path, buf_str(&facts), 0600, &f->err), 0);
    buf_release(&facts);
    open_store(f);
    assert_int_equal(teach(f, conf), 1);
    assert_int_equal(load(f, 1).state, PROPOSAL_LEARNED);
    assert_int_equal(ledger_now(f).spam, 2);
    conf_free(&conf);
}

/* More of one campaign than its share: the rest stays accepted, and is tried again later. */
static void test_capped(void **state)
{
    struct fixture *f = *state;
    struct conf *conf = make_conf(f);
    struct proposal_totals totals;
    open_store(f);
    for (unsigned i = 1; i <= LEDGER_CAMPAIGN_FREE + 20; i++)
        add_message(f, i, true);
    const struct proposal_range all = {1, LEDGER_CAMPAIGN_FREE + 20};
    decide(f, true, (struct proposal_choice){.ranges = &all, .n_ranges = 1});
    int n = TEACH_BATCH_MAX;
    while (n == TEACH_BATCH_MAX)
        n = teach(f, conf);
    assert_int_equal(proposals_totals(f->store, &totals, &f->err), 0);
    assert_int_equal(totals.in[PROPOSAL_LEARNED], LEDGER_CAMPAIGN_FREE);
    assert_int_equal(totals.in[PROPOSAL_CAPPED], 20);
    assert_int_equal(ledger_now(f).spam, LEDGER_CAMPAIGN_FREE);
    assert_true(load(f, LEDGER_CAMPAIGN_FREE + 20).why.n > 0);
    assert_int_equal(teach(f, conf), 0);
    assert_int_equal(proposals_teach(f->store, conf, NOW_US + DAY_US + PROPOSALS_CAPPED_RETRY_US,
                                     &f->err),
                     20);
    assert_int_equal(load(f, LEDGER_CAMPAIGN_FREE + 20).state, PROPOSAL_CAPPED);
    conf_free(&conf);
}

/* Nothing is lost where the ledger can't be used. */
static void test_no_ledger(void **state)
{
    struct fixture *f = *state;
    struct conf *conf = make_conf(f);
    char bayes[128];
    open_store(f);
    add_message(f, 1, false);
    decide_one(f, true, 1);
    snprintf(bayes, sizeof bayes, "%s/bayes", f->folder);
    assert_int_equal(rmdir(bayes), 0);
    assert_int_equal(proposals_teach(f->store, conf, NOW_US, &f->err), -1);
    assert_int_equal(load(f, 1).state, PROPOSAL_ACCEPTED);
    assert_int_equal(mkdir(bayes, 0700), 0);
    assert_int_equal(teach(f, conf), 1);
    assert_int_equal(load(f, 1).state, PROPOSAL_LEARNED);
    conf_free(&conf);
}

/* Its original was removed by somebody: it can't be learned, and does not come again and again. */
static void test_original_gone(void **state)
{
    struct fixture *f = *state;
    struct conf *conf = make_conf(f);
    char path[128];
    open_store(f);
    add_message(f, 1, false);
    decide_one(f, true, 1);
    snprintf(path, sizeof path, "%s/proposals/1.eml", f->folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(teach(f, conf), 1);
    assert_int_equal(load(f, 1).state, PROPOSAL_REJECTED);
    assert_str(load(f, 1).why, "its original is gone");
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_learned_once),
        TEST(test_capped),
        TEST(test_no_ledger),
        TEST(test_original_gone),
    };
    return tap_run(tests, NULL, NULL);
}
