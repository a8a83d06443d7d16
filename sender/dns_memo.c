#include "sender/dns_memo.h"

#define BUCKETS 256

struct known {
    struct dns_query query; /* its name in normal form */
    struct known *next;
};

struct dns_memo {
    struct pool *pool;
    const struct dns_source *source;
    struct known *buckets[BUCKETS];
    struct dns_memo_count count;
};

/* Questions that go to the source together; `of` says whose answer each will be. */
struct round {
    struct dns_query queries[DNS_QUESTIONS_MAX];
    struct known *of[DNS_QUESTIONS_MAX];
    size_t n;
};

struct dns_memo *dns_memo_new(struct pool *pool, const struct dns_source *source)
{
    struct dns_memo *memo = POOL_NEW(pool, struct dns_memo);
    if (memo) {
        memo->pool = pool;
        memo->source = source;
    }
    return memo;
}

struct dns_memo_count dns_memo_count(const struct dns_memo *memo)
{
    return memo->count;
}

static bool has_failed(const struct dns_query *query)
{
    return query->status == DNS_TEMP_FAILED || query->status == DNS_BOGUS;
}

static void ask_round(struct dns_memo *memo, struct round *round)
{
    if (round->n == 0)
        return;
    memo->count.rounds++;
    memo->source->ask(memo->source->data, memo->pool, round->queries, round->n);
    for (size_t i = 0; i < round->n; i++) {
        round->of[i]->query = round->queries[i];
        memo->count.failed += has_failed(&round->queries[i]);
    }
    round->n = 0;
}

/* What is known of this question, or a new place for it; NULL: no room. */
static struct known *place_of(struct dns_memo *memo, const struct dns_query *query)
{
    struct str name = dns_name_normal(memo->pool, query->name);
    if (!name.s)
        return NULL;
    struct known **at = &memo->buckets[(str_hash(name) + (unsigned)query->type) % BUCKETS];
    for (; *at; at = &(*at)->next)
        if ((*at)->query.type == query->type && str_eq((*at)->query.name, name))
            return *at;
    if (memo->count.asked == DNS_MEMO_MAX)
        return NULL;
    struct known *known = POOL_NEW(memo->pool, struct known);
    if (known) {
        known->query = (struct dns_query){.type = query->type, .name = name};
        *at = known;
        memo->count.asked++;
    }
    return known;
}

/* Puts into the round what nobody asked before. */
static void prepare(struct dns_memo *memo, struct round *round, const struct dns_query *query)
{
    size_t before = memo->count.asked;
    struct known *known = place_of(memo, query);
    if (!known || memo->count.asked == before)
        return;
    if (round->n == DNS_QUESTIONS_MAX)
        ask_round(memo, round);
    round->queries[round->n] = known->query;
    round->of[round->n++] = known;
}

static void copy_answer(struct dns_memo *memo, struct dns_query *query)
{
    const struct known *known = place_of(memo, query);
    struct str name = query->name;
    if (!known || known->query.status == DNS_ASKED_NOT) {
        query->status = DNS_TEMP_FAILED;
        return;
    }
    *query = known->query;
    query->name = name; /* the asker's own */
}

static void ask(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    struct dns_memo *memo = data;
    struct round round = {.n = 0};
    (void)pool; /* answers are kept for all the message */
    for (size_t i = 0; i < n; i++)
        if (queries[i].status == DNS_ASKED_NOT)
            prepare(memo, &round, &queries[i]);
    ask_round(memo, &round);
    for (size_t i = 0; i < n; i++)
        if (queries[i].status == DNS_ASKED_NOT)
            copy_answer(memo, &queries[i]);
}

struct dns_source dns_memo_source(struct dns_memo *memo)
{
    return (struct dns_source){.ask = ask, .data = memo};
}
