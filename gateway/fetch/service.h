/*
 * service: what is asked for (protocol.h), from the request to its answer: the URL is read, its
 * host's addresses are asked of the resolver process, those that may be gone to are, and the time
 * for all of it runs from the request on. Nobody who asks can hold up another, and nothing waits in
 * a line: what is beyond a limit is FETCH_BUSY at once.
 */
#ifndef POTERNE_GATEWAY_FETCH_SERVICE_H
#define POTERNE_GATEWAY_FETCH_SERVICE_H

#include "gateway/fetch/web.h"

#define SERVICE_OPEN_MAX 128 /* requests at once */
/* … of them for URLs of strangers: logins must not wait for them; … */
#define SERVICE_STRANGERS_MAX 96
/* … and for servers of ours, which strangers may have asked with tokens that are none. */
#define SERVICE_OWN_MAX 96
/* … to one host of theirs: who owns it chooses how slowly it answers. */
#define SERVICE_HOST_MAX 8

struct service;

/* Reads what it needs; before the sandbox. NULL with err set. */
struct service *service_new(const struct conf *conf, struct event_base *base, struct err *err);
/* Answers those who come to listen_fd. */
int service_start(struct service *service, int listen_fd, struct err *err);
/* Takes no new askers. */
void service_drain(struct service *service);
/* Whether anybody still waits for an answer; who does not is sent away. For who drains. */
bool service_busy(struct service *service);
void service_free(struct service **service);

#endif
