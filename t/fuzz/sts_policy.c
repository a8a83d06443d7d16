/* An MTA-STS policy and the record that tells of it: what is taken stays bounded, and each pattern
 * names the server that it says. */
#include <stdlib.h>

#include "gateway/delivery/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sts_policy *policy, size_t size)
{
    char host[DOMAIN_SIZE + 2];
    if (policy->n_mx > STS_MX_MAX || policy->n_bytes > size || policy->max_age > STS_MAX_AGE_MAX ||
        (policy->mode != STS_NONE && policy->n_mx == 0))
        abort();
    for (size_t i = 0; i < policy->n_mx; i++) {
        if (!str_copy(policy->mx[i], host, sizeof host))
            abort();
        if (host[0] == '*')
            host[0] = 'x';
        if (!sts_policy_lists(policy, host))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_n((const char *)data, size);
    const struct dns_record record = {.data = text, .preference = 0};
    char id[STS_ID_MAX + 1];
    struct err err;
    if (sts_find_id(&record, 1, id) && (id[0] == '\0' || strlen(id) > STS_ID_MAX))
        abort();
    struct sts_policy *policy = sts_policy_read(text, &err);
    if (policy)
        check(policy, size);
    free(policy);
    return 0;
}
