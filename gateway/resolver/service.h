/*
 * service: those who ask (protocol.h), what they may ask, and their questions on the way to the
 * library and back. One event loop; nobody who asks can hold up another, and whoever does what the
 * protocol does not know, or does not take its answers, is cut off.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_SERVICE_H
#define POTERNE_GATEWAY_RESOLVER_SERVICE_H

#include "base/conf.h"
#include "gateway/resolver/health.h"
#include "gateway/resolver/protocol.h"
#include "gateway/resolver/unbound.h"

#define SERVICE_ASKERS_MAX 4000  /* connections; others wait in the socket's line */
#define SERVICE_OPEN_MAX   10000 /* questions open at once, of everybody */
/* When half of them are open a message may have so many at once, and the last are for those who ask
 * for everybody (edge, probes): who sends mail with many slow names must not take all places. */
#define SERVICE_CROWDED_MAX 20
#define SERVICE_KEPT        2000
#define SERVICE_LASTING_MS  10000         /* how long a question of a lasting connection may take */
#define SERVICE_LASTING_MAX 4000          /* open questions of one lasting connection */
#define SERVICE_UNSENT_MAX  (1024 * 1024) /* bytes of answers that an asker has not taken */
#define SERVICE_ANSWER_POOL (4 * 1024 * 1024)

struct service;

/* Answers those who come to listen_fd. NULL with err set. */
struct service *service_open(const struct conf *conf, struct event_base *base,
                             struct unbound *unbound, int listen_fd, struct err *err);
/* Takes no new askers; those who are there may finish. */
void service_drain(struct service *service);
/* Askers that are for one message and not done. */
size_t service_busy(const struct service *service);
/* Before the library is closed: whoever is still there is cut off. */
void service_stop(struct service *service);
/* After the library is closed. */
void service_free(struct service **service);

#endif
