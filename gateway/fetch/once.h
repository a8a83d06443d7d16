/*
 * once: a request to poterne-fetch by who has time: it waits for the answer. For a process that
 * serves nobody meanwhile.
 */
#ifndef POTERNE_GATEWAY_FETCH_ONCE_H
#define POTERNE_GATEWAY_FETCH_ONCE_H

#include "gateway/fetch/protocol.h"

/* There is always an answer: FETCH_AWAY where nobody gives one within FETCH_GRACE_MS beyond the
 * request's time. Its texts point into `room`, whose maximum must be IPC_MSG_MAX or more. */
void fetch_once(const char *run_dir, const struct fetch_request *request, struct buf *room,
                struct fetch_answer *answer);

#endif
