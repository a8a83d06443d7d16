#include "t/unit/tap.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mail/charset.h"
#include "mail/message.h"
#include "mail/transfer.h"
#include "mail/uri.h"
#include "mail/word.h"

typedef void transfer(struct str in, struct buf *out);

static void check(transfer *decode, struct str in, struct str expected)
{
    struct buf out = BUF_INIT(1000);
    decode(in, &out);
    assert_true(buf_ok(&out));
    assert_int_equal(out.n, expected.n);
    assert_memory_equal(out.n ? out.p : "", expected.n ? expected.s : "", out.n);
    buf_release(&out);
}

static void base64_as_readers_do(void **state)
{
    check(transfer_base64, STR("aGVsbG8gd29ybGQ="), STR("hello world"));
    check(transfer_base64, STR("aGVs\r\nbG8g d29y-bGQ"), STR("hello world"));
    check(transfer_base64, STR("aGk=aGk="), STR("hihi"));
    check(transfer_base64, STR("aGVsbG8gd29ybG"), STR("hello worl"));
    check(transfer_base64, STR("===A"), STR(""));
    check(transfer_base64, STR("AAAA"), STR("\0\0\0"));
}

static void quoted_printable_as_readers_do(void **state)
{
    check(transfer_qp, STR("caf=C3=A9=20=\r\nau lait  \r\nx"), STR("caf\xc3\xa9 au lait\r\nx"));
    check(transfer_qp, STR("a=\nb=3d=3D"), STR("ab=="));
    check(transfer_qp, STR("100% =ZZ =4"), STR("100% =ZZ =4"));
    check(transfer_qp, STR("soft with blanks= \t\r\nend="), STR("soft with blanksend"));
    check(transfer_q, STR("a_b=5F_="), STR("a b_ ="));
}

static void quoted_printable_comes_back_as_it_was(void **state)
{
    struct str text =
        STR("From here on\n.\nblank \n\ncaf\xc3\xa9 = au lait, and a line that is much "
            "longer than what one line may hold, \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 .\n");
    struct buf out = BUF_INIT(4096), back = BUF_INIT(4096);
    transfer_qp_put(text, &out);
    struct str rest = buf_str(&out), line;
    for (bool first = true; str_next_line(&rest, &line); first = false) {
        assert_true(line.n <= 76);
        assert_false(first && str_starts(line, STR("From ")));
        assert_false(str_starts(line, STR(".")) || str_ends(line, STR(" ")));
    }
    transfer_qp(buf_str(&out), &back);
    out.n = 0;
    rest = buf_str(&back);
    while (str_next_line(&rest, &line))
        buf_addf(&out, "%.*s\n", STR_ARG(line));
    assert_true(str_eq(buf_str(&out), text));
    buf_release(&out);
    buf_release(&back);
}

static void uuencode_with_and_without_begin(void **state)
{
    check(transfer_uu, STR("text\nbegin 644 x.txt\n%:&5L;&\\\n`\nend\nmore\n"), STR("hello"));
    check(transfer_uu, STR("%:&5L;&\\\n"), STR("hello"));
    check(transfer_uu, STR("begin 644 x\nM\n"), STR(""));
#define SHORT     "#8\n#8\n#8\n#8\n#8\n"
#define SHORT_OUT "`\0\0`\0\0`\0\0`\0\0`\0\0"
    /* more than three bytes for four */
    check(transfer_uu, STR(SHORT SHORT "#86)C\n"), STR(SHORT_OUT SHORT_OUT "abc"));
}

static void decoding_stops_at_the_maximum(void **state)
{
    struct buf out = BUF_INIT(4);
    transfer_base64(STR("aGVsbG8gd29ybGQ="), &out);
    assert_true(buf_ok(&out));
    assert_str(buf_str(&out), "hell");
    transfer_qp(STR("more"), &out);
    assert_str(buf_str(&out), "hell");
    buf_release(&out);
}

static void check_charset(const char *name, struct str in, const char *expected)
{
    struct buf out = BUF_INIT(1000);
    charset_to_utf8(str_of(name), in, &out);
    assert_true(buf_ok(&out));
    assert_str(buf_str(&out), expected);
    buf_release(&out);
}

static void charsets_become_utf8(void **state)
{
    check_charset("UTF-8",
                  STR("\xef\xbb\xbf"
                      "d\xc3\xa9j\xc3\xa0"),
                  "déjà");
    check_charset("iso-8859-1", STR("d\xe9j\xe0 \x80\x93"), "déjà €“");
    check_charset("koi8-r", STR("\xf0\xd2\xc9\xd7\xc5\xd4"), "Привет");
    check_charset("iso-2022-jp", STR("\x1b$B$3$s\x1b(B!"), "こん!");
    check_charset("shift_jis", STR("\x82\xb1\x82\xf1"), "こん");
    check_charset("gb2312", STR("\xc4\xe3\xba\xc3"), "你好");
    check_charset("big5", STR("\xa7\x41\xa6\x6e"), "你好");
    check_charset("ks_c_5601-1987", STR("\xb0\xa1"), "가");
    check_charset("utf-7", STR("Hi +AGEAYgBj-"), "Hi abc");
    check_charset("utf-16", STR("\xff\xfeh\0i\0"), "hi");
    check_charset("utf-16be", STR("\xd8\x3d\xde\x00"), "😀");
    check_charset("utf-32le", STR("h\0\0\0"), "h");
}

static void unknown_charsets_are_guessed(void **state)
{
    check_charset("", STR("d\xc3\xa9j\xc3\xa0"), "déjà");
    check_charset("us-ascii", STR("d\xe9j\xe0"), "déjà");
    check_charset("x-unknown", STR("\x1b$B$3$s\x1b(B"), "こん");
    check_charset("no//such", STR("plain"), "plain");
    assert_false(charset_known(STR("no//such")));
    assert_true(charset_known(STR("Windows-1251")));
}

static void output_is_always_valid(void **state)
{
    check_charset("utf-8", STR("a\xff\xc3(\xed\xa0\x80"), "aÿÃ(í\xc2\xa0€");
    check_charset("utf-8", STR("n\0ul"), "nul");
    check_charset("utf-16be", STR("\xd8\x00\0a"),
                  "\xef\xbf\xbd"
                  "a");
    check_charset("euc-kr",
                  STR("a\xff"
                      "b"),
                  "a\xef\xbf\xbd"
                  "b");
}

static void text_is_cut_between_characters(void **state)
{
    struct buf out = BUF_INIT(4);
    charset_to_utf8(STR("utf-8"), STR("aéé"), &out);
    assert_true(buf_ok(&out));
    assert_str(buf_str(&out), "aé");
    buf_release(&out);
    out = BUF_INIT(4);
    charset_to_utf8(STR("koi8-r"), STR("\xf0\xd2\xc9"), &out);
    assert_str(buf_str(&out), "Пр");
    buf_release(&out);
}

/* What a sandbox would do: no file can be opened any more. */
static int convert_without_files(bool preload)
{
    struct err err;
    struct rlimit none = {0, 0};
    struct buf out = BUF_INIT(100);
    char host[HOST_MAX + 1];
    size_t n;
    if (preload && mail_preload(&err) < 0)
        return 2;
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return 3;
    for (int i = 0; i < 20; i++) {
        buf_clear(&out);
        charset_to_utf8(STR("iso-2022-jp"), STR("\x1b$B$3$s\x1b(B"), &out);
        if (!str_eq(buf_str(&out), STR("こん")))
            return 1;
        buf_clear(&out);
        charset_to_utf8(STR("koi8-r"), STR("\xf0"), &out);
        if (!str_eq(buf_str(&out), STR("П")))
            return 1;
        if (!uri_host(STR("m\xc3\xbcnchen.de"), host, &n) || !uri_tld_exists(host))
            return 1;
    }
    buf_release(&out);
    return 0;
}

static int in_child(bool preload)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(convert_without_files(preload));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void preloaded_charsets_need_no_files(void **state)
{
    assert_int_equal(in_child(false), 1);
    assert_int_equal(in_child(true), 0);
}

static void words_are_encoded_so_that_they_decode(void **state)
{
    static const struct {
        const char *text, *encoded;
    } cases[] = {
        {"plain text", "plain text"},
        {"", ""},
        {"a\r\nBcc: b", "a  Bcc: b"},
        {"a =?utf-8?q?b?=", NULL},
        {"h\xc3\xa9", "=?UTF-8?Q?h=C3=A9?="},
        {"\xe2\x82\xac \xe2\x82\xac \xe2\x82\xac \xe2\x82\xac \xe2\x82\xac \xe2\x82\xac "
         "\xe2\x82\xac \xe2\x82\xac",
         NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_INIT(1000), back = BUF_INIT(1000);
        words_encode(str_of(cases[i].text), &out);
        assert_true(buf_ok(&out));
        if (cases[i].encoded)
            assert_str(buf_str(&out), cases[i].encoded);
        else {
            struct str rest = buf_str(&out), line;
            while (str_next_line(&rest, &line))
                assert_true(str_trim(line).n <= 75 &&
                            str_starts(str_trim(line), STR("=?UTF-8?Q?")));
            words_decode(buf_str(&out), &back);
            assert_str(buf_str(&back), cases[i].text);
        }
        buf_release(&out);
        buf_release(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: nothing must have been loaded in this process */
        cmocka_unit_test(preloaded_charsets_need_no_files),
        cmocka_unit_test(base64_as_readers_do),
        cmocka_unit_test(quoted_printable_as_readers_do),
        cmocka_unit_test(quoted_printable_comes_back_as_it_was),
        cmocka_unit_test(uuencode_with_and_without_begin),
        cmocka_unit_test(decoding_stops_at_the_maximum),
        cmocka_unit_test(charsets_become_utf8),
        cmocka_unit_test(unknown_charsets_are_guessed),
        cmocka_unit_test(output_is_always_valid),
        cmocka_unit_test(text_is_cut_between_characters),
        cmocka_unit_test(words_are_encoded_so_that_they_decode),
    };
    return tap_run(tests, NULL, NULL);
}
