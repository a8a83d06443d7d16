/*
 * unbound: the library libunbound, set up as the settings ask for: cache, DNSSEC, and either the
 * servers that are named or the way down from the root. It runs within the event loop, without a
 * thread or a process of its own. What it reads from files it has read when unbound_open() returns,
 * so that a sandbox can close. The same question asked again while it is open is asked once.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_UNBOUND_H
#define POTERNE_GATEWAY_RESOLVER_UNBOUND_H

#include <event2/event.h>

#include "base/conf.h"
#include "gateway/resolver/packet.h"

struct unbound;

/* The base must live longer. NULL with err set. */
struct unbound *unbound_open(const struct conf_resolver *conf, struct event_base *base,
                             struct err *err);
/* No answer comes any more. */
void unbound_close(struct unbound **unbound);
/* Whether answers are checked: a trust anchor is there. */
bool unbound_checks(const struct unbound *unbound);

/* What an answer is made of; everything lives during the call only. */
struct unbound_answer {
    int rcode;         /* 0: there is a packet */
    struct str packet; /* (packet.h) */
    bool secure, bogus;
};

typedef void unbound_answered(void *data, const struct unbound_answer *answer);

/*
 * Asks; `answered` is called once, within the call if the answer is known. It can't be called back:
 * `data` lives until then, or until unbound_close(). -1: it could not be asked and no call comes.
 */
int unbound_ask(struct unbound *unbound, const char *name, enum dns_type type,
                unbound_answered *answered, void *data);

#endif
