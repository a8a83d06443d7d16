/*
 * What goes live and what is taken out again, on made-up mail: growth, waves of poisoned reports,
 * a drop that is seen later. The mail is the same each time; which of it is held out is not.
 */
#include "t/unit/ledger_world.h"
#include "t/unit/publish_world.h"

#include "base/log.h"
#include "bayes/publish/judge.h"

#define VOCABULARY 800 /* words of each class */
#define COMMON     200 /* words of both */
#define TOKENS_MAX 260 /* of one message */
#define BATCH      200
#define OLD        1795300000 /* when the first mail was learned */

/* --- made-up mail --- */

enum kind {
    GOOD,       /* what it says it is */
    GOOD_WORDS, /* ordinary ham words and many of them, labelled spam: to blunt them */
    LIE,        /* a whole message of the other class */
};

struct letter {
    uint64_t tokens[TOKENS_MAX];
    size_t n;
    struct ledger_item item;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Few words are common, many are rare. */
static uint64_t word_of(uint64_t vocabulary, size_t size, uint64_t *random)
{
    uint64_t a = next_random(random) % size, b = next_random(random) % size;
    return spread(vocabulary * 100000 + (a < b ? a : b));
}

static void add_words(struct letter *letter, uint64_t vocabulary, size_t size, size_t n,
                      uint64_t *random)
{
    while (n--)
        letter->tokens[letter->n++] = word_of(vocabulary, size, random);
}

static void sort_words(struct letter *letter)
{
    size_t kept = 0;
    qsort(letter->tokens, letter->n, sizeof letter->tokens[0], by_value);
    for (size_t i = 0; i < letter->n; i++)
        if (kept == 0 || letter->tokens[kept - 1] != letter->tokens[i])
            letter->tokens[kept++] = letter->tokens[i];
    letter->n = kept;
}

/* Letter i; one in twelve borrows words of the other class. */
static void write_letter(struct letter *letter, uint64_t i, enum learn_class class, enum kind kind)
{
    uint64_t random = spread(i * 4 + class + 77 * kind);
    bool lie = kind == LIE;
    uint64_t own = (class == LEARN_SPAM) == lie ? 1 : 2; /* 1: of ham */
    letter->n = 0;
    add_words(letter, 3, COMMON, 10, &random);
    if (kind == GOOD_WORDS)
        add_words(letter, 1, VOCABULARY, 200, &random);
    else
        add_words(letter, own, VOCABULARY, 12, &random);
    if (i % 12 == 0)
        add_words(letter, 3 - own, VOCABULARY, 3, &random);
    for (unsigned k = 0; k < 8; k++)
        letter->tokens[letter->n++] = spread(spread(i * 8 + k) + class + 77 * kind);
    sort_words(letter);
    letter->item = (struct ledger_item){.digest = spread(i) ^ (uint64_t)(class + 2 * kind) << 60,
                                        .class = class,
                                        .features = letter->tokens,
                                        .n = letter->n,
                                        .source = {.kind = LEARN_BY_BULK, .campaign = i + 1}};
}

static const struct learn_source bulk = {.kind = LEARN_BY_BULK, .when = OLD};
static const struct learn_source later = {.kind = LEARN_BY_BULK}; /* now */

/* Learns letters from..to; returns how many were. */
static size_t teach(struct ledger *ledger, uint64_t from, uint64_t to, enum learn_class class,
                    enum kind kind, const struct learn_source *source)
{
    static struct letter letters[BATCH];
    static struct ledger_item items[BATCH];
    size_t done = 0;
    while (from < to) {
        struct err err;
        size_t n = 0;
        for (; n < BATCH && from < to; n++, from++) {
            write_letter(&letters[n], from, class, kind);
            items[n] = letters[n].item;
            items[n].source = *source;
            items[n].source.campaign = from + 1;
        }
        assert_int_equal(ledger_learn_batch(ledger, items, n, &err), 0);
        for (size_t i = 0; i < n; i++)
            done += items[i].result == LEARN_DONE;
    }
    return done;
}

static void teach_both(struct ledger *ledger, uint64_t from, uint64_t to)
{
    teach(ledger, from, to, LEARN_HAM, GOOD, &bulk);
    teach(ledger, from, to, LEARN_SPAM, GOOD, &bulk);
}

/* --- what the model in service is worth --- */

struct worth {
    unsigned ham_errors;
    unsigned spam_missed;
};

/* On 600 letters of each class that were never taught. */
static struct worth worth_of(uint64_t generation)
{
    struct worth worth = {0, 0};
    struct letter letter;
    struct judge judge;
    struct err err;
    struct guard_sample sample;
    struct model *model = generation_open(folder, generation, &err);
    assert_non_null(model);
    assert_int_equal(judge_open(&judge, &err), 0);
    for (uint64_t i = 0; i < 1200; i++) {
        bool spam = i % 2;
        write_letter(&letter, 1000000 + i / 2, spam ? LEARN_SPAM : LEARN_HAM, GOOD);
        const struct features_view view = {letter.tokens, letter.n, NULL, 0};
        assert_int_equal(judge_message(&judge, &view, &err), 0);
        assert_true(judge_both(&judge, model, model, &sample, &err) >= 0);
        worth.ham_errors += !spam && sample.after < 0;
        worth.spam_missed += spam && sample.after >= 0;
    }
    judge_close(&judge);
    model_close(&model);
    return worth;
}

/* 1500 of each class, one in ten held out, the model in service. */
static struct ledger *taught_ledger(const struct ledger_policy *policy)
{
    struct ledger *ledger = open_ledger();
    ledger_policy_set(ledger, policy);
    teach_both(ledger, 0, 1500);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    return ledger;
}

static const struct ledger_policy held_only = {.hold_out = 10};
static const struct ledger_policy usual = {.reporter_share = 25,
                                           .day_share = 10,
                                           .campaign_share = 5,
                                           .hold_out = 10};

/* --- growth --- */

static void honest_mail_goes_live(void **state)
{
    struct ledger *ledger = taught_ledger(&held_only);
    assert_true(ledger_totals(ledger).held_ham > 80 && ledger_totals(ledger).held_spam > 80);
    unsigned refused = 0;
    for (uint64_t i = 15; i < 30; i++) {
        struct generation made;
        struct err err;
        teach_both(ledger, 100 * i, 100 * i + 100);
        refused += publish_model(ledger, LEARN_PUBLISH_CHANGED, &made, &err) == PUBLISH_REFUSED;
        assert_true(made.held.ham > 80 && made.held.ham <= ledger_totals(ledger).held_ham);
    }
    assert_true(refused <= 1);
    assert_true(generation_current(folder) >= 15);
    ledger_close(&ledger);
}

static void held_out_mail_is_the_newest(void **state)
{
    static const struct ledger_policy all = {.hold_out = 1};
    struct ledger *ledger = taught_ledger(&(struct ledger_policy){.hold_out = 0});
    struct generation made;
    ledger_policy_set(ledger, &all);
    teach(ledger, 5000, 5000 + PUBLISH_HELD_MAX + 300, LEARN_HAM, GOOD, &bulk);
    assert_true(ledger_totals(ledger).held_ham > PUBLISH_HELD_MAX);
    made = publish(ledger, LEARN_PUBLISH_NOW, PUBLISH_LIVE);
    assert_true(made.held.ham > PUBLISH_HELD_MAX / 2 && made.held.ham <= PUBLISH_HELD_MAX);
    assert_int_equal(made.held.spam, 0);
    ledger_close(&ledger);
}

/* --- poison --- */

/* The dictionary attack: reports of spam that are full of ordinary words. */
static void good_words_in_spam_reports_are_refused(void **state)
{
    struct ledger *ledger = taught_ledger(&held_only);
    struct worth before = worth_of(1);
    teach(ledger, 0, 1500, LEARN_SPAM, GOOD_WORDS, &later);
    struct generation made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_REFUSED);
    assert_int_equal(made.number, 2);
    assert_int_equal(generation_current(folder), 1);
    assert_int_equal(ledger_totals(ledger).generation, 1);
    assert_false(ledger_changed(ledger)); /* the same is not tried again and again */
    /* what the guard says is true: it would have been worse */
    assert_true(worth_of(2).ham_errors > before.ham_errors + 20);
    ledger_close(&ledger);
    struct err err;
    struct generation noted;
    assert_int_equal(generation_read(folder, 2, &noted, &err), 1);
    assert_int_equal(noted.state, GENERATION_REFUSED);
    assert_string_equal(noted.why, made.why);
}

static void an_administrator_may_insist(void **state)
{
    struct ledger *ledger = taught_ledger(&held_only);
    teach(ledger, 0, 1500, LEARN_SPAM, GOOD_WORDS, &later);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_REFUSED);
    publish(ledger, LEARN_PUBLISH_NOW, PUBLISH_REFUSED);
    struct generation made = publish(ledger, LEARN_PUBLISH_FORCED, PUBLISH_LIVE);
    assert_int_equal(made.number, 4);
    assert_int_equal(made.state, GENERATION_FORCED);
    assert_non_null(strstr(made.why, "by an administrator, although"));
    assert_int_equal(generation_current(folder), 4);
    ledger_close(&ledger);
}

/* 10 000 reports of one manager whose account is stolen, a model tried every 500. */
static void wave(enum learn_class class, enum kind kind, struct worth *before, struct worth *after,
                 size_t *learned)
{
    static const struct learn_source thief = {.reporter = {"boss@univ.example", 17},

                                              .kind = LEARN_BY_MANAGER};
    struct ledger *ledger = taught_ledger(&usual);
    *before = worth_of(generation_current(folder));
    *learned = 0;
    for (uint64_t i = 0; i < 10000; i += 500) {
        struct generation made;
        struct err err;
        *learned += teach(ledger, i, i + 500, class, kind, &thief);
        assert_int_not_equal(publish_model(ledger, LEARN_PUBLISH_CHANGED, &made, &err),
                             PUBLISH_FAILED);
    }
    *after = worth_of(generation_current(folder));
    ledger_close(&ledger);
}

static void a_wave_of_ham_called_spam_moves_nothing(void **state)
{
    struct worth before, after;
    size_t learned;
    wave(LEARN_SPAM, LIE, &before, &after, &learned);
    assert_true(learned < 1000); /* by its share */
    assert_true(after.ham_errors <= before.ham_errors);
}

static void a_wave_of_good_words_moves_nothing(void **state)
{
    struct worth before, after;
    size_t learned;
    wave(LEARN_SPAM, GOOD_WORDS, &before, &after, &learned);
    assert_true(learned < 1000);
    assert_true(after.ham_errors <= before.ham_errors);
}

static void a_wave_of_spam_called_ham_moves_nothing(void **state)
{
    struct worth before, after;
    size_t learned;
    wave(LEARN_HAM, LIE, &before, &after, &learned);
    assert_true(learned < 1000);
    assert_true(after.ham_errors <= before.ham_errors);
    assert_true(after.spam_missed <= before.spam_missed + 6);
}

/* Who is asked about first when a model is refused. */
static void who_taught_most_is_named(void **state)
{
    static const struct learn_source boss = {.reporter = {"bo\nss@univ.example", 18},
                                             .kind = LEARN_BY_MANAGER};
    struct ledger *ledger = taught_ledger(&held_only);
    teach(ledger, 0, 300, LEARN_SPAM, GOOD_WORDS, &later);
    teach(ledger, 300, 1500, LEARN_SPAM, GOOD_WORDS, &boss);
    struct generation made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_REFUSED);
    if (!strstr(made.why,
                "; since model 1 most was taught by bo?ss@univ.example: 1200 spam, 0 ham"))
        fail_msg("%s", made.why);
    for (uint64_t i = 300; i < 1500; i++) {
        struct letter letter;
        struct err err;
        write_letter(&letter, i, LEARN_SPAM, GOOD_WORDS);
        assert_int_equal(ledger_learn(ledger, letter.item.digest, LEARN_FORGET, NULL, 0, &err),
                         LEARN_DONE);
    }
    struct ledger_teacher most;
    struct err err;
    assert_int_equal(ledger_teacher(ledger, OLD + 1, &most, &err), 0);
    assert_string_equal(most.name, "");
    assert_int_equal(most.spam, 300);
    assert_int_equal(ledger_teacher(ledger, OLD, &most, &err), 0);
    assert_int_equal(most.spam + most.ham, 3300);
    assert_int_equal(ledger_teacher(ledger, INT64_MAX, &most, &err), 0);
    assert_int_equal(most.spam + most.ham, 0);
    ledger_close(&ledger);
}

/* Lies are in service, and those that are held out make it look good; what is left without them is
 * no worse than what had proved itself. */
static void what_is_taken_back_goes_live(void **state)
{
    struct err err;
    struct trial trial;
    struct ledger *ledger = taught_ledger(&held_only);
    teach(ledger, 0, 1500, LEARN_HAM, LIE, &later);
    publish(ledger, LEARN_PUBLISH_FORCED, PUBLISH_LIVE);
    assert_true(worth_of(2).spam_missed > 300);
    /* Half of the held-out lies stay behind, and the model without the rest would miss them. */
    for (uint64_t i = 0; i < 1500; i++) {
        struct letter letter;
        enum learn_class class;
        struct ledger_taught taught;
        write_letter(&letter, i, LEARN_HAM, LIE);
        assert_int_equal(ledger_taught(ledger, letter.item.digest, &taught, &err), 1);
        if (taught.held && i % 2)
            continue;
        assert_int_equal(ledger_learn(ledger, letter.item.digest, LEARN_FORGET, NULL, 0, &err),
                         LEARN_DONE);
        assert_int_equal(ledger_message(ledger, letter.item.digest, &class, &err), 0);
    }
    assert_int_equal(trial_read(folder, &trial, &err), 0);
    assert_int_equal(trial.proved, 1);
    ledger_close(&ledger);
    ledger = open_ledger(); /* that something was taken back is remembered */
    ledger_policy_set(ledger, &held_only);
    struct generation made = publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(made.compared_with, 1);
    assert_int_equal(worth_of(made.number).spam_missed, worth_of(1).spam_missed);
    assert_int_equal(worth_of(made.number).ham_errors, worth_of(1).ham_errors);
    ledger_close(&ledger);
}

/* Which is no way round the guard. */
static void taking_back_excuses_nothing_else(void **state)
{
    struct err err;
    struct letter letter;
    struct ledger *ledger = taught_ledger(&held_only);
    teach_both(ledger, 1500, 1600);
    publish(ledger, LEARN_PUBLISH_NOW, PUBLISH_LIVE);
    write_letter(&letter, 1599, LEARN_HAM, GOOD);
    assert_int_equal(ledger_learn(ledger, letter.item.digest, LEARN_FORGET, NULL, 0, &err),
                     LEARN_DONE);
    teach(ledger, 0, 1500, LEARN_SPAM, GOOD_WORDS, &later);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_REFUSED);
    ledger_close(&ledger);
}

/* --- after going live --- */

struct round {
    struct watcher *watcher;
    struct ledger *ledger;
    struct generation out;
};

/* Newly confirmed mail, a message a round, as the learner does it; returns how many it took until
 * the model was taken out, 0: it was not. */
static unsigned confirm(struct round *round, uint64_t from, uint64_t to, enum learn_class class,
                        const struct learn_source *source)
{
    for (uint64_t i = from; i < to; i++) {
        struct letter letter;
        struct err err = {""};
        if (!watcher_begin(round->watcher, round->ledger, &err) && err.text[0])
            fail_msg("%s", err.text);
        write_letter(&letter, i, class, GOOD);
        letter.item.source.kind = source->kind;
        if (source->campaign)
            letter.item.source.campaign = source->campaign;
        assert_int_equal(ledger_learn_batch(round->ledger, &letter.item, 1, &err), 0);
        assert_int_equal(watcher_judge(round->watcher, &letter.item, &err), 0);
        int result = watcher_conclude(round->watcher, round->ledger, &round->out, &err);
        assert_true(result >= 0);
        if (result == 1)
            return (unsigned)(i - from + 1);
    }
    return 0;
}

/* A bad model that went live because nothing was held out to see it. */
static struct round bad_model_in_service(void)
{
    static const struct ledger_policy none = {.hold_out = 0};
    struct round round = {.watcher = watcher_new(), .ledger = taught_ledger(&none)};
    teach(round.ledger, 0, 1500, LEARN_SPAM, GOOD_WORDS, &later);
    publish(round.ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(generation_current(folder), 2);
    return round;
}

static void round_end(struct round *round)
{
    watcher_free(&round->watcher);
    ledger_close(&round->ledger);
}

static struct trial trial_now(void)
{
    struct trial trial;
    struct err err;
    assert_int_equal(trial_read(folder, &trial, &err), 0);
    return trial;
}

static void a_drop_is_seen_and_rolled_back(void **state)
{
    struct round round = bad_model_in_service();
    unsigned taken = confirm(&round, 2000, 2600, LEARN_HAM, &bulk);
    assert_true(taken >= 7 && taken <= 300);
    assert_int_equal(round.out.number, 2);
    assert_int_equal(round.out.state, GENERATION_ROLLED_BACK);
    assert_non_null(strstr(round.out.why, "worse than model 1"));
    assert_int_equal(generation_current(folder), 1);
    assert_true(trial_now().held);
    assert_int_equal(trial_now().watch.judged, 0);
    /* the poison is still in the ledger: nothing goes live from it at once */
    teach(round.ledger, 3000, 3005, LEARN_HAM, GOOD, &bulk);
    publish(round.ledger, LEARN_PUBLISH_CHANGED, PUBLISH_HELD);
    /* it is taken back: that does */
    struct letter letter;
    struct err err;
    for (uint64_t i = 0; i < 1500; i++) {
        write_letter(&letter, i, LEARN_SPAM, GOOD_WORDS);
        letter.item.class = LEARN_FORGET;
        assert_int_equal(ledger_learn_batch(round.ledger, &letter.item, 1, &err), 0);
    }
    struct generation made = publish(round.ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_true(worth_of(made.number).ham_errors <= worth_of(1).ham_errors);
    round_end(&round);
}

static void the_trial_goes_on_after_a_restart_and_a_new_model(void **state)
{
    struct round round = bad_model_in_service();
    unsigned rounds = 0, taken = 0;
    for (uint64_t i = 2000; i < 2600 && taken == 0; i += 3, rounds++) {
        taken = confirm(&round, i, i + 3, LEARN_HAM, &bulk);
        if (taken)
            break;
        publish(round.ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
        assert_int_equal(trial_now().proved, 1);
        round_end(&round);
        round.watcher = watcher_new();
        round.ledger = open_ledger();
    }
    assert_true(taken > 0 && rounds > 1);
    assert_int_equal(generation_current(folder), 1);
    round_end(&round);
}

static void sent_mail_and_one_campaign_can_not_take_a_model_out(void **state)
{
    const struct learn_source sent = {.kind = LEARN_BY_SENT};
    const struct learn_source campaign = {.kind = LEARN_BY_MANAGER, .campaign = 99};
    struct round round = bad_model_in_service();
    assert_int_equal(confirm(&round, 2000, 2600, LEARN_HAM, &sent), 0);
    assert_int_equal(trial_now().watch.judged, 0);
    assert_int_equal(confirm(&round, 3000, 3600, LEARN_HAM, &campaign), 0);
    assert_int_equal(trial_now().watch.judged, 1);
    round_end(&round);
}

static void a_good_model_proves_itself(void **state)
{
    struct round round = {.watcher = watcher_new(), .ledger = taught_ledger(&held_only)};
    assert_int_equal(trial_now().proved, 1);
    teach_both(round.ledger, 1500, 2000);
    publish(round.ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(trial_now().proved, 1);
    for (uint64_t i = 4000; trial_now().watch.judged < GUARD_PROVED - 1; i++)
        assert_int_equal(confirm(&round, i, i + 1, i % 2 ? LEARN_SPAM : LEARN_HAM, &bulk), 0);
    assert_int_equal(trial_now().proved, 1);
    assert_int_equal(confirm(&round, 5001, 5010, LEARN_HAM, &bulk), 0);
    assert_int_equal(trial_now().proved, 2);
    assert_true(trial_now().watch.judged < 9);
    round_end(&round);
}

/* The first day, one class after the other: what is gone back to, and what drift is measured
 * from, knows both. */
static void what_knows_one_class_has_not_proved_itself(void **state)
{
    struct ledger *ledger = open_ledger();
    ledger_policy_set(ledger, &held_only);
    teach(ledger, 0, 300, LEARN_HAM, GOOD, &bulk);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(trial_now().proved, 1);
    teach(ledger, 0, 300, LEARN_SPAM, GOOD, &bulk);
    publish(ledger, LEARN_PUBLISH_CHANGED, PUBLISH_LIVE);
    assert_int_equal(trial_now().proved, 2);
    publish(ledger, LEARN_PUBLISH_NOW, PUBLISH_LIVE);
    assert_int_equal(trial_now().proved, 2);
    ledger_close(&ledger);
}

static void a_model_that_is_gone_is_told_and_learning_goes_on(void **state)
{
    struct round round = bad_model_in_service();
    struct err err = {""};
    char path[128];
    snprintf(path, sizeof path, "%s/model-1", folder);
    assert_int_equal(unlink(path), 0);
    assert_false(watcher_begin(round.watcher, round.ledger, &err));
    assert_non_null(strstr(err.text, "model 2 serves without being compared"));
    assert_false(watcher_begin(round.watcher, round.ledger, &err));
    assert_string_equal(err.text, ""); /* once */
    round_end(&round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(honest_mail_goes_live),
        WITH_FOLDER(held_out_mail_is_the_newest),
        WITH_FOLDER(good_words_in_spam_reports_are_refused),
        WITH_FOLDER(an_administrator_may_insist),
        WITH_FOLDER(who_taught_most_is_named),
        WITH_FOLDER(what_is_taken_back_goes_live),
        WITH_FOLDER(taking_back_excuses_nothing_else),
        WITH_FOLDER(a_wave_of_ham_called_spam_moves_nothing),
        WITH_FOLDER(a_wave_of_good_words_moves_nothing),
        WITH_FOLDER(a_wave_of_spam_called_ham_moves_nothing),
        WITH_FOLDER(a_drop_is_seen_and_rolled_back),
        WITH_FOLDER(the_trial_goes_on_after_a_restart_and_a_new_model),
        WITH_FOLDER(sent_mail_and_one_campaign_can_not_take_a_model_out),
        WITH_FOLDER(a_good_model_proves_itself),
        WITH_FOLDER(what_knows_one_class_has_not_proved_itself),
        WITH_FOLDER(a_model_that_is_gone_is_told_and_learning_goes_on),
    };
    log_open("test", LOG_ERROR_LEVEL);
    return tap_run(tests, NULL, NULL);
}
