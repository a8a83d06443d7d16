#include "tally/dmarc_read.h"

#include <arpa/inet.h>
#include <expat.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/domain.h"

#define PATH_ROOM   512 /* bytes of the names of all open elements */
#define RESULTS_MAX 2048
#define COUNT_MAX   ((uint64_t)1 << 31) /* sums of all that is kept fit into 63 bits */
#define WORD_MAX    32                  /* bytes of a word out of a list of the RFC's */
#define SECONDS_MAX ((uint64_t)1 << 36)

/* What is read now. */
struct reading {
    XML_Parser parser;
    struct pool *pool;
    struct dmarc_read *report;
    struct err *err;
    bool failed;
    size_t cap;
    unsigned depth;
    char path[PATH_ROOM]; /* of open elements: "/feedback/record" */
    size_t path_n;
    char text[DMARC_READ_TEXT_MAX];
    size_t text_n;
    bool text_full;
    struct dmarc_read_row row;
    struct str count, begin, end; /* as written */
    /* of a signature or an SPF result */
    struct str auth_domain, auth_selector, auth_result;
    char results[RESULTS_MAX];
    struct buf results_buf;
};

static void fail(struct reading *r, const char *why)
{
    if (!r->failed)
        err_set(r->err, "line %llu: %s", (unsigned long long)XML_GetCurrentLineNumber(r->parser),
                why);
    r->failed = true;
    XML_StopParser(r->parser, XML_FALSE);
}

/* --- where texts go --- */

#define IN_REPORT(field)  offsetof(struct dmarc_read, field)
#define IN_ROW(field)     offsetof(struct dmarc_read_row, field)
#define IN_READING(field) offsetof(struct reading, field)

enum owner { REPORT, ROW, READING };

static const struct {
    const char *path;
    enum owner owner;
    size_t at;
    size_t max; /* bytes: more refuses the report; 0: any number, cut at DMARC_READ_TEXT_MAX */
} places[] = {
    {"/feedback/report_metadata/org_name", REPORT, IN_REPORT(org), 0},
    {"/feedback/report_metadata/email", REPORT, IN_REPORT(email), 0},
    {"/feedback/report_metadata/report_id", REPORT, IN_REPORT(report_id), 0},
    {"/feedback/report_metadata/date_range/begin", READING, IN_READING(begin), 0},
    {"/feedback/report_metadata/date_range/end", READING, IN_READING(end), 0},
    {"/feedback/policy_published/domain", REPORT, IN_REPORT(domain), 0},
    {"/feedback/policy_published/p", REPORT, IN_REPORT(p), WORD_MAX},
    {"/feedback/record/row/source_ip", ROW, IN_ROW(source_ip), 0},
    {"/feedback/record/row/count", READING, IN_READING(count), 0},
    {"/feedback/record/row/policy_evaluated/disposition", ROW, IN_ROW(disposition), WORD_MAX},
    {"/feedback/record/row/policy_evaluated/dkim", ROW, IN_ROW(dkim), WORD_MAX},
    {"/feedback/record/row/policy_evaluated/spf", ROW, IN_ROW(spf), WORD_MAX},
    {"/feedback/record/row/policy_evaluated/reason/type", ROW, IN_ROW(override), WORD_MAX},
    {"/feedback/record/identifiers/header_from", ROW, IN_ROW(header_from), DOMAIN_NAME_MAX},
    {"/feedback/record/identifiers/envelope_from", ROW, IN_ROW(envelope_from), DOMAIN_NAME_MAX},
    {"/feedback/record/auth_results/dkim/domain", READING, IN_READING(auth_domain), 0},
    {"/feedback/record/auth_results/dkim/selector", READING, IN_READING(auth_selector), 0},
    {"/feedback/record/auth_results/dkim/result", READING, IN_READING(auth_result), 0},
    {"/feedback/record/auth_results/spf/domain", READING, IN_READING(auth_domain), 0},
    {"/feedback/record/auth_results/spf/result", READING, IN_READING(auth_result), 0},
};

static struct str *place_of(struct reading *r, size_t i)
{
    char *base = places[i].owner == REPORT ? (char *)r->report
                 : places[i].owner == ROW  ? (char *)&r->row
                                           : (char *)r;
    return (struct str *)(void *)(base + places[i].at);
}

/* The first of a kind counts. */
static void take_text(struct reading *r)
{
    struct str text = str_trim(str_n(r->text, r->text_n));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (strcmp(r->path, places[i].path) != 0)
            continue;
        struct str *to = place_of(r, i);
        if (places[i].max && text.n > places[i].max)
            return fail(r, "a text is longer than any can be");
        if (to->s == NULL && text.n > 0) {
            *to = pool_str(r->pool, text);
            if (to->s == NULL)
                fail(r, "out of memory for a report");
        }
        return;
    }
}

/* --- a record --- */

static void end_result(struct reading *r, const char *method)
{
    if (r->auth_result.n)
        buf_addf(&r->results_buf, "%s%s=%.*s %.*s%s%.*s", r->results_buf.n ? " " : "", method,
                 STR_ARG(r->auth_result), STR_ARG(r->auth_domain), r->auth_selector.n ? "/" : "",
                 STR_ARG(r->auth_selector));
    r->auth_domain = r->auth_selector = r->auth_result = STR_EMPTY;
}

static bool is_address(struct str text)
{
    char word[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    return str_copy(text, word, sizeof word) &&
           (inet_pton(AF_INET, word, bytes) == 1 || inet_pton(AF_INET6, word, bytes) == 1);
}

static void end_record(struct reading *r)
{
    struct dmarc_read *report = r->report;
    if (!is_address(r->row.source_ip))
        return fail(r, "source_ip is no address");
    if (!str_to_u64(r->count, COUNT_MAX, &r->row.n))
        return fail(r, "count is no number");
    if (report->n == DMARC_READ_ROWS_MAX)
        return fail(r, "too many records");
    /* results that do not fit are left out, all behind them too */
    r->row.results = pool_str(r->pool, str_n(r->results_buf.p, r->results_buf.n));
    struct dmarc_read_row *rows =
        pool_grow(r->pool, report->rows, report->n, &r->cap, sizeof *rows);
    if (rows == NULL || r->row.results.s == NULL)
        return fail(r, "out of memory for a report");
    report->rows = rows;
    rows[report->n++] = r->row;
    r->row = (struct dmarc_read_row){.n = 0};
    r->count = STR_EMPTY;
    buf_clear(&r->results_buf);
}

/* --- what expat says --- */

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *r = data;
    const char *colon = strrchr(name, ':');
    struct str local = str_of(colon ? colon + 1 : name);
    (void)attributes;
    if (r->failed)
        return;
    if (++r->depth > DMARC_READ_DEPTH_MAX || r->path_n + local.n + 2 > sizeof r->path)
        return fail(r, "too deep");
    r->path[r->path_n] = '/';
    memcpy(r->path + r->path_n + 1, local.s, local.n);
    r->path_n += local.n + 1;
    r->path[r->path_n] = '\0';
    r->text_n = 0;
    r->text_full = false;
    if (r->depth == 1 && strcmp(r->path, "/feedback") != 0)
        fail(r, "no DMARC report");
}

static void on_end(void *data, const XML_Char *name)
{
    struct reading *r = data;
    (void)name;
    if (r->failed)
        return;
    take_text(r);
    r->text_n = 0;
    r->text_full = false;
    if (strcmp(r->path, "/feedback/record/auth_results/dkim") == 0)
        end_result(r, "dkim");
    else if (strcmp(r->path, "/feedback/record/auth_results/spf") == 0)
        end_result(r, "spf");
    else if (strcmp(r->path, "/feedback/record") == 0)
        end_record(r);
    const char *slash = strrchr(r->path, '/');
    r->path_n = slash ? (size_t)(slash - r->path) : 0;
    r->path[r->path_n] = '\0';
    r->depth--;
}

/* What is longer is cut: nothing that we keep is. */
static void on_text(void *data, const XML_Char *bytes, int n)
{
    struct reading *r = data;
    size_t room = sizeof r->text - r->text_n, more = (size_t)n;
    if (r->failed || r->text_full)
        return;
    if (more > room) {
        r->text_full = true;
        more = room;
        while (more && ((unsigned char)bytes[more] & 0xc0) == 0x80) /* not within a character */
            more--;
    }
    memcpy(r->text + r->text_n, bytes, more);
    r->text_n += more;
}

/* No report has one: entities, and all that is done with them, need it. */
static void on_doctype(void *data, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    fail(data, "it declares a document type");
}

/* --- the whole --- */

static int check_whole(struct reading *r)
{
    struct dmarc_read *report = r->report;
    char domain[DOMAIN_SIZE];
    uint64_t begin, end;
    if (report->report_id.n == 0 || report->org.n == 0)
        return err_set(r->err, "it says not who made it, or has no id");
    if (!domain_normal(report->domain, domain))
        return err_set(r->err, "it is about no domain");
    if (!str_to_u64(r->begin, SECONDS_MAX, &begin) || !str_to_u64(r->end, SECONDS_MAX, &end) ||
        end < begin)
        return err_set(r->err, "its dates make no sense");
    if (report->n == 0)
        return err_set(r->err, "it has no record");
    report->begin_s = (int64_t)begin;
    report->end_s = (int64_t)end;
    report->domain = pool_str(r->pool, str_of(domain));
    return report->domain.s ? 0 : err_set(r->err, "out of memory for a report");
}

static int parse(struct reading *r, struct str xml)
{
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    enum XML_Status status = XML_Parse(r->parser, xml.s, (int)xml.n, XML_TRUE);
    if (status == XML_STATUS_OK && !r->failed)
        return check_whole(r);
    if (!r->failed)
        err_set(r->err, "line %llu: %s", (unsigned long long)XML_GetCurrentLineNumber(r->parser),
                XML_ErrorString(XML_GetErrorCode(r->parser)));
    return -1;
}

int dmarc_read(struct str xml, struct pool *pool, struct dmarc_read *report, struct err *err)
{
    struct reading *r;
    *report = (struct dmarc_read){.n = 0};
    if (xml.n == 0 || xml.n > DMARC_READ_MAX)
        return err_set(err, xml.n ? "it is too large" : "it is empty");
    r = POOL_NEW(pool, struct reading);
    if (r == NULL)
        return err_set(err, "out of memory for a report");
    *r = (struct reading){.pool = pool, .report = report, .err = err};
    r->results_buf = BUF_OVER(r->results);
    r->parser = XML_ParserCreate(NULL);
    if (r->parser == NULL)
        return err_set(err, "out of memory for a report");
    int result = parse(r, xml);
    XML_ParserFree(r->parser);
    return result;
}
