/*
 * account_file: a file of accounts or of second factors, changed while the gateway may read it:
 * under a lock (of the file itself), in one rename, with its owner, group and mode, and all of its
 * text that is not meant. What it is behind a symbolic link is changed, not the link.
 */
#ifndef POTERNE_TOOLS_ACCOUNT_FILE_H
#define POTERNE_TOOLS_ACCOUNT_FILE_H

#include <limits.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

/* An empty file is a mistake for who reads it; one where nobody is, is not. */
#define ACCOUNT_FILE_FIRST "# made by poterne account\n"

struct account_file {
    char path[PATH_MAX];
    int fd; /* holds the lock */
    struct stat st;
    struct buf text;
};

/* Waits for the lock. One that is not there is made (with a comment alone, for the directory
 * process to read). -1: err, and nothing to close. */
int account_file_open(const struct conf *conf, const char *path, size_t max,
                      struct account_file *file, struct err *err);
/* That text in its place, durably. */
int account_file_replace(struct account_file *file, struct str text, struct err *err);
/* Wipes the text. */
void account_file_close(struct account_file *file);

#endif
