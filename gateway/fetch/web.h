/*
 * web: HTTPS by libcurl in an event loop: one transfer from a place whose addresses are known to
 * its answer. No name is resolved and no file opened here after web_open(): the authorities are
 * read once.
 */
#ifndef POTERNE_GATEWAY_FETCH_WEB_H
#define POTERNE_GATEWAY_FETCH_WEB_H

#include <event2/event.h>

#include "base/conf.h"
#include "gateway/fetch/url.h"
#include "gateway/gate/networks.h"

#define WEB_HEADER_MAX      ((size_t)32 * 1024) /* bytes of an answer's header, trailer and all */
#define WEB_CONNECT_MS      10000               /* a part of the time alone: the other addresses */
#define WEB_CONNECTIONS_MAX 16                  /* to our own servers, kept for the next request */
#define WEB_ADDRESSES_MAX   16                  /* of a host; those behind are not tried */

struct web;
struct transfer;

/* What is asked, and of whom; all texts must live until web_start() comes back, the body until the
 * transfer ends. */
struct web_request {
    const struct place *place;
    const struct networks *never_to; /* a stranger's: not gone to; NULL: it is a server of ours */
    const char *addresses; /* "192.0.2.1,[2001:db8::1]"; "" where the place is an address */
    enum fetch_method method;
    struct str type, body;
    const char *user, *password; /* NULL: nobody */
    size_t answer_max;
    int64_t milliseconds;
};

/* Once, from the loop, never from within web_start(). The answer lives during the call. */
typedef void web_done(void *data, const struct fetch_answer *answer);

/* What the settings name is read. NULL with err set. */
struct web *web_open(const struct conf *conf, struct event_base *base, struct err *err);
void web_close(struct web **web);

/* NULL: no memory. */
struct transfer *web_start(struct web *web, const struct web_request *request, web_done *done,
                           void *data);
/* Ends it, and whatever it holds; there is no answer if there was none yet. */
void web_end(struct transfer **transfer);

#endif
