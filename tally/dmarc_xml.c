#include "config.h"

#include "tally/dmarc_xml.h"

#include "mail/utf8.h"
#include "sender/tag.h"

/* Characters of markup as references; those that XML 1.0 2.2 does not allow as question marks. */
static void put_text(struct buf *out, struct str text)
{
    char bytes[4];
    for (size_t at = 0; at < text.n;) {
        uint32_t c = utf8_next(text, &at);
        if (c == '&')
            buf_add(out, STR("&amp;"));
        else if (c == '<')
            buf_add(out, STR("&lt;"));
        else if (c == '>')
            buf_add(out, STR("&gt;"));
        else if (c == UTF8_BAD || c < ' ' || c == 0x7f || c == 0xfffe || c == 0xffff)
            buf_addc(out, '?');
        else
            buf_addn(out, bytes, utf8_put(bytes, c));
    }
}

static void put(struct buf *out, int depth, const char *name, struct str text)
{
    buf_addf(out, "%*s<%s>", 2 * depth, "", name);
    put_text(out, text);
    buf_addf(out, "</%s>\n", name);
}

static void put_number(struct buf *out, int depth, const char *name, int64_t number)
{
    buf_addf(out, "%*s<%s>%lld</%s>\n", 2 * depth, "", name, (long long)number, name);
}

static void begin(struct buf *out, int depth, const char *name)
{
    buf_addf(out, "%*s<%s>\n", 2 * depth, "", name);
}

static void end(struct buf *out, int depth, const char *name)
{
    buf_addf(out, "%*s</%s>\n", 2 * depth, "", name);
}

/* --- who reports --- */

static void put_metadata(struct buf *out, const struct dmarc_report *report)
{
    const struct tally_maker *maker = report->maker;
    char id[TALLY_ID_SIZE];
    tally_report_id(maker, report->subject, id);
    begin(out, 1, "report_metadata");
    put(out, 2, "org_name", maker->organization);
    put(out, 2, "email", maker->contact);
    put(out, 2, "report_id", str_of(id));
    begin(out, 2, "date_range");
    put_number(out, 3, "begin", tally_begin(report->subject->day));
    put_number(out, 3, "end", tally_end(report->subject->day));
    end(out, 2, "date_range");
    if (report->lost)
        buf_addf(out,
                 "    <error>too many different results on this day: %llu messages are not in this "
                 "report</error>\n",
                 (unsigned long long)report->lost);
    put(out, 2, "generator", STR("poterne " PACKAGE_VERSION));
    end(out, 1, "report_metadata");
}

static struct str last_policy(const struct dmarc_report *report)
{
    size_t last = 0;
    for (size_t i = 1; i < report->n; i++)
        if (report->rows[i].last_us > report->rows[last].last_us)
            last = i;
    return report->n ? report->rows[last].published : STR_EMPTY;
}

static void put_policy(struct buf *out, const struct dmarc_report *report)
{
    static const struct {
        struct str tag;
        const char *element;
    } tags[] = {{STR("p"), "p"},
                {STR("sp"), "sp"},
                {STR("np"), "np"},
                {STR("adkim"), "adkim"},
                {STR("aspf"), "aspf"}};
    struct str policy = last_policy(report);
    begin(out, 1, "policy_published");
    put(out, 2, "domain", report->subject->domain);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct str value = tag_value(policy, tags[i].tag);
        if (value.n)
            put(out, 2, tags[i].element, value);
    }
    put(out, 2, "discovery_method", STR("treewalk"));
    if (tag_value(policy, STR("fo")).n)
        put(out, 2, "fo", tag_value(policy, STR("fo")));
    if (tag_value(policy, STR("t")).n)
        put(out, 2, "testing", tag_value(policy, STR("t")));
    end(out, 1, "policy_published");
}

/* --- what was seen --- */

static struct str pass_or_fail(const struct tally_dmarc *row, struct str method)
{
    return str_find(row->aligned, method) == STR_NONE ? STR("fail") : STR("pass");
}

static void put_row(struct buf *out, const struct tally_dmarc *row)
{
    begin(out, 2, "row");
    put(out, 3, "source_ip", row->source_ip);
    put_number(out, 3, "count", (int64_t)row->n);
    begin(out, 3, "policy_evaluated");
    put(out, 4, "disposition", row->disposition);
    put(out, 4, "dkim", pass_or_fail(row, STR("dkim")));
    put(out, 4, "spf", pass_or_fail(row, STR("spf")));
    if (row->override.n) {
        begin(out, 4, "reason");
        put(out, 5, "type", row->override);
        end(out, 4, "reason");
    }
    end(out, 3, "policy_evaluated");
    end(out, 2, "row");
}

/* One signature that says whose it is: "domain selector result" */
static void put_dkim(struct buf *out, struct str line)
{
    struct str domain, selector;
    if (!str_next(&line, ' ', &domain) || !str_next(&line, ' ', &selector) || domain.n == 0 ||
        selector.n == 0 || line.n == 0)
        return;
    begin(out, 3, "dkim");
    put(out, 4, "domain", domain);
    put(out, 4, "selector", selector);
    put(out, 4, "result", line);
    end(out, 3, "dkim");
}

static void put_results(struct buf *out, const struct tally_dmarc *row)
{
    struct str lines = row->dkim, line, spf = row->spf, domain;
    begin(out, 2, "auth_results");
    while (str_next(&lines, '\n', &line))
        put_dkim(out, line);
    if (str_next(&spf, ' ', &domain) && spf.n) {
        begin(out, 3, "spf");
        put(out, 4, "domain", domain);
        put(out, 4, "scope", STR("mfrom"));
        put(out, 4, "result", spf);
        end(out, 3, "spf");
    }
    end(out, 2, "auth_results");
}

static void put_record(struct buf *out, const struct tally_dmarc *row)
{
    begin(out, 1, "record");
    put_row(out, row);
    begin(out, 2, "identifiers");
    put(out, 3, "header_from", row->header_from);
    put(out, 3, "envelope_from", row->envelope_from);
    end(out, 2, "identifiers");
    put_results(out, row);
    end(out, 1, "record");
}

void dmarc_xml_put(struct buf *out, const struct dmarc_report *report)
{
    buf_add(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n"
                     "  <version>1.0</version>\n"));
    put_metadata(out, report);
    put_policy(out, report);
    for (size_t i = 0; i < report->n; i++)
        put_record(out, &report->rows[i]);
    buf_add(out, STR("</feedback>\n"));
}
