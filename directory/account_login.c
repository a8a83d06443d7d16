#include "directory/account_login.h"

#include <time.h>

static void set_hash(const struct accounts *accounts, struct str hash, struct str address,
                     struct account_try *try)
{
    try->never |= hash.n == 0;
    if (hash.n == 0 && !accounts_decoy(accounts, address, &hash))
        hash = STR_EMPTY;
    str_copy(hash, try->hash, sizeof try->hash);
}

static void add_addresses(struct buf *list, struct str more)
{
    struct str one;
    while (str_next(&more, ' ', &one))
        if (one.n && list->n + one.n < list->max)
            buf_addf(list, "%s%.*s", list->n ? " " : "", STR_ARG(one));
}

void account_try_make(const struct accounts *accounts, const struct account *account,
                      struct account_try *try)
{
    *try = (struct account_try){.locked = account->locked,
                                .disabled = account->disabled || account->nologin,
                                .expires = account->expires};
    struct buf list = BUF_OVER(try->addresses);
    add_addresses(&list, account->own);
    try->own_n = list.n;
    add_addresses(&list, account->send_as);
    buf_cstr(&list);
    set_hash(accounts, account->hash, account->own, try);
}

void account_try_nobody(const struct accounts *accounts, struct str address,
                        struct account_try *try)
{
    *try = (struct account_try){.nobody = true, .never = true};
    set_hash(accounts, STR_EMPTY, address, try);
}

struct verifying {
    const struct account_try *try;
    bool hashed;
};

static void verify(void *data, const char *password, struct login_answer *answer)
{
    struct verifying *v = data;
    v->hashed = true;
    bool right = v->try->hash[0] && hash_is_of(password, str_of(v->try->hash));
    if (right && !v->try->never)
        answer->result = LOGIN_OK;
    else
        attempt_refuse(answer, LOGIN_WRONG,
                       v->try->nobody  ? "no such user"
                       : v->try->never ? "the account has no password"
                                       : "not the account's password");
}

static bool has_app_password(const struct attempt *attempt, const struct factors *factors)
{
    for (size_t i = 0; attempt->policy->app_password && i < factors->n; i++)
        if (factors->list[i].kind == FACTOR_APP_PASSWORD)
            return true;
    return false;
}

/* Where the second factor was wrong, the price is paid all the same. */
static void try_password(const struct account_try *try, const struct attempt *attempt,
                         struct login_answer *answer)
{
    struct factors factors = {.n = 0};
    struct verifying v = {.try = try};
    struct str own = str_n(try->addresses, try->own_n), one;
    struct login_answer unused;
    while (str_next(&own, ' ', &one))
        factor_file_find(attempt->policy->file, one, &factors);
    attempt_make(attempt, &factors, verify, &v, answer);
    if (!v.hashed && !has_app_password(attempt, &factors))
        verify(&v, attempt->password, &unused);
}

/* Of who has shown that he is it, so that nobody else learns it. */
static void look_at_state(const struct account_try *try, bool by_password,
                          struct login_answer *answer)
{
    int64_t left = try->expires - (int64_t)time(NULL);
    if (try->disabled)
        attempt_refuse(answer, LOGIN_DISABLED, "the account is disabled");
    else if (by_password && try->locked)
        attempt_refuse(answer, LOGIN_LOCKED, "the account is locked");
    else if (by_password && try->expires && left <= 0)
        attempt_refuse(answer, LOGIN_EXPIRED, "the password has expired");
    else if (by_password && try->expires && left < ACCOUNT_WARN) {
        answer->soon = true;
        answer->expires = (uint64_t)left;
    }
}

static void take_account(const struct account_try *try, struct login_answer *answer)
{
    struct str list = str_of(try->addresses), official;
    if (str_next(&list, ' ', &official))
        str_copy(official, answer->account, sizeof answer->account);
}

void account_login_check(const struct account_try *try, const struct attempt *attempt,
                         struct login_answer *answer)
{
    *answer = (struct login_answer){.result = LOGIN_WRONG};
    if (try->away)
        attempt_refuse(answer, LOGIN_AWAY, try->away);
    else if (attempt->password)
        try_password(try, attempt, answer);
    else if (try->nobody)
        attempt_refuse(answer, LOGIN_WRONG, "no such user");
    else
        answer->result = LOGIN_OK;
    if (answer->result == LOGIN_OK)
        look_at_state(try, attempt->password != NULL, answer);
    if (!try->nobody && !try->away)
        take_account(try, answer);
    if (answer->result == LOGIN_OK)
        str_copy(str_of(try->addresses), answer->addresses, sizeof answer->addresses);
}
