/* Work in a child: how it ended is known, however it ended. */
#include "t/unit/tap.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/backup_daily.h"

static int ends(void *data)
{
    return *(const int *)data;
}

static int is_killed(void *data)
{
    raise(SIGKILL);
    return *(const int *)data;
}

static int hangs(void *data)
{
    for (;;)
        pause();
    return *(const int *)data;
}

static void its_exit_status(void **state)
{
    struct err err = {""};
    int status = 2;
    assert_int_equal(backup_daily(3600, ends, &status, &err), 2);
    status = 0;
    assert_int_equal(backup_daily(3600, ends, &status, &err), 0);
    assert_string_equal(err.text, "");
}

static void one_that_is_killed(void **state)
{
    struct err err = {""};
    int status = 0;
    assert_int_equal(backup_daily(3600, is_killed, &status, &err), -1);
    assert_non_null(strstr(err.text, "killed by signal 9"));
}

static void one_that_hangs(void **state)
{
    struct err err = {""};
    int status = 0;
    assert_int_equal(backup_daily(1, hangs, &status, &err), -1);
    assert_non_null(strstr(err.text, "not done after"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_exit_status),
        cmocka_unit_test(one_that_is_killed),
        cmocka_unit_test(one_that_hangs),
    };
    return tap_run(tests, NULL, NULL);
}
