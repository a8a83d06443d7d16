/* What is asked about the hosts of links (URIDNSBL.pm). */
#include "rules/facts/ip.h"
#include "rules/network/job.h"
#include "rules/network/links.h"

/* Looks as an address, whether it is one or not. */
static bool is_numeric(struct str host)
{
    size_t dots = 0;
    for (size_t i = 0; i < host.n; i++) {
        dots += host.s[i] == '.';
        if (host.s[i] != '.' && (host.s[i] < '0' || host.s[i] > '9'))
            return str_starts(host, STR("["));
    }
    return dots == 3 || str_starts(host, STR("["));
}

static void ask_domain(struct job *job, uint32_t rule, const struct fact_host *host)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    if (is_numeric(host->host)) {
        if (!r->domains_only && ip_is_v4(host->host) && !ip_is_private(host->host))
            job_ask_list(job, rule, host->host);
    } else if (!r->ips_only) {
        job_ask_list(job, rule, r->whole_host ? host->host : host->domain);
    }
}

static void ask_addresses(struct job *job, uint32_t rule, const struct fact_host *host)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    if (r->of_servers)
        job_ask(job, rule, STEP_SERVER_ADDRESSES, DNS_NS, host->domain, STR_EMPTY);
    if (r->of_hosts)
        job_ask(job, rule, STEP_ADDRESSES, DNS_A, host->host, STR_EMPTY);
}

static void ask_link(struct job *job, uint32_t rule, const struct fact_host *host)
{
    enum dns_line_kind kind = job->set->network.rules[rule].links;
    if (kind == DNS_LINE_DOMAINS) {
        ask_domain(job, rule, host);
    } else if (is_numeric(host->host)) {
        return;
    } else if (kind == DNS_LINE_ADDRESSES) {
        ask_addresses(job, rule, host);
    } else {
        job_ask(job, rule, kind == DNS_LINE_SERVERS ? STEP_SERVERS : STEP_SERVERS_WHOLE, DNS_NS,
                host->domain, STR_EMPTY);
    }
}

void job_links(struct job *job, uint32_t rule)
{
    const struct links *links = network_links(job->facts);
    for (size_t i = 0; links && i < links->n; i++)
        ask_link(job, rule, &links->list[i]);
}
