/*
 * secrets: the file of second factors (directory/factor.h) as it is now: one that has changed is
 * read when two looks have found it the same; on a mistake what was read before serves on.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_SECRETS_H
#define POTERNE_GATEWAY_DIRECTORY_SECRETS_H

#include "directory/factor.h"

struct secrets;

/* Where the path is NULL there is none, and none has a second factor by it. NULL with err. */
struct secrets *secrets_open(const char *path, struct err *err);
void secrets_close(struct secrets **secrets);
/* Twice a second, by the loop; tells the log. */
void secrets_refresh(struct secrets *secrets);
/* What is in it now, in any thread; to be freed. NULL: nothing. */
struct factor_file *secrets_now(struct secrets *secrets);

#endif
