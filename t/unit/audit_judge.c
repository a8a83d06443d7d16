#include "t/unit/tap.h"

#include <stdio.h>
#include <string.h>

#include "audit/judge.h"

#define HOUR_S 3600
#define NOW_S  ((int64_t)1792000000)
#define ID     "01K00000000000000000000001"

struct world {
    struct walk_message journal;
    struct walk_recipient recipients[8];
    struct walk_outcome outcomes[16];
    struct envelope file;
    struct spool_recipient in_file[8];
    struct audit_case c;
    struct audit_sums sums;
    char seen[16][160]; /* "kind recipient" */
    size_t n_seen;
    int bounce_exists;
};

static void on_found(void *data, const struct finding *finding)
{
    struct world *w = data;
    assert_str(finding->id, ID);
    assert_true(finding->found.n > 0);
    assert_true(strlen(finding_expected(finding->kind)) > 0);
    assert_true(strlen(finding_next(finding->kind)) > 0);
    snprintf(w->seen[w->n_seen++], sizeof w->seen[0], "%s%s%.*s", finding_name(finding->kind),
             finding->recipient.n ? " " : "", STR_ARG(finding->recipient));
}

static int exists(void *data, struct str id)
{
    const struct world *w = data;
    assert_true(id.n > 0);
    return w->bounce_exists;
}

static void begin(struct world *w)
{
    *w = (struct world){.bounce_exists = 1};
    w->journal = (struct walk_message){.id = STR(ID),
                                       .accepted = true,
                                       .sender = STR("from@a.example"),
                                       .told = true,
                                       .recipients = w->recipients,
                                       .outcomes = w->outcomes};
    w->file = (struct envelope){.id = STR(ID), .recipients = w->in_file};
    w->c = (struct audit_case){.id = STR(ID),
                               .journal = &w->journal,
                               .file_s = NOW_S,
                               .now_s = NOW_S,
                               .swept = STR("01J")};
}

static void accept(struct world *w, uint32_t n, const char *addresses)
{
    w->journal.n_accepted = n;
    w->journal.addresses = str_of(addresses);
}

static void state(struct world *w, uint32_t index, const char *address, enum recipient_state s)
{
    w->recipients[w->journal.n_recipients++] = (struct walk_recipient){.index = index,
                                                                       .address = str_of(address),
                                                                       .state = s,
                                                                       .time_us = 5};
}

static void outcome(struct world *w, uint32_t index, int64_t time_us, enum recipient_state s,
                    const char *relay, const char *detail)
{
    w->outcomes[w->journal.n_outcomes++] = (struct walk_outcome){.index = index,
                                                                 .time_us = time_us,
                                                                 .state = s,
                                                                 .relay = str_of(relay),
                                                                 .detail = str_of(detail)};
}

static void in_file(struct world *w, const char *address, enum recipient_state s)
{
    w->in_file[w->file.n_recipients++] =
        (struct spool_recipient){.address = str_of(address), .state = s};
    w->c.file = &w->file;
    w->c.in_queue = !w->c.in_quarantine;
}

/* What is found, in order, with ";" behind each. */
static void expect(struct world *w, const char *all)
{
    const struct audit_sink sink = {.found = on_found, .exists = exists, .data = w};
    struct audit_sums dry = {0};
    char text[1024] = "";
    unsigned n = audit_judge(&w->c, &sink, &w->sums);
    for (size_t i = 0; i < w->n_seen; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s;", w->seen[i]);
    assert_string_equal(text, all);
    assert_int_equal(n, w->n_seen);
    assert_int_equal(w->sums.findings, n);
    /* counted, nothing is told and the same comes out */
    const struct audit_sink counted = {.exists = exists, .data = w};
    assert_int_equal(audit_judge(&w->c, &counted, &dry), n);
    uint64_t all_classes = 0;
    for (int i = 0; i < AUDIT_CLASSES; i++)
        all_classes += w->sums.classes[i];
    assert_true(all_classes == w->sums.recipients);
}

static uint64_t in_class(const struct world *w, enum audit_class class)
{
    return w->sums.classes[class];
}

static void what_was_delivered_adds_up(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 2, "a@x.example\nb@x.example");
    state(&w, 0, "A@x.example", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "lmtp://192.0.2.1:24", "250 saved");
    state(&w, 1, "b@x.example", RCPT_REDIRECTED);
    outcome(&w, 1, 5, RCPT_REDIRECTED, "", "");
    expect(&w, "");
    assert_int_equal(in_class(&w, AUDIT_DELIVERED), 1);
    assert_int_equal(in_class(&w, AUDIT_REDIRECTED), 1);
}

static void each_end_has_its_class(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 5, "");
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_FAILED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000BBBB: 550 no");
    state(&w, 1, "b@x", RCPT_FAILED);
    outcome(&w, 1, 5, RCPT_FAILED, "r", RECIPIENT_NOT_TOLD "550 no");
    state(&w, 2, "c@x", RCPT_DELETED);
    outcome(&w, 2, 1, RCPT_HELD, "", "virus");
    outcome(&w, 2, 5, RCPT_DELETED, "", "by root");
    state(&w, 3, "d@x", RCPT_DELETED);
    outcome(&w, 3, 5, RCPT_DELETED, "", "expired: held as spam for longer than 30 days");
    /* delivered, and its sender told so */
    state(&w, 4, "e@x", RCPT_DELIVERED);
    outcome(&w, 4, 5, RCPT_DELIVERED, "r", "250 ok");
    outcome(&w, 4, 6, RCPT_DELIVERED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000CCCC: 250 ok");
    expect(&w, "");
    assert_int_equal(in_class(&w, AUDIT_BOUNCED), 1);
    assert_int_equal(in_class(&w, AUDIT_FAILED), 1);
    assert_int_equal(in_class(&w, AUDIT_DELETED), 1);
    assert_int_equal(in_class(&w, AUDIT_EXPIRED), 1);
    assert_int_equal(in_class(&w, AUDIT_DELIVERED), 1);
}

static void without_file_and_outcome_it_is_lost(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 2, "a@x.example\nb@x.example");
    w.journal.told = false;
    expect(&w, "lost a@x.example;lost b@x.example;");
    assert_int_equal(in_class(&w, AUDIT_LOST), 2);
    begin(&w);
    state(&w, 0, "a@x.example", RCPT_DEFERRED);
    expect(&w, "lost a@x.example;");
    begin(&w);
    expect(&w, "lost;");
    begin(&w);
    accept(&w, 1, "a@x.example");
    w.journal.accepted_held = true;
    expect(&w, "held_gone a@x.example;");
    begin(&w);
    state(&w, 0, "a@x.example", RCPT_HELD);
    expect(&w, "held_gone a@x.example;");
    begin(&w);
    state(&w, 0, "a@x.example", RCPT_RELEASED);
    expect(&w, "lost a@x.example;");
    /* of two, the copy is missing */
    begin(&w);
    accept(&w, 2, "a@x.example\nb@x.example");
    state(&w, 0, "a@x.example", RCPT_REDIRECTED);
    outcome(&w, 0, 5, RCPT_REDIRECTED, "", "");
    expect(&w, "lost b@x.example;");
}

static void what_lies_there_is_owed(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 2, "a@x.example\nb@x.example");
    w.journal.told = false;
    in_file(&w, "a@x.example", RCPT_OWED);
    in_file(&w, "b@x.example", RCPT_DELIVERED); /* the journal has not heard of it yet */
    expect(&w, "");
    assert_int_equal(in_class(&w, AUDIT_OWED), 1);
    assert_int_equal(in_class(&w, AUDIT_DELIVERED), 1);
    begin(&w);
    w.c.journal = NULL;
    in_file(&w, "a@x.example", RCPT_OWED);
    expect(&w, "");
    begin(&w);
    w.c.in_quarantine = true;
    w.journal.accepted_held = true;
    state(&w, 0, "a@x.example", RCPT_HELD);
    in_file(&w, "a@x.example", RCPT_OWED);
    expect(&w, "");
    assert_int_equal(in_class(&w, AUDIT_HELD), 1);
}

static void what_is_settled_is_not_owed_again(void **unused)
{
    struct world w;
    begin(&w);
    state(&w, 0, "a@x.example", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    in_file(&w, "a@x.example", RCPT_OWED);
    expect(&w, "owes_again a@x.example;");
    /* unless somebody has released it since */
    begin(&w);
    state(&w, 0, "a@x.example", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    outcome(&w, 0, 9, RCPT_RELEASED, "", "by root");
    in_file(&w, "a@x.example", RCPT_RELEASED);
    expect(&w, "");
}

static void settled_files_go(void **unused)
{
    struct world w;
    begin(&w);
    in_file(&w, "a@x.example", RCPT_DELIVERED);
    w.c.file_s = NOW_S - HOUR_S / 2;
    expect(&w, "");
    begin(&w);
    in_file(&w, "a@x.example", RCPT_DELIVERED);
    w.c.file_s = NOW_S - 2 * HOUR_S;
    expect(&w, "left_over;");
    begin(&w);
    in_file(&w, "a@x.example", RCPT_DEFERRED);
    w.c.file_s = NOW_S - 2 * HOUR_S;
    expect(&w, "");
}

static void the_file_is_that_message(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 2, "a@x.example\nb@x.example");
    in_file(&w, "a@x.example", RCPT_OWED);
    expect(&w, "differs b@x.example;");
    begin(&w);
    accept(&w, 1, "a@x.example");
    in_file(&w, "other@x.example", RCPT_OWED);
    expect(&w, "differs other@x.example;");
    begin(&w);
    accept(&w, 1, "a@x.example");
    state(&w, 0, "other@x.example", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    expect(&w, "differs other@x.example;");
    /* a copy that somebody asked for came later */
    begin(&w);
    accept(&w, 1, "a@x.example");
    in_file(&w, "a@x.example", RCPT_HELD);
    in_file(&w, "copy@x.example", RCPT_RELEASED);
    expect(&w, "");
}

static void outcomes_exclude_each_other(void **unused)
{
    struct world w;
    begin(&w);
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    outcome(&w, 0, 6, RCPT_FAILED, "r", RECIPIENT_NOT_TOLD "550 no");
    expect(&w, "contradiction a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    outcome(&w, 0, 6, RCPT_DELIVERED, "r", "250 ok");
    expect(&w, "twice a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "250 ok");
    outcome(&w, 0, 6, RCPT_RELEASED, "", "by root");
    outcome(&w, 0, 7, RCPT_DELIVERED, "r", "250 ok");
    expect(&w, "");
    begin(&w);
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_FAILED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000BBBB: no");
    outcome(&w, 0, 6, RCPT_FAILED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000CCCC: no");
    expect(&w, "told_twice a@x;");
}

static void an_outcome_says_how(void **unused)
{
    struct world w;
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELIVERED);
    expect(&w, "no_record a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "r", "");
    expect(&w, "no_answer a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELIVERED);
    outcome(&w, 0, 5, RCPT_DELIVERED, "", "250 ok");
    expect(&w, "no_answer a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_DELETED);
    outcome(&w, 0, 5, RCPT_DELETED, "", "");
    expect(&w, "by_nobody a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_FAILED, "r", "550 no");
    expect(&w, "untold a@x;");
    begin(&w);
    state(&w, 0, "a@x", RCPT_REDIRECTED);
    outcome(&w, 0, 5, RCPT_REDIRECTED, "", "");
    expect(&w, "no_copy;");
}

static void the_bounce_is_somewhere(void **unused)
{
    struct world w;
    begin(&w);
    w.bounce_exists = 0;
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_FAILED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000BBBB: no");
    expect(&w, "bounce_gone a@x;");
    /* or was forgotten */
    w.n_seen = 0;
    w.sums = (struct audit_sums){0};
    w.c.swept = STR("01K1");
    expect(&w, "");
    begin(&w);
    w.bounce_exists = -1;
    state(&w, 0, "a@x", RCPT_FAILED);
    outcome(&w, 0, 5, RCPT_FAILED, "r", RECIPIENT_TOLD_BY "01K0000000000000000000BBBB: no");
    expect(&w, "");
    assert_true(w.sums.failed);
}

static void files_that_are_not_as_they_should_be(void **unused)
{
    struct world w;
    begin(&w);
    accept(&w, 1, "a@x");
    w.c.in_corrupt = true;
    expect(&w, "set_aside;");
    assert_int_equal(in_class(&w, AUDIT_ASIDE), 1);
    begin(&w);
    accept(&w, 1, "a@x");
    w.c.in_queue = true;
    w.c.unreadable = true;
    w.c.why = "no rights";
    expect(&w, "unreadable;");
    assert_int_equal(in_class(&w, AUDIT_OWED), 1);
    begin(&w);
    accept(&w, 1, "a@x");
    in_file(&w, "a@x", RCPT_OWED);
    w.c.in_quarantine = true;
    expect(&w, "two_files;");
}

/* Neither files nor outcomes were read. */
static void quick_looks_at_less(void **unused)
{
    struct world w;
    begin(&w);
    w.c.quick = true;
    w.c.in_queue = true;
    accept(&w, 1, "a@x");
    expect(&w, "");
    assert_int_equal(in_class(&w, AUDIT_OWED), 1);
    begin(&w);
    w.c.quick = true;
    state(&w, 0, "a@x", RCPT_DELIVERED);
    expect(&w, "");
    begin(&w);
    w.c.quick = true;
    accept(&w, 1, "a@x");
    expect(&w, "lost a@x;");
    /* the copy may be in the file, and not tried yet */
    begin(&w);
    w.c.quick = true;
    w.c.in_queue = true;
    state(&w, 0, "a@x", RCPT_REDIRECTED);
    expect(&w, "");
}

/* Nothing in the journal makes it count without end. */
static void absurd_numbers_are_bounded(void **unused)
{
    struct world w;
    const struct audit_sink sink = {.exists = exists, .data = &w};
    begin(&w);
    accept(&w, UINT32_MAX, "a@x");
    state(&w, UINT32_MAX, "z@x", RCPT_DELIVERED);
    assert_int_equal(audit_judge(&w.c, &sink, &w.sums), AUDIT_RECIPIENTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_delivered_adds_up),
        cmocka_unit_test(each_end_has_its_class),
        cmocka_unit_test(without_file_and_outcome_it_is_lost),
        cmocka_unit_test(what_lies_there_is_owed),
        cmocka_unit_test(what_is_settled_is_not_owed_again),
        cmocka_unit_test(settled_files_go),
        cmocka_unit_test(the_file_is_that_message),
        cmocka_unit_test(outcomes_exclude_each_other),
        cmocka_unit_test(an_outcome_says_how),
        cmocka_unit_test(the_bounce_is_somewhere),
        cmocka_unit_test(files_that_are_not_as_they_should_be),
        cmocka_unit_test(quick_looks_at_less),
        cmocka_unit_test(absurd_numbers_are_bounded),
    };
    return tap_run(tests, NULL, NULL);
}
