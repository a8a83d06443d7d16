/*
 * role_user: who a program runs as. Started by root, role x becomes user `<user_prefix>x` with
 * group `group`, or, where conf.uid_first is set, the nameless numbers uid_first + n (for a
 * trial without accounts). Started by anybody else it stays who it is.
 */
#ifndef POTERNE_BASE_ROLE_USER_H
#define POTERNE_BASE_ROLE_USER_H

#include <sys/types.h>

#include "base/conf.h"

/* -1 when the account is missing: err says how to make it. */
int role_user_find(const struct conf *conf, const char *role, uid_t *uid, gid_t *gid,
                   struct err *err);
/* For good: no way back to root. */
int role_become_user(const struct conf *conf, const char *role, struct err *err);

#endif
