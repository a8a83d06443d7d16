/* How a server is gone to: TLSA records as strangers write them, and the table of what is decided.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/delivery/policy.h"

#define HEX32 "0123456789abcdef0123456789abcdef"
#define HEX64 HEX32 HEX32

static struct str wire(const char *fields, const char *data)
{
    static char bytes[TLSA_DATA_MAX + 10];
    size_t n = strlen(data);
    memcpy(bytes, fields, 3);
    memcpy(bytes + 3, data, n);
    return str_n(bytes, n + 3);
}

static bool usable(const char *fields, const char *data)
{
    struct tlsa_record record;
    return tlsa_record_read(wire(fields, data), &record);
}

static void which_records_count(void **state)
{
    static char large[TLSA_DATA_MAX + 2];
    assert_true(usable("\3\1\1", HEX32));
    assert_true(usable("\2\0\1", HEX32));
    assert_true(usable("\3\1\2", HEX64));
    assert_true(usable("\3\0\0", "a certificate"));
    assert_false(usable("\0\1\1", HEX32)); /* PKIX-TA */
    assert_false(usable("\1\1\1", HEX32)); /* PKIX-EE */
    assert_false(usable("\4\1\1", HEX32));
    assert_false(usable("\3\2\1", HEX32));
    assert_false(usable("\3\1\3", HEX32));
    assert_false(usable("\3\1\1", HEX64)); /* not the length of that digest */
    assert_false(usable("\3\1\2", HEX32));
    assert_false(usable("\3\1\0", ""));
    assert_false(usable("\xff\xff\xff", HEX32));
    memset(large, 'x', TLSA_DATA_MAX + 1);
    assert_false(usable("\3\1\0", large));
    large[TLSA_DATA_MAX] = '\0';
    assert_true(usable("\3\1\0", large));
}

static void they_are_copied(void **state)
{
    struct dns_record records[TLSA_RECORDS_MAX + 3];
    char bytes[TLSA_RECORDS_MAX + 3][35];
    char text[TLSA_TEXT_SIZE];
    for (size_t i = 0; i < TLSA_RECORDS_MAX + 3; i++) {
        memcpy(bytes[i], i == 1 ? "\1\1\1" : "\3\1\1", 3);
        memset(bytes[i] + 3, (int)i, 32);
        records[i] = (struct dns_record){.data = str_n(bytes[i], 35)};
    }
    struct tlsa *tlsa = tlsa_read(records, TLSA_RECORDS_MAX + 3);
    assert_non_null(tlsa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(tlsa->n, TLSA_RECORDS_MAX);
    assert_int_equal(tlsa->passed_over, 3);
    assert_int_equal(tlsa->records[0].data.s[31], 0);
    assert_int_equal(tlsa->records[1].data.s[31], 2);
    tlsa_text(&tlsa->records[1], text);
    assert_string_equal(text,
                        "3 1 1 0202020202020202020202020202020202020202020202020202020202020202");
    free(tlsa);
}

/* --- the table --- */

static const struct tlsa unusable = {.passed_over = 1};
static const struct tlsa some = {.n = 1};

static void the_settings_alone(void **state)
{
    const struct {
        enum conf_outside_tls tls;
        bool fails;
        enum client_tls expected;
        bool required;
    } rows[] = {{OUTSIDE_TLS_NONE, false, CLIENT_TLS_NONE, false},
                {OUTSIDE_TLS_MAY, false, CLIENT_TLS_MAY, false},
                {OUTSIDE_TLS_MAY, true, CLIENT_TLS_NONE, false},
                {OUTSIDE_TLS_MUST, false, CLIENT_TLS_MUST, false},
                {OUTSIDE_TLS_MUST, true, CLIENT_TLS_MUST, false},
                {OUTSIDE_TLS_VERIFY, true, CLIENT_TLS_MUST, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct policy_facts facts = {.tls = rows[i].tls,
                                           .name = "mx.a.example",
                                           .tls_fails = rows[i].fails};
        struct policy policy = policy_decide(&facts);
        assert_int_equal(policy.kind, POLICY_NONE);
        assert_int_equal(policy.tls, rows[i].expected);
        assert_int_equal(policy.required, rows[i].required);
        assert_int_equal(policy.because != NULL, rows[i].expected == CLIENT_TLS_MUST);
    }
}

static void tlsa_goes_first(void **state)
{
    const enum conf_outside_tls all[] = {OUTSIDE_TLS_MAY, OUTSIDE_TLS_MUST, OUTSIDE_TLS_VERIFY};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct policy_facts facts = {.tls = all[i],
                                     .name = "mx.a.example",
                                     .tlsa = &some,
                                     .tls_fails = true};
        struct policy policy = policy_decide(&facts);
        assert_int_equal(policy.kind, POLICY_TLSA);
        assert_int_equal(policy.tls, CLIENT_TLS_MUST);
        assert_int_equal(policy.proof, PROOF_DANE);
        assert_true(policy.required);
        facts.tlsa = &unusable;
        policy = policy_decide(&facts);
        assert_int_equal(policy.kind, POLICY_TLSA);
        assert_int_equal(policy.tls, CLIENT_TLS_MUST);
        assert_int_not_equal(policy.proof, PROOF_DANE);
        assert_int_equal(policy.required, all[i] == OUTSIDE_TLS_VERIFY);
    }
    const struct policy_facts never = {.tls = OUTSIDE_TLS_NONE, .name = "mx", .tlsa = &some};
    assert_int_equal(policy_decide(&never).tls, CLIENT_TLS_NONE);
}

/* RFC 8689 3: what the recipient's domain has published does not hold, what we are told to does. */
static void the_sender_may_waive(void **state)
{
    struct policy_facts facts = {.asked = ASKED_WAIVED,
                                 .tls = OUTSIDE_TLS_MAY,
                                 .name = "mx.a.example",
                                 .tlsa = &some,
                                 .sts = STS_ENFORCE};
    struct policy policy = policy_decide(&facts);
    assert_int_equal(policy.tls, CLIENT_TLS_MAY);
    assert_false(policy.required);
    assert_int_equal(policy.kind, POLICY_NONE);
    facts.tls_fails = true;
    assert_int_equal(policy_decide(&facts).tls, CLIENT_TLS_NONE);
    facts.tls = OUTSIDE_TLS_VERIFY;
    policy = policy_decide(&facts);
    assert_int_equal(policy.tls, CLIENT_TLS_MUST);
    assert_true(policy.required);
}

static void the_sender_may_require(void **state)
{
    struct policy_facts facts = {.asked = ASKED_REQUIRED,
                                 .tls = OUTSIDE_TLS_MAY,
                                 .name = "mx.a.example",
                                 .tls_fails = true};
    struct policy policy = policy_decide(&facts);
    assert_int_equal(policy.tls, CLIENT_TLS_MUST);
    assert_int_equal(policy.proof, PROOF_PKIX);
    assert_true(policy.required && policy.by_sender);
    facts.sts = STS_ENFORCE;
    policy = policy_decide(&facts);
    assert_string_equal(policy.because, "MTA-STS");
    assert_false(policy.by_sender); /* its domain wants it, too, and may mend it */
    facts.sts = STS_NONE;
    facts.tlsa = &unusable;
    policy = policy_decide(&facts);
    assert_int_equal(policy.proof, PROOF_PKIX);
    assert_true(policy.required && policy.by_sender);
    facts.tlsa = &some;
    policy = policy_decide(&facts);
    assert_int_equal(policy.proof, PROOF_DANE);
    assert_int_equal(policy.otherwise, PROOF_PKIX);
    assert_false(policy.by_sender);
    facts.tls = OUTSIDE_TLS_NONE;
    assert_int_equal(policy_decide(&facts).tls, CLIENT_TLS_NONE);
}

static void what_protects_is_named(void **state)
{
    struct policy policy = {.tls = CLIENT_TLS_MAY, .proof = PROOF_PKIX};
    struct proof proof = {.by = PROOF_NONE};
    assert_null(policy_protection(&policy, &proof));
    proof.by = PROOF_PKIX;
    assert_null(policy_protection(&policy, &proof)); /* nobody asked for it */
    policy.required = true;
    assert_string_equal(policy_protection(&policy, &proof), "certificate verified");
    proof.by = PROOF_DANE;
    assert_string_equal(policy_protection(&policy, &proof), "DANE verified");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_records_count),    cmocka_unit_test(they_are_copied),
        cmocka_unit_test(the_settings_alone),     cmocka_unit_test(tlsa_goes_first),
        cmocka_unit_test(the_sender_may_waive),   cmocka_unit_test(the_sender_may_require),
        cmocka_unit_test(what_protects_is_named),
    };
    return tap_run(tests, NULL, NULL);
}
