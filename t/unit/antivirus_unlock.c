/* Encrypted archives: opened with a password out of the message, and scanned; else never clean. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "antivirus/files/candidates.h"
#include "gateway/antivirus/content.h"
#include "mail/message.h"
#include "t/unit/antivirus_samples.h"
#include "t/unit/files_samples.h"

#define MIB     ((size_t)1024 * 1024)
#define TIMEOUT 20

static const char *engine_names[] = {"clamav", "yara", "files"};
enum { CLAMAV, YARA, FILES, ENGINES };

struct fixture {
    struct conf_antivirus conf;
    struct engines engines;
    struct av_content *content;
    struct av_answer answers[AV_ENGINES_MAX];
    struct av_message message;
    struct buf mail;
    char dir[64];
};

static int open_fixture(void **state)
{
    static struct fixture f;
    struct err err = {""};
    f.conf = (struct conf_antivirus){.engines = {engine_names, ENGINES},
                                     .clamav_databases = DEMO_DIR "/clamav",
                                     .yara_rules = DEMO_DIR "/yara",
                                     .file_policy = POLICY_FILE,
                                     .scan_size_limit = 20 * MIB,
                                     .recursion_limit = 10,
                                     .files_limit = 500,
                                     .timeout = TIMEOUT};
    f.mail = BUF_INIT(64 * MIB);
    snprintf(f.dir, sizeof f.dir, "/tmp/poterne-av-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    if (mail_preload(&err) < 0 || engines_open(&f.engines, &f.conf, f.dir, &err) < 0)
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
    buf_release(&f->mail);
    assert_int_equal(rmdir(f->dir), 0);
    return 0;
}

/* A letter with that text and the archive behind it. */
static void scan(struct fixture *f, const char *subject, const char *text, struct str archive)
{
    buf_clear(&f->mail);
    buf_addf(&f->mail,
             "Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
             "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n--b\r\n"
             "Content-Type: application/zip; name=papers.zip\r\n"
             "Content-Transfer-Encoding: base64\r\n\r\n",
             subject, text);
    sample_base64(&f->mail, archive);
    buf_add(&f->mail, STR("\r\n--b--\r\n"));
    assert_true(buf_ok(&f->mail));
    av_content_make(f->content, buf_str(&f->mail), &f->message);
    engines_scan(&f->engines, &f->message, f->answers);
}

static void expect(struct fixture *f, enum av_result clamav, enum av_result yara,
                   enum av_result files)
{
    const enum av_result expected[] = {clamav, yara, files};
    for (size_t i = 0; i < ENGINES; i++)
        if (f->answers[i].result != expected[i])
            fail_msg("%s: %s (%s), not %s", f->answers[i].engine,
                     av_result_name(f->answers[i].result), f->answers[i].name,
                     av_result_name(expected[i]));
}

static void what_a_password_opens_is_scanned_by_all(void **state)
{
    static const char *const texts[] = {
        "The password is Tr0ub4dor&3.",
        "Hello,\r\n\r\nhere are the papers. Password:Tr0ub4dor&3\r\n\r\nBye",
        "PASSWORT = \"Tr0ub4dor&3\"\r\n",
        "Le mot de passe de l'archive : Tr0ub4dor&3\r\n",
        "contrase\xc3\xb1"
        "a: Tr0ub4dor&3",
        "\xd0\x9f\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c \xe2\x80\x94 Tr0ub4dor&3",
        "\xe5\xaf\x86\xe7\xa0\x81\xef\xbc\x9aTr0ub4dor&3\xe3\x80\x82",
        "Use \xe2\x80\x9cTr0ub4dor&3\xe2\x80\x9d for it",
        "Tr0ub4dor&3",
        "Opened by the word below\r\n\r\nTr0ub4dor&3\r\n\r\nregards",
    };
    struct fixture *f = *state;
    struct buf zip = BUF_INIT(MIB);
    for (int aes = 0; aes < 2; aes++) {
        buf_clear(&zip);
        sample_zip_with_password(&zip, "test.com", STR(EICAR), "Tr0ub4dor&3", aes);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            scan(f, "papers", texts[i], buf_str(&zip));
            expect(f, AV_INFECTED, AV_INFECTED, AV_BANNED);
        }
        scan(f, "papers Tr0ub4dor&3", "Look at the subject.", buf_str(&zip));
        expect(f, AV_INFECTED, AV_INFECTED, AV_BANNED);
    }
    buf_release(&zip);
}

static void the_name_of_the_archive_may_be_it(void **state)
{
    struct buf zip = BUF_INIT(MIB);
    sample_zip_with_password(&zip, "test.txt", STR(EICAR), "papers", true);
    scan(*state, "x", "y", buf_str(&zip));
    expect(*state, AV_INFECTED, AV_INFECTED, AV_CLEAN);
    buf_release(&zip);
}

static void what_stays_closed_is_never_clean(void **state)
{
    struct fixture *f = *state;
    struct buf zip = BUF_INIT(MIB);
    for (int aes = 0; aes < 2; aes++) {
        buf_clear(&zip);
        sample_zip_with_password(&zip, "test.txt", STR(EICAR), "never told", aes);
        scan(f, "papers", "The password follows by telephone.", buf_str(&zip));
        expect(f, AV_UNSCANNABLE, AV_UNSCANNABLE, AV_UNSCANNABLE);
        assert_string_equal(f->answers[YARA].name, "encrypted archive papers.zip");
        assert_string_equal(f->answers[FILES].name, "encrypted archive papers.zip");
    }
    buf_release(&zip);
}

static void a_harmless_archive_that_opens_is_clean(void **state)
{
    struct buf zip = BUF_INIT(MIB);
    for (int aes = 0; aes < 2; aes++) {
        buf_clear(&zip);
        sample_zip_with_password(&zip, "test.txt", STR("harmless"), "secret7", aes);
        scan(*state, "papers", "password: secret7", buf_str(&zip));
        expect(*state, AV_CLEAN, AV_CLEAN, AV_CLEAN);
    }
    buf_release(&zip);
}

static void archives_in_archives_are_opened(void **state)
{
    struct fixture *f = *state;
    struct buf inner = BUF_INIT(MIB), middle = BUF_INIT(MIB), outer = BUF_INIT(MIB);
    sample_zip_with_password(&inner, "a.txt", STR(EICAR), "second9", true);
    sample_zip_of(&middle, "inner.zip", buf_str(&inner));
    scan(f, "papers", "password: second9", buf_str(&middle));
    expect(f, AV_INFECTED, AV_INFECTED, AV_CLEAN);
    sample_zip_with_password(&outer, "middle.zip", buf_str(&middle), "first8", false);
    scan(f, "papers", "passwords: first8, second9", buf_str(&outer));
    expect(f, AV_INFECTED, AV_INFECTED, AV_CLEAN);
    scan(f, "papers", "password: first8", buf_str(&outer));
    expect(f, AV_UNSCANNABLE, AV_UNSCANNABLE, AV_UNSCANNABLE);
    buf_release(&inner);
    buf_release(&middle);
    buf_release(&outer);
}

/* One archive that opens does not excuse another that does not. */
static void one_that_opens_excuses_no_other(void **state)
{
    struct fixture *f = *state;
    struct buf open = BUF_INIT(MIB), closed = BUF_INIT(MIB), both = BUF_INIT(MIB);
    struct sample_zip zip;
    sample_zip_with_password(&open, "a.txt", STR("harmless"), "secret7", true);
    sample_zip_with_password(&closed, "b.txt", STR("harmless"), "never told", true);
    sample_zip_begin(&zip, &both);
    sample_zip_stored(&zip, "a.zip", buf_str(&open));
    sample_zip_stored(&zip, "b.zip", buf_str(&closed));
    sample_zip_end(&zip);
    scan(f, "papers", "password: secret7", buf_str(&both));
    expect(f, AV_UNSCANNABLE, AV_UNSCANNABLE, AV_UNSCANNABLE);
    buf_release(&open);
    buf_release(&closed);
    buf_release(&both);
}

static void add_le32(char *at, size_t n)
{
    for (size_t i = 0; i < 4; i++, n >>= 8) {
        n += (unsigned char)at[i];
        at[i] = (char)n;
    }
}

/* Only the zip in it is opened. */
static void an_archive_of_another_kind_before_it_is_not_excused(void **state)
{
    struct fixture *f = *state;
    struct buf file = BUF_INIT(MIB);
    sample_archive(&file, &sample_formats[SAMPLE_TAR], "b.txt", STR("harmless"));
    size_t before = file.n;
    sample_zip_with_password(&file, "a.txt", STR("harmless"), "secret7", true);
    char *entry = memmem(file.p, file.n, "PK\1\2", 4), *end = memmem(file.p, file.n, "PK\5\6", 4);
    assert_true(entry && end);
    add_le32(entry + 42, before); /* the zip's places count from the start of all */
    add_le32(end + 16, before);
    scan(f, "papers", "password: secret7", buf_str(&file));
    assert_int_equal(f->answers[FILES].result, AV_UNSCANNABLE);
    assert_non_null(strstr(f->answers[FILES].name, "encrypted archive"));
    buf_release(&file);
}

/* Before the file it is said to be encrypted, in the directory not. */
static void what_only_one_reader_believes_encrypted_is_not_skipped(void **state)
{
    struct fixture *f = *state;
    struct buf zip = BUF_INIT(MIB);
    sample_zip_half_locked(&zip, "a.txt", "secret7", "b.txt", STR("harmless"));
    scan(f, "papers", "password: secret7", buf_str(&zip));
    expect(f, AV_CLEAN, AV_CLEAN, AV_CLEAN);
    char *local = memmem(zip.p, zip.n, "b.txt", 5);
    assert_non_null(local);
    local[6 - 30] |= 1;
    scan(f, "papers", "password: secret7", buf_str(&zip));
    expect(f, AV_UNSCANNABLE, AV_UNSCANNABLE, AV_UNSCANNABLE);
    buf_release(&zip);
}

static void a_bomb_behind_a_password_is_bounded(void **state)
{
    struct fixture *f = *state;
    struct buf zip = BUF_INIT(MIB), zeros = BUF_INIT(64 * MIB);
    char *room = buf_room(&zeros, 40 * MIB);
    assert_non_null(room);
    memset(room, 0, 40 * MIB);
    buf_filled(&zeros, 40 * MIB);
    sample_zip_with_password(&zip, "zeros", buf_str(&zeros), "secret7", false);
    scan(f, "papers", "password: secret7", buf_str(&zip));
    for (size_t i = 0; i < ENGINES; i++)
        assert_int_equal(f->answers[i].result, AV_UNSCANNABLE);
    buf_release(&zip);
    buf_release(&zeros);
}

static bool has(const struct candidates *candidates, const char *word)
{
    for (size_t i = 0; i < candidates->n; i++)
        if (strcmp(candidates->items[i], word) == 0)
            return true;
    return false;
}

static void candidates_are_bounded_and_the_best_come_first(void **state)
{
    struct pool *pool = pool_new(MIB);
    struct buf many = BUF_INIT(MIB);
    struct candidates candidates;
    for (int i = 0; i < 20000; i++)
        buf_addf(&many, "w%d ", i);
    const struct str texts[] = {STR("subject"), buf_str(&many), STR("password: x1")};
    candidates_make(&candidates, pool, texts, 3, STR("file-name.zip"));
    assert_int_equal(candidates.n, CANDIDATES_MAX);
    assert_string_equal(candidates.items[0], "password");
    assert_true(has(&candidates, "x1"));
    assert_true(has(&candidates, "subject"));
    assert_true(has(&candidates, "file-name"));
    assert_true(has(&candidates, "name"));
    candidates_make(&candidates, pool, NULL, 0, STR_EMPTY);
    assert_true(has(&candidates, "infected"));
    buf_release(&many);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_password_opens_is_scanned_by_all),
        cmocka_unit_test(the_name_of_the_archive_may_be_it),
        cmocka_unit_test(what_stays_closed_is_never_clean),
        cmocka_unit_test(a_harmless_archive_that_opens_is_clean),
        cmocka_unit_test(archives_in_archives_are_opened),
        cmocka_unit_test(one_that_opens_excuses_no_other),
        cmocka_unit_test(an_archive_of_another_kind_before_it_is_not_excused),
        cmocka_unit_test(what_only_one_reader_believes_encrypted_is_not_skipped),
        cmocka_unit_test(a_bomb_behind_a_password_is_bounded),
        cmocka_unit_test(candidates_are_bounded_and_the_best_come_first),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
