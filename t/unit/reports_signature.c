/* Key, fingerprint and signature: what is the same message, and what proves it. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "reports/signature.h"
#include "reports/subject.h"

#define ID "01JD8Z3V5M7K9Q2R4T6W8X0Y1Z"

static struct pool *pool;
static char folder[64];

static int set_up(void **state)
{
    pool = pool_new(64 * 1024 * 1024);
    snprintf(folder, sizeof folder, "/tmp/reports-signature-XXXXXX");
    return pool && mkdtemp(folder) ? 0 : -1;
}

static const char *key_file(void)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/signature.key", folder);
    return path;
}

static int tear_down(void **state)
{
    unlink(key_file());
    rmdir(folder);
    pool_free(&pool);
    return 0;
}

static void write_keys(const char *text)
{
    struct err err;
    assert_int_equal(fsio_replace(key_file(), str_of(text), 0640, &err), 0);
}

static struct fingerprint print_of_bytes(struct str raw)
{
    struct fingerprint f;
    struct message *m;
    struct err err;
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &m, &err), 0);
    assert_int_equal(fingerprint_make(pool, m, STR("[SPAM] "), &f, &err), 0);
    return f;
}

static struct fingerprint print_of(const char *raw)
{
    return print_of_bytes(str_of(raw));
}

static bool same(const char *a, const char *b)
{
    struct fingerprint x = print_of(a), y = print_of(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

/* --- key --- */

static void a_key_is_made_once(void **state)
{
    struct keys first, again;
    struct stat st;
    struct err err;
    unlink(key_file());
    assert_int_equal(keys_read(folder, &first, &err), -1);
    assert_int_equal(keys_make(folder, &err), 0);
    assert_int_equal(stat(key_file(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(keys_read(folder, &first, &err), 0);
    assert_int_equal(first.n, 1);
    assert_int_equal(keys_make(folder, &err), 0);
    assert_int_equal(keys_read(folder, &again, &err), 0);
    assert_memory_equal(&first, &again, sizeof first);
    /* nothing else is left in the folder */
    unlink(key_file());
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
}

#define HEX_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX_B "ffeeddccbbaa99887766554433221100FFEEDDCCBBAA99887766554433221100"

static void a_key_file_is_read_with_its_mistakes_told(void **state)
{
    struct keys keys;
    struct err err;
    write_keys("# note\n" HEX_A "  # new\r\n\n" HEX_B "\n");
    assert_int_equal(keys_read(folder, &keys, &err), 0);
    assert_int_equal(keys.n, 2);
    assert_int_equal(keys.bytes[0][1], 0x11);
    assert_int_equal(keys.bytes[1][0], 0xff);
    static const char *const bad[] = {"",          "# nothing\n", "0011\n",
                                      HEX_A "0\n", "g" HEX_A,     HEX_A "\n" HEX_B "\n" HEX_A "\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_keys(bad[i]);
        assert_int_equal(keys_read(folder, &keys, &err), -1);
        assert_int_equal(keys.n, 0);
        assert_null(strstr(err.text, "0011")); /* no secret in a message */
    }
    assert_non_null(strstr(err.text, ":3: more than 2 keys"));
}

/* --- fingerprint --- */

#define HEAD                                                                                       \
    "From: Jean Toto <jean@example.org>\r\nTo: ada@example.net\r\n"                                \
    "Date: Sun, 22 Nov 2026 08:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n"
#define PLAIN HEAD "Subject: Hello there\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye\r\n"

static void what_the_way_does_to_a_message_does_not_count(void **state)
{
    assert_true(same(PLAIN, "X-New: 1\n" HEAD "Subject: Hello\n  there\nStatus: RO\n\n"
                            "Dear Ada,  \n\t\nFrom here on.\nBye\n\n\n"));
    assert_true(same(PLAIN, HEAD "Subject: [SPAM] Hello there\r\n\r\nDear Ada,\r\n\r\n"
                                 ">From here on.\r\nBye"));
    assert_true(same(PLAIN, HEAD "Subject: =?utf-8?B?W1NQQU1dIEhlbGxvIHRoZXJl?=\r\n"
                                 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                                 "Dear=20Ada,\r\n\r\nFrom here=\r\n on.\r\nBye\r\n"));
    assert_true(same(PLAIN, HEAD "Subject: Hello there\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                                 "RGVhciBBZGEsCgpGcm9tIGhlcmUgb24uCkJ5ZQo=\r\n"));
    assert_true(same(HEAD "\r\nx\r\n", HEAD "Subject: [SPAM]\r\n\r\nx\r\n"));
}

static void what_somebody_changes_counts(void **state)
{
    static const char *const others[] = {
        HEAD "Subject: Hello  here\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye\r\n",
        HEAD "Subject: Hello there\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye!\r\n",
        HEAD "Subject: Hello there\r\n\r\nDear Ada,\r\nFrom here on.\r\nBye\r\n",
        HEAD "Subject: Hello there\r\nSubject: x\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye\r\n",
        HEAD "Subject: Hello there\r\nX-Mailer: x\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye\r\n",
        "Received: by x\r\n" PLAIN,
        HEAD "Subject: Hello there\r\nContent-Type: text/html\r\n\r\nDear Ada,\r\n\r\n"
             "From here on.\r\nBye\r\n",
        "From: a@example.org\r\nSubject: Hello there\r\n\r\nDear Ada,\r\n\r\nFrom here on.\r\nBye",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(same(PLAIN, others[i]));
}

static void each_part_counts(void **state)
{
#define MIXED(type, name, text)                                                                    \
    HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nhi\r\n--b\r\n"   \
         "Content-Type: " type "; name=" name "\r\n\r\n" text "\r\n--b--\r\n"
    const char *one = MIXED("image/png", "a.png", "data");
    assert_true(same(one, MIXED("image/png", "a.png", "data\r\n")));
    assert_false(same(one, MIXED("image/gif", "a.png", "data")));
    assert_false(same(one, MIXED("image/png", "b.png", "data")));
    assert_false(same(one, MIXED("image/png", "a.png", "date")));
}

/* --- signature --- */

#define TWO_PARTS(a, b)                                                                            \
    HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" a "\r\n--b\r\n\r\n" b      \
         "\r\n--b--\r\n"

/* Nobody moves the end of one part into the next, whatever it is made to look like. */
static void contents_do_not_pass_for_parts(void **state)
{
    (void)state;
    assert_true(same(TWO_PARTS("one", "two"), TWO_PARTS("one\n", "two")));
    assert_false(same(TWO_PARTS("onetwo", ""), TWO_PARTS("one", "two")));
    assert_false(same(TWO_PARTS("one\ntext/plain", "two"), TWO_PARTS("one", "text/plain\ntwo")));
}

/* Contents with NULs, which close texts in what is hashed. */
static void bytes_that_close_texts_do_not_close_parts(void **state)
{
    static const char first[] = TWO_PARTS("one", "two\ntext/plain\0\0\0three");
    static const char second[] = TWO_PARTS("one\ntext/plain\0\0\0two", "three");
    struct fingerprint a = print_of_bytes(str_n(first, sizeof first - 1));
    struct fingerprint b = print_of_bytes(str_n(second, sizeof second - 1));
    (void)state;
    assert_memory_not_equal(a.bytes, b.bytes, FINGERPRINT_SIZE);
}

static struct keys two_keys(void)
{
    struct keys keys = {.n = 2};
    memset(keys.bytes[0], 1, KEY_SIZE);
    memset(keys.bytes[1], 2, KEY_SIZE);
    return keys;
}

static enum signature_result check(const struct keys *keys, const char *field,
                                   const struct fingerprint *f)
{
    enum signature_result result;
    struct signature_field parsed;
    struct err err;
    if (!signature_parse(str_of(field), &parsed))
        return SIGNATURE_BAD;
    assert_int_equal(signature_check(keys, parsed.id, parsed.text, f, &result, &err), 0);
    return result;
}

static const char *field_of(const struct keys *keys, bool spam, const struct fingerprint *f)
{
    static char text[200];
    struct buf out = BUF_OVER(text);
    struct err err;
    assert_int_equal(signature_put(&out, keys, STR(ID), spam, f, &err), 0);
    assert_true(str_ends(buf_str(&out), STR("\r\n")) && out.n < 78);
    return buf_cstr(&out) + strlen(SIGNATURE_FIELD ":");
}

static void a_signature_proves_id_contents_and_verdict(void **state)
{
    struct keys keys = two_keys(), old = keys;
    struct fingerprint f = print_of(PLAIN), other = print_of(HEAD "\r\nother");
    char field[200];
    snprintf(field, sizeof field, "%s", field_of(&keys, false, &f));
    assert_int_equal(check(&keys, field, &f), SIGNATURE_GOOD_HAM);
    assert_int_equal(check(&keys, field, &other), SIGNATURE_BAD);
    assert_int_equal(check(&keys, field_of(&keys, true, &f), &f), SIGNATURE_GOOD_SPAM);
    /* every character counts */
    for (char *c = strstr(field, "s=") + 2; *c > ' '; c++) {
        char was = *c;
        *c = was == 'A' ? 'E' : 'A';
        assert_int_equal(check(&keys, field, &f), SIGNATURE_BAD);
        *c = was;
    }
    *strstr(field, ID) = '1';
    assert_int_equal(check(&keys, field, &f), SIGNATURE_BAD);
    /* rotation: the new key stands first, the old one still counts, then no more */
    snprintf(field, sizeof field, "%s", field_of(&old, false, &f));
    memcpy(keys.bytes[1], old.bytes[0], KEY_SIZE);
    memset(keys.bytes[0], 3, KEY_SIZE);
    assert_int_equal(check(&keys, field, &f), SIGNATURE_GOOD_HAM);
    keys.n = 1;
    assert_int_equal(check(&keys, field, &f), SIGNATURE_BAD);
    keys.n = 0;
    assert_int_equal(check(&keys, field, &f), SIGNATURE_BAD);
}

static void without_key_or_fingerprint_the_id_stands_alone(void **state)
{
    struct keys keys = two_keys(), none = {0};
    struct fingerprint f = print_of(PLAIN);
    assert_string_equal(field_of(&keys, false, NULL), " " ID "\r\n");
    assert_string_equal(field_of(&none, false, &f), " " ID "\r\n");
    assert_string_equal(field_of(NULL, false, &f), " " ID "\r\n");
}

static void the_fields_that_are_missing_are_named(void **state)
{
    struct keys keys = two_keys();
    struct signature_field field;
    struct fingerprint f = print_of("Subject: x\r\nTo: y\r\n\r\nbody");
    assert_int_equal(f.missing, MISSING_FROM | MISSING_DATE | MISSING_ID);
    const char *text = field_of(&keys, true, &f);
    assert_non_null(strstr(text, "; m=fdi\r\n"));
    assert_true(signature_parse(str_of(text), &field));
    assert_int_equal(field.missing, f.missing);
    assert_int_equal(check(&keys, text, &f), SIGNATURE_GOOD_SPAM);
    assert_true(signature_parse(STR(ID "; m=xtt"), &field));
    assert_int_equal(field.missing, MISSING_TO);
}

static void odd_fields_are_no_signatures(void **state)
{
    struct signature_field field;
    static const char *const none[] = {"", " ; s=x", "a b; s=x", "<x@y>", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_false(signature_parse(str_of(none[i]), &field));
    static const char *const bare[] = {ID,
                                       " " ID " ;",
                                       ID "; s=",
                                       ID "; s=short",
                                       ID "; t=1",
                                       ID "; s=AAAAAAAAAAAAAAAAAAAAA!",
                                       ID "; s=AAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        assert_true(signature_parse(str_of(bare[i]), &field));
        assert_str(field.id, ID);
        assert_int_equal(field.text.n, 0);
    }
    char longer[200];
    memset(longer, 'A', sizeof longer);
    assert_false(signature_parse(str_n(longer, sizeof longer), &field));
}

/* --- the tag --- */

static void the_tag_is_taken_out_of_a_subject(void **state)
{
    static const struct {
        const char *value, *tag, *restored;
    } cases[] = {
        {" [SPAM] Hello", "[SPAM]", " Hello"},
        {" [spam]  [SPAM] Hello", "[SPAM]", " Hello"},
        {" [SPAM]\r\n Hello\r\n there", "[SPAM]", " Hello\r\n there"},
        {" [SPAM] =?utf-8?q?H=C3=A9?=", "[SPAM]", " =?utf-8?q?H=C3=A9?="},
        {" =?UTF-8?Q?=5BSPAM=5D_?= =?utf-8?q?H=C3=A9?=", "[SPAM]", " =?utf-8?q?H=C3=A9?="},
        {" =?UTF-8?Q?=5B=C3=89=5D?= Hello", "[\xc3\x89]", " Hello"},
        {" =?utf-8?B?W1NQQU1dIEhlbGxv?=", "[SPAM]", " Hello"},
        {" =?utf-8?B?W1NQQU1dIEjDqQ==?=", "[SPAM]", " =?UTF-8?Q?H=C3=A9?="},
        {" [SPAM]", "[SPAM]", " "},
        {"  Hello [SPAM]", "[SPAM]", NULL},
        {" Hello", "", NULL},
        {"", "[SPAM]", NULL},
        {" =?utf-8?B?", "[SPAM]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool tagged;
        struct str got =
            subject_restored(pool, str_of(cases[i].value), str_of(cases[i].tag), &tagged);
        assert_str(got, cases[i].restored ? cases[i].restored : cases[i].value);
        assert_int_equal(tagged, cases[i].restored != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_once),
        cmocka_unit_test(a_key_file_is_read_with_its_mistakes_told),
        cmocka_unit_test(what_the_way_does_to_a_message_does_not_count),
        cmocka_unit_test(what_somebody_changes_counts),
        cmocka_unit_test(each_part_counts),
        cmocka_unit_test(contents_do_not_pass_for_parts),
        cmocka_unit_test(bytes_that_close_texts_do_not_close_parts),
        cmocka_unit_test(a_signature_proves_id_contents_and_verdict),
        cmocka_unit_test(without_key_or_fingerprint_the_id_stands_alone),
        cmocka_unit_test(the_fields_that_are_missing_are_named),
        cmocka_unit_test(odd_fields_are_no_signatures),
        cmocka_unit_test(the_tag_is_taken_out_of_a_subject),
    };
    return tap_run(tests, set_up, tear_down);
}
