/*
 * logins: the threads that check passwords: at LDAP directories (directory/ldap/login.h), so many
 * for each that people log in to as its `connections` says, and by the hashes of files of accounts
 * (directory/account_login.h), a few for all of them. The sources of the user's domain are asked in
 * order, the first that knows the user answers. A slow directory holds up its own
 * people alone; the line before it is bounded, and whoever waits longer than LOGIN_PATIENCE_MS is
 * told LOGIN_AWAY. Everything here is called by the loop's thread. Passwords are wiped as soon as
 * they have been tried; nothing is remembered.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_LOGINS_H
#define POTERNE_GATEWAY_DIRECTORY_LOGINS_H

#include "directory/login.h"
#include "directory/sources.h"
#include "gateway/clients.h"

#define LOGINS_OPEN_MAX 1000 /* that wait or are being checked; one more is LOGIN_AWAY */

struct logins;

/* Opens what the threads need, before the sandbox closes; nobody can log in where no submission
 * port is set. The directory outlives it. NULL with err. */
struct logins *logins_new(const struct conf *conf, const struct directory *directory,
                          struct err *err);
/* Starts the threads; wake_fd is written to when there is something for logins_tend(). */
int logins_start(struct logins *logins, int wake_fd, struct err *err);
/* False: a thread is still within a bind; nothing was freed, and the process has to end. */
bool logins_stop(struct logins **logins);

/* A request of the client's (which has its mark); it is answered now or by logins_tend(). */
void logins_take(struct logins *logins, struct client *client,
                 const struct directory_request *request);
/* After every round of the loop: what was checked meanwhile, and what takes too long. */
void logins_tend(struct logins *logins);
/* Twice a second: whether the file of second factors has changed. */
void logins_refresh(struct logins *logins);
/* Milliseconds until logins_tend() has something to do by itself; -1: never. */
int logins_pause(const struct logins *logins);

#endif
