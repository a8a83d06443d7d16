/* The daily digest, and what managers answer. */
#include "t/unit/reports_fixture.h"

#include <sys/stat.h>
#include <time.h>

#include "mail/utf8.h"
#include "reports/digest.h"
#include "reports/digest_record.h"
#include "reports/order.h"

#define SUBJECT "Re: 3 reported messages to decide [digest 0123456789ABCDEF]"

/* --- reading answers --- */

static struct digest_answer parsed(const char *text)
{
    struct digest_answer answer;
    digest_answer_parse(STR(SUBJECT), str_of(text), &answer);
    assert_string_equal(answer.token, "0123456789ABCDEF");
    return answer;
}

/* "a" for accepted, "r" for rejected, "-" else: the first ten numbers */
static void assert_words(const struct digest_answer *answer, const char *expected)
{
    char words[11] = "";
    for (size_t i = 0; i < 10; i++)
        words[i] = answer->words[i + 1] == DIGEST_ACCEPT   ? 'a'
                   : answer->words[i + 1] == DIGEST_REJECT ? 'r'
                                                           : '-';
    assert_string_equal(words, expected);
}

static void test_words(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"accept 3 5-9", "--a-aaaaa-"},
        {"Accept 3, 5-7\r\nREJECT 4\r\n", "--araaa---"},
        {"accepter 1 et 2\nrefuser 3", "aar-------"},
        {"Refusez : 1", "----------"}, /* a space before the colon: not understood, and told */
        {"refusez: 1", "r---------"},
        {"accept: 2;3 # 4", "-aaa------"},
        {"accept 5 - 6", "----aa----"},
        {"accept 5\xe2\x80\x93"
         "6.",
         "----aa----"},
        {"accept\xc2\xa0"
         "7",
         "------a---"},
        {"   accept 1", "a---------"},
        {"accept 1\naccept 1 2", "aa--------"},
        {"> accept 1", "----------"},
        {"| accept 1", "----------"},
        {"I accept 1", "----------"},
        {"accepted 1", "----------"},
        {"accept-1", "----------"},
        {"Please accept 1", "----------"},
        {"", "----------"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct digest_answer answer = parsed(cases[i].text);
        assert_words(&answer, cases[i].words);
    }
}

static void test_all(void **state)
{
    (void)state;
    struct digest_answer answer = parsed("accept all\n");
    assert_int_equal(answer.others, DIGEST_ACCEPT);
    assert_true(answer.any);
    answer = parsed("refuser tout\naccept 2");
    assert_int_equal(answer.others, DIGEST_REJECT);
    assert_words(&answer, "-a--------");
    answer = parsed("accept all\nreject all");
    assert_int_equal(answer.others, DIGEST_NOTHING);
    assert_false(answer.any);
    assert_int_equal(answer.n_mistakes, 1);
}

static void test_contradictions_do_nothing(void **state)
{
    (void)state;
    struct digest_answer answer = parsed("accept 1-3\nreject 2\n");
    assert_words(&answer, "a-a-------");
    assert_int_equal(answer.n_mistakes, 1);
    assert_non_null(strstr(answer.mistakes[0], "2 is both"));
    /* nor a third word, nor "all" */
    answer = parsed("accept 2\nreject 2\naccept 2\n");
    assert_words(&answer, "----------");
    answer = parsed("accept 2\nreject 2\naccept all\n");
    assert_int_equal(answer.words[2], DIGEST_LEFT);
    assert_int_equal(answer.others, DIGEST_ACCEPT);
}

static void test_mistakes_do_nothing(void **state)
{
    static const char *const lines[] = {
        "accept",
        "accept three",
        "accept 3 please",
        "accept 0",
        "accept 101",
        "accept 9-3",
        "accept 1-1000",
        "accept 1-",
        "accept 1 2 x",
        "accept -3",
        "accept 99999999999999999999999999",
        "accept 3\x01",
        "reject my apologies",
        "accept 1--3",
        "accept 1.5",
        "accept 1e3",
        "accept alla",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct digest_answer answer = parsed(lines[i]);
        assert_words(&answer, "----------");
        assert_false(answer.any);
        assert_int_equal(answer.n_mistakes, 1);
    }
}

static void test_mistakes_are_bounded_and_harmless(void **state)
{
    struct fixture *f = *state;
    f->buf.max = 1024 * 1024;
    for (unsigned i = 0; i < 5000; i++)
        buf_addf(&f->buf, "accept \x1b[31mééééééééééééééééééééééééééééééééééééééééééééééééééé %u\n",
                 i);
    buf_add(&f->buf, STR("accept 1\n"));
    struct digest_answer answer = parsed(buf_cstr(&f->buf));
    assert_int_equal(answer.n_mistakes, DIGEST_MISTAKES_MAX);
    assert_words(&answer, "----------"); /* that line is too far down */
    for (size_t i = 0; i < answer.n_mistakes; i++) {
        struct str line = str_of(answer.mistakes[i]);
        assert_int_equal(utf8_valid_end(line), line.n);
        assert_null(strchr(answer.mistakes[i], 0x1b));
    }
}

/* What stands in the quoted digest is no answer, whether its lines are marked as quoted or not. */
static void test_quoted_digest(void **state)
{
    static const char *const quotes[] = {
        "accept 1\n\n---- [digest 0123456789ABCDEF] answer above this line ----\naccept 2\n",
        "accept 1\n\n> ---- [digest 0123456789ABCDEF] answer above this line ----\naccept 2\n",
        "accept 1\n\nSubject: 3 to decide [digest 0123456789abcdef]\nreject all\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        struct digest_answer answer;
        digest_answer_parse(STR("Re: something"), str_of(quotes[i]), &answer);
        assert_string_equal(answer.token, "0123456789ABCDEF");
        assert_words(&answer, "a---------");
        assert_int_equal(answer.others, DIGEST_NOTHING);
    }
}

static void test_tokens(void **state)
{
    static const char *const none[] = {
        "[digest ]",
        "[digest 0123456789ABCDE]",
        "[digest 0123456789ABCDEFG]",
        "[digest 0123456789ABCDEI]",
        "[digest ../../../../../..]",
        "[digest 0123456789ABCDEF",
        "[digest",
    };
    (void)state;
    struct digest_answer answer;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        digest_answer_parse(str_of(none[i]), str_of(none[i]), &answer);
        assert_string_equal(answer.token, "");
    }
    digest_answer_parse(STR("[digest x] [DIGEST 0123456789abcdef]"), STR(""), &answer);
    assert_string_equal(answer.token, "0123456789ABCDEF");
    char one[DIGEST_TOKEN_LEN + 1], two[DIGEST_TOKEN_LEN + 1], read[DIGEST_TOKEN_LEN + 1];
    digest_token_make(one);
    digest_token_make(two);
    assert_string_not_equal(one, two);
    assert_true(digest_token_read(str_of(one), read));
    assert_string_equal(one, read);
}

/* --- making and answering --- */

static const struct digest_news no_news = {.hostname = {"mx.example.org", 14}};

static int make(struct fixture *f, const struct digest_news *news, int64_t now_us,
                char token[DIGEST_TOKEN_LEN + 1])
{
    struct buf subject = BUF_INIT(1000);
    struct digest_answer answer;
    buf_clear(&f->buf);
    int result = digest_make(f->store, news, now_us, &subject, &f->buf, &f->err);
    if (result < 0)
        fail_msg("%s", f->err.text);
    digest_answer_parse(buf_str(&subject), STR(""), &answer);
    memcpy(token, answer.token, sizeof answer.token);
    buf_release(&subject);
    return result;
}

static int reply_to(struct fixture *f, const char *token, const char *text, int64_t now_us)
{
    char subject[64];
    struct digest_answer answer;
    snprintf(subject, sizeof subject, "Re: [digest %s]", token);
    digest_answer_parse(str_of(subject), str_of(text), &answer);
    buf_clear(&f->buf);
    return digest_answer_apply(f->store, &answer, STR("boss@example.org"), now_us, &f->buf,
                               &f->err);
}

static bool told(struct fixture *f, const char *words)
{
    return strstr(buf_cstr(&f->buf), words) != NULL;
}

static void add_some(struct fixture *f)
{
    for (uint64_t i = 1; i <= 30; i++) {
        struct proposal p = a_report(i, i % 2 ? "a@example.org" : "b@example.org");
        p.campaign = 99;
        add(f, p);
    }
    struct proposal p = a_report(100, "c@example.org");
    p.direction = LEARN_HAM;
    p.identity = IDENTITY_ALTERED;
    p.subject =
        STR("accept all\naccept all \x1b[2J\xff and a very long subject, longer than any line "
            "of a mail that people read should ever be");
    add(f, p);
}

static void test_nothing_to_tell(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1];
    open_store(f);
    assert_int_equal(make(f, &no_news, NOW_US, token), 0);
    add(f, a_report(1, "a@example.org"));
    decide_one(f, false, 1);
    assert_int_equal(make(f, &no_news, NOW_US, token), 0);
    int64_t last;
    assert_int_equal(digest_last_us(f->store, &last, &f->err), 0);
    assert_int_equal(last, 0);
    const struct str guard[] = {STR("model 12 was refused: 3 ham errors more")};
    const struct str viruses[] = {STR("12 times infected: Eicar (clamav)")};
    const struct str full[] = {STR("jean@example.org: 3 turned away")};
    const struct str sources[] = {STR("ldap staff lost 9")};
    const struct str frozen[] = {STR("anne@uni.example since 2026-11-23 07:41: it sent a virus")};
    const struct digest_news frozen_alone = {.hostname = STR("mx"),
                                             .frozen = frozen,
                                             .n_frozen = 1};
    const struct str audit[] = {STR("lost 01K00000000000000000000001 <jean@uni.example>: no file")};
    const struct digest_news audit_alone = {.hostname = STR("mx"), .audit = audit, .n_audit = 1};
    const struct str kept[] = {
        STR("free@univ.example: 2 not redirected to me@gmail.com: gmail.com is "
            "a free mail service, and redirect_only_to of univ.example "
            "does not list it")};
    const struct digest_news news = {.hostname = STR("mx"),
                                     .guard = guard,
                                     .n_guard = 1,
                                     .viruses = viruses,
                                     .n_viruses = 1,
                                     .mailboxes = full,
                                     .n_mailboxes = 1,
                                     .redirections = kept,
                                     .n_redirections = 1,
                                     .sources = sources,
                                     .n_sources = 1,
                                     .frozen = frozen,
                                     .n_frozen = 1};
    assert_int_equal(make(f, &news, NOW_US, token), 1);
    assert_true(told(f, "model 12 was refused"));
    assert_true(told(f, "Infected mail:\n  - 12 times infected: Eicar (clamav)"));
    assert_true(told(f, "Full mailboxes:\n  - jean@example.org: 3 turned away"));
    assert_true(
        told(f, "Not redirected:\n"
                "  - free@univ.example: 2 not redirected to me@gmail.com: gmail.com is a free\n"
                "    mail service, and redirect_only_to of univ.example does not list it\n"));
    assert_true(told(f, "Who is a recipient (poterne directory):\n  - ldap staff lost 9"));
    assert_true(told(f, "Frozen accounts (poterne senders thaw ACCOUNT):\n"
                        "  - anne@uni.example since 2026-11-23 07:41: it sent a virus\n"));
    assert_true(told(f, "No report waits"));
    assert_int_equal(make(f, &frozen_alone, NOW_US, token), 1);
    assert_true(told(f, "Frozen accounts"));
    assert_int_equal(make(f, &audit_alone, NOW_US, token), 1);
    assert_true(told(f, "Mail that does not add up (poterne audit):\n"
                        "  - lost 01K00000000000000000000001 <jean@uni.example>: no file\n"));
}

static void test_digest_is_readable(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1];
    open_store(f);
    add_some(f);
    assert_int_equal(make(f, &no_news, NOW_US, token), 1);
    assert_true(told(f, "31 reported messages wait"));
    assert_true(told(f, "as spam: 30 near-identical messages of 1 sender, such"));
    assert_true(told(f, "as ham: from shop@shop.example"));
    assert_true(told(f, "altered"));
    assert_true(told(f, token));
    assert_null(strchr(buf_cstr(&f->buf), 0x1b));
    struct str rest = buf_str(&f->buf), line;
    assert_int_equal(utf8_valid_end(rest), rest.n);
    while (str_next_line(&rest, &line)) {
        size_t columns = 0;
        for (size_t i = 0; i < line.n; i++)
            columns += ((unsigned char)line.s[i] & 0xc0) != 0x80;
        assert_true(columns <= 78);
    }
    /* quoted without a sign of it, it says nothing by itself */
    struct digest_answer answer;
    digest_answer_parse(STR_EMPTY, buf_str(&f->buf), &answer);
    assert_string_equal(answer.token, token);
    assert_false(answer.any);
}

static void test_answer_is_done(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1];
    open_store(f);
    add_some(f);
    assert_int_equal(make(f, &no_news, NOW_US, token), 1);
    /* what comes into a group after the digest is not meant */
    struct proposal p = a_report(200, "a@example.org");
    p.campaign = 99;
    add(f, p);
    assert_int_equal(reply_to(f, token, "accept 1\nreject 2\naccept 7\n", NOW_US), 1);
    assert_true(told(f, "1  accepted: 30 messages"));
    assert_true(told(f, "2  rejected: 1 message\n"));
    assert_true(told(f, "7  does not exist"));
    assert_int_equal(load(f, 1).state, PROPOSAL_ACCEPTED);
    assert_int_equal(load(f, 30).state, PROPOSAL_ACCEPTED);
    assert_str(load(f, 30).decider, "boss@example.org");
    assert_int_equal(load(f, 31).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, 32).state, PROPOSAL_WAITING);
    /* said again, the other way round: what was decided stays */
    assert_int_equal(reply_to(f, token, "reject all", NOW_US), 1);
    assert_true(told(f, "1  was decided already"));
    assert_int_equal(load(f, 1).state, PROPOSAL_ACCEPTED);
    assert_int_equal(load(f, 32).state, PROPOSAL_WAITING);
}

static void test_answers_that_do_nothing(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1];
    open_store(f);
    add_some(f);
    assert_int_equal(make(f, &no_news, NOW_US, token), 1);
    assert_int_equal(reply_to(f, "", "accept all", NOW_US), 0);
    assert_true(told(f, "does not tell which digest"));
    assert_int_equal(reply_to(f, "0000000000000000", "accept all", NOW_US), 0);
    assert_true(told(f, "not known"));
    assert_int_equal(reply_to(f, token, "thank you", NOW_US), 0);
    assert_true(told(f, "no decision"));
    assert_int_equal(reply_to(f, token, "accept eins", NOW_US), 0);
    assert_true(told(f, "> accept eins"));
    assert_int_equal(reply_to(f, token, "accept all", NOW_US + 8 * DAY_US), 0);
    assert_true(told(f, "too old"));
    assert_int_equal(load(f, 1).state, PROPOSAL_WAITING);
}

static void test_old_digests_are_forgotten(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1], newer[DIGEST_TOKEN_LEN + 1];
    struct digest_record record;
    int64_t last;
    open_store(f);
    add_some(f);
    make(f, &no_news, NOW_US, token);
    make(f, &no_news, NOW_US + 5 * DAY_US, newer);
    assert_int_equal(digest_last_us(f->store, &last, &f->err), 0);
    assert_int_equal(last, NOW_US + 5 * DAY_US);
    assert_int_equal(digest_sweep(f->store, NOW_US + 9 * DAY_US, &f->err), 0);
    assert_int_equal(digest_record_read(f->store, token, &record, &f->err), 0);
    assert_int_equal(digest_record_read(f->store, newer, &record, &f->err), 1);
    /* a damaged one is an error, not an empty digest */
    char path[200];
    snprintf(path, sizeof path, "%s/digests/%s", f->folder, newer);
    assert_int_equal(truncate(path, 40), 0);
    assert_int_equal(reply_to(f, newer, "accept all", NOW_US + 6 * DAY_US), -1);
}

/* More groups than a digest names. */
static void test_many_groups(void **state)
{
    struct fixture *f = *state;
    char token[DIGEST_TOKEN_LEN + 1];
    open_store(f);
    for (uint64_t i = 1; i <= DIGEST_LINES_MAX + 20; i++)
        add(f, a_report(i, "a@example.org"));
    assert_int_equal(make(f, &no_news, NOW_US, token), 1);
    assert_true(told(f, "and 20 more"));
    /* some at once, the others ordered */
    assert_int_equal(reply_to(f, token, "reject all", NOW_US), 1);
    assert_int_equal(load(f, PROPOSALS_AT_ONCE).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, PROPOSALS_AT_ONCE + 1).state, PROPOSAL_WAITING);
    assert_int_equal(orders_finish(f->store, &f->err), 0);
    assert_int_equal(load(f, DIGEST_LINES_MAX).state, PROPOSAL_REJECTED);
    assert_int_equal(load(f, DIGEST_LINES_MAX + 1).state, PROPOSAL_WAITING);
}

/* --- when --- */

static int64_t at(int day, int hour)
{
    struct tm tm = {.tm_year = 126, .tm_mon = 9, .tm_mday = day, .tm_hour = hour, .tm_isdst = -1};
    return (int64_t)mktime(&tm) * SECOND_US;
}

static void test_when(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Paris", 1);
    tzset();
    assert_int_equal(digest_next_us(0, at(20, 5), 7), at(20, 7));
    assert_int_equal(digest_next_us(0, at(20, 9), 7), at(21, 7));
    assert_int_equal(digest_next_us(at(20, 7), at(20, 7), 7), at(21, 7));
    /* it was off yesterday: due since this morning */
    assert_int_equal(digest_next_us(at(19, 7), at(21, 9), 7), at(20, 7));
    /* the night of 25 October 2026 has an hour more */
    assert_int_equal(digest_next_us(at(24, 7), at(24, 7), 7), at(25, 7));
    assert_int_equal(at(25, 7) - at(24, 7), 25 * 3600 * SECOND_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_contradictions_do_nothing),
        cmocka_unit_test(test_mistakes_do_nothing),
        TEST(test_mistakes_are_bounded_and_harmless),
        cmocka_unit_test(test_quoted_digest),
        cmocka_unit_test(test_tokens),
        TEST(test_nothing_to_tell),
        TEST(test_digest_is_readable),
        TEST(test_answer_is_done),
        TEST(test_answers_that_do_nothing),
        TEST(test_old_digests_are_forgotten),
        TEST(test_many_groups),
        cmocka_unit_test(test_when),
    };
    return tap_run(tests, NULL, NULL);
}
