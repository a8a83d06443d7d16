/* What is made to exhaust or to pass by a scanner: never clean, and never for long. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/antivirus/content.h"
#include "t/unit/antivirus_samples.h"

#define MIB          ((size_t)1024 * 1024)
#define SCAN_LIMIT   (20 * MIB)
#define TIMEOUT      15
#define WALL_SECONDS (TIMEOUT + 15) /* sanitizers and busy machines included */

static const char *engine_names[] = {"clamav", "yara"};

struct fixture {
    struct conf_antivirus conf;
    struct engines engines;
    struct av_content *content;
    struct av_answer answers[AV_ENGINES_MAX];
    char dir[64];
};

static int open_fixture(void **state)
{
    static struct fixture f;
    struct err err = {""};
    f.conf = (struct conf_antivirus){.engines = {engine_names, 2},
                                     .clamav_databases = DEMO_DIR "/clamav",
                                     .yara_rules = DEMO_DIR "/yara",
                                     .scan_size_limit = SCAN_LIMIT,
                                     .recursion_limit = 10,
                                     .files_limit = 500,
                                     .timeout = TIMEOUT};
    snprintf(f.dir, sizeof f.dir, "/tmp/poterne-av-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    if (engines_open(&f.engines, &f.conf, f.dir, &err) < 0)
        fail_msg("%s", err.text);
    f.content = av_content_new(f.conf.scan_size_limit);
    assert_non_null(f.content);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    engines_close(&f->engines);
    av_content_free(&f->content);
    assert_int_equal(rmdir(f->dir), 0);
    return 0;
}

static enum av_result worst(const struct fixture *f)
{
    enum av_result result = AV_CLEAN;
    for (size_t i = 0; i < f->engines.n; i++) {
        if (f->answers[i].result == AV_INFECTED)
            return AV_INFECTED;
        if (f->answers[i].result != AV_CLEAN)
            result = f->answers[i].result;
    }
    return result;
}

static enum av_result scan_raw(struct fixture *f, struct str raw)
{
    struct av_message message;
    int64_t from = clock_ms();
    av_content_make(f->content, raw, &message);
    engines_scan(&f->engines, &message, f->answers);
    assert_true(clock_ms() - from < WALL_SECONDS * 1000LL);
    return worst(f);
}

/* Scans it twice: what was seen the first time must not be taken for clean the second time. */
static void expect_attached(struct fixture *f, struct str file, enum av_result expected)
{
    struct buf mail = BUF_INIT(64 * MIB);
    sample_mail(&mail, "application/zip", file);
    for (int i = 0; i < 2; i++) {
        enum av_result result = scan_raw(f, buf_str(&mail));
        if (result != expected)
            fail_msg("%s (%s / %s), expected %s", av_result_name(result), f->answers[0].name,
                     f->answers[1].name, av_result_name(expected));
    }
    buf_release(&mail);
}

static void zip_bomb_that_says_so(void **state)
{
    struct buf file = BUF_INIT(8 * MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 200 * MIB, 200 * MIB);
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_UNSCANNABLE);
    buf_release(&file);
}

static void zip_bomb_that_lies_about_its_size(void **state)
{
    struct buf file = BUF_INIT(8 * MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_bomb(&zip, "zeros", 200 * MIB, 100);
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_UNSCANNABLE);
    buf_release(&file);
}

static void a_virus_beside_a_bomb_is_still_a_virus(void **state)
{
    struct buf file = BUF_INIT(8 * MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_stored(&zip, "test.com", STR(EICAR));
    sample_zip_bomb(&zip, "zeros", 100 * MIB, 100 * MIB);
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_INFECTED);
    buf_release(&file);
}

static void many_files_of_some_size(void **state)
{
    struct buf file = BUF_INIT(8 * MIB);
    struct sample_zip zip;
    char name[32];
    sample_zip_begin(&zip, &file);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "f%d", i);
        sample_zip_bomb(&zip, name, 4 * MIB + (size_t)i, (uint32_t)(4 * MIB) + (uint32_t)i);
    }
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_UNSCANNABLE);
    buf_release(&file);
}

static void more_files_than_allowed(void **state)
{
    struct buf file = BUF_INIT(8 * MIB);
    struct sample_zip zip;
    char name[32];
    sample_zip_begin(&zip, &file);
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "file number %d", i);
        sample_zip_stored(&zip, name, str_of(name));
    }
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_UNSCANNABLE);
    buf_release(&file);
}

/* depth archives inside one another around the test file */
static void nest(struct buf *out, unsigned depth)
{
    struct buf inner = BUF_INIT(MIB);
    buf_add(out, STR(EICAR));
    for (unsigned i = 0; i < depth; i++) {
        struct buf swap = inner;
        inner = *out;
        *out = swap;
        buf_clear(out);
        sample_zip_of(out, "inner", buf_str(&inner));
    }
    buf_release(&inner);
}

static void nested_archives(void **state)
{
    struct buf file = BUF_INIT(MIB);
    nest(&file, 5);
    expect_attached(*state, buf_str(&file), AV_INFECTED);
    buf_release(&file);
    file = BUF_INIT(MIB);
    nest(&file, 40);
    /* stored, not packed: YARA sees through it; ClamAV can't be allowed to say clean */
    expect_attached(*state, buf_str(&file), AV_INFECTED);
    struct fixture *f = *state;
    assert_int_not_equal(f->answers[0].result, AV_CLEAN);
    buf_release(&file);
}

static void password_needed(void **state)
{
    struct buf file = BUF_INIT(MIB);
    struct sample_zip zip;
    sample_zip_begin(&zip, &file);
    sample_zip_locked(&zip, "secret.doc", STR("0123456789abcdef0123456789abcdef"));
    sample_zip_end(&zip);
    expect_attached(*state, buf_str(&file), AV_UNSCANNABLE);
    buf_release(&file);
}

static void an_archive_that_cannot_be_opened(void **state)
{
    struct buf whole = BUF_INIT(MIB);
    struct buf text = BUF_INIT(MIB);
    for (int i = 0; i < 100; i++)
        buf_addf(&text, "line %d of a harmless text\r\n", i);
    sample_zip_of(&whole, "text.txt", buf_str(&text));
    expect_attached(*state, buf_str(&whole), AV_CLEAN);
    /* the compression method, in both places where it stands, becomes one that nobody knows */
    size_t directory = str_find(buf_str(&whole), STR("PK\x01\x02"));
    whole.p[8] = 77;
    whole.p[directory + 10] = 77;
    expect_attached(*state, buf_str(&whole), AV_UNSCANNABLE);
    buf_release(&text);
    buf_release(&whole);
}

static void ten_thousand_parts(void **state)
{
    struct buf mail = BUF_INIT(8 * MIB);
    buf_add(&mail, STR("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 10000; i++)
        buf_addf(&mail, "--b\r\nContent-Type: text/plain\r\n\r\nthis is part number %d\r\n", i);
    buf_add(&mail, STR("--b--\r\n"));
    assert_true(buf_ok(&mail));
    assert_int_equal(scan_raw(*state, buf_str(&mail)), AV_UNSCANNABLE);
    buf_release(&mail);
}

static void ten_thousand_encoded_parts(void **state)
{
    struct buf mail = BUF_INIT(8 * MIB);
    buf_add(&mail, STR("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 10000; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "this is part number %d", i);
        buf_add(&mail, STR("--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
        sample_base64(&mail, str_n(text, (size_t)n));
    }
    buf_add(&mail, STR("--b--\r\n"));
    assert_true(buf_ok(&mail));
    assert_int_equal(scan_raw(*state, buf_str(&mail)), AV_UNSCANNABLE);
    buf_release(&mail);
}

/* ClamAV's own mail parser ends at the limit of files; our parts go on. */
static void a_virus_behind_the_limit_of_files(void **state)
{
    struct buf mail = BUF_INIT(8 * MIB), zip = BUF_INIT(MIB);
    buf_add(&mail, STR("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 700; i++)
        buf_addf(&mail, "--b\r\nContent-Type: text/plain\r\n\r\nthis is part number %d\r\n", i);
    buf_add(&mail, STR("--b\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
    nest(&zip, 1);
    sample_base64(&mail, buf_str(&zip));
    buf_add(&mail, STR("--b--\r\n"));
    struct fixture *f = *state;
    assert_int_equal(scan_raw(f, buf_str(&mail)), AV_INFECTED);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
    buf_release(&zip);
    buf_release(&mail);
}

static void a_thousand_multiparts_inside_one_another(void **state)
{
    struct buf mail = BUF_INIT(MIB);
    buf_add(&mail, STR("MIME-Version: 1.0\r\n"));
    for (int i = 0; i < 1000; i++)
        buf_addf(&mail, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    buf_add(&mail, STR("Content-Type: text/plain\r\n\r\nthe end\r\n"));
    assert_true(buf_ok(&mail));
    assert_int_equal(scan_raw(*state, buf_str(&mail)), AV_UNSCANNABLE);
    buf_release(&mail);
}

static void a_thousand_messages_inside_one_another(void **state)
{
    struct buf mail = BUF_INIT(MIB);
    for (int i = 0; i < 1000; i++)
        buf_add(&mail, STR("MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"));
    buf_add(&mail, STR("Subject: x\r\n\r\nthe end\r\n"));
    assert_true(buf_ok(&mail));
    assert_int_equal(scan_raw(*state, buf_str(&mail)), AV_UNSCANNABLE);
    buf_release(&mail);
}

static void a_fragment_is_not_clean(void **state)
{
    assert_int_equal(scan_raw(*state, STR("MIME-Version: 1.0\r\n"
                                          "Content-Type: message/partial; id=x; number=1; total=2"
                                          "\r\n\r\nSubject: half\r\n\r\nhalf of it\r\n")),
                     AV_UNSCANNABLE);
}

static void odd_bytes(void **state)
{
    struct buf mail = BUF_INIT(4 * MIB);
    assert_int_equal(scan_raw(*state, STR_EMPTY), AV_CLEAN);
    assert_int_equal(scan_raw(*state, STR("\n")), AV_CLEAN);
    assert_int_equal(scan_raw(*state, STR("\0\0\0\0")), AV_CLEAN);
    for (size_t i = 0; i < MIB; i++)
        buf_addc(&mail, (char)(i * 2654435761U >> 13));
    scan_raw(*state, buf_str(&mail));
    buf_release(&mail);
}

static void large_and_plain(void **state)
{
    struct buf mail = BUF_INIT(8 * MIB);
    buf_add(&mail, STR("Subject: large\r\n\r\n"));
    while (mail.n < 4 * MIB)
        buf_add(&mail,
                STR("All work and no play makes Jack a dull boy, said the proofreader.\r\n"));
    assert_int_equal(scan_raw(*state, buf_str(&mail)), AV_CLEAN);
    buf_release(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zip_bomb_that_says_so),
        cmocka_unit_test(zip_bomb_that_lies_about_its_size),
        cmocka_unit_test(a_virus_beside_a_bomb_is_still_a_virus),
        cmocka_unit_test(many_files_of_some_size),
        cmocka_unit_test(more_files_than_allowed),
        cmocka_unit_test(nested_archives),
        cmocka_unit_test(password_needed),
        cmocka_unit_test(an_archive_that_cannot_be_opened),
        cmocka_unit_test(ten_thousand_parts),
        cmocka_unit_test(ten_thousand_encoded_parts),
        cmocka_unit_test(a_virus_behind_the_limit_of_files),
        cmocka_unit_test(a_thousand_multiparts_inside_one_another),
        cmocka_unit_test(a_thousand_messages_inside_one_another),
        cmocka_unit_test(a_fragment_is_not_clean),
        cmocka_unit_test(odd_bytes),
        cmocka_unit_test(large_and_plain),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
