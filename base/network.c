#include "base/network.h"

#include <arpa/inet.h>
#include <stdio.h>

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

size_t network_reverse(const unsigned char *address, size_t n, char out[NETWORK_REVERSE_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    if (n == 4)
        return (size_t)snprintf(out, NETWORK_REVERSE_SIZE, "%d.%d.%d.%d", address[3], address[2],
                                address[1], address[0]);
    while (n-- > 0) {
        out[at++] = digits[address[n] & 15];
        out[at++] = '.';
        out[at++] = digits[address[n] >> 4];
        out[at++] = n ? '.' : '\0';
    }
    return at - 1;
}

socklen_t network_sockaddr(struct str ip, uint16_t port, struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    memset(address, 0, sizeof *address);
    if (!str_copy(ip, text, sizeof text) || strlen(text) != ip.n)
        return 0;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
        return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    return sizeof *six;
}
