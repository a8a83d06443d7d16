/* Whose word a report is, what becomes of an original, what a reader may do to its maker. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "gateway/outgoing.h"
#include "gateway/reports/decide.h"
#include "gateway/reports/findings.h"
#include "gateway/reports/reader.h"
#include "gateway/reports/request.h"
#include "gateway/reports/sources.h"
#include "gateway/reports/who.h"

/* --- who --- */

static struct conf *settings(void)
{
    struct err err = {""};
    struct conf *conf = conf_parse(
        STR("hostname = mx.univ.example\nmanagers = { Chef@univ.example, boss@lab.univ.example }\n"
            "spam { reports = wrong@univ.example }\nreports { trusted = 10.0.0.0/8 }\n"
            "domain univ.example { next_hop = lmtp://192.0.2.10:24 }\n"
            "domain lab.univ.example { next_hop = lmtp://192.0.2.10:24 }\n"),
        "t.conf", &err);
    if (conf == NULL)
        fail_msg("%s", err.text);
    return conf;
}

static const char *signature(const char *domain, const char *rest)
{
    static char text[500];
    snprintf(text, sizeof text,
             "{\"verdict\":\"ham\",\"content\":{\"dkim\":[{\"domain\":\"other.example\","
             "\"result\":\"pass\",\"testing\":false,\"partial\":false},{\"domain\":\"%s\",%s}]}}",
             domain, rest);
    return text;
}

#define GOOD "\"result\":\"pass\",\"testing\":false,\"partial\":false"

static struct who who_is(const char *ip, const char *from, bool named, const char *evidence)
{
    struct conf *conf = settings();
    const struct who_claim claim = {str_of(from), STR("bounce@elsewhere.example"), named};
    struct who who;
    who_find(conf, str_of(ip), str_of(evidence), &claim, &who);
    conf_free(&conf);
    return who;
}

static void a_trusted_client_is_believed(void **state)
{
    struct who who = who_is("10.1.2.3", "chef@UNIV.example", false, "");
    assert_true(who.certain && who.manager);
    assert_string_equal(who.address, "chef@univ.example");
    who = who_is("10.1.2.3", "jean@univ.example", false, "");
    assert_true(who.certain && !who.manager);
    who = who_is("11.1.2.3", "chef@univ.example", true, "");
    assert_true(!who.certain && !who.manager);
    who = who_is("10.1.2.3", "", false, "");
    assert_false(who.certain);
    assert_string_equal(who.address, "bounce@elsewhere.example");
}

static void a_signature_of_our_domain_is_believed(void **state)
{
    const char *ip = "192.0.2.9";
    assert_true(who_is(ip, "chef@univ.example", true, signature("univ.example", GOOD)).manager);
    assert_true(who_is(ip, "boss@lab.univ.example", true, signature("Univ.Example", GOOD)).manager);
    /* what was sent to somebody else is no report */
    assert_false(who_is(ip, "chef@univ.example", false, signature("univ.example", GOOD)).certain);
    assert_false(
        who_is(ip, "chef@univ.example", true, signature("lab.univ.example", GOOD)).certain);
    assert_false(who_is(ip, "chef@univ.example", true, signature("xuniv.example", GOOD)).certain);
    assert_false(who_is(ip, "chef@univ.example", true, signature("example", GOOD)).certain);
    assert_false(who_is(ip, "x@other.example", true, signature("univ.example", GOOD)).certain);
}

static void a_signature_that_does_not_hold_proves_nothing(void **state)
{
    static const char *const rest[] = {"\"result\":\"fail\",\"testing\":false,\"partial\":false",
                                       "\"result\":\"pass\",\"testing\":true,\"partial\":false",
                                       "\"result\":\"pass\",\"testing\":false,\"partial\":true",
                                       "\"result\":\"pass\""};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        assert_false(
            who_is("192.0.2.9", "chef@univ.example", true, signature("univ.example", rest[i]))
                .certain);
    static const char *const broken[] = {"",
                                         "{",
                                         "[]",
                                         "{\"content\":[]}",
                                         "{\"content\":{\"dkim\":{}}}",
                                         "{\"content\":{\"dkim\":[1,null,{\"result\":1}]}}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_false(who_is("192.0.2.9", "chef@univ.example", true, broken[i]).certain);
}

static void a_name_that_anybody_may_write_is_marked(void **state)
{
    char text[WHO_TEXT_MAX + 1];
    struct who who = who_is("192.0.2.9", "jean@univ.example", true, "");
    who_text(&who, text);
    assert_string_equal(text, "jean@univ.example (unverified)");
    who = who_is("10.0.0.1", "jean@univ.example", true, "");
    who_text(&who, text);
    assert_string_equal(text, "jean@univ.example");
}

/* --- decide --- */

static enum report_action decide(struct report_case c, enum learn_class *class)
{
    *class = LEARN_FORGET;
    return report_decide(&c, class);
}

static void only_managers_teach_at_once(void **state)
{
    enum learn_class class;
    struct report_case c = {.address = REPORT_ADDRESS_HAM,
                            .identity = IDENTITY_GENUINE,
                            .judged = MARKED_SPAM,
                            .manager = true};
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_HAM);
    c.identity = IDENTITY_UNKNOWN;
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    c.identity = IDENTITY_ALTERED;
    assert_int_equal(decide(c, &class), ACTION_PROPOSE);
    c.identity = IDENTITY_FORGED;
    assert_int_equal(decide(c, &class), ACTION_REFUSE);
    c.manager = false;
    assert_int_equal(decide(c, &class), ACTION_REFUSE);
    c.identity = IDENTITY_GENUINE;
    assert_int_equal(decide(c, &class), ACTION_PROPOSE);
    assert_int_equal(class, LEARN_HAM);
}

static void the_direction_is_the_address_or_the_opposite_of_our_verdict(void **state)
{
    enum learn_class class;
    struct report_case c = {.address = REPORT_ADDRESS_SPAM,
                            .judged = MARKED_SPAM,
                            .feedback = FEEDBACK_HAM,
                            .manager = true};
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_SPAM);
    c.address = REPORT_ADDRESS_EITHER;
    c.feedback = FEEDBACK_SPAM;
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_HAM);
    c.judged = MARKED_HAM;
    c.feedback = FEEDBACK_HAM;
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_SPAM);
    c.judged = MARKED_NOT;
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_HAM);
    c.feedback = FEEDBACK_SPAM;
    assert_int_equal(decide(c, &class), ACTION_LEARN);
    assert_int_equal(class, LEARN_SPAM);
    c.feedback = FEEDBACK_NONE;
    assert_int_equal(decide(c, &class), ACTION_UNCLEAR);
    c.address = REPORT_ADDRESS_NONE;
    c.judged = MARKED_HAM;
    assert_int_equal(decide(c, &class), ACTION_UNCLEAR);
}

/* --- findings --- */

static void put_example(struct buf *out)
{
    struct feature list[] = {{3, STR_EMPTY}, {UINT64_MAX, STR_EMPTY}};
    uint32_t grams[] = {0, 7, GRAM_WEIGHTS - 1};
    const struct found_original original = {.identity = IDENTITY_ALTERED,
                                            .judged = MARKED_SPAM,
                                            .received = true,
                                            .why = STR("why"),
                                            .id = STR("01JD8Z3V5M7K9Q2R4T6W8X0Y1Z"),
                                            .subject = STR("Objet"),
                                            .sender = STR("a@b.example"),
                                            .verdict = STR("spam"),
                                            .global = -2.5,
                                            .raw = STR("From: a\r\n\r\nx"),
                                            .features = {.list = list,
                                                         .n = 2,
                                                         .grams = grams,
                                                         .n_grams = 3,
                                                         .digest = 5,
                                                         .campaign = 6}};
    struct findings findings = {.claim = {STR("c@d.example"), STR("e@f.example"), true},
                                .feedback = FEEDBACK_HAM,
                                .left_out = STR("encrypted"),
                                .answers_digest = true,
                                .answering = ANSWER_TOO_SOON,
                                .answer_due = true,
                                .answer = STR("mail")};
    str_copy(STR("ABCD"), findings.digest.token, sizeof findings.digest.token);
    findings.digest.words[100] = DIGEST_REJECT;
    findings.digest.n_mistakes = 1;
    str_copy(STR("accept x"), findings.digest.mistakes[0], DIGEST_MISTAKE_SIZE);
    findings_put_original(out, &original);
    findings_put_original(out, &original);
    findings_put(out, &findings);
}

static void what_was_found_arrives(void **state)
{
    struct buf out = BUF_INIT(100000);
    struct pool *pool = pool_new(1024 * 1024);
    struct findings got;
    put_example(&out);
    assert_true(findings_get(buf_str(&out), pool, &got));
    assert_int_equal(got.n_originals, 2);
    const struct found_original *o = &got.originals[1];
    assert_int_equal(o->identity, IDENTITY_ALTERED);
    assert_int_equal(o->judged, MARKED_SPAM);
    assert_true(str_eq(o->raw, STR("From: a\r\n\r\nx")) && o->global == -2.5);
    assert_true(o->features.n == 2 && o->features.list[1].hash == UINT64_MAX);
    assert_true(o->features.n_grams == 3 && o->features.grams[2] == GRAM_WEIGHTS - 1);
    assert_true(o->features.digest == 5 && o->features.campaign == 6);
    assert_true(str_eq(got.claim.from, STR("c@d.example")) && got.claim.named);
    assert_true(got.answers_digest && got.digest.words[100] == DIGEST_REJECT);
    assert_string_equal(got.digest.mistakes[0], "accept x");
    assert_int_equal(got.answering, ANSWER_TOO_SOON);
    assert_true(str_eq(got.answer, STR("mail")));
    pool_free(&pool);
    buf_release(&out);
}

/* Whoever took over a reader may say anything: nothing of it is read beyond its end, and no number
 * is more than there are bytes for. */
static void what_is_not_whole_is_refused(void **state)
{
    struct buf out = BUF_INIT(100000);
    struct findings got;
    put_example(&out);
    for (size_t n = 0; n < out.n; n++) {
        struct pool *pool = pool_new(1024 * 1024);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, out.p, n);
        assert_false(findings_get(str_n(copy, n), pool, &got));
        free(copy);
        pool_free(&pool);
    }
    for (size_t i = 0; i < out.n; i++) {
        struct pool *pool = pool_new(1024 * 1024);
        out.p[i] ^= (char)0xff;
        if (findings_get(buf_str(&out), pool, &got))
            for (size_t k = 0; k < got.n_originals; k++)
                assert_true(got.originals[k].identity <= IDENTITY_FORGED &&
                            got.originals[k].features.n <= FEATURES_MAX);
        out.p[i] ^= (char)0xff;
        pool_free(&pool);
    }
    buf_release(&out);
}

/* --- readers --- */

static int say_hello(void *data, int fd, struct buf *result, struct err *err)
{
    char c = '?';
    if (fd >= 0 && read(fd, &c, 1) != 1)
        return err_set(err, "cannot read");
    buf_addf(result, "hello %c", c);
    /* nothing but the work, the result and the standard ones is open */
    for (int i = 5; i < 64; i++)
        if (fcntl(i, F_GETFD) >= 0)
            return err_set(err, "descriptor %d is open", i);
    return open("/etc/passwd", O_RDONLY) < 0 ? 0 : err_set(err, "it can open files");
}

static int give_up(void *data, int fd, struct buf *result, struct err *err)
{
    return err_set(err, "no way");
}

static int crash(void *data, int fd, struct buf *result, struct err *err)
{
    signal(SIGSEGV, SIG_DFL); /* cmocka has a handler of its own */
    raise(SIGSEGV);
    return 0;
}

static int sleep_long(void *data, int fd, struct buf *result, struct err *err)
{
    for (int i = 0; i < 60; i++)
        sleep(1);
    return 0;
}

static int say_too_much(void *data, int fd, struct buf *result, struct err *err)
{
    for (int i = 0; i < 1000; i++)
        buf_addc(result, 'x');
    return 0;
}

static enum reader_end run(int (*what)(void *, int, struct buf *, struct err *), int fd,
                           struct buf *result, struct err *err)
{
    const struct sandbox box = {.allow = 0};
    const struct reader_work work = {
        .run = what, .fd = fd, .sandbox = &box, .timeout = 1, .result_max = 100};
    buf_clear(result);
    return reader_run(&work, result, err);
}

static void a_reader_that_dies_ends_nothing_else(void **state)
{
    struct buf result = BUF_INIT(1000);
    struct err err = {""};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(run(crash, -1, &result, &err), READER_DIED);
    assert_int_equal(run(sleep_long, -1, &result, &err), READER_DIED);
    assert_non_null(strstr(err.text, "time-out"));
    assert_int_equal(run(give_up, -1, &result, &err), READER_FAILED);
    assert_string_equal(err.text, "no way");
    assert_int_equal(run(say_too_much, -1, &result, &err), READER_FAILED);
    enum reader_end end = run(say_hello, fd, &result, &err);
    if (end != READER_DONE)
        print_error("%s\n", err.text);
    assert_int_equal(end, READER_DONE);
    assert_true(str_eq(buf_str(&result), STR("hello \x7f")));
    close(fd);
    buf_release(&result);
}

/* --- requests, mail --- */

static void requests_round_trip_and_reject_rubbish(void **state)
{
    struct buf out = BUF_INIT(1000);
    const struct report_request in = {STR("id"), STR("to"), STR(""), STR("ip"), 64, 100, STR("{}")};
    struct report_request got;
    struct report_reply reply;
    report_request_put(&out, &in);
    assert_true(report_request_get(buf_str(&out), &got));
    assert_true(str_eq(got.evidence, STR("{}")) && got.size == 100);
    for (size_t n = 0; n < out.n; n++)
        assert_false(report_request_get(str_sub(buf_str(&out), 0, n), &got));
    buf_clear(&out);
    report_reply_put(&out, &(struct report_reply){REPORT_NEVER, STR("text")});
    assert_true(report_reply_get(buf_str(&out), &reply) && reply.outcome == REPORT_NEVER);
    out.p[0] = REPORT_NEVER + 1;
    assert_false(report_reply_get(buf_str(&out), &reply));
    assert_false(report_reply_get(STR_EMPTY, &reply));
    buf_release(&out);
}

static void mail_of_ours_gets_into_the_queue(void **state)
{
    char folder[] = "/tmp/poterne-post-XXXXXX", command[100];
    struct conf *conf = settings();
    struct post post;
    struct err err = {""};
    struct buf text = BUF_INIT(10000);
    assert_non_null(mkdtemp(folder));
    conf->state_dir = folder;
    conf->run_dir = folder;
    snprintf(command, sizeof command, "%s/incoming", folder);
    assert_int_equal(mkdir(command, 0700), 0);
    assert_int_equal(post_open(&post, conf, &err), 0);
    const struct letter_words words = {.from = STR("wrong@univ.example"),
                                       .to = STR("chef@univ.example"),
                                       .subject = STR("caf\xc3\xa9"),
                                       .text = STR("d\xc3\xa9j\xc3\xa0\n")};
    struct str to = STR("chef@univ.example");
    struct outgoing mail = {.recipients = &to, .n_recipients = 1, .subject = words.subject};
    spool_id_make(mail.id);
    post_compose(&post, mail.id, &words, &text);
    mail.mail = buf_str(&text);
    assert_true(str_find(mail.mail, STR("Subject: =?UTF-8?Q?caf=C3=A9?=\r\n")) != STR_NONE);
    assert_true(str_find(mail.mail, STR("\r\nAuto-Submitted: auto-generated\r\n")) != STR_NONE);
    assert_true(str_ends(mail.mail, STR("\r\n\r\nd=C3=A9j=C3=A0\r\n")));
    assert_int_equal(post_send(&post, &mail, &err), 0);
    struct pool *pool = pool_new(1024 * 1024);
    struct spool_file *file;
    bool corrupt;
    assert_int_equal(spool_load(post.spool, SPOOL_QUEUE, mail.id, pool, &file, &corrupt, &err), 0);
    assert_int_equal(file->envelope.sender.n, 0);
    assert_true(str_eq(file->envelope.recipients[0].address, to));
    assert_false(file->envelope.smtputf8);
    assert_int_equal(file->size, text.n);
    spool_unload(&file);
    spool_remove(post.spool, SPOOL_QUEUE, mail.id, &err);
    /* to an address that is not ASCII: delivery must ask for SMTPUTF8 */
    to = STR("zo\xc3\xab@univ.example");
    spool_id_make(mail.id);
    assert_int_equal(post_send(&post, &mail, &err), 0);
    assert_int_equal(spool_load(post.spool, SPOOL_QUEUE, mail.id, pool, &file, &corrupt, &err), 0);
    assert_true(file->envelope.smtputf8);
    spool_unload(&file);
    spool_remove(post.spool, SPOOL_QUEUE, mail.id, &err);
    assert_true(post_reaches(&post, STR("x@lab.univ.example")));
    assert_false(post_reaches(&post, STR("x@gmail.example")));
    assert_false(post_reaches(&post, STR("")));
    post_close(&post);
    pool_free(&pool);
    buf_release(&text);
    for (const char *const *name =
             (const char *const[]){"incoming", "queue", "quarantine", "corrupt", ".", NULL};
         *name; name++) {
        snprintf(command, sizeof command, "%s/%s", folder, strcmp(*name, ".") ? *name : "");
        rmdir(command);
    }
    conf_free(&conf);
}

static void sources_that_are_not_well_are_told(void **state)
{
    struct pool *pool = pool_new(100000);
    struct str lines[SOURCE_LINES_MAX];
    struct buf many = BUF_INIT(100000);
    assert_int_equal(
        source_lines_of(
            STR("{\"sources\": [{\"source\": \"file a\", \"addresses\": 3, \"current\": true},"
                "{\"source\": \"ldap b\", \"addresses\": 3, \"current\": true, \"held\": 2},"
                "{\"source\": \"ldap c\", \"trouble\": \"x\"},"
                "{\"source\": \"ldap d\", \"snapshot_trouble\": \"x\", \"trouble\": \"y\"},"
                "{\"source\": \"file e\", \"addresses\": 3, \"current\": false}]}"),
            pool, lines),
        4);
    assert_str(lines[0], "ldap b lost 2 addresses, which serve on");
    assert_str(lines[1], "ldap c can't be asked");
    assert_str(lines[2], "ldap d: no new snapshot");
    assert_str(lines[3], "file e is out of date");
    assert_int_equal(source_lines_of(STR(""), pool, lines), 0);
    assert_int_equal(source_lines_of(STR("{\"sources\": 3}"), pool, lines), 0);
    assert_int_equal(source_lines_of(STR("{\"sources\": [1, null, {\"held\": \"x\"}]}"), pool,
                                     lines),
                     0);
    buf_addf(&many, "{\"sources\": [0");
    for (unsigned i = 0; i < 100; i++)
        buf_addf(&many, ",{\"source\": \"ldap %u\", \"trouble\": \"x\"}", i);
    buf_addf(&many, "]}");
    assert_int_equal(source_lines_of(buf_str(&many), pool, lines), SOURCE_LINES_MAX);
    buf_release(&many);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_client_is_believed),
        cmocka_unit_test(a_signature_of_our_domain_is_believed),
        cmocka_unit_test(a_signature_that_does_not_hold_proves_nothing),
        cmocka_unit_test(a_name_that_anybody_may_write_is_marked),
        cmocka_unit_test(only_managers_teach_at_once),
        cmocka_unit_test(the_direction_is_the_address_or_the_opposite_of_our_verdict),
        cmocka_unit_test(what_was_found_arrives),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(a_reader_that_dies_ends_nothing_else),
        cmocka_unit_test(requests_round_trip_and_reject_rubbish),
        cmocka_unit_test(mail_of_ours_gets_into_the_queue),
        cmocka_unit_test(sources_that_are_not_well_are_told),
    };
    return tap_run(tests, NULL, NULL);
}
