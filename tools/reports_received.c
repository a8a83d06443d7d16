/* reports received: what other mail systems report: of mail in the name of our domains, of TLS with
 * our servers. */
#include "base/domain.h"
#include "journal/feedback.h"
#include "tools/json.h"
#include "tools/reports_tool.h"

#define SECOND_US ((int64_t)1000000)

/* --- DMARC --- */

static void put_line(const struct reports_tool *tool, const struct feedback_sum *s)
{
    if (tool->json) {
        json_line(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "domain",
                            json_text(s->domain), "header_from", json_text(s->header_from),
                            "source_ip", json_text(s->source_ip), "disposition",
                            json_text(s->disposition), "dkim", json_text(s->dkim), "spf",
                            json_text(s->spf), "messages", (json_int_t)s->n, "reports",
                            (json_int_t)s->reports));
        return;
    }
    reports_put_cell(s->header_from.n ? s->header_from : s->domain, 28);
    fputs("  ", stdout);
    reports_put_cell(s->source_ip, 24);
    printf("  %9llu %7llu  ", (unsigned long long)s->n, (unsigned long long)s->reports);
    reports_put_cell(s->dkim, 5);
    reports_put_cell(s->spf, 5);
    reports_put_cell(s->disposition, s->disposition.n < 40 ? s->disposition.n : 40);
    puts("");
}

static int find_dmarc(const struct reports_tool *tool, struct journal *journal,
                      const struct feedback_filter *filter, size_t *n, struct err *err)
{
    struct feedback_sum *sums;
    uint64_t all = 0;
    if (feedback_sums(journal, filter, tool->pool, &sums, n, err) < 0)
        return -1;
    if (*n && !tool->json)
        printf("%-28s  %-24s  %9s %7s  dkim spf  done\n", "From", "sent by", "messages", "reports");
    for (size_t i = 0; i < *n; i++) {
        put_line(tool, &sums[i]);
        all += sums[i].n;
    }
    if (!tool->json && *n)
        printf("\n%llu messages%s\n", (unsigned long long)all,
               *n == filter->limit ? " in these; there may be more lines: --limit N" : "");
    return 0;
}

/* --- TLS --- */

static void put_tls_line(const struct reports_tool *tool, const struct feedback_tls_sum *s)
{
    if (tool->json) {
        json_line(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "domain",
                            json_text(s->domain), "policy_type", json_text(s->policy_type),
                            "result", s->result.n ? json_text(s->result) : json_null(),
                            "receiving_mx", json_text(s->receiving_mx), "reporter",
                            json_text(s->signer), "reason", json_text(s->reason), "sessions",
                            (json_int_t)s->n, "reports", (json_int_t)s->reports));
        return;
    }
    reports_put_cell(s->domain, 24);
    fputs("  ", stdout);
    reports_put_cell(s->result.n ? s->result : STR("secured"), 26);
    printf("  %9llu %7llu  ", (unsigned long long)s->n, (unsigned long long)s->reports);
    reports_put_cell(s->signer, 20);
    fputs("  ", stdout);
    reports_put_cell(s->policy_type, 16);
    reports_put_cell(s->receiving_mx, s->receiving_mx.n < 60 ? s->receiving_mx.n : 60);
    puts("");
}

static int find_tls(const struct reports_tool *tool, struct journal *journal,
                    const struct feedback_filter *filter, size_t *n, struct err *err)
{
    struct feedback_tls_sum *sums;
    uint64_t all = 0, failed = 0;
    if (feedback_tls_sums(journal, filter, tool->pool, &sums, n, err) < 0)
        return -1;
    if (*n && !tool->json)
        printf("%-24s  %-26s  %9s %7s  %-20s  %-16s%s\n", "policy of", "TLS", "sessions", "reports",
               "told by", "policy", "server");
    for (size_t i = 0; i < *n; i++) {
        put_tls_line(tool, &sums[i]);
        all += sums[i].n;
        failed += sums[i].result.n ? sums[i].n : 0;
    }
    if (!tool->json && *n)
        printf("\n%llu sessions, %llu of them failed%s\n", (unsigned long long)all,
               (unsigned long long)failed,
               *n == filter->limit ? ", in these; there may be more lines: --limit N" : "");
    return 0;
}

/* --- both --- */

static int find(struct reports_tool *tool, struct journal *journal, struct err *err)
{
    const struct tool_args *args = tool->args;
    struct feedback_filter filter = {.limit = args->limit};
    struct str kind = tool->n_rest ? str_of(tool->rest[0]) : STR_EMPTY;
    char domain[DOMAIN_SIZE];
    int64_t since_us = 0;
    size_t dmarc = 0, tls = 0;
    if (kind.n && !str_eq(kind, STR("dmarc")) && !str_eq(kind, STR("tls")))
        return err_set(err, "there is no kind \"%s\": dmarc or tls", tool->rest[0]);
    if (args->domain && !domain_normal(str_of(args->domain), domain))
        return err_set(err, "\"%s\" is no domain", args->domain);
    if (args->since && reports_since(args->since, reports_now_us(), &since_us, err) < 0)
        return -1;
    filter.domain = args->domain ? str_of(domain) : STR("");
    filter.from_s = since_us / SECOND_US;
    if (!str_eq(kind, STR("tls")) && find_dmarc(tool, journal, &filter, &dmarc, err) < 0)
        return -1;
    if (dmarc && kind.n == 0 && !tool->json)
        puts("");
    if (!str_eq(kind, STR("dmarc")) && find_tls(tool, journal, &filter, &tls, err) < 0)
        return -1;
    if (dmarc + tls == 0 && !tool->json)
        puts("no report was received");
    return dmarc + tls ? TOOL_YES : TOOL_NO;
}

int reports_received(struct reports_tool *tool, struct err *err)
{
    struct journal *journal = journal_open_state(tool->conf->state_dir, err);
    int status = journal ? find(tool, journal, err) : -1;
    journal_close(&journal);
    return status;
}
