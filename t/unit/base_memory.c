#include "t/unit/tap.h"

#include "base/buf.h"
#include "base/pool.h"

/* --- buf --- */

static void buf_fills_to_its_last_byte(void **state)
{
    struct buf b = BUF_INIT(1000);
    for (size_t i = 0; i < 1000; i++)
        buf_addc(&b, (char)('a' + i % 26));
    assert_true(buf_ok(&b));
    assert_int_equal(strlen(buf_cstr(&b)), 1000);
    buf_add(&b, STR(""));
    buf_addf(&b, "%s", "");
    assert_true(buf_ok(&b));
    buf_addf(&b, "%s", "x");
    assert_false(buf_ok(&b));
    assert_int_equal(b.n, 1000);
    buf_release(&b);
}

static void failed_buf_takes_nothing_more(void **state)
{
    struct buf b = BUF_INIT(4);
    buf_add(&b, STR("ab"));
    buf_add(&b, STR("cde"));
    assert_false(buf_ok(&b));
    buf_add(&b, STR("x"));
    buf_addc(&b, 'x');
    buf_addf(&b, "x");
    assert_null(buf_room(&b, 1));
    assert_str(buf_str(&b), "ab");
    assert_string_equal(buf_cstr(&b), "");
    buf_clear(&b);
    buf_add(&b, STR("wxyz"));
    assert_string_equal(buf_cstr(&b), "wxyz");
    buf_release(&b);
    assert_int_equal(b.max, 4);
}

static void empty_buf_is_an_empty_text(void **state)
{
    struct buf b = BUF_INIT(0);
    assert_string_equal(buf_cstr(&b), "");
    assert_true(buf_ok(&b));
    buf_eat(&b, 5);
    buf_cut(&b, 5);
    assert_int_equal(b.n, 0);
    buf_addc(&b, 'x');
    assert_false(buf_ok(&b));
    buf_release(&b);
    buf_release(&b);
}

static void buf_gives_room_and_is_cut(void **state)
{
    struct buf b = BUF_INIT(100);
    char *room = buf_room(&b, 10);
    assert_non_null(room);
    memcpy(room, "0123456789", 10);
    buf_filled(&b, 8);
    assert_str(buf_str(&b), "01234567");
    buf_eat(&b, 3);
    assert_str(buf_str(&b), "34567");
    buf_cut(&b, 2);
    assert_str(buf_str(&b), "34");
    buf_cut(&b, 7);
    assert_str(buf_str(&b), "34");
    buf_eat(&b, 7);
    assert_int_equal(b.n, 0);
    assert_null(buf_room(&b, 101));
    assert_false(buf_ok(&b));
    buf_release(&b);
}

static void buf_keeps_nul_bytes(void **state)
{
    struct buf b = BUF_INIT(100);
    buf_addn(&b, "a\0b", 3);
    assert_int_equal(b.n, 3);
    assert_memory_equal(buf_cstr(&b), "a\0b", 4);
    buf_release(&b);
}

/* --- pool --- */

static void pool_memory_is_zeroed_and_aligned(void **state)
{
    struct pool *pool = pool_new(1024 * 1024);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *p = pool_alloc(pool, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    pool_reset(pool);
    unsigned char *again = pool_alloc(pool, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(again[i], 0);
    pool_free(&pool);
    pool_free(&pool);
}

static void large_pieces_leave_the_rest_of_a_block_in_use(void **state)
{
    struct pool *pool = pool_new(10 * 1024 * 1024);
    char *small = pool_alloc(pool, 16);
    char *large = pool_alloc(pool, 1024 * 1024);
    char *next = pool_alloc(pool, 16);
    assert_true(small && large && next);
    memset(large, 1, 1024 * 1024);
    assert_ptr_equal(next, small + 16);
    assert_int_equal(pool_used(pool), 1024 * 1024 + 32);
    pool_reset(pool);
    assert_int_equal(pool_used(pool), 0);
    assert_non_null(pool_alloc(pool, 9 * 1024 * 1024));
    pool_free(&pool);
}

static void pool_refuses_what_would_overflow(void **state)
{
    struct pool *pool = pool_new(SIZE_MAX);
    assert_null(pool_alloc(pool, SIZE_MAX));
    assert_null(pool_alloc(pool, SIZE_MAX - 16));
    assert_null(pool_array(pool, SIZE_MAX / 8, 16));
    assert_null(pool_cstr(pool, str_n("x", SIZE_MAX)));
    assert_non_null(pool_array(pool, 0, 16));
    assert_non_null(pool_alloc(pool, 16));
    pool_free(&pool);
}

static void pool_texts(void **state)
{
    struct pool *pool = pool_new(4096);
    struct str empty = pool_str(pool, STR_EMPTY);
    assert_non_null(empty.s);
    assert_int_equal(empty.n, 0);
    struct str odd = pool_str(pool, str_n("a\0b", 3));
    assert_int_equal(odd.n, 3);
    assert_memory_equal(odd.s, "a\0b", 4);
    struct str long_text = pool_strf(pool, "%01000d", 7);
    assert_int_equal(long_text.n, 1000);
    assert_int_equal(long_text.s[1000], 0);
    assert_null(pool_strf(pool, "%05000d", 7).s);
    assert_string_equal(pool_cstr(pool, STR("still")), "still");
    pool_free(&pool);
}

static void arrays_grow_in_a_pool(void **state)
{
    struct pool *pool = pool_new(64 * 1024);
    unsigned *numbers = NULL;
    size_t cap = 0, n = 0;
    for (;;) {
        unsigned *more = pool_grow(pool, numbers, n, &cap, sizeof *numbers);
        if (more == NULL)
            break;
        numbers = more;
        numbers[n] = (unsigned)n;
        n++;
    }
    assert_true(n > 1000);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(numbers[i], i);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_fills_to_its_last_byte),
        cmocka_unit_test(failed_buf_takes_nothing_more),
        cmocka_unit_test(empty_buf_is_an_empty_text),
        cmocka_unit_test(buf_gives_room_and_is_cut),
        cmocka_unit_test(buf_keeps_nul_bytes),
        cmocka_unit_test(pool_memory_is_zeroed_and_aligned),
        cmocka_unit_test(large_pieces_leave_the_rest_of_a_block_in_use),
        cmocka_unit_test(pool_refuses_what_would_overflow),
        cmocka_unit_test(pool_texts),
        cmocka_unit_test(arrays_grow_in_a_pool),
    };
    return tap_run(tests, NULL, NULL);
}
