/*
 * sign_key: a public key out of a key record (RFC 6376 3.6.1, RFC 8463), and the check of a
 * signature with it. (DKIM itself is libopendkim's; this is for ARC, which it does not know.)
 */
#ifndef POTERNE_SENDER_SIGN_KEY_H
#define POTERNE_SENDER_SIGN_KEY_H

#include "base/buf.h"
#include "base/pool.h"

#define SIGN_RSA_BITS_MIN 1024 /* RFC 8301 */

struct sign_key; /* EVP_PKEY of OpenSSL */

/* Where the key is of the signature with these tags (RFC 6376 3.6.2.1); empty: s= and d= make no
 * name that could be asked for, or the pool is used up. */
struct str sign_key_name(struct pool *pool, struct str tags);

/* algorithm: "rsa-sha256" or "ed25519-sha256". NULL: *why says why it can't be used. */
struct sign_key *sign_key_read(struct str record, struct str algorithm, const char **why);
void sign_key_free(struct sign_key **key);
/* As OpenSSL has it; it stays the key's. */
struct evp_pkey_st *sign_key_pkey(const struct sign_key *key);

/* signature in base64, blanks and folds allowed. */
bool sign_key_fits(const struct sign_key *key, struct str bytes, struct str signature);

/* Base64 with blanks in it; what can't be read makes out fail. */
void sign_base64(struct str text, struct buf *out);

#endif
