/* certificates: other files are seen once, and not before they lie still. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/certificates.h"

struct place {
    char folder[64], link[96], key[96], first[96], second[96];
    struct conf_smtp conf;
    struct certificates seen;
    time_t now;
};

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    snprintf(p->folder, sizeof p->folder, "/tmp/poterne-certificates-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->link, sizeof p->link, "%s/live.pem", p->folder);
    snprintf(p->key, sizeof p->key, "%s/key.pem", p->folder);
    snprintf(p->first, sizeof p->first, "%s/1.pem", p->folder);
    snprintf(p->second, sizeof p->second, "%s/2.pem", p->folder);
    put(p->first, "one");
    put(p->second, "two");
    put(p->key, "key");
    assert_int_equal(symlink(p->first, p->link), 0);
    p->conf.tls_certificate = p->link;
    p->conf.tls_key = p->key;
    p->now = 1000;
    certificates_loaded(&p->seen, &p->conf, p->now);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    unlink(p->link);
    unlink(p->key);
    unlink(p->first);
    unlink(p->second);
    rmdir(p->folder);
    free(p);
    return 0;
}

static bool look_later(struct place *p)
{
    p->now += CERTIFICATES_LOOK;
    return certificates_changed(&p->seen, &p->conf, p->now);
}

static void test_nothing_new(void **state)
{
    assert_false(look_later(*state));
    assert_false(look_later(*state));
}

static void test_link_leads_elsewhere(void **state)
{
    struct place *p = *state;
    assert_int_equal(unlink(p->link), 0);
    assert_int_equal(symlink(p->second, p->link), 0);
    assert_false(look_later(p)); /* perhaps somebody is still writing */
    assert_true(look_later(p));
    assert_false(look_later(p));
}

static void test_between_two_looks_nothing_is_read(void **state)
{
    struct place *p = *state;
    put(p->key, "another key");
    assert_false(look_later(p));
    assert_false(certificates_changed(&p->seen, &p->conf, p->now + CERTIFICATES_LOOK - 1));
    assert_true(look_later(p));
}

static void test_waits_for_who_writes(void **state)
{
    struct place *p = *state;
    put(p->first, "half");
    assert_false(look_later(p));
    put(p->first, "half, and more");
    assert_false(look_later(p));
    assert_true(look_later(p));
}

static void test_missing_is_being_replaced(void **state)
{
    struct place *p = *state;
    assert_int_equal(unlink(p->key), 0);
    for (int i = 0; i < 3; i++)
        assert_false(look_later(p));
    put(p->key, "a new key");
    assert_false(look_later(p));
    assert_true(look_later(p));
}

static void test_settings_were_read_again(void **state)
{
    struct place *p = *state;
    p->conf.tls_certificate = p->second;
    certificates_loaded(&p->seen, &p->conf, p->now);
    assert_false(look_later(p));
    assert_false(look_later(p));
}

static void test_none_is_set(void **state)
{
    struct place *p = *state;
    p->conf.tls_certificate = NULL;
    certificates_loaded(&p->seen, &p->conf, p->now);
    assert_false(look_later(p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link_leads_elsewhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_between_two_looks_nothing_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_waits_for_who_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_is_being_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_were_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none_is_set, set_up, tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
