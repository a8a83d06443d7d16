#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "bayes/features/tokens.h"
#include "mail/utf8.h"

#define POOL_SIZE (64u * 1024 * 1024)

static struct pool *pool;

static int make_pool(void **state)
{
    pool = pool_new(POOL_SIZE);
    return pool ? 0 : -1;
}

static int free_pool(void **state)
{
    pool_free(&pool);
    return 0;
}

static struct features extract(struct str raw)
{
    struct err err;
    struct features features;
    assert_int_equal(features_of_mail(pool, raw, NULL, &features, &err), 0);
    return features;
}

static bool has(const struct features *features, const char *text)
{
    for (size_t i = 0; i < features->n; i++)
        if (str_eq(features->list[i].text, str_of(text)))
            return true;
    return false;
}

#define assert_has(features, text)                                                                 \
    do {                                                                                           \
        if (!has(features, text))                                                                  \
            fail_msg("no token \"%s\"", text);                                                     \
    } while (0)

static bool any_with(const struct features *features, const char *part)
{
    for (size_t i = 0; i < features->n; i++)
        if (str_ifind(features->list[i].text, str_of(part)) != STR_NONE)
            return true;
    return false;
}

#define HEAD                                                                                       \
    "Received: from mx.shop.example (mx.shop.example [192.0.2.77]) by mail.example.org\r\n"        \
    " with ESMTP id 4711abc for <jean@example.org>; Mon, 6 Jul 2026 10:00:00 +0200\r\n"            \
    "From: \"Great Shop\" <News@Shop.example>\r\n"                                                 \
    "To: jean@example.org, anne@example.org\r\n"                                                   \
    "Message-ID: <20260706.AB12@shop.example>\r\n"                                                 \
    "Date: Mon, 6 Jul 2026 10:00:00 +0200\r\n"                                                     \
    "X-Mailer: BulkSender 3.1\r\n"
#define SUBJECT "Subject: =?UTF-8?Q?FREE_s=C3=A9jour?= now\r\n"
#define BODY                                                                                       \
    "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"                          \
    "<p>Dear customer, <b>click</b> "                                                              \
    "<a href=\"http://www.shop.example/buy/now?id=77\">our shop</a></p>"                           \
    "<p style=\"display:none\">hiddenword</p>\r\n"

static void every_side_of_a_message_gives_tokens(void **state)
{
    static const char *const expected[] = {
        "customer",
        "Dear",
        "dear",
        "subject:free",
        "subject:FREE",
        "subject:s\xc3\xa9jour",
        "from:news@shop.example",
        "from:shop.example",
        "from:great",
        "to:addresses 2",
        "received:mx.shop.example",
        "received:192.0.2.77",
        "received:192.0.2",
        "message-id:shop.example",
        "message-id:0.A0",
        "date:+0200",
        "x-mailer:bulksender",
        "u:www.shop.example",
        "u:shop.example",
        "u:.example",
        "up:buy",
        "mime:text/html utf-8",
        "invisible:hiddenword",
    };
    struct features features = extract(STR(HEAD SUBJECT BODY));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_has(&features, expected[i]);
    assert_false(has(&features, "hiddenword"));
    assert_false(any_with(&features, "4711abc"));
}

static void each_once_in_rising_order(void **state)
{
    struct features features = extract(STR(HEAD SUBJECT BODY "again again again click click"));
    assert_true(features.n > 20);
    for (size_t i = 1; i < features.n; i++)
        assert_true(features.list[i - 1].hash < features.list[i].hash);
}

static void places_tell_words_apart(void **state)
{
    struct features features = extract(STR("Subject: lottery\r\n\r\nlottery\r\n"));
    uint64_t in_subject = 0, in_body = 0;
    for (size_t i = 0; i < features.n; i++) {
        if (str_eq(features.list[i].text, STR("lottery")))
            in_body = features.list[i].hash;
        if (str_eq(features.list[i].text, STR("subject:lottery")))
            in_subject = features.list[i].hash;
    }
    assert_true(in_body && in_subject && in_body != in_subject);
}

/* To change a token's hash would make every ledger worthless. */
static void hashes_are_for_ever(void **state)
{
    assert_true(tokens_hash(STR("")) == tokens_hash(STR_EMPTY));
    assert_true(tokens_hash(STR("subject:lottery")) == 0xfa323260d9d38922u);
    assert_true(tokens_hash(STR("a")) == 0xb27e3eaad9091581u);
}

static void what_filters_say_is_not_learned(void **state)
{
    struct features features =
        extract(STR("X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=9 tests=EVILRULE\r\n"
                    "X-Poterne-Score: global=-2.3\r\nX-Bogosity: Spam, tests=bogofilter\r\n"
                    "X-Microsoft-Antispam: BCL:9 leak\r\nX-MS-Exchange-Organization-SCL: 9\r\n"
                    "Authentication-Results: leak; spf=fail\r\nReceived-SPF: fail leak\r\n"
                    "Delivered-To: leak@example.org\r\nX-Original-To: leak@example.org\r\n"
                    "Subject: [SPAM] ***SPAM*** offer\r\n\r\ntext\r\n"));
    assert_has(&features, "subject:offer");
    assert_false(any_with(&features, "spam"));
    assert_false(any_with(&features, "poterne"));
    assert_false(any_with(&features, "leak"));
    assert_false(any_with(&features, "scl"));
    assert_false(any_with(&features, "rule"));
}

static void our_own_edits_do_not_change_the_digest(void **state)
{
    uint64_t plain = extract(STR(HEAD SUBJECT BODY)).digest;
    uint64_t edited =
        extract(STR("X-Spam-Flag: YES\r\nX-Poterne-Id: 01JD; abc\r\nX-Poterne-Score: global=-2\r\n"
                    "Received: from a by b; Mon, 6 Jul 2026 10:00:01 +0200\r\n"
                    "Return-Path: <x@shop.example>\r\n" HEAD
                    "Subject: [SPAM] =?UTF-8?Q?FREE_s=C3=A9jour?= now\r\n" BODY))
            .digest;
    assert_true(plain == edited);
    assert_true(extract(STR(HEAD SUBJECT BODY "more")).digest != plain);
    assert_true(extract(STR("From: x@y.example\r\n" SUBJECT BODY)).digest != plain);
}

static void line_ends_and_folding_do_not_change_the_digest(void **state)
{
    uint64_t crlf =
        extract(STR("From: A\r\n b <a@b.example>\r\nTo: c@d.example\r\n\r\none\r\ntwo\r\n\r\n"))
            .digest;
    assert_true(extract(STR("From: A b <a@b.example>\nTo: c@d.example\n\none\ntwo\n")).digest ==
                crlf);
    assert_true(extract(STR("From: A b <a@b.example>\nTo: c@d.example\n\nonetwo\n")).digest !=
                crlf);
    assert_true(extract(STR("From: A b\nTo: <a@b.example> c@d.example\n\none\ntwo\n")).digest !=
                crlf);
}

static uint64_t digest_of(const char *raw)
{
    return extract(str_of(raw)).digest;
}

#define TYPED    "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: "
#define PLAIN_AS TYPED "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "

/* What another mail program does when it passes a message on. */
static void another_encoding_does_not_change_the_digest(void **state)
{
    uint64_t plain = digest_of(PLAIN_AS "8bit\r\n\r\nDr\xc3\xb4le = \r\nFrom here\r\n\r\n");
    assert_true(digest_of(PLAIN_AS "base64\r\n\r\nRHLDtGxlID0gCkZyb20gaGVyZQo=\r\n") == plain);
    assert_true(digest_of(PLAIN_AS "quoted-printable\n\nDr=C3=B4le =3D=20\nFrom =\nhere\n") ==
                plain);
    assert_true(digest_of(PLAIN_AS "8bit\n\nDr\xc3\xb4le =\n>From here\n") == plain);
    assert_true(digest_of(PLAIN_AS "8bit\r\n\r\nDr\xc3\xb4le =\r\nFrom there\r\n") != plain);
    assert_true(digest_of("From: =?utf-8?q?J=C3=A9?= <a@b.example>\n\nx\n") ==
                digest_of("From: =?utf-8?b?SsOp?= <a@b.example>\n\nx\n"));
    assert_true(digest_of("Date: 1\n\nx\n") != digest_of("Message-ID: 1\n\nx\n"));
}

static uint64_t digest_of_parts(struct str first, struct str second)
{
    struct buf raw = BUF_INIT(65536);
    buf_add(&raw, STR(TYPED "multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"));
    buf_add(&raw, first);
    buf_add(&raw, STR("\r\n--b\r\n\r\n"));
    buf_add(&raw, second);
    buf_add(&raw, STR("\r\n--b--\r\n"));
    assert_true(buf_ok(&raw));
    uint64_t digest = extract(buf_str(&raw)).digest;
    buf_release(&raw);
    return digest;
}

/* Nobody makes a message that passes for another one, whatever bytes he puts into it. */
static void contents_do_not_pass_for_parts(void **state)
{
    uint64_t two = digest_of_parts(STR("one"), STR("two"));
    assert_true(two == digest_of_parts(STR("one"), STR("two")));
    assert_true(two != digest_of_parts(STR("two"), STR("one")));
    assert_true(two != digest_of_parts(STR("onetwo"), STR("")));
    /* the first part's end and the second one's beginning, moved */
    assert_true(digest_of_parts(STR("one"), STR("two\ntext/plain\0\0\0three")) !=
                digest_of_parts(STR("one\ntext/plain\0\0\0two"), STR("three")));
    assert_true(digest_of(TYPED "text/plain\n\nx\n") != digest_of(TYPED "text/html\n\nx\n"));
    assert_true(digest_of(TYPED "text/plain; charset=utf-7\n\n+x\n") !=
                digest_of(TYPED "text/plain; charset=utf-8\n\n+x\n"));
}

static void words(struct tokens *tokens, struct features *features, struct str text)
{
    struct err err;
    tokens_init(tokens, pool);
    tokens_words(tokens, STR_EMPTY, text);
    assert_int_equal(tokens_finish(tokens, features, &err), 0);
}

static void splits_words_as_people_do(void **state)
{
    struct tokens tokens;
    struct features features;
    words(&tokens, &features,
          STR("don't pay $1,000.00, e-mail a.b@c.example -- now!!! x...y 'quoted' 50% "
              "\xc3\x89T\xc3\x89 \xd0\x9f\xd1\x80\xd0\xb8 fre\xe2\x80\x8b"
              "e \xc2\xab"
              "oui\xc2\xbb"));
    static const char *const expected[] = {"don't",
                                           "$1,000.00",
                                           "e-mail",
                                           "a.b@c.example",
                                           "now!",
                                           "x",
                                           "y",
                                           "quoted",
                                           "50%",
                                           "\xc3\xa9t\xc3\xa9",
                                           "\xd0\xbf\xd1\x80\xd0\xb8",
                                           "free",
                                           "odd:zero width",
                                           "oui"};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_has(&features, expected[i]);
    assert_false(has(&features, "--"));
    assert_false(has(&features, "'quoted'"));
}

static void scripts_without_blanks_give_pairs(void **state)
{
    struct tokens tokens;
    struct features features;
    words(&tokens, &features, STR("\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97 ok"));
    assert_has(&features, "\xe4\xbd\xa0\xe5\xa5\xbd");
    assert_has(&features, "\xe5\xa5\xbd\xe5\x90\x97");
    assert_has(&features, "ok");
}

static void long_words_become_what_they_begin_with(void **state)
{
    struct tokens tokens;
    struct features features;
    char text[3000];
    memset(text, 'a', sizeof text);
    words(&tokens, &features, str_n(text, sizeof text));
    assert_int_equal(features.n, 1);
    assert_str(features.list[0].text, "long aaaaaaaa 187");
}

/* Texts go into evidence, which must be valid UTF-8; a token may not be made invisible either. */
static void texts_are_readable(void **state)
{
    char raw[20000] =
        "From: \xff\xfe\x01 <\x02\x80@\xe9.example>\r\nX-\xe9vil: \xed\xa0\x80 \x7f\r\n"
        "Subject: \x1b[31m\xc3\r\n\r\n";
    size_t n = strlen(raw);
    for (unsigned i = 0; n < sizeof raw; n++, i++)
        raw[n] = (char)(i * 131 + i / 7);
    struct features features = extract(str_n(raw, sizeof raw));
    assert_true(features.n > 0);
    for (size_t i = 0; i < features.n; i++) {
        struct str text = features.list[i].text;
        assert_int_equal(utf8_valid_end(text), text.n);
        for (size_t k = 0; k < text.n; k++)
            assert_true((unsigned char)text.s[k] >= 0x20 && text.s[k] != 0x7f);
    }
}

static void a_flood_of_words_is_bounded(void **state)
{
    struct buf raw = BUF_INIT(8u * 1024 * 1024);
    for (unsigned i = 0; i < 1000; i++)
        buf_addf(&raw, "X-F%u: a%u b%u c%u\r\n", i, i, i, i);
    buf_add(&raw, STR("\r\n"));
    for (unsigned i = 0; i < 200000; i++)
        buf_addf(&raw, "w%x http://h%u.example/p%u\r\n", i * 2654435761u, i, i);
    assert_true(buf_ok(&raw));
    struct features features = extract(buf_str(&raw));
    assert_int_equal(features.n, FEATURES_MAX);
    buf_release(&raw);
}

static void empty_input_is_a_message_too(void **state)
{
    extract(STR(""));
    extract(STR("\r\n"));
    extract(STR("\r\n\r\n\r\n"));
}

static void too_little_memory_is_an_error(void **state)
{
    struct err err = {""};
    struct message *message;
    struct mail_text *text;
    struct features features;
    assert_int_equal(message_parse(pool, STR(HEAD SUBJECT BODY), &mail_limits_default, &message,
                                   &err),
                     0);
    assert_int_equal(mail_text_make(pool, message, &text, &err), 0);
    for (size_t size = 100; size < 12000; size += 700) {
        struct pool *small = pool_new(size);
        assert_non_null(small);
        if (features_extract(small, message, text, NULL, &features, &err) < 0)
            assert_true(err.text[0] != '\0');
        else
            assert_true(size > 2000);
        pool_free(&small);
    }
}

int main(void)
{
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, make_pool, free_pool)
    const struct CMUnitTest tests[] = {
        WITH_POOL(every_side_of_a_message_gives_tokens),
        WITH_POOL(each_once_in_rising_order),
        WITH_POOL(places_tell_words_apart),
        WITH_POOL(hashes_are_for_ever),
        WITH_POOL(what_filters_say_is_not_learned),
        WITH_POOL(our_own_edits_do_not_change_the_digest),
        WITH_POOL(line_ends_and_folding_do_not_change_the_digest),
        WITH_POOL(another_encoding_does_not_change_the_digest),
        WITH_POOL(contents_do_not_pass_for_parts),
        WITH_POOL(splits_words_as_people_do),
        WITH_POOL(scripts_without_blanks_give_pairs),
        WITH_POOL(long_words_become_what_they_begin_with),
        WITH_POOL(texts_are_readable),
        WITH_POOL(a_flood_of_words_is_bounded),
        WITH_POOL(empty_input_is_a_message_too),
        WITH_POOL(too_little_memory_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
