#include "rules/network/run.h"

#include <stdlib.h>

#include "rules/network/answers.h"

struct waiting {
    const struct job_question *question;
    uint32_t number;
};

/* What most may depend on, then what came first. */
static int by_worth(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;
    if (x->question->worth < y->question->worth)
        return 1;
    if (x->question->worth > y->question->worth)
        return -1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Questions from number `from` on that nobody was asked yet. NULL: no memory. */
static struct waiting *waiting_of(const struct job *job, size_t from, size_t *n)
{
    struct waiting *list = POOL_ARRAY(job->pool, job->n_questions - from, struct waiting);
    *n = 0;
    for (size_t i = from; list && i < job->n_questions; i++) {
        if (job->questions[i].query.status == DNS_ASKED_NOT)
            list[(*n)++] = (struct waiting){&job->questions[i], (uint32_t)i};
    }
    if (list)
        qsort(list, *n, sizeof *list, by_worth);
    return list;
}

static void ask(struct job *job, const struct dns_source *dns, size_t from)
{
    size_t n;
    const struct waiting *list = waiting_of(job, from, &n);
    struct dns_query *queries = list ? POOL_ARRAY(job->pool, n, struct dns_query) : NULL;
    if (queries == NULL) {
        job->no_memory = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        queries[i] = list[i].question->query;
    for (size_t i = 0; i < n; i += DNS_QUESTIONS_MAX)
        dns->ask(dns->data, job->pool, queries + i,
                 n - i < DNS_QUESTIONS_MAX ? n - i : DNS_QUESTIONS_MAX);
    for (size_t i = 0; i < n; i++)
        job->questions[list[i].number].query = queries[i];
}

static void ask_all(struct job *job, const struct dns_source *dns)
{
    size_t asked = 0, followed = 0;
    for (int i = 0; i < JOB_ROUNDS_MAX && followed < job->n_lookups && !job->no_memory; i++) {
        size_t end = job->n_lookups;
        if (asked < job->n_questions)
            ask(job, dns, asked);
        asked = job->n_questions;
        answers_follow(job, followed, end);
        followed = end;
    }
}

static bool is_answered(enum dns_status status)
{
    return status == DNS_FOUND || status == DNS_NO_NAME || status == DNS_NO_DATA ||
           status == DNS_BAD_NAME;
}

/* For those who want to know why a rule is not known. */
static void note_unanswered(struct job *job, struct rules_result *result)
{
    result->questions = job->n_questions;
    for (size_t i = 0; i < job->n_questions; i++) {
        const struct dns_query *query = &job->questions[i].query;
        if (is_answered(query->status))
            continue;
        if (result->n_unanswered < RULES_UNANSWERED_MAX)
            result->unanswered[result->n_unanswered] = *query;
        result->n_unanswered++;
    }
}

int network_run(struct rules_scratch *scratch, struct facts *facts, struct rules_result *result)
{
    const struct rules_network *network = facts->input->network;
    struct job job;
    if (scratch->set->network.n == 0 || network == NULL || network->dns == NULL)
        return 0;
    job_init(&job, scratch->set, facts);
    if (!job.no_memory)
        job_gather(&job);
    ask_all(&job, network->dns);
    if (!job.no_memory)
        answers_read(&job, scratch);
    result->unanswered = POOL_ARRAY(job.pool, RULES_UNANSWERED_MAX, struct dns_query);
    if (job.no_memory || result->unanswered == NULL)
        return -1;
    note_unanswered(&job, result);
    return 0;
}

int network_questions(const struct ruleset *set, struct facts *facts, struct dns_query **list,
                      size_t *n)
{
    struct job job;
    *list = NULL;
    *n = 0;
    if (set->network.n == 0)
        return 0;
    job_init(&job, set, facts);
    if (!job.no_memory)
        job_gather(&job);
    const struct waiting *waiting = job.no_memory ? NULL : waiting_of(&job, 0, n);
    *n = waiting && *n > DNS_QUESTIONS_MAX ? DNS_QUESTIONS_MAX : waiting ? *n : 0;
    *list = POOL_ARRAY(facts->pool, *n, struct dns_query);
    if (waiting == NULL || *list == NULL)
        return -1;
    for (size_t i = 0; i < *n; i++)
        (*list)[i] = waiting[i].question->query;
    return 0;
}
