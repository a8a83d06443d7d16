/* srs: addresses under which mail is sent on, and their way back. */
#include "t/unit/tap.h"

#include <limits.h>
#include <stdio.h>

#include "sender/srs.h"

#define NOW 1800000000
#define DAY 86400

static struct srs_keys keys_of(const char *one, const char *two)
{
    struct srs_keys keys = {.n = 0};
    struct err err;
    assert_int_equal(srs_key_add(&keys, (const unsigned char *)one, strlen(one), &err), 0);
    if (two)
        assert_int_equal(srs_key_add(&keys, (const unsigned char *)two, strlen(two), &err), 0);
    return keys;
}

static const char *there(const char *sender, const char *domain, char made[SRS_ADDRESS_SIZE])
{
    struct srs_keys keys = keys_of("one", NULL);
    return srs_forward(&keys, str_of(sender), str_of(domain), NOW, made) ? made : "no";
}

static enum srs_result back(const char *address, char to[SRS_ADDRESS_SIZE])
{
    struct srs_keys keys = keys_of("one", NULL);
    return srs_back(&keys, str_of(address), NOW, to);
}

static void senders_come_back(void **state)
{
    static const char *const senders[] = {
        "jean@a.example",      "a=b=c@a.example", "\"jean toto\"@a.example", "\"a\\\"b\"@a.example",
        "j\xc3\xa9@a.example", "x@[192.0.2.1]",   "SRS0=abc@a.example",      "SRS1=abc@a.example",
    };
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
        there(senders[i], "b.example", made);
        assert_true(srs_looks_like(str_of(made)));
        assert_true(str_ends(str_of(made), STR("@b.example")));
        assert_int_equal(back(made, to), SRS_GOOD);
        assert_string_equal(to, senders[i]);
    }
}

static void a_chain_keeps_the_first_server(void **state)
{
    char first[SRS_ADDRESS_SIZE], second[SRS_ADDRESS_SIZE], third[SRS_ADDRESS_SIZE];
    char to[SRS_ADDRESS_SIZE];
    there("jean@a.example", "b.example", first);
    there(first, "c.example", second);
    there(second, "d.example", third);
    assert_true(str_starts(str_of(second), STR("SRS1=")));
    assert_true(str_find(str_of(third), STR("c.example")) == STR_NONE);
    assert_int_equal(back(third, to), SRS_GOOD);
    assert_string_equal(to, first);
    assert_int_equal(back(second, to), SRS_GOOD);
    assert_string_equal(to, first);
}

/* What stands for a server in a chain goes into a command some day. */
static void a_server_that_is_no_name_is_not_written_to(void **state)
{
    struct srs_keys keys = keys_of("one", NULL);
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    const struct str sender = STR("\"SRS1=x=evil> y==z\"@h.example");
    if (srs_forward(&keys, sender, STR("b.example"), NOW, made))
        assert_int_equal(back(made, to), SRS_FORGED);
    assert_false(srs_forward(&keys, STR("a@h.example"), STR("b example"), NOW, made));
}

static void case_does_not_matter(void **state)
{
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    there("Jean@A.example", "b.example", made);
    for (char *p = made; *p; p++)
        *p = str_lower_char(*p);
    assert_int_equal(back(made, to), SRS_GOOD);
    assert_string_equal(to, "jean@a.example");
}

static void every_change_is_a_forgery(void **state)
{
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    there("jean@a.example", "b.example", made);
    for (size_t i = 5; made[i] != '@'; i++) {
        char old = made[i];
        made[i] = old == 'q' ? 'r' : 'q';
        if (str_lower_char(old) != made[i])
            assert_int_equal(back(made, to), SRS_FORGED);
        assert_string_equal(made[i] == old ? "" : to, "");
        made[i] = old;
    }
    static const char *const bad[] = {"SRS0@b.example",         "SRS0=@b.example",
                                      "SRS0=aaaaaa@b.example",  "SRS0=aaaaaa=AA@b.example",
                                      "SRS0==AA=a=b@b.example", "SRS1=aaaaaa=b.example@b.example",
                                      "jean@b.example",         "",
                                      "\"SRS0=\"@b.example",    "SRS0=aaaaaaa=AA=a=b@b.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(back(bad[i], to), SRS_FORGED);
}

static void they_last_three_weeks(void **state)
{
    struct srs_keys keys = keys_of("one", NULL);
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    there("jean@a.example", "b.example", made);
    for (int64_t day = -1; day <= SRS_DAYS; day++)
        assert_int_equal(srs_back(&keys, str_of(made), NOW + day * DAY, to), SRS_GOOD);
    assert_int_equal(srs_back(&keys, str_of(made), NOW + (SRS_DAYS + 1) * DAY, to), SRS_EXPIRED);
    assert_int_equal(srs_back(&keys, str_of(made), NOW + 1000 * (int64_t)DAY, to), SRS_EXPIRED);
    assert_int_equal(srs_back(&keys, str_of(made), NOW - 2 * DAY, to), SRS_EXPIRED);
}

static void they_outlast_what_is_held(void **state)
{
    struct srs_keys keys = keys_of("one", NULL);
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    there("jean@a.example", "b.example", made);
    keys.held_days = 30;
    assert_int_equal(srs_back(&keys, str_of(made), NOW + (30 + SRS_DAYS) * DAY, to), SRS_GOOD);
    assert_int_equal(srs_back(&keys, str_of(made), NOW + (31 + SRS_DAYS) * DAY, to), SRS_EXPIRED);
    static const unsigned for_ever[] = {SRS_DAYS_MAX, SRS_DAYS_MAX - SRS_DAYS, UINT_MAX};
    for (size_t i = 0; i < sizeof for_ever / sizeof for_ever[0]; i++) {
        keys.held_days = for_ever[i];
        int64_t last = NOW + SRS_DAYS_MAX * (int64_t)DAY;
        assert_int_equal(srs_back(&keys, str_of(made), last, to), SRS_GOOD);
        assert_int_equal(srs_back(&keys, str_of(made), last + DAY, to), SRS_EXPIRED);
    }
}

static void an_old_key_still_reads(void **state)
{
    struct srs_keys both = keys_of("two", "one"), other = keys_of("two", NULL), none = {.n = 0};
    char made[SRS_ADDRESS_SIZE], to[SRS_ADDRESS_SIZE];
    there("jean@a.example", "b.example", made);
    assert_int_equal(srs_back(&both, str_of(made), NOW, to), SRS_GOOD);
    assert_int_equal(srs_back(&other, str_of(made), NOW, to), SRS_FORGED);
    assert_int_equal(srs_back(&none, str_of(made), NOW, to), SRS_FORGED);
    assert_false(srs_forward(&none, STR("a@b.example"), STR("c.example"), NOW, made));
}

static void what_is_too_long_is_not_cut(void **state)
{
    char made[SRS_ADDRESS_SIZE], sender[128];
    /* SRS0= 6 = 2 = host = : 25 before the local part */
    for (int n = 30; n < 50; n++) {
        snprintf(sender, sizeof sender, "%.*s@a.example", n,
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
        bool fits = strcmp(there(sender, "b.example", made), "no") != 0;
        assert_int_equal(fits, 5 + 6 + 1 + 2 + 1 + 9 + 1 + n <= SRS_LOCAL_MAX);
        assert_int_equal(fits, *made != '\0');
    }
    assert_string_equal(there("no domain", "b.example", made), "no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders_come_back),
        cmocka_unit_test(a_chain_keeps_the_first_server),
        cmocka_unit_test(a_server_that_is_no_name_is_not_written_to),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(every_change_is_a_forgery),
        cmocka_unit_test(they_last_three_weeks),
        cmocka_unit_test(they_outlast_what_is_held),
        cmocka_unit_test(an_old_key_still_reads),
        cmocka_unit_test(what_is_too_long_is_not_cut),
    };
    return tap_run(tests, NULL, NULL);
}
