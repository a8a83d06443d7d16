/* what rules read out of attached files: sizes of images, PDF, MD5 */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"

#include "rules/facts/image_size.h"
#include "rules/facts/locales.h"
#include "rules/facts/pdf.h"
#include "rules/facts/pdf_string.h"

static void check_size(enum image_kind kind, struct str bytes, uint32_t width, uint32_t height)
{
    struct image_size size = {0};
    bool read = image_size_read(kind, bytes, &size);
    if (read != (width > 0) || (read && (size.width != width || size.height != height)))
        fail_msg("%d: %ux%u, not %ux%u", (int)kind, size.width, size.height, width, height);
}

static void measures_images(void **state)
{
    const struct str gif = STR("GIF89a\x40\x01\xf0\x00\x80\x00\x00");
    const struct str png = STR("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x40\0\0\0\xf0");
    const struct str jpeg = STR("\xff\xd8\xff\xe0\0\x04"
                                "ab\xff\xc2\0\x11\x08\0\xf0\x01\x40\x03");
    check_size(IMAGE_GIF, gif, 320, 240);
    check_size(IMAGE_PNG, png, 320, 240);
    check_size(IMAGE_JPEG, jpeg, 320, 240);
    check_size(IMAGE_PNG, gif, 0, 0);
    for (size_t n = 0; n < gif.n; n++)
        check_size(IMAGE_GIF, str_sub(gif, 0, n), n >= 10 ? 320 : 0, 240);
    for (size_t n = 0; n < png.n; n++)
        check_size(IMAGE_PNG, str_sub(png, 0, n), 0, 0);
    for (size_t n = 0; n + 1 < jpeg.n; n++)
        check_size(IMAGE_JPEG, str_sub(jpeg, 0, n), 0, 0);
    check_size(IMAGE_GIF, STR("GIF87a\0\0\xf0\x00"), 0, 0);
    check_size(IMAGE_JPEG, STR("\xff\xd8\xff\xe0\0\x01\xff\xc0\0\x11\x08\0\x01\0\x01\x03"), 0, 0);
    check_size(IMAGE_JPEG,
               STR("\xff\xd8\xff\xda\0\x04"
                   "ab\xff\xc0\0\x11\x08\0\x01\0\x01\x03"),
               0, 0);
}

static void names_files(void **state)
{
    static const struct {
        const char *text, *name;
    } known[] = {
        /* RFC 1321 A.5 */
        {"", "D41D8CD98F00B204E9800998ECF8427E"},
        {"abc", "900150983CD24FB0D6963F7D28E17F72"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57EDF4A22BE3C955AC49DA2E2107B67A"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct md5 md5;
        char hex[MD5_HEX + 1];
        md5_init(&md5);
        md5_add(&md5, str_of(known[i].text));
        md5_finish(&md5, hex);
        assert_string_equal(hex, known[i].name);
    }
}

static void check_detail(const struct pdf *pdf, const char *key, const char *value)
{
    for (size_t i = 0; i < pdf->n_details; i++) {
        if (strcmp(pdf->details[i].key, key) == 0 && str_eq(pdf->details[i].value, str_of(value)))
            return;
    }
    fail_msg("no %s %s", key, value);
}

static void reads_pdf(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct str file = STR("\xef\xbb\xbfjunk\n%PDF-1.4\n"
                          "<</Producer(GPL Ghostscript 8.15)/Author <FEFF 0041 0042>\n"
                          "/Title(Foo \\(bar\\) \\101) /Creator () /CreationDate(D:2007x)\n"
                          "/ModDate (D:2008-)\r\n"
                          "630 0 0 149 0 0 cm\n" /* no picture was announced yet */
                          "/XObject /Image\n"
                          "630 0 0 149 0 0 cm\n"
                          "7 0 0 9 0 0 cm\n" /* nor another one */
                          "<</Image /Width 10/Height 20>>\n"
                          "/Encrypt 5 0 R\n");
    assert_true(pdf_begins(&file));
    assert_int_equal(file.s[0], 'j');
    const struct pdf *pdf = pdf_read(pool, file);
    assert_non_null(pdf);
    check_detail(pdf, "producer", "GPL Ghostscript 8.15");
    check_detail(pdf, "author", "AB");
    check_detail(pdf, "title", "Foo (bar) A");
    check_detail(pdf, "creator", "");
    check_detail(pdf, "created", "2007");
    check_detail(pdf, "modified", "2008");
    assert_int_equal(pdf->images, 2);
    assert_true(pdf->area == 630 * 149 + 10 * 20);
    assert_int_equal(pdf->n_sizes, 3);
    assert_true(pdf->sizes[2].height == 169 && pdf->sizes[2].width == 640);
    assert_true(pdf->encrypted);
    assert_false(pdf->limited);
    pool_free(&pool);
}

static void check_link(struct str line, const char *expected)
{
    char out[PDF_STRING_MAX];
    struct str got = str_n(out, pdf_link_read(line, out));
    if (!str_eq(got, str_of(expected)))
        fail_msg("%.*s: \"%.*s\", not \"%s\"", STR_ARG(line), STR_ARG(got), expected);
}

static void finds_links_of_pdf(void **state)
{
    check_link(STR("<</S /URI /URI (https://x.example/a\\(b\\))>>"), "https://x.example/a(b)");
    check_link(STR("/S/URI/URI<782E79>"), ""); /* SpamAssassin wants a dot outside, too */
    check_link(STR("/S/URI/URI<782E.79>"), "x.y");
    check_link(STR(" /URI (x.y)"), "x.y");
    check_link(STR("<</URI (x.y)>>"), ""); /* neither at the beginning nor behind /S */
    check_link(STR("/S   /URI/URI(x.y)"), "");
    check_link(STR("/URI (x) /S/URI/URI (x.y)"), ""); /* the first decides */
    check_link(STR("/URI (x.y /S/URI/URI<782e.79>"), "x.y");
    check_link(STR("/A(http://x.example)>> (https://y.example/)>>"),
               "http://x.example)>> (https://y.example/");
    check_link(STR("/A(http://x.exampl)>>"), "http://x.exampl");
    check_link(STR("/A(http://x.examp)>>"), "");
    check_link(STR("/A(http://x.examp)> >"), "");
    check_link(STR("/URI (nodots)"), "");
    check_link(STR("/URI (.xy)"), "");
    check_link(STR("/URI (x.y\\000z)"), "");
    check_link(STR(""), "");
}

static void keeps_each_link_once_and_few(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct buf file = BUF_INIT(1 << 16);
    buf_add(&file, STR("/URI (a.b)\n/URI (a.b)\n"));
    for (unsigned i = 0; i < 2 * PDF_LINKS_MAX; i++)
        buf_addf(&file, "/URI (host%u.example)\n", i);
    const struct pdf *pdf = pdf_read(pool, buf_str(&file));
    assert_non_null(pdf);
    assert_int_equal(pdf->n_links, PDF_LINKS_MAX);
    assert_str(pdf->links[0], "a.b");
    assert_str(pdf->links[1], "host0.example");
    buf_release(&file);
    pool_free(&pool);
}

static void knows_pdf(void **state)
{
    struct str far = STR("%PDF 1.4"), none = STR("");
    char text[2000];
    memset(text, ' ', sizeof text);
    memcpy(text + 1024, "%PDF-1.7", 8);
    struct str late = str_n(text, sizeof text);
    assert_true(pdf_begins(&late));
    late = str_from(str_n(text, 1024 + 7), 0);
    assert_false(pdf_begins(&late));
    assert_false(pdf_begins(&far));
    assert_false(pdf_begins(&none));
}

/* Lines that make a careless reader look at everything again and again. */
static void bounds_hostile_pdf(void **state)
{
    static const char *const lines[] = {"/Author(",         "/Title<",
                                        "/Author(x)\n",     "/S/URI/URI(",
                                        "(http://",         "(https://x.example/y)>",
                                        "/Width 1/Height ", "/Image/Width 1/Height 2\n"};
    const size_t size = 128 << 10;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct pool *pool = pool_new(8 << 20);
        for (size_t at = 0; at < size; at++)
            bytes[at] = lines[i][at % strlen(lines[i])];
        const struct pdf *pdf = pdf_read(pool, str_n(bytes, size));
        assert_non_null(pdf);
        assert_true(pdf->n_details <= PDF_DETAILS_MAX);
        pool_free(&pool);
    }
    free(bytes);
}

static void counts_what_is_left_out(void **state)
{
    struct buf file = BUF_INIT(1 << 20);
    struct pool *pool = pool_new(1 << 20);
    for (int i = 0; i <= PDF_DETAILS_MAX; i++)
        buf_addf(&file, "/Title(%d)\n", i);
    const struct pdf *pdf = pdf_read(pool, buf_str(&file));
    assert_int_equal(pdf->n_details, PDF_DETAILS_MAX);
    assert_true(pdf->limited);
    buf_release(&file);
    pool_free(&pool);
}

static void knows_charsets(void **state)
{
    assert_true(locales_allow_all(STR("en all")));
    assert_false(locales_allow_all(STR("en allo")));
    assert_true(locales_allow_charset(STR("en"), STR("iso-8859-15")));
    assert_true(locales_allow_charset(STR("en"), STR("UTF-8")));
    assert_false(locales_allow_charset(STR("en"), STR("koi8-r")));
    assert_true(locales_allow_charset(STR("en ru"), STR("KOI8-R")));
    assert_false(locales_allow_charset(STR("ja"), STR("gb2312")));
    assert_true(locales_allow_charset(STR("zh.big5"), STR("gb2312")));
    assert_true(locales_allow_charset(STR("ja"), STR("ISO-2022-JP")));
    assert_false(locales_allow_charset(STR(""), STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_images),
        cmocka_unit_test(names_files),
        cmocka_unit_test(reads_pdf),
        cmocka_unit_test(finds_links_of_pdf),
        cmocka_unit_test(keeps_each_link_once_and_few),
        cmocka_unit_test(knows_pdf),
        cmocka_unit_test(bounds_hostile_pdf),
        cmocka_unit_test(counts_what_is_left_out),
        cmocka_unit_test(knows_charsets),
    };
    return tap_run(tests, NULL, NULL);
}
