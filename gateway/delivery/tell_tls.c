/* tell_tls: the journal hears how TLS with servers of other domains ended, for the reports that
 * these ask for (RFC 8460): of each session; and of what kept it from being, or from being under
 * the policy that its domain has published. */
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/policy.h"
#include "journal/client.h"

/* Of one session, or of a look-up that led to none. */
struct telling {
    const struct hop *hop;
    enum policy_kind kind;
    const struct tlsa *tlsa; /* of POLICY_TLSA */
    enum proof_fault fault;
    const char *why; /* of a fault */
    const char *sending_ip, *receiving_ip, *receiving_mx;
};

/* Where none of them is usable the first one that is not, so that it is known which they were. */
static void put_tlsa(const struct tlsa *tlsa, struct buf *policy)
{
    char text[TLSA_TEXT_SIZE];
    for (size_t i = 0; i < tlsa->n; i++) {
        tlsa_text(&tlsa->records[i], text);
        buf_addf(policy, "%s%s", i ? "\n" : "", text);
    }
    if (tlsa->n == 0)
        buf_add(policy, str_of(tlsa->unusable));
}

static void put_sts(const struct sts_policy *sts, struct buf *policy, struct buf *hosts)
{
    buf_addf(policy, "version: STSv1\nmode: %s\nmax_age: %u", sts_mode_name(sts->mode),
             sts->max_age);
    for (size_t i = 0; i < sts->n_mx; i++) {
        buf_addf(policy, "\nmx: %.*s", STR_ARG(sts->mx[i]));
        buf_addf(hosts, "%s%.*s", i ? "\n" : "", STR_ARG(sts->mx[i]));
    }
}

static void tell(const struct telling *t)
{
    static const char *const types[] = {
        [POLICY_NONE] = "no-policy-found", [POLICY_TLSA] = "tlsa", [POLICY_STS] = "sts"};
    struct buf policy = BUF_INIT(STS_BYTES_MAX), hosts = BUF_INIT(STS_BYTES_MAX);
    const struct sts_policy *sts = outside_sts(t->hop);
    /* its lines, as they are told in reports (RFC 8460 4.4) */
    if (t->kind == POLICY_TLSA && t->tlsa)
        put_tlsa(t->tlsa, &policy);
    if (t->kind == POLICY_STS && sts)
        put_sts(sts, &policy, &hosts);
    const struct event_tls event = {.time_us = delivery_now_us(),
                                    .domain = str_of(t->hop->text),
                                    .policy_type = str_of(types[t->kind]),
                                    .policy = buf_str(&policy),
                                    .mx_hosts = buf_str(&hosts),
                                    .sending_ip = str_of(t->sending_ip),
                                    .receiving_ip = str_of(t->receiving_ip),
                                    .receiving_mx = str_of(t->receiving_mx),
                                    .result = str_of(proof_fault_name(t->fault)),
                                    .reason = str_of(t->why)};
    /* where the journal takes no more it is one session less in a report */
    if (buf_ok(&policy) && buf_ok(&hosts))
        journal_client_tls(t->hop->delivery->journal, &event);
    buf_release(&policy);
    buf_release(&hosts);
}

/* --- sessions --- */

/* One event for each policy. That the domain has an MTA-STS policy which can't be had now is why
 * none is found, whatever else was with the session; where one is kept, or DANE is in force, the
 * session's own fault comes first. */
void tls_tell_session(const struct tls_end *end)
{
    const struct target_host *who = end->target->who;
    struct telling t = {.hop = end->hop,
                        .kind = end->policy->kind,
                        .tlsa = who ? who->tlsa : NULL,
                        .fault = end->fault,
                        .why = end->why,
                        .sending_ip = end->local,
                        .receiving_ip = end->target->place.host,
                        .receiving_mx = who ? who->name : NULL};
    const char *why;
    enum proof_fault lost = outside_sts_fault(end->hop, &why);
    if (t.kind == POLICY_TLSA || lost == FAULT_NONE || (t.kind == POLICY_STS && t.fault)) {
        tell(&t);
        if (lost == FAULT_NONE || t.kind != POLICY_TLSA)
            return;
        t.kind = outside_sts(end->hop) ? POLICY_STS : POLICY_NONE;
    }
    t.fault = lost;
    t.why = why;
    tell(&t);
}

/* --- look-ups --- */

void tls_tell_left_out(const struct hop *hop, const struct mx *mx)
{
    char why[MX_WHY_SIZE];
    if (mx->bogus)
        tell(&(struct telling){.hop = hop,
                               .kind = POLICY_NONE,
                               .fault = FAULT_DNSSEC_INVALID,
                               .why = "the answer for MX is bogus"});
    for (size_t i = 0; i < mx->n; i++) {
        const struct mx_host *host = &mx->hosts[i];
        if (host->left_out == FAULT_NONE)
            continue;
        bool unlisted = host->left_out != FAULT_DNSSEC_INVALID;
        snprintf(why, sizeof why, "%s%s",
                 unlisted ? "the policy does not name this server"
                          : "whether it has TLSA records is not known: ",
                 unlisted ? "" : dns_status_name(host->tlsa_lost));
        tell(&(struct telling){.hop = hop,
                               .kind = unlisted ? POLICY_STS : POLICY_NONE,
                               .fault = host->left_out,
                               .why = why,
                               .receiving_mx = host->name});
    }
}
