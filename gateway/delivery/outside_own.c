/* Which addresses mail comes in on. */
#include <arpa/inet.h>
#include <ifaddrs.h>

#include "base/conf_place.h"
#include "base/log.h"
#include "gateway/delivery/outside.h"

static void add_own(struct mx_own *own, size_t *n, int family, const void *bytes, uint16_t port)
{
    if (*n < OUTSIDE_OWN_MAX && inet_ntop(family, bytes, own[*n].address, INET6_ADDRSTRLEN))
        own[(*n)++].port = port;
}

static void add_interfaces(struct mx_own *own, size_t *n, int family, uint16_t port)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) < 0) {
        log_warning("cannot ask for the machine's addresses: a mail loop by address is not seen");
        return;
    }
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != family)
            continue;
        const struct sockaddr_in *four = (const struct sockaddr_in *)one->ifa_addr;
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)one->ifa_addr;
        const void *bytes = family == AF_INET ? (const void *)&four->sin_addr : &six->sin6_addr;
        add_own(own, n, family, bytes, port);
    }
    freeifaddrs(all);
}

size_t outside_own_addresses(const struct conf *conf, struct mx_own own[OUTSIDE_OWN_MAX])
{
    static const unsigned char any[sizeof(struct in6_addr)];
    size_t n = 0;
    for (size_t i = 0; i < conf->smtp.listen.n; i++) {
        char host[INET6_ADDRSTRLEN];
        unsigned char bytes[sizeof(struct in6_addr)];
        uint16_t port;
        if (!conf_place_server(str_of(conf->smtp.listen.items[i]), host, &port))
            continue;
        int family = inet_pton(AF_INET, host, bytes) == 1 ? AF_INET : AF_INET6;
        size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
        if (family == AF_INET6 && inet_pton(AF_INET6, host, bytes) != 1)
            continue;
        if (memcmp(bytes, any, size) == 0)
            add_interfaces(own, &n, family, port);
        else
            add_own(own, &n, family, bytes, port);
    }
    return n;
}
