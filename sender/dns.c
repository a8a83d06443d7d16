#include "sender/dns.h"

#define LABEL_MAX 63 /* RFC 1035 2.3.4 */

static void fail_all(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    (void)data, (void)pool;
    for (size_t i = 0; i < n; i++)
        if (queries[i].status == DNS_ASKED_NOT)
            queries[i].status = DNS_TEMP_FAILED;
}

const struct dns_source dns_source_none = {.ask = fail_all, .data = NULL};

bool dns_source_is_none(const struct dns_source *source)
{
    return source->ask == fail_all;
}

struct dns_query dns_ask(const struct dns_source *source, struct pool *pool, enum dns_type type,
                         struct str name)
{
    struct dns_query query = {.type = type, .name = name};
    source->ask(source->data, pool, &query, 1);
    return query;
}

static struct str without_dot(struct str name)
{
    return str_ends(name, STR(".")) ? str_sub(name, 0, name.n - 1) : name;
}

bool dns_name_ok(struct str name)
{
    struct str rest = without_dot(name), label;
    if (rest.n == 0 || rest.n > DNS_NAME_MAX || str_ends(rest, STR(".")))
        return false;
    while (str_next(&rest, '.', &label))
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
    return true;
}

struct str dns_name_normal(struct pool *pool, struct str name)
{
    return pool_lower(pool, without_dot(name));
}

static const struct {
    enum dns_type type;
    const char *name;
} type_names[] = {
    {DNS_A, "A"},     {DNS_NS, "NS"},     {DNS_PTR, "PTR"},   {DNS_MX, "MX"},
    {DNS_TXT, "TXT"}, {DNS_AAAA, "AAAA"}, {DNS_TLSA, "TLSA"},
};

const char *dns_type_name(enum dns_type type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (type_names[i].type == type)
            return type_names[i].name;
    return "?";
}

bool dns_type_of(struct str name, enum dns_type *type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (str_ieq(str_of(type_names[i].name), name)) {
            *type = type_names[i].type;
            return true;
        }
    return false;
}

const char *dns_status_name(enum dns_status status)
{
    static const char *const names[] = {
        [DNS_ASKED_NOT] = "not asked",  [DNS_FOUND] = "found",
        [DNS_NO_NAME] = "no such name", [DNS_NO_DATA] = "no such record",
        [DNS_TEMP_FAILED] = "failed",   [DNS_BOGUS] = "forged",
        [DNS_BAD_NAME] = "no DNS name",
    };
    return (unsigned)status < sizeof names / sizeof *names ? names[status] : "?";
}
