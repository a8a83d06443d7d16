#include "sender/spf_client.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/domain.h"
#include "base/network.h"

static void write_dotted(struct spf_client *client)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = client->dotted;
    if (client->family == AF_INET) {
        snprintf(client->dotted, sizeof client->dotted, "%s", client->readable);
        return;
    }
    for (size_t i = 0; i < 16; i++) {
        *out++ = digits[client->address[i] >> 4];
        *out++ = '.';
        *out++ = digits[client->address[i] & 15];
        *out++ = i < 15 ? '.' : '\0';
    }
}

bool spf_client_read(struct spf_client *client, struct str ip)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr six;
    *client = (struct spf_client){.family = AF_INET};
    if (!str_copy(ip, text, sizeof text))
        return false;
    if (inet_pton(AF_INET, text, client->address) != 1) {
        if (inet_pton(AF_INET6, text, &six) != 1)
            return false;
        if (IN6_IS_ADDR_V4MAPPED(&six)) {
            memcpy(client->address, six.s6_addr + 12, 4);
        } else {
            client->family = AF_INET6;
            memcpy(client->address, six.s6_addr, 16);
        }
    }
    if (!inet_ntop(client->family, client->address, client->readable, sizeof client->readable))
        return false;
    write_dotted(client);
    return true;
}

bool spf_client_is_in(const struct spf_client *client, struct str address, unsigned prefix)
{
    size_t n = client->family == AF_INET ? 4 : 16;
    if (address.n != n || prefix > n * 8)
        return false;
    if (memcmp(client->address, address.s, prefix / 8) != 0)
        return false;
    unsigned rest = prefix % 8;
    unsigned mask = 0xffU << (8 - rest) & 0xff;
    return rest == 0 ||
           ((client->address[prefix / 8] ^ (unsigned char)address.s[prefix / 8]) & mask) == 0;
}

/* --- names --- */

static struct str reverse_name(const struct spf_client *client, struct pool *pool)
{
    bool four = client->family == AF_INET;
    char reverse[NETWORK_REVERSE_SIZE];
    network_reverse(client->address, four ? 4 : 16, reverse);
    return pool_strf(pool, "%s.%s", reverse, four ? "in-addr.arpa" : "ip6.arpa");
}

static bool leads_back(const struct spf_client *client, const struct dns_query *query)
{
    for (size_t i = 0; i < query->n; i++)
        if (spf_client_is_in(client, query->records[i].data, client->family == AF_INET ? 32 : 128))
            return true;
    return false;
}

static void ask_names(struct spf_client *client, const struct dns_source *dns, struct pool *pool)
{
    struct dns_query hosts[SPF_NAMES_MAX];
    if (client->asked)
        return;
    client->asked = true;
    struct str reverse = reverse_name(client, pool);
    if (!reverse.s)
        return;
    const struct dns_query query = dns_ask(dns, pool, DNS_PTR, reverse);
    size_t n = query.n < SPF_NAMES_MAX ? query.n : SPF_NAMES_MAX;
    for (size_t i = 0; i < n; i++)
        hosts[i] = (struct dns_query){.type = client->family == AF_INET ? DNS_A : DNS_AAAA,
                                      .name = query.records[i].data};
    if (n > 0)
        dns->ask(dns->data, pool, hosts, n);
    for (size_t i = 0; i < n; i++)
        if (leads_back(client, &hosts[i]))
            client->names[client->n_names++] = hosts[i].name;
}

static struct str name_below(const struct spf_client *client, struct str domain)
{
    struct str found = STR_EMPTY;
    for (size_t i = 0; i < client->n_names; i++) {
        if (str_ieq(client->names[i], domain))
            return client->names[i];
        if (found.n == 0 && domain_holds(domain, client->names[i]))
            found = client->names[i];
    }
    return found;
}

bool spf_client_is_named(struct spf_client *client, struct str domain, const struct dns_source *dns,
                         struct pool *pool)
{
    ask_names(client, dns, pool);
    return name_below(client, domain).n > 0;
}

struct str spf_client_name(struct spf_client *client, struct str domain,
                           const struct dns_source *dns, struct pool *pool)
{
    ask_names(client, dns, pool);
    struct str name = name_below(client, domain);
    if (name.n > 0)
        return name;
    return client->n_names > 0 ? client->names[0] : STR("unknown");
}
