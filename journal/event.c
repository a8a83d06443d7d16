#include "journal/event.h"

#include <stdio.h>

/* --- writing --- */

/* A text too long is cut, not within a UTF-8 character. */
static void put_text(struct buf *out, struct str text)
{
    size_t n = text.n;
    if (n > EVENT_TEXT_MAX) {
        n = EVENT_TEXT_MAX;
        while (n && ((unsigned char)text.s[n] & 0xc0) == 0x80)
            n--;
    }
    wire_str(out, str_sub(text, 0, n));
}

/* JSON can't be cut: what is too large is left out, and that is said. */
static void put_evidence(struct buf *out, struct str evidence)
{
    char left_out[80];
    if (evidence.n > EVENT_EVIDENCE_MAX) {
        snprintf(left_out, sizeof left_out, "{\"left_out\":\"evidence of %zu bytes\"}", evidence.n);
        evidence = str_of(left_out);
    }
    wire_str(out, evidence);
}

void event_refused_put(struct buf *out, uint64_t number, const struct event_refused *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_REFUSED);
    wire_i64(out, event->time_us);
    put_text(out, event->id);
    put_text(out, event->session);
    put_text(out, event->client_ip);
    put_text(out, event->client_name);
    put_text(out, event->helo);
    put_text(out, event->sender);
    put_text(out, event->recipient);
    put_text(out, event->stage);
    wire_u32(out, event->code);
    put_text(out, event->enhanced);
    put_text(out, event->text);
    put_evidence(out, event->evidence);
}

void event_message_put(struct buf *out, uint64_t number, const struct event_message *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_MESSAGE);
    put_text(out, event->id);
    wire_i64(out, event->time_us);
    put_text(out, event->client_ip);
    put_text(out, event->client_name);
    put_text(out, event->helo);
    put_text(out, event->sender);
    put_text(out, event->subject);
    put_text(out, event->message_id);
    wire_u64(out, event->size);
    put_text(out, event->verdict);
    wire_f64(out, event->global);
    wire_f64(out, event->heuristics);
    wire_f64(out, event->bayes);
    put_text(out, event->held);
    put_evidence(out, event->evidence);
}

void event_recipient_put(struct buf *out, uint64_t number, const struct event_recipient *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_RECIPIENT);
    put_text(out, event->id);
    wire_u32(out, event->index);
    put_text(out, event->address);
    put_text(out, event->how);
    wire_u32(out, event->state);
    wire_i64(out, event->time_us);
    put_text(out, event->relay);
    put_text(out, event->detail);
}

void event_tls_put(struct buf *out, uint64_t number, const struct event_tls *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_TLS);
    wire_i64(out, event->time_us);
    put_text(out, event->domain);
    put_text(out, event->policy_type);
    put_text(out, event->policy);
    put_text(out, event->mx_hosts);
    put_text(out, event->sending_ip);
    put_text(out, event->receiving_ip);
    put_text(out, event->receiving_mx);
    put_text(out, event->receiving_helo);
    put_text(out, event->result);
    put_text(out, event->reason);
}

static void put_report(struct buf *out, const struct event_report *report)
{
    wire_i64(out, report->time_us);
    put_text(out, report->message);
    put_text(out, report->org);
    put_text(out, report->email);
    put_text(out, report->report_id);
    wire_u64(out, report->digest);
    put_text(out, report->signer);
    wire_i64(out, report->begin_s);
    wire_i64(out, report->end_s);
}

void event_feedback_put(struct buf *out, uint64_t number, const struct event_feedback *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_FEEDBACK);
    put_report(out, &event->report);
    put_text(out, event->domain);
    put_text(out, event->policy);
    wire_u32(out, event->index);
    wire_u64(out, event->n);
    put_text(out, event->source_ip);
    put_text(out, event->disposition);
    put_text(out, event->dkim);
    put_text(out, event->spf);
    put_text(out, event->override);
    put_text(out, event->header_from);
    put_text(out, event->envelope_from);
    put_text(out, event->results);
}

void event_tls_feedback_put(struct buf *out, uint64_t number,
                            const struct event_tls_feedback *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_TLS_FEEDBACK);
    put_report(out, &event->report);
    put_text(out, event->domain);
    wire_u32(out, event->index);
    wire_u64(out, event->n);
    put_text(out, event->policy_type);
    put_text(out, event->result);
    put_text(out, event->sending_ip);
    put_text(out, event->receiving_mx);
    put_text(out, event->receiving_ip);
    put_text(out, event->reason);
}

void event_accepted_put(struct buf *out, uint64_t number, const struct event_accepted *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_ACCEPTED);
    put_text(out, event->id);
    wire_i64(out, event->time_us);
    put_text(out, event->sender);
    wire_u32(out, event->n);
    put_text(out, event->recipients);
    wire_u64(out, event->size);
    wire_u8(out, event->held);
}

void event_audit_put(struct buf *out, uint64_t number, const struct event_audit *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_AUDIT);
    wire_i64(out, event->time_us);
    wire_u64(out, event->duration_ms);
    wire_u64(out, event->messages);
    wire_u64(out, event->recipients);
    wire_u64(out, event->findings);
    put_text(out, event->failure);
    put_evidence(out, event->summary);
}

void event_closed_put(struct buf *out, uint64_t number, const struct event_closed *event)
{
    wire_u64(out, number);
    wire_u8(out, EVENT_CLOSED);
    wire_i64(out, event->time_us);
    put_text(out, event->id);
    put_text(out, event->finding);
    put_text(out, event->why);
    wire_u8(out, event->reopened);
}

bool event_tls_failure(struct str result)
{
    static const char *const types[] = {
        "starttls-not-supported", "certificate-host-mismatch",
        "certificate-expired",    "certificate-not-trusted",
        "validation-failure",     "tlsa-invalid",
        "dnssec-invalid",         "dane-required",
        "sts-policy-fetch-error", "sts-policy-invalid",
        "sts-webpki-invalid",
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(result, str_of(types[i])))
            return true;
    return false;
}

/* --- reading --- */

static void get_refused(struct wire *w, struct event_refused *event)
{
    event->time_us = wire_get_i64(w);
    event->id = wire_get_str(w);
    event->session = wire_get_str(w);
    event->client_ip = wire_get_str(w);
    event->client_name = wire_get_str(w);
    event->helo = wire_get_str(w);
    event->sender = wire_get_str(w);
    event->recipient = wire_get_str(w);
    event->stage = wire_get_str(w);
    event->code = wire_get_u32(w);
    event->enhanced = wire_get_str(w);
    event->text = wire_get_str(w);
    event->evidence = wire_get_str(w);
}

static void get_message(struct wire *w, struct event_message *event)
{
    event->id = wire_get_str(w);
    event->time_us = wire_get_i64(w);
    event->client_ip = wire_get_str(w);
    event->client_name = wire_get_str(w);
    event->helo = wire_get_str(w);
    event->sender = wire_get_str(w);
    event->subject = wire_get_str(w);
    event->message_id = wire_get_str(w);
    event->size = wire_get_u64(w);
    event->verdict = wire_get_str(w);
    event->global = wire_get_f64(w);
    event->heuristics = wire_get_f64(w);
    event->bayes = wire_get_f64(w);
    event->held = wire_get_str(w);
    event->evidence = wire_get_str(w);
    w->bad |= event->id.n == 0;
}

static void get_recipient(struct wire *w, struct event_recipient *event)
{
    event->id = wire_get_str(w);
    event->index = wire_get_u32(w);
    event->address = wire_get_str(w);
    event->how = wire_get_str(w);
    uint32_t state = wire_get_u32(w);
    event->state = (enum recipient_state)state;
    event->time_us = wire_get_i64(w);
    event->relay = wire_get_str(w);
    event->detail = wire_get_str(w);
    w->bad |= event->id.n == 0 || state >= RECIPIENT_STATES;
}

static void get_tls(struct wire *w, struct event_tls *event)
{
    event->time_us = wire_get_i64(w);
    event->domain = wire_get_str(w);
    event->policy_type = wire_get_str(w);
    event->policy = wire_get_str(w);
    event->mx_hosts = wire_get_str(w);
    event->sending_ip = wire_get_str(w);
    event->receiving_ip = wire_get_str(w);
    event->receiving_mx = wire_get_str(w);
    event->receiving_helo = wire_get_str(w);
    event->result = wire_get_str(w);
    event->reason = wire_get_str(w);
    w->bad |= event->domain.n == 0 || event->policy_type.n == 0 || event->time_us < 0;
    w->bad |= event->result.n && !event_tls_failure(event->result);
}

static void get_report(struct wire *w, struct event_report *report)
{
    report->time_us = wire_get_i64(w);
    report->message = wire_get_str(w);
    report->org = wire_get_str(w);
    report->email = wire_get_str(w);
    report->report_id = wire_get_str(w);
    report->digest = wire_get_u64(w);
    report->signer = wire_get_str(w);
    report->begin_s = wire_get_i64(w);
    report->end_s = wire_get_i64(w);
    w->bad |= report->report_id.n == 0 || report->digest > INT64_MAX;
}

static void get_feedback(struct wire *w, struct event_feedback *event)
{
    get_report(w, &event->report);
    event->domain = wire_get_str(w);
    event->policy = wire_get_str(w);
    event->index = wire_get_u32(w);
    event->n = wire_get_u64(w);
    event->source_ip = wire_get_str(w);
    event->disposition = wire_get_str(w);
    event->dkim = wire_get_str(w);
    event->spf = wire_get_str(w);
    event->override = wire_get_str(w);
    event->header_from = wire_get_str(w);
    event->envelope_from = wire_get_str(w);
    event->results = wire_get_str(w);
    w->bad |= event->domain.n == 0 || event->n > INT64_MAX;
}

static void get_tls_feedback(struct wire *w, struct event_tls_feedback *event)
{
    get_report(w, &event->report);
    event->domain = wire_get_str(w);
    event->index = wire_get_u32(w);
    event->n = wire_get_u64(w);
    event->policy_type = wire_get_str(w);
    event->result = wire_get_str(w);
    event->sending_ip = wire_get_str(w);
    event->receiving_mx = wire_get_str(w);
    event->receiving_ip = wire_get_str(w);
    event->reason = wire_get_str(w);
    w->bad |= event->domain.n == 0 || event->n > INT64_MAX;
}

static void get_accepted(struct wire *w, struct event_accepted *event)
{
    event->id = wire_get_str(w);
    event->time_us = wire_get_i64(w);
    event->sender = wire_get_str(w);
    event->n = wire_get_u32(w);
    event->recipients = wire_get_str(w);
    event->size = wire_get_u64(w);
    unsigned held = wire_get_u8(w);
    event->held = held;
    w->bad |= event->id.n == 0 || event->size > INT64_MAX || held > 1;
}

static void get_audit(struct wire *w, struct event_audit *event)
{
    event->time_us = wire_get_i64(w);
    event->duration_ms = wire_get_u64(w);
    event->messages = wire_get_u64(w);
    event->recipients = wire_get_u64(w);
    event->findings = wire_get_u64(w);
    event->failure = wire_get_str(w);
    event->summary = wire_get_str(w);
    w->bad |= event->duration_ms > INT64_MAX || event->messages > INT64_MAX ||
              event->recipients > INT64_MAX || event->findings > INT64_MAX;
}

static void get_closed(struct wire *w, struct event_closed *event)
{
    event->time_us = wire_get_i64(w);
    event->id = wire_get_str(w);
    event->finding = wire_get_str(w);
    event->why = wire_get_str(w);
    unsigned reopened = wire_get_u8(w);
    event->reopened = reopened;
    w->bad |= event->id.n == 0 || event->finding.n == 0 || reopened > 1;
}

bool event_get(struct str message, struct event *event)
{
    struct wire w = wire_of(message);
    memset(event, 0, sizeof *event);
    event->number = wire_get_u64(&w);
    event->kind = (enum event_kind)wire_get_u8(&w);
    switch (event->kind) {
    case EVENT_REFUSED:
        get_refused(&w, &event->refused);
        break;
    case EVENT_MESSAGE:
        get_message(&w, &event->message);
        break;
    case EVENT_RECIPIENT:
        get_recipient(&w, &event->recipient);
        break;
    case EVENT_TLS:
        get_tls(&w, &event->tls);
        break;
    case EVENT_FEEDBACK:
        get_feedback(&w, &event->feedback);
        break;
    case EVENT_TLS_FEEDBACK:
        get_tls_feedback(&w, &event->tls_feedback);
        break;
    case EVENT_ACCEPTED:
        get_accepted(&w, &event->accepted);
        break;
    case EVENT_AUDIT:
        get_audit(&w, &event->audit);
        break;
    case EVENT_CLOSED:
        get_closed(&w, &event->closed);
        break;
    default:
        return false;
    }
    return wire_done(&w);
}

void event_ack_put(struct buf *out, uint64_t number)
{
    wire_u64(out, number);
}

bool event_ack_get(struct str message, uint64_t *number)
{
    struct wire w = wire_of(message);
    *number = wire_get_u64(&w);
    return wire_done(&w);
}
