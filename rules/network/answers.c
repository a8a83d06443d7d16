/* What answers mean: more questions, and hits. */
#include <arpa/inet.h>

#include "rules/facts/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/registry.h"
#include "rules/network/answers.h"

/* --- more questions --- */

static struct str address_text(const struct dns_record *record, char out[INET6_ADDRSTRLEN])
{
    int family = record->data.n == 4 ? AF_INET : AF_INET6;
    if (record->data.n != 4 && record->data.n != 16)
        return STR_EMPTY;
    return str_of(inet_ntop(family, record->data.s, out, INET6_ADDRSTRLEN));
}

static void follow_server(struct job *job, const struct job_lookup *lookup, struct str server)
{
    const struct rules_settings *settings = job->facts->settings;
    bool address = ip_is_v4(server); /* a mistake that is seen now and then */
    if (address && ip_is_private(server))
        return;
    switch (lookup->step) {
    case STEP_SERVERS:
        job_ask_list(job, lookup->rule, address ? server : registry_domain(settings, server));
        return;
    case STEP_SERVERS_WHOLE:
        job_ask_list(job, lookup->rule, server);
        return;
    default:
        if (!address)
            job_ask(job, lookup->rule, STEP_ADDRESSES, DNS_A, server, STR_EMPTY);
    }
}

static void follow(struct job *job, struct job_lookup lookup)
{
    const struct dns_query query = job->questions[lookup.question].query;
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; query.status == DNS_FOUND && i < query.n && !job->no_memory; i++) {
        if (lookup.step == STEP_ADDRESSES)
            job_ask_list(job, lookup.rule, address_text(&query.records[i], text));
        else if (lookup.step != STEP_TEST && lookup.step != STEP_EXISTS)
            follow_server(job, &lookup, query.records[i].data);
    }
}

void answers_follow(struct job *job, size_t from, size_t to)
{
    for (size_t i = from; i < to && !job->no_memory; i++)
        follow(job, job->lookups[i]);
}

/* --- hits --- */

struct reading {
    struct job *job;
    struct rules_scratch *scratch;
    struct reading_state *states; /* by rule of the network */
};

struct reading_state {
    bool failed; /* some answer of the rule's is not known */
    bool found;  /* STEP_EXISTS: something is there */
    bool looked; /* STEP_EXISTS: it was asked for */
};

/* As rules see it: an address as text, names with a last dot. .s NULL: no memory. */
static struct str text_of(struct pool *pool, const struct dns_query *query,
                          const struct dns_record *record)
{
    char address[INET6_ADDRSTRLEN];
    switch (query->type) {
    case DNS_A:
    case DNS_AAAA:
        return pool_str(pool, address_text(record, address));
    case DNS_MX:
        return pool_strf(pool, "%u %.*s.", record->preference, STR_ARG(record->data));
    case DNS_NS:
    case DNS_PTR:
        return pool_strf(pool, "%.*s.", STR_ARG(record->data));
    default:
        return record->data;
    }
}

static uint32_t number_of(const struct dns_record *record)
{
    uint32_t number;
    memcpy(&number, record->data.s, sizeof number);
    return ntohl(number);
}

/* By 127.255.255/24 a list says that it does not serve us, and by 127.0.0.1, which is no listing
 * (RFC 5782 2.1), that it has been told to be silent. Rules that look for just that see it. */
static bool is_refusal(const struct network_rule *rule, uint32_t address)
{
    switch (rule->answer.kind) {
    case ANSWER_ANY:
        return address == 0x7f000001 || address >> 8 == 0x7fffff;
    case ANSWER_BITS:
        return address >> 8 == 0x7fffff;
    default:
        return false;
    }
}

/* Lists answer in 127/8; whatever else an address says, the list did not (RFC 5782 2.1). */
static bool is_off_range(const struct network_rule *rule, const struct dns_query *query,
                         const struct dns_record *record)
{
    if (query->type != DNS_A || record->data.n != 4)
        return false;
    if (record->data.s[0] == 127)
        return rule->source != NETWORK_TEMPLATE && is_refusal(rule, number_of(record));
    return rule->source != NETWORK_TEMPLATE &&
           (rule->source != NETWORK_LINKS || rule->answer.kind == ANSWER_ANY);
}

static enum regex_result test(const struct reading *r, const struct network_rule *rule,
                              const struct dns_query *query, const struct dns_record *record,
                              struct str text)
{
    struct regex_match match;
    if (is_off_range(rule, query, record))
        return REGEX_NO;
    switch (rule->answer.kind) {
    case ANSWER_ANY:
        return REGEX_YES;
    case ANSWER_TEXT:
        return str_eq(text, rule->answer.text) ? REGEX_YES : REGEX_NO;
    case ANSWER_PATTERN:
        return regex_search(rule->regex, r->scratch->runner, text, 0, STR_NONE, &match);
    case ANSWER_CODES:
        return REGEX_NO;
    default:
        break;
    }
    if (query->type == DNS_A && record->data.n == 4)
        return answer_fits_address(&rule->answer, number_of(record)) ? REGEX_YES : REGEX_NO;
    return str_eq(text, rule->answer.text) ? REGEX_YES : REGEX_NO;
}

static void hit(const struct reading *r, const struct network_rule *rule,
                const struct dns_query *query, struct str text)
{
    struct pool *pool = r->job->pool;
    struct str what = pool_strf(pool, "%.*s%s%.*s", STR_ARG(query->name), text.n ? " " : "",
                                STR_ARG(str_sub(text, 0, SCRATCH_TEXT_MAX)));
    r->job->no_memory |= what.s == NULL;
    scratch_hit(r->scratch, rule->number, what);
}

static void try_rule(const struct reading *r, const struct network_rule *rule,
                     const struct dns_query *query, const struct dns_record *record,
                     struct str text)
{
    if (r->scratch->values[rule->number] != 0)
        return;
    switch (test(r, rule, query, record, text)) {
    case REGEX_YES:
        hit(r, rule, query, text);
        break;
    case REGEX_LIMIT:
        scratch_give_up(r->scratch, rule->number);
        break;
    case REGEX_NO:
        break;
    }
}

/* All records for the rule that asked, and those that look at its set. */
static void try_records(const struct reading *r, uint32_t asked, const struct dns_query *query)
{
    const struct network_rules *network = &r->job->set->network;
    const struct network_rule *rule = &network->rules[asked];
    for (size_t i = 0; i < query->n; i++) {
        const struct dns_record *record = &query->records[i];
        struct str text = text_of(r->job->pool, query, record);
        if (text.s == NULL && record->data.n) {
            r->job->no_memory = true;
            return;
        }
        try_rule(r, rule, query, record, text);
        for (uint32_t k = rule->first; k != NETWORK_NONE; k = network->rules[k].next)
            try_rule(r, &network->rules[k], query, record, text);
    }
}

static void try_codes(const struct reading *r, const struct network_rule *rule,
                      const struct dns_query *query)
{
    uint32_t code = query->status == DNS_NO_NAME ? ANSWER_CODE_NAME : ANSWER_CODE_NONE;
    if (rule->answer.kind == ANSWER_CODES && (rule->answer.from & code) &&
        r->scratch->values[rule->number] == 0)
        hit(r, rule, query, STR_EMPTY);
}

static void note_failure(const struct reading *r, uint32_t asked)
{
    const struct network_rules *network = &r->job->set->network;
    r->states[asked].failed = true;
    for (uint32_t k = network->rules[asked].first; k != NETWORK_NONE; k = network->rules[k].next)
        r->states[k].failed = true;
}

static void read_answer(const struct reading *r, const struct job_lookup *lookup)
{
    const struct dns_query *query = &r->job->questions[lookup->question].query;
    struct reading_state *state = &r->states[lookup->rule];
    switch (query->status) {
    case DNS_FOUND:
    case DNS_NO_NAME:
    case DNS_NO_DATA:
        break;
    case DNS_BAD_NAME:
        return;
    default:
        note_failure(r, lookup->rule);
        return;
    }
    if (lookup->step == STEP_EXISTS) {
        state->looked = true;
        state->found |= query->status == DNS_FOUND;
    } else if (lookup->step == STEP_TEST) {
        try_codes(r, &r->job->set->network.rules[lookup->rule], query);
        if (query->status == DNS_FOUND)
            try_records(r, lookup->rule, query);
    }
}

static void finish_rule(const struct reading *r, uint32_t number)
{
    const struct network_rule *rule = &r->job->set->network.rules[number];
    const struct reading_state *state = &r->states[number];
    if (rule->source == NETWORK_SENDER && state->looked && !state->found && !state->failed)
        scratch_hit(r->scratch, rule->number, facts_get(r->job->facts, "EnvelopeFrom:addr"));
    if (state->failed && r->scratch->values[rule->number] == 0)
        scratch_unknown(r->scratch, rule->number);
}

void answers_read(struct job *job, struct rules_scratch *scratch)
{
    const struct network_rules *network = &job->set->network;
    struct reading r = {job, scratch, POOL_ARRAY(job->pool, network->n, struct reading_state)};
    if (r.states == NULL) {
        job->no_memory = true;
        return;
    }
    for (size_t i = 0; i < network->n; i++) {
        if (job->left_out[i])
            note_failure(&r, (uint32_t)i);
    }
    for (size_t i = 0; i < job->n_lookups && !job->no_memory; i++)
        read_answer(&r, &job->lookups[i]);
    for (size_t i = 0; i < network->n; i++)
        finish_rule(&r, (uint32_t)i);
}
