#include "gateway/reports/feedback.h"

#define ZLIB_CONST
#include <zlib.h>

#include "base/domain.h"
#include "base/fsio.h"
#include "base/ipc.h"
#include "directory/report.h"
#include "gateway/reports/reporter.h"
#include "journal/event.h"
#include "mail/part.h"
#include "reports/archive.h"
#include "reports/originals.h"
#include "tally/dmarc_read.h"
#include "tally/tls_read.h"

#define GZIP_WINDOW (15 + 16)
#define TEXT_MAX    512

struct taking {
    const struct read_job *job;
    bool tls; /* they are about TLS, not DMARC */
    struct pool *pool;
    struct buf *result;
    struct buf text; /* what was found, for the journal */
    struct buf records;
    size_t budget; /* bytes that may still be unpacked */
    size_t files, reports;
    char signer[DOMAIN_SIZE]; /* who sent them; empty: nobody knows */
    struct err why;           /* why the last file is no report */
};

/* Is it a domain of ours, or one above or below? */
static bool is_about_us(const struct conf *conf, struct str domain)
{
    for (size_t i = 0; i < conf->n_domains; i++) {
        struct str ours = str_of(conf->domains[i].name);
        if (domain_holds(ours, domain) || domain_holds(domain, ours))
            return true;
    }
    return false;
}

static void put_records(struct taking *t, const struct dmarc_read *report, struct str xml)
{
    struct event_feedback e = {.report = {.time_us = t->job->now * 1000000,
                                          .message = t->job->request.id,
                                          .org = report->org,
                                          .email = report->email,
                                          .report_id = report->report_id,
                                          .digest = str_hash(xml) & INT64_MAX,
                                          .signer = str_of(t->signer),
                                          .begin_s = report->begin_s,
                                          .end_s = report->end_s},
                               .domain = report->domain,
                               .policy = report->p};
    struct buf record = BUF_INIT(IPC_MSG_MAX);
    for (size_t i = 0; i < report->n; i++) {
        const struct dmarc_read_row *row = &report->rows[i];
        e.index = (uint32_t)i;
        e.n = row->n;
        e.source_ip = row->source_ip;
        e.disposition = row->disposition;
        e.dkim = row->dkim;
        e.spf = row->spf;
        e.override = row->override;
        e.header_from = row->header_from;
        e.envelope_from = row->envelope_from;
        e.results = row->results;
        buf_clear(&record);
        event_feedback_put(&record, 0, &e);
        wire_str(&t->records, buf_str(&record));
    }
    buf_release(&record);
}

/* What is no report is passed over; t->why says what the matter was. */
static int take_xml(struct taking *t, struct str xml, struct err *err)
{
    struct dmarc_read report;
    if (dmarc_read(xml, t->pool, &report, &t->why) < 0)
        return 0;
    if (!is_about_us(t->job->conf, report.domain)) {
        err_set(&t->why, "it is about %.*s, which is none of our domains", STR_ARG(report.domain));
        return 0;
    }
    put_records(t, &report, xml);
    if (!buf_ok(&t->records))
        return err_set(err, "more records than can be taken");
    buf_addf(&t->text, "%s%zu records about %.*s from %.*s", t->reports ? "; " : "", report.n,
             STR_ARG(report.domain), STR_ARG(str_sub(report.org, 0, 100)));
    t->reports++;
    return 0;
}

static void put_tls_records(struct taking *t, const struct tls_read *report, struct str json)
{
    struct event_tls_feedback e = {.report = {.time_us = t->job->now * 1000000,
                                              .message = t->job->request.id,
                                              .org = report->org,
                                              .email = report->contact,
                                              .report_id = report->report_id,
                                              .digest = str_hash(json) & INT64_MAX,
                                              .signer = str_of(t->signer),
                                              .begin_s = report->begin_s,
                                              .end_s = report->end_s}};
    struct buf record = BUF_INIT(IPC_MSG_MAX);
    for (size_t i = 0; i < report->n; i++) {
        const struct tls_read_row *row = &report->rows[i];
        if (!is_about_us(t->job->conf, row->domain))
            continue;
        e.domain = row->domain;
        e.n = row->n;
        e.policy_type = row->policy_type;
        e.result = row->result;
        e.sending_ip = row->sending_ip;
        e.receiving_mx = row->receiving_mx;
        e.receiving_ip = row->receiving_ip;
        e.reason = row->reason;
        buf_clear(&record);
        event_tls_feedback_put(&record, 0, &e);
        wire_str(&t->records, buf_str(&record));
        e.index++;
    }
    buf_release(&record);
}

static int take_json(struct taking *t, struct str json, struct err *err)
{
    struct tls_read report;
    size_t before = t->records.n;
    if (tls_read(json, t->pool, &report, &t->why) < 0)
        return 0;
    put_tls_records(t, &report, json);
    if (!buf_ok(&t->records))
        return err_set(err, "more records than can be taken");
    if (t->records.n == before) {
        err_set(&t->why, "it is about %.*s, which is none of our domains",
                STR_ARG(report.rows[0].domain));
        return 0;
    }
    buf_addf(&t->text, "%s%zu results of TLS from %.*s, signed by %s", t->reports ? "; " : "",
             report.n, STR_ARG(str_sub(report.org, 0, 100)), t->signer);
    t->reports++;
    return 0;
}

static int take_document(struct taking *t, struct str bytes, struct err *err)
{
    return t->tls ? take_json(t, bytes, err) : take_xml(t, bytes, err);
}

static int take_gzip(struct taking *t, struct str gzip, struct err *err)
{
    struct buf xml = BUF_INIT(t->budget + 1);
    z_stream z = {.next_in = (const Bytef *)gzip.s, .avail_in = (uInt)gzip.n};
    int code = inflateInit2(&z, GZIP_WINDOW) == Z_OK ? Z_OK : Z_MEM_ERROR;
    while (code == Z_OK && xml.n <= t->budget) {
        size_t room = t->budget + 1 - xml.n < 65536 ? t->budget + 1 - xml.n : 65536;
        z.next_out = (Bytef *)buf_room(&xml, room);
        if (z.next_out == NULL)
            break;
        z.avail_out = (uInt)room;
        code = inflate(&z, Z_NO_FLUSH);
        buf_filled(&xml, room - z.avail_out);
    }
    inflateEnd(&z);
    bool fits = xml.n <= t->budget;
    t->budget -= fits ? xml.n : t->budget;
    int result = 0;
    if (fits && code == Z_STREAM_END)
        result = take_document(t, buf_str(&xml), err);
    else
        err_set(&t->why, fits ? "a damaged gzip file" : "too large when unpacked");
    buf_release(&xml);
    return result;
}

static int look(void *data, struct str name, struct err *err)
{
    const struct taking *t = data;
    (void)err;
    return str_iends(name, t->tls ? STR(".json") : STR(".xml"));
}

static int take_unpacked(void *data, struct str name, enum archive_result result, struct str bytes,
                         struct err *err)
{
    struct taking *t = data;
    (void)name;
    if (result == ARCHIVE_READ)
        return take_document(t, bytes, err);
    err_set(&t->why, result == ARCHIVE_ENCRYPTED   ? "an encrypted zip file"
                     : result == ARCHIVE_TOO_LARGE ? "too large when unpacked"
                                                   : "a damaged zip file");
    return 0;
}

static int take_zip(struct taking *t, struct str zip, struct err *err)
{
    const struct archive_visitor visitor = {t, look, take_unpacked};
    struct archive_seen seen;
    err_set(&t->why, "a zip file without a report");
    if (archive_each(zip, FEEDBACK_FILES_MAX, &t->budget, &visitor, &seen, err) < 0)
        return -1;
    if (seen.result == ARCHIVE_DAMAGED)
        err_set(&t->why, "a damaged zip file");
    return 0;
}

/* What it is its first bytes say: types and names of attachments differ. */
static int take_file(struct taking *t, struct str bytes, struct err *err)
{
    if (str_starts(bytes, STR("\x1f\x8b")))
        return take_gzip(t, bytes, err);
    if (str_starts(bytes, STR("PK\x03\x04")))
        return take_zip(t, bytes, err);
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        bytes = str_from(bytes, 3);
    bytes = str_trim(bytes);
    return str_starts(bytes, t->tls ? STR("{") : STR("<")) ? take_document(t, bytes, err) : 0;
}

static bool may_be_report(const struct part *part)
{
    return part->child == NULL && !part_is_multipart(part) && !part_is_message(part) &&
           !str_eq(part->type, STR("text/plain")) && !str_eq(part->type, STR("text/html"));
}

static int take_parts(struct taking *t, const struct message *message, struct err *err)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < message->n_parts; i++) {
        const struct part *part = message->parts[i];
        if (!may_be_report(part) || ++t->files > FEEDBACK_FILES_MAX)
            continue;
        struct buf bytes = BUF_INIT(t->job->request.size);
        part_decode(part, &bytes);
        result = take_file(t, buf_str(&bytes), err);
        buf_release(&bytes);
    }
    if (result == 0 && t->reports == 0)
        return err_set(err, "no %s report in it: %s", t->tls ? "TLS" : "DMARC", t->why.text);
    return result;
}

/* An unsigned report about TLS is to be ignored; one about DMARC is nobody's (reporter.h). */
static int take_signer(struct taking *t, const struct message *message, struct err *err)
{
    struct str author = reporter_author(t->pool, message);
    if (reporter_find(t->job->request.evidence, author, t->signer) || !t->tls)
        return 0;
    return err_set(err, "a TLS report without a valid DKIM signature of the domain in From, which "
                        "RFC 8460 3 asks for");
}

static int take_all(struct taking *t, int fd, struct err *err)
{
    struct message *message;
    struct buf raw = BUF_INIT(t->job->request.size);
    int result =
        fsio_pread(fd, &raw, t->job->request.size, (off_t)t->job->request.offset, "report", err);
    if (result == 0)
        result = message_parse(t->pool, buf_str(&raw), &report_limits, &message, err);
    if (result == 0)
        result = take_signer(t, message, err);
    if (result == 0)
        result = take_parts(t, message, err);
    buf_release(&raw);
    return result;
}

int feedback_read(void *data, int fd, struct buf *result, struct err *err)
{
    const struct read_job *job = data;
    bool tls = report_address_of(job->conf, job->request.address) == REPORT_ADDRESS_TLS;
    struct taking t = {.job = job,
                       .tls = tls,
                       .pool = pool_new(READ_POOL_MAX),
                       .text = BUF_INIT(TEXT_MAX),
                       .records = BUF_INIT(FEEDBACK_FOUND_MAX - 2 * TEXT_MAX),
                       .budget = tls ? TLS_READ_MAX : DMARC_READ_MAX,
                       .why = {"nothing is attached"}};
    int taken = t.pool ? take_all(&t, fd, err) : err_set(err, "out of memory for a report");
    if (taken == 0) {
        wire_str(result, str_n(t.text.p, t.text.n));
        buf_add(result, buf_str(&t.records));
    }
    buf_release(&t.text);
    buf_release(&t.records);
    pool_free(&t.pool);
    return taken;
}
