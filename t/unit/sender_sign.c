/* sign: keys in their files, their records, and signatures that our own verifier checks. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sender/dkim.h"
#include "sender/dns_file.h"
#include "sender/sign.h"

#define HEAD                                                                                       \
    "Received: from x by y;\r\n\tMon, 23 Nov 2026 01:00:00 +0000\r\nFrom: Anna <anna@own.example>" \
    "\r\nTo: b@x.example,\r\n\tc@x.example\r\nSubject : Gr\xc3\xbc\xc3\x9f"                        \
    "e\r\nDate: Mon, 23 Nov 2026 01:00:00 +0000\r\n\r\n"
#define BODY "Hello \t there\r\n\r\n.dot\r\n 8-bit \xff\xfe\r\n\r\n\r\n"

struct fixture {
    struct sign_private *rsa, *ed;
    struct sign_library *library;
    struct dkim_checker *checker;
    struct dns_file *dns;
    struct pool *pool;
};

static int setup(void **state)
{
    static struct fixture f;
    struct err err;
    struct buf zone = BUF_INIT(8192);
    f.rsa = sign_private_make(SIGN_RSA, &err);
    f.ed = sign_private_make(SIGN_ED25519, &err);
    f.library = sign_library_new(0, &err);
    f.checker = dkim_checker_new(&dkim_policy_default, &err);
    f.pool = pool_new(1024 * 1024);
    assert_true(f.rsa && f.ed && f.library && f.checker && f.pool);
    buf_add(&zone, STR("r._domainkey.own.example TXT "));
    assert_int_equal(sign_private_record(f.rsa, &zone, &err), 0);
    buf_add(&zone, STR("\ne._domainkey.own.example TXT "));
    assert_int_equal(sign_private_record(f.ed, &zone, &err), 0);
    buf_add(&zone, STR("\n"));
    f.dns = dns_file_parse(buf_str(&zone), "zone", &err);
    assert_non_null(f.dns);
    buf_release(&zone);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sign_private_free(&f->rsa);
    sign_private_free(&f->ed);
    sign_library_free(&f->library);
    dkim_checker_free(&f->checker);
    dns_file_free(&f->dns);
    pool_free(&f->pool);
    return 0;
}

/* The body comes in pieces of `step` bytes. */
static enum sign_result sign(struct fixture *f, bool twin, struct str header, struct str body,
                             size_t step, struct buf *fields, struct err *err)
{
    const struct sign_with rsa = {f->rsa, "r"};
    const struct sign_with ed = {f->ed, "e"};
    struct sign_message *m = sign_begin(f->library, "own.example", &rsa, twin ? &ed : NULL, err);
    assert_non_null(m);
    enum sign_result result = sign_header(m, header, err);
    for (size_t at = 0; result == SIGN_DONE && at < body.n; at += step)
        result = sign_body(m, str_sub(body, at, at + step), err);
    if (result == SIGN_DONE)
        result = sign_end(m, fields, err);
    sign_free(&m);
    return result;
}

/* How many signatures of the message are good. */
static size_t good(struct fixture *f, struct str fields, const char *head, struct str body)
{
    struct buf whole = BUF_INIT(1024 * 1024);
    struct dkim_results results;
    struct dns_source dns = dns_file_source(f->dns);
    struct err err;
    size_t n = 0;
    buf_add(&whole, fields);
    buf_add(&whole, str_of(head));
    buf_add(&whole, body);
    assert_int_equal(dkim_check(f->checker, f->pool, buf_str(&whole), &dns, &results, &err), 0);
    for (size_t i = 0; i < results.n; i++)
        n += dkim_vouches(&results.list[i]) && str_eq(results.list[i].domain, STR("own.example"));
    buf_release(&whole);
    return n;
}

static void both_signatures_are_good(void **state)
{
    static const char *const bodies[] = {BODY, "", "\r\n", "\r\n\r\n", "a\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (size_t step = 1; step < 40; step += 19) {
            struct buf fields = BUF_INIT(SIGN_ANSWER_MAX);
            struct err err = {""};
            struct str body = str_of(bodies[i]);
            assert_int_equal(sign(*state, true, STR(HEAD), body, step, &fields, &err), SIGN_DONE);
            assert_int_equal(good(*state, buf_str(&fields), HEAD, body), 2);
            buf_release(&fields);
        }
}

static void a_change_or_another_field_breaks_both(void **state)
{
    static const char *const heads[] = {
        "Subject: Other\r\n" HEAD,
        "From: other@own.example\r\n" HEAD,
        "Reply-To: other@own.example\r\n" HEAD,
        "Content-Type: text/html\r\n" HEAD,
    };
    struct buf fields = BUF_INIT(SIGN_ANSWER_MAX);
    struct err err;
    assert_int_equal(sign(*state, true, STR(HEAD), STR(BODY), 7, &fields, &err), SIGN_DONE);
    assert_int_equal(good(*state, buf_str(&fields), HEAD, STR(BODY "more\r\n")), 0);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        assert_int_equal(good(*state, buf_str(&fields), heads[i], STR(BODY)), 0);
    /* what each server adds breaks nothing */
    assert_int_equal(good(*state, buf_str(&fields), "Received: by z; now\r\n" HEAD, STR(BODY)), 2);
    assert_true(str_find(buf_str(&fields), STR("x=")) == STR_NONE);
    assert_true(str_find(buf_str(&fields), STR("l=")) == STR_NONE);
    buf_release(&fields);
}

static void an_end_is_said_where_it_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct fixture mine = *f;
    struct buf fields = BUF_INIT(SIGN_ANSWER_MAX);
    struct err err;
    mine.library = sign_library_new(3600, &err);
    assert_int_equal(sign(&mine, true, STR(HEAD), STR(BODY), 7, &fields, &err), SIGN_DONE);
    assert_true(str_find(buf_str(&fields), STR("x=")) != STR_NONE);
    assert_int_equal(good(f, buf_str(&fields), HEAD, STR(BODY)), 2);
    sign_library_free(&mine.library);
    buf_release(&fields);
}

static void what_no_signature_can_cover_is_told(void **state)
{
    struct buf fields = BUF_INIT(SIGN_ANSWER_MAX);
    struct buf many = BUF_INIT(64 * 1024);
    struct err err;
    for (int i = 0; i <= SIGN_FIELDS_MAX; i++)
        buf_add(&many, STR("To: a@x.example\r\n"));
    buf_add(&many, STR("From: a@own.example\r\n\r\n"));
    assert_int_equal(sign(*state, true, buf_str(&many), STR(BODY), 7, &fields, &err), SIGN_UNFIT);
    assert_int_equal(sign(*state, true, STR("From: a\0b@own.example\r\n\r\n"), STR(BODY), 7,
                          &fields, &err),
                     SIGN_UNFIT);
    assert_int_equal(sign(*state, true, STR("To: a@x.example\r\n\r\n"), STR(BODY), 7, &fields,
                          &err),
                     SIGN_UNFIT);
    buf_release(&many);
    buf_release(&fields);
}

static void write_file(const char *path, struct str text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.s, 1, text.n, file), text.n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void a_key_survives_its_file(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/poterne-sign-XXXXXX";
    struct err err;
    close(mkstemp(path));
    const struct sign_private *const keys[] = {f->rsa, f->ed};
    for (size_t i = 0; i < 2; i++) {
        struct buf before = BUF_INIT(SIGN_RECORD_MAX), after = BUF_INIT(SIGN_RECORD_MAX);
        write_file(path, str_n(keys[i]->pem.p, keys[i]->pem.n), i ? 0644 : 0600);
        struct sign_private *key = sign_private_read(path, &err);
        assert_non_null(key);
        assert_int_equal(key->kind, keys[i]->kind);
        assert_int_equal(key->open_to_all, i == 1);
        assert_int_equal(sign_private_record(keys[i], &before, &err), 0);
        assert_int_equal(sign_private_record(key, &after, &err), 0);
        assert_true(str_eq(buf_str(&before), buf_str(&after)));
        sign_private_free(&key);
        buf_release(&before);
        buf_release(&after);
    }
    write_file(path, STR("-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n"), 0600);
    assert_null(sign_private_read(path, &err));
    write_file(path, STR(""), 0600);
    assert_null(sign_private_read(path, &err));
    assert_null(sign_private_read("/tmp", &err));
    unlink(path);
    assert_null(sign_private_read(path, &err));
}

static void a_record_is_compared_with_the_key(void **state)
{
    struct fixture *f = *state;
    struct sign_private *other;
    struct buf own = BUF_INIT(SIGN_RECORD_MAX), foreign = BUF_INIT(SIGN_RECORD_MAX);
    struct err err;
    bool testing;
    other = sign_private_make(SIGN_ED25519, &err);
    sign_private_record(f->ed, &own, &err);
    sign_private_record(other, &foreign, &err);
    assert_null(sign_private_differs(f->ed, buf_str(&own), &testing));
    assert_false(testing);
    assert_string_equal(sign_private_differs(f->ed, buf_str(&foreign), &testing),
                        "it is of another key");
    assert_non_null(sign_private_differs(f->rsa, buf_str(&own), &testing));
    assert_non_null(sign_private_differs(f->ed, STR("v=DKIM1; k=ed25519; p="), &testing));
    buf_add(&own, STR("; t=s:y"));
    assert_null(sign_private_differs(f->ed, buf_str(&own), &testing));
    assert_true(testing);
    sign_private_free(&other);
    buf_release(&own);
    buf_release(&foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_signatures_are_good),
        cmocka_unit_test(a_change_or_another_field_breaks_both),
        cmocka_unit_test(an_end_is_said_where_it_is_asked_for),
        cmocka_unit_test(what_no_signature_can_cover_is_told),
        cmocka_unit_test(a_key_survives_its_file),
        cmocka_unit_test(a_record_is_compared_with_the_key),
    };
    return tap_run(tests, setup, teardown);
}
