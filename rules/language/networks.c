#include "rules/language/networks.h"

#include <arpa/inet.h>

#define BITS             128
#define BITS_BEFORE_IPV4 96

#define BAD_NETWORK(err, word)                                                                     \
    err_set((err), "'%.*s' is no network (192.0.2.0/24, 2001:db8::/32, 192.0.2.1-192.0.2.9)",      \
            STR_ARG(str_sub((word), 0, 60)))

static void map_ipv4(const unsigned char ipv4[4], unsigned char address[16])
{
    memset(address, 0, 10);
    address[10] = address[11] = 0xff;
    memcpy(address + 12, ipv4, 4);
}

/* Without "[ ]" around it, "IPv6:" before it and "%scope" behind it. */
static struct str bare(struct str text)
{
    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = str_sub(text, 1, text.n - 1);
    if (str_istarts(text, STR("IPv6:")))
        text = str_from(text, 5);
    return str_sub(text, 0, str_chr(text, '%'));
}

/* "10", "10.1.", "192.0.2.1": how many bytes are there, 0 when it is none. Zeros before a number
 * are no octal here. */
static size_t parse_ipv4(struct str text, unsigned char ipv4[4])
{
    size_t n = 0;
    struct str piece;
    uint64_t value;
    if (str_ends(text, STR(".")))
        text.n--;
    while (str_next(&text, '.', &piece)) {
        if (n == 4 || piece.n > 3 || !str_to_u64(piece, 255, &value))
            return 0;
        ipv4[n++] = (unsigned char)value;
    }
    return n;
}

bool networks_parse_address(struct str text, unsigned char address[16])
{
    unsigned char ipv4[4];
    char copy[INET6_ADDRSTRLEN];
    text = bare(text);
    if (!str_ends(text, STR(".")) && parse_ipv4(text, ipv4) == 4) {
        map_ipv4(ipv4, address);
        return true;
    }
    return str_chr(text, ':') != STR_NONE && str_copy(text, copy, sizeof copy) &&
           inet_pton(AF_INET6, copy, address) == 1;
}

/* The first and the last address of a network of so many bits. */
static void set_prefix(struct network *network, unsigned bits)
{
    memcpy(network->to, network->from, sizeof network->to);
    for (unsigned i = 0; i < BITS; i++) {
        unsigned char bit = (unsigned char)(0x80u >> (i % 8));
        if (i >= bits) {
            network->from[i / 8] &= (unsigned char)~bit;
            network->to[i / 8] |= bit;
        }
    }
}

/* "10.1/16", "2001:db8::/32", "[2001:db8::]/32", "[2001:db8::/32]" */
static bool parse_prefixed(struct str text, struct network *network)
{
    unsigned char ipv4[4] = {0};
    uint64_t bits;
    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = str_sub(text, 1, text.n - 1);
    size_t slash = str_chr(text, '/');
    struct str address = str_sub(text, 0, slash);
    size_t bytes = parse_ipv4(bare(address), ipv4);
    unsigned most = bytes ? 32 : BITS;
    if (bytes)
        map_ipv4(ipv4, network->from);
    else if (!networks_parse_address(address, network->from))
        return false;
    if (slash == STR_NONE)
        bits = bytes ? 8 * bytes : BITS;
    else if (!str_to_u64(str_from(text, slash + 1), most, &bits))
        return false;
    set_prefix(network, (unsigned)bits + (bytes ? BITS_BEFORE_IPV4 : 0));
    return true;
}

static bool parse_range(struct str text, size_t dash, struct network *network)
{
    return networks_parse_address(str_trim(str_sub(text, 0, dash)), network->from) &&
           networks_parse_address(str_trim(str_from(text, dash + 1)), network->to) &&
           memcmp(network->from, network->to, sizeof network->from) <= 0;
}

static bool parse_network(struct str text, struct network *network)
{
    size_t dash = str_chr(text, '-');
    return dash == STR_NONE ? parse_prefixed(text, network) : parse_range(text, dash, network);
}

int networks_add(struct networks *networks, struct pool *pool, struct str word, struct err *err)
{
    struct network network = {.excluded = str_starts(word, STR("!"))};
    if (!parse_network(str_from(word, network.excluded ? 1 : 0), &network))
        return BAD_NETWORK(err, word);
    if (networks->n == NETWORKS_MAX)
        return err_set(err, "more than %d networks", NETWORKS_MAX);
    struct network *list =
        pool_grow(pool, networks->list, networks->n, &networks->cap, sizeof *list);
    if (list == NULL)
        return err_set(err, "out of memory for rules");
    networks->list = list;
    list[networks->n++] = network;
    return 0;
}

static bool within(const struct network *network, const unsigned char address[16])
{
    return memcmp(address, network->from, sizeof network->from) >= 0 &&
           memcmp(address, network->to, sizeof network->to) <= 0;
}

bool networks_have(const struct networks *networks, struct str address)
{
    unsigned char bytes[16];
    if (!networks_parse_address(address, bytes))
        return false;
    for (size_t i = 0; i < networks->n; i++) {
        if (within(&networks->list[i], bytes))
            return !networks->list[i].excluded;
    }
    return false;
}

bool networks_literal_has(struct str literal, struct str address)
{
    struct network network;
    unsigned char bytes[16];
    return parse_network(literal, &network) && networks_parse_address(address, bytes) &&
           within(&network, bytes);
}
