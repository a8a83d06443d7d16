/* introspection: what an issuer's answer means (RFC 7662 2.2), and answers that mean nothing. */
#include "t/unit/tap.h"

#include "gateway/edge/introspection.h"

#define NOW 1000000

static const struct conf_oauth all = {.account = "username",
                                      .scope = "mail send",
                                      .audience = "mx",
                                      .issuer = "login"};
static const struct conf_oauth few = {.account = "sub", .scope = "", .audience = "", .issuer = ""};

static void expect(const struct conf_oauth *conf, const char *json, enum token_result expected)
{
    struct introspection said;
    enum token_result result = introspection_read(str_of(json), conf, NOW, &said);
    if (result != expected)
        fail_msg("%s: %d (%s), not %d", json, result, said.why, expected);
    if (expected == TOKEN_GOOD)
        assert_string_equal(said.user, "jean");
    else
        assert_true(said.why[0] != '\0');
}

#define SAID "\"active\":true,\"username\":\"jean\",\"sub\":\"jean\""
#define FIT  SAID ",\"scope\":\"send mail\",\"aud\":\"mx\",\"iss\":\"login\""

static void good(void **state)
{
    expect(&few, "{" SAID "}", TOKEN_GOOD);
    expect(&all, "{" FIT "}", TOKEN_GOOD);
    expect(&all, "{" FIT ",\"exp\":1000001,\"nbf\":1000030,\"token_type\":\"BEARER\"}", TOKEN_GOOD);
    expect(&few, "{" SAID ",\"exp\":1000000.5e1,\"nbf\":null}", TOKEN_GOOD);
    expect(&all,
           "{" SAID ",\"scope\":\"a mail  send\",\"iss\":\"login\",\"aud\":[1,\"other\",\"mx\"]}",
           TOKEN_GOOD);
}

static void refused(void **state)
{
    static const char *const wrong[] = {
        "{\"active\":false}",
        "{\"active\":false,\"username\":\"jean\"}",
        "{" FIT ",\"exp\":1000000}",
        "{" FIT ",\"exp\":0}",
        "{" FIT ",\"nbf\":1000031}",
        "{" FIT ",\"token_type\":\"mac\"}",
        "{" SAID ",\"scope\":\"send mail\",\"aud\":\"mx\"}",
        "{" SAID ",\"scope\":\"send mail\",\"aud\":\"mx\",\"iss\":\"logi\"}",
        "{" SAID ",\"scope\":\"send mail\",\"aud\":\"mx\",\"iss\":[\"login\"]}",
        "{\"active\":true,\"scope\":\"send mail\",\"aud\":\"mx\",\"iss\":\"login\"}",
        "{\"active\":true,\"username\":\"\",\"scope\":\"send "
        "mail\",\"aud\":\"mx\",\"iss\":\"login\"}",
        "{\"active\":true,\"username\":7,\"scope\":\"send mail\",\"aud\":\"mx\",\"iss\":\"login\"}",
    };
    static const char *const others[] = {
        "{" SAID ",\"iss\":\"login\",\"aud\":\"mx\"}",
        "{" SAID ",\"iss\":\"login\",\"aud\":\"mx\",\"scope\":\"mail\"}",
        "{" SAID ",\"iss\":\"login\",\"aud\":\"mx\",\"scope\":\"mail,send\"}",
        "{" SAID ",\"iss\":\"login\",\"aud\":\"mx\",\"scope\":\"mailsend\"}",
        "{" SAID ",\"iss\":\"login\",\"scope\":\"mail send\"}",
        "{" SAID ",\"iss\":\"login\",\"scope\":\"mail send\",\"aud\":\"mx2\"}",
        "{" SAID ",\"iss\":\"login\",\"scope\":\"mail send\",\"aud\":[]}",
        "{" SAID ",\"iss\":\"login\",\"scope\":\"mail send\",\"aud\":{\"mx\":\"mx\"}}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        expect(&all, wrong[i], TOKEN_WRONG);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect(&all, others[i], TOKEN_SCOPE);
}

static void not_understood(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "true",
        "[]",
        "{}",
        "{\"active\":\"true\"}",
        "{\"active\":1}",
        "{" FIT,
        "{" FIT "}x",
        "{" FIT ",\"exp\":\"1000001\"}",
        "{" FIT ",\"exp\":-1}",
        "{" FIT ",\"exp\":1e300}",
        "{" FIT ",\"nbf\":[]}",
        "{\"active\":false," FIT "}",
        "{" FIT ",\"x\":\"\xff\"}",
    };
    char deep[INTROSPECTION_MAX + 2];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(&all, bad[i], TOKEN_AWAY);
    memset(deep, '[', sizeof deep);
    deep[INTROSPECTION_MAX] = '\0';
    expect(&few, deep, TOKEN_AWAY);
    memset(deep, ' ', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    expect(&few, deep, TOKEN_AWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(refused),
        cmocka_unit_test(not_understood),
    };
    return tap_run(tests, NULL, NULL);
}
