/*
 * paths: all files and folders that settings name: those of each setting that is a path, but the
 * folders and sockets of the running gateway, and ClamAV's databases, which are large, public, and
 * renewed several times a day. Nor what others own: the databases of outside scanners, and of
 * sections sqlite, which may change while they are read.
 */
#ifndef POTERNE_BACKUP_PATHS_H
#define POTERNE_BACKUP_PATHS_H

#include "base/conf.h"
#include "base/err.h"

/* A result of `each` other than 0 ends the walk and is its result. */
int paths_each(const struct conf *conf, int (*each)(void *data, const char *path, struct err *err),
               void *data, struct err *err);

#endif
