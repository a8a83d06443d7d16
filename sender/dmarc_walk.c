#include "sender/dmarc_walk.h"

#define LABELS_KEPT 7 /* of longer names, after the first look-up */

static size_t count_labels(struct str domain)
{
    size_t n = domain.n > 0;
    for (size_t i = 0; i < domain.n; i++)
        n += domain.s[i] == '.';
    return n;
}

/* The last n labels. */
static struct str last_labels(struct str domain, size_t n)
{
    for (size_t at = domain.n; at > 0; at--)
        if (domain.s[at - 1] == '.' && --n == 0)
            return str_from(domain, at);
    return domain;
}

/* The domains that are looked at, from itself upwards. */
static size_t targets(struct str domain, struct str list[DMARC_WALK_MAX])
{
    size_t n = 0;
    size_t labels = count_labels(domain);
    if (labels == 0)
        return 0;
    list[n++] = domain;
    for (labels = labels > LABELS_KEPT ? LABELS_KEPT : labels - 1; labels > 0; labels--)
        list[n++] = last_labels(domain, labels);
    return n;
}

size_t dmarc_walk_names(struct str domain, struct pool *pool, struct str names[DMARC_WALK_MAX])
{
    size_t n = targets(domain, names);
    for (size_t i = 0; i < n; i++)
        names[i] = pool_join(pool, (const struct str[]){STR("_dmarc."), names[i]}, 2);
    return n;
}

/* The one record among those of a name; several count as none. */
static void read_answer(const struct dns_query *query, struct dmarc_step *step)
{
    struct dmarc_record record;
    size_t found = 0;
    for (size_t i = 0; i < query->n; i++)
        if (dmarc_record_parse(query->records[i].data, &record)) {
            step->record = record;
            found++;
        }
    step->found = found == 1;
}

void dmarc_walk(struct dmarc_walk *walk, struct str domain, const struct dns_source *dns,
                struct pool *pool)
{
    struct str domains[DMARC_WALK_MAX], names[DMARC_WALK_MAX];
    struct dns_query queries[DMARC_WALK_MAX];
    *walk = (struct dmarc_walk){.domain = domain};
    size_t n = targets(domain, domains);
    dmarc_walk_names(domain, pool, names);
    for (size_t i = 0; i < n; i++)
        queries[i] = (struct dns_query){.type = DNS_TXT,
                                        .name = names[i],
                                        .status = names[i].s ? DNS_ASKED_NOT : DNS_TEMP_FAILED};
    dns->ask(dns->data, pool, queries, n);
    for (size_t i = 0; i < n; i++) {
        struct dmarc_step *step = &walk->steps[walk->n++];
        bool failed = queries[i].status == DNS_TEMP_FAILED || queries[i].status == DNS_BOGUS;
        walk->failed |= failed;
        walk->own_failed |= failed && i == 0;
        step->domain = domains[i];
        read_answer(&queries[i], step);
        if (step->found && step->record.psd != DMARC_PSD_UNKNOWN)
            return;
    }
}

/* The step that says where the organization is, or NULL. */
static const struct dmarc_step *highest(const struct dmarc_walk *walk)
{
    for (size_t i = walk->n; i > 0; i--)
        if (walk->steps[i - 1].found)
            return &walk->steps[i - 1];
    return NULL;
}

static bool is_public_suffix(const struct dmarc_walk *walk, const struct dmarc_step *step)
{
    return step->record.psd == DMARC_PSD_YES && step->domain.n < walk->domain.n;
}

struct str dmarc_walk_organization(const struct dmarc_walk *walk)
{
    const struct dmarc_step *step = highest(walk);
    if (!step)
        return walk->domain;
    if (is_public_suffix(walk, step))
        return last_labels(walk->domain, count_labels(step->domain) + 1);
    return step->domain;
}

const struct dmarc_step *dmarc_walk_policy(const struct dmarc_walk *walk)
{
    struct str organization = dmarc_walk_organization(walk);
    if (walk->n > 0 && walk->steps[0].found)
        return &walk->steps[0];
    for (size_t i = 0; i < walk->n; i++)
        if (walk->steps[i].found && str_eq(walk->steps[i].domain, organization))
            return &walk->steps[i];
    return highest(walk);
}
