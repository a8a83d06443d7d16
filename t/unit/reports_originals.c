/* Reports as mail programs make them, and what is found in them. */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <zip.h>

#include "mail/transfer.h"
#include "reports/originals.h"
#include "t/unit/tnef_make.h"

#define SPAM                                                                                       \
    "Return-Path: <win@prize.example>\r\nReceived: from a by mx.ours.example (poterne)\r\n"        \
    "X-Spam-Flag: YES\r\nFrom: Prize <win@prize.example>\r\nTo: jean@ours.example\r\n"             \
    "Subject: [SPAM] You win\r\nMessage-ID: <1@prize.example>\r\n\r\nClick "                       \
    "http://prize.example\r\n"
#define TOP "From: jean@ours.example\r\nTo: spam@ours.example\r\nMIME-Version: 1.0\r\n"

static struct pool *pool;

static int set_up(void **state)
{
    pool = pool_new(512 * 1024 * 1024);
    return pool ? 0 : -1;
}

static int tear_down(void **state)
{
    pool_free(&pool);
    return 0;
}

static struct originals find(struct str report)
{
    struct originals found;
    struct message *m;
    struct err err;
    assert_int_equal(message_parse(pool, report, &report_limits, &m, &err), 0);
    assert_int_equal(originals_find(pool, m, &found, &err), 0);
    return found;
}

static struct originals find_in(const char *report)
{
    return find(str_of(report));
}

/* --- mail programs --- */

static void thunderbird_forwards_as_attachment(void **state)
{
    struct originals found = find_in(
        "Message-ID: <c6d2@ours.example>\r\nDate: Sun, 22 Nov 2026 09:00:00 +0100\r\n"
        "MIME-Version: 1.0\r\nUser-Agent: Mozilla Thunderbird\r\nContent-Language: fr\r\n" TOP
        "Subject: Fwd: [SPAM] You win\r\n"
        "Content-Type: multipart/mixed; boundary=\"------------ZkVxT0aA\"\r\n\r\n"
        "This is a multi-part message in MIME format.\r\n--------------ZkVxT0aA\r\n"
        "Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
        "Content-Transfer-Encoding: 7bit\r\n\r\n\r\n--------------ZkVxT0aA\r\n"
        "Content-Type: message/rfc822; charset=UTF-8; name=\"[SPAM] You win.eml\"\r\n"
        "Content-Disposition: attachment; filename=\"[SPAM] You win.eml\"\r\n"
        "Content-Transfer-Encoding: 7bit\r\n\r\n" SPAM "\r\n--------------ZkVxT0aA--\r\n");
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].kind, ORIGINAL_PART);
    assert_str(found.list[0].name, "[SPAM] You win.eml");
    assert_str(found.list[0].raw, SPAM);
    assert_int_equal(found.n_left_out, 0);
}

static void gmail_and_outlook_web_encode_it(void **state)
{
    /* base64 of "From: a@b.example\nSubject: x\n\nhello\n" */
    struct originals found = find_in(
        TOP "Content-Type: multipart/mixed; boundary=\"000000000000a1\"\r\n\r\n"
            "--000000000000a1\r\nContent-Type: text/plain; charset=\"UTF-8\"\r\n\r\nsee\r\n"
            "--000000000000a1\r\nContent-Type: message/rfc822; name=\"x.eml\"\r\n"
            "Content-Disposition: attachment; filename=\"x.eml\"\r\n"
            "Content-Transfer-Encoding: base64\r\nX-Attachment-Id: f_1\r\n\r\n"
            "RnJvbTogYUBiLmV4YW1wbGUKU3ViamVjdDogeAoKaGVsbG8K\r\n"
            "--000000000000a1\r\nContent-Type: message/rfc822\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            "From: a@b.example\r\nSubject: y\r\n\r\nhel=\r\nlo =3D\r\n--000000000000a1--\r\n");
    assert_int_equal(found.n, 2);
    assert_str(found.list[0].raw, "From: a@b.example\nSubject: x\n\nhello\n");
    assert_str(found.list[1].raw, "From: a@b.example\r\nSubject: y\r\n\r\nhello =");
}

static void apple_mail_puts_it_beside_empty_texts(void **state)
{
    struct originals found = find_in(
        TOP
        "Content-Type: multipart/alternative;\r\n\tboundary=\"Apple-Mail=_1\"\r\n\r\n"
        "--Apple-Mail=_1\r\nContent-Type: text/plain;\r\n\tcharset=us-ascii\r\n\r\n\r\n"
        "--Apple-Mail=_1\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"Apple-Mail=_2\"\r\n\r\n"
        "--Apple-Mail=_2\r\nContent-Type: text/html\r\n\r\n<html><br></html>\r\n"
        "--Apple-Mail=_2\r\nContent-Disposition: "
        "attachment;\r\n\tfilename*=utf-8''Gagn%C3%A9.eml\r\n"
        "Content-Type: message/rfc822;\r\n\tname*=utf-8''Gagn%C3%A9.eml;\r\n\tx-unix-mode=0666\r\n"
        "Content-Transfer-Encoding: 7bit\r\n\r\n" SPAM "\r\n"
        "--Apple-Mail=_2\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n"
        "--Apple-Mail=_2--\r\n\r\n--Apple-Mail=_1--\r\n");
    assert_int_equal(found.n, 1);
    assert_str(found.list[0].raw, SPAM);
    assert_str(found.list[0].name, "Gagn\xc3\xa9.eml");
}

static void webmails_attach_files_of_any_type(void **state)
{
    /* Roundcube, SOGo, Zimbra, and what a proxy makes of them */
    struct originals found = find_in(
        TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: message/rfc822;\r\n name=\"You win.eml\"\r\n"
            "Content-Transfer-Encoding: 8bit\r\nContent-Disposition: attachment;\r\n"
            " filename=\"You win.eml\";\r\n size=312\r\n\r\n" SPAM "\r\n"
            "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
            "Content-Disposition: attachment; filename=You.EML\r\n\r\n"
            "RnJvbTogYUBiLmV4YW1wbGUKU3ViamVjdDogeAoKaGVsbG8K\r\n"
            "--b\r\nContent-Type: text/plain; name*0=\"a \"; name*1=\"b.eml\"\r\n\r\n" SPAM "\r\n"
            "--b\r\nContent-Type: application/pdf; name=bill.pdf\r\n\r\n%PDF\r\n--b--\r\n");
    assert_int_equal(found.n, 3);
    assert_int_equal(found.list[1].kind, ORIGINAL_FILE);
    assert_str(found.list[1].name, "You.EML");
    assert_str(found.list[1].raw, "From: a@b.example\nSubject: x\n\nhello\n");
    assert_str(found.list[2].name, "a b.eml");
    assert_str(found.list[2].raw, SPAM);
}

static void mutt_makes_digests_and_bare_messages(void **state)
{
    struct originals found =
        find_in(TOP "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n" SPAM
                    "\r\n--b\r\n\r\n" SPAM "\r\n--b--\r\n");
    assert_int_equal(found.n, 2);
    assert_str(found.list[1].raw, SPAM);
    found = find_in(TOP "Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n" SPAM);
    assert_int_equal(found.n, 1);
    assert_str(found.list[0].raw, SPAM);
}

static void only_the_outermost_count(void **state)
{
#define OUTER                                                                                      \
    "From: x@y.example\r\nSubject: outer\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n"    \
    "--in\r\nContent-Type: message/rfc822\r\n\r\n" SPAM "\r\n--in\r\n"                             \
    "Content-Type: application/x; name=a.eml\r\n\r\n" SPAM "\r\n--in--\r\n"
    struct originals found =
        find_in(TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                    "Content-Type: message/rfc822\r\n\r\n" OUTER "\r\n--b--\r\n");
    assert_int_equal(found.n, 1);
    assert_str(found.list[0].raw, OUTER);
}

/* --- abuse reports, bounces --- */

#define ARF(type)                                                                                  \
    TOP "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"          \
        "--b\r\n\r\nThis is an abuse report\r\n--b\r\nContent-Type: "                              \
        "message/feedback-report\r\n\r\n"                                                          \
        "User-Agent: SomeGenerator/1.0\r\nVersion: 1\r\nFeedback-Type: " type "\r\n\r\n--b\r\n"

static void an_abuse_report_says_what_its_message_is(void **state)
{
    struct originals found =
        find_in(ARF("abuse") "Content-Type: message/rfc822\r\n\r\n" SPAM "\r\n--b--\r\n");
    assert_int_equal(found.n, 1);
    assert_int_equal(found.feedback, FEEDBACK_SPAM);
    assert_str(found.list[0].raw, SPAM);
    found = find_in(ARF("not-spam") "Content-Type: message/rfc822\r\n\r\n" SPAM "\r\n--b--\r\n");
    assert_int_equal(found.feedback, FEEDBACK_HAM);
    found = find_in(ARF("x") "Content-Type: text/rfc822-headers\r\n\r\nFrom: a@b\r\n--b--\r\n");
    assert_int_equal(found.feedback, FEEDBACK_NONE);
    assert_int_equal(found.n, 0);
    assert_int_equal(found.n_left_out, 1);
    assert_int_equal(found.left_out[0].why, LEFT_HEADERS_ONLY);
}

static void nothing_is_taken_from_a_bounce(void **state)
{
    struct originals found = find_in(
        TOP "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\n\r\nfailed\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" SPAM
            "\r\n--b--\r\n");
    assert_true(found.bounce);
    assert_int_equal(found.n, 0);
    assert_true(find_in(TOP "Content-Type: multipart/report; boundary=b\r\n\r\n--b--\r\n").bounce);
}

/* --- what can't be taken is told --- */

static void what_cannot_be_read_is_told(void **state)
{
    struct originals found = find_in(
        TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\nx\r\n"
            "--b\r\nContent-Type: application/octet-stream; name=\"You win.MSG\"\r\n\r\nx\r\n"
            "--b\r\nContent-Type: message/rfc822; name=\"empty.eml\"\r\n\r\n\r\n"
            "--b\r\nContent-Type: text/plain; name=\"note.eml\"\r\n\r\nhello you\r\n"
            "--b\r\nContent-Type: application/zip; name=\"z.zip\"\r\n\r\nPK but not really\r\n"
            "--b--\r\n");
    static const enum left_why whys[] = {LEFT_DAMAGED, LEFT_OUTLOOK, LEFT_NOT_MAIL, LEFT_NOT_MAIL,
                                         LEFT_DAMAGED};
    assert_int_equal(found.n, 0);
    assert_int_equal(found.n_left_out, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(found.left_out[i].why, whys[i]);
    assert_str(found.left_out[1].name, "You win.MSG");
}

static struct originals find_in_winmail(const struct buf *tnef)
{
    struct buf report = BUF_INIT(1024 * 1024);
    buf_add(&report, STR(TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                             "--b\r\nContent-Type: text/plain\r\n\r\nsee attachment\r\n"
                             "--b\r\nContent-Type: application/ms-tnef; name=\"winmail.dat\"\r\n"
                             "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
    for (size_t i = 0; i < tnef->n; i++)
        buf_addf(&report, "=%02X%s", (unsigned char)tnef->p[i], i % 20 == 19 ? "=\r\n" : "");
    buf_add(&report, STR("\r\n--b--\r\n"));
    assert_true(buf_ok(&report));
    struct originals found = find(pool_str(pool, buf_str(&report)));
    buf_release(&report);
    return found;
}

static void outlook_puts_them_into_winmail(void **state)
{
    struct buf tnef = BUF_INIT(64 * 1024), props = BUF_INIT(4096);
    make_begin(&tnef);
    make_file(&tnef, "You win.eml", STR(SPAM));
    make_file(&tnef, "logo.png", STR("not looked at"));
    make_file(&tnef, "other.msg", STR("an OLE file"));
    make_file(&tnef, "empty.EML", STR("\r\n"));
    make_attribute(&tnef, 2, 0x00069002, STR("rendering data"));
    wire_u32(&props, 1);
    make_object(&props, make_iid_message, STR("a stream"));
    make_attribute(&tnef, 2, 0x00069005, buf_str(&props));
    struct originals found = find_in_winmail(&tnef);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0].kind, ORIGINAL_FILE);
    assert_str(found.list[0].raw, SPAM);
    assert_str(found.list[0].name, "You win.eml");
    assert_int_equal(found.n_left_out, 3);
    assert_int_equal(found.left_out[0].why, LEFT_OUTLOOK);
    assert_str(found.left_out[0].name, "other.msg");
    assert_int_equal(found.left_out[1].why, LEFT_NOT_MAIL);
    assert_int_equal(found.left_out[2].why, LEFT_OUTLOOK);
    /* cut: what is there counts, and that something is missing is told */
    tnef.n -= 100;
    found = find_in_winmail(&tnef);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.left_out[found.n_left_out - 1].why, LEFT_DAMAGED);
    buf_release(&props);
    buf_release(&tnef);
}

static void what_programs_put_in_front_of_a_header_goes(void **state)
{
    struct originals found = find_in(TOP "Content-Type: text/plain; name=a.eml\r\n\r\n"
                                         "\xef\xbb\xbf\r\n" SPAM);
    assert_int_equal(found.n, 1);
    assert_str(found.list[0].raw, SPAM);
}

static struct originals find_many(size_t n, const char *part)
{
    struct buf report = BUF_INIT(200 * 1024 * 1024);
    buf_add(&report, STR(TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (size_t i = 0; i < n; i++)
        buf_addf(&report, "--b\r\n%s\r\n", part);
    buf_add(&report, STR("--b--\r\n"));
    assert_true(buf_ok(&report));
    struct originals found = find(pool_str(pool, buf_str(&report)));
    buf_release(&report);
    return found;
}

static void too_many_are_told_one_by_one_up_to_a_limit(void **state)
{
    const char *part = "Content-Type: message/rfc822; name=a.eml\r\n\r\n" SPAM;
    struct originals found = find_many(ORIGINALS_MAX, part);
    assert_int_equal(found.n, ORIGINALS_MAX);
    assert_int_equal(found.n_left_out, 0);
    found = find_many(ORIGINALS_MAX + ORIGINALS_LEFT_MAX + 7, part);
    assert_int_equal(found.n, ORIGINALS_MAX);
    assert_int_equal(found.n_left_out, ORIGINALS_LEFT_MAX);
    assert_int_equal(found.left_out[0].why, LEFT_TOO_MANY);
    assert_int_equal(found.n_left_more, 7);
}

static void many_originals_of_many_parts_do_not_swallow_each_other(void **state)
{
    struct buf part = BUF_INIT(1024 * 1024);
    buf_add(&part, STR("Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\n"
                       "Content-Type: multipart/mixed; boundary=in\r\n\r\n"));
    for (int i = 0; i < 100; i++)
        buf_add(&part, STR("--in\r\n\r\nx\r\n"));
    buf_add(&part, STR("--in--\r\n"));
    struct originals found = find_many(50, buf_cstr(&part));
    assert_int_equal(found.n, 50);
    assert_int_equal(found.list[0].raw.n, found.list[49].raw.n);
    /* past the limit nothing is sure any more */
    found = find_many(300, buf_cstr(&part));
    assert_int_equal(found.n, 0);
    assert_int_equal(found.left_out[0].why, LEFT_TOO_DEEP);
    buf_release(&part);
}

static void too_large_ones_are_told(void **state)
{
    struct buf part = BUF_INIT(64 * 1024 * 1024);
    buf_add(&part, STR("Content-Type: message/rfc822; name=big.eml\r\n\r\nFrom: a@b\r\n\r\n"));
    while (part.n < 8 * 1024 * 1024)
        buf_add(&part, STR("0123456789012345678901234567890123456789012345678901234567890123\r\n"));
    struct originals found = find_many(3, buf_cstr(&part));
    assert_int_equal(found.n, 2);
    assert_int_equal(found.n_left_out, 1);
    assert_int_equal(found.left_out[0].why, LEFT_TOO_LARGE);
    buf_release(&part);
    pool_reset(pool);
}

static void deep_nesting_is_told(void **state)
{
    struct buf report = BUF_INIT(1024 * 1024);
    buf_add(&report, STR(TOP));
    for (int i = 0; i < 30; i++)
        buf_addf(&report, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    buf_add(&report, STR("Content-Type: message/rfc822\r\n\r\n" SPAM));
    struct originals found = find(buf_str(&report));
    assert_int_equal(found.n, 0);
    assert_int_equal(found.n_left_out, 1);
    assert_int_equal(found.left_out[0].why, LEFT_TOO_DEEP);
    buf_release(&report);
}

/* --- zip --- */

static void add_file(zip_t *zip, const char *name, struct str bytes, bool encrypted)
{
    zip_source_t *source = zip_source_buffer(zip, bytes.s, bytes.n, 0);
    zip_int64_t at = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    assert_true(at >= 0);
    if (encrypted)
        assert_int_equal(zip_file_set_encryption(zip, (zip_uint64_t)at, ZIP_EM_TRAD_PKWARE,
                                                 "secret"),
                         0);
}

static zip_t *new_zip(zip_source_t **source)
{
    zip_error_t error;
    *source = zip_source_buffer_create(NULL, 0, 0, &error);
    zip_source_keep(*source);
    zip_t *zip = zip_open_from_source(*source, ZIP_TRUNCATE, &error);
    assert_non_null(zip);
    return zip;
}

static struct str zip_bytes(zip_t *zip, zip_source_t *source)
{
    zip_stat_t stat;
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(zip_source_open(source), 0);
    assert_int_equal(zip_source_stat(source, &stat), 0);
    char *p = pool_alloc(pool, stat.size);
    assert_non_null(p);
    assert_int_equal(zip_source_read(source, p, stat.size), stat.size);
    zip_source_close(source);
    zip_source_free(source);
    return str_n(p, stat.size);
}

/* Not encoded: what matters is that the bytes come through. */
static struct originals find_zipped(struct str zip)
{
    struct buf report = BUF_INIT(zip.n + 1024);
    buf_add(&report, STR(TOP "Content-Type: application/zip; name=\"reports.zip\"\r\n"
                             "Content-Transfer-Encoding: binary\r\n\r\n"));
    buf_add(&report, zip);
    struct originals found = find(pool_str(pool, buf_str(&report)));
    buf_release(&report);
    return found;
}

static void originals_come_in_zip_files_too(void **state)
{
    zip_source_t *source;
    zip_t *zip = new_zip(&source);
    add_file(zip, "Posteingang/Gewinn \xc3\xa4.eml", STR(SPAM), false);
    add_file(zip, "__MACOSX/._a.eml", STR("attributes"), false);
    add_file(zip, "readme.txt", STR("hello"), false);
    add_file(zip, "secret.eml", STR(SPAM), true);
    add_file(zip, "inner.zip", STR("PK"), false);
    add_file(zip, "outlook.msg", STR("x"), false);
    add_file(zip, "odd.eml", STR("no mail"), false);
    add_file(zip, "b.EML", STR(SPAM), false);
    struct originals found = find_zipped(zip_bytes(zip, source));
    assert_int_equal(found.n, 2);
    assert_int_equal(found.list[0].kind, ORIGINAL_ARCHIVED);
    assert_str(found.list[0].name, "Posteingang/Gewinn \xc3\xa4.eml");
    assert_str(found.list[0].raw, SPAM);
    assert_str(found.list[1].raw, SPAM);
    static const enum left_why whys[] = {LEFT_ENCRYPTED, LEFT_NESTED, LEFT_OUTLOOK, LEFT_NOT_MAIL};
    assert_int_equal(found.n_left_out, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(found.left_out[i].why, whys[i]);
}

static void bombs_cost_no_more_than_their_limit(void **state)
{
    size_t n = 30 * 1024 * 1024;
    char *zeros = calloc(1, n);
    zip_source_t *source;
    zip_t *zip = new_zip(&source);
    memcpy(zeros, "From: a@b\n\n", 11);
    add_file(zip, "small.eml", STR(SPAM), false);
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d.eml", i);
        add_file(zip, name, str_n(zeros, n), false);
    }
    struct originals found = find_zipped(zip_bytes(zip, source));
    assert_int_equal(found.n, 1);
    assert_int_equal(found.n_left_out, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(found.left_out[i].why, LEFT_TOO_LARGE);
    free(zeros);
}

static void too_many_entries_are_told(void **state)
{
    zip_source_t *source;
    zip_t *zip = new_zip(&source);
    for (int i = 0; i < ARCHIVE_ENTRIES_MAX + 1; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d.txt", i);
        add_file(zip, name, STR("x"), false);
    }
    struct originals found = find_zipped(zip_bytes(zip, source));
    assert_int_equal(found.n, 0);
    assert_int_equal(found.n_left_out, 1);
    assert_int_equal(found.left_out[0].why, LEFT_TOO_MANY);
}

static void a_zip_file_that_was_cut_or_changed_is_damaged(void **state)
{
    zip_source_t *source;
    zip_t *zip = new_zip(&source);
    add_file(zip, "a.eml", STR(SPAM), false);
    struct str whole = zip_bytes(zip, source);
    for (size_t n = 0; n < whole.n; n++) {
        struct originals found = find_zipped(str_sub(whole, 0, n));
        assert_true(found.n == 1 || found.n_left_out == 1);
        assert_true(found.n == 0 || n > whole.n - 30);
    }
    char *bad = malloc(whole.n);
    for (size_t i = 0; i < whole.n; i++) {
        memcpy(bad, whole.s, whole.n);
        bad[i] ^= 0x55;
        struct originals found = find_zipped(str_n(bad, whole.n));
        /* what is taken is what was put in: a checksum stands for it */
        if (found.n)
            assert_str(found.list[0].raw, SPAM);
    }
    free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thunderbird_forwards_as_attachment),
        cmocka_unit_test(gmail_and_outlook_web_encode_it),
        cmocka_unit_test(apple_mail_puts_it_beside_empty_texts),
        cmocka_unit_test(webmails_attach_files_of_any_type),
        cmocka_unit_test(mutt_makes_digests_and_bare_messages),
        cmocka_unit_test(only_the_outermost_count),
        cmocka_unit_test(an_abuse_report_says_what_its_message_is),
        cmocka_unit_test(nothing_is_taken_from_a_bounce),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(outlook_puts_them_into_winmail),
        cmocka_unit_test(what_programs_put_in_front_of_a_header_goes),
        cmocka_unit_test(too_many_are_told_one_by_one_up_to_a_limit),
        cmocka_unit_test(many_originals_of_many_parts_do_not_swallow_each_other),
        cmocka_unit_test(too_large_ones_are_told),
        cmocka_unit_test(deep_nesting_is_told),
        cmocka_unit_test(originals_come_in_zip_files_too),
        cmocka_unit_test(bombs_cost_no_more_than_their_limit),
        cmocka_unit_test(too_many_entries_are_told),
        cmocka_unit_test(a_zip_file_that_was_cut_or_changed_is_damaged),
    };
    return tap_run(tests, set_up, tear_down);
}
