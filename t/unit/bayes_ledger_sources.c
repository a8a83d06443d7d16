/* Who taught what: kept with it, capped, held out, and settled when it is old. */
#include "t/unit/ledger_inside.h"

#include <time.h>

#define DAY 86400

static const struct ledger_policy policy_default = {25, 10, 5, 0};

static struct ledger *open_with(struct ledger_policy policy)
{
    struct ledger *ledger = open_ledger();
    ledger_policy_set(ledger, &policy);
    return ledger;
}

static struct learn_source source_of(enum learn_kind kind, const char *reporter, uint64_t campaign)
{
    return (struct learn_source){.reporter = str_of(reporter),
                                 .when = 1700000000,
                                 .kind = kind,
                                 .campaign = campaign};
}

/* Learns from..to until one is not done; returns how many were, *last is what the last was. */
static uint64_t teach(struct ledger *ledger, uint64_t from, uint64_t to, enum learn_class class,
                      const struct learn_source *source, enum learn_result *last)
{
    uint64_t i = from;
    for (*last = LEARN_DONE; i < to; i++) {
        *last = learn_from(ledger, i, class, source);
        if (*last != LEARN_DONE)
            break;
    }
    return i - from;
}

static void a_message_says_who_taught_it(void **state)
{
    struct err err;
    struct ledger_taught taught;
    struct ledger *ledger = open_ledger();
    struct learn_source source = source_of(LEARN_BY_PROPOSAL, "jean.toto@a.example", 42);
    assert_int_equal(learn_from(ledger, 1, LEARN_SPAM, &source), LEARN_DONE);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_int_equal(ledger_taught(ledger, spread(1), &taught, &err), 1);
    assert_int_equal(taught.class, LEARN_SPAM);
    assert_int_equal(taught.kind, LEARN_BY_PROPOSAL);
    assert_int_equal(taught.when, 1700000000);
    assert_int_equal(taught.campaign, 42);
    assert_string_equal(taught.reporter, "jean.toto@a.example");
    assert_false(taught.held || taught.settled);
    assert_int_equal(ledger_taught(ledger, spread(2), &taught, &err), 0);
    ledger_close(&ledger);
}

/* One that is not yet is now. */
static void no_date_is_later_than_now(void **state)
{
    struct err err;
    struct ledger_taught taught;
    struct ledger *ledger = open_ledger();
    struct learn_source source = {.when = INT64_MAX};
    assert_int_equal(learn_from(ledger, 1, LEARN_SPAM, &source), LEARN_DONE);
    assert_int_equal(ledger_taught(ledger, spread(1), &taught, &err), 1);
    assert_true(taught.when <= time(NULL) && taught.when > time(NULL) - 100);
    ledger_close(&ledger);
}

/* --- caps --- */

static void one_reporter_has_a_share(void **state)
{
    enum learn_result last;
    struct ledger *ledger = open_with(policy_default);
    struct learn_source eve = source_of(LEARN_BY_PROPOSAL, "eve@a.example", 0);
    struct learn_source bob = source_of(LEARN_BY_MANAGER, "bob@a.example", 0);
    struct ledger_policy policy = {.reporter_share = 25};
    ledger_policy_set(ledger, &policy);
    assert_int_equal(teach(ledger, 0, 1000, LEARN_SPAM, &eve, &last), LEDGER_REPORTER_FREE);
    assert_int_equal(last, LEARN_CAPPED);
    uint64_t sum = sum_of(ledger);
    assert_int_equal(learn_from(ledger, 900, LEARN_SPAM, &eve), LEARN_CAPPED);
    assert_true(sum_of(ledger) == sum);
    /* The other class has a share of its own, another reporter too, and a known one is known. */
    assert_int_equal(learn_from(ledger, 901, LEARN_HAM, &eve), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 902, LEARN_SPAM, &bob), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 5, LEARN_SPAM, &eve), LEARN_KNOWN);
    /* What is taken back makes room, and so does what others teach. */
    assert_int_equal(learn(ledger, 5, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 900, LEARN_SPAM, &eve), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 903, LEARN_SPAM, &eve), LEARN_CAPPED);
    for (uint64_t i = 2000; i < 2000 + 3 * LEDGER_REPORTER_FREE + 2; i++)
        assert_int_equal(learn(ledger, i, LEARN_SPAM), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 903, LEARN_SPAM, &eve), LEARN_DONE);
    assert_int_equal(learn_from(ledger, 904, LEARN_SPAM, &eve), LEARN_CAPPED);
    ledger_close(&ledger);
}

static void one_day_of_reports_has_a_share(void **state)
{
    enum learn_result last;
    struct ledger *ledger = open_with((struct ledger_policy){.day_share = 10});
    char name[64];
    uint64_t done = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "u%d@a.example", (int)i);
        struct learn_source source = source_of(LEARN_BY_PROPOSAL, name, 0);
        done += learn_from(ledger, i, LEARN_HAM, &source) == LEARN_DONE;
    }
    assert_int_equal(done, LEDGER_DAY_FREE);
    struct learn_source next = source_of(LEARN_BY_PROPOSAL, "u1@a.example", 0);
    next.when += DAY;
    assert_int_equal(learn_from(ledger, 900, LEARN_HAM, &next), LEARN_DONE);
    struct learn_source bulk = source_of(LEARN_BY_BULK, "", 0);
    assert_int_equal(teach(ledger, 1000, 1300, LEARN_HAM, &bulk, &last), 300);
    ledger_close(&ledger);
}

static void one_campaign_has_a_share(void **state)
{
    enum learn_result last;
    struct err err;
    struct ledger *ledger = open_with((struct ledger_policy){.campaign_share = 5});
    struct learn_source bulk = source_of(LEARN_BY_BULK, "", 7);
    struct learn_source sent = source_of(LEARN_BY_SENT, "", 7);
    assert_int_equal(teach(ledger, 0, 1000, LEARN_SPAM, &bulk, &last), LEDGER_CAMPAIGN_FREE);
    struct mail mail;
    mail_make(&mail, 999, LEARN_SPAM);
    mail.item.source = bulk;
    assert_int_equal(ledger_learn_batch(ledger, &mail.item, 1, &err), 0);
    assert_int_equal(mail.item.result, LEARN_CAPPED);
    assert_int_equal(mail.item.cap, LEDGER_CAP_CAMPAIGN);
    assert_non_null(strstr(ledger_cap_text(mail.item.cap), "campaign_share"));
    assert_int_equal(learn_from(ledger, 998, LEARN_SPAM, &sent), LEARN_DONE);
    bulk.campaign = 8;
    assert_int_equal(learn_from(ledger, 997, LEARN_SPAM, &bulk), LEARN_DONE);
    bulk.campaign = 0;
    assert_int_equal(teach(ledger, 1000, 1200, LEARN_SPAM, &bulk, &last), 200);
    ledger_close(&ledger);
}

/* What moves to the other class counts there, and no longer here. */
static void counters_are_exact(void **state)
{
    struct ledger *ledger = open_with(policy_default);
    struct learn_source eve = source_of(LEARN_BY_MANAGER, "eve@a.example", 3);
    uint64_t nothing = sum_of(ledger);
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(learn_from(ledger, i, class_of(i), &eve), LEARN_DONE);
    for (uint64_t i = 0; i < 40; i += 2)
        assert_int_equal(learn_from(ledger, i, other_class(i), &eve), LEARN_DONE);
    for (uint64_t i = 0; i < 40; i++)
        assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_true(sum_of(ledger) == nothing);
    ledger_close(&ledger);
}

/* A capped move leaves the message where it is. */
static void a_capped_move_moves_nothing(void **state)
{
    enum learn_result last;
    enum learn_class class;
    struct err err;
    struct ledger *ledger = open_with(policy_default);
    struct learn_source eve = source_of(LEARN_BY_PROPOSAL, "eve@a.example", 0);
    assert_int_equal(learn(ledger, 5000, LEARN_HAM), LEARN_DONE);
    teach(ledger, 0, 1000, LEARN_SPAM, &eve, &last);
    uint64_t sum = sum_of(ledger);
    assert_int_equal(learn_from(ledger, 5000, LEARN_SPAM, &eve), LEARN_CAPPED);
    assert_true(sum_of(ledger) == sum);
    assert_int_equal(ledger_message(ledger, spread(5000), &class, &err), 1);
    assert_int_equal(class, LEARN_HAM);
    ledger_close(&ledger);
}

/* --- held out --- */

struct seen {
    uint64_t n[2];
    uint64_t digests;
    size_t features;
    size_t grams;
    bool rising;
};

static int see(void *data, const struct ledger_held *held, struct err *err)
{
    struct seen *seen = data;
    seen->n[held->class]++;
    seen->digests += held->digest;
    seen->features += held->n;
    seen->grams += held->n_grams;
    for (size_t i = 1; i < held->n_grams; i++)
        seen->rising &= held->grams[i - 1] < held->grams[i];
    return 0;
}

static struct seen held_of(struct ledger *ledger)
{
    struct err err;
    struct seen seen = {.rising = true};
    if (ledger_held_out(ledger, see, &seen, &err) != 0)
        fail_msg("%s", err.text);
    return seen;
}

#define HOLD_OUT ((struct ledger_policy){.hold_out = 10})

static void one_in_ten_is_held_out(void **state)
{
    struct ledger *ledger = open_with(HOLD_OUT);
    assert_int_equal(learn_batch(ledger, 0, 3000), 3000);
    struct ledger_totals totals = ledger_totals(ledger);
    struct seen seen = held_of(ledger);
    assert_int_equal(seen.n[LEARN_SPAM], totals.held_spam);
    assert_int_equal(seen.n[LEARN_HAM], totals.held_ham);
    assert_int_equal(totals.held_spam + totals.spam, 1000);
    assert_int_equal(totals.held_ham + totals.ham, 2000);
    assert_in_range(totals.held_spam, 50, 110);
    assert_in_range(totals.held_ham, 130, 230);
    assert_int_equal(seen.grams, GRAMS * (seen.n[0] + seen.n[1]));
    assert_true(seen.features > 30 * (seen.n[0] + seen.n[1]));
    assert_true(seen.rising);
    ledger_close(&ledger);
    ledger = open_with(HOLD_OUT);
    struct seen again = held_of(ledger);
    assert_memory_equal(&again, &seen, sizeof seen);
    /* Known is known, trained on or not. */
    assert_int_equal(learn_batch(ledger, 0, 3000), 3000);
    again = held_of(ledger);
    assert_memory_equal(&again, &seen, sizeof seen);
    ledger_close(&ledger);
}

static void held_out_mail_is_forgotten_and_moved_too(void **state)
{
    struct err err;
    struct ledger_taught taught;
    struct ledger *ledger = open_with(HOLD_OUT);
    learn_batch(ledger, 0, 2000);
    struct ledger_totals before = ledger_totals(ledger);
    uint64_t i = 1999;
    while (ledger_taught(ledger, spread(i), &taught, &err) == 1 && !(taught.held && i % 3 == 0))
        i--;
    assert_int_equal(learn(ledger, i, LEARN_HAM), LEARN_DONE);
    struct ledger_totals moved = ledger_totals(ledger);
    assert_int_equal(moved.held_spam, before.held_spam - 1);
    assert_int_equal(moved.held_ham, before.held_ham + 1);
    assert_int_equal(moved.ham, before.ham);
    assert_int_equal(learn(ledger, i, LEARN_FORGET), LEARN_DONE);
    assert_int_equal(ledger_totals(ledger).held_ham, before.held_ham);
    assert_int_equal(ledger_message(ledger, spread(i), &taught.class, &err), 0);
    assert_int_equal(held_of(ledger).n[LEARN_SPAM], before.held_spam - 1);
    ledger_close(&ledger);
}

/* All of a class are held out, and more than may be. */
static void the_oldest_held_out_leaves(void **state)
{
    struct err err;
    enum learn_class class;
    struct ledger *ledger = open_ledger();
    learn_batch(ledger, 0, 3 * LEDGER_HELD_AFTER);
    struct ledger_policy all = {.hold_out = 1};
    ledger_policy_set(ledger, &all);
    struct mail mail;
    struct ledger_item items[500];
    for (uint64_t i = 0; i < LEDGER_HELD_MAX + 500; i += 500) {
        mail_make(&mail, 1, LEARN_SPAM);
        for (uint64_t k = 0; k < 500; k++) {
            items[k] = mail.item;
            items[k].digest = 1000000 + i + k;
        }
        assert_int_equal(ledger_learn_batch(ledger, items, 500, &err), 0);
    }
    assert_int_equal(ledger_totals(ledger).held_spam, LEDGER_HELD_MAX);
    assert_int_equal(held_of(ledger).n[LEARN_SPAM], LEDGER_HELD_MAX);
    assert_int_equal(ledger_message(ledger, 1000000 + 499, &class, &err), 0);
    assert_int_equal(ledger_message(ledger, 1000000 + 500, &class, &err), 1);
    ledger_close(&ledger);
}

/* --- expiry --- */

static int expire_all(struct ledger *ledger, unsigned days, int64_t now)
{
    struct err err;
    int more = 1;
    for (unsigned calls = 0; calls < 1000 && more > 0; calls++)
        more = ledger_expire(ledger, days, now, &err);
    return more;
}

static uint32_t count_of(struct ledger *ledger, uint64_t word)
{
    struct err err;
    struct ledger_token token = {0, 0, 0};
    assert_true(ledger_token(ledger, word, &token, &err) >= 0);
    return token.spam + token.ham;
}

static void a_ledger_nobody_teaches_keeps_everything(void **state)
{
    struct ledger *ledger = open_ledger();
    learn_batch(ledger, 0, 900);
    uint64_t sum = sum_of(ledger);
    assert_int_equal(expire_all(ledger, 30, time(NULL) + 100 * DAY), 0);
    assert_int_equal(expire_all(ledger, 0, time(NULL) + 1000 * DAY), 0);
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

/* How many of the first fifty may be rehearsed. */
static unsigned old_rehearsed(const struct ledger *ledger)
{
    unsigned n = 0;
    for (uint64_t i = 0; i < 50; i++)
        n += may_be_rehearsed(ledger, i, class_of(i));
    return n;
}

/* The clock can't be moved, so the old messages say themselves that they are old, and enough new
 * ones are there; their tokens were seen today and stay. */
static void old_messages_are_settled(void **state)
{
    struct err err;
    struct ledger_taught taught;
    struct learn_source old = {.when = 1600000000};
    struct ledger *ledger = open_ledger();
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(learn_from(ledger, i, class_of(i), &old), LEARN_DONE);
    /* Those that the written weights don't have yet are left for another day. */
    learn_batch(ledger, 100, 4300);
    struct ledger_totals totals = ledger_totals(ledger);
    uint64_t words[WORDS];
    words_of(3, words);
    uint32_t before = count_of(ledger, words[0]);
    assert_true(old_rehearsed(ledger) > 0);
    assert_int_equal(expire_all(ledger, 100, time(NULL)), 0);
    assert_int_equal(ledger_totals(ledger).spam, totals.spam);
    assert_int_equal(ledger_totals(ledger).seeded_spam + ledger_totals(ledger).seeded_ham, 50);
    assert_int_equal(count_of(ledger, words[0]), before);
    assert_int_equal(ledger_taught(ledger, spread(3), &taught, &err), 1);
    assert_true(taught.settled);
    assert_int_equal(old_rehearsed(ledger), 0);
    assert_int_equal(learn(ledger, 3, class_of(3)), LEARN_KNOWN);
    assert_int_equal(learn(ledger, 3, other_class(3)), LEARN_FAILED);
    assert_int_equal(learn(ledger, 3, LEARN_FORGET), LEARN_FAILED);
    assert_int_equal(learn(ledger, 200, LEARN_FORGET), LEARN_DONE);
    uint64_t sum = sum_of(ledger);
    ledger_close(&ledger);
    ledger = open_ledger();
    assert_true(sum_of(ledger) == sum);
    ledger_close(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_message_says_who_taught_it),
        WITH_FOLDER(no_date_is_later_than_now),
        WITH_FOLDER(one_reporter_has_a_share),
        WITH_FOLDER(one_day_of_reports_has_a_share),
        WITH_FOLDER(one_campaign_has_a_share),
        WITH_FOLDER(counters_are_exact),
        WITH_FOLDER(a_capped_move_moves_nothing),
        WITH_FOLDER(one_in_ten_is_held_out),
        WITH_FOLDER(held_out_mail_is_forgotten_and_moved_too),
        WITH_FOLDER(the_oldest_held_out_leaves),
        WITH_FOLDER(a_ledger_nobody_teaches_keeps_everything),
        WITH_FOLDER(old_messages_are_settled),
    };
    return tap_run(tests, NULL, NULL);
}
