/*
 * hash: a password as crypt(5) keeps it, and which of them are taken: those that Debian and Dovecot
 * make, as long as looking at one is not dearer than it has to be. Who may write a hash must not
 * choose the price of guessing at it:
 *
 *     $y$    yescrypt, up to four times as dear as crypt(5) has it
 *     $6$    SHA-512, at most 999 999 rounds
 *     $5$    SHA-256, likewise
 *     $2b$   bcrypt ($2a$, $2y$), at most 2^12 rounds: a quarter of a second
 */
#ifndef POTERNE_DIRECTORY_HASH_H
#define POTERNE_DIRECTORY_HASH_H

#include "base/err.h"
#include "base/str.h"

#define HASH_MAX 200 /* bytes of one */

/* The hash, without the scheme that may stand before it ({CRYPT}, {SHA512-CRYPT}, {SHA256-CRYPT},
 * {BLF-CRYPT}); empty: it is none that is taken. */
struct str hash_read(struct str text);

/* Is it of that password? Takes 5 to 300 ms. Without memory it is not. */
bool hash_is_of(const char *password, struct str hash);
/* A hash (yescrypt) of it, with a salt of its own. -1: err. */
int hash_make(const char *password, char out[HASH_MAX + 1], struct err *err);

#endif
