/* Files of accounts: who is in them. */
#include <string.h>
#include <time.h>

#include "directory/accounts.h"
#include "tools/account_tool.h"
#include "tools/json.h"

const char *account_file_of(const struct conf_domain *domain, size_t n)
{
    struct conf_source source;
    for (size_t i = 0; domain && i < domain->directory.n; i++)
        if (conf_source_of(domain->directory.items[i], &source) && source.kind == SOURCE_ACCOUNTS &&
            n-- == 0)
            return source.name;
    return NULL;
}

static const char *state_of(const struct account *account)
{
    return account->disabled                                             ? "disabled"
           : account->nologin                                            ? "nologin"
           : account->locked                                             ? "locked"
           : account->hash.n == 0                                        ? "no password"
           : account->expires && account->expires <= (int64_t)time(NULL) ? "expired"
                                                                         : "active";
}

static void put_account(const struct account_job *job, const struct account *account)
{
    size_t n = str_chr(account->own, ' ');
    struct str official = str_sub(account->own, 0, n);
    struct str more = n == STR_NONE ? STR_EMPTY : str_from(account->own, n + 1);
    if (account_as_json(job)) {
        json_line(
            json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "kind", "account", "address",
                      json_text(official), "aliases", json_text(more), "send_as",
                      json_text(account->send_as), "state", state_of(account), "expires",
                      account->expires ? json_time(account->expires * 1000000) : json_null()));
        return;
    }
    printf("%.*s: account, %s", STR_ARG(official), state_of(account));
    if (more.n)
        printf(", also %.*s", STR_ARG(more));
    if (account->send_as.n)
        printf(", sends as %.*s", STR_ARG(account->send_as));
    putchar('\n');
}

static int list_file(const struct account_job *job, const char *path, size_t *n, struct err *err)
{
    struct accounts *accounts;
    struct account account;
    struct table *table;
    struct stat st;
    if (accounts_load(path, &accounts, &table, &st, err) != FILE_READ)
        return -1;
    if (job->address.text[0] && accounts_find(accounts, str_of(job->address.text), &account)) {
        put_account(job, &account);
        ++*n;
    }
    for (size_t i = 0; !job->address.text[0] && accounts_at(accounts, i, &account); i++, ++*n)
        put_account(job, &account);
    accounts_free(&accounts);
    table_free(&table);
    return 0;
}

/* Did a domain before name it? */
static bool is_listed(const struct conf *conf, const struct conf_domain *domain, const char *path)
{
    const char *other;
    for (const struct conf_domain *d = conf->domains; d < domain; d++)
        for (size_t i = 0; (other = account_file_of(d, i)) != NULL; i++)
            if (strcmp(other, path) == 0)
                return true;
    return false;
}

int account_list_people(const struct account_job *job, size_t *n)
{
    const struct conf *conf = job->conf;
    struct err err = {""};
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_domain *domain = &conf->domains[i];
        const char *path;
        for (size_t k = 0; (path = account_file_of(domain, k)) != NULL; k++)
            if (!is_listed(conf, domain, path) && list_file(job, path, n, &err) < 0)
                return tool_fail(ACCOUNT_COMMAND, &err);
    }
    return TOOL_YES;
}
