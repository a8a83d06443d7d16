#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/ipc.h"
#include "journal/event.h"

static const struct event_refused refused = {
    .time_us = 1700000000000001,
    .id = {"01ID", 4},
    .session = {"s1", 2},
    .client_ip = {"192.0.2.9", 9},
    .client_name = {"host", 4},
    .helo = {"helo", 4},
    .sender = {"a@b", 3},
    .recipient = {"c@d", 3},
    .stage = {"rcpt", 4},
    .code = 550,
    .enhanced = {"5.1.1", 5},
    .text = {"unknown", 7},
    .evidence = {"{}", 2},
};

static const struct event_message message = {
    .id = {"01ID", 4},
    .time_us = -5,
    .client_ip = {"2001:db8::1", 11},
    .sender = {"", 0},
    .subject = {"s\xc3\xa9minaire", 10},
    .message_id = {"<x@y>", 5},
    .size = UINT64_MAX,
    .verdict = {"spam", 4},
    .global = -2.3,
    .heuristics = -0.4,
    .bayes = -1.9,
    .held = {"virus", 5},
    .evidence = {"{\"a\":1}", 7},
};

static const struct event_recipient recipient = {
    .id = {"01ID", 4},
    .index = 3,
    .address = {"jean@univ.example", 17},
    .how = {"file people", 11},
    .state = RCPT_DELIVERED,
    .time_us = 17,
    .relay = {"192.0.2.10:24", 13},
    .detail = {"250 2.0.0 saved", 15},
};

static const struct event_tls tls = {
    .time_us = 23,
    .domain = {"example.net", 11},
    .policy_type = {"sts", 3},
    .policy = {"version: STSv1\nmode: enforce", 28},
    .mx_hosts = {"mx.example.net\n*.example.net", 28},
    .sending_ip = {"192.0.2.1", 9},
    .receiving_ip = {"198.51.100.9", 12},
    .receiving_mx = {"mx.example.net", 14},
    .receiving_helo = {"mx", 2},
    .result = {"certificate-expired", 19},
    .reason = {"certificate has expired", 23},
};

static const struct event_accepted accepted = {
    .id = {"01ID", 4},
    .time_us = 29,
    .sender = {"a@b", 3},
    .n = 2,
    .recipients = {"c@d\ne@f", 7},
    .size = 5300,
    .held = true,
};

static const struct event_audit audit = {
    .time_us = 31,
    .duration_ms = 1200,
    .messages = 1000000,
    .recipients = 1000001,
    .findings = 3,
    .failure = {"no journal", 10},
    .summary = {"{\"a\":1}", 7},
};

static void same(struct str a, struct str b)
{
    assert_true(str_eq(a, b));
}

static void every_field_comes_back(void **state)
{
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct event e;
    event_refused_put(&b, 7, &refused);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.number, 7);
    assert_int_equal(e.kind, EVENT_REFUSED);
    assert_true(e.refused.time_us == refused.time_us);
    same(e.refused.id, refused.id);
    same(e.refused.session, refused.session);
    same(e.refused.client_ip, refused.client_ip);
    same(e.refused.client_name, refused.client_name);
    same(e.refused.helo, refused.helo);
    same(e.refused.sender, refused.sender);
    same(e.refused.recipient, refused.recipient);
    same(e.refused.stage, refused.stage);
    assert_int_equal(e.refused.code, 550);
    same(e.refused.enhanced, refused.enhanced);
    same(e.refused.text, refused.text);
    same(e.refused.evidence, refused.evidence);

    buf_clear(&b);
    event_message_put(&b, 8, &message);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.kind, EVENT_MESSAGE);
    same(e.message.id, message.id);
    assert_true(e.message.time_us == -5);
    same(e.message.client_ip, message.client_ip);
    same(e.message.subject, message.subject);
    same(e.message.message_id, message.message_id);
    assert_true(e.message.size == UINT64_MAX);
    same(e.message.verdict, message.verdict);
    assert_true(e.message.global == -2.3 && e.message.heuristics == -0.4);
    assert_true(e.message.bayes == -1.9);
    same(e.message.held, message.held);
    same(e.message.evidence, message.evidence);

    buf_clear(&b);
    event_recipient_put(&b, 9, &recipient);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.kind, EVENT_RECIPIENT);
    same(e.recipient.id, recipient.id);
    assert_int_equal(e.recipient.index, 3);
    same(e.recipient.address, recipient.address);
    same(e.recipient.how, recipient.how);
    assert_int_equal(e.recipient.state, RCPT_DELIVERED);
    assert_true(e.recipient.time_us == 17);
    same(e.recipient.relay, recipient.relay);
    same(e.recipient.detail, recipient.detail);

    buf_clear(&b);
    event_tls_put(&b, 10, &tls);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.kind, EVENT_TLS);
    assert_true(e.tls.time_us == 23);
    same(e.tls.domain, tls.domain);
    same(e.tls.policy_type, tls.policy_type);
    same(e.tls.policy, tls.policy);
    same(e.tls.mx_hosts, tls.mx_hosts);
    same(e.tls.sending_ip, tls.sending_ip);
    same(e.tls.receiving_ip, tls.receiving_ip);
    same(e.tls.receiving_mx, tls.receiving_mx);
    same(e.tls.receiving_helo, tls.receiving_helo);
    same(e.tls.result, tls.result);
    same(e.tls.reason, tls.reason);
    buf_release(&b);
}

static void what_audit_needs_comes_back(void **state)
{
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct event e;
    event_accepted_put(&b, 11, &accepted);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.number, 11);
    assert_int_equal(e.kind, EVENT_ACCEPTED);
    same(e.accepted.id, accepted.id);
    same(e.accepted.sender, accepted.sender);
    same(e.accepted.recipients, accepted.recipients);
    assert_true(e.accepted.time_us == 29 && e.accepted.n == 2 && e.accepted.size == 5300);
    assert_true(e.accepted.held);

    buf_clear(&b);
    event_audit_put(&b, 12, &audit);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.kind, EVENT_AUDIT);
    assert_true(e.audit.time_us == 31 && e.audit.duration_ms == 1200);
    assert_true(e.audit.messages == 1000000 && e.audit.recipients == 1000001);
    assert_int_equal(e.audit.findings, 3);
    same(e.audit.failure, audit.failure);
    same(e.audit.summary, audit.summary);

    const struct event_closed closed = {.time_us = 37,
                                        .id = STR("01K0"),
                                        .finding = STR("lost"),
                                        .why = STR("by jean: told"),
                                        .reopened = true};
    buf_clear(&b);
    event_closed_put(&b, 14, &closed);
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.kind, EVENT_CLOSED);
    same(e.closed.id, closed.id);
    same(e.closed.finding, closed.finding);
    same(e.closed.why, closed.why);
    assert_true(e.closed.time_us == 37 && e.closed.reopened);

    struct event_accepted bad = accepted;
    bad.id = STR_EMPTY;
    buf_clear(&b);
    event_accepted_put(&b, 13, &bad);
    assert_false(event_get(buf_str(&b), &e));
    buf_release(&b);
}

static void results_are_those_of_the_rfc(void **state)
{
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct event e;
    struct event_tls other = tls;
    other.result = STR("no-such-type");
    event_tls_put(&b, 1, &other);
    assert_false(event_get(buf_str(&b), &e));
    buf_clear(&b);
    other.result = STR_EMPTY;
    event_tls_put(&b, 1, &other);
    assert_true(event_get(buf_str(&b), &e));
    buf_clear(&b);
    other.domain = STR_EMPTY;
    event_tls_put(&b, 1, &other);
    assert_false(event_get(buf_str(&b), &e));
    assert_false(event_tls_failure(STR_EMPTY));
    assert_true(event_tls_failure(STR("sts-webpki-invalid")));
    buf_release(&b);
}

static void shortened_or_extended_is_malformed(void **state)
{
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct event e;
    event_message_put(&b, 8, &message);
    for (size_t n = 0; n < b.n; n++)
        assert_false(event_get(str_sub(buf_str(&b), 0, n), &e));
    buf_addc(&b, 'x');
    assert_false(event_get(buf_str(&b), &e));
    assert_int_equal(e.number, 8);
    buf_clear(&b);
    event_recipient_put(&b, 8, &recipient);
    b.p[8] = 9; /* the kind */
    assert_false(event_get(buf_str(&b), &e));
    buf_clear(&b);
    struct event_recipient odd = recipient;
    odd.state = (enum recipient_state)RECIPIENT_STATES;
    event_recipient_put(&b, 8, &odd);
    assert_false(event_get(buf_str(&b), &e));
    buf_clear(&b);
    odd = recipient;
    odd.id = STR_EMPTY;
    event_recipient_put(&b, 8, &odd);
    assert_false(event_get(buf_str(&b), &e));
    buf_release(&b);
}

/* Whatever mail puts into the fields, the event fits into one message. */
static void oversize_fields_are_cut(void **state)
{
    size_t n = 200 * 1024;
    char *huge = malloc(n);
    struct buf b = BUF_INIT(IPC_MSG_MAX);
    struct event e;
    assert_non_null(huge);
    memset(huge, 'x', n);
    memcpy(huge + EVENT_TEXT_MAX - 1, "\xc3\xa9", 2); /* must not be cut in two */
    struct str x = str_n(huge, n);
    struct event_message m = {.id = STR("01ID"),
                              .client_ip = x,
                              .client_name = x,
                              .helo = x,
                              .sender = x,
                              .subject = x,
                              .message_id = x,
                              .verdict = x,
                              .held = x,
                              .evidence = x};
    event_message_put(&b, 1, &m);
    assert_true(buf_ok(&b));
    assert_true(event_get(buf_str(&b), &e));
    assert_int_equal(e.message.subject.n, EVENT_TEXT_MAX - 1);
    assert_str(e.message.evidence, "{\"left_out\":\"evidence of 204800 bytes\"}");
    buf_clear(&b);
    struct event_refused r = {x.n, x, x, x, x, x, x, x, x, 550, x, x, x};
    event_refused_put(&b, 1, &r);
    assert_true(buf_ok(&b));
    m.evidence.n = EVENT_EVIDENCE_MAX;
    buf_clear(&b);
    event_message_put(&b, 1, &m);
    assert_true(buf_ok(&b) && event_get(buf_str(&b), &e));
    assert_int_equal(e.message.evidence.n, EVENT_EVIDENCE_MAX);
    buf_release(&b);
    free(huge);
}

static void acknowledgements(void **state)
{
    struct buf b = BUF_INIT(64);
    uint64_t number;
    event_ack_put(&b, 77);
    assert_true(event_ack_get(buf_str(&b), &number));
    assert_int_equal(number, 77);
    assert_false(event_ack_get(str_sub(buf_str(&b), 0, 7), &number));
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(what_audit_needs_comes_back),
        cmocka_unit_test(results_are_those_of_the_rfc),
        cmocka_unit_test(shortened_or_extended_is_malformed),
        cmocka_unit_test(oversize_fields_are_cut),
        cmocka_unit_test(acknowledgements),
    };
    return tap_run(tests, NULL, NULL);
}
