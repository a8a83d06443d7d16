/*
 * client: who is connected, by address (IPv6: by /64, which is what one customer gets), with
 * how many sessions, and each one's queue in the waiting line. An entry lives as long as somebody
 * holds it.
 */
#ifndef POTERNE_GATEWAY_EDGE_CLIENT_H
#define POTERNE_GATEWAY_EDGE_CLIENT_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "gateway/edge/line.h"

#define CLIENT_IP_SIZE INET6_ADDRSTRLEN

struct client {
    struct client *next; /* in its bucket */
    unsigned char key[16];
    unsigned holders;  /* sessions and messages */
    unsigned sessions; /* for client_sessions_limit */
    struct line_queue queue;
};

struct clients;
/* NULL: out of memory */
struct clients *clients_new(void);
/* Only when nobody holds any. */
void clients_free(struct clients **clients);

/* The one of that address, held once more; without an address (AF_UNSPEC: a server in front has not
 * told it) a new one each time. NULL: out of memory. */
struct client *client_hold(struct clients *clients, const struct sockaddr_storage *address);
void client_keep(struct client *client); /* held once more */
void client_release(struct clients *clients, struct client **client);

/* "192.0.2.1", "2001:db8::1"; an IPv4 address that comes mapped into IPv6 is written as itself. */
void client_ip(const struct sockaddr_storage *address, char ip[CLIENT_IP_SIZE]);

#endif
