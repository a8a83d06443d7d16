/* Who is answered, when, and what is said. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "mail/utf8.h"
#include "reports/answer.h"

#define NOW 1795000000

static struct pool *pool;
static struct conf *conf;
static struct answer_times times;
static char folder[64];

static int set_up(void **state)
{
    struct err err;
    pool = pool_new(64 * 1024 * 1024);
    conf = conf_parse(STR("hostname = mx.ours.example\n"
                          "spam { reports = \"reports@ours.example\" }\n"
                          "domain ours.example { next_hop = lmtp://127.0.0.1:24 }\n"),
                      "test", &err);
    snprintf(folder, sizeof folder, "/tmp/reports-answer-XXXXXX");
    return pool && conf && mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    rmdir(folder);
    conf_free(&conf);
    pool_free(&pool);
    return 0;
}

static struct message *parse(const char *raw)
{
    struct message *m;
    struct err err;
    assert_int_equal(message_parse(pool, str_of(raw), &report_limits, &m, &err), 0);
    return m;
}

static enum answer_decision decide(const char *raw, const char *sender)
{
    const struct answer_case c = {parse(raw), str_of(sender), conf};
    return answer_decide(&c, &times, NOW);
}

#define MAIL "From: jean@ours.example\r\nSubject: x\r\n"

static void people_of_ours_are_answered(void **state)
{
    times.n = 0;
    assert_int_equal(decide(MAIL "\r\nhello\r\n", "jean@ours.example"), ANSWER_SEND);
    assert_int_equal(decide(MAIL "\r\nhello\r\n", "Jean@OURS.example"), ANSWER_SEND);
    assert_int_equal(decide(MAIL "Auto-Submitted: no\r\n\r\nhello", "a@ours.example"), ANSWER_SEND);
    assert_int_equal(decide(MAIL "Precedence: normal\r\n\r\nhello", "a@ours.example"), ANSWER_SEND);
    assert_int_equal(decide(MAIL "\r\nhello", "postmaster@ours.example"), ANSWER_SEND);
    assert_int_equal(decide(MAIL "\r\nhello", "j\xc3\xa9@ours.example"), ANSWER_SEND);
}

static void nobody_else_is(void **state)
{
    static const struct {
        const char *fields, *sender;
        enum answer_decision decision;
    } cases[] = {
        {"", "", ANSWER_NO_SENDER},
        {"", "<>", ANSWER_NO_SENDER},
        {"", "jean", ANSWER_NO_SENDER},
        {"", "jean@ours.example\r\nBcc: all@ours.example", ANSWER_NO_SENDER},
        {"", "j\xe9@ours.example", ANSWER_NO_SENDER}, /* no UTF-8 */
        {"", "j\xc3\xa9 x@ours.example", ANSWER_NO_SENDER},
        {"", "jean@elsewhere.example", ANSWER_FOREIGN},
        {"", "jean@sub.ours.example", ANSWER_FOREIGN},
        {"", "Reports@Ours.example", ANSWER_OURSELVES},
        {"", "MAILER-DAEMON@ours.example", ANSWER_BOUNCE},
        {"", "noreply@ours.example", ANSWER_BOUNCE},
        {"X-Failed-Recipients: x@y\r\n", "a@ours.example", ANSWER_BOUNCE},
        {"Content-Type: multipart/report; boundary=b\r\n", "a@ours.example", ANSWER_BOUNCE},
        {"Auto-Submitted: auto-replied\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"Auto-Submitted: Auto-Generated; x=y\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"Precedence: Bulk\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"Precedence: junk\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"X-Auto-Response-Suppress: OOF, AutoReply\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"X-Autoreply: yes\r\n", "a@ours.example", ANSWER_AUTOMATIC},
        {"Precedence: list\r\n", "a@ours.example", ANSWER_LIST},
        {"List-Id: <staff.ours.example>\r\n", "a@ours.example", ANSWER_LIST},
        {"list-unsubscribe: <mailto:x@y>\r\n", "a@ours.example", ANSWER_LIST},
        {"Mailing-List: x\r\n", "a@ours.example", ANSWER_LIST},
        {"", "owner-staff@ours.example", ANSWER_LIST},
        {"", "staff-bounces@ours.example", ANSWER_LIST},
        {"", "staff-request@ours.example", ANSWER_LIST},
    };
    times.n = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char raw[500];
        snprintf(raw, sizeof raw, "From: x@ours.example\r\n%s\r\nhello\r\n", cases[i].fields);
        assert_int_equal(decide(raw, cases[i].sender), cases[i].decision);
    }
}

static void once_an_hour_and_no_more(void **state)
{
    times.n = 0;
    answer_times_note(&times, STR("Jean@ours.EXAMPLE"), NOW - ANSWER_PAUSE + 1);
    assert_int_equal(decide(MAIL "\r\n", "jean@ours.example"), ANSWER_TOO_SOON);
    assert_int_equal(decide(MAIL "\r\n", "\"jean\"@ours.example"), ANSWER_TOO_SOON);
    assert_int_equal(decide(MAIL "\r\n", "ada@ours.example"), ANSWER_SEND);
    answer_times_note(&times, STR("jean@ours.example"), NOW - ANSWER_PAUSE);
    assert_int_equal(decide(MAIL "\r\n", "jean@ours.example"), ANSWER_SEND);
    assert_int_equal(times.n, 1);
    /* a clock that went back */
    answer_times_note(&times, STR("jean@ours.example"), NOW + 60);
    assert_false(answer_times_allow(&times, STR("jean@ours.example"), NOW));
    answer_times_note(&times, STR("jean@ours.example"), NOW + 10 * ANSWER_PAUSE);
    assert_true(answer_times_allow(&times, STR("jean@ours.example"), NOW));
}

static void a_full_table_answers_no_stranger(void **state)
{
    times.n = 0;
    for (int i = 0; i < ANSWER_TIMES_MAX + 10; i++) {
        char address[40];
        snprintf(address, sizeof address, "u%d@ours.example", i);
        assert_int_equal(answer_times_allow(&times, str_of(address), NOW), i < ANSWER_TIMES_MAX);
        answer_times_note(&times, str_of(address), NOW);
    }
    assert_int_equal(times.n, ANSWER_TIMES_MAX);
    assert_true(answer_times_allow(&times, STR("new@ours.example"), NOW + ANSWER_PAUSE));
    answer_times_note(&times, STR("new@ours.example"), NOW + ANSWER_PAUSE);
    assert_false(answer_times_allow(&times, STR("new@ours.example"), NOW + ANSWER_PAUSE));
    assert_int_equal(times.n, ANSWER_TIMES_MAX);
}

static void the_table_survives_and_damage_silences(void **state)
{
    static struct answer_times again;
    char path[100];
    struct err err;
    struct buf file = BUF_INIT(1024 * 1024);
    snprintf(path, sizeof path, "%s/answers", folder);
    assert_int_equal(answer_times_read(path, NOW, &again, &err), 0);
    assert_int_equal(again.n, 0);
    times.n = 0;
    answer_times_note(&times, STR("jean@ours.example"), NOW);
    answer_times_note(&times, STR("ada@ours.example"), NOW);
    assert_int_equal(answer_times_write(path, &times, &err), 0);
    assert_int_equal(answer_times_read(path, NOW, &again, &err), 0);
    assert_int_equal(again.n, 2);
    assert_false(answer_times_allow(&again, STR("ada@ours.example"), NOW));
    assert_int_equal(fsio_read_file(path, &file, &err), 0);
    for (size_t i = 0; i <= file.n; i++) {
        struct str bytes = buf_str(&file);
        if (i < file.n)
            file.p[i] ^= 1;
        else
            bytes.n--;
        assert_int_equal(fsio_replace(path, bytes, 0640, &err), 0);
        assert_int_equal(answer_times_read(path, NOW, &again, &err), -1);
        assert_false(answer_times_allow(&again, STR("new@ours.example"), NOW));
        assert_true(answer_times_allow(&again, STR("new@ours.example"), NOW + ANSWER_PAUSE));
        if (i < file.n)
            file.p[i] ^= 1;
    }
    buf_release(&file);
    unlink(path);
}

/* --- what kind of letter --- */

static struct letter read_letter(const char *raw)
{
    struct mail_text *text;
    struct letter letter;
    struct err err;
    struct message *m = parse(raw);
    assert_int_equal(mail_text_make(pool, m, &text, &err), 0);
    assert_int_equal(letter_read(pool, m, text, &letter, &err), 0);
    return letter;
}

static void forwards_in_the_text_are_recognised(void **state)
{
#define UTF8 "Content-Type: text/plain; charset=UTF-8\r\n"
    static const struct {
        const char *raw;
        enum letter_shape shape;
        enum letter_language language;
    } cases[] = {
        {"Subject: Fwd: You win\r\n\r\n\r\n\r\n-------- Forwarded Message --------\r\n"
         "Subject: You win\r\nDate: Sun\r\nFrom: a@b\r\n\r\nClick\r\n",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: You win\r\n\r\n---------- Forwarded message ---------\r\nFrom: a <a@b>\r\n",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: x\r\n\r\nlook\r\n\r\nBegin forwarded message:\r\n\r\nFrom: a@b\r\n",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: x\r\n\r\n________________________________\r\nFrom: a@b\r\nSent: Monday\r\n"
         "To: c@d\r\nSubject: You win\r\n\r\nClick\r\n",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: x\r\n" UTF8 "\r\n-------- Message transf\xc3\xa9r\xc3\xa9 --------\r\n"
         "Sujet : You win\r\n",
         LETTER_INLINE, LETTER_FRENCH},
        {"Subject: TR: You win\r\n" UTF8 "\r\nDe : a@b\r\nEnvoy\xc3\xa9 : lundi\r\n"
         "\xc3\x80 : c@d\r\nObjet : You win\r\n\r\nClick this and the other\r\n",
         LETTER_INLINE, LETTER_FRENCH},
        {"Subject: x\r\n" UTF8 "\r\nD\xc3\xa9"
         "but du message r\xc3\xa9"
         "exp\xc3\xa9"
         "di\xc3\xa9 :\r\n\r\nDe: a@b\r\n",
         LETTER_INLINE, LETTER_FRENCH},
        {"Subject: WG: x\r\n\r\nVon: a@b\r\nGesendet: Montag\r\nAn: c\r\nBetreff: x\r\n",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: Fwd: x\r\n" UTF8 "\r\nbonjour, je ne sais pas si c'est un spam, merci\r\n",
         LETTER_INLINE, LETTER_FRENCH},
        {"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>Look</p><hr><div><b>From:</b> a@b<br>"
         "<b>Sent:</b> Monday<br><b>Subject:</b> You win</div>",
         LETTER_INLINE, LETTER_ENGLISH},
        {"Subject: hello\r\n\r\nWhere is my mail? Forwarded messages never come.\r\n", LETTER_OTHER,
         LETTER_ENGLISH},
        {"Subject: x\r\n\r\nles messages de la liste ne sont pas des spams\r\n", LETTER_OTHER,
         LETTER_FRENCH},
        {"Subject: x\r\nContent-Language: fr\r\n\r\n\r\n \r\n", LETTER_EMPTY, LETTER_FRENCH},
        {"Subject: x\r\nContent-Language: en-US\r\n\r\nles et la des une\r\n", LETTER_OTHER,
         LETTER_ENGLISH},
        {"Subject: x\r\nAccept-Language: fr-FR, en-US\r\n\r\n", LETTER_EMPTY, LETTER_FRENCH},
        {"", LETTER_EMPTY, LETTER_ENGLISH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct letter letter = read_letter(cases[i].raw);
        if (letter.shape != cases[i].shape || letter.language != cases[i].language)
            print_message("# case %zu: %s\n", i, cases[i].raw);
        assert_int_equal(letter.shape, cases[i].shape);
        assert_int_equal(letter.language, cases[i].language);
    }
}

/* --- the mail --- */

static struct answer answer_to(const char *raw)
{
    return (struct answer){.report = parse(raw),
                           .to = STR("jean@ours.example"),
                           .from = STR("reports@ours.example"),
                           .hostname = STR("mx.ours.example"),
                           .id = STR("01ID"),
                           .time = NOW,
                           .letter = read_letter(raw)};
}

/* As a reader sees it; the mail itself is in *mail. */
static struct str make(const struct answer *a, struct message **mail)
{
    struct buf out = BUF_INIT(ANSWER_MAIL_MAX), text = BUF_INIT(ANSWER_MAIL_MAX);
    struct err err;
    assert_int_equal(answer_make(pool, a, &out, &err), 0);
    struct str raw = pool_str(pool, buf_str(&out)), rest = raw, line;
    while (str_next_line(&rest, &line)) {
        assert_true(line.n <= 76 || str_starts(line, STR("References:")) ||
                    str_starts(line, STR("In-Reply-To:")));
        assert_int_equal(utf8_ascii_end(line, 0), line.n);
    }
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, mail, &err), 0);
    assert_int_equal((*mail)->anomalies, 0);
    part_text((*mail)->root, &text);
    struct str shown = pool_str(pool, buf_str(&text));
    buf_release(&out);
    buf_release(&text);
    return shown;
}

static bool says(struct str text, const char *what)
{
    return str_find(text, str_of(what)) != STR_NONE;
}

static struct str field(const struct message *m, const char *name)
{
    const struct header *h = message_header(m, str_of(name));
    return h ? header_text(pool, h) : STR_EMPTY;
}

static void the_answer_is_a_polite_automatic_one(void **state)
{
    struct message *m;
    struct answer a =
        answer_to("Subject: Re: Fwd: You win\r\nMessage-ID: <1@ours.example>\r\n\r\nsee\r\n");
    struct str text = make(&a, &m);
    assert_str(field(m, "Auto-Submitted"), "auto-replied");
    assert_str(field(m, "In-Reply-To"), "<1@ours.example>");
    assert_str(field(m, "References"), "<1@ours.example>");
    assert_str(field(m, "Subject"), "Re: Fwd: You win");
    assert_str(field(m, "From"), "reports@ours.example");
    assert_str(field(m, "To"), "jean@ours.example");
    assert_str(field(m, "Message-ID"), "<01ID@mx.ours.example>");
    assert_true(field(m, "Date").n > 20);
    assert_true(says(text, "Forward As > Attachment") && says(text, "Roundcube"));
    assert_true(says(text, "Outlook") && says(text, "Apple Mail"));
    /* it would not be answered itself */
    struct answer_case c = {m, STR("jean@ours.example"), conf};
    times.n = 0;
    assert_int_equal(answer_decide(&c, &times, NOW), ANSWER_AUTOMATIC);
}

static void it_speaks_french_too(void **state)
{
    struct message *m;
    struct answer a = answer_to("Subject: =?utf-8?q?Gagn=C3=A9?=\r\nContent-Language: fr\r\n\r\n");
    struct str text = make(&a, &m);
    assert_str(field(m, "Subject"), "Re: Gagn\xc3\xa9");
    assert_str(field(m, "Content-Language"), "fr");
    assert_true(says(text, "Transf\xc3\xa9rer en > Pi\xc3\xa8"
                           "ce jointe"));
    assert_true(str_starts(text, STR("Bonjour,")));
}

static void a_long_subject_is_folded(void **state)
{
    struct message *m;
    struct buf raw = BUF_INIT(4096);
    buf_add(&raw, STR("Subject: "));
    for (int i = 0; i < 90; i++)
        buf_add(&raw, STR("\xc3\xa9 "));
    buf_add(&raw, STR("\r\n\r\n"));
    struct answer a = answer_to(buf_cstr(&raw));
    make(&a, &m);
    assert_true(str_starts(field(m, "Subject"), STR("Re: \xc3\xa9 \xc3\xa9 \xc3\xa9")));
    assert_true(field(m, "Subject").n > 150);
    buf_release(&raw);
}

static void nothing_of_the_report_breaks_out(void **state)
{
    struct message *m;
    struct answer a = answer_to("Subject: x=?utf-8?q?=0D=0ABcc:_all@ours.example?=\r\n"
                                "Message-ID: <a b@c>\r\n\r\nsee\r\n");
    struct left_out left[30] = {{LEFT_ENCRYPTED, STR("a\r\n\r\nb.zip")}, {LEFT_OUTLOOK, STR("")}};
    struct originals originals = {.left_out = left, .n_left_out = 30, .n_left_more = 5};
    for (int i = 2; i < 30; i++)
        left[i] = (struct left_out){LEFT_TOO_MANY, STR("x.eml")};
    a.originals = &originals;
    struct str text = make(&a, &m);
    assert_int_equal(field(m, "Bcc").n, 0);
    assert_int_equal(field(m, "In-Reply-To").n, 0);
    assert_true(says(text, "- a    b.zip: protected with a password\r\n"));
    assert_true(says(text, "- in a format of Outlook") && says(text, "- and 15 more"));
    assert_true(says(text, "could not be read."));
}

static void who_asks_for_the_opposite_of_nothing_hears_where_to_go(void **state)
{
    struct message *m;
    struct answer a = answer_to("Subject: x\r\n\r\nsee\r\n");
    a.unclear = true;
    a.spam_address = "spam@ours.example";
    struct str text = make(&a, &m);
    assert_true(says(text, "does not say what that was"));
    assert_true(says(text, "as an attachment to spam@ours.example."));
    assert_false(says(text, "spam wrongly") || says(text, "Thunderbird"));
    a = answer_to("Subject: x\r\nContent-Language: fr\r\n\r\n");
    a.unclear = true;
    a.ham_address = "ham@ours.example";
    text = make(&a, &m);
    assert_true(says(text, "ham@ours.example.") && str_starts(text, STR("Bonjour,")));
}

static void an_own_text_takes_the_place_of_ours(void **state)
{
    struct message *m;
    struct answer a = answer_to("Subject: x\r\n\r\nsee\r\n");
    a.own_text = STR("Call 1234.\r\nB\xc3\xa9"
                     "b\xc3\xa9\n");
    struct str text = make(&a, &m);
    assert_true(str_starts(text, STR("Call 1234.\r\nB\xc3\xa9"
                                     "b\xc3\xa9\r\n")));
    assert_false(says(text, "Thunderbird"));
    char small[100];
    struct buf out = BUF_OVER(small);
    struct err err;
    assert_int_equal(answer_make(pool, &a, &out, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_of_ours_are_answered),
        cmocka_unit_test(nobody_else_is),
        cmocka_unit_test(once_an_hour_and_no_more),
        cmocka_unit_test(a_full_table_answers_no_stranger),
        cmocka_unit_test(the_table_survives_and_damage_silences),
        cmocka_unit_test(forwards_in_the_text_are_recognised),
        cmocka_unit_test(the_answer_is_a_polite_automatic_one),
        cmocka_unit_test(it_speaks_french_too),
        cmocka_unit_test(a_long_subject_is_folded),
        cmocka_unit_test(nothing_of_the_report_breaks_out),
        cmocka_unit_test(who_asks_for_the_opposite_of_nothing_hears_where_to_go),
        cmocka_unit_test(an_own_text_takes_the_place_of_ours),
    };
    return tap_run(tests, set_up, tear_down);
}
