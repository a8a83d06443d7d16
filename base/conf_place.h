/*
 * conf_place: what a setting can name outside of itself: paths, addresses to listen on, next hops.
 */
#ifndef POTERNE_BASE_CONF_PLACE_H
#define POTERNE_BASE_CONF_PLACE_H

#include "base/conf.h"
#include "base/pool.h"

#define CONF_SOCKET_PATH_MAX 107 /* sun_path without its NUL */
#define CONF_SOCKET_NAME_MAX 24  /* "directory.sock" and others below run_dir */

/* Absolute, and no `..` that would lead out of what it names. */
bool conf_place_path(struct str text);
/* Such a path without `//`, `/./` and a '/' at its end, so that whoever compares two compares the
 * same spelling; lives in pool. NULL: out of memory. */
const char *conf_place_fold(struct str path, struct pool *pool);
/* "192.0.2.10:25" or "[2001:db8::1]:25"; -1: err says what was expected. */
int conf_place_listen(struct str text, struct err *err);
/* "192.0.2.53" or "2001:db8::53" (port 53), or with a port as above; `host` has room for
 * INET6_ADDRSTRLEN. */
bool conf_place_server(struct str text, char *host, uint16_t *port);
/* "/run/clamav/clamd.ctl", "127.0.0.1:3310" or "icap://127.0.0.1:1344/avscan". Texts live in pool;
 * -1: err says what was expected.
 */
int conf_place_peer(struct str text, struct pool *pool, struct conf_peer *peer, struct err *err);
/* The same for a mail server of others, which may have a name instead of the address:
 * "smtp://mail.example.org:587"; `mx`: "mx" will do, too. */
int conf_place_relay(struct str text, bool mx, struct pool *pool, struct conf_hop *hop,
                     struct err *err);
/* Texts live in pool; -1: err says what was expected. */
int conf_place_hop(struct str text, struct pool *pool, struct conf_hop *hop, struct err *err);

#endif
