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

/* a struct str against a C string */
#define assert_str(x, expected)                                                                    \
    do {                                                                                           \
        struct str got_ = (x);                                                                     \
        assert_int_equal(got_.n, strlen(expected));                                                \
        assert_memory_equal(got_.n ? got_.s : "", expected, got_.n);                               \
    } while (0)

#endif
