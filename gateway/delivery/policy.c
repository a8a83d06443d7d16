#include "gateway/delivery/policy.h"

/* Whatever else is wanted: with a name it can be looked at whose certificate it is. */
static struct policy of_settings(const struct policy_facts *facts)
{
    struct policy policy = {.kind = POLICY_NONE, .proof = facts->name ? PROOF_PKIX : PROOF_NONE};
    switch (facts->tls) {
    case OUTSIDE_TLS_NONE:
        policy.tls = CLIENT_TLS_NONE;
        break;
    case OUTSIDE_TLS_AS_OUTSIDE: /* nobody's: what it stands for is asked for (route.h) */
    case OUTSIDE_TLS_MAY:
        policy.tls = facts->tls_fails ? CLIENT_TLS_NONE : CLIENT_TLS_MAY;
        break;
    case OUTSIDE_TLS_MUST:
        policy.tls = CLIENT_TLS_MUST;
        policy.because = "TLS must be (tls = must)";
        break;
    case OUTSIDE_TLS_VERIFY:
        policy.tls = CLIENT_TLS_MUST;
        policy.proof = PROOF_PKIX;
        policy.required = true;
        policy.because = "its certificate must be valid (tls = verify)";
        break;
    }
    return policy;
}

static struct policy of_requiretls(struct policy policy)
{
    policy.tls = CLIENT_TLS_MUST;
    policy.proof = PROOF_PKIX;
    policy.required = true;
    policy.because = "REQUIRETLS";
    policy.by_sender = true;
    return policy;
}

/* What is asked for beyond it stays asked for. */
static struct policy of_tlsa(const struct policy_facts *facts, struct policy policy)
{
    policy.kind = POLICY_TLSA;
    policy.tls = CLIENT_TLS_MUST;
    if (facts->tlsa->n == 0 && policy.required)
        return policy;
    policy.because = "DANE";
    policy.by_sender = false;
    if (facts->tlsa->n == 0)
        return policy;
    policy.otherwise = policy.required ? policy.proof : PROOF_NONE;
    policy.proof = PROOF_DANE;
    policy.required = true;
    return policy;
}

static struct policy of_sts(enum sts_mode mode, struct policy policy)
{
    policy.kind = POLICY_STS;
    policy.proof = PROOF_PKIX;
    if (mode != STS_ENFORCE)
        return policy;
    policy.tls = CLIENT_TLS_MUST;
    policy.required = true;
    policy.because = "MTA-STS";
    policy.by_sender = false;
    return policy;
}

struct policy policy_decide(const struct policy_facts *facts)
{
    struct policy policy = of_settings(facts);
    if (facts->tls == OUTSIDE_TLS_NONE || facts->asked == ASKED_WAIVED)
        return policy;
    if (facts->asked == ASKED_REQUIRED)
        policy = of_requiretls(policy);
    if (facts->sts != STS_NONE && facts->name)
        policy = of_sts(facts->sts, policy);
    return facts->tlsa ? of_tlsa(facts, policy) : policy;
}

const char *policy_protection(const struct policy *policy, const struct proof *proof)
{
    if (proof->by == PROOF_DANE)
        return "DANE verified";
    if (proof->by != PROOF_PKIX)
        return NULL;
    return policy->kind == POLICY_STS ? "MTA-STS verified"
           : policy->required         ? "certificate verified"
                                      : NULL;
}
