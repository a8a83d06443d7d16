#include "sender/sender.h"

static bool knows_client(const struct sender_policy *policy, const struct sender_input *input)
{
    return policy->spf && input->envelope.client_ip.n > 0;
}

static int add_spf(const struct sender_input *input, struct pool *pool, struct dns_query *queries,
                   size_t *n, size_t max, struct err *err)
{
    const struct str domains[] = {spf_domain(&input->envelope, pool),
                                  spf_helo_domain(&input->envelope, pool)};
    for (size_t i = 0; i < 2; i++) {
        if (!domains[i].s)
            return err_set(err, "spf: out of memory");
        if (domains[i].n > 0 && *n < max)
            queries[(*n)++] = (struct dns_query){.type = DNS_TXT, .name = domains[i]};
    }
    return 0;
}

int sender_questions(const struct sender_policy *policy, const struct sender_input *input,
                     struct pool *pool, struct sender_facts *facts, struct dns_query *queries,
                     size_t *n, size_t max, struct err *err)
{
    *facts = (struct sender_facts){0};
    if (knows_client(policy, input) && add_spf(input, pool, queries, n, max, err) < 0)
        return -1;
    if (policy->dkim)
        dkim_ahead(input->raw, pool, queries, n, max);
    if (policy->arc)
        arc_ahead(input->raw, pool, queries, n, max);
    if (!policy->dmarc)
        return 0;
    if (dmarc_authors(input->message, pool, &facts->authors, err) < 0)
        return -1;
    dmarc_ahead(&facts->authors, pool, queries, n, max);
    return 0;
}

static int check_spf(const struct sender_input *input, const struct dns_source *dns,
                     struct pool *pool, struct sender_facts *facts, struct err *err)
{
    facts->spf_checked = true;
    if (spf_check(&input->envelope, dns, pool, &facts->spf, err) < 0)
        return -1;
    if (facts->spf.of_helo) {
        facts->helo = facts->spf;
        return 0;
    }
    return spf_check_helo(&input->envelope, dns, pool, &facts->helo, err);
}

static void check_dmarc(const struct sender_policy *policy, const struct dns_source *dns,
                        struct pool *pool, struct sender_facts *facts)
{
    struct dmarc_answer *dmarc = &facts->dmarc;
    facts->dmarc_checked = true;
    dmarc_check(&facts->authors, &facts->spf, &facts->dkim, dns, pool, dmarc);
    if (dmarc->result == DMARC_FAIL && facts->arc_checked && facts->authors.n == 1 &&
        arc_vouches(&facts->arc, policy->trusted, policy->n_trusted, dmarc->domain)) {
        facts->vouched = true;
        dmarc->applied = DMARC_POLICY_NONE;
        dmarc->reason = STR("passed where a trusted sealer took it");
    }
}

int sender_check(const struct sender_policy *policy, struct dkim_checker *checker,
                 const struct sender_input *input, const struct dns_source *dns, struct pool *pool,
                 struct sender_facts *facts, struct err *err)
{
    if (knows_client(policy, input) && check_spf(input, dns, pool, facts, err) < 0)
        return -1;
    if (policy->dkim) {
        facts->dkim_checked = true;
        if (dkim_check(checker, pool, input->raw, dns, &facts->dkim, err) < 0)
            return -1;
    }
    if (policy->arc) {
        facts->arc_checked = true;
        if (arc_check(input->raw, dns, pool, &facts->arc, err) < 0)
            return -1;
    }
    /* without both, a pass might be missed */
    if (policy->dmarc && facts->spf_checked && facts->dkim_checked)
        check_dmarc(policy, dns, pool, facts);
    return 0;
}
