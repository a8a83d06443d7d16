/*
 * maildir: delivery into a Maildir (D. J. Bernstein, "Using maildir format"). Blocks: called from
 * a thread.
 *
 * The file's name is made from the message's id and the recipient's number, so that a message
 * delivered again after a crash takes the place of its first copy as long as nobody has read it.
 */
#ifndef POTERNE_GATEWAY_CLIENT_MAILDIR_H
#define POTERNE_GATEWAY_CLIENT_MAILDIR_H

#include "base/conf.h"
#include "spool/spool.h"

#define MAILDIR_PATH_MAX 4096

/*
 * The folder of a recipient: %d in the template is the domain, %u the local part, both in lower
 * case, %% a percent sign. A byte that means something in a path ('/', a leading '.', controls, '='
 * itself) becomes =XX, so that different addresses never share a folder. -1: no such folder.
 */
int maildir_path(const char *pattern, struct str address, char path[MAILDIR_PATH_MAX],
                 struct err *err);

/* The part of the template before the first %: what a sandbox must allow. */
int maildir_root(const char *pattern, char path[MAILDIR_PATH_MAX], struct err *err);

/* Written to tmp/, fsync'd, renamed to new/, the folder fsync'd; folders that are missing are made
 * (mode 0700). After 0 it is delivered. */
int maildir_deliver(const char *pattern, const char *hostname, const struct spool_file *file,
                    uint32_t recipient, struct err *err);

#endif
