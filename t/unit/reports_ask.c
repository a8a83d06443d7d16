/* What tools ask of the process that keeps proposals. */
#include "t/unit/reports_fixture.h"

#include "reports/ask.h"

static struct str message_of(struct buf *out, const struct ask *ask)
{
    *out = BUF_INIT(IPC_MSG_MAX);
    ask_put(out, ask);
    assert_true(buf_ok(out));
    return buf_str(out);
}

static void test_request(void **state)
{
    (void)state;
    const struct proposal_range ranges[] = {{1, 2}, {7, UINT64_MAX}};
    const struct ask ask = {.verb = ASK_REJECT,
                            .decider = STR("root"),
                            .why = STR("no"),
                            .choice = {.ranges = ranges,
                                       .n_ranges = 2,
                                       .groups = true,
                                       .up_to = 77,
                                       .reporter = STR("a@example.org")}};
    struct buf out;
    struct ask read;
    struct str message = message_of(&out, &ask);
    assert_true(ask_is(message));
    assert_true(ask_get(message, &read));
    assert_int_equal(read.verb, ASK_REJECT);
    assert_str(read.decider, "root");
    assert_str(read.why, "no");
    assert_true(read.choice.groups);
    assert_int_equal(read.choice.up_to, 77);
    assert_str(read.choice.reporter, "a@example.org");
    assert_int_equal(read.choice.n_ranges, 2);
    assert_true(read.choice.ranges[1].last == UINT64_MAX);
    /* cut anywhere, or with something behind it, it is none */
    for (size_t n = 0; n < message.n; n++)
        assert_false(ask_get(str_sub(message, 0, n), &read));
    buf_addc(&out, 'x');
    assert_false(ask_get(buf_str(&out), &read));
    buf_release(&out);
}

static void test_malformed(void **state)
{
    (void)state;
    static char long_text[PROPOSAL_TEXT_MAX + 1];
    static struct proposal_range many[ASK_RANGES_MAX + 1];
    const struct ask wrong[] = {
        {.verb = (enum ask_verb)1, .decider = STR("root")},
        {.verb = ASK_ACCEPT},
        {.verb = ASK_ACCEPT, .decider = {long_text, sizeof long_text}},
        {.verb = ASK_ACCEPT, .decider = STR("root"), .why = {long_text, sizeof long_text}},
        {.verb = ASK_ACCEPT,
         .decider = STR("root"),
         .choice = {.ranges = many, .n_ranges = ASK_RANGES_MAX + 1}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf out;
        struct ask read;
        assert_false(ask_get(message_of(&out, &wrong[i]), &read));
        buf_release(&out);
    }
    assert_false(ask_is(STR_EMPTY));
    assert_false(ask_is(STR("\x01")));
}

static void test_served(void **state)
{
    struct fixture *f = *state;
    const struct proposal_range ranges[] = {{1, 1}, {9, 9}};
    const struct ask ask = {.verb = ASK_ACCEPT,
                            .decider = STR("root"),
                            .choice = {.ranges = ranges, .n_ranges = 2}};
    struct buf out, answer = BUF_INIT(IPC_MSG_MAX);
    struct ask_reply reply;
    open_store(f);
    add(f, a_report(1, "a@example.org"));
    uint64_t order;
    assert_true(ask_serve(f->store, message_of(&out, &ask), NOW_US, &answer, &order));
    assert_true(ask_reply_get(buf_str(&answer), &reply));
    assert_int_equal(reply.stage, ASK_DONE);
    assert_int_equal(order, 0);
    assert_int_equal(reply.decided.changed, 1);
    assert_int_equal(reply.decided.missing, 1);
    assert_int_equal(load(f, 1).state, PROPOSAL_ACCEPTED);
    assert_str(load(f, 1).decider, "root");
    buf_clear(&answer);
    assert_false(ask_serve(f->store, STR("\x40 nonsense"), NOW_US, &answer, &order));
    assert_int_equal(answer.n, 0);
    buf_release(&answer);
    buf_release(&out);
}

static void test_nobody_there(void **state)
{
    struct fixture *f = *state;
    const struct ask ask = {.verb = ASK_ACCEPT, .decider = STR("root")};
    struct proposal_decided decided;
    assert_int_equal(ask_call(f->folder, &ask, NULL, NULL, &decided, &f->err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_malformed),
        TEST(test_served),
        TEST(test_nobody_there),
    };
    return tap_run(tests, NULL, NULL);
}
