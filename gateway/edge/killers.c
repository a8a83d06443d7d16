#include "gateway/edge/killers.h"

#include <string.h>

static struct killer *find(struct killers *k, const unsigned char *digest, unsigned step)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->list[i].step == step && memcmp(k->list[i].digest, digest, KILLER_DIGEST) == 0)
            return &k->list[i];
    return NULL;
}

static struct killer *make(struct killers *k)
{
    if (k->n < KILLERS_MAX)
        return &k->list[k->n++];
    struct killer *oldest = &k->list[k->next];
    k->next = (k->next + 1) % KILLERS_MAX;
    return oldest;
}

bool killers_note(struct killers *k, const unsigned char digest[KILLER_DIGEST], unsigned step,
                  uint64_t answered)
{
    struct killer *known = find(k, digest, step);
    if (known) {
        known->guilty |= answered > known->answered;
        return known->guilty;
    }
    known = make(k);
    *known = (struct killer){.step = step, .answered = answered};
    memcpy(known->digest, digest, KILLER_DIGEST);
    return false;
}

bool killers_guilty(const struct killers *k, const unsigned char digest[KILLER_DIGEST])
{
    for (size_t i = 0; i < k->n; i++)
        if (k->list[i].guilty && memcmp(k->list[i].digest, digest, KILLER_DIGEST) == 0)
            return true;
    return false;
}
