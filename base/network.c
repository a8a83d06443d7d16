#include "base/network.h"

#include <arpa/inet.h>

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static const unsigned char mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static bool parse_address(struct str text, unsigned char address[NETWORK_BYTES], bool *four)
{
    char name[INET6_ADDRSTRLEN];
    if (!str_copy(text, name, sizeof name) || strlen(name) != text.n)
        return false;
    *four = str_chr(text, ':') == STR_NONE;
    if (!*four)
        return inet_pton(AF_INET6, name, address) == 1;
    memcpy(address, mapped, sizeof mapped);
    return inet_pton(AF_INET, name, address + sizeof mapped) == 1;
}

static bool bit_at(const unsigned char address[NETWORK_BYTES], unsigned i)
{
    return address[i / 8] >> (7 - i % 8) & 1;
}

bool network_parse(struct str text, struct network *network)
{
    size_t slash = str_chr(text, '/');
    bool four;
    *network = (struct network){.prefix = 8 * NETWORK_BYTES};
    if (!parse_address(str_sub(text, 0, slash), network->address, &four))
        return false;
    if (slash != STR_NONE) {
        uint64_t bits;
        unsigned before = four ? MAPPED_BITS : 0;
        if (!str_to_u64(str_from(text, slash + 1), 8 * NETWORK_BYTES - before, &bits))
            return false;
        network->prefix = before + (unsigned)bits;
    }
    for (unsigned i = network->prefix; i < 8 * NETWORK_BYTES; i++)
        if (bit_at(network->address, i))
            return false;
    return true;
}

bool network_holds(const struct network *network, struct str ip)
{
    unsigned char address[NETWORK_BYTES];
    bool four;
    if (!parse_address(ip, address, &four))
        return false;
    unsigned whole = network->prefix / 8;
    if (memcmp(address, network->address, whole) != 0)
        return false;
    for (unsigned i = 8 * whole; i < network->prefix; i++)
        if (bit_at(address, i) != bit_at(network->address, i))
            return false;
    return true;
}
