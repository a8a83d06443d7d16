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

static bool in_one_way(struct str raw)
{
    av_content_make(content, raw, &message);
    return message.read_one_way;
}

#define PART(fields, body) "--b\r\nContent-Type: application/x\r\n" fields "\r\n" body "\r\n"
#define BASE64             "Content-Transfer-Encoding: base64\r\n"
#define MIXED              MULTI("multipart/mixed", "boundary=b")

/* Only where nothing at all is odd does nobody see anything else than we do. */
static void what_is_read_in_one_way(void **state)
{
    static const struct str regular[] = {
        STR("Subject: x\r\n\r\nhello\r\n"),
        STR("Subject: x\n\nhello\n"),
        STR(MULTI("text/html", "charset=utf-8") "<p>hello</p>\r\n"),
        STR(MIXED PART("", "hello") PART(BASE64, CODED) "--b--\r\n"),
        STR("Content-Transfer-Encoding: quoted-printable\r\n\r\nthe=20very=\r\n payload\r\n"),
        STR(MULTI("multipart/mixed",
                  "boundary=a") "--a\r\nContent-Type: message/rfc822\r\n\r\n" MIXED
                PART(BASE64, CODED) "--b--\r\n--a--\r\n"),
    };
    static const struct str odd[] = {
        STR(MIXED PART(BASE64 BASE64, CODED) "--b--\r\n"), /* named twice */
        STR(MIXED PART("Content-Transfer-Encoding: x-new\r\n", CODED) "--b--\r\n"),
        STR(MIXED PART("Content-Transfer-Encoding: 7bit (base64)\r\n", CODED) "--b--\r\n"),
        STR(MIXED PART(BASE64, "dGhl=IHZlcnkgcGF5bG9hZA==") "--b--\r\n"),          /* broken */
        STR(MIXED PART(BASE64, CODED)),                                            /* not closed */
        STR(MIXED "--c\r\n" BASE64 "\r\n" CODED "\r\n" PART("", "x") "--b--\r\n"), /* hidden */
        STR(MULTI("multipart/mixed", "x=y") "hello\r\n"),                          /* no boundary */
        STR("Subject: x\r\n\r\nbegin 644 a.exe\r\n#86)C\r\n`\r\nend\r\n"),
        STR(MIXED "begin 644 a.exe\r\n#86)C\r\n`\r\nend\r\n" PART("", "x") "--b--\r\n"),
        STR(MIXED PART("", "x") "--b--\r\nbegin 644 a.exe\r\n#86)C\r\n`\r\nend\r\n"),
        STR(MIXED "--b\r\nbegin 644 a.exe\r\n#86)C\r\n`\r\nend\r\n--b--\r\n"),
        STR("Subject: x\r\n\r\nHello\r\n(This file must be converted with BinHex 4.0)\r\n:x:\r\n"),
        STR("Subject: x\r\n\r\nhel\0lo\r\n"),
        STR("Subject: x\r\n\r\nhello\rthere\r\n"),
        STR("Subject: x\r\nno field\r\n\r\nhello\r\n"),
        STR(MULTI("message/partial", "number=1") "hello\r\n"),
        STR("Content-Type: message/rfc822\r\n" BASE64 "\r\nU3ViamVjdDogeA0KDQpoZWxsbw0K\r\n"),
    };
    for (size_t i = 0; i < sizeof regular / sizeof *regular; i++)
        if (!in_one_way(regular[i]))
            fail_msg("regular message %zu is taken for an odd one", i);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (in_one_way(odd[i]))
            fail_msg("odd message %zu is taken for a regular one", i);
}

static void names_come_along(void **state)
{
    assert_true(shows(STR("Content-Type: application/x; name=\"run.exe\"\r\n"
                          "Content-Transfer-Encoding: base64\r\n\r\n" CODED),
                      PAYLOAD));
    assert_str(message.parts[0].filename, "run.exe");
}

static bool is_called(const struct av_part *part, const char *name)
{
    for (size_t i = 0; i < part->n_names; i++)
        if (str_eq(part->names[i], str_of(name)))
            return true;
    return false;
}

static void every_name_comes_along(void **state)
{
    assert_true(
        shows(STR("Content-Type: application/x; name*1=e; name*0=\"run.ex\"\r\n"
                  "Content-Disposition: attachment; filename=\"a.txt\"; fil(x)ename=b.com\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n" CODED),
              PAYLOAD));
    assert_str(message.parts[0].filename, "a.txt");
    assert_true(is_called(&message.parts[0], "a.txt"));
    assert_true(is_called(&message.parts[0], "run.exe")); /* by number */
    assert_true(is_called(&message.parts[0], "erun.ex")); /* as they stand */
    assert_true(is_called(&message.parts[0], "b.com"));   /* without the comment */
    assert_true(shows(STR("Subject: name=x.exe\r\n\r\n" PAYLOAD), PAYLOAD));
    assert_int_equal(message.parts[0].n_names, 0);
}

static void too_many_names_are_told(void **state)
{
    struct buf raw = BUF_INIT(MIB);
    buf_add(&raw, STR("Content-Type: application/x"));
    for (int i = 0; i < 60; i++)
        buf_addf(&raw, "; name=n%d", i);
    buf_add(&raw, STR("\r\n\r\n" PAYLOAD));
    assert_true(shows(buf_str(&raw), PAYLOAD));
    assert_str(message.left_out, "a part with too many file names, or too long ones");
    buf_clear(&raw);
    buf_add(&raw, STR("Content-Type: application/x; name=\""));
    for (int i = 0; i < 2000; i++)
        buf_addc(&raw, 'n');
    buf_add(&raw, STR(".exe\"\r\n\r\n" PAYLOAD));
    assert_true(shows(buf_str(&raw), PAYLOAD));
    assert_str(message.left_out, "a part with too many file names, or too long ones");
    buf_release(&raw);
}

static void what_looks_encoded(void **state)
{
    assert_true(shows(STR("Subject: x\r\n\r\nhello\r\n\r\n" CODED "\r\n" CODED "\r\n" CODED
                          "\r\n" CODED "\r\n"),
                      PAYLOAD));
    assert_true(shows(STR("Subject: x\r\n\r\n=74=68=65=20=76=65=72=79 payload"), PAYLOAD));
    /* no text is decoded for a link, HTML or an underlined title */
    shows(STR("Subject: x\r\n\r\nTitle\r\n=====\r\nhttp://example.org/?a=12&b=34\r\n"
              "<td width=490 height=20 bgcolor=99cc99 align=left class=\"x\" id=\"y\">\r\n"),
          "x");
    assert_int_equal(message.n_parts, 1);
}

static void files_between_lines_of_their_own(void **state)
{
    assert_true(shows(STR("Subject: x\r\n\r\nhello\r\nbegin 644 a.bin\r\n#86)C\r\n`\r\nend\r\n"
                          "begin 644 b.bin\r\n0=&AE('9E<GD@<&%Y;&]A9```\r\n`\r\nend\r\n"),
                      PAYLOAD));
    assert_int_equal(message.n_parts, 3);
    assert_str(message.parts[2].filename, "b.bin");
    assert_true(
        shows(STR("Subject: x\r\n\r\nbegin-base64 644 c.bin\r\n" CODED "\r\n====\r\n"), PAYLOAD));
    assert_true(
        shows(STR("Subject: x\r\n\r\n=ybegin line=128 size=16 name=d.bin\r\n\x9e\x92\x8fJ\xa0"
                  "\x8f\x9c\xa3J\x9a\x8b\xa3\x96\x99\x8b\x8e\r\n=yend size=16\r\n"),
              PAYLOAD));
    assert_str(message.parts[1].filename, "d.bin");
    assert_int_equal(message.left_out.n, 0);
    shows(STR("Subject: x\r\n\r\n=ybegin part=1 total=2 line=128 size=32 name=d.bin\r\n"
              "=ypart begin=1 end=16\r\n\x9e\x92\r\n=yend size=16\r\n"),
          "x");
    assert_str(message.left_out, "a fragment of a file (yEnc in several parts)");
    shows(STR("Subject: x\r\n\r\nbegin to think, and\r\nbegin 12 things\r\n"), "x");
    assert_int_equal(message.n_parts, 1);
}

static void messages_inside_what_is_encoded(void **state)
{
    struct buf inner = BUF_INIT(MIB), raw = BUF_INIT(MIB);
    buf_add(&inner,
            STR("Subject: in\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" CODED
                "\n"));
    buf_add(&raw, STR("Content-Type: application/octet-stream\r\n"
                      "Content-Transfer-Encoding: base64\r\n\r\n"));
    sample_base64(&raw, buf_str(&inner));
    assert_true(shows(buf_str(&raw), PAYLOAD));
    assert_int_equal(message.left_out.n, 0);
    buf_release(&inner);
    buf_release(&raw);
}

static void what_stands_outside_of_encoded_parts(void **state)
{
    static const char *const texts[] = {
        PAYLOAD "\r\n=2D=2Db\r\n\r\nhi\r\n=2D=2Db--\r\n",
        "=2D=2Db\r\n\r\nhi\r\n=2D=2Db--\r\n" PAYLOAD,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf raw = BUF_INIT(MIB);
        buf_addf(&raw, "Content-Transfer-Encoding: quoted-printable\r\n%s%s",
                 MULTI("multipart/mixed", "boundary=b"), texts[i]);
        av_content_make(content, buf_str(&raw), &message);
        bool found = false;
        for (size_t k = 0; k < message.n_parts; k++)
            found |= str_find(message.parts[k].bytes, STR(PAYLOAD)) != STR_NONE;
        assert_true(found);
        buf_release(&raw);
    }
}

static void odd_line_ends(void **state)
{
    assert_true(shows(STR("X-Note: x\rContent-Transfer-Encoding: base64\r\n\r\n" CODED), PAYLOAD));
    assert_true(shows(STR("Content-\0Transfer-Encoding: base64\r\n\r\n" CODED), PAYLOAD));
    assert_true(shows(STR("Content-Transfer-Encoding:\n \n\tbase64\n\n" CODED), PAYLOAD));
    /* a file whose line ends were changed on the way */
    shows(STR("Content-Type: application/x\r\n\r\nthe\r\n\0file"), "x");
    assert_int_equal(message.n_parts, 3);
}

static void add_u32(struct buf *out, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8)
        buf_addc(out, (char)(value >> shift));
}

/* [MS-OXTNEF] 2.1.3.3 */
static void add_attribute(struct buf *out, uint32_t id, struct str data)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < data.n; i++)
        sum += (unsigned char)data.s[i];
    buf_addc(out, 2);
    add_u32(out, id);
    add_u32(out, (uint32_t)data.n);
    buf_add(out, data);
    buf_addc(out, (char)sum);
    buf_addc(out, (char)(sum >> 8));
}

static void winmail_dat(void **state)
{
    struct buf stream = BUF_INIT(MIB), raw = BUF_INIT(MIB);
    add_u32(&stream, 0x223e9f78);
    buf_add(&stream, STR("\1\0"));
    add_attribute(&stream, 0x00069002, STR("\1\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    add_attribute(&stream, 0x00018010, STR("run.exe\0"));
    add_attribute(&stream, 0x00069001, STR("run.txt\0"));
    add_attribute(&stream, 0x0006800f, STR(PAYLOAD));
    buf_add(&raw, STR("Content-Type: application/ms-tnef; name=winmail.dat\r\n"
                      "Content-Transfer-Encoding: base64\r\n\r\n"));
    sample_base64(&raw, buf_str(&stream));
    assert_true(shows(buf_str(&raw), PAYLOAD));
    assert_str(message.parts[1].filename, "run.exe");
    assert_true(is_called(&message.parts[1], "run.exe"));
    assert_true(is_called(&message.parts[1], "run.txt"));
    assert_false(message.parts[1].as_it_stands);
    assert_int_equal(message.left_out.n, 0);
    buf_cut(&stream, stream.n - 10);
    buf_clear(&raw);
    buf_add(&raw, STR("Content-Transfer-Encoding: base64\r\n\r\n"));
    sample_base64(&raw, buf_str(&stream));
    shows(buf_str(&raw), PAYLOAD);
    assert_str(message.left_out, "a winmail.dat that could not be read to its end");
    buf_release(&stream);
    buf_release(&raw);
}

/* Each level holds NUL, so that it can be read in two ways: the work must not double with each. */
static void not_in_all_ways_of_all_ways(void **state)
{
    struct buf mail = BUF_INIT(4 * MIB), inner = BUF_INIT(4 * MIB);
    buf_add(&mail, STR("Subject: x\n\n" PAYLOAD));
    for (int i = 0; i < 20; i++) {
        struct buf swap = inner;
        inner = mail;
        mail = swap;
        buf_clear(&mail);
        buf_add(&mail, STR("X-Nul: =00\nContent-Type: message/rfc822\n"
                           "Content-Transfer-Encoding: quoted-printable\n\n"));
        for (size_t k = 0; k < inner.n; k++)
            if (inner.p[k] == '=' || inner.p[k] == '\0')
                buf_addf(&mail, "=%02X", (unsigned char)inner.p[k]);
            else
                buf_addc(&mail, inner.p[k]);
        buf_addc(&mail, '\0');
    }
    assert_true(buf_ok(&mail));
    int64_t from = clock_ms();
    shows(buf_str(&mail), PAYLOAD);
    assert_true(clock_ms() - from < 5000);
    assert_true(message.left_out.n > 0);
    buf_release(&mail);
    buf_release(&inner);
}

/* `head`, then `filler` up to `size` bytes, then `tail`: looked at in time that grows with it. */
static void is_quick(const char *head, const char *filler, size_t size, const char *tail)
{
    struct buf raw = BUF_INIT(16 * MIB);
    buf_add(&raw, str_of(head));
    while (raw.n < size)
        buf_add(&raw, str_of(filler));
    buf_add(&raw, str_of(tail));
    int64_t from = clock_ms();
    shows(buf_str(&raw), "x");
    if (clock_ms() - from > 5000)
        fail_msg("%lld ms for many of %s", (long long)(clock_ms() - from), filler);
    buf_release(&raw);
}

static void many_of_what_begins_a_part(void **state)
{
    is_quick("Subject: x\r\n\r\n", "Content-x: y\n \n", 2 * MIB, "");
    assert_int_equal(message.n_parts, 1);
}

static void many_parts_below_a_long_header(void **state)
{
    struct buf head = BUF_INIT(MIB);
    buf_add(&head, STR("Content-Transfer-Encoding: quoted-printable\r\n"));
    while (head.n < MIB / 2)
        buf_add(&head, STR("Content-x: some text that must be looked at\r\n"));
    buf_add(&head, STR("\r\n"));
    is_quick(buf_cstr(&head), "--x\n\n=3D=3D=3D=3D=3D=3D\n", 2 * MIB, "");
    buf_release(&head);
}

static void many_blanks_below_odd_lines(void **state)
{
    struct buf blanks = BUF_INIT(2 * MIB);
    while (blanks.n < MIB)
        buf_add(&blanks, STR(" \n"));
    is_quick("Content-Transfer-Encoding: base64\n\n", "ab=\n", MIB, buf_cstr(&blanks));
    buf_release(&blanks);
}

static void many_names_on_a_line(void **state)
{
    static const char *const names[] = {"; name=",  " name=x",    " name==?name=?q?\?=",
                                        " name*0=", " name=\"\\", " name='x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        is_quick("Content-Type: x/x", names[i], MIB / 4 - 1000, "\r\n\r\nx");
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

/* Some programs show a preamble's parts, or those of a boundary that is hidden from ours. */
static void names_of_plain_files_in_a_preamble(void **state)
{
#define ELSEWHERE(fields)                                                                          \
    MULTI("multipart/mixed", "boundary=b")                                                         \
    "--x\r\nX-Y: z\r\n" fields "\r\n" PAYLOAD "\r\n--b\r\n\r\nhello\r\n--b--\r\n"
    assert_true(
        shows(STR(ELSEWHERE("Content-Disposition: attachment; filename=x.vbs\r\n")), PAYLOAD));
    assert_int_equal(message.n_parts, 2);
    assert_true(is_called(&message.parts[1], "x.vbs"));
    assert_true(message.parts[1].as_it_stands);
    /* a text that only speaks of files */
    shows(STR(ELSEWHERE("call it with filename=x.vbs\r\n")), "x");
    assert_int_equal(message.n_parts, 1);
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
        cmocka_unit_test(what_is_read_in_one_way),
        cmocka_unit_test(names_come_along),
        cmocka_unit_test(every_name_comes_along),
        cmocka_unit_test(too_many_names_are_told),
        cmocka_unit_test(what_looks_encoded),
        cmocka_unit_test(files_between_lines_of_their_own),
        cmocka_unit_test(messages_inside_what_is_encoded),
        cmocka_unit_test(what_stands_outside_of_encoded_parts),
        cmocka_unit_test(odd_line_ends),
        cmocka_unit_test(winmail_dat),
        cmocka_unit_test(not_in_all_ways_of_all_ways),
        cmocka_unit_test(many_of_what_begins_a_part),
        cmocka_unit_test(many_parts_below_a_long_header),
        cmocka_unit_test(many_blanks_below_odd_lines),
        cmocka_unit_test(many_names_on_a_line),
        cmocka_unit_test(hidden_boundaries),
        cmocka_unit_test(names_of_plain_files_in_a_preamble),
        cmocka_unit_test(doubtful_encodings),
        cmocka_unit_test(other_readings_of_broken_coding),
        cmocka_unit_test(says_what_is_left_out),
    };
    return tap_run(tests, open_content, close_content);
}
