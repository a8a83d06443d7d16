/* Every unit test prints TAP, which prove reads: call tap_run() instead of cmocka_run_group_tests.
 */
#ifndef POTERNE_T_UNIT_TAP_H
#define POTERNE_T_UNIT_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define tap_run(tests, setup, teardown)                                                            \
    (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, setup, teardown))

/* In a test: what it needs is not there. (cmocka's own skip() prints "not ok", which prove counts
 * as a failure.) ./check lists these at its end. */
#define tap_skip(why)                                                                              \
    do {                                                                                           \
        print_message("# skipped %s: %s\n", __func__, (why));                                      \
        return;                                                                                    \
    } while (0)

/* a struct str against a C string */
#define assert_str(x, expected)                                                                    \
    do {                                                                                           \
        struct str got_ = (x);                                                                     \
        assert_int_equal(got_.n, strlen(expected));                                                \
        assert_memory_equal(got_.n ? got_.s : "", expected, got_.n);                               \
    } while (0)

#endif
