#include "tally/tls_json.h"

#include <jansson.h>
#include <stdlib.h>

#include "mail/utf8.h"

#define TEXT_MAX EVENT_TEXT_MAX

/* What is no UTF-8 is mended. */
static json_t *text(struct str x)
{
    char clean[4 * TEXT_MAX];
    json_t *value = json_stringn(x.n ? x.s : "", x.n);
    if (value)
        return value;
    return json_stringn(clean, utf8_mend(str_sub(x, 0, TEXT_MAX), clean, sizeof clean));
}

static json_t *lines(struct str x)
{
    json_t *list = json_array();
    struct str line;
    while (str_next(&x, '\n', &line))
        if (line.n)
            json_array_append_new(list, text(line));
    return list;
}

static void set_text(json_t *object, const char *name, struct str x)
{
    if (x.n)
        json_object_set_new(object, name, text(x));
}

static json_t *policy_of(const struct tls_report *report, const struct event_tls *event)
{
    json_t *policy = json_object();
    json_object_set_new(policy, "policy-type", text(event->policy_type));
    if (event->policy.n)
        json_object_set_new(policy, "policy-string", lines(event->policy));
    json_object_set_new(policy, "policy-domain", text(report->subject->domain));
    if (event->mx_hosts.n)
        json_object_set_new(policy, "mx-host", lines(event->mx_hosts));
    return policy;
}

static json_t *failure_of(const struct tally_tls *row)
{
    const struct event_tls *event = &row->event;
    json_t *failure = json_object();
    set_text(failure, "result-type", event->result);
    set_text(failure, "sending-mta-ip", event->sending_ip);
    set_text(failure, "receiving-mx-hostname", event->receiving_mx);
    set_text(failure, "receiving-mx-helo", event->receiving_helo);
    set_text(failure, "receiving-ip", event->receiving_ip);
    json_object_set_new(failure, "failed-session-count", json_integer((json_int_t)row->n));
    set_text(failure, "failure-reason-code", event->reason);
    return failure;
}

static bool is_same_policy(const struct event_tls *a, const struct event_tls *b)
{
    return str_eq(a->policy_type, b->policy_type) && str_eq(a->policy, b->policy) &&
           str_eq(a->mx_hosts, b->mx_hosts);
}

/* All rows from the first on that are of its policy; *at is moved behind them. */
static json_t *take_policy(const struct tls_report *report, size_t *at)
{
    const struct event_tls *first = &report->rows[*at].event;
    json_int_t good = 0, bad = 0;
    json_t *failures = json_array();
    for (; *at < report->n && is_same_policy(first, &report->rows[*at].event); (*at)++) {
        const struct tally_tls *row = &report->rows[*at];
        if (row->event.result.n == 0) {
            good += (json_int_t)row->n;
            continue;
        }
        bad += (json_int_t)row->n;
        json_array_append_new(failures, failure_of(row));
    }
    json_t *policy =
        json_pack("{s:o, s:{s:I, s:I}}", "policy", policy_of(report, first), "summary",
                  "total-successful-session-count", good, "total-failure-session-count", bad);
    if (bad)
        json_object_set_new(policy, "failure-details", failures);
    else
        json_decref(failures);
    return policy;
}

static json_t *report_of(const struct tls_report *report)
{
    char id[TALLY_ID_SIZE], day[TALLY_DAY_SIZE] = "", begin[32], end[32];
    json_t *policies = json_array();
    tally_report_id(report->maker, report->subject, id);
    tally_day_put(report->subject->day, day);
    snprintf(begin, sizeof begin, "%sT00:00:00Z", day);
    snprintf(end, sizeof end, "%sT23:59:59Z", day);
    for (size_t at = 0; at < report->n;)
        json_array_append_new(policies, take_policy(report, &at));
    return json_pack("{s:o, s:{s:s, s:s}, s:o, s:s, s:o}", "organization-name",
                     text(report->maker->organization), "date-range", "start-datetime", begin,
                     "end-datetime", end, "contact-info", text(report->maker->contact), "report-id",
                     id, "policies", policies);
}

int tls_json_put(struct buf *out, const struct tls_report *report, struct err *err)
{
    json_t *object = report_of(report);
    char *dump = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
    json_decref(object);
    if (dump == NULL)
        return err_set(err, "out of memory for a report");
    buf_add(out, str_of(dump));
    buf_addc(out, '\n');
    free(dump);
    return buf_ok(out) ? 0 : err_set(err, "a report of more than %zu bytes", out->max);
}
