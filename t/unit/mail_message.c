#include "t/unit/tap.h"

#include <stdlib.h>
#include <time.h>

#include "mail/message.h"

#define POOL_MAX (64 * 1024 * 1024)

static int setup(void **state)
{
    *state = pool_new(POOL_MAX);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct pool *pool = *state;
    pool_free(&pool);
    return 0;
}

static struct message *parse_with(struct pool *pool, struct str raw, struct mail_limits limits)
{
    struct message *m = NULL;
    struct err err;
    assert_int_equal(message_parse(pool, raw, &limits, &m, &err), 0);
    assert_non_null(m);
    assert_ptr_equal(m->parts[0], m->root);
    return m;
}

static struct message *parse(void **state, const char *raw)
{
    return parse_with(*state, str_of(raw), mail_limits_default);
}

static void reads_header_and_body(void **state)
{
    struct message *m = parse(state, "Subject: one\r\n two\r\nTo : you\r\n\r\nbody\r\n");
    assert_int_equal(m->n_parts, 1);
    assert_int_equal(m->anomalies, 0);
    assert_int_equal(m->root->n_headers, 2);
    const struct header *to = message_header(m, STR("TO"));
    assert_non_null(to);
    assert_str(to->name, "To");
    assert_str(to->value, " you");
    assert_str(str_sub(m->raw, to->at, to->end), "To : you\r\n");
    assert_str(message_header(m, STR("subject"))->value, " one\r\n two");
    assert_str(m->root->body, "body\r\n");
    assert_str(m->root->type, "text/plain");
    assert_null(message_header(m, STR("Cc")));
}

static void finds_fields_in_turn(void **state)
{
    struct message *m = parse(state, "Received: a\nX: b\nreceived: c\n\n");
    size_t from = 0;
    assert_str(part_header(m->root, STR("Received"), &from)->value, " a");
    assert_str(part_header(m->root, STR("Received"), &from)->value, " c");
    assert_null(part_header(m->root, STR("Received"), &from));
}

static void splits_multiparts(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n"
                                     "preamble\r\n"
                                     "--a b\r\n\r\none\r\n"
                                     "--a b \t\r\nContent-Type: TEXT/HTML; charset=UTF-8\r\n\r\n"
                                     "two\r\n\r\n"
                                     "--a b--\r\nepilogue\r\n");
    assert_int_equal(m->n_parts, 3);
    assert_int_equal(m->anomalies, 0);
    assert_str(m->parts[1]->body, "one");
    assert_str(m->parts[2]->body, "two\r\n");
    assert_str(m->parts[2]->type, "text/html");
    assert_str(m->parts[2]->charset, "utf-8");
    assert_ptr_equal(m->root->child, m->parts[1]);
    assert_ptr_equal(m->parts[1]->next, m->parts[2]);
    assert_int_equal(m->parts[2]->depth, 1);
    assert_int_equal(m->parts[2]->index, 2);
}

static void nests_and_closes_from_outside(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/mixed; boundary=o\n\n"
                                     "--o\nContent-Type: multipart/alternative; boundary=o1\n\n"
                                     "--o1\n\ninner\n"
                                     "--o1x\nno delimiter\n"
                                     "--o\n\nouter\n--o--\n");
    assert_int_equal(m->n_parts, 4);
    assert_str(m->parts[2]->body, "inner\n--o1x\nno delimiter");
    assert_str(m->parts[3]->body, "outer");
    assert_ptr_equal(m->parts[3]->parent, m->root);
    assert_true(m->parts[1]->anomalies & MAIL_ANOMALY_UNCLOSED);
    assert_false(m->root->anomalies & MAIL_ANOMALY_UNCLOSED);
}

static void looks_into_messages(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/digest; boundary=d\n\n"
                                     "--d\n\nSubject: in digest\n\nbody\n"
                                     "--d\nContent-Type: text/plain\n\nplain\n--d--\n");
    assert_int_equal(m->n_parts, 4);
    assert_str(m->parts[1]->type, "message/rfc822");
    assert_str(m->parts[2]->headers[0].name, "Subject");
    assert_str(m->parts[2]->body, "body");
    assert_str(m->parts[3]->body, "plain");
}

static void unpacks_encoded_messages(void **state)
{
    /* Subject: x, empty line, "Content" */
    struct message *m = parse(state, "Content-Type: message/rfc822\n"
                                     "Content-Transfer-Encoding: base64\n\n"
                                     "U3ViamVjdDogeAoKQ29udGVudA==\n");
    assert_int_equal(m->n_parts, 2);
    assert_false(m->parts[0]->unpacked);
    assert_true(m->parts[1]->unpacked);
    assert_str(m->parts[1]->headers[0].name, "Subject");
    assert_str(m->parts[1]->body, "Content");
}

static void unpacks_encoded_multiparts(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/mixed; boundary=b\n"
                                     "Content-Transfer-Encoding: quoted-printable\n\n"
                                     "=2D=2Db\n\nhi\n=2D-b--\n");
    assert_int_equal(m->n_parts, 2);
    assert_true(m->parts[1]->unpacked);
    assert_str(m->parts[1]->body, "hi");
    assert_true(m->anomalies & MAIL_ANOMALY_BAD_ENCODING);
}

static void adopts_a_boundary_from_the_text(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/mixed\n\n--x\n"
                                     "Content-Type: text/html\n\na\n--x\n\nb\n--x--\n");
    assert_int_equal(m->n_parts, 3);
    assert_str(m->parts[1]->type, "text/html");
    assert_str(m->parts[2]->body, "b");
    assert_true(m->anomalies & MAIL_ANOMALY_NO_BOUNDARY);
    m = parse(state, "Content-Type: multipart/mixed; boundary=real\n\n--fake\n"
                     "Content-Type: text/html\n\na\n--real\n\nb\n--real--\n");
    assert_int_equal(m->n_parts, 3);
    assert_str(m->parts[2]->body, "b");
}

static void multipart_wins_over_other_types(void **state)
{
    struct message *m = parse(state, "Content-Type: text/plain\nContent-Type: multipart/mixed;"
                                     " boundary=b\n\n--b\n\nhi\n--b--\n");
    assert_int_equal(m->n_parts, 2);
    assert_true(m->anomalies & MAIL_ANOMALY_TWICE);
}

static void bad_header_lines(void **state)
{
    struct message *m = parse(state, "From me Mon Jan  1\nSubject: x\n\nbody");
    assert_int_equal(m->root->n_headers, 1);
    assert_str(m->root->body, "body");
    m = parse(state, "Subject: x\nsome junk\nmore\nX-Mailer: y\n\nbody");
    assert_int_equal(m->root->n_headers, 2);
    assert_true(m->anomalies & MAIL_ANOMALY_BAD_HEADER);
    assert_str(m->root->body, "body");
    m = parse(state, "Subject: x\nDear you,\nhow are you: fine\n\nbye");
    assert_int_equal(m->root->n_headers, 1);
    assert_true(m->anomalies & MAIL_ANOMALY_NO_BLANK_LINE);
    assert_str(m->root->body, "Dear you,\nhow are you: fine\n\nbye");
    assert_str(m->root->head, "Subject: x\n");
}

static void delimiter_ends_a_header(void **state)
{
    struct message *m = parse(state, "Content-Type: multipart/mixed; boundary=b\n--b\n"
                                     "Content-Type: text/html\n--b\n\nx\n--b--\n");
    assert_int_equal(m->n_parts, 3);
    assert_str(m->parts[1]->type, "text/html");
    assert_str(m->parts[1]->body, "");
    assert_str(m->parts[2]->body, "x");
}

static void messages_without_something(void **state)
{
    struct message *m = parse(state, "");
    assert_int_equal(m->n_parts, 1);
    assert_int_equal(m->root->n_headers, 0);
    m = parse(state, "\n\nonly body");
    assert_int_equal(m->root->n_headers, 0);
    assert_str(m->root->body, "\nonly body");
    m = parse(state, "no header at all\nbut text");
    assert_str(m->root->body, "no header at all\nbut text");
    m = parse(state, "Subject: no body");
    assert_str(message_header(m, STR("Subject"))->value, " no body");
    assert_str(m->root->body, "");
    m = parse(state, "A: b\r\n\r\n");
    assert_int_equal(m->anomalies, 0);
    assert_str(m->root->body, "");
}

static void odd_bytes_are_anomalies(void **state)
{
    struct mail_limits limits = mail_limits_default;
    assert_true(parse(state, "A: \xc3\xa9\n\nx")->anomalies & MAIL_ANOMALY_8BIT_HEADER);
    assert_true(parse(state, "A: b\n\nx\ry")->anomalies & MAIL_ANOMALY_BARE_CR);
    assert_true(parse_with(*state, STR("A: b\n\nx\0y"), limits)->anomalies & MAIL_ANOMALY_NUL);
    struct message *m = parse(state, "Content-Transfer-Encoding: x-what\n\nx");
    assert_int_equal(m->root->encoding, ENC_UNKNOWN);
    assert_true(m->anomalies & MAIL_ANOMALY_BAD_ENCODING);
}

static void limits_bound_and_are_told(void **state)
{
    struct mail_limits limits = {.depth = 1, .parts = 3, .headers = 2, .header_size = 20};
    struct str raw = STR("Content-Type: multipart/mixed; boundary=b\n\n"
                         "--b\nContent-Type: message/rfc822\n\nContent-Type: message/rfc822\n\n"
                         "--b\n\ntwo\n--b\n\nthree\n--b--\n");
    struct mail_limits wide = limits;
    wide.header_size = 1000;
    struct message *m = parse_with(*state, raw, wide);
    assert_int_equal(m->n_parts, 3);
    assert_true(m->anomalies & MAIL_ANOMALY_LIMIT);
    assert_str(m->parts[2]->body, "two\n--b\n\nthree\n--b--\n");
    m = parse_with(*state, STR("A: 1\nB: 2\nC: 3\n\nbody"), limits);
    assert_int_equal(m->root->n_headers, 2);
    assert_str(m->root->body, "body");
    assert_true(m->anomalies & MAIL_ANOMALY_LIMIT);
    m = parse_with(*state, STR("A: 123\n 456\n 789\n 012\n\nbody"), limits);
    assert_str(m->root->headers[0].value, " 123\n 456\n 789");
    assert_str(m->root->body, "body");
}

static void a_small_pool_fails_cleanly(void **state)
{
    struct str raw = STR("Content-Type: multipart/mixed; boundary=\"b\"; x*0*=a''b; x*1=c\n\n"
                         "--b\nContent-Disposition: attachment; filename=\"a\\\"b\"\n\nx\n--b--\n");
    int failed = 0;
    for (size_t max = 0; max < 4000; max += 16) {
        struct pool *pool = pool_new(max);
        struct message *m = NULL;
        struct err err = {""};
        int result = message_parse(pool, raw, &mail_limits_default, &m, &err);
        assert_true(result == 0 || err.text[0]);
        failed += result < 0;
        pool_free(&pool);
    }
    assert_true(failed > 0 && failed < 250);
}

static double seconds_for(void **state, const char *head, const char *piece, size_t total)
{
    struct pool *pool = pool_new(POOL_MAX);
    struct buf raw = BUF_INIT(total + 10000);
    struct timespec from, to;
    buf_add(&raw, str_of(head));
    while (raw.n < total)
        buf_add(&raw, str_of(piece));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    struct message *m = parse_with(pool, buf_str(&raw), mail_limits_default);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    assert_true(m->n_parts <= mail_limits_default.parts);
    pool_free(&pool);
    buf_release(&raw);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* 0.2 s is what the worst takes unhindered; quadratic work would take minutes. */
static void hostile_messages_take_no_time(void **state)
{
    const char *multipart = "Content-Type: multipart/mixed; boundary=a\n\n";
    const struct {
        const char *head, *piece;
    } cases[] = {
        {multipart, "--b\n"},
        {multipart, "--a\n"},
        {multipart, "--a\nContent-Type: multipart/mixed; boundary=a\n\n"},
        {"", "Content-Type: message/rfc822\n\n"},
        {"", "Content-Type: multipart/mixed; boundary=b\n\n--b\n"},
        {"", "X-H: v\n"},
        {"Subject: x\n", " \n"},
        {"", "junk\nX-A: b\n"},
        {"", "junk\n"},
        {"Content-Type: text/plain", "; a*0*=b"},
        {"Content-Type: text/plain", "("},
        {"A: b\n\n", "\r\n"},
        {"A: b\n\n", "\r"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double took = seconds_for(state, cases[i].head, cases[i].piece, 20 * 1024 * 1024);
        assert_true(took < 4.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_header_and_body),
        cmocka_unit_test(finds_fields_in_turn),
        cmocka_unit_test(splits_multiparts),
        cmocka_unit_test(nests_and_closes_from_outside),
        cmocka_unit_test(looks_into_messages),
        cmocka_unit_test(unpacks_encoded_messages),
        cmocka_unit_test(unpacks_encoded_multiparts),
        cmocka_unit_test(adopts_a_boundary_from_the_text),
        cmocka_unit_test(multipart_wins_over_other_types),
        cmocka_unit_test(bad_header_lines),
        cmocka_unit_test(delimiter_ends_a_header),
        cmocka_unit_test(messages_without_something),
        cmocka_unit_test(odd_bytes_are_anomalies),
        cmocka_unit_test(limits_bound_and_are_told),
        cmocka_unit_test(a_small_pool_fails_cleanly),
        cmocka_unit_test(hostile_messages_take_no_time),
    };
    return tap_run(tests, setup, teardown);
}
