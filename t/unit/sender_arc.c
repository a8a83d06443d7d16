#include "t/unit/tap.h"

#include <openssl/evp.h>

#include "sender/arc.h"
#include "sender/canon.h"
#include "sender/dns_file.h"
#include "sender/sender.h"
#include "sender/sign_key.h"

/*
 * A letter to a list, which sealed it, changed its subject and its end, and a relay behind it,
 * which sealed it again. Made with the key below by python3-dkim, so not by what is tested here.
 */
static const char vector[] =
    "ARC-Seal: i=2; cv=pass; a=rsa-sha256; d=relay.example; s=s2;\r\n"
    " t=1795000100;\r\n"
    " b=O5e2dGazWjIYlHKthUK4gmdLPSiO5X4lxRvGwkrPnU2v4iLH6HUtTO/GDspkxTLhJuwJa\r\n"
    " rSf+hHCmenOLqy4ja4ThRBzezbS71t0yCyhHE5/lnd4Ag1swW48/RWgVZDzFiY/IMsgW0Og\r\n"
    " ZyzIgTgh5HonptRPSty5fne0uPBwSak=\r\n"
    "ARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=relay.example; s=s2; t=1795000100; h=from : to : subject : date :\r\n"
    " message-id : from; bh=p3qEJmWrn3jd+m48wwtBS3jQS6HIgNLQ9uQe20M/Eeo=;\r\n"
    " b=mTYzthlPI8Tr9to6DBdZqMnumAAv5d/8V2WUzbOeNtNKBsUb7tyFk4XBG3JxjWPkdE0tF\r\n"
    " 1PBnVjyOnS7S+iL0N6ixVNLtAtfEkoUHzIehbJg3x25U0rkNKQRikMblDJdRM7LJHuTm5qQ\r\n"
    " YpEGw5Z6HkIPuvqG9iNVTizAtggoN84=\r\n"
    "ARC-Authentication-Results: i=2; relay.example; arc=pass;\r\n"
    "  dmarc=fail header.from=author.example\r\n"
    "Authentication-Results: relay.example; arc=pass; dmarc=fail header.from=author.example\r\n"
    "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=list.example; s=s1; t=1795000000;\r\n"
    " b=rdFoqVFERW32jnDx2mEeoTkx1DRigAssVQyGTDIGKxTeSknz2EynHOzqsvpBpPGXvxJLe\r\n"
    " aB6MaD4zlTHhUCjPJ5g5lpFBeMpYMXWjjJ7Xz6kotR2CwtUl5GJpSOYSzTg7FyiNBbRQ8J6\r\n"
    " KBIuG2KXvciuPmCOoxIq2Gdera+6aho=\r\n"
    "ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=list.example; s=s1; t=1795000000; h=from : to : subject : date :\r\n"
    " message-id : from; bh=zjBx9Rp7mQC0H85rHdtn9X2YbKn8cZT7raWGRvSl/f8=;\r\n"
    " b=hW9to8k49dDXIQ9z8t8MG/VO788cz4fvlCr+dLAiXXpnLCeo0AY1QJkqMom1a2/B7JzgE\r\n"
    " yk7uW8XNM1gLY3s5+4Wst9NH+EwhrI/x+XaEJV+ZyXrWIjAXcDj8RBr5ABS2AZR92y5vK0Y\r\n"
    " hSLoS69jMxbV8tL1FsvRylUdgQ9oH4Y=\r\n"
    "ARC-Authentication-Results: i=1; list.example; spf=pass smtp.mailfrom=jean@author.example;\r\n"
    "  dmarc=pass header.from=author.example\r\n"
    "Authentication-Results: list.example; spf=pass smtp.mailfrom=jean@author.example;\r\n"
    " dmarc=pass header.from=author.example\r\n"
    "From: Jean Toto <jean@author.example>\r\n"
    "To: list@list.example\r\n"
    "Subject: [list] A  letter\tof  two lines,\r\n"
    " and a fold \r\n"
    "Date: Fri, 20 Nov 2026 09:12:44 +0100\r\n"
    "Message-ID: <1@author.example>\r\n"
    "\r\n"
    "Bonjour,  \r\n"
    "\r\n"
    "the room\t has changed.\r\n"
    "\r\n"
    "\r\n"
    "-- \r\n"
    "the list\r\n";

#define KEY                                                                                        \
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDDmbQ1hXW0Pygy0gHEaGy6XV"             \
    "Lu7LnATtlRvPILFoNVTJvlFZdVehuROyEGNQhOsc82lm3jxKS2Lvj8i6Lsl5q0kteqU/E8EYKSmRueYB"             \
    "l/8A57pBtO3YfmxMN+H34sgEpodiCtX+63m2gdALM14Xnv0nqIpk7GXeW5mOh2lWMpDQIDAQAB"

static struct pool *pool;

static struct arc_answer check_with(struct str raw, const char *zone)
{
    struct err err = {""};
    struct arc_answer answer;
    struct dns_file *file = dns_file_parse(str_of(zone), "zone", &err);
    if (!file)
        fail_msg("%s", err.text);
    const struct dns_source dns = dns_file_source(file);
    if (arc_check(raw, &dns, pool, &answer, &err) < 0)
        fail_msg("%s", err.text);
    dns_file_free(&file);
    return answer;
}

#define ZONE                                                                                       \
    "s1._domainkey.list.example TXT " KEY "\n"                                                     \
    "s2._domainkey.relay.example TXT " KEY "\n"

static struct arc_answer check(struct str raw)
{
    return check_with(raw, ZONE);
}

/* The vector with the first `old` replaced. */
static struct str changed(const char *old, const char *new)
{
    struct str raw = str_of(vector);
    size_t at = str_find(raw, str_of(old));
    if (at == STR_NONE)
        fail_msg("not there: %s", old);
    const struct str pieces[] = {str_sub(raw, 0, at), str_of(new), str_from(raw, at + strlen(old))};
    return pool_join(pool, pieces, 3);
}

static void expect(struct str raw, enum arc_result result, const char *reason)
{
    const struct arc_answer answer = check(raw);
    if (answer.result != result || str_find(answer.reason, str_of(reason)) == STR_NONE)
        fail_msg("%s (%.*s), expected %s (%s)", arc_result_name(answer.result),
                 STR_ARG(answer.reason), arc_result_name(result), reason);
}

static void a_good_chain_passes(void **state)
{
    const struct arc_answer answer = check(str_of(vector));
    assert_int_equal(answer.result, ARC_PASS);
    assert_int_equal(answer.n, 2);
    assert_str(answer.hops[0].sealer, "list.example");
    assert_str(answer.hops[1].sealer, "relay.example");
    assert_true(str_find(answer.hops[0].results, STR("dmarc=pass")) != STR_NONE);
}

static void line_ends_do_not_matter(void **state)
{
    struct buf lf = BUF_INIT(1 << 16);
    for (size_t i = 0; i < sizeof vector - 1; i++)
        if (vector[i] != '\r')
            buf_addc(&lf, vector[i]);
    assert_int_equal(check(buf_str(&lf)).result, ARC_PASS);
    buf_release(&lf);
}

static void what_was_changed_fails(void **state)
{
    expect(changed("has changed", "has Changed"), ARC_FAIL, "body");
    expect(changed("Subject: [list]", "Subject: [List]"), ARC_FAIL, "header");
    expect(changed("spf=pass", "spf=fail"), ARC_FAIL, "a seal");
    expect(changed("arc=pass", "arc=fail"), ARC_FAIL, "a seal");
    expect(changed("t=1795000100", "t=1795000101"), ARC_FAIL, "");
    expect(changed("ARC-Seal: i=2; cv=pass", "ARC-Seal: i=2; cv=fail"), ARC_FAIL, "broken");
    expect(changed("ARC-Seal: i=2; cv=pass", "ARC-Seal: i=2; cv=none"), ARC_FAIL, "what it found");
    expect(changed("ARC-Seal: i=1; cv=none", "ARC-Seal: i=1; cv=pass"), ARC_FAIL, "what it found");
    /* blanks and the case of names are none of a relaxed signature's business */
    expect(changed("Subject: [list]", "SUBJECT:   [list] "), ARC_PASS, "");
}

static void the_chain_must_be_whole(void **state)
{
    expect(changed("ARC-Seal: i=1", "X-Seal: i=1"), ARC_FAIL, "not whole");
    expect(changed("ARC-Seal: i=2", "X-Seal: i=2"), ARC_FAIL, "not whole");
    expect(changed("ARC-Seal: i=2", "ARC-Seal: i=3"), ARC_FAIL, "not whole");
    expect(changed("ARC-Seal: i=2", "ARC-Seal: i=1"), ARC_FAIL, "twice");
    expect(changed("ARC-Seal: i=2", "ARC-Seal: i=0"), ARC_FAIL, "instance");
    expect(changed("ARC-Seal: i=2", "ARC-Seal: i=51"), ARC_FAIL, "instance");
    expect(changed("ARC-Seal: i=2", "ARC-Seal: j=2"), ARC_FAIL, "instance");
    expect(changed("ARC-Seal: i=2;", "ARC-Seal: i=2; h=from;"), ARC_FAIL, "names fields");
    expect(changed("ARC-Message-Signature: i=2;", "ARC-Message-Signature: i=2; l=3;"), ARC_FAIL,
           "body out");
    /* RFC 6376 3.2: not a list of tags, as two readers may read it */
    static const char *const lists[] = {"ARC-Seal: i=2; t=1;",   "ARC-Seal: i=2;;",
                                        "ARC-Seal: i=2; _x=;",   "ARC-Seal: i=2; 1=x;",
                                        "ARC-Seal: i=2; x-y=1;", "ARC-Seal: i=2; =x;"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        expect(changed("ARC-Seal: i=2;", lists[i]), ARC_FAIL, "list of tags");
    struct buf many = BUF_INIT(4096);
    buf_add(&many, STR("ARC-Seal: i=2;"));
    for (unsigned i = 0; i < ARC_TAGS_MAX; i++)
        buf_addf(&many, "x%u=;", i);
    expect(changed("ARC-Seal: i=2;", buf_cstr(&many)), ARC_FAIL, "list of tags");
    buf_release(&many);
    expect(STR("Subject: x\r\n\r\nARC-Seal: i=1; cv=none\r\n"), ARC_NONE, "");
    expect(STR("ARC-Seal"), ARC_NONE, "");
    expect(STR("ARC-Seal:"), ARC_FAIL, "instance");
}

static void keys_that_are_not_there(void **state)
{
    assert_int_equal(check_with(str_of(vector), "s1._domainkey.list.example TXT " KEY "\n").result,
                     ARC_FAIL);
    struct arc_answer answer =
        check_with(str_of(vector), "s1._domainkey.list.example TIMEOUT\n"
                                   "s2._domainkey.relay.example TXT " KEY "\n");
    assert_int_equal(answer.result, ARC_TEMPERROR);
    answer = check_with(str_of(vector), ZONE "s1._domainkey.list.example TXT " KEY "\n");
    assert_int_equal(answer.result, ARC_FAIL);
    answer = check_with(str_of(vector), "s2._domainkey.relay.example TXT v=DKIM1; p=\n");
    assert_str(answer.reason, "the key is revoked, or is none");
}

static void asks_for_its_keys_ahead(void **state)
{
    struct dns_query queries[10];
    size_t n = 0;
    arc_ahead(str_of(vector), pool, queries, &n, 10);
    assert_int_equal(n, 3);
    assert_str(queries[0].name, "s2._domainkey.relay.example");
    assert_str(queries[2].name, "s1._domainkey.list.example");
    n = 0;
    arc_ahead(str_of(vector), pool, queries, &n, 2);
    assert_int_equal(n, 2);
}

static void trust(void **state)
{
    static const char *const both[] = {"list.example", "relay.example"};
    static const char *const top[] = {"example"};
    const struct arc_answer answer = check(str_of(vector));
    assert_true(arc_vouches(&answer, both, 2, STR("author.example")));
    assert_true(arc_vouches(&answer, top, 1, STR("author.example")));
    assert_false(arc_vouches(&answer, both, 2, STR("bank.example")));
    /* the last hand is a stranger's; and the only one who is trusted saw a fail */
    assert_false(arc_vouches(&answer, both, 1, STR("author.example")));
    assert_false(arc_vouches(&answer, both + 1, 1, STR("author.example")));
    struct arc_answer broken = answer;
    broken.result = ARC_FAIL;
    assert_false(arc_vouches(&broken, both, 2, STR("author.example")));
}

static void only_a_real_pass_is_believed(void **state)
{
    static const struct {
        const char *results;
        bool says;
    } cases[] = {
        {" mx; dmarc=pass header.from=a.example", true},
        {" mx; spf=fail;\r\n\tDMARC=Pass (p=reject) header.from=A.example", true},
        {" mx; dmarc=pass", false},
        {" mx; dmarc=pass header.from=a.example header.from=b.example", false},
        {" mx; dmarc=pass header.from=b.example; dmarc=pass header.from=a.example", true},
        {" mx; dmarc=pass (header.from=a.example)", false},
        {" mx; dmarc=pass; spf=pass header.from=a.example", false},
        {" mx; dmarc=fail header.from=a.example", false},
        {" mx; dmarc=passed header.from=a.example", false},
        {" mx; spf=fail (; dmarc=pass header.from=a.example)", false},
        {" mx; spf=fail smtp.mailfrom=\"x; dmarc=pass\"", false},
        {" mx; dmarc=pass header.from=b.example", false},
        {"", false},
    };
    static const char *const trusted[] = {"list.example"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arc_answer answer = {.result = ARC_PASS, .n = 1};
        answer.hops[0] = (struct arc_hop){STR("list.example"), str_of(cases[i].results)};
        if (arc_vouches(&answer, trusted, 1, STR("a.example")) != cases[i].says)
            fail_msg("%s", cases[i].results);
    }
    struct arc_answer nul = {.result = ARC_PASS, .n = 1};
    nul.hops[0] =
        (struct arc_hop){STR("list.example"), STR(" mx; dmarc=pass header.from=a.example \0")};
    assert_true(arc_vouches(&nul, trusted, 1, STR("a.example")));
}

/* The list changed it, so it fails here; who trusts both sealers knows that it passed there. */
static void a_trusted_chain_excuses_a_dmarc_fail(void **state)
{
    static const char zone[] = ZONE "_dmarc.author.example TXT v=DMARC1; p=reject\n"
                                    "author.example TXT v=spf1 -all\n";
    static const char *const sealers[] = {"list.example", "relay.example"};
    struct err err = {""};
    struct sender_facts facts;
    struct dns_query queries[50];
    struct dns_file *file = dns_file_parse(str_of(zone), "zone", &err);
    struct dkim_checker *checker = dkim_checker_new(&dkim_policy_default, &err);
    const struct dns_source dns = dns_file_source(file);
    struct sender_input input = {.raw = str_of(vector),
                                 .envelope = {.client_ip = STR("192.0.2.1"),
                                              .sender = STR("jean@author.example")}};
    struct message *message;
    assert_int_equal(message_parse(pool, input.raw, &mail_limits_default, &message, &err), 0);
    input.message = message;
    for (size_t trusted = 0; trusted <= 2; trusted++) {
        const struct sender_policy policy = {.spf = true,
                                             .dkim = true,
                                             .dmarc = true,
                                             .arc = true,
                                             .trusted = sealers,
                                             .n_trusted = trusted};
        size_t n = 0;
        assert_int_equal(sender_questions(&policy, &input, pool, &facts, queries, &n, 50, &err), 0);
        assert_int_equal(n, 1 + 3 + 3); /* SPF, keys of ARC, DMARC */
        assert_int_equal(sender_check(&policy, checker, &input, &dns, pool, &facts, &err), 0);
        assert_int_equal(facts.spf.result, SPF_FAIL);
        assert_int_equal(facts.arc.result, ARC_PASS);
        assert_int_equal(facts.dmarc.result, DMARC_FAIL);
        assert_int_equal(facts.vouched, trusted == 2);
        assert_int_equal(facts.dmarc.applied,
                         trusted == 2 ? DMARC_POLICY_NONE : DMARC_POLICY_REJECT);
    }
    dkim_checker_free(&checker);
    dns_file_free(&file);
}

/* --- canonical forms and keys --- */

static void expect_field(enum canon form, const char *field, const char *expected)
{
    struct buf out = BUF_INIT(1000);
    canon_field(form, str_of(field), &out);
    assert_str(buf_str(&out), expected);
    buf_release(&out);
}

static void expect_body(enum canon form, const char *body, const char *signed_bytes)
{
    unsigned char got[CANON_DIGEST], wanted[EVP_MAX_MD_SIZE];
    unsigned n;
    assert_true(canon_body(form, str_of(body), got));
    assert_int_equal(EVP_Digest(signed_bytes, strlen(signed_bytes), wanted, &n, EVP_sha256(), NULL),
                     1);
    assert_memory_equal(got, wanted, CANON_DIGEST);
}

static void forms_of_the_rfc(void **state)
{
    /* RFC 6376 3.4.5 */
    expect_field(CANON_RELAXED, "A: X", "a:X");
    expect_field(CANON_RELAXED, "B : Y\t\r\n\tZ  ", "b:Y Z");
    expect_field(CANON_SIMPLE, "B : Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  ");
    expect_field(CANON_RELAXED, "C:", "c:");
    expect_body(CANON_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
    expect_body(CANON_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n");
    expect_body(CANON_SIMPLE, "", "\r\n");
    expect_body(CANON_SIMPLE, "\r\n\r\n", "\r\n");
    expect_body(CANON_RELAXED, "", "");
    expect_body(CANON_RELAXED, " \t\r\n\r\n", "");
    expect_body(CANON_RELAXED, "no end", "no end\r\n");
    expect_body(CANON_RELAXED, "a\r\n \r\nb", "a\r\n\r\nb\r\n");
    enum canon header, body;
    assert_true(canon_read(STR("relaxed"), &header, &body));
    assert_int_equal(header, CANON_RELAXED);
    assert_int_equal(body, CANON_SIMPLE);
    assert_true(canon_read(STR("simple/relaxed"), &header, &body));
    assert_int_equal(body, CANON_RELAXED);
    assert_false(canon_read(STR("relaxed/loose"), &header, &body));
    assert_false(canon_read(STR("relaxed/"), &header, &body));
}

static void ed25519_of_the_rfc(void **state)
{
    /* RFC 8463 A.1, A.3: the key, and a digest signed with its private half */
    static const unsigned char secret[] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
                                           0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                           0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
                                           0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    unsigned char digest[EVP_MAX_MD_SIZE], signature[64];
    char text[100];
    size_t size = sizeof signature;
    unsigned n;
    const char *why;
    EVP_PKEY *private = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_Digest("signed", 6, digest, &n, EVP_sha256(), NULL), 1);
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, private), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, digest, n), 1);
    EVP_EncodeBlock((unsigned char *)text, signature, 64);
    struct sign_key *key =
        sign_key_read(STR("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
                      STR("ed25519-sha256"), &why);
    assert_non_null(key);
    assert_true(sign_key_fits(key, STR("signed"), str_of(text)));
    assert_false(sign_key_fits(key, STR("Signed"), str_of(text)));
    sign_key_free(&key);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(private);
}

static void keys_that_are_no_good(void **state)
{
    static const char *const records[] = {
        "",
        "p=",
        "v=DKIM2; p=AAAA",
        "k=ed25519; p=AAAA",
        "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "p=!!!!",
        "p=AAA",
        "h=sha1; " KEY,
        "s=tlsrpt; " KEY,
    };
    const char *why;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        if (sign_key_read(str_of(records[i]), STR("rsa-sha256"), &why))
            fail_msg("taken: %s", records[i]);
    assert_null(sign_key_read(STR(KEY), STR("rsa-sha1"), &why));
    assert_null(sign_key_read(STR("k=ed25519; p=AAAA"), STR("ed25519-sha256"), &why));
}

static int open_pool(void **state)
{
    struct err err;
    pool = pool_new(1 << 26);
    return pool && arc_preload(&err) == 0 ? 0 : -1;
}

static int close_pool(void **state)
{
    pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_chain_passes),
        cmocka_unit_test(line_ends_do_not_matter),
        cmocka_unit_test(what_was_changed_fails),
        cmocka_unit_test(the_chain_must_be_whole),
        cmocka_unit_test(keys_that_are_not_there),
        cmocka_unit_test(asks_for_its_keys_ahead),
        cmocka_unit_test(trust),
        cmocka_unit_test(only_a_real_pass_is_believed),
        cmocka_unit_test(a_trusted_chain_excuses_a_dmarc_fail),
        cmocka_unit_test(forms_of_the_rfc),
        cmocka_unit_test(ed25519_of_the_rfc),
        cmocka_unit_test(keys_that_are_no_good),
    };
    return tap_run(tests, open_pool, close_pool);
}
