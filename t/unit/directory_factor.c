/* factor: application passwords and tokens, their file, and who is asked for them. */
#include "t/unit/tap.h"

#include <crypt.h>
#include <stdio.h>

#include "directory/factor.h"

/* RFC 6238 appendix B: the secret "12345678901234567890", and the last six of its eight digits */
#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

static uint64_t spent;

static bool take(void *data, struct str secret, uint64_t step)
{
    (void)data;
    (void)secret;
    bool later = step > spent;
    spent = later ? step : spent;
    return later;
}

static struct factor_policy policy_of(bool app, bool totp, bool pass)
{
    return (struct factor_policy){.app_password = app,
                                  .totp = totp,
                                  .pass_missing = pass,
                                  .take = take};
}

static const char *hash_of(const char *password, const char *setting)
{
    static struct crypt_data data;
    const char *made = crypt_rn(password, setting, &data, sizeof data);
    assert_non_null(made);
    return made;
}

static enum factor_result check(const struct factor_policy *policy, bool outside,
                                const struct factors *factors, const char *password, int64_t now)
{
    struct factor_use use;
    enum factor_result result = factor_check(policy, outside, factors, password, now, &use);
    if (result == FACTOR_PASSWORD && !factor_spend(policy, &use))
        return FACTOR_WRONG;
    return result;
}

static void tokens_of_the_rfc(void **state)
{
    static const struct {
        int64_t time;
        const char *number;
    } vectors[] = {
        {1111111109, "081804"}, {1111111111, "050471"},  {1234567890, "005924"},
        {2000000000, "279037"}, {20000000000, "353130"},
    };
    const struct factor_policy policy = policy_of(false, true, false);
    struct factors one = {.n = 0};
    (void)state;
    factors_add(&one, FACTOR_TOTP, STR(SECRET));
    assert_int_equal(one.n, 1);
    spent = 0;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char password[32];
        struct factor_use use;
        snprintf(password, sizeof password, "secret%s", vectors[i].number);
        assert_int_equal(factor_check(&policy, true, &one, password, vectors[i].time, &use),
                         FACTOR_PASSWORD);
        assert_int_equal(use.n, 6);
        assert_true(factor_spend(&policy, &use));
        assert_false(factor_spend(&policy, &use));
    }
}

static void steps_around(void **state)
{
    const struct factor_policy policy = policy_of(false, true, false);
    struct factors one = {.n = 0};
    int64_t now = 1999999990;
    (void)state;
    factors_add(&one, FACTOR_TOTP, STR(SECRET));
    spent = 0;
    assert_int_equal(check(&policy, true, &one, "pw279037", now + 60), FACTOR_WRONG);
    assert_int_equal(check(&policy, true, &one, "pw279037", now - 60), FACTOR_WRONG);
    assert_int_equal(check(&policy, true, &one, "pw279037", now + 30), FACTOR_PASSWORD);
    assert_int_equal(check(&policy, true, &one, "pw279037", now - 30), FACTOR_WRONG); /* twice */
    spent = 0;
    assert_int_equal(check(&policy, true, &one, "pw279037", now - 30), FACTOR_PASSWORD);
    assert_int_equal(check(&policy, true, &one, "279037", now), FACTOR_WRONG); /* no password */
    assert_int_equal(check(&policy, true, &one, "pw279038", now), FACTOR_WRONG);
    assert_int_equal(check(&policy, true, &one, "pw", now), FACTOR_WRONG);
    assert_int_equal(check(&policy, false, &one, "pw", now), FACTOR_PASSWORD); /* inside */
}

static void application_passwords(void **state)
{
    char yescrypt[256], sha512[256];
    const struct factor_policy policy = policy_of(true, false, false);
    struct factors two = {.n = 0};
    (void)state;
    snprintf(yescrypt, sizeof yescrypt, "{CRYPT}%s", hash_of("laptop", "$y$j9T$saltsaltsaltsalt$"));
    snprintf(sha512, sizeof sha512, "%s", hash_of("phone", "$6$saltsalt$"));
    factors_add(&two, FACTOR_APP_PASSWORD, str_of(yescrypt));
    factors_add(&two, FACTOR_APP_PASSWORD, str_of(sha512));
    assert_int_equal(two.n, 2);
    assert_int_equal(check(&policy, true, &two, "laptop", 1), FACTOR_ENOUGH);
    assert_int_equal(check(&policy, true, &two, "phone", 1), FACTOR_ENOUGH);
    assert_int_equal(check(&policy, false, &two, "phone", 1), FACTOR_ENOUGH);
    assert_int_equal(check(&policy, true, &two, "password", 1), FACTOR_WRONG);
    assert_int_equal(check(&policy, false, &two, "password", 1), FACTOR_PASSWORD);
    assert_int_equal(check(&policy, true, &two, "", 1), FACTOR_WRONG);
    /* where only tokens count they are nothing */
    const struct factor_policy tokens = policy_of(false, true, false);
    assert_int_equal(check(&tokens, true, &two, "phone", 1), FACTOR_WRONG);
}

static void who_has_none(void **state)
{
    struct factors none = {.n = 0};
    struct factor_policy policy = policy_of(true, true, false);
    (void)state;
    assert_int_equal(check(&policy, true, &none, "password", 1), FACTOR_WRONG);
    assert_int_equal(check(&policy, false, &none, "password", 1), FACTOR_PASSWORD);
    policy.pass_missing = true;
    assert_int_equal(check(&policy, true, &none, "password", 1), FACTOR_PASSWORD);
    policy = policy_of(false, false, false);
    assert_int_equal(check(&policy, true, &none, "password", 1), FACTOR_PASSWORD);
}

/* Something stands there that nobody understands: it is not as if there were nothing. */
static void what_is_not_understood(void **state)
{
    struct factors odd = {.n = 0};
    struct factor_policy policy = policy_of(true, true, true);
    (void)state;
    factors_add(&odd, FACTOR_TOTP, STR("not base32!"));
    assert_int_equal(check(&policy, true, &odd, "password", 1), FACTOR_UNREAD);
    assert_int_equal(check(&policy, false, &odd, "password", 1), FACTOR_PASSWORD);
    policy.totp = false; /* tokens don't count */
    assert_int_equal(check(&policy, true, &odd, "password", 1), FACTOR_PASSWORD);
    factors_add(&odd, FACTOR_APP_PASSWORD, STR("{SSHA}abc"));
    assert_int_equal(check(&policy, true, &odd, "password", 1), FACTOR_UNREAD);
    policy.pass_missing = false;
    assert_int_equal(check(&policy, true, &odd, "password", 1), FACTOR_WRONG);
}

static void no_secrets(void **state)
{
    static const char *const hashes[] = {
        "",
        "password",
        "$1$salt$x",
        "$6$rounds=99999999$salt$x",
        "$y$jFT$salt$x",
        "$y$j9T",
        "$y$j9T$sa lt$x",
        "$2y$31$salt",
        "*",
        "!$6$salt$x",
    };
    struct factors none = {.n = 0};
    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
        factors_add(&none, FACTOR_APP_PASSWORD, str_of(hashes[i]));
    factors_add(&none, FACTOR_TOTP, STR(""));
    factors_add(&none, FACTOR_TOTP, STR("not base32!"));
    assert_int_equal(none.n, 0);
    for (size_t i = 0; i < 2 * FACTORS_MAX; i++)
        factors_add(&none, FACTOR_TOTP, STR(SECRET));
    assert_int_equal(none.n, FACTORS_MAX);
}

static void the_file(void **state)
{
    struct factor_file *file = NULL;
    struct err err = {""};
    struct factors found = {.n = 0};
    (void)state;
    assert_int_equal(
        factor_file_parse(STR("# ours\n\njean@a.example totp phone " SECRET "\n"
                              "anne@a.example app-password x $6$salt$hash\n"
                              "Jean@A.example\tapp-password  laptop $6$salt$hash 2026-11-23"),
                          "file", &file, &err),
        0);
    factor_file_find(file, STR("jean@a.example"), &found);
    assert_int_equal(found.n, 2);
    factor_file_find(file, STR("nobody@a.example"), &found);
    factor_file_find(NULL, STR("jean@a.example"), &found);
    assert_int_equal(found.n, 2);
    factor_file_free(&file);
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"\njean@a.example totp phone", "file:2: expected four words"},
        {"jean@a.example totp phone " SECRET " more", "file:1: expected four words"},
        {"jean totp phone " SECRET, "file:1: that is no mail address"},
        {"jean@a.example pin phone 1234", "file:1: expected app-password or totp"},
        {"jean@a.example totp phone 0189", "file:1: expected a secret in base32"},
        {"jean@a.example app-password phone secret", "file:1: expected a hash"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(factor_file_parse(str_of(wrong[i].text), "file", &file, &err), -1);
        assert_null(file);
        if (!str_starts(str_of(err.text), str_of(wrong[i].why)))
            fail_msg("%s: %s", wrong[i].text, err.text);
    }
}

int main(void)
{
    struct err err;
    if (factor_load(&err) < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_the_rfc),
        cmocka_unit_test(steps_around),
        cmocka_unit_test(application_passwords),
        cmocka_unit_test(who_has_none),
        cmocka_unit_test(what_is_not_understood),
        cmocka_unit_test(no_secrets),
        cmocka_unit_test(the_file),
    };
    return tap_run(tests, NULL, NULL);
}
