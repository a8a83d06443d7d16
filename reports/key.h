/*
 * key: the secret of this installation, with which edge signs the id of each message and reports
 * tell a genuine original from a forged one (signature.h).
 *
 * STATE_DIR/signature.key holds one key a line, 64 hexadecimal digits; `#` starts a comment. The
 * first signs, the second is accepted too: to change the key, write a new line above the old one,
 * reload, and remove the old line when mail signed with it is of no more interest. The file is made
 * once, with mode 0640, in the folder's group. What is in it is never logged.
 */
#ifndef POTERNE_REPORTS_KEY_H
#define POTERNE_REPORTS_KEY_H

#include "base/err.h"
#include "base/str.h"

#define KEY_SIZE 32 /* bytes: as many as HMAC-SHA256 gives */
#define KEYS_MAX 2

struct keys {
    size_t n; /* 0: nothing can be signed */
    unsigned char bytes[KEYS_MAX][KEY_SIZE];
};

/* Makes the file with a new random key where there is none; one that is there stays as it is,
 * whoever else is making one at the same moment. */
int keys_make(const char *state_dir, struct err *err);

/* -1: the file is missing, unreadable, or not as above; *keys is empty then. */
int keys_read(const char *state_dir, struct keys *keys, struct err *err);

/* Overwrites them in memory. */
void keys_wipe(struct keys *keys);

#endif
