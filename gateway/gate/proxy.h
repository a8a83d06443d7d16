/*
 * proxy: the header that a load balancer puts in front of a connection to say whose it is (HAProxy,
 * "The PROXY protocol", versions 1 and 2). It is read from proxies of ours alone (gate.proxy_from):
 * whoever else sends one is not believed.
 *
 * Stricter than the text where that costs nothing: no byte but what the grammar knows, addresses of
 * TCP only. What a header of version 2 says beside the addresses (TLVs) is skipped.
 */
#ifndef POTERNE_GATEWAY_GATE_PROXY_H
#define POTERNE_GATEWAY_GATE_PROXY_H

#include <sys/socket.h>

#include "base/str.h"

#define PROXY_V1_MAX 107         /* bytes with CR LF, section 2.1 */
#define PROXY_MAX    (16 + 4096) /* a whole header: that is enough for the TLVs of a certificate */

enum proxy_result {
    PROXY_MORE,    /* what came is the beginning of a header */
    PROXY_KNOWN,   /* *source is the client */
    PROXY_OWN,     /* LOCAL: the proxy itself looks after us */
    PROXY_UNKNOWN, /* UNKNOWN, UNSPEC, no TCP: a client whose address nobody tells */
    PROXY_BAD      /* no header, or a damaged one: nothing behind it may be believed */
};

/* Reads the header in front of `in`; *used: its bytes, when it is whole. */
enum proxy_result proxy_read(struct str in, struct sockaddr_storage *source, size_t *used);

#endif
