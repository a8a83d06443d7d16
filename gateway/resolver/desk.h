/*
 * desk: questions of an event loop to the resolver (protocol.h), over one lasting
 * connection. Every question that was taken gets exactly one answer, unless it is cancelled, and
 * from the loop; where the resolver goes away it is DNS_TEMP_FAILED.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_DESK_H
#define POTERNE_GATEWAY_RESOLVER_DESK_H

#include <event2/event.h>

#include "gateway/resolver/protocol.h"

#define DNS_DESK_OPEN_MAX 4000 /* the resolver takes as many of one connection */

/* `ticket` is that of the question; the answer lives during the call. */
typedef void dns_answered(void *asker, uint32_t ticket, const struct resolver_answer *answer);

struct dns_desk;
/* NULL with err set. */
struct dns_desk *dns_desk_open(struct event_base *base, const char *run_dir, struct err *err);
void dns_desk_close(struct dns_desk **desk);
/* False: it can't be asked now, and there is no answer. */
bool dns_desk_ask(struct dns_desk *desk, enum dns_type type, struct str name,
                  dns_answered *answered, void *asker, uint32_t ticket);
/* No answer comes for that asker any more. */
void dns_desk_cancel(struct dns_desk *desk, const void *asker);
/* Once a second. */
void dns_desk_tick(struct dns_desk *desk);

#endif
