/*
 * account_tool: what `poterne account` does: accounts.c reads the command line, account_people.c
 * works on files of accounts (directory/accounts.h), account_factors.c on the file of second
 * factors (directory/factor.h). All of them return an exit status. A secret is shown once, when it
 * is made, and kept nowhere but in its file.
 */
#ifndef POTERNE_TOOLS_ACCOUNT_TOOL_H
#define POTERNE_TOOLS_ACCOUNT_TOOL_H

#include "directory/address.h"
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

/* Their password, from standard input, where the account is or (add) is to be. */
int account_set_password(const struct account_job *job, bool add);
/* Of the address, or of all where it is empty; *n: so many more. */
int account_list_people(const struct account_job *job, size_t *n);

int account_make_app_password(const struct account_job *job, const char *name);
int account_make_totp(const struct account_job *job, const char *name);
int account_revoke(const struct account_job *job, const char *name);
int account_list_factors(const struct account_job *job, size_t *n);

#endif
