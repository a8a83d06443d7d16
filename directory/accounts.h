/*
 * accounts: people who have their password here, and their mailbox behind the gateway: a source of
 * recipients and of logins in one (`accounts "/etc/poterne/accounts"`), for who has no LDAP
 * directory. The file is a passwd-file as Dovecot has it, a line for each, `#` comments:
 *
 *     jean@univ.example:{CRYPT}$y$j9T$…::::::alias=jtoto@univ.example send_as=press@univ.example
 *
 * that is address, password (a hash: hash.h), five fields that mean nothing here (uid, gid, name,
 * home, shell), and in the eighth words of these:
 *     alias=A,B     further addresses: recipients, to log in with, and to send from
 *     send_as=A,B   addresses it may send from beside
 *     expires=DAY   the password holds to the end of that day (UTC): 2027-06-30
 *     nologin       nobody logs in with it
 *     disabled      … and it takes no mail either
 * `userdb_…` is Dovecot's and passed over; any other word is a mistake, since it may have forbidden
 * something. `!` before a hash is a locked account (as usermod -L makes one); a password of `*` or
 * of nothing is one that nobody has.
 */
#ifndef POTERNE_DIRECTORY_ACCOUNTS_H
#define POTERNE_DIRECTORY_ACCOUNTS_H

#include "directory/file.h"

#define ACCOUNTS_FILE_MAX      ((size_t)64 * 1024 * 1024)
#define ACCOUNTS_MAX           200000
#define ACCOUNTS_LINE_MAX      4096
#define ACCOUNTS_ADDRESSES_MAX 32 /* of one account: itself, its aliases, what it sends as */

/* Texts belong to the accounts. */
struct account {
    struct str own;     /* its addresses, a blank between two; the official one is the first */
    struct str send_as; /* likewise; its own are not among them */
    struct str hash;    /* empty: none is the right password */
    bool locked, nologin, disabled;
    int64_t expires; /* its password, seconds since 1970; 0: never */
};

struct accounts;

/* On FILE_READ both are new: who they are, and the recipients that they are. */
enum file_result accounts_load(const char *path, struct accounts **accounts, struct table **table,
                               struct stat *st, struct err *err);
/* The same from a text. */
enum file_result accounts_parse(struct str text, const char *path, struct accounts **accounts,
                                struct table **table, struct err *err);
void accounts_free(struct accounts **accounts);

/* By any of its own addresses, in the form of address.h. */
bool accounts_find(const struct accounts *accounts, struct str address, struct account *account);
/* A hash of somebody's, always the same for the same address: what a password is compared with
 * where nobody has that address, so that it takes as long. False: there is none. */
bool accounts_decoy(const struct accounts *accounts, struct str address, struct str *hash);
/* The i'th of them; false: there are not so many. */
bool accounts_at(const struct accounts *accounts, size_t i, struct account *account);
size_t accounts_count(const struct accounts *accounts);

#endif
