/*
 * url: what may be asked for. Strangers name URLs, too: mta-sts.DOMAIN for who owns DOMAIN, and
 * where reports go (RFC 8460 3), so one must not lead into our own networks: no address, no name
 * without a dot, no user, no port but that of the settings; where the name's addresses lie is
 * looked at when they are known.
 */
#ifndef POTERNE_GATEWAY_FETCH_URL_H
#define POTERNE_GATEWAY_FETCH_URL_H

#include "base/err.h"
#include "gateway/fetch/protocol.h"
#include "sender/dns.h"

struct place {
    char host[DNS_NAME_MAX + 1]; /* lower case; of an address without brackets */
    uint16_t port;
    bool is_address;
    char url[FETCH_URL_MAX + 32]; /* as it is asked for, with the port */
};

/* Reads https://HOST[:PORT][/…]. -1: err says what is wrong with it. */
int url_read_own(struct str url, struct place *place, struct err *err);
/* … named by a stranger, whose server listens on `port`. */
int url_read_stranger(struct str url, uint16_t port, struct place *place, struct err *err);

#endif
