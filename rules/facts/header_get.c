/* facts_get(): queries of evals, each made once. */
#include "rules/facts/header.h"

#define N_HEADS 64

struct request {
    struct request *next; /* of the same head */
    struct str text;
    const struct fact_values *values;
    struct str joined; /* .s NULL: not there */
};

static const struct fact_values none;
static const struct request nothing = {.values = &none};

struct requests {
    struct request *heads[N_HEADS]; /* by str_hash() of their texts */
};

/* Only the first value counts, without a line end, where one was cut out of a field. */
static bool is_single(const struct query *query)
{
    return query->what != QUERY_VALUE || query->cut != QUERY_WHOLE ||
           query->source == QUERY_ENVELOPE_FROM;
}

static struct str join_all(struct facts *facts, const struct fact_values *values)
{
    struct buf all = BUF_INIT(HEADER_VALUE_MAX * 64);
    if (values->n == 1)
        return values->list[0];
    for (size_t i = 0; i < values->n; i++)
        buf_add(&all, values->list[i]);
    /* what is longer than any header that SpamAssassin looks at is cut */
    struct str text = pool_str(facts->pool, buf_str(&all));
    facts->no_memory |= text.s == NULL;
    buf_release(&all);
    return text;
}

static const struct request *make(struct facts *facts, struct str text, struct request **head)
{
    struct request *request = POOL_NEW(facts->pool, struct request);
    struct query query;
    if (request == NULL || query_parse(facts->pool, text, &query, NULL) < 0)
        return NULL;
    request->text = pool_str(facts->pool, text);
    request->values = facts_header(facts, &query);
    if (request->text.s == NULL || request->values == NULL)
        return NULL;
    if (request->values->n)
        request->joined =
            is_single(&query) ? request->values->list[0] : join_all(facts, request->values);
    request->next = *head;
    *head = request;
    return request;
}

static const struct request *find(struct facts *facts, struct str text)
{
    if (facts->made[FACT_HEADERS] == NULL)
        facts->made[FACT_HEADERS] = POOL_NEW(facts->pool, struct requests);
    struct requests *requests = facts->made[FACT_HEADERS];
    struct request **head = requests ? &requests->heads[str_hash(text) % N_HEADS] : NULL;
    for (const struct request *r = head ? *head : NULL; r; r = r->next) {
        if (str_eq(r->text, text))
            return r;
    }
    const struct request *made = head ? make(facts, text, head) : NULL;
    facts->no_memory |= made == NULL;
    return made ? made : &nothing;
}

struct str facts_get(struct facts *facts, const char *request)
{
    return find(facts, str_of(request))->joined;
}

const struct fact_values *facts_get_all(struct facts *facts, const char *request)
{
    return find(facts, str_of(request))->values;
}
