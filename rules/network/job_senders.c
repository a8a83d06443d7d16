/* Hosts of senders that lists are asked for, and name servers of the sender's domain (DNSEval.pm).
 */
#include "rules/facts/header.h"
#include "rules/facts/uri_clean.h"
#include "rules/network/job.h"

#define LINES_MAX 100 /* of one field that names hosts */

/* Behind the first '@' that has something behind it; without dots around it, and none doubled. Has
 * it no dot at all it is empty. */
static struct str host_of(struct job *job, struct str address)
{
    size_t at = str_chr(address, '@'), n = 0, kept = 0;
    bool dot = false;
    if (at == STR_NONE)
        return STR_EMPTY;
    struct str host = str_from(address, at + 1);
    while (n < host.n && host.s[n] != '@' && !memchr(" \t\r\n\v\f", host.s[n], 6))
        n++;
    char *to = pool_cstr(job->pool, str_sub(host, 0, n));
    if (to == NULL) {
        job->no_memory = true;
        return STR_EMPTY;
    }
    for (size_t i = 0; i < n; i++) {
        bool doubled = to[i] == '.' && (kept == 0 || to[kept - 1] == '.');
        if (!doubled)
            to[kept++] = str_lower_char(to[i]);
    }
    while (kept && to[kept - 1] == '.')
        kept--;
    for (size_t i = 0; i < kept; i++)
        dot |= to[i] == '.';
    return dot ? str_n(to, kept) : STR_EMPTY;
}

static void ask_address(struct job *job, uint32_t rule, struct str address)
{
    struct str host = host_of(job, address);
    if (host.n)
        job_ask_host(job, rule, host);
}

static void ask_from_hosts(struct job *job, uint32_t rule)
{
    const struct fact_values *from = facts_from_addresses(job->facts);
    for (size_t i = 0; i < from->n; i++)
        ask_address(job, rule, from->list[i]);
}

static void ask_from_domains(struct job *job, uint32_t rule)
{
    const struct fact_values *from = facts_from_addresses(job->facts);
    for (size_t i = 0; i < from->n; i++) {
        struct str host, domain;
        if (uri_to_host(job->facts, from->list[i], &host, &domain))
            job_ask_host(job, rule, domain);
    }
}

/* A field that holds an address, or a host on each of its lines. */
static void ask_field(struct job *job, uint32_t rule, struct str name)
{
    struct str request = pool_strf(job->pool, "%.*s:addr", STR_ARG(name)), line;
    const char *whole = pool_cstr(job->pool, name);
    if (request.s == NULL || whole == NULL) {
        job->no_memory = true;
        return;
    }
    struct str address = facts_get(job->facts, request.s);
    if (host_of(job, address).n) {
        ask_address(job, rule, address);
        return;
    }
    struct str rest = facts_get(job->facts, whole);
    for (size_t i = 0; i < LINES_MAX && str_next_line(&rest, &line); i++) {
        struct str host = pool_lower(job->pool, line);
        if (host.n)
            job_ask_host(job, rule, host);
    }
}

static void ask_fields(struct job *job, uint32_t rule)
{
    struct str fields = job->set->network.rules[rule].argument, name;
    if (fields.n == 0)
        fields = settings_text(job->facts->settings, SETTINGS_RBL_HEADERS);
    while (str_next(&fields, ',', &name)) {
        if (str_trim(name).n)
            ask_field(job, rule, str_trim(name));
    }
}

void job_senders(struct job *job, uint32_t rule)
{
    struct str host = host_of(job, facts_get(job->facts, "EnvelopeFrom:addr"));
    switch (job->set->network.rules[rule].source) {
    case NETWORK_FROM_HOSTS:
        ask_from_hosts(job, rule);
        return;
    case NETWORK_FROM_DOMAINS:
        ask_from_domains(job, rule);
        return;
    case NETWORK_ENVELOPE_HOST:
        if (host.n)
            job_ask_host(job, rule, host);
        return;
    case NETWORK_ENVELOPE_SERVERS:
        job_ask(job, rule, STEP_SERVERS_WHOLE, DNS_NS, host, STR_EMPTY);
        return;
    case NETWORK_FIELDS:
        ask_fields(job, rule);
        return;
    case NETWORK_SENDER:
        job_ask(job, rule, STEP_EXISTS, DNS_MX, host, STR_EMPTY);
        job_ask(job, rule, STEP_EXISTS, DNS_A, host, STR_EMPTY);
        job_ask(job, rule, STEP_EXISTS, DNS_AAAA, host, STR_EMPTY);
        return;
    default:
        return;
    }
}
