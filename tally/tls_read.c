#include "tally/tls_read.h"

#include <jansson.h>

#include "base/domain.h"
#include "tally/maker.h"

#define COUNT_MAX ((json_int_t)1 << 31) /* sums of all that is kept fit into 63 bits */

/* What is read now. */
struct reading {
    struct pool *pool;
    struct tls_read *report;
    struct err *err;
    size_t cap;
};

/* --- before it is taken apart --- */

/* The parser goes as deep as a text says: looked at first. */
static bool is_too_deep(struct str json)
{
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.s[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > TLS_READ_DEPTH_MAX)
            return true;
    }
    return false;
}

/* --- values --- */

/* Cut, but not within a character; empty where it is none. */
static int take_text(struct reading *r, const json_t *value, struct str *text)
{
    struct str all = str_trim(str_n(json_string_value(value), json_string_length(value)));
    size_t n = all.n < TLS_READ_TEXT_MAX ? all.n : TLS_READ_TEXT_MAX;
    while (n < all.n && n > 0 && ((unsigned char)all.s[n] & 0xc0) == 0x80)
        n--;
    *text = n ? pool_str(r->pool, str_sub(all, 0, n)) : STR_EMPTY;
    return n && text->s == NULL ? err_set(r->err, "out of memory for a report") : 0;
}

static int take_count(struct reading *r, const json_t *value, uint64_t *count)
{
    json_int_t n = json_integer_value(value);
    if ((value && !json_is_integer(value)) || n < 0 || n > COUNT_MAX)
        return err_set(r->err, "a number of sessions is none");
    *count = (uint64_t)n;
    return 0;
}

/* Digits before `end`, of which there are n. */
static bool take_digits(struct str *text, size_t n, char end, int64_t *number)
{
    uint64_t value;
    if (text->n <= n || text->s[n] != end || !str_to_u64(str_sub(*text, 0, n), 99, &value))
        return false;
    *number = (int64_t)value;
    *text = str_from(*text, n + 1);
    return true;
}

/* "2016-04-01T00:00:00Z", "…+02:00" (RFC 3339); parts of a second are passed over. */
static bool read_time(struct str text, int64_t *time_s)
{
    int64_t day, hours, minutes, seconds, away_h = 0, away_m = 0;
    char zone[8];
    size_t t = str_chr(text, 'T'), end = 0;
    if (t == STR_NONE || !tally_day_get(str_sub(text, 0, t), &day) ||
        text.n < t + sizeof "00:00:00")
        return false;
    struct str clock = str_sub(text, t + 1, t + 9), rest = str_from(text, t + 9);
    char room[16];
    snprintf(room, sizeof room, "%.*s.", STR_ARG(clock));
    struct str at = str_of(room);
    if (!take_digits(&at, 2, ':', &hours) || !take_digits(&at, 2, ':', &minutes) ||
        !take_digits(&at, 2, '.', &seconds))
        return false;
    while (end < rest.n && (rest.s[end] == '.' || (rest.s[end] >= '0' && rest.s[end] <= '9')))
        end++;
    rest = str_from(rest, end);
    bool east = str_starts(rest, STR("+"));
    if (!str_eq(rest, STR("Z")) && !str_eq(rest, STR("z"))) {
        if (rest.n != 6 || (rest.s[0] != '+' && rest.s[0] != '-'))
            return false;
        snprintf(zone, sizeof zone, "%.*s.", STR_ARG(str_from(rest, 1)));
        at = str_of(zone);
        if (!take_digits(&at, 2, ':', &away_h) || !take_digits(&at, 2, '.', &away_m))
            return false;
    }
    int64_t away = (away_h * 60 + away_m) * 60;
    *time_s = ((day * 24 + hours) * 60 + minutes) * 60 + seconds - (east ? away : -away);
    return *time_s >= 0;
}

static int take_time(struct reading *r, const json_t *value, int64_t *time_s)
{
    struct str text = str_n(json_string_value(value), json_string_length(value));
    return read_time(text, time_s) ? 0 : err_set(r->err, "its dates make no sense");
}

/* --- rows --- */

static int add_row(struct reading *r, const struct tls_read_row *row)
{
    struct tls_read *report = r->report;
    if (row->n == 0)
        return 0;
    if (report->n == TLS_READ_ROWS_MAX)
        return err_set(r->err, "it has more than %d rows", TLS_READ_ROWS_MAX);
    struct tls_read_row *rows = pool_grow(r->pool, report->rows, report->n, &r->cap, sizeof *rows);
    if (rows == NULL)
        return err_set(r->err, "out of memory for a report");
    report->rows = rows;
    rows[report->n++] = *row;
    return 0;
}

static int take_failure(struct reading *r, const json_t *detail, struct tls_read_row row)
{
    if (take_count(r, json_object_get(detail, "failed-session-count"), &row.n) < 0 ||
        take_text(r, json_object_get(detail, "result-type"), &row.result) < 0 ||
        take_text(r, json_object_get(detail, "sending-mta-ip"), &row.sending_ip) < 0 ||
        take_text(r, json_object_get(detail, "receiving-mx-hostname"), &row.receiving_mx) < 0 ||
        take_text(r, json_object_get(detail, "receiving-ip"), &row.receiving_ip) < 0 ||
        take_text(r, json_object_get(detail, "failure-reason-code"), &row.reason) < 0)
        return -1;
    if (row.result.n == 0)
        row.result = STR(TLS_READ_UNEXPLAINED);
    return add_row(r, &row);
}

/* Those that nothing is said of beside how many they were. */
static int take_unexplained(struct reading *r, uint64_t failed, size_t from,
                            struct tls_read_row row)
{
    uint64_t explained = 0;
    for (size_t i = from; i < r->report->n; i++)
        explained += r->report->rows[i].n;
    row.n = failed > explained ? failed - explained : 0;
    row.result = STR(TLS_READ_UNEXPLAINED);
    return add_row(r, &row);
}

static int take_policy(struct reading *r, const json_t *entry)
{
    const json_t *policy = json_object_get(entry, "policy");
    const json_t *summary = json_object_get(entry, "summary");
    const json_t *details = json_object_get(entry, "failure-details");
    struct tls_read_row row = {.n = 0};
    struct str said = STR_EMPTY;
    char domain[DOMAIN_SIZE];
    uint64_t failed = 0;
    if (take_text(r, json_object_get(policy, "policy-type"), &row.policy_type) < 0 ||
        take_text(r, json_object_get(policy, "policy-domain"), &said) < 0 ||
        take_count(r, json_object_get(summary, "total-failure-session-count"), &failed) < 0 ||
        take_count(r, json_object_get(summary, "total-successful-session-count"), &row.n) < 0)
        return -1;
    if (!domain_normal(said, domain))
        return err_set(r->err, "a policy is of no domain");
    row.domain = pool_str(r->pool, str_of(domain));
    if (row.domain.s == NULL)
        return err_set(r->err, "out of memory for a report");
    if (add_row(r, &row) < 0)
        return -1;
    size_t from = r->report->n;
    for (size_t i = 0; i < json_array_size(details); i++)
        if (take_failure(r, json_array_get(details, i), row) < 0)
            return -1;
    return take_unexplained(r, failed, from, row);
}

/* --- the whole --- */

static int take_report(struct reading *r, const json_t *root)
{
    struct tls_read *report = r->report;
    const json_t *dates = json_object_get(root, "date-range");
    const json_t *policies = json_object_get(root, "policies");
    if (take_text(r, json_object_get(root, "organization-name"), &report->org) < 0 ||
        take_text(r, json_object_get(root, "contact-info"), &report->contact) < 0 ||
        take_text(r, json_object_get(root, "report-id"), &report->report_id) < 0)
        return -1;
    if (report->org.n == 0 || report->report_id.n == 0)
        return err_set(r->err, "it says not who made it, or has no id");
    if (take_time(r, json_object_get(dates, "start-datetime"), &report->begin_s) < 0 ||
        take_time(r, json_object_get(dates, "end-datetime"), &report->end_s) < 0)
        return -1;
    if (report->end_s < report->begin_s)
        return err_set(r->err, "its dates make no sense");
    for (size_t i = 0; i < json_array_size(policies); i++)
        if (take_policy(r, json_array_get(policies, i)) < 0)
            return -1;
    return report->n ? 0 : err_set(r->err, "it tells of no session");
}

int tls_read(struct str json, struct pool *pool, struct tls_read *report, struct err *err)
{
    struct reading r = {.pool = pool, .report = report, .err = err};
    json_error_t why;
    *report = (struct tls_read){.n = 0};
    if (json.n > TLS_READ_MAX)
        return err_set(err, "larger than %zu bytes", TLS_READ_MAX);
    if (is_too_deep(json))
        return err_set(err, "too deep");
    json_t *root = json_loadb(json.n ? json.s : "", json.n, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        return err_set(err, "no JSON: line %d: %s", why.line, why.text);
    int result = take_report(&r, root);
    json_decref(root);
    return result;
}
