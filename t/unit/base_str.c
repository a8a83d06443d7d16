#include "t/unit/tap.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/wire.h"

static void compares_without_case(void **state)
{
    assert_true(str_ieq(STR("Subject"), STR("sUBJECT")));
    assert_false(str_ieq(STR("Subject"), STR("Subjects")));
    assert_true(str_istarts(STR("X-Spam-Flag: YES"), STR("x-spam-")));
    assert_true(str_eq(STR_EMPTY, STR("")));
}

static void finds(void **state)
{
    assert_int_equal(str_find(STR("abcabc"), STR("ca")), 2);
    assert_int_equal(str_find(STR("abc"), STR("abcd")), STR_NONE);
    assert_int_equal(str_ifind(STR("abCAbc"), STR("ca")), 2);
    assert_int_equal(str_rchr(STR("a.b.c"), '.'), 3);
}

static void splits_lines_with_either_end(void **state)
{
    struct str rest = STR("one\r\ntwo\n\nlast");
    struct str line;
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "one");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "two");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "");
    assert_true(str_next_line(&rest, &line));
    assert_str(line, "last");
    assert_false(str_next_line(&rest, &line));
}

static void numbers_are_strict(void **state)
{
    uint64_t n = 7;
    double d = 7;
    assert_false(str_to_u64(STR(""), 100, &n));
    assert_false(str_to_u64(STR("+1"), 100, &n));
    assert_false(str_to_u64(STR("101"), 100, &n));
    assert_false(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &n));
    assert_int_equal(n, 7);
    assert_true(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_true(str_to_double(STR("-2.5"), &d));
    assert_true(d == -2.5);
    assert_false(str_to_double(STR("1e9"), &d));
    assert_false(str_to_double(STR("-"), &d));
}

static void buf_keeps_its_maximum(void **state)
{
    struct buf b = BUF_INIT(5);
    buf_add(&b, STR("abc"));
    buf_addf(&b, "%d", 12);
    assert_true(buf_ok(&b));
    assert_str(buf_str(&b), "abc12");
    buf_addc(&b, 'x');
    assert_false(buf_ok(&b));
    assert_str(buf_str(&b), "abc12");
    buf_clear(&b);
    assert_true(buf_ok(&b));
    buf_release(&b);
}

static void pool_ends_at_its_maximum(void **state)
{
    struct pool *pool = pool_new(64 * 1024);
    assert_non_null(pool_alloc(pool, 60 * 1024));
    assert_null(pool_alloc(pool, 8 * 1024));
    assert_null(pool_array(pool, SIZE_MAX / 2, 4));
    pool_reset(pool);
    assert_str(pool_strf(pool, "%s-%d", "a", 5), "a-5");
    assert_str(pool_join(pool, (struct str[]){STR("a"), STR_EMPTY, STR("bc")}, 3), "abc");
    assert_str(pool_join(pool, NULL, 0), "");
    char large[64 * 1024] = "";
    assert_null(pool_join(pool, (struct str[]){str_n(large, sizeof large), STR("x")}, 2).s);
    assert_null(pool_join(pool, (struct str[]){STR("x"), str_n(large, SIZE_MAX - 1)}, 2).s);
    pool_free(&pool);
    assert_null(pool);
}

static void wire_round_trip_and_shortage(void **state)
{
    struct buf b = BUF_INIT(100);
    wire_u8(&b, 7);
    wire_f64(&b, -2.5);
    wire_i64(&b, -3);
    wire_str(&b, STR("text"));
    struct wire w = wire_of(buf_str(&b));
    assert_int_equal(wire_get_u8(&w), 7);
    assert_true(wire_get_f64(&w) == -2.5);
    assert_true(wire_get_i64(&w) == -3);
    assert_str(wire_get_str(&w), "text");
    assert_true(wire_done(&w));
    for (size_t n = 0; n < b.n; n++) {
        w = wire_of(str_sub(buf_str(&b), 0, n));
        wire_get_u8(&w);
        wire_get_f64(&w);
        wire_get_i64(&w);
        wire_get_str(&w);
        assert_false(wire_done(&w));
    }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_without_case),        cmocka_unit_test(finds),
        cmocka_unit_test(splits_lines_with_either_end), cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(buf_keeps_its_maximum),        cmocka_unit_test(pool_ends_at_its_maximum),
        cmocka_unit_test(wire_round_trip_and_shortage),
    };
    return tap_run(tests, NULL, NULL);
}
