/* dns_ask: one question to the running resolver. */
#ifndef POTERNE_TOOLS_DNS_ASK_H
#define POTERNE_TOOLS_DNS_ASK_H

#include "base/conf.h"
#include "gateway/resolver/protocol.h"

/* On the connection that resolver_connect() made. Texts live in pool. -1: it gave no answer. */
int dns_ask_resolver(int fd, enum dns_type type, struct str name, struct pool *pool,
                     struct resolver_answer *answer, struct err *err);
/* A connection to it; -1: it does not run. */
int dns_ask_connect(const struct conf *conf, struct err *err);
/* Adds what may be the matter to the error of one of them. */
void dns_ask_failed(const struct conf *conf, struct err *err);

#endif
