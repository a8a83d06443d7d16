#include "gateway/edge/client.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define BUCKETS 4096

struct clients {
    uint64_t seed;
    uint64_t unknown; /* clients without an address that there were */
    struct client *buckets[BUCKETS];
};

struct clients *clients_new(void)
{
    struct clients *clients = calloc(1, sizeof *clients);
    if (clients)
        random_fill(&clients->seed,
                    sizeof clients->seed); /* who connects must not choose buckets */
    return clients;
}

void clients_free(struct clients **clients)
{
    free(*clients);
    *clients = NULL;
}

static bool mapped_v4(const struct sockaddr_storage *address, struct in_addr *v4)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    if (address->ss_family == AF_INET) {
        *v4 = in4->sin_addr;
        return true;
    }
    if (address->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return false;
    memcpy(v4, in6->sin6_addr.s6_addr + 12, sizeof *v4);
    return true;
}

static void make_key(struct clients *clients, const struct sockaddr_storage *address,
                     unsigned char key[16])
{
    struct in_addr v4;
    memset(key, 0, 16);
    if (mapped_v4(address, &v4)) {
        key[8] = 4; /* apart from every /64 */
        memcpy(key + 12, &v4, sizeof v4);
    } else if (address->ss_family == AF_INET6) {
        memcpy(key, ((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr, 8);
    } else { /* nobody's but its own: what one does must not be held against the others */
        clients->unknown++;
        memcpy(key, &clients->unknown, sizeof clients->unknown);
        memset(key + 8, 0xff, 8);
    }
}

void client_ip(const struct sockaddr_storage *address, char ip[CLIENT_IP_SIZE])
{
    struct in_addr v4;
    const char *done = NULL;
    if (mapped_v4(address, &v4))
        done = inet_ntop(AF_INET, &v4, ip, CLIENT_IP_SIZE);
    else if (address->ss_family == AF_INET6)
        done = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, ip,
                         CLIENT_IP_SIZE);
    if (done == NULL)
        memcpy(ip, "unknown", sizeof "unknown");
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
    return x ^ x >> 33;
}

static struct client **bucket_of(struct clients *clients, const unsigned char key[16])
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    return &clients->buckets[mix(mix(clients->seed ^ half[0]) ^ half[1]) % BUCKETS];
}

struct client *client_hold(struct clients *clients, const struct sockaddr_storage *address)
{
    unsigned char key[16];
    make_key(clients, address, key);
    struct client **bucket = bucket_of(clients, key);
    for (struct client *c = *bucket; c; c = c->next)
        if (memcmp(c->key, key, sizeof key) == 0) {
            c->holders++;
            return c;
        }
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    memcpy(c->key, key, sizeof key);
    c->holders = 1;
    c->next = *bucket;
    *bucket = c;
    return c;
}

void client_keep(struct client *client)
{
    client->holders++;
}

void client_release(struct clients *clients, struct client **client)
{
    struct client *c = *client;
    *client = NULL;
    if (c == NULL || --c->holders > 0)
        return;
    struct client **at = bucket_of(clients, c->key);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    free(c);
}
