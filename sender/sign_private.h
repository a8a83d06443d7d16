/*
 * sign_private: the private keys that our own mail is signed with (DKIM), a PEM file each (PKCS
 * #8), and the records that say their public halves (RFC 6376 3.6.1, RFC 8463).
 *
 * FOLDER/DOMAIN/SELECTOR.key, where FOLDER is sign_folder(). A file that is there is a selector
 * that is published; which of them sign is said by the settings (conf_domain.dkim).
 */
#ifndef POTERNE_SENDER_SIGN_PRIVATE_H
#define POTERNE_SENDER_SIGN_PRIVATE_H

#include <limits.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"

#define SIGN_RSA_BITS     2048 /* of a new key: RFC 8301; larger ones don't fit one UDP answer */
#define SIGN_RSA_BITS_MAX 4096 /* of one that is used: RFC 8301 */
#define SIGN_KEY_FILE_MAX 8192 /* bytes */
#define SIGN_KEY_END      ".key"
#define SIGN_RECORD_MAX   1024 /* bytes: RSA 4096 needs about 720 */
#define SIGN_STRING_MAX   255  /* bytes of one string of a TXT record (RFC 1035 3.3) */

enum sign_kind { SIGN_RSA, SIGN_ED25519 };
#define SIGN_KINDS 2
/* "rsa" and "ed25519": as k= says them, too */
const char *sign_kind_name(enum sign_kind kind);

struct sign_private {
    enum sign_kind kind;
    unsigned bits;
    void *pkey;       /* EVP_PKEY of OpenSSL */
    struct buf pem;   /* as it stands in its file, NUL behind it */
    bool open_to_all; /* users beside its owner and his group can read the file */
};

/* Where the keys of these settings are. -1: it does not fit. */
int sign_folder(const struct conf *conf, char path[PATH_MAX], struct err *err);
/* The file of a selector; both are in the form of domain_normal(). */
int sign_key_path(const struct conf *conf, const char *domain, const char *selector,
                  char path[PATH_MAX], struct err *err);

/* A new one. NULL with err set, as below. */
struct sign_private *sign_private_make(enum sign_kind kind, struct err *err);
/* NULL: it is not there, can't be read, is no such key or too weak (SIGN_RSA_BITS_MIN). */
struct sign_private *sign_private_read(const char *path, struct err *err);
void sign_private_free(struct sign_private **key);

/* "v=DKIM1; k=rsa; p=…" is added; -1: out of memory. */
int sign_private_record(const struct sign_private *key, struct buf *out, struct err *err);
/* Why that published record is not one that verifies what this key signs; NULL: it is one.
 * *testing: it says t=y, so that nobody relies on the signature. */
const char *sign_private_differs(const struct sign_private *key, struct str record, bool *testing);

#endif
