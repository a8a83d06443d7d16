/* facts_get(): queries of evals, each made once. */
#include "rules/facts/header.h"

struct request {
    struct request *next;
    const char *text;
    const struct fact_values *values;
    struct str joined; /* .s NULL: not there */
};

static const struct fact_values none;
static const struct request nothing = {.text = "", .values = &none};

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

static const struct request *make(struct facts *facts, const char *text)
{
    struct request *request = POOL_NEW(facts->pool, struct request);
    struct query query;
    if (request == NULL || query_parse(facts->pool, str_of(text), &query, NULL) < 0)
        return NULL;
    request->text = pool_cstr(facts->pool, str_of(text));
    request->values = facts_header(facts, &query);
    if (request->text == NULL || request->values == NULL)
        return NULL;
    if (request->values->n)
        request->joined =
            is_single(&query) ? request->values->list[0] : join_all(facts, request->values);
    request->next = facts->made[FACT_HEADERS];
    facts->made[FACT_HEADERS] = request;
    return request;
}

static const struct request *find(struct facts *facts, const char *text)
{
    for (const struct request *r = facts->made[FACT_HEADERS]; r; r = r->next) {
        if (strcmp(r->text, text) == 0)
            return r;
    }
    const struct request *made = make(facts, text);
    facts->no_memory |= made == NULL;
    return made ? made : &nothing;
}

struct str facts_get(struct facts *facts, const char *request)
{
    return find(facts, request)->joined;
}

const struct fact_values *facts_get_all(struct facts *facts, const char *request)
{
    return find(facts, request)->values;
}
