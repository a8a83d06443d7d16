/* Signatures are made here, by libopendkim's signing half with keys made for each run. */
#include "t/unit/tap.h"

#include <opendkim/dkim.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "config.h"
#include "sender/dkim.h"

/* libopendkim's signing half, which only this test uses, keeps parts of its keys. */
#ifdef POTERNE_SANITIZE
#include <sanitizer/lsan_interface.h>
#define leaks_begin() __lsan_disable()
#define leaks_end()   __lsan_enable()
#else
#define leaks_begin() ((void)0)
#define leaks_end()   ((void)0)
#endif

#define HEAD                                                                                       \
    "From: Anna <anna@example.org>\r\nTo: bob@example.net\r\nSubject: Hello\r\n"                   \
    "Date: Sat, 21 Nov 2026 22:04:31 +0000\r\n"
#define BODY "Dear Bob,\r\n\r\nall is well.\r\n"

struct key {
    char pem[4096];    /* private */
    char record[2048]; /* what DNS says */
};

struct fixture {
    struct key rsa, weak, ed;
    struct dkim_checker *checker;
    struct pool *pool;
    struct dkim_results results;
};

/* --- keys and signatures --- */

static void read_bio(BIO *bio, char *text, size_t size)
{
    int n = BIO_read(bio, text, (int)size - 1);
    assert_true(n > 0);
    text[n] = 0;
    BIO_free(bio);
}

/* p= is the public key in DER (RSA, RFC 6376 3.6.1) or its bare 32 bytes (Ed25519, RFC 8463 4) */
static void make_record(EVP_PKEY *pkey, const char *kind, char *record, size_t size)
{
    unsigned char *der = NULL, raw[32], text[1024];
    size_t n_raw = sizeof raw;
    int n = 0;
    if (EVP_PKEY_get_raw_public_key(pkey, raw, &n_raw) == 1) {
        EVP_EncodeBlock(text, raw, (int)n_raw);
    } else {
        n = i2d_PUBKEY(pkey, &der);
        assert_true(n > 0 && n < 700);
        EVP_EncodeBlock(text, der, n);
        OPENSSL_free(der);
    }
    snprintf(record, size, "v=DKIM1; k=%s; p=%s", kind, (const char *)text);
}

static void make_key(struct key *key, EVP_PKEY *pkey, const char *kind)
{
    assert_non_null(pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    read_bio(bio, key->pem, sizeof key->pem);
    make_record(pkey, kind, key->record, sizeof key->record);
    EVP_PKEY_free(pkey);
}

/* The header field that signs HEAD and BODY for SELECTOR._domainkey.example.org */
static void sign(const struct key *key, dkim_alg_t algorithm, const char *selector, ssize_t length,
                 struct buf *out)
{
    DKIM_STAT status;
    unsigned char field[2048];
    leaks_begin();
    DKIM_LIB *library = dkim_init(NULL, NULL);
    assert_non_null(library);
    unsigned flags = DKIM_LIBFLAGS_FIXCRLF, bits = 512;
    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits);
    DKIM *dkim = dkim_sign(library, (const u_char *)"test", NULL, (dkim_sigkey_t)key->pem,
                           (const u_char *)selector, (const u_char *)"example.org",
                           DKIM_CANON_RELAXED, DKIM_CANON_SIMPLE, algorithm, length, &status);
    assert_non_null(dkim);
    struct str rest = STR(HEAD), line;
    while (str_next_line(&rest, &line) && line.n > 0)
        assert_int_equal(dkim_header(dkim, (u_char *)line.s, line.n), DKIM_STAT_OK);
    assert_int_equal(dkim_eoh(dkim), DKIM_STAT_OK);
    assert_int_equal(dkim_body(dkim, (u_char *)BODY, strlen(BODY)), DKIM_STAT_OK);
    assert_int_equal(dkim_eom(dkim, NULL), DKIM_STAT_OK);
    assert_int_equal(dkim_getsighdr(dkim, field, sizeof field, 16), DKIM_STAT_OK);
    /* it folds with a bare LF */
    buf_add(out, STR("DKIM-Signature: "));
    for (const unsigned char *p = field; *p; p++) {
        if (*p == '\n' && (p == field || p[-1] != '\r'))
            buf_addc(out, '\r');
        buf_addc(out, (char)*p);
    }
    buf_add(out, STR("\r\n"));
    dkim_free(dkim);
    dkim_close(library);
    leaks_end();
}

static int open_fixture(void **state)
{
    static struct fixture f;
    struct err err;
    make_key(&f.rsa, EVP_RSA_gen(2048), "rsa");
    make_key(&f.weak, EVP_RSA_gen(768), "rsa");
    make_key(&f.ed, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "ed25519");
    f.checker = dkim_checker_new(&dkim_policy_default, &err);
    assert_non_null(f.checker);
    f.pool = pool_new(1 << 20);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    dkim_checker_free(&f->checker);
    pool_free(&f->pool);
    return 0;
}

/* --- a key source that counts and says what it is told --- */

enum answer { KEY_FAILED, KEY_NONE, KEY_ONE, KEY_SEVERAL };

struct answers {
    enum answer answer;
    struct str record;
    unsigned asked;
    char name[300];
};

static void say(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    static const enum dns_status statuses[] = {DNS_TEMP_FAILED, DNS_NO_NAME, DNS_FOUND, DNS_FOUND};
    struct answers *answers = data;
    for (size_t i = 0; i < n; i++) {
        struct dns_record *records = POOL_ARRAY(pool, 2, struct dns_record);
        assert_non_null(records);
        assert_int_equal(queries[i].type, DNS_TXT);
        answers->asked++;
        snprintf(answers->name, sizeof answers->name, "%.*s", STR_ARG(queries[i].name));
        records[0].data = records[1].data = answers->record;
        queries[i].status = statuses[answers->answer];
        queries[i].records = records;
        queries[i].n = answers->answer == KEY_SEVERAL ? 2 : 1;
    }
}

static struct dkim_signature *check(struct fixture *f, struct dkim_checker *checker, struct str raw,
                                    struct answers *answers)
{
    struct err err = {""};
    const struct dns_source source = {.ask = say, .data = answers};
    pool_reset(f->pool);
    if (dkim_check(checker, f->pool, raw, &source, &f->results, &err) < 0)
        fail_msg("%s", err.text);
    return &f->results.list[0];
}

static void expect(struct fixture *f, struct str raw, struct answers answers,
                   enum dkim_result result, const char *reason)
{
    const struct dkim_signature *signature = check(f, f->checker, raw, &answers);
    assert_int_equal(f->results.n, 1);
    if (signature->result != result || str_find(signature->reason, str_of(reason)) == STR_NONE)
        fail_msg("%s (%.*s), expected %s (%s)", dkim_result_name(signature->result),
                 STR_ARG(signature->reason), dkim_result_name(result), reason);
}

static struct buf signed_mail(const struct key *key, dkim_alg_t algorithm)
{
    struct buf mail = BUF_INIT(1 << 16);
    sign(key, algorithm, "s1", -1, &mail);
    buf_add(&mail, STR(HEAD "\r\n" BODY));
    assert_true(buf_ok(&mail));
    return mail;
}

static struct answers has(const struct key *key)
{
    return (struct answers){.answer = KEY_ONE, .record = str_of(key->record)};
}

/* --- tests --- */

static void good_signatures_pass(void **state)
{
    struct fixture *f = *state;
    struct answers answers = has(&f->rsa);
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(f->results.n, 1);
    assert_int_equal(signature->result, DKIM_PASS);
    assert_str(signature->reason, "");
    assert_str(signature->domain, "example.org");
    assert_str(signature->selector, "s1");
    assert_str(signature->algorithm, "rsa-sha256");
    assert_int_equal(signature->key_bits, 2048);
    assert_int_equal(answers.asked, 1);
    assert_string_equal(answers.name, "s1._domainkey.example.org");
    buf_release(&mail);
    mail = signed_mail(&f->ed, DKIM_SIGN_ED25519SHA256);
    expect(f, buf_str(&mail), has(&f->ed), DKIM_PASS, "");
    buf_release(&mail);
}

static void line_ends_do_not_matter(void **state)
{
    struct fixture *f = *state;
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256), lf = BUF_INIT(1 << 16);
    for (size_t i = 0; i < mail.n; i++)
        if (mail.p[i] != '\r')
            buf_addc(&lf, mail.p[i]);
    expect(f, buf_str(&lf), has(&f->rsa), DKIM_PASS, "");
    buf_release(&mail);
    buf_release(&lf);
}

static void what_was_changed_fails(void **state)
{
    struct fixture *f = *state;
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    size_t body = str_find(buf_str(&mail), STR("all is well"));
    mail.p[body] = 'A';
    expect(f, buf_str(&mail), has(&f->rsa), DKIM_FAIL, "body hash");
    mail.p[body] = 'a';
    expect(f, buf_str(&mail), has(&f->rsa), DKIM_PASS, "");
    size_t subject = str_find(buf_str(&mail), STR("Hello"));
    mail.p[subject] = 'J';
    expect(f, buf_str(&mail), has(&f->rsa), DKIM_FAIL, "verification failed");
    buf_release(&mail);
}

static void keys_that_are_not_there(void **state)
{
    struct fixture *f = *state;
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    struct str raw = buf_str(&mail);
    expect(f, raw, (struct answers){.answer = KEY_FAILED}, DKIM_TEMPERROR, "looked up");
    expect(f, raw, (struct answers){.answer = KEY_NONE}, DKIM_PERMERROR, "not found");
    expect(f, raw, (struct answers){KEY_SEVERAL, str_of(f->rsa.record), 0, ""}, DKIM_PERMERROR,
           "more than one");
    expect(f, raw, (struct answers){KEY_ONE, STR("v=DKIM1; p="), 0, ""}, DKIM_PERMERROR, "revoked");
    expect(f, raw, (struct answers){KEY_ONE, STR(""), 0, ""}, DKIM_PERMERROR, "corrupt");
    expect(f, raw, (struct answers){KEY_ONE, STR("v=DKIM1; p=AA\0AA"), 0, ""}, DKIM_PERMERROR,
           "NUL");
    expect(f, raw, (struct answers){KEY_ONE, STR("v=DKIM1; p=!!!!"), 0, ""}, DKIM_PERMERROR, "");
    expect(f, raw, has(&f->ed), DKIM_PERMERROR, "");
    char large[DKIM_KEY_MAX + 100];
    memset(large, 'A', sizeof large);
    memcpy(large, "v=DKIM1; p=", 11);
    expect(f, raw, (struct answers){KEY_ONE, str_n(large, sizeof large), 0, ""}, DKIM_PERMERROR,
           "too long");
    expect(f, raw, (struct answers){KEY_ONE, str_n(large, DKIM_KEY_MAX), 0, ""}, DKIM_PERMERROR,
           "");
    buf_release(&mail);
    struct err err;
    mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    assert_int_equal(dkim_check(f->checker, f->pool, buf_str(&mail), &dns_source_none, &f->results,
                                &err),
                     0);
    assert_int_equal(f->results.list[0].result, DKIM_TEMPERROR);
    buf_release(&mail);
}

static void rfc_8301_holds(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct answers answers = has(&f->rsa);
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA1);
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(signature->result, DKIM_PERMERROR);
    assert_str(signature->reason, "rsa-sha1 is not accepted (RFC 8301)");
    assert_int_equal(answers.asked, 0);
    const struct dkim_policy lax = {.min_key_bits = 512, .accept_sha1 = true};
    struct dkim_checker *checker = dkim_checker_new(&lax, &err);
    assert_int_equal(check(f, checker, buf_str(&mail), &answers)->result, DKIM_PASS);
    buf_release(&mail);
    mail = signed_mail(&f->weak, DKIM_SIGN_RSASHA256);
    answers = has(&f->weak);
    assert_int_equal(check(f, checker, buf_str(&mail), &answers)->result, DKIM_PASS);
    expect(f, buf_str(&mail), has(&f->weak), DKIM_PERMERROR, "key");
    dkim_checker_free(&checker);
    buf_release(&mail);
}

static void an_added_body_is_told(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT(1 << 16);
    sign(&f->rsa, DKIM_SIGN_RSASHA256, "s1", (ssize_t)strlen(BODY), &mail);
    buf_add(&mail, STR(HEAD "\r\n" BODY));
    struct answers answers = has(&f->rsa);
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(signature->result, DKIM_PASS);
    assert_false(signature->partial);
    buf_add(&mail, STR("Buy now!\r\n"));
    signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(signature->result, DKIM_PASS);
    assert_true(signature->partial);
    assert_str(signature->reason, "only part of the body is signed (l=)");
    buf_release(&mail);
}

/* A replay with another From where nobody looks any more. */
static void a_header_beyond_the_limits_is_not_believed(void **state)
{
    struct fixture *f = *state;
    struct buf good = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    struct buf mail = BUF_INIT(1 << 20);
    const size_t own = 5; /* fields of the letter, with its signature */
    for (size_t i = 0; i < DKIM_FIELDS_MAX - own + 1; i++)
        buf_add(&mail, STR("X-Padding: x\r\n"));
    buf_add(&mail, buf_str(&good));
    expect(f, buf_str(&mail), has(&f->rsa), DKIM_PASS, "");
    buf_clear(&mail);
    for (size_t i = 0; i < DKIM_FIELDS_MAX; i++)
        buf_add(&mail, STR("X-Padding: x\r\n"));
    buf_add(&mail, STR("From: ceo@bank.example\r\n"));
    buf_add(&mail, buf_str(&good));
    struct answers answers = has(&f->rsa);
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(signature->result, DKIM_PERMERROR);
    assert_str(signature->domain, "example.org");
    assert_str(signature->selector, "s1");
    assert_int_equal(f->results.n, 1);
    assert_int_equal(answers.asked, 0);
    /* one field that is too long */
    buf_clear(&mail);
    buf_add(&mail, STR("From: ceo@bank.example,"));
    while (mail.n <= DKIM_FIELD_MAX)
        buf_add(&mail, STR("\r\n                                 "));
    buf_add(&mail, STR("\r\n"));
    buf_add(&mail, buf_str(&good));
    expect(f, buf_str(&mail), has(&f->rsa), DKIM_PERMERROR, "too long");
    buf_release(&good);
    buf_release(&mail);
}

static void names_are_cut_to_what_a_name_can_be(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT(1 << 16);
    struct answers answers = {.answer = KEY_NONE};
    buf_add(&mail, STR("DKIM-Signature: v=1; a=rsa-sha256; h=from; bh=YQ==; b=YWJj\r\n ZGVmZ2hp;"
                       " d=a.example; s="));
    for (size_t i = 0; i < 8000; i++)
        buf_addc(&mail, 's');
    buf_add(&mail, STR("; d2=x\r\n" HEAD "\r\n" BODY));
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(f->results.n, 1);
    assert_int_equal(signature->selector.n, DKIM_NAME_MAX);
    assert_str(signature->start, "YWJjZGVm");
    assert_int_equal(answers.asked, 0);
    buf_release(&mail);
}

static void a_key_in_testing_mode_vouches_for_nobody(void **state)
{
    struct fixture *f = *state;
    struct buf mail = signed_mail(&f->rsa, DKIM_SIGN_RSASHA256);
    struct answers answers = has(&f->rsa);
    assert_true(dkim_vouches(check(f, f->checker, buf_str(&mail), &answers)));
    char record[4096];
    snprintf(record, sizeof record, "%s; t=y", f->rsa.record);
    answers.record = str_of(record);
    const struct dkim_signature *signature = check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(signature->result, DKIM_PASS);
    assert_true(signature->testing);
    assert_false(dkim_vouches(signature));
    buf_release(&mail);
}

static void one_bad_signature_spoils_no_other(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT(1 << 20);
    buf_add(&mail, STR("DKIM-Signature: this is none\r\n"
                       "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s/../x; h=from; "
                       "bh=AAAA; b=AAAA\r\n"
                       "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; q=http; "
                       "bh=AAAA; b=AAAA\r\n"));
    sign(&f->rsa, DKIM_SIGN_RSASHA256, "s1", -1, &mail);
    buf_add(&mail, STR(HEAD "\r\n" BODY));
    struct answers answers = has(&f->rsa);
    check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(f->results.n, 4);
    assert_int_equal(f->results.list[0].result, DKIM_NEUTRAL);
    assert_int_equal(f->results.list[1].result, DKIM_PERMERROR);
    assert_str(f->results.list[1].reason, "selector and domain are no host name");
    assert_int_equal(f->results.list[2].result, DKIM_PERMERROR);
    assert_int_equal(f->results.list[3].result, DKIM_PASS);
    assert_int_equal(answers.asked, 1);
    buf_release(&mail);
}

static void only_so_many_signatures(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT(1 << 20);
    for (int i = 0; i < 50; i++) {
        char selector[16];
        snprintf(selector, sizeof selector, "s%d", i);
        sign(&f->ed, DKIM_SIGN_ED25519SHA256, selector, -1, &mail);
    }
    buf_add(&mail, STR(HEAD "\r\n" BODY));
    assert_true(buf_ok(&mail));
    struct answers answers = has(&f->ed);
    check(f, f->checker, buf_str(&mail), &answers);
    assert_int_equal(f->results.n, DKIM_SIGNATURES_MAX);
    assert_true(f->results.more);
    assert_int_equal(answers.asked, DKIM_SIGNATURES_MAX);
    for (size_t i = 0; i < f->results.n; i++)
        assert_int_equal(f->results.list[i].result, DKIM_PASS);
    buf_release(&mail);
}

static void no_signature_no_result(void **state)
{
    struct fixture *f = *state;
    struct answers answers = has(&f->rsa);
    static const char *const mails[] = {"",
                                        "\r\n",
                                        "Subject: x",
                                        HEAD "\r\n" BODY,
                                        ":\r\n\r\n",
                                        HEAD "\r\nDKIM-Signature: v=1; in the body\r\n"};
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++) {
        check(f, f->checker, str_of(mails[i]), &answers);
        assert_int_equal(f->results.n, 0);
    }
    assert_int_equal(answers.asked, 0);
}

/* Ten signatures that name thousands of fields, over a header of thousands: it must not take
 * their product. */
static void hostile_headers_take_no_time(void **state)
{
    struct fixture *f = *state;
    struct buf mail = BUF_INIT((size_t)32 << 20);
    for (int k = 0; k < 10; k++) {
        buf_addf(&mail,
                 "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s%d; "
                 "bh=AAAA; b=AAAA; l=%d; h=from",
                 k, 10000000 + k);
        for (int i = 0; i < 7000; i++)
            buf_add(&mail, STR(":x"));
        buf_add(&mail, STR("\r\n"));
    }
    for (int i = 0; i < 20000; i++)
        buf_addf(&mail, "X-Field-%d: value\r\n", i);
    buf_add(&mail, STR(HEAD "\r\n"));
    for (int i = 0; i < 200000; i++)
        buf_add(&mail, STR("line   with \t blanks that relaxed canonicalisation folds   \r\n"));
    assert_true(buf_ok(&mail));
    struct answers answers = has(&f->rsa);
    clock_t from = clock();
    check(f, f->checker, buf_str(&mail), &answers);
    double seconds = (double)(clock() - from) / CLOCKS_PER_SEC;
    print_message("# %.2f s CPU for %zu bytes\n", seconds, mail.n);
    assert_true(seconds < 20);
    for (size_t i = 0; i < f->results.n; i++)
        assert_int_not_equal(f->results.list[i].result, DKIM_PASS);
    buf_release(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_signatures_pass),
        cmocka_unit_test(line_ends_do_not_matter),
        cmocka_unit_test(what_was_changed_fails),
        cmocka_unit_test(keys_that_are_not_there),
        cmocka_unit_test(rfc_8301_holds),
        cmocka_unit_test(an_added_body_is_told),
        cmocka_unit_test(a_header_beyond_the_limits_is_not_believed),
        cmocka_unit_test(names_are_cut_to_what_a_name_can_be),
        cmocka_unit_test(a_key_in_testing_mode_vouches_for_nobody),
        cmocka_unit_test(one_bad_signature_spoils_no_other),
        cmocka_unit_test(only_so_many_signatures),
        cmocka_unit_test(no_signature_no_result),
        cmocka_unit_test(hostile_headers_take_no_time),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
