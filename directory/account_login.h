/*
 * account_login: is that the password of an account of a file (accounts.h)? Costs as much where
 * there is no such account, or one that nobody can log in with, as where there is.
 */
#ifndef POTERNE_DIRECTORY_ACCOUNT_LOGIN_H
#define POTERNE_DIRECTORY_ACCOUNT_LOGIN_H

#include "directory/accounts.h"
#include "directory/attempt.h"
#include "directory/hash.h"

#define ACCOUNT_WARN ((int64_t)7 * 86400) /* seconds before its end that a password is told so */

/* What is to be compared, copied out of the accounts, which may be read anew meanwhile. Wiped by
 * who made it. */
struct account_try {
    const char *away; /* nothing can be said: why */
    bool nobody;      /* there is no such account */
    bool never;       /* no password is right */
    bool locked, disabled;
    int64_t expires;
    size_t own_n; /* bytes of `addresses` that are the account's own ones */
    char addresses[LOGIN_ADDRESSES_MAX + 1];
    char hash[HASH_MAX + 1]; /* "": there is none in the whole file */
};

/* Addresses for which there is no room it can't send from. */
void account_try_make(const struct accounts *accounts, const struct account *account,
                      struct account_try *try);
void account_try_nobody(const struct accounts *accounts, struct str address,
                        struct account_try *try);
void account_login_check(const struct account_try *try, const struct attempt *attempt,
                         struct login_answer *answer);

#endif
