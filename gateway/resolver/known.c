#include "gateway/resolver/known.h"

#define BUCKETS 256

struct question {
    uint32_t number;
    struct dns_query query;
    struct question *by_name, *by_number; /* the next in its bucket */
};

struct known {
    struct pool *pool;
    uint32_t last;
    struct question *names[BUCKETS], *numbers[BUCKETS];
};

void known_put(struct buf *records, enum known_kind kind, struct str message)
{
    wire_u8(records, (uint8_t)kind);
    wire_str(records, message);
}

size_t known_size(struct str message)
{
    return sizeof(uint8_t) + sizeof(uint32_t) + message.n;
}

static size_t name_bucket(enum dns_type type, struct str name)
{
    return (str_hash(name) + (unsigned)type) % BUCKETS;
}

static bool add_question(struct known *known, uint32_t number, enum dns_type type, struct str name)
{
    struct question *q = POOL_NEW(known->pool, struct question);
    if (q == NULL)
        return false;
    struct question **names = &known->names[name_bucket(type, name)];
    struct question **numbers = &known->numbers[number % BUCKETS];
    *q = (struct question){.number = number,
                           .query = {.type = type, .name = name, .status = DNS_TEMP_FAILED},
                           .by_name = *names,
                           .by_number = *numbers};
    *names = *numbers = q;
    if (number > known->last)
        known->last = number;
    return true;
}

static bool add_questions(struct known *known, struct str message)
{
    struct wire w = wire_of(message);
    uint32_t number;
    enum dns_type type;
    struct str name;
    while (resolver_question_get(&w, &number, &type, &name))
        if (!add_question(known, number, type, name))
            return false;
    return !w.bad;
}

static struct question *find_number(const struct known *known, uint32_t number)
{
    struct question *q = known->numbers[number % BUCKETS];
    while (q && q->number != number)
        q = q->by_number;
    return q;
}

/* The question is not asked yet, as far as anybody knows. */
static bool forget(struct known *known, struct str message)
{
    struct wire w = wire_of(message);
    struct question *q = find_number(known, wire_get_u32(&w));
    if (q)
        q->query.status = DNS_ASKED_NOT;
    return wire_done(&w);
}

static bool add_answer(struct known *known, struct str message)
{
    struct resolver_answer answer;
    if (!resolver_answer_get(message, known->pool, &answer))
        return false;
    struct question *q = find_number(known, answer.number);
    if (q)
        resolver_answer_fill(&answer, &q->query);
    return true;
}

static bool add(struct known *known, uint8_t kind, struct str message)
{
    switch (kind) {
    case KNOWN_QUESTIONS:
        return add_questions(known, message);
    case KNOWN_ANSWER:
        return add_answer(known, message);
    case KNOWN_AGAIN:
        return forget(known, message);
    default:
        return false;
    }
}

struct known *known_read(struct pool *pool, struct str records)
{
    struct known *known = POOL_NEW(pool, struct known);
    struct wire w = wire_of(records);
    bool good = known != NULL;
    if (good)
        known->pool = pool;
    while (good && w.in.n > 0) {
        uint8_t kind = wire_get_u8(&w);
        struct str message = wire_get_str(&w);
        if (w.bad)
            return NULL;
        good = add(known, kind, message);
    }
    return good ? known : NULL;
}

uint32_t known_last(const struct known *known)
{
    return known->last;
}

bool known_answer(const struct known *known, struct dns_query *query)
{
    const struct question *q = known->names[name_bucket(query->type, query->name)];
    while (q && (q->query.status == DNS_ASKED_NOT || q->query.type != query->type ||
                 !str_eq(q->query.name, query->name)))
        q = q->by_name;
    if (q == NULL)
        return false;
    struct str name = query->name; /* the asker's own */
    *query = q->query;
    query->name = name;
    return true;
}
