/*
 * factor: what is asked beside or instead of the password (submission.second_factor) of who logs
 * in from outside (second_factor_from), and what may be used from elsewhere, too:
 *
 *   app-password  a password made for one mail program, kept as a hash of crypt(5) (yescrypt "$y$"
 *                 or SHA-512 "$6$"); it stands for password and second factor
 *   totp          the number of a token (RFC 6238: SHA-1, six digits, 30 s), behind the password;
 *                 one step early or late is taken, no number twice
 *
 * They stand in a file, or in attributes of an LDAP entry (ldap NAME { app_passwords, totp }), with
 * "{CRYPT}" before a hash or without. The file: a line for each, `#` comments:
 *     jean@univ.example app-password laptop $y$j9T$…
 *     jean@univ.example totp phone JBSWY3DPEHPK3PXP
 * address (one of the account's), kind, name (for people), hash or secret in base32; behind it the
 * day on which it was made may stand.
 */
#ifndef POTERNE_DIRECTORY_FACTOR_H
#define POTERNE_DIRECTORY_FACTOR_H

#include "base/conf.h"
#include "base/err.h"
#include "directory/address.h"

#define FACTORS_MAX         10 /* of one account; further ones count for nothing: hashing is dear */
#define FACTOR_FILE_MAX     (16 * 1024 * 1024)
#define FACTOR_LINES_MAX    200000
#define FACTOR_SECRET_MAX   200
#define FACTOR_TOKEN_DIGITS 6
#define FACTOR_STEP         30 /* seconds */
#define FACTOR_DRIFT        1  /* steps */

enum factor_kind { FACTOR_APP_PASSWORD, FACTOR_TOTP };
#define FACTOR_KINDS 2

struct factor {
    enum factor_kind kind;
    struct str secret;
};

/* Those of one account; texts belong to who filled it in. */
struct factors {
    struct factor list[FACTORS_MAX];
    size_t n;
    bool unread[FACTOR_KINDS]; /* one of that kind stands there that is not understood */
};

void factors_add(struct factors *factors, enum factor_kind kind, struct str secret);

struct factor_file;
/* -1: err says file:line. */
int factor_file_read(const char *path, struct factor_file **file, struct err *err);
/* The same from a text. */
int factor_file_parse(struct str text, const char *path, struct factor_file **file,
                      struct err *err);
/* One more who uses it, in any thread; each frees it, the last in earnest. NULL is NULL. */
struct factor_file *factor_file_share(struct factor_file *file);
void factor_file_free(struct factor_file **file);
/* file may be NULL. */
void factor_file_find(const struct factor_file *file, struct str address, struct factors *factors);

/* Once in a process. */
int factor_load(struct err *err);

/* Takes a token's number of that step; false: it, or a later one, was taken before. In any thread.
 */
typedef bool factor_take(void *data, struct str secret, uint64_t step);

struct factor_policy {
    bool app_password, totp; /* what counts as a second factor; neither: none is asked */
    bool pass_missing;       /* who has none needs none */
    const struct factor_file *file;
    factor_take *take;
    void *data;
};

enum factor_result {
    FACTOR_ENOUGH,   /* it is an application password: nothing else is asked */
    FACTOR_PASSWORD, /* the directory decides: the first `n` bytes are the password; when it is
                        right, factor_spend() has the last word */
    FACTOR_WRONG,
    FACTOR_UNREAD, /* whether it has one can't be told, and who has none needs none: neither */
};

struct factor_use {
    size_t n;
    struct str secret; /* whose token; empty: none was asked for */
    uint64_t step;
    const char *why; /* of FACTOR_WRONG, for the log */
};

enum factor_result factor_check(const struct factor_policy *policy, bool asked,
                                const struct factors *factors, const char *password, int64_t now,
                                struct factor_use *use);
/* False: that number was used before. */
bool factor_spend(const struct factor_policy *policy, const struct factor_use *use);

#endif
