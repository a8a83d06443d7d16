/* What the engines get to see of a message: all that any mail program might take for a part. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "gateway/antivirus/content.h"
#include "t/unit/antivirus_samples.h"

#define MIB     ((size_t)1024 * 1024)
#define PAYLOAD "the very payload"
#define CODED   "dGhlIHZlcnkgcGF5bG9hZA==" /* base64 of it */

static struct av_content *content;
static struct av_message message;

static int open_content(void **state)
{
    content = av_content_new(8 * MIB);
    return content ? 0 : -1;
}

static int close_content(void **state)
{
    av_content_free(&content);
    assert_null(content);
    return 0;
}

static bool shows(struct str raw, const char *payload)
{
    av_content_make(content, raw, &message);
    for (size_t i = 0; i < message.n_parts; i++)
        if (str_find(message.parts[i].bytes, str_of(payload)) == 0)
            return true;
    return false;
}

#define MULTI(type, parameters)                                                                    \
    "MIME-Version: 1.0\r\nContent-Type: " type "; " parameters "\r\n\r\n"
#define ATTACHED(delimiter, encoding, coded)                                                       \
    delimiter "\r\nContent-Type: text/plain\r\n\r\nhello\r\n" delimiter                            \
              "\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: " encoding \
              "\r\n\r\n" coded "\r\n" delimiter "--\r\n"

static void plain_parts(void **state)
{
    assert_true(shows(STR(MULTI("multipart/mixed", "boundary=b") ATTACHED("--b", "base64", CODED)),
                      PAYLOAD));
    /* each part once: the text as it stands, the attachment decoded */
    assert_int_equal(message.n_parts, 2);
    assert_true(message.parts[0].as_it_stands);
    assert_false(message.parts[1].as_it_stands);
    assert_int_equal(message.left_out.n, 0);
    assert_true(shows(STR("Subject: x\r\n\r\n" PAYLOAD), PAYLOAD));
    assert_int_equal(message.n_parts, 1);
    assert_true(shows(STR("Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                          "the=20very=\r\n payload"),
                      PAYLOAD));
    assert_int_equal(message.n_parts, 1);
}

static void names_come_along(void **state)
{
    assert_true(shows(STR("Content-Type: application/x; name=\"run.exe\"\r\n"
                          "Content-Transfer-Encoding: base64\r\n\r\n" CODED),
                      PAYLOAD));
    assert_str(message.parts[0].filename, "run.exe");
}

static void hidden_boundaries(void **state)
{
    static const char *const headers[] = {
        MULTI("multipart/mixed", "boundary=\"x\"; boundary=b"),
        MULTI("multipart/mixed", "boundary=b; boundary=\"x\""),
        MULTI("multipart/mixed", "boundary*=utf-8''b; boundary=x"),
        MULTI("multipart/mixed", "boundary=(boundary=x)b"),
        MULTI("multipart/mixed", "boundary='b'"),
        MULTI("multipart/mixed", "bound\r\n ary=b"),
        MULTI("x-multipart/mixed", "boundary=b"),
        MULTI("text/plain", "boundary=b"),
        "MIME-Version: 1.0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct buf raw = BUF_INIT(MIB);
        buf_add(&raw, str_of(headers[i]));
        buf_add(&raw, STR(ATTACHED("--b", "base64", CODED)));
        if (!shows(buf_str(&raw), PAYLOAD))
            fail_msg("hidden by %s", headers[i]);
        buf_release(&raw);
    }
}

static void doubtful_encodings(void **state)
{
    static const char *const fields[] = {
        "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n",
        "Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: base-64\r\n",
        "Content-Transfer-Encoding: \"base64\" x\r\n",
        "Content-Transfer-Encoding: x-unknown\r\n",
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct buf raw = BUF_INIT(MIB);
        buf_addf(&raw, "%s\r\n%s\r\n", fields[i], CODED);
        if (!shows(buf_str(&raw), PAYLOAD))
            fail_msg("hidden by %s", fields[i]);
        buf_release(&raw);
    }
}

static void other_readings_of_broken_coding(void **state)
{
    static const struct {
        const char *encoding, *coded;
    } cases[] = {
        {"base64", "dGhlXX\r\nIHZlXX\r\ncnkgXX\r\ncGF5XX\r\nbG9hXX\r\nZA==\r\n"},
        {"base64", "dG=hlIH=Zlcn=kgcGF5bG9hZA\r\n"},
        {"base64", "begin-base64 644 file\r\n" CODED "\r\n====\r\n"},
        {"base64", "dGhlIHZlcnkg cGF5bG9hZA==\r\n"},
        {"quoted-printable", "=XXthe=20=ZZvery =XXpayload"},
        {"x-uuencode", "0=&AE('9E<GD@<&%Y;&]A9```\r\n`\r\n"},
        {"x-yenc", "=ybegin line=128 size=16 name=x\r\n\x9e\x92\x8fJ\xa0\x8f\x9c\xa3J\x9a"
                   "\x8b\xa3\x96\x99\x8b\x8e\r\n=yend size=16\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf raw = BUF_INIT(MIB);
        buf_addf(&raw, "Content-Transfer-Encoding: %s\r\n\r\n%s", cases[i].encoding,
                 cases[i].coded);
        if (!shows(buf_str(&raw), PAYLOAD))
            fail_msg("case %zu (%s) is not read", i, cases[i].encoding);
        buf_release(&raw);
    }
}

static void says_what_is_left_out(void **state)
{
    struct buf raw = BUF_INIT(64 * MIB);
    shows(STR("Content-Type: message/partial; id=1; number=1; total=2\r\n\r\nx"), "x");
    assert_true(message.left_out.n > 0);
    shows(STR("Subject: x\r\n\r\nx"), "x");
    assert_int_equal(message.left_out.n, 0);
    buf_add(&raw, STR("Content-Transfer-Encoding: base64\r\n\r\n"));
    for (int i = 0; i < 400000; i++)
        buf_add(&raw, STR(CODED CODED CODED "\r\n"));
    shows(buf_str(&raw), "x");
    assert_str(message.left_out, "its decoded parts are too large together");
    buf_clear(&raw);
    buf_add(&raw, STR(MULTI("multipart/mixed", "boundary=b")));
    for (int i = 0; i < AV_PARTS_MAX + 1000; i++)
        buf_add(&raw, STR("--b\r\nContent-Transfer-Encoding: base64\r\n\r\n" CODED "\r\n"));
    shows(buf_str(&raw), "x");
    assert_true(message.left_out.n > 0);
    assert_true(message.n_parts <= AV_PARTS_MAX);
    buf_release(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_parts),
        cmocka_unit_test(names_come_along),
        cmocka_unit_test(hidden_boundaries),
        cmocka_unit_test(doubtful_encodings),
        cmocka_unit_test(other_readings_of_broken_coding),
        cmocka_unit_test(says_what_is_left_out),
    };
    return tap_run(tests, open_content, close_content);
}
