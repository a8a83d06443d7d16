/* places: the folders and TCP listeners that poterned makes ready before anything starts. */
#ifndef POTERNE_GATEWAY_PLACES_H
#define POTERNE_GATEWAY_PLACES_H

#include "base/conf.h"

/* State and run folders with their owner and mode; existing ones are brought to these. */
int places_make(const struct conf *conf, struct err *err);

/*
 * A listening TCP socket for each address of smtp.listen, then of submission.listen, then of
 * submission.listen_tls (edge knows them by that order): those that `old` has already (by address)
 * are kept, new ones are opened. On -1 nothing has changed; errno is EADDRINUSE where somebody else
 * has one. fds has room for ROLE_LISTENERS_MAX.
 */
int places_listen(const struct conf *conf, const int *old, size_t n_old, int *fds, size_t *n_fds,
                  struct err *err);

/*
 * The lock on a state folder that exists: who holds it, or a copy of its descriptor, may change
 * what is in it (gateway/owner.h). The descriptor; -1, with errno EWOULDBLOCK: somebody else has
 * it.
 */
int places_own(const char *state_dir, struct err *err);

#endif
