/* compiled rules over a message */
#include "t/unit/rules_world.h"

#include <math.h>

#include "rules/facts/view.h"

static const char mail[] =
    "Received: from a.example by b.example; Thu, 25 Jul 2024 10:00:00 +0000\r\n"
    "Received: from c.example by a.example; Thu, 25 Jul 2024 09:00:00 +0000\r\n"
    "From: =?utf-8?Q?Caf=C3=A9?= \"x\" <Jean@Shop.example>\r\n"
    "To: a@t.example, B <b@t.example>\r\n"
    "Cc: c@t.example\r\n"
    "Subject: Folded\r\n subject, =?utf-8?B?w6k=?=\r\n"
    "X-Empty:\r\n"
    "Date: Wed, 24 Jul 2024 10:00:00 +0000\r\n"
    "Message-Id: <1@shop.example>\r\n"
    "Resent-Message-Id: <2@r.example>\r\n"
    "Content-Type: multipart/mixed; boundary=x\r\n"
    "\r\n"
    "--x\r\n"
    "Content-Type: text/plain\r\n"
    "\r\n"
    "Hello hello\r\n"
    "\r\n"
    "big money now\r\n"
    "\r\n"
    "end\r\n"
    "--x\r\n"
    "Content-Type: text/html\r\n"
    "\r\n"
    "<b>big</b> money <a href=\"http://EVIL.example/%61\">x</a>\r\n"
    "<a href=\"mailto:x@y.example\">y</a>\r\n"
    "--x\r\n"
    "Content-Type: application/pdf\r\n"
    "Content-Disposition: attachment; filename=\"bill.pdf.exe\"\r\n"
    "\r\n"
    "abc\r\n"
    "--x--\r\n";

/* The message's text is not what mail_text_make() would say of it. */
static void open_world(struct world *w, const char *rules)
{
    static struct uri uris[] = {
        {.text = {"http://EVIL.example/%61", 23},
         .clean = {"http://evil.example/a", 21},
         .host = {"evil.example", 12},
         .domain = {"evil.example", 12}},
        {.text = {"mailto:x@y.example", 18}, .clean = {"mailto:x@y.example", 18}},
    };
    static struct mail_text text = {
        .subject = {"Folded subject, \xC3\xA9", 18},
        .uris = uris,
        .n_uris = 2,
        .html = {.present = true, .images = 2, .text_visible = 100, .text_invisible = 300},
    };
    world_open(w, rules, 0);
    world_set_message(w, str_of(mail));
    w->input.text = &text;
}

/* Each rule whose name begins with Y must hit, and none whose name begins with N may. */
static void check(const char *rules)
{
    struct world w;
    open_world(&w, rules);
    for (int again = 0; again < 2; again++) { /* the scratch keeps nothing */
        world_run(&w);
        assert_int_equal(w.result.n_limited, 0);
        for (size_t i = 0; i < w.set->n; i++) {
            const struct rule *rule = &w.set->rules[i];
            bool wanted = rule->name.s[0] == 'Y';
            if (rule->counts && wanted != (world_hit(&w, rule->name.s) != NULL))
                fail_msg("%s", rule->name.s);
        }
    }
    world_close(&w);
}

static void headers(void **state)
{
    check(
        "header Y1 Subject =~ /^Folded subject, \xC3\xA9$/\n"
        "header Y2 Subject:raw =~ /^ Folded\\n subject, =\\?utf/\n"
        "header Y3 From:addr =~ /^Jean\\@Shop\\.example$/\n"
        "header Y4 From:name =~ /^Caf\xC3\xA9/\n"
        "header Y5 ToCc:addr =~ /^a\\@t\\.example\\nb\\@t\\.example\\nc\\@t\\.example$/\n"
        "header Y6 Received =~ /^from a.*\\nfrom c/\n"
        "header Y7 Received:last =~ /^from c/\n"
        "header Y8 Received:first !~ /from c/\n"
        "header Y9 exists:x-empty\n"
        "header N1 exists:X-Missing\n"
        "header Y10 X-Empty =~ /^$/\n"
        "header Y11 X-Missing !~ /x/\n"
        "header Y12 X-Missing =~ /^none$/ [if-unset: none]\n"
        "header N2 X-Missing =~ /./\n"
        "header Y13 ALL =~ /^To: a.*^Cc: c/ms\n"
        "header Y14 ALL:raw =~ /\\nSubject: Folded\\n subject/\n"
        "header N3 ALL =~ /\\r/\n"
        "header Y15 MESSAGEID =~ /2\\@r.*\\n.*1\\@shop/\n"
        "header N4 Subject =~ /folded/\n"
        "header Y16 subject =~ /folded/i\n"
        "header N5 X-Missing !~ /no/ [if-unset: no]\n"
        "mimeheader Y17 Content-Type =~ /^application.pdf$/\n"
        "mimeheader N6 Content-Type !~ /pdf/\n"
        "mimeheader Y18 Content-Type !~ /word/\n"
        "mimeheader N7 X-Missing =~ /./\n"
        "header N8 Subject !~ /subject,/\n"
        "header Y19 Subject !~ /another subject/\n"
        "header Y20 X-Missing !~ /another subject/\n"
        "header Y21 Received =~ /^from c\\.example/m\n"
        "header N9 Received =~ /from c\\.example by b/\n"
        "header __TWICE Received =~ /example by/\ntflags __TWICE multiple\nmeta Y22 __TWICE == 2\n"
        "header __UNSET X-Missing =~ /a/ [if-unset: aaa]\ntflags __UNSET multiple\n"
        "meta Y23 __UNSET == 3\n"
        "mimeheader Y24 X-Missing =~ /^none$/ [if-unset: none]\n");
}

static void texts(void **state)
{
    check("body Y1 /^big money now$/\n"
          "body Y2 /money\\snow/\n"
          "body N1 /hello big/\n"
          "body N2 /hello\\nbig/\n"
          "body Y3 /Folded/\n"
          "body N3 /Folded/\n"
          "tflags N3 nosubject\n"
          "body Y4 /now\\s/\n"
          "body N4 /money.*end/s\n"
          "body Y5 /(?<!x)end.*y \\Z/\n"
          "body Y6 /hello$/\n"
          "body Y7 /hello/i\ntflags Y7 nosubject\n"
          "rawbody Y8 /<b>big/\n"
          "rawbody N5 /end.*<b>/s\n"
          "uri Y9 /^http:..EVIL\\.example.a$/\n"
          "uri Y10 /EVIL\\.example.%61/\n"
          "uri Y11 /^mailto:/\n"
          "uri N6 /a\\nhttp/\n"
          "full Y12 /--x\\r\\nContent-Type: app/\n"
          "full N7 /[^\\r]\\n/\n");
}

static void metas(void **state)
{
    check("body __A /hello/i\ntflags __A multiple\n"
          "body __B /nothing here/\n"
          "meta Y1 __A == 2\n"
          "meta Y2 __A && !__B\n"
          "meta N1 __A && __B\n"
          "meta Y3 (__A + __B + __C) >= 2\n"
          "meta __C 5\n"
          "meta Y4 __C > __A\n"
          "meta N2 UNDEFINED\n"
          "meta Y5 Y4 && Y1\n"
          "meta Y6 rules_matching(Y*) >= 4\n"
          "meta N3 rules_matching(__B?*)\n"
          "meta Y7 __A - 3\n"
          "meta Y8 Y7 == 1\n"
          "body __CAP /l/\ntflags __CAP multiple maxhits=3\n"
          "meta Y9 __CAP == 3\n");
}

static void evals(void **state)
{
    check("body Y1 eval:html('images', 1, 2)\n"
          "body N1 eval:html('images', 3)\n"
          "body Y2 eval:html_hidden(100, 50)\n"
          "body N2 eval:html_hidden(100, 80)\n"
          "body Y3 eval:links(1, 1)\n"
          "body Y4 eval:links_all_foreign()\n"
          "header Y5 eval:date_gap_hours(20, 30)\n"
          "header N3 eval:date_gap_hours(25)\n"
          "header Y6 eval:recipients(3, 3)\n"
          "header Y7 eval:received_hops(2)\n"
          "full Y8 eval:attachment_ext('com,exe')\n"
          "full N4 eval:attachment_ext(\"pdf\")\n"
          "full Y9 eval:attachment_double_ext()\n"
          "body Y10 eval:parts('text/', 2, 2)\n"
          "header N5 eval:reply_to_other_domain()\n"
          "header N6 eval:message_id_other_domain()\n"
          "header N7 eval:subject_capitals(50)\n"
          "header N8 eval:mime_anomaly('no_boundary')\n");
}

static void scores_add_up(void **state)
{
    struct world w;
    open_world(&w, "body ONE /money/\nscore ONE 1.5\n"
                   "body MANY /l/\ntflags MANY multiple maxhits=4\nscore MANY 0.5\n"
                   "header NICE exists:From\ntflags NICE nice\n"
                   "meta SUM MANY\nscore SUM 3\n"
                   "body __HELPER /end/\nmeta __UNUSED __HELPER\n");
    world_run(&w);
    assert_int_equal(w.result.n_hits, 4);
    assert_true(w.result.total == 1.5 + 4 * 0.5 - 1 + 3);
    assert_string_equal(w.result.hits[0].name, "SUM");
    assert_int_equal(world_hit(&w, "SUM")->times, 4);
    assert_true(world_hit(&w, "SUM")->score == 3);
    assert_true(world_hit(&w, "MANY")->score == 2);
    assert_str(world_hit(&w, "ONE")->text, "money");
    assert_int_equal(world_hit(&w, "ONE")->times, 1);
    assert_str(world_hit(&w, "NICE")->text, "");
    world_close(&w);
}

static void envelope_from(void **state)
{
    struct world w;
    open_world(&w, "header A EnvelopeFrom =~ /^x\\@y$/\nheader EMPTY EnvelopeFrom =~ /^$/\n");
    w.input.envelope_from = STR("x@y");
    world_run(&w);
    assert_non_null(world_hit(&w, "A"));
    w.input.envelope_from = STR("");
    world_run(&w);
    assert_null(world_hit(&w, "A"));
    assert_non_null(world_hit(&w, "EMPTY"));
    world_close(&w);
}

static void a_limit_is_named(void **state)
{
    struct world w;
    open_world(&w, "body SLOW /^(a+)+$/\nbody FINE /!/\nheader __NEG Subject !~ /(?:F|x)o/\n"
                   "meta USES_SLOW SLOW\n");
    world_set_message(&w, STR("Subject: s\n\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n"));
    world_run(&w);
    assert_int_equal(w.result.n_limited, 1);
    assert_string_equal(w.result.limited[0], "SLOW");
    assert_non_null(world_hit(&w, "FINE"));
    assert_null(world_hit(&w, "SLOW"));
    world_close(&w);
}

/* Many short pieces in one block, and pieces at the edges of blocks. */
static void blocks_lose_nothing(void **state)
{
    struct world w;
    size_t n = 2000, large = 6000;
    struct buf raw = BUF_INIT(1 << 20);
    open_world(&w, "body LOCAL /needle/\ntflags LOCAL multiple\n"
                   "body ANCHORED /^needle/\ntflags ANCHORED multiple\n"
                   "body LAST /very last $/\nbody LONG /zz/\n");
    buf_add(&raw, STR("Subject: s\n\n"));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; i == n / 2 && j < large; j++)
            buf_addc(&raw, j / 2 == large / 3 ? 'z' : 'y');
        buf_add(&raw, i == n / 2 || i % 7 ? STR("some other words") : STR("needle in here"));
        buf_add(&raw, STR("\n\n"));
    }
    buf_add(&raw, STR("the very last\n"));
    world_set_message(&w, buf_str(&raw));
    world_run(&w);
    assert_int_equal(world_hit(&w, "LOCAL")->times, 286);
    assert_int_equal(world_hit(&w, "ANCHORED")->times, 286);
    assert_non_null(world_hit(&w, "LAST"));
    assert_non_null(world_hit(&w, "LONG"));
    assert_false(w.result.truncated);
    world_close(&w);
    buf_release(&raw);
}

static void a_full_pool_is_an_error(void **state)
{
    struct world w;
    struct err err = {""};
    open_world(&w, "body A /x/\nfull B /y/\nheader C ALL =~ /z/\n");
    struct pool *small = pool_new(100);
    assert_int_equal(ruleset_run(w.set, w.scratch, &w.input, small, &w.result, &err), -1);
    assert_true(err.text[0] != '\0');
    pool_free(&small);
    world_close(&w);
}

/* As SpamAssassin 4.0.1 has it: a meta without a score is worked out for others, which hit only
 * while it is false, and never when it waits for a rule that is not run. */
static void metas_without_score_keep_others_from_hitting(void **state)
{
    struct world w;
    open_world(&w, "header __YES exists:Subject\nheader __OFF exists:Subject\nscore __OFF 0\n"
                   "meta TRUE0 __YES\nscore TRUE0 0\nmeta FALSE0 !__YES\nscore FALSE0 0\n"
                   "meta LATE0 __OFF\nscore LATE0 0\n"
                   "meta A TRUE0 || 1\nmeta B !FALSE0\nmeta C !LATE0\nmeta D !A\n"
                   "meta E !__OFF\nmeta F !NO_SUCH_RULE\n");
    static const char other[] = "From: a@b.example\r\n\r\nx\r\n";
    struct str whole = w.input.message->raw;
    for (int again = 0; again < 2; again++) { /* what another message leaves behind is gone */
        world_run(&w);
        assert_null(world_hit(&w, "A"));
        assert_non_null(world_hit(&w, "B"));
        assert_null(world_hit(&w, "C"));
        assert_null(world_hit(&w, "D"));
        assert_non_null(world_hit(&w, "E"));
        assert_non_null(world_hit(&w, "F"));
        assert_null(world_hit(&w, "TRUE0"));
        world_set_message(&w, str_of(other));
        world_run(&w);
        assert_non_null(world_hit(&w, "A"));
        assert_null(world_hit(&w, "B"));
        world_set_message(&w, whole);
    }
    world_close(&w);
}

static void part_headers_count_in_one_part(void **state)
{
    struct world w;
    open_world(&w, "mimeheader A Content-Type =~ /t/\ntflags A multiple\n"
                   "mimeheader B Content-Type =~ /html/\ntflags B range=1-2\n"
                   "mimeheader C Content-Type =~ /html/\ntflags C range=3\n"
                   "mimeheader D Content-Type =~ /plain.*\\n.*html/\ntflags D concat\n"
                   "mimeheader E Content-Type !~ /zip/\nmimeheader F Content-Type !~ /pdf/\n");
    world_run(&w);
    assert_int_equal(world_hit(&w, "A")->times, 2); /* multipart, not the parts in it */
    assert_null(world_hit(&w, "B"));
    assert_non_null(world_hit(&w, "C"));
    assert_non_null(world_hit(&w, "D"));
    assert_non_null(world_hit(&w, "E"));
    assert_null(world_hit(&w, "F"));
    world_close(&w);
}

static void a_total_counts_thousandths(void **state)
{
    struct world w;
    open_world(&w, "body A /big/\nscore A 0.1\nbody B /money/\nscore B 0.2\n"
                   "body C /end/\nscore C -0.3004\n");
    world_run(&w);
    assert_true(w.result.total == 0.0 && !signbit(w.result.total));
    world_close(&w);
}

/* As SpamAssassin cuts a message into parts and reads their headers (checked with 4.0.1). */
static void part_headers_are_those_of_its_tree(void **state)
{
    static const char rules[] =
        "mimeheader A Content-Type =~ /plain/\nmimeheader B Content-Type =~ /html/\n"
        "mimeheader C Content-Type =~ /pdf/\nmimeheader D Content-Type:raw =~ /png\\n$/\n"
        "mimeheader E X-None:raw =~ /^$/\nmimeheader F X-None =~ /^u$/ [if-unset: u]\n"
        "mimeheader G ALL =~ /^Content-Type: image.*\\nX-A: b c\\n$/\n"
        "mimeheader I Content-Type =~ /gif/\nmimeheader J Content-Type =~ /csv/\n";
    static const struct {
        const char *boundary, *found;
    } cases[] = {{"x", "ABDEFGI"}, {"\" x\"", "EF"}, {"\"x \"", "EF"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char names[2] = "A";
        open_world(&w, rules);
        struct str raw = pool_strf(
            w.pool,
            "From: a@b.example\nContent-Type: text/csv\nContent-Type: multipart/mixed; "
            "boundary=%s\n\n--x\nContent-Type: text/plain\n\ntext\n--x\n"
            "Content-Type: application/pdf\nContent-Type:\n text/html\n\n<b>x</b>\n--x\n"
            "Content-Type: image/gif; foo\n\n--x\nContent-Type: image/png\nX-A: b\n  c\n\n--x--\n",
            cases[i].boundary);
        world_set_message(&w, raw);
        world_run(&w);
        for (; names[0] <= 'J'; names[0]++)
            assert_int_equal(world_hit(&w, names) != NULL,
                             strchr(cases[i].found, names[0]) != NULL);
        world_close(&w);
    }
}

static void one_link_meets_all_conditions(void **state)
{
    struct world w;
    open_world(&w, "util_rb_tld com example\nuri_detail A raw =~ /EVIL/ text =~ /^x$/\n"
                   "uri_detail B raw =~ /EVIL/ text =~ /^y$/\n"
                   "uri_detail C type =~ m!^a$!i host !~ /good/ cleaned =~ /evil/i\n"
                   "uri_detail D raw /x/\nuri_detail E nothing =~ /x/\nuri_detail F raw =~ /(/\n");
    world_run(&w);
    assert_non_null(world_hit(&w, "A"));
    assert_null(world_hit(&w, "B"));
    assert_non_null(world_hit(&w, "C"));
    assert_true(!world_hit(&w, "D") && !world_hit(&w, "E") && !world_hit(&w, "F"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(texts),
        cmocka_unit_test(metas),
        cmocka_unit_test(evals),
        cmocka_unit_test(scores_add_up),
        cmocka_unit_test(envelope_from),
        cmocka_unit_test(a_limit_is_named),
        cmocka_unit_test(blocks_lose_nothing),
        cmocka_unit_test(metas_without_score_keep_others_from_hitting),
        cmocka_unit_test(part_headers_count_in_one_part),
        cmocka_unit_test(a_total_counts_thousandths),
        cmocka_unit_test(part_headers_are_those_of_its_tree),
        cmocka_unit_test(one_link_meets_all_conditions),
        cmocka_unit_test(a_full_pool_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
