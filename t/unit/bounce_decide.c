/* Who is told of what can't be delivered, in which language, and what its reason says. */
#include "t/unit/tap.h"

#include "bounce/decide.h"
#include "bounce/language.h"
#include "bounce/reason.h"

static const char settings[] = "hostname = mx.ours.example\n"
                               "spam { reports = report@ours.example }\n"
                               "gate { inside = { 10.0.0.0/8 } }\n"
                               "bounces { language = de }\n"
                               "domain ours.example { next_hop = \"lmtp://127.0.0.1:24\" }\n"
                               "domain fr.example { next_hop = \"lmtp://127.0.0.1:24\"; language = "
                               "fr }\n";

static int set_up(void **state)
{
    struct err err;
    *state = conf_parse(str_of(settings), "test", &err);
    if (*state == NULL)
        print_message("# %s\n", err.text);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct conf *conf = *state;
    conf_free(&conf);
    return 0;
}

#define FIELDS "Delivered-To: last@ours.example\r\nDelivered-To: first@ours.example\r\n"
#define SRS    "SRS0=abcdef=aa=shop.example=news@ours.example"

struct question {
    const char *name;
    bool ours;
    const char *sender, *recipient, *own_sender, *fields, *verdict;
    bool proved, released;
    const char *told, *person;
};

static struct spool_recipient recipient_of(const struct question *q)
{
    return (struct spool_recipient){.address = str_of(q->recipient),
                                    .sender = str_of(q->own_sender),
                                    .fields = str_of(q->fields),
                                    .released_us = q->released};
}

static enum bounce_answer decide(const struct conf *conf, enum bounce_event event,
                                 const struct question *q, unsigned notify, struct bounce_to *to)
{
    struct spool_recipient r = recipient_of(q);
    r.notify = notify;
    const struct envelope e = {.sender = str_of(q->sender),
                               .recipients = &r,
                               .n_recipients = 1,
                               .verdict = str_of(q->verdict),
                               .proved = q->proved};
    return bounce_decide(conf, q->ours, event, &e, &r, STR("550 5.1.1 no"), to);
}

static void ask(const struct conf *conf, enum bounce_event event, const struct question *q,
                unsigned notify)
{
    struct bounce_to to;
    enum bounce_answer answer = decide(conf, event, q, notify, &to);
    enum bounce_answer expected = q->told ? BOUNCE_TELL : BOUNCE_NOBODY;
    if (answer != expected)
        print_message("# %s\n", q->name);
    assert_int_equal(answer, expected);
    if (q->told) {
        assert_str(to.address, q->told);
        assert_str(to.person, q->person);
    }
    /* who may be told is not where he asked not to be; NOTIFY tells nobody else */
    assert_int_equal(decide(conf, event, q, DSN_NEVER, &to),
                     q->told ? BOUNCE_UNWANTED : BOUNCE_NOBODY);
}

static const struct question failures[] = {
    {"the null sender", true, "", "a@b.example", "", "", "ham", true, false, NULL, ""},
    {"ours", true, "me@ours.example", "a@b.example", "", "", "ham", false, false, "me@ours.example",
     ""},
    {"… what is spam, too", true, "me@ours.example", "a@b.example", "", "", "spam", false, false,
     "me@ours.example", ""},
    {"… redirected", true, "me@ours.example", "a@b.example", "", FIELDS, "ham", false, false,
     "me@ours.example", "first@ours.example"},
    {"… under an address of others", true, "x@shop.example", "a@b.example", "", "", "ham", false,
     false, NULL, ""},
    {"… a report", true, "me@ours.example", "report@ours.example", "", "", "ham", false, false,
     NULL, ""},
    {"… what was held and released", true, "me@ours.example", "a@ours.example", "", "", "ham",
     false, true, NULL, ""},
    {"others to a mailbox", false, "x@shop.example", "a@ours.example", "", "", "ham", true, false,
     NULL, ""},
    {"… under an address of ours", false, "me@ours.example", "a@ours.example", "", "", "ham", true,
     false, NULL, ""},
    {"redirected under a fixed address", false, "x@shop.example", "a@b.example",
     "forward@ours.example", FIELDS, "ham", false, false, "forward@ours.example", ""},
    {"redirected by SRS, proved", false, "news@shop.example", "a@b.example", SRS, FIELDS, "ham",
     true, false, "news@shop.example", "first@ours.example"},
    {"… not proved", false, "news@shop.example", "a@b.example", SRS, FIELDS, "ham", false, false,
     NULL, ""},
    {"… spam", false, "news@shop.example", "a@b.example", SRS, FIELDS, "spam", true, false, NULL,
     ""},
    {"ours from others, redirected", false, "me@ours.example", "a@b.example", "", FIELDS, "ham",
     false, false, NULL, ""},
};

static const struct question delays[] = {
    {"the null sender", true, "", "a@b.example", "", "", "ham", true, false, NULL, ""},
    {"ours", true, "me@ours.example", "a@b.example", "", "", "ham", false, false, "me@ours.example",
     ""},
    {"… redirected", true, "me@ours.example", "a@b.example", "", FIELDS, "ham", false, false,
     "me@ours.example", "first@ours.example"},
    {"… what was released", true, "me@ours.example", "a@b.example", "", "", "ham", false, true,
     NULL, ""},
    {"others, proved", false, "x@shop.example", "a@ours.example", "", "", "ham", true, false, NULL,
     ""},
    {"redirected by SRS, proved", false, "news@shop.example", "a@b.example", SRS, FIELDS, "ham",
     true, false, NULL, ""},
    {"redirected under a fixed address", false, "x@shop.example", "a@b.example",
     "forward@ours.example", FIELDS, "ham", false, false, NULL, ""},
};

static const struct question successes[] = {
    {"the null sender", true, "", "a@b.example", "", "", "ham", true, false, NULL, ""},
    {"ours", true, "me@ours.example", "a@b.example", "", "", "spam", false, false,
     "me@ours.example", ""},
    {"… a report", true, "me@ours.example", "report@ours.example", "", "", "ham", false, false,
     NULL, ""},
    {"… what was released", true, "me@ours.example", "a@b.example", "", "", "ham", false, true,
     NULL, ""},
    {"others, proved", false, "x@shop.example", "a@ours.example", "", "", "ham", true, false,
     "x@shop.example", ""},
    {"… spam", false, "x@shop.example", "a@ours.example", "", "", "spam", true, false, NULL, ""},
    {"… not proved", false, "x@shop.example", "a@ours.example", "", "", "ham", false, false, NULL,
     ""},
    {"… where it was redirected to", false, "x@shop.example", "a@b.example", SRS, FIELDS, "ham",
     true, false, NULL, ""},
};

static void who_is_told(void **state)
{
    struct bounce_to to;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        ask(*state, BOUNCE_FAILURE, &failures[i], 0);
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
        ask(*state, BOUNCE_DELAY, &delays[i], 0);
    for (size_t i = 0; i < sizeof successes / sizeof successes[0]; i++) {
        ask(*state, BOUNCE_SUCCESS, &successes[i], DSN_SUCCESS);
        if (successes[i].told) /* nobody hears of it who did not ask */
            assert_int_equal(decide(*state, BOUNCE_SUCCESS, &successes[i], 0, &to),
                             BOUNCE_UNWANTED);
    }
    assert_int_equal(decide(*state, BOUNCE_FAILURE, &failures[1], DSN_SUCCESS | DSN_DELAY, &to),
                     BOUNCE_UNWANTED);
    assert_int_equal(decide(*state, BOUNCE_DELAY, &delays[1], DSN_FAILURE, &to), BOUNCE_UNWANTED);
    assert_int_equal(decide(*state, BOUNCE_DELAY, &delays[1], DSN_DELAY, &to), BOUNCE_TELL);
}

/* A bounce of ours that holds what had to go over TLS (RFC 8689 5); any other ends the story. */
static void what_can_not_go_over_tls(void **state)
{
    static const char unsafe[] = "5.7.30 REQUIRETLS: the next hop does not promise it";
    static const struct {
        const char *sender, *client, *how, *why;
        bool requiretls, released;
        enum bounce_event event;
        enum bounce_answer answer;
    } cases[] = {
        {"", "", BOUNCE_HOW "01ID", unsafe, true, false, BOUNCE_FAILURE, BOUNCE_TELL},
        {"", "", BOUNCE_HOW "01ID",
         REASON_EXPIRED "5 days" REASON_AT_LAST "4.7.30 REQUIRETLS: this connection is in clear",
         true, false, BOUNCE_FAILURE, BOUNCE_TELL},
        {"", "", BOUNCE_HOW "01ID", "550 5.1.1 no", true, false, BOUNCE_FAILURE, BOUNCE_NOBODY},
        {"", "", BOUNCE_HOW "01ID", unsafe, false, false, BOUNCE_FAILURE, BOUNCE_NOBODY},
        {"", "", BOUNCE_HOW "01ID", unsafe, true, true, BOUNCE_FAILURE, BOUNCE_NOBODY},
        {"", "", "redacted " BOUNCE_HOW "01ID", unsafe, true, false, BOUNCE_FAILURE, BOUNCE_NOBODY},
        {"", "", BOUNCE_HOW "01ID", unsafe, true, false, BOUNCE_DELAY, BOUNCE_NOBODY},
        {"", "192.0.2.1", BOUNCE_HOW "01ID", unsafe, true, false, BOUNCE_FAILURE, BOUNCE_NOBODY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct spool_recipient r = {.address = STR("x@shop.example"),
                                    .how = str_of(cases[i].how),
                                    .released_us = cases[i].released};
        const struct envelope e = {.sender = str_of(cases[i].sender),
                                   .client_ip = str_of(cases[i].client),
                                   .requiretls = cases[i].requiretls,
                                   .recipients = &r,
                                   .n_recipients = 1};
        struct bounce_to to;
        assert_int_equal(bounce_decide(*state, false, cases[i].event, &e, &r, str_of(cases[i].why),
                                       &to),
                         cases[i].answer);
        assert_int_equal(to.redacted, cases[i].answer == BOUNCE_TELL);
        if (to.redacted)
            assert_str(to.address, "x@shop.example");
    }
}

static void lists_of_languages(void **state)
{
    (void)state;
    assert_int_equal(language_of_list(STR("fr")), LANGUAGE_FR);
    assert_int_equal(language_of_list(STR("it, de-AT;q=0.7, en;q=0.3")), LANGUAGE_DE);
    assert_int_equal(language_of_list(STR("en; q=0.3 , FR-ch ;q=0.8")), LANGUAGE_FR);
    assert_int_equal(language_of_list(STR("en;q=0")), LANGUAGE_DEFAULT);
    assert_int_equal(language_of_list(STR("en;q=x, frr, *")), LANGUAGE_DEFAULT);
    assert_int_equal(language_of_list(STR_EMPTY), LANGUAGE_DEFAULT);
}

static enum conf_language asked(const struct conf *conf, const char *text, const char *to)
{
    struct pool *pool = pool_new(1024 * 1024);
    struct message *message = NULL;
    struct err err;
    assert_int_equal(message_parse(pool, str_of(text), &mail_limits_default, &message, &err), 0);
    enum conf_language language = language_for(conf, message, pool, str_of(to));
    pool_free(&pool);
    return language;
}

static void languages(void **state)
{
    assert_int_equal(asked(*state, "Subject: x\r\n\r\n", "a@elsewhere.example"), LANGUAGE_DE);
    assert_int_equal(asked(*state, "Subject: x\r\n\r\n", "a@fr.example"), LANGUAGE_FR);
    assert_int_equal(asked(*state, "Content-Language: en\r\n\r\n", "a@fr.example"), LANGUAGE_EN);
    assert_int_equal(asked(*state, "Content-Language: en\r\nAccept-Language: de\r\n\r\n",
                           "a@fr.example"),
                     LANGUAGE_DE);
    assert_int_equal(asked(*state, "Accept-Language: it\r\n\r\n", "a@ours.example"), LANGUAGE_DE);
}

static void reasons(void **state)
{
    static const struct {
        const char *detail, *status, *answer;
        enum reason_kind kind;
        bool of_server;
    } cases[] = {
        {"550 5.1.1 Never", "5.1.1", "550 5.1.1 Never", REASON_NO_MAILBOX, true},
        {"550 No", "5.0.0", "550 No", REASON_OTHER, true},
        {"550", "5.0.0", "550", REASON_OTHER, true},
        {"550 4.2.2 odd", "5.0.0", "550 4.2.2 odd", REASON_OTHER, true},
        {"5.1.10 takes no mail", "5.1.10", "5.1.10 takes no mail", REASON_NO_DOMAIN, false},
        {"552 5.2.2 full", "5.2.2", "552 5.2.2 full", REASON_FULL, true},
        {"554 5.7.26 no", "5.7.26", "554 5.7.26 no", REASON_POLICY, true},
        {"554 5.7.2666 no", "5.0.0", "554 5.7.2666 no", REASON_OTHER, true},
        {"5.7.30 REQUIRETLS: no", "5.7.30", "5.7.30 REQUIRETLS: no", REASON_NOT_SECURE, false},
        {REASON_EXPIRED "5 days" REASON_AT_LAST "4.7.30 in clear", "4.4.7", "4.7.30 in clear",
         REASON_NOT_SECURE, false},
        {"5.3.4 too large", "5.3.4", "5.3.4 too large", REASON_TOO_LARGE, false},
        {"5500 what", "5.0.0", "5500 what", REASON_OTHER, false},
        {"", "5.0.0", "", REASON_OTHER, false},
        {REASON_EXPIRED "5 days" REASON_AT_LAST "421 4.3.2 busy", "4.4.7", "421 4.3.2 busy",
         REASON_TOO_LATE, true},
        {REASON_EXPIRED "5 days" REASON_AT_LAST "connection refused", "4.4.7", "connection refused",
         REASON_TOO_LATE, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reason reason = reason_of(str_of(cases[i].detail));
        assert_string_equal(reason.status, cases[i].status);
        assert_str(reason.answer, cases[i].answer);
        assert_int_equal(reason.kind, cases[i].kind);
        assert_int_equal(reason.of_server, cases[i].of_server);
    }
}

static void servers(void **state)
{
    static const char *const cases[][2] = {
        {"mx.a.example [192.0.2.1]:25, TLSv1.3", "mx.a.example"},
        {"[192.0.2.1]:25", "[192.0.2.1]"},
        {"[2001:db8::1]:25", "[IPv6:2001:db8::1]"},
        {"lmtp://192.0.2.1:24", "[192.0.2.1]"},
        {"smtp://mx.b.example:25", "mx.b.example"},
        {"smtp://[2001:db8::1]:25, TLSv1.3", "[IPv6:2001:db8::1]"},
        {"lmtp:///run/socket", ""},
        {"by the settings", "by"},
        {"a\r\nX: y", ""},
        {"", ""},
    };
    char room[100];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_str(reason_server(str_of(cases[i][0]), room, sizeof room), cases[i][1]);
    assert_str(reason_server(STR("mx.a.example"), room, 5), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_told),
        cmocka_unit_test(what_can_not_go_over_tls),
        cmocka_unit_test(lists_of_languages),
        cmocka_unit_test(languages),
        cmocka_unit_test(reasons),
        cmocka_unit_test(servers),
    };
    return tap_run(tests, set_up, tear_down);
}
