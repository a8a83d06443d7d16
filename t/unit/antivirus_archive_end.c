/* Archives of which the end is missing. */
#include "t/unit/tap.h"

#include "antivirus/archive_end.h"
#include "t/unit/antivirus_samples.h"

/* Whole it is not cut; without its last byte, and at every other place, it is. */
static void cut_anywhere(const char *type, struct str whole)
{
    assert_false(archive_is_cut(type, whole));
    for (size_t n = 0; n < whole.n; n++)
        if (!archive_is_cut(type, str_sub(whole, 0, n)))
            fail_msg("%s: %zu of %zu bytes are taken for all", type, n, whole.n);
}

static void zip(void **state)
{
    struct buf file = BUF_INIT(1 << 20), longer = BUF_INIT(1 << 20);
    sample_zip_of(&file, "a.txt", STR("some text"));
    struct str whole = buf_str(&file);
    assert_false(archive_is_cut("CL_TYPE_ZIP", whole));
    assert_true(archive_is_cut("CL_TYPE_ZIP", str_sub(whole, 0, whole.n - 22)));
    assert_true(archive_is_cut("CL_TYPE_ZIP", str_sub(whole, 0, 40)));
    assert_true(archive_is_cut("CL_TYPE_ZIP", STR_EMPTY));
    /* a comment behind it; what stands further off is no end */
    buf_add(&longer, whole);
    for (int i = 0; i < 65535; i++)
        buf_addc(&longer, 'x');
    assert_false(archive_is_cut("CL_TYPE_ZIP", buf_str(&longer)));
    buf_addc(&longer, 'x');
    assert_true(archive_is_cut("CL_TYPE_ZIP", buf_str(&longer)));
    buf_release(&file);
    buf_release(&longer);
}

static void seven_zip(void **state)
{
    cut_anywhere("CL_TYPE_7Z", STR("7z\xbc\xaf\x27\x1c\0\4CCCC"
                                   "\4\0\0\0\0\0\0\0"
                                   "\3\0\0\0\0\0\0\0"
                                   "CCCC"
                                   "datahdr"));
    /* numbers that overflow */
    assert_true(archive_is_cut("CL_TYPE_7Z", STR("7z\xbc\xaf\x27\x1c\0\4CCCC"
                                                 "\1\0\0\0\0\0\0\0"
                                                 "\xff\xff\xff\xff\xff\xff\xff\xff"
                                                 "CCCC"
                                                 "datahdr")));
}

static void others(void **state)
{
    cut_anywhere("CL_TYPE_MSCAB", STR("MSCF\0\0\0\0\x1a\0\0\0the rest of it"));
    cut_anywhere("CL_TYPE_XZ", STR("\xfd"
                                   "7zXZ data.YZ"));
    assert_false(archive_is_cut("CL_TYPE_XZ", STR("data.YZ\0\0\0\0")));
    cut_anywhere("CL_TYPE_ARJ", STR("headers\x60\xea\0\0"));
    cut_anywhere("CL_TYPE_CPIO_NEWC", STR("070701 a TRAILER!!!"));
    /* a mark in a file is no end */
    struct buf file = BUF_INIT(1 << 20);
    buf_add(&file, STR("070701 a TRAILER!!! \x60\xea\0\0"));
    for (int i = 0; i < 10000; i++)
        buf_addc(&file, '\0');
    assert_false(archive_is_cut("CL_TYPE_CPIO_NEWC", buf_str(&file)));
    assert_false(archive_is_cut("CL_TYPE_ARJ", buf_str(&file)));
    for (int i = 0; i < 10000; i++)
        buf_addc(&file, 'x');
    assert_true(archive_is_cut("CL_TYPE_CPIO_NEWC", buf_str(&file)));
    assert_true(archive_is_cut("CL_TYPE_ARJ", buf_str(&file)));
    buf_release(&file);
}

/* The mark begins at any bit. */
static void bzip2(void **state)
{
    for (unsigned pad = 0; pad < 8; pad++) {
        char file[24] = "BZh9........";
        uint64_t mark = UINT64_C(0x177245385090) << pad;
        for (int i = 0; i < 7; i++)
            file[12 + i] = (char)(mark >> (48 - 8 * i));
        /* behind it the checksum: 32 bits, of which `pad` stand in the mark's last byte */
        size_t n = 12 + 7 + 4;
        assert_false(archive_is_cut("CL_TYPE_BZ", str_n(file, n)));
        assert_true(archive_is_cut("CL_TYPE_BZ", str_n(file, n - 2)));
    }
    assert_true(archive_is_cut("CL_TYPE_BZ", STR("BZh9")));
}

static void kinds_that_are_not_told(void **state)
{
    assert_false(archive_is_cut("CL_TYPE_GZ", STR("x")));
    assert_false(archive_is_cut("CL_TYPE_TEXT_ASCII", STR_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zip),
        cmocka_unit_test(seven_zip),
        cmocka_unit_test(others),
        cmocka_unit_test(bzip2),
        cmocka_unit_test(kinds_that_are_not_told),
    };
    return tap_run(tests, NULL, NULL);
}
