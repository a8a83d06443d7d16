#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "config.h"

#include "mail/transfer.h"
#include "tally/dmarc_xml.h"
#include "tally/letter.h"
#include "tally/rua.h"
#include "tally/sent.h"
#include "tally/shares.h"
#include "tally/tls_json.h"

#define DAY 20779 /* 2026-11-22 */

static const struct tally_maker maker = {.organization = {"Univ & <Co>", 11},
                                         .contact = {"postmaster@univ.example", 23},
                                         .submitter = {"univ.example", 12},
                                         .hostname = {"mx.univ.example", 15}};
static const struct tally_subject dmarc = {TALLY_DMARC, {"a.example", 9}, DAY};
static const struct tally_subject tls = {TALLY_TLS, {"a.example", 9}, DAY};

static void is(struct str text, const char *expected)
{
    if (!str_eq(text, str_of(expected)))
        print_error("is:\n%.*s\nexpected:\n%s\n", STR_ARG(text), expected);
    assert_true(str_eq(text, str_of(expected)));
}

static void days_and_names(void **state)
{
    char text[TALLY_DAY_SIZE], id[TALLY_ID_SIZE], file[TALLY_FILE_SIZE];
    int64_t day;
    assert_true(tally_day_put(DAY, text));
    assert_string_equal(text, "2026-11-22");
    assert_true(tally_day_get(STR("2026-11-22"), &day));
    assert_int_equal(day, DAY);
    assert_false(tally_day_get(STR("2026-02-31"), &day));
    assert_false(tally_day_get(STR("2026-2-3"), &day));
    assert_false(tally_day_get(STR("2026-11-22x"), &day));
    assert_false(tally_day_get(STR(""), &day));
    tally_report_id(&maker, &dmarc, id);
    assert_string_equal(id, "20261122.a.example.dmarc@mx.univ.example");
    tally_file_name(&maker, &dmarc, file);
    assert_string_equal(file, "univ.example!a.example!1795305600!1795391999.xml.gz");
    tally_file_name(&maker, &tls, file);
    assert_string_equal(file, "univ.example!a.example!1795305600!1795391999.json.gz");
}

static const char dmarc_expected[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
    "  <version>1.0</version>\n"
    "  <report_metadata>\n"
    "    <org_name>Univ &amp; &lt;Co&gt;</org_name>\n"
    "    <email>postmaster@univ.example</email>\n"
    "    <report_id>20261122.a.example.dmarc@mx.univ.example</report_id>\n"
    "    <date_range>\n"
    "      <begin>1795305600</begin>\n"
    "      <end>1795391999</end>\n"
    "    </date_range>\n"
    "    <error>too many different results on this day: 7 messages are not in this report"
    "</error>\n"
    "    <generator>poterne " PACKAGE_VERSION "</generator>\n"
    "  </report_metadata>\n"
    "  <policy_published>\n"
    "    <domain>a.example</domain>\n"
    "    <p>reject</p>\n"
    "    <sp>none</sp>\n"
    "    <adkim>s</adkim>\n"
    "    <aspf>r</aspf>\n"
    "    <discovery_method>treewalk</discovery_method>\n"
    "    <fo>1:d</fo>\n"
    "    <testing>y</testing>\n"
    "  </policy_published>\n"
    "  <record>\n"
    "    <row>\n"
    "      <source_ip>192.0.2.1</source_ip>\n"
    "      <count>3</count>\n"
    "      <policy_evaluated>\n"
    "        <disposition>none</disposition>\n"
    "        <dkim>pass</dkim>\n"
    "        <spf>fail</spf>\n"
    "      </policy_evaluated>\n"
    "    </row>\n"
    "    <identifiers>\n"
    "      <header_from>a.example</header_from>\n"
    "      <envelope_from>b.example</envelope_from>\n"
    "    </identifiers>\n"
    "    <auth_results>\n"
    "      <dkim>\n"
    "        <domain>a.example</domain>\n"
    "        <selector>s1</selector>\n"
    "        <result>pass</result>\n"
    "      </dkim>\n"
    "      <dkim>\n"
    "        <domain>&lt;x&gt;</domain>\n"
    "        <selector>&amp;</selector>\n"
    "        <result>s3 fail</result>\n"
    "      </dkim>\n"
    "      <spf>\n"
    "        <domain>b.example</domain>\n"
    "        <scope>mfrom</scope>\n"
    "        <result>softfail</result>\n"
    "      </spf>\n"
    "    </auth_results>\n"
    "  </record>\n"
    "  <record>\n"
    "    <row>\n"
    "      <source_ip>2001:db8::1</source_ip>\n"
    "      <count>1</count>\n"
    "      <policy_evaluated>\n"
    "        <disposition>quarantine</disposition>\n"
    "        <dkim>fail</dkim>\n"
    "        <spf>fail</spf>\n"
    "        <reason>\n"
    "          <type>policy_test_mode</type>\n"
    "        </reason>\n"
    "      </policy_evaluated>\n"
    "    </row>\n"
    "    <identifiers>\n"
    "      <header_from>news.a.example</header_from>\n"
    "      <envelope_from></envelope_from>\n"
    "    </identifiers>\n"
    "    <auth_results>\n"
    "    </auth_results>\n"
    "  </record>\n"
    "</feedback>\n";

static void a_dmarc_report(void **state)
{
    const struct tally_dmarc rows[] = {
        {.published = STR("p=none; adkim=r; aspf=r; t=n"),
         .header_from = STR("a.example"),
         .source_ip = STR("192.0.2.1"),
         .envelope_from = STR("b.example"),
         .spf = STR("b.example softfail"),
         .dkim = STR("a.example s1 pass\n s2 neutral\n<x> & s3 fail"),
         .aligned = STR("dkim"),
         .disposition = STR("none"),
         .n = 3,
         .last_us = 1},
        {.published = STR("p=reject; sp=none; adkim=s; aspf=r; t=y; fo=1:d"),
         .header_from = STR("news.a.example"),
         .source_ip = STR("2001:db8::1"),
         .spf = STR_EMPTY,
         .dkim = STR_EMPTY,
         .disposition = STR("quarantine"),
         .override = STR("policy_test_mode"),
         .n = 1,
         .last_us = 2},
    };
    const struct dmarc_report report = {&maker, &dmarc, rows, 2, 7};
    struct buf out = BUF_INIT(TALLY_TEXT_MAX);
    dmarc_xml_put(&out, &report);
    is(buf_str(&out), dmarc_expected);
    buf_release(&out);
}

static void a_tls_report(void **state)
{
    const struct tally_tls rows[] = {
        {.event = {.policy_type = STR("no-policy-found")}, .n = 5},
        {.event = {.policy_type = STR("sts"),
                   .policy = STR("version: STSv1\nmode: enforce"),
                   .mx_hosts = STR("*.a.example")},
         .n = 2},
        {.event = {.policy_type = STR("sts"),
                   .policy = STR("version: STSv1\nmode: enforce"),
                   .mx_hosts = STR("*.a.example"),
                   .sending_ip = STR("192.0.2.1"),
                   .receiving_ip = STR("198.51.100.1"),
                   .receiving_mx = STR("mx.a.example"),
                   .result = STR("certificate-expired"),
                   .reason = STR("since \"yesterday\"\xff")},
         .n = 4},
    };
    const struct tls_report report = {&maker, &tls, rows, 3};
    struct buf out = BUF_INIT(TALLY_TEXT_MAX);
    struct err err = {""};
    assert_int_equal(tls_json_put(&out, &report, &err), 0);
    is(buf_str(&out), "{\n"
                      "  \"organization-name\": \"Univ & <Co>\",\n"
                      "  \"date-range\": {\n"
                      "    \"start-datetime\": \"2026-11-22T00:00:00Z\",\n"
                      "    \"end-datetime\": \"2026-11-22T23:59:59Z\"\n"
                      "  },\n"
                      "  \"contact-info\": \"postmaster@univ.example\",\n"
                      "  \"report-id\": \"20261122.a.example.tls@mx.univ.example\",\n"
                      "  \"policies\": [\n"
                      "    {\n"
                      "      \"policy\": {\n"
                      "        \"policy-type\": \"no-policy-found\",\n"
                      "        \"policy-domain\": \"a.example\"\n"
                      "      },\n"
                      "      \"summary\": {\n"
                      "        \"total-successful-session-count\": 5,\n"
                      "        \"total-failure-session-count\": 0\n"
                      "      }\n"
                      "    },\n"
                      "    {\n"
                      "      \"policy\": {\n"
                      "        \"policy-type\": \"sts\",\n"
                      "        \"policy-string\": [\n"
                      "          \"version: STSv1\",\n"
                      "          \"mode: enforce\"\n"
                      "        ],\n"
                      "        \"policy-domain\": \"a.example\",\n"
                      "        \"mx-host\": [\n"
                      "          \"*.a.example\"\n"
                      "        ]\n"
                      "      },\n"
                      "      \"summary\": {\n"
                      "        \"total-successful-session-count\": 2,\n"
                      "        \"total-failure-session-count\": 4\n"
                      "      },\n"
                      "      \"failure-details\": [\n"
                      "        {\n"
                      "          \"result-type\": \"certificate-expired\",\n"
                      "          \"sending-mta-ip\": \"192.0.2.1\",\n"
                      "          \"receiving-mx-hostname\": \"mx.a.example\",\n"
                      "          \"receiving-ip\": \"198.51.100.1\",\n"
                      "          \"failed-session-count\": 4,\n"
                      "          \"failure-reason-code\": \"since \\\"yesterday\\\"\xef\xbf\xbd\"\n"
                      "        }\n"
                      "      ]\n"
                      "    }\n"
                      "  ]\n"
                      "}\n");
    buf_release(&out);
}

static struct rua_list read_rua(enum tally_kind kind, const char *record)
{
    struct rua_list list;
    assert_true(rua_read(kind, str_of(record), &list));
    return list;
}

static void whom_a_record_names(void **state)
{
    struct rua_list l;
    assert_false(rua_read(TALLY_DMARC, STR("v=DMARC2; rua=mailto:a@b.example"), &l));
    assert_false(rua_read(TALLY_TLS, STR("v=DMARC1; rua=mailto:a@b.example"), &l));
    l = read_rua(TALLY_DMARC, "v=DMARC1; p=none; rua=mailto:a@b.Example!10m , https://b.example/x,"
                              "mailto:c%2Bd@b.example?subject=x");
    assert_int_equal(l.n, 2);
    assert_int_equal(l.passed_over, 1);
    assert_string_equal(l.list[0].target, "a@b.Example");
    assert_string_equal(l.list[0].host, "b.example");
    assert_int_equal(l.list[0].size_max, 10 * 1024 * 1024);
    assert_string_equal(l.list[1].target, "c+d@b.example");
    assert_int_equal(l.list[1].size_max, 0);
    l = read_rua(TALLY_TLS, "v=TLSRPTv1;rua=https://r.b.example:8443/v1?a=b,mailto:t@b.example");
    assert_int_equal(l.n, 2);
    assert_int_equal(l.list[0].way, RUA_HTTPS);
    assert_string_equal(l.list[0].target, "https://r.b.example:8443/v1?a=b");
    assert_string_equal(l.list[0].host, "r.b.example");
    assert_int_equal(l.list[1].way, RUA_MAILTO);
}

/* Nothing of these may come into a header or an envelope. */
static void what_no_report_goes_to(void **state)
{
    static const char *const records[] = {
        "v=DMARC1; rua=mailto:",
        "v=DMARC1; rua=mailto:a",
        "v=DMARC1; rua=mailto:@b.example",
        "v=DMARC1; rua=mailto:a@",
        "v=DMARC1; rua=mailto:a@localhost",
        "v=DMARC1; rua=mailto:a%0d%0aBcc:x@b.example",
        "v=DMARC1; rua=mailto:a%20b@b.example",
        "v=DMARC1; rua=mailto:%22a%22@b.example",
        "v=DMARC1; rua=mailto:a%3Ex@b.example",
        "v=DMARC1; rua=mailto:a@[192.0.2.1]",
        "v=DMARC1; rua=mailto:a..b@b.example",
        "v=DMARC1; rua=ftp://b.example/",
        "v=DMARC1; rua=",
        "v=DMARC1; p=none",
    };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        struct rua_list l = read_rua(TALLY_DMARC, records[i]);
        if (l.n)
            print_error("%s gave %s\n", records[i], l.list[0].target);
        assert_int_equal(l.n, 0);
    }
    struct rua_list many =
        read_rua(TALLY_DMARC,
                 "v=DMARC1; rua=mailto:a@b.example,mailto:b@b.example,mailto:c@b.example,"
                 "mailto:d@b.example,mailto:e@b.example; rua=mailto:f@b.example");
    assert_int_equal(many.n, RUA_MAX);
    assert_int_equal(many.passed_over, 1);
}

static void inflate_all(struct str bytes, char *out, size_t size)
{
    z_stream z = {.next_in = (Bytef *)bytes.s, .avail_in = (uInt)bytes.n};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size - 1;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    out[size - 1 - z.avail_out] = '\0';
    inflateEnd(&z);
}

static void compressed_and_the_same_each_time(void **state)
{
    struct buf one = BUF_INIT(4096), two = BUF_INIT(4096), none = BUF_INIT(10);
    struct err err = {""};
    char text[64];
    assert_int_equal(letter_gzip(STR("<feedback/>"), &one, &err), 0);
    assert_int_equal(letter_gzip(STR("<feedback/>"), &two, &err), 0);
    assert_true(str_eq(buf_str(&one), buf_str(&two)));
    inflate_all(buf_str(&one), text, sizeof text);
    assert_string_equal(text, "<feedback/>");
    assert_int_equal(letter_gzip(STR("<feedback/>"), &none, &err), -1);
    buf_release(&one);
    buf_release(&two);
    buf_release(&none);
}

static void base64_of_any_length(void **state)
{
    char bytes[200];
    struct buf there = BUF_INIT(4096), back = BUF_INIT(4096);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        struct str line, rest;
        buf_clear(&there);
        buf_clear(&back);
        transfer_base64_put(str_n(bytes, n), &there);
        transfer_base64(buf_str(&there), &back);
        assert_true(str_eq(buf_str(&back), str_n(bytes, n)));
        rest = buf_str(&there);
        while (str_next_line(&rest, &line))
            assert_true(line.n > 0 && line.n <= 76);
    }
    buf_release(&there);
    buf_release(&back);
}

static void a_letter(void **state)
{
    struct letter letter = {.maker = &maker,
                            .subject = &tls,
                            .id = "01ID",
                            .time_s = 1795400000,
                            .to = STR("tls@a.example"),
                            .report = STR("gz")};
    struct buf out = BUF_INIT(TALLY_MAIL_MAX);
    letter_put(&letter, &out);
    is(buf_str(&out),
       "From: \"Univ & <Co>\" <postmaster@univ.example>\r\n"
       "To: tls@a.example\r\n"
       "Date: Mon, 23 Nov 2026 02:13:20 +0000\r\n"
       "Message-ID: <01ID@mx.univ.example>\r\n"
       "Subject: Report Domain: a.example\r\n"
       " Submitter: univ.example\r\n"
       " Report-ID: <20261122.a.example.tls@mx.univ.example>\r\n"
       "Auto-Submitted: auto-generated\r\n"
       "MIME-Version: 1.0\r\n"
       "TLS-Report-Domain: a.example\r\n"
       "TLS-Report-Submitter: univ.example\r\n"
       "TLS-Required: No\r\n"
       "Content-Type: multipart/report; report-type=tlsrpt;\r\n boundary=\"=_01ID\"\r\n"
       "\r\n--=_01ID\r\n"
       "Content-Type: text/plain; charset=utf-8\r\n"
       "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
       "This is a report about TLS with the mail servers of a.example\r\n"
       "on 2026-11-22 (UTC), as its record _smtp._tls asks for (RFC 8460).\r\n"
       "It is made by a program. Whom to ask: postmaster@univ.example\r\n"
       "\r\n--=_01ID\r\n"
       "Content-Type: application/tlsrpt+gzip\r\n"
       "Content-Transfer-Encoding: base64\r\n"
       "Content-Disposition: attachment;\r\n"
       " filename=\"univ.example!a.example!1795305600!1795391999.json.gz\"\r\n"
       "\r\nZ3o=\r\n"
       "\r\n--=_01ID--\r\n");
    buf_clear(&out);
    letter.subject = &dmarc;
    letter_put(&letter, &out);
    assert_int_equal(str_find(buf_str(&out), STR("TLS-")), STR_NONE);
    assert_true(str_find(buf_str(&out), STR("Content-Type: application/gzip\r\n")) != STR_NONE);
    buf_clear(&out);
    letter_subject(&letter, &out);
    is(buf_str(&out), "Report Domain: a.example Submitter: univ.example "
                      "Report-ID: <20261122.a.example.dmarc@mx.univ.example>");
    buf_release(&out);
}

/* --- what was sent --- */

static void remove_folder(const char *folder)
{
    char path[512];
    DIR *dir = opendir(folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(folder), 0);
}

static void open_book(struct sent_book *book, const char *folder, int64_t day, bool writing,
                      struct pool *pool)
{
    struct err err = {""};
    int result = sent_open(book, folder, TALLY_DMARC, day, writing, pool, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
}

static void what_was_sent_is_known_again(void **state)
{
    char root[] = "/tmp/poterne-sent.XXXXXX", folder[64], path[128];
    struct pool *pool = pool_new(1024 * 1024);
    struct sent_book book;
    struct err err = {""};
    assert_non_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/tally", root);
    open_book(&book, folder, DAY, false, pool);
    assert_int_equal(sent_find(&book, STR("a.example")).state, SENT_NOT);
    open_book(&book, folder, DAY, true, pool);
    assert_int_equal(sent_note(&book, SENT_BEGUN, STR("b.example"), STR("1"), &err), 0);
    assert_int_equal(sent_note(&book, SENT_BEGUN, STR("a.example"), STR("2"), &err), 0);
    assert_int_equal(sent_note(&book, SENT_DONE, STR("a.example"), STR("2 to\tx\ny"), &err), 0);
    sent_close(&book);
    /* a line that a crash has torn, and what is written behind it */
    snprintf(path, sizeof path, "%s/2026-11-22.dmarc", folder);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fputs("sent\tc.exam", file);
    assert_int_equal(fclose(file), 0);
    open_book(&book, folder, DAY, true, pool);
    assert_int_equal(sent_note(&book, SENT_UNWANTED, STR("d.example"), STR("why"), &err), 0);
    sent_close(&book);
    open_book(&book, folder, DAY, false, pool);
    assert_int_equal(book.n, 4); /* the torn one counts as another domain's */
    assert_int_equal(sent_find(&book, STR("a.example")).state, SENT_DONE);
    is(sent_find(&book, STR("a.example")).detail, "2 to x y");
    assert_int_equal(sent_find(&book, STR("b.example")).state, SENT_BEGUN);
    assert_int_equal(sent_find(&book, STR("d.example")).state, SENT_UNWANTED);
    assert_int_equal(sent_find(&book, STR("c.example")).state, SENT_NOT);
    sent_close(&book);
    open_book(&book, folder, DAY + 1, true, pool);
    sent_close(&book);
    assert_int_equal(sent_sweep(folder, DAY + 1, &err), 0);
    assert_int_equal(access(path, F_OK), -1);
    remove_folder(folder);
    assert_int_equal(rmdir(root), 0);
    pool_free(&pool);
}

static void nobody_gets_more_than_a_share(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct err err = {""};
    struct shares shares;
    char host[32];
    struct sent_line lines[] = {
        {.domain = STR("a"),
         .state = SENT_DONE,
         .detail = STR("I to x@a.example; J to y@b.example")},
        {.domain = STR("b"),
         .state = SENT_DONE,
         .detail = STR("not to z@a.example: 9 bytes, it takes 1; J to \"x@B.example")},
        {.domain = STR("c"), .state = SENT_UNWANTED, .detail = STR("I to x@a.example")},
    };
    const struct sent_book book = {.fd = -1, .lines = lines, .n = 3};
    assert_int_equal(shares_read(&shares, &book, pool, &err), 0);
    assert_int_equal(shares.all, 3);
    for (int i = 1; i < SHARES_HOST_MAX; i++)
        assert_true(shares_take(&shares, STR("a.example"), &err));
    assert_false(shares_take(&shares, STR("a.example"), &err));
    assert_non_null(strstr(err.text, "100 reports of this day went to that host"));
    for (int i = 2; i < SHARES_HOST_MAX; i++)
        assert_true(shares_take(&shares, STR("b.example"), &err));
    assert_false(shares_take(&shares, STR("b.example"), &err));
    assert_int_equal(shares.all, 2 * SHARES_HOST_MAX);
    for (int i = 2 * SHARES_HOST_MAX; i < SHARES_ALL_MAX; i++) {
        assert_false(shares_full(&shares, &err));
        snprintf(host, sizeof host, "h%d.example", i);
        assert_true(shares_take(&shares, str_of(host), &err));
    }
    assert_true(shares_full(&shares, &err));
    assert_false(shares_take(&shares, STR("c.example"), &err));
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_names),
        cmocka_unit_test(a_dmarc_report),
        cmocka_unit_test(a_tls_report),
        cmocka_unit_test(whom_a_record_names),
        cmocka_unit_test(what_no_report_goes_to),
        cmocka_unit_test(compressed_and_the_same_each_time),
        cmocka_unit_test(base64_of_any_length),
        cmocka_unit_test(a_letter),
        cmocka_unit_test(what_was_sent_is_known_again),
        cmocka_unit_test(nobody_gets_more_than_a_share),
    };
    return tap_run(tests, NULL, NULL);
}
