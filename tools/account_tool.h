/*
 * account_tool: what `poterne account` does: accounts.c reads the command line, account_people.c
 * lists files of accounts (directory/accounts.h), account_change.c changes them, account_factors.c
 * works on the file of second factors (directory/factor.h). Verbs return an exit status. A secret
 * is shown once, when it is made, and kept nowhere but in its file.
 */
#ifndef POTERNE_TOOLS_ACCOUNT_TOOL_H
#define POTERNE_TOOLS_ACCOUNT_TOOL_H

#include "directory/address.h"
#include "directory/hash.h"
#include "tools/tool.h"

#define ACCOUNT_COMMAND        "account"
#define ACCOUNT_NAME_MAX       64 /* bytes of the name of a second factor */
#define ACCOUNT_PASSWORD_LEAST 8

/* What it is done with: the settings, and whose. */
struct account_job {
    const struct tool_args *args;
    const struct conf *conf;
    struct address address;
};

static inline bool account_as_json(const struct account_job *job)
{
    return job->args->given & OPT_JSON;
}

/* The n'th file of accounts of the domain; NULL: there are no more. */
const char *account_file_of(const struct conf_domain *domain, size_t n);
/* Of a password that is read from standard input, on a terminal twice and unseen. */
int account_read_hash(char hash[HASH_MAX + 1], struct err *err);

/* Verbs; name: of a second factor, or NULL. */
int account_add(const struct account_job *job, const char *name);
int account_password(const struct account_job *job, const char *name);
int account_lock(const struct account_job *job, const char *name);
int account_unlock(const struct account_job *job, const char *name);
int account_remove(const struct account_job *job, const char *name);
int account_make_app_password(const struct account_job *job, const char *name);
int account_make_totp(const struct account_job *job, const char *name);
int account_revoke(const struct account_job *job, const char *name);
/* All that the address has, without a word. 0, or -1 with err set. */
int account_revoke_all(const struct account_job *job, struct err *err);
/* Of the address, or of all where it is empty; *n: so many more. */
int account_list_people(const struct account_job *job, size_t *n);
int account_list_factors(const struct account_job *job, size_t *n);

#endif
