/* sasl: base64 as strict as RFC 4648 lets it be, the messages of PLAIN and LOGIN, and their room.
 */
#include "t/unit/tap.h"

#include "gateway/smtp/sasl.h"

static enum sasl_next take(struct sasl *sasl, const char *mechanism, const char *line)
{
    assert_true(sasl_begin(sasl, str_of(mechanism), false));
    return sasl_take(sasl, str_of(line));
}

static void plain(void **state)
{
    struct sasl s;
    assert_int_equal(take(&s, "plain", "AGplYW4Ac2VjcmV0"), SASL_READY);
    assert_string_equal(s.user, "jean");
    assert_string_equal(s.password, "secret");
    assert_int_equal(take(&s, "PLAIN", "amVhbgBqZWFuAHNlY3JldA=="), SASL_READY);
    assert_int_equal(take(&s, "PLAIN", "ZGVhbgBqZWFuAHNlY3JldA=="), SASL_FOR_OTHERS);
    assert_int_equal(take(&s, "PLAIN", "AAA="), SASL_READY);
    assert_string_equal(s.user, "");
    assert_string_equal(s.password, "");
    assert_int_equal(take(&s, "PLAIN", "AGplYW4="), SASL_MALFORMED);
    assert_int_equal(take(&s, "PLAIN", "AGplYW4AcwBlY3JldA=="), SASL_MALFORMED);
    sasl_wipe(&s);
    assert_int_equal(s.password[0], 0);
}

static void login(void **state)
{
    struct sasl s;
    assert_int_equal(take(&s, "LOGIN", "amVhbg=="), SASL_ASK);
    assert_string_equal(s.user, "jean");
    assert_int_equal(sasl_take(&s, STR("c2VjcmV0")), SASL_READY);
    assert_string_equal(s.password, "secret");
    assert_int_equal(take(&s, "LOGIN", "amVhbg=="), SASL_ASK);
    assert_int_equal(sasl_take(&s, STR("")), SASL_READY);
    assert_string_equal(s.password, "");
}

static void base64(void **state)
{
    static const char *const bad[] = {"A",         "AB",      "ABC",  "AGpl=W4A", "AGplYW4=AHNl",
                                      "====",      "A===",    "QR==", "QUF=",     "AGpl YW4",
                                      "AGpl\tW4A", "AGpl-W4_"};
    struct sasl s;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (take(&s, "LOGIN", bad[i]) != SASL_MALFORMED)
            fail_msg("%s was taken", bad[i]);
    assert_false(sasl_begin(&s, STR("CRAM-MD5"), true));
    assert_false(sasl_begin(&s, STR(""), true));
}

static void lengths(void **state)
{
    char line[SASL_LINE_MAX + 1];
    struct sasl s;
    memset(line, 'Q', sizeof line);
    assert_true(sasl_begin(&s, STR("LOGIN"), false));
    assert_int_equal(sasl_take(&s, str_n(line, 336)), SASL_ASK);    /* 252 bytes */
    assert_int_equal(sasl_take(&s, str_n(line, 1364)), SASL_READY); /* 1023 */
    assert_true(sasl_begin(&s, STR("LOGIN"), false));
    assert_int_equal(sasl_take(&s, str_n(line, 340)), SASL_MALFORMED); /* 255 */
    assert_true(sasl_begin(&s, STR("LOGIN"), false));
    assert_int_equal(sasl_take(&s, str_n(line, 4)), SASL_ASK);
    assert_int_equal(sasl_take(&s, str_n(line, 1368)), SASL_MALFORMED); /* 1026 */
    assert_true(sasl_begin(&s, STR("PLAIN"), false));
    assert_int_equal(sasl_take(&s, str_n(line, SASL_LINE_MAX)), SASL_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(login),
        cmocka_unit_test(base64),
        cmocka_unit_test(lengths),
    };
    return tap_run(tests, NULL, NULL);
}
