#include "t/parity/lists_answer.h"

#include <arpa/inet.h>

#define RECORDS_MAX 8

static const char *const codes[] = {
    "127.0.0.2",  "127.0.0.3",   "127.0.0.4",   "127.0.0.8",   "127.0.0.10", "127.0.0.12",
    "127.0.0.17", "127.0.0.20",  "127.0.0.64",  "127.0.0.128", "127.0.1.2",  "127.0.1.4",
    "127.0.1.5",  "127.0.1.102", "127.0.1.105", "127.2.0.2",   "127.2.0.28", "127.0.5.1",
    "127.0.9.3",  "127.3.100.6", "127.2.255.4", "127.0.1.255", "93.184.1.1", "127.9.2.5",
};

#define CODES (sizeof codes / sizeof *codes)

static uint32_t hash_of(struct str name)
{
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.s[i]) * 16777619;
    return hash;
}

static bool is_listing(const struct lists *lists, struct str name)
{
    for (size_t i = 0; i < lists->n; i++) {
        struct str zone = lists->zones[i];
        if (name.n > zone.n && str_ends(name, zone) && name.s[name.n - zone.n - 1] == '.')
            return true;
    }
    return false;
}

static void add(struct pool *pool, struct dns_query *query, enum dns_type type, struct str data,
                unsigned preference)
{
    struct dns_record *records = (struct dns_record *)query->records;
    if (query->type != type || data.s == NULL || query->n == RECORDS_MAX)
        return;
    if (records == NULL)
        query->records = records = POOL_ARRAY(pool, RECORDS_MAX, struct dns_record);
    if (records)
        records[query->n++] = (struct dns_record){data, preference};
}

static void add_address(struct pool *pool, struct dns_query *query, const char *text)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) == 1)
        add(pool, query, DNS_A, pool_str(pool, str_n((const char *)&address, 4)), 0);
}

static bool add_listing(struct pool *pool, struct dns_query *query, uint32_t hash)
{
    if (hash % 3)
        return false;
    add_address(pool, query, codes[(hash >> 10) % CODES]);
    if ((hash >> 8) % 2)
        add_address(pool, query, codes[(hash >> 16) % CODES]);
    add(pool, query, DNS_TXT, pool_strf(pool, "listed for %u", (hash >> 12) % 10), 0);
    return true;
}

static bool add_host(struct pool *pool, struct dns_query *query, uint32_t hash)
{
    if (hash % 7 == 0)
        return false;
    struct str address = pool_strf(pool, "93.184.%u.%u", (hash >> 8) % 256, (hash >> 16) % 256);
    if (address.s)
        add_address(pool, query, address.s);
    add(pool, query, DNS_NS, pool_strf(pool, "ns1.dns%u.com", hash % 97), 0);
    add(pool, query, DNS_NS, pool_strf(pool, "ns2.dns%u.org", hash % 89), 0);
    add(pool, query, DNS_MX, pool_strf(pool, "mx%u.example.com", hash % 10), 10);
    if (hash % 5 == 0)
        add(pool, query, DNS_TXT, STR("v=spf1 ip4:192.0.2.1 +all"), 0);
    return true;
}

static void answer(void *data, struct pool *pool, struct dns_query *queries, size_t n)
{
    struct lists *lists = data;
    for (size_t i = 0; i < n; i++) {
        struct dns_query *query = &queries[i];
        struct str name = dns_name_normal(pool, query->name);
        if (query->status != DNS_ASKED_NOT)
            continue;
        lists->asked++;
        uint32_t hash = hash_of(name);
        bool exists =
            is_listing(lists, name) ? add_listing(pool, query, hash) : add_host(pool, query, hash);
        query->status = !exists ? DNS_NO_NAME : query->n ? DNS_FOUND : DNS_NO_DATA;
    }
}

struct dns_source lists_source(struct lists *lists)
{
    return (struct dns_source){.ask = answer, .data = lists};
}
