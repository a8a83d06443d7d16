#include "gateway/resolver/protocol.h"

void resolver_budget_put(struct buf *out, const struct resolver_budget *budget)
{
    wire_u8(out, (uint8_t)budget->kind);
    if (budget->kind == RESOLVER_MESSAGE) {
        wire_u32(out, budget->queries);
        wire_u32(out, budget->milliseconds);
    }
}

bool resolver_budget_get(struct str message, struct resolver_budget *budget)
{
    struct wire w = wire_of(message);
    uint8_t kind = wire_get_u8(&w);
    *budget = (struct resolver_budget){.kind = (enum resolver_kind)kind};
    if (kind == RESOLVER_MESSAGE) {
        budget->queries = wire_get_u32(&w);
        budget->milliseconds = wire_get_u32(&w);
    }
    return wire_done(&w) && kind >= RESOLVER_MESSAGE && kind <= RESOLVER_STATUS;
}

void resolver_question_put(struct buf *out, uint32_t number, enum dns_type type, struct str name)
{
    wire_u32(out, number);
    wire_u8(out, (uint8_t)type);
    wire_str(out, name);
}

static bool is_type(uint8_t type)
{
    return type == DNS_A || type == DNS_NS || type == DNS_PTR || type == DNS_MX ||
           type == DNS_TXT || type == DNS_AAAA || type == DNS_TLSA;
}

bool resolver_question_get(struct wire *w, uint32_t *number, enum dns_type *type, struct str *name)
{
    if (w->bad || w->in.n == 0)
        return false;
    *number = wire_get_u32(w);
    uint8_t of = wire_get_u8(w);
    *name = wire_get_str(w);
    if (!is_type(of))
        w->bad = true;
    *type = (enum dns_type)of;
    return !w->bad;
}

void resolver_answer_put(struct buf *out, const struct resolver_answer *answer)
{
    size_t start = out->n, bytes = 0, n = 0;
    /* what fits, and never more than whoever reads it takes */
    for (; n < answer->n && n < DNS_RECORDS_MAX; n++) {
        size_t more = answer->records[n].data.n + 2 * sizeof(uint32_t);
        if (answer->records[n].data.n > DNS_RECORD_MAX || bytes + more > RESOLVER_ANSWER_MAX)
            break;
        bytes += more;
    }
    wire_u32(out, answer->number);
    wire_u8(out, (uint8_t)answer->status);
    wire_u8(out, (uint8_t)answer->flags);
    wire_u32(out, answer->ttl);
    wire_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        wire_u32(out, answer->records[i].preference);
        wire_str(out, answer->records[i].data);
    }
    wire_str(out, answer->canonical);
    if (!buf_ok(out))
        buf_cut(out, start);
}

bool resolver_answer_number(struct str message, uint32_t *number)
{
    struct wire w = wire_of(message);
    *number = wire_get_u32(&w);
    return !w.bad;
}

bool resolver_answer_get(struct str message, struct pool *pool, struct resolver_answer *answer)
{
    struct wire w = wire_of(message);
    answer->number = wire_get_u32(&w);
    uint8_t status = wire_get_u8(&w);
    answer->status = (enum dns_status)status;
    answer->flags = wire_get_u8(&w);
    answer->ttl = wire_get_u32(&w);
    answer->n = wire_get_u32(&w);
    answer->records = NULL;
    if (w.bad || status == DNS_ASKED_NOT || status > DNS_BAD_NAME || answer->n > DNS_RECORDS_MAX ||
        (answer->n > 0) != (status == DNS_FOUND))
        return false;
    struct dns_record *records = POOL_ARRAY(pool, answer->n, struct dns_record);
    if (answer->n > 0 && records == NULL)
        return false;
    for (size_t i = 0; i < answer->n; i++) {
        records[i].preference = wire_get_u32(&w);
        records[i].data = pool_str(pool, wire_get_str(&w));
        if (records[i].data.s == NULL)
            return false;
    }
    answer->records = records;
    answer->canonical = pool_str(pool, wire_get_str(&w));
    return answer->canonical.s && wire_done(&w);
}

void resolver_answer_fill(const struct resolver_answer *answer, struct dns_query *query)
{
    query->status = answer->status;
    query->secure = (answer->flags & RESOLVER_SECURE) != 0;
    query->ttl = answer->ttl;
    query->records = answer->records;
    query->n = answer->n;
}

void resolver_status_put(struct buf *out, const struct resolver_status *s)
{
    const uint64_t counts[] = {s->questions, s->cached,  s->found,    s->nothing, s->failed,
                               s->bogus,     s->refused, s->secure,   s->open,    s->askers,
                               s->mean_us,   s->outages, s->away_for, s->up};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        wire_u64(out, counts[i]);
    wire_u32(out, s->servers);
    wire_u8(out, s->dnssec);
    wire_u8(out, s->away);
}

bool resolver_status_get(struct str message, struct resolver_status *s)
{
    struct wire w = wire_of(message);
    uint64_t *const counts[] = {&s->questions, &s->cached,  &s->found,    &s->nothing, &s->failed,
                                &s->bogus,     &s->refused, &s->secure,   &s->open,    &s->askers,
                                &s->mean_us,   &s->outages, &s->away_for, &s->up};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = wire_get_u64(&w);
    s->servers = wire_get_u32(&w);
    s->dnssec = wire_get_u8(&w);
    s->away = wire_get_u8(&w);
    return wire_done(&w);
}
