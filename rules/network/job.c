#include "rules/network/job.h"

#include "base/domain.h"
#include "rules/facts/ip.h"
#include "rules/facts/registry.h"

#define SLOTS_FIRST 64

void job_init(struct job *job, const struct ruleset *set, struct facts *facts)
{
    *job = (struct job){.set = set, .facts = facts, .pool = facts->pool};
    job->left_out = POOL_ARRAY(job->pool, set->network.n, bool);
    job->no_memory = job->left_out == NULL;
}

static size_t slot_of(const struct job *job, enum dns_type type, struct str name)
{
    return (str_hash(name) ^ (uint64_t)type * 0x9e3779b97f4a7c15u) & (job->n_slots - 1);
}

/* The slot of that question, or a free one. */
static uint32_t *find(const struct job *job, enum dns_type type, struct str name)
{
    size_t at = slot_of(job, type, name);
    while (job->slots[at]) {
        const struct dns_query *query = &job->questions[job->slots[at] - 1].query;
        if (query->type == type && str_eq(query->name, name))
            break;
        at = (at + 1) & (job->n_slots - 1);
    }
    return &job->slots[at];
}

/* At most half of the slots are taken. */
static bool make_room(struct job *job)
{
    if (job->n_questions * 2 < job->n_slots)
        return true;
    size_t n_slots = job->n_slots ? job->n_slots * 2 : SLOTS_FIRST;
    uint32_t *slots = POOL_ARRAY(job->pool, n_slots, uint32_t);
    if (slots == NULL)
        return false;
    job->slots = slots;
    job->n_slots = n_slots;
    for (size_t i = 0; i < job->n_questions; i++) {
        const struct dns_query *query = &job->questions[i].query;
        *find(job, query->type, query->name) = (uint32_t)i + 1;
    }
    return true;
}

/* Its number; NETWORK_NONE: there is no memory, or no room. */
static uint32_t question_of(struct job *job, enum dns_type type, struct str name)
{
    if (!make_room(job)) {
        job->no_memory = true;
        return NETWORK_NONE;
    }
    uint32_t *slot = find(job, type, name);
    if (*slot)
        return *slot - 1;
    if (job->n_questions == JOB_QUESTIONS_MAX)
        return NETWORK_NONE;
    struct job_question *questions = pool_grow(job->pool, job->questions, job->n_questions,
                                               &job->questions_cap, sizeof *questions);
    struct str kept = pool_str(job->pool, name);
    if (questions == NULL || kept.s == NULL) {
        job->no_memory = true;
        return NETWORK_NONE;
    }
    job->questions = questions;
    questions[job->n_questions] = (struct job_question){.query = {.type = type, .name = kept}};
    *slot = (uint32_t)++job->n_questions;
    return *slot - 1;
}

/* The nearest of the domains above a name that a line names decides; "*" stands for the rest. */
static bool is_denied(const struct job *job, struct str name)
{
    enum { ALLOW = 1, DENY = 2 };
    uint32_t said = ALLOW;
    for (struct str above = name; above.n;) {
        if (settings_in(job->facts->settings, SETTINGS_DNS_QUERY_RESTRICTIONS, above, &said))
            return said == DENY;
        size_t dot = str_chr(above, '.');
        above = dot == STR_NONE ? STR_EMPTY : str_from(above, dot + 1);
    }
    settings_in(job->facts->settings, SETTINGS_DNS_QUERY_RESTRICTIONS, STR("*"), &said);
    return said == DENY;
}

/* Is the list out of service, as whoever runs us has found? */
static bool is_off(const struct job *job, struct str name)
{
    const struct rules_network *network = job->facts->input->network;
    for (size_t i = 0; network && i < network->n_zones_off; i++)
        if (domain_holds(network->zones_off[i], name))
            return true;
    return false;
}

/* NAME.ZONE in lower case; empty: it is too long, or no name of the DNS. */
static struct str join(struct str name, struct str zone, char out[DNS_NAME_MAX + 1])
{
    size_t n = 0;
    while (str_ends(name, STR(".")))
        name = str_sub(name, 0, name.n - 1);
    if (name.n == 0 || name.n + 1 + zone.n > DNS_NAME_MAX)
        return STR_EMPTY;
    for (size_t i = 0; i < name.n; i++)
        out[n++] = str_lower_char(name.s[i]);
    if (zone.n)
        out[n++] = '.';
    for (size_t i = 0; i < zone.n; i++)
        out[n++] = str_lower_char(zone.s[i]);
    return dns_name_ok(str_n(out, n)) ? str_n(out, n) : STR_EMPTY;
}

/* An internationalised name is asked for as it stands in the DNS (RFC 5890). */
static struct str as_labels(struct str name, char out[DOMAIN_SIZE])
{
    if (str_is_ascii(name))
        return name;
    return domain_normal(name, out) ? str_of(out) : STR_EMPTY;
}

void job_ask(struct job *job, uint32_t rule, enum job_step step, enum dns_type type,
             struct str name, struct str zone)
{
    char labels[DOMAIN_SIZE], out[DNS_NAME_MAX + 1];
    struct str full = join(as_labels(name, labels), zone, out);
    if (full.n == 0 || is_denied(job, full))
        return;
    uint32_t question = question_of(job, type, full);
    if (question == NETWORK_NONE || job->n_lookups == JOB_LOOKUPS_MAX) {
        job->left_out[rule] = true;
        return;
    }
    struct job_lookup *lookups =
        pool_grow(job->pool, job->lookups, job->n_lookups, &job->lookups_cap, sizeof *lookups);
    if (lookups == NULL) {
        job->no_memory = true;
        return;
    }
    job->lookups = lookups;
    lookups[job->n_lookups++] = (struct job_lookup){question, rule, step};
    struct job_question *q = &job->questions[question];
    if (q->worth < job->set->network.rules[rule].worth)
        q->worth = job->set->network.rules[rule].worth;
    if (q->query.status == DNS_ASKED_NOT && is_off(job, full))
        q->query.status = DNS_TEMP_FAILED;
}

void job_ask_list(struct job *job, uint32_t rule, struct str name)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    enum dns_type type = r->types & DNS_LINE_TXT ? DNS_TXT : DNS_A;
    char reverse[80];
    struct str address = ip_reverse(name, reverse);
    job_ask(job, rule, STEP_TEST, type, address.n ? address : name, r->zone);
}

void job_ask_host(struct job *job, uint32_t rule, struct str host)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    char reverse[80], labels[DOMAIN_SIZE];
    if (ip_reverse(host, reverse).n) {
        if (!r->domains_only)
            job_ask_list(job, rule, host);
        return;
    }
    host = as_labels(host, labels);
    if (!r->ips_only && registry_is_name(host) && registry_is_valid(job->facts->settings, host))
        job_ask_list(job, rule, host);
}

static const struct {
    enum dns_line_type bit;
    enum dns_type type;
} types[] = {
    {DNS_LINE_A, DNS_A},   {DNS_LINE_AAAA, DNS_AAAA}, {DNS_LINE_MX, DNS_MX},
    {DNS_LINE_NS, DNS_NS}, {DNS_LINE_PTR, DNS_PTR},   {DNS_LINE_TXT, DNS_TXT},
};

static void ask_template(struct job *job, uint32_t rule)
{
    const struct network_rule *r = &job->set->network.rules[rule];
    struct naming_names names;
    naming_fill(&r->naming, job->facts, &names);
    job->no_memory |= names.no_memory;
    job->left_out[rule] |= names.truncated;
    for (size_t i = 0; i < names.n; i++) {
        char labels[DOMAIN_SIZE], out[DNS_NAME_MAX + 1];
        struct str name = join(as_labels(names.list[i], labels), STR_EMPTY, out);
        for (size_t k = 0; registry_is_name(name) && k < sizeof types / sizeof *types; k++) {
            if (r->types & types[k].bit)
                job_ask(job, rule, STEP_TEST, types[k].type, name, STR_EMPTY);
        }
    }
}

static void gather_rule(struct job *job, uint32_t rule)
{
    const struct rules_settings *settings = job->facts->settings;
    switch (job->set->network.rules[rule].source) {
    case NETWORK_LINKS:
        if (settings_number(settings, SETTINGS_SKIP_URIBL_CHECKS) == 0)
            job_links(job, rule);
        return;
    case NETWORK_TEMPLATE:
        ask_template(job, rule);
        return;
    case NETWORK_SAME_SET:
        return;
    default:
        break;
    }
    if (settings_number(settings, SETTINGS_SKIP_RBL_CHECKS) != 0)
        return;
    switch (job->set->network.rules[rule].source) {
    case NETWORK_RELAYS:
    case NETWORK_ACCREDITED:
        job_relays(job, rule);
        return;
    case NETWORK_FIRST_HOP:
        job_first_hop(job, rule);
        return;
    default:
        job_senders(job, rule);
    }
}

void job_gather(struct job *job)
{
    for (size_t i = 0; i < job->set->network.n && !job->no_memory; i++)
        gather_rule(job, (uint32_t)i);
    job->no_memory |= job->facts->no_memory;
}
