/* reports dmarc, reports tls: what other domains are told about a day. */
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "journal/tally.h"
#include "reports/ask.h"
#include "tally/dmarc_xml.h"
#include "tally/sent.h"
#include "tally/tls_json.h"
#include "tools/json.h"
#include "tools/reports_tool.h"

struct telling {
    const struct reports_tool *tool;
    enum tally_kind kind;
    int64_t day;
    char day_text[TALLY_DAY_SIZE];
    struct journal *journal;
    struct sent_book book;
};

static int choose_day(struct telling *t, struct err *err)
{
    const char *word = t->tool->args->day;
    t->day = tally_day(reports_now_us()) - 1;
    if (word && !tally_day_get(str_of(word), &t->day))
        return err_set(err, "--day %s: expected a day such as 2026-11-22", word);
    return tally_day_put(t->day, t->day_text) ? 0 : err_set(err, "what day is it?");
}

static int send_now(const struct telling *t, struct err *err)
{
    int asked = ask_send(t->tool->conf->run_dir, t->day, err);
    if (asked < 0)
        return -1;
    if (asked == 0)
        return err_set(err, "the gateway does not run: only it sends reports");
    if (!t->tool->json)
        printf("the reports about %s are being sent; `poterne reports %s --day %s` tells what "
               "became of each\n",
               t->day_text, t->kind == TALLY_TLS ? "tls" : "dmarc", t->day_text);
    return TOOL_YES;
}

/* --- one --- */

static int compose(const struct telling *t, const struct tally_maker *maker, struct str domain,
                   uint64_t lost, struct buf *out, struct err *err)
{
    const struct tally_subject subject = {t->kind, domain, t->day};
    if (t->kind == TALLY_TLS) {
        struct tls_report report = {.maker = maker, .subject = &subject};
        struct tally_tls *rows;
        if (tally_tls_rows(t->journal, t->day, domain, t->tool->pool, &rows, &report.n, err) < 0)
            return -1;
        report.rows = rows;
        return report.n == 0 ? 0 : tls_json_put(out, &report, err);
    }
    struct dmarc_report report = {.maker = maker, .subject = &subject, .lost = lost};
    struct tally_dmarc *rows;
    if (tally_dmarc_rows(t->journal, t->day, domain, t->tool->pool, &rows, &report.n, err) < 0)
        return -1;
    report.rows = rows;
    if (report.n)
        dmarc_xml_put(out, &report);
    return buf_ok(out) ? 0 : err_set(err, "a report of more than %zu bytes", out->max);
}

static int show_one(const struct telling *t, const struct tally_domain *list, size_t n,
                    struct err *err)
{
    const struct conf *conf = t->tool->conf;
    struct str sender = str_of(conf->reports.sender);
    struct str name = str_of(conf->reports.organization);
    const struct tally_maker maker = {.organization = name.n ? name : str_of(conf->hostname),
                                      .contact = sender,
                                      .submitter = domain_of_address(sender),
                                      .hostname = str_of(conf->hostname)};
    struct buf out = BUF_INIT(TALLY_TEXT_MAX);
    char domain[DOMAIN_SIZE];
    uint64_t lost = 0;
    if (!domain_normal(str_of(t->tool->args->domain), domain))
        return err_set(err, "\"%s\" is no domain", t->tool->args->domain);
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].domain, str_of(domain)))
            lost = list[i].lost;
    int status = compose(t, &maker, str_of(domain), lost, &out, err);
    if (status == 0 && out.n == 0) {
        fprintf(stderr, "poterne reports: nothing was seen of %s on %s\n", domain, t->day_text);
        status = TOOL_NO;
    } else if (status == 0)
        fwrite(out.p, 1, out.n, stdout);
    buf_release(&out);
    return status;
}

/* --- all --- */

static int show_all(const struct telling *t, const struct tally_domain *list, size_t n)
{
    if (n == 0 && !t->tool->json)
        printf("nothing to report about %s\n", t->day_text);
    else if (!t->tool->json)
        printf("%-32s  %8s  %-8s  %s\n", "domain", t->kind == TALLY_TLS ? "sessions" : "messages",
               "report", "");
    for (size_t i = 0; i < n; i++) {
        const struct sent_line line = sent_find(&t->book, list[i].domain);
        if (t->tool->json) {
            json_line(
                json_pack("{s:s, s:o, s:I, s:I, s:s, s:o}", "day", t->day_text, "domain",
                          json_text(list[i].domain), t->kind == TALLY_TLS ? "sessions" : "messages",
                          (json_int_t)list[i].n, "left_out", (json_int_t)list[i].lost, "report",
                          sent_state_name(line.state), "detail", json_text(line.detail)));
            continue;
        }
        reports_put_cell(list[i].domain, 32);
        printf("  %8llu  %-8s  ", (unsigned long long)list[i].n, sent_state_name(line.state));
        reports_put_cell(line.detail, line.detail.n);
        puts("");
    }
    return n ? TOOL_YES : TOOL_NO;
}

static int show(struct telling *t, struct err *err)
{
    const struct reports_tool *tool = t->tool;
    struct tally_domain *list;
    char folder[PATH_MAX];
    size_t n;
    t->journal = journal_open_state(tool->conf->state_dir, err);
    if (t->journal == NULL ||
        tally_domains(t->journal, t->kind, t->day, tool->pool, &list, &n, err) < 0)
        return -1;
    if (tool->args->domain)
        return show_one(t, list, n, err);
    if (fsio_join(folder, sizeof folder, tool->folder, "tally", err) < 0 ||
        sent_open(&t->book, folder, t->kind, t->day, false, tool->pool, err) < 0)
        return -1;
    return show_all(t, list, n);
}

static int run(struct reports_tool *tool, enum tally_kind kind, struct err *err)
{
    struct telling t = {.tool = tool, .kind = kind, .book = {.fd = -1}};
    if (choose_day(&t, err) < 0)
        return -1;
    int status = tool->args->given & OPT_SEND ? send_now(&t, err) : show(&t, err);
    journal_close(&t.journal);
    return status;
}

int reports_dmarc(struct reports_tool *tool, struct err *err)
{
    return run(tool, TALLY_DMARC, err);
}

int reports_tls(struct reports_tool *tool, struct err *err)
{
    return run(tool, TALLY_TLS, err);
}
