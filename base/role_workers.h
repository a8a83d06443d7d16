/*
 * role_workers: the leader of a kind: forks the workers after everything is loaded (so that rules,
 * model and signatures are shared pages), puts a new one in the place of one that died, and drains
 * them all at the end. It reads nothing but the control socket.
 */
#ifndef POTERNE_BASE_ROLE_WORKERS_H
#define POTERNE_BASE_ROLE_WORKERS_H

#include "base/role.h"

#define ROLE_WORKERS_MAX 1000

int role_lead_workers(const struct role *role, const struct role_env *env, void *data,
                      struct err *err);

#endif
