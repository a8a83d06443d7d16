#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "antivirus/engine.h"
#include "base/fsio.h"
#include "t/unit/antivirus_samples.h"

static const char *both_names[] = {"clamav", "yara"};

static struct conf_antivirus demo_conf(void)
{
    return (struct conf_antivirus){
        .engines = {both_names, 2},
        .clamav_databases = DEMO_DIR "/clamav",
        .yara_rules = DEMO_DIR "/yara",
        .scan_size_limit = 20 * 1024 * 1024,
        .recursion_limit = 17,
        .files_limit = 1000,
        .timeout = 20,
    };
}

struct fixture {
    struct conf_antivirus conf;
    struct engines engines;
    struct av_answer answers[AV_ENGINES_MAX];
    char dir[64];
};

static int open_fixture(void **state)
{
    static struct fixture fixture;
    struct err err = {""};
    fixture.conf = demo_conf();
    snprintf(fixture.dir, sizeof fixture.dir, "/tmp/poterne-av-XXXXXX");
    assert_non_null(mkdtemp(fixture.dir));
    if (engines_open(&fixture.engines, &fixture.conf, fixture.dir, &err) < 0)
        fail_msg("%s", err.text);
    *state = &fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    engines_close(&f->engines);
    /* fails if an engine left something behind */
    assert_int_equal(rmdir(f->dir), 0);
    return 0;
}

static void scan(struct fixture *f, struct str raw, const struct av_part *parts, size_t n_parts)
{
    const struct av_message message = {.raw = raw, .parts = parts, .n_parts = n_parts};
    engines_scan(&f->engines, &message, f->answers);
}

static void both_find_eicar_in_plain_text(void **state)
{
    struct fixture *f = *state;
    scan(f, STR("Subject: x\r\n\r\n" EICAR "\r\n"), NULL, 0);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
    assert_string_equal(f->answers[0].engine, "clamav");
    assert_string_equal(f->answers[0].name, "Eicar-Test-Signature.UNOFFICIAL");
    assert_int_equal(strncmp(f->answers[0].version, "ClamAV 1.", 9), 0);
    assert_int_equal(f->answers[1].result, AV_INFECTED);
    assert_string_equal(f->answers[1].engine, "yara");
    assert_string_equal(f->answers[1].name, "EICAR_Test_File");
    assert_int_equal(strncmp(f->answers[1].version, "YARA ", 5), 0);
}

static void clean_is_clean(void **state)
{
    struct fixture *f = *state;
    scan(f, STR("Subject: x\r\n\r\nhello\r\n"), NULL, 0);
    for (size_t i = 0; i < f->engines.n; i++) {
        assert_int_equal(f->answers[i].result, AV_CLEAN);
        assert_string_equal(f->answers[i].name, "");
    }
}

static void looks_at_decoded_parts(void **state)
{
    struct fixture *f = *state;
    const struct av_part parts[] = {{.bytes = STR("hello")},
                                    {.filename = STR("empty.txt")},
                                    {.bytes = STR(EICAR), .filename = STR("eicar.com")}};
    scan(f, STR("Subject: x\r\n\r\nnothing here\r\n"), parts, 3);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
    assert_int_equal(f->answers[1].result, AV_INFECTED);
}

static void what_was_left_out_is_never_clean(void **state)
{
    struct fixture *f = *state;
    struct av_message message = {.raw = STR("Subject: x\r\n\r\nhello\r\n"),
                                 .left_out = STR("more than 1000 parts")};
    engines_scan(&f->engines, &message, f->answers);
    for (size_t i = 0; i < f->engines.n; i++) {
        assert_int_equal(f->answers[i].result, AV_UNSCANNABLE);
        assert_string_equal(f->answers[i].name, "more than 1000 parts");
    }
    message.raw = STR("Subject: x\r\n\r\n" EICAR "\r\n");
    engines_scan(&f->engines, &message, f->answers);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
    assert_int_equal(f->answers[1].result, AV_INFECTED);
}

static void an_unknown_first_header_does_not_hide_the_mail(void **state)
{
    struct fixture *f = *state;
    /* base64 of the test file, made here so that only a mail parser finds it */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char eicar[] = EICAR;
    char text[512];
    int n = snprintf(text, sizeof text,
                     "Zzz-Strange: 1\r\nMIME-Version: 1.0\r\nContent-Type: application/x\r\n"
                     "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < sizeof eicar - 1; i += 3) {
        unsigned v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (i + k < sizeof eicar - 1 ? (unsigned char)eicar[i + k] : ' ');
        for (int k = 18; k >= 0; k -= 6)
            text[n++] = alphabet[v >> k & 63];
    }
    scan(f, str_n(text, (size_t)n), NULL, 0);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
}

static void write_file(const char *dir, const char *name, const char *text, char *path, size_t size)
{
    struct err err;
    snprintf(path, size, "%s/%s", dir, name);
    assert_int_equal(fsio_replace(path, str_of(text), 0600, &err), 0);
}

static enum av_result clamav_says(struct engines *engines, const struct av_message *message)
{
    struct av_answer answer[AV_ENGINES_MAX];
    engines_scan(engines, message, answer);
    return answer[0].result;
}

/* What is read in one way is not taken apart a second time, but is a mail for the signatures of
 * mails; and a mail that is a part of it is taken apart. */
static void a_regular_message_is_still_a_mail(void **state)
{
    struct fixture *f = *state;
    static const char *const only_clamav[] = {"clamav"};
    struct conf_antivirus conf = demo_conf();
    struct engines engines;
    struct err err = {""};
    char path[128];
    write_file(f->dir, "mail.ndb", /* "X-Mark: of a mail" in mails; "very payload" in any file */
               "Of.Mail:4:*:582d4d61726b3a206f662061206d61696c\n"
               "Payload:0:*:76657279207061796c6f6164\n",
               path, sizeof path);
    conf.engines = (struct conf_list){(const char **)only_clamav, 1};
    conf.clamav_databases = f->dir;
    int opened = engines_open(&engines, &conf, NULL, &err);
    unlink(path);
    assert_int_equal(opened, 0);
    struct av_message message = {.raw = STR("Odd-One: 1\r\nX-Mark: of a mail\r\n\r\nhello\r\n"),
                                 .read_one_way = true};
    assert_int_equal(clamav_says(&engines, &message), AV_INFECTED);
    message.raw = STR("Subject: x\r\n\r\nhello\r\n");
    assert_int_equal(clamav_says(&engines, &message), AV_CLEAN);
    const struct str coded = STR("MIME-Version: 1.0\r\nContent-Type: application/x\r\n"
                                 "Content-Transfer-Encoding: base64\r\n\r\n"
                                 "dGhlIHZlcnkgcGF5bG9hZA==\r\n");
    message.raw = coded;
    assert_int_equal(clamav_says(&engines, &message), AV_CLEAN); /* its part would be found */
    message.read_one_way = false;
    assert_int_equal(clamav_says(&engines, &message), AV_INFECTED);
    const struct av_part part = {.bytes = coded};
    message = (struct av_message){.raw = STR("Subject: x\r\n\r\n"),
                                  .parts = &part,
                                  .n_parts = 1,
                                  .read_one_way = true};
    assert_int_equal(clamav_says(&engines, &message), AV_INFECTED);
    engines_close(&engines);
}

static void findings_have_their_weight(void **state)
{
    struct av_answer answer = {.result = AV_CLEAN};
    av_found(&answer, AV_UNSCANNABLE, "limit");
    av_found(&answer, AV_FAILED, "memory");
    av_found(&answer, AV_UNSCANNABLE, "other");
    assert_int_equal(answer.result, AV_FAILED);
    assert_string_equal(answer.name, "memory");
    av_found(&answer, AV_INFECTED, "%s", "Worm");
    av_found(&answer, AV_INFECTED, "Second");
    assert_string_equal(answer.name, "Worm");
    assert_string_equal(av_result_name(answer.result), "infected");
}

/* --- what can't be opened --- */

static void refuses(const struct conf_antivirus *conf, const char *expected)
{
    struct engines engines;
    struct err err = {""};
    assert_int_equal(engines_open(&engines, conf, "/tmp", &err), -1);
    assert_int_equal(engines.n, 0);
    if (!strstr(err.text, expected))
        fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
}

static void says_what_to_do_without_signatures(void **state)
{
    struct fixture *f = *state;
    struct conf_antivirus conf = demo_conf();
    conf.clamav_databases = f->dir;
    refuses(&conf, "run freshclam");
    conf = demo_conf();
    conf.clamav_databases = "/nonexistent/poterne";
    refuses(&conf, "/nonexistent/poterne");
    conf = demo_conf();
    conf.yara_rules = f->dir;
    refuses(&conf, "antivirus.yara_rules");
}

static void names_file_and_line_of_a_broken_rule(void **state)
{
    struct fixture *f = *state;
    struct conf_antivirus conf = demo_conf();
    char path[128];
    write_file(f->dir, "bad.yar",
               "rule fine { condition: false }\n\nrule bad {\n  conditon: true }\n", path,
               sizeof path);
    conf.yara_rules = f->dir;
    refuses(&conf, "bad.yar:4: ");
    unlink(path);
    write_file(f->dir, "bad.ndb", "Broken:0:*:xyz\n", path, sizeof path);
    conf = demo_conf();
    conf.clamav_databases = f->dir;
    refuses(&conf, "cannot load the signatures");
    unlink(path);
}

static void refuses_a_rule_that_matches_everything(void **state)
{
    struct fixture *f = *state;
    struct conf_antivirus conf = demo_conf();
    char path[128];
    write_file(f->dir, "all.yar", "rule Everything { condition: filesize > 0 }\n", path,
               sizeof path);
    conf.yara_rules = path;
    refuses(&conf, "Everything");
    unlink(path);
}

static void same_rule_name_in_two_files(void **state)
{
    struct fixture *f = *state;
    struct conf_antivirus conf = demo_conf();
    struct engines engines;
    struct err err;
    char one[128], two[128];
    const char *only_yara[] = {"yara"};
    write_file(f->dir, "1.yar", "rule Same { strings: $a = \"alpha\" condition: $a }\n", one,
               sizeof one);
    write_file(f->dir, "2.yara",
               "rule Same { strings: $a = \"beta\" condition: $a and extension == \".exe\" }\n",
               two, sizeof two);
    conf.engines = (struct conf_list){only_yara, 1};
    conf.yara_rules = f->dir;
    assert_int_equal(engines_open(&engines, &conf, NULL, &err), 0);
    unlink(one);
    unlink(two);
    const struct av_part part = {.bytes = STR("beta"), .filename = STR("run.exe")};
    const struct av_message message = {.raw = STR("x"), .parts = &part, .n_parts = 1};
    engines_scan(&engines, &message, f->answers);
    assert_int_equal(f->answers[0].result, AV_INFECTED);
    engines_close(&engines);
}

static void unknown_engine(void **state)
{
    const char *names[] = {"mcafee"};
    struct conf_antivirus conf = demo_conf();
    conf.engines = (struct conf_list){names, 1};
    refuses(&conf, "mcafee");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_find_eicar_in_plain_text),
        cmocka_unit_test(clean_is_clean),
        cmocka_unit_test(looks_at_decoded_parts),
        cmocka_unit_test(what_was_left_out_is_never_clean),
        cmocka_unit_test(an_unknown_first_header_does_not_hide_the_mail),
        cmocka_unit_test(a_regular_message_is_still_a_mail),
        cmocka_unit_test(findings_have_their_weight),
        cmocka_unit_test(says_what_to_do_without_signatures),
        cmocka_unit_test(names_file_and_line_of_a_broken_rule),
        cmocka_unit_test(refuses_a_rule_that_matches_everything),
        cmocka_unit_test(same_rule_name_in_two_files),
        cmocka_unit_test(unknown_engine),
    };
    return tap_run(tests, open_fixture, close_fixture);
}
