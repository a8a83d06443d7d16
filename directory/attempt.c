#include "directory/attempt.h"

#include <stdio.h>
#include <time.h>

void attempt_refuse(struct login_answer *answer, enum login_result result, const char *why)
{
    answer->result = result;
    snprintf(answer->note, sizeof answer->note, "%s", why);
}

/* The token's number stands behind it and is none of it. */
static void ask(const struct attempt *attempt, const struct factor_use *use, attempt_verify *verify,
                void *data, struct login_answer *answer)
{
    char password[LOGIN_PASSWORD_MAX + 1];
    if (!str_copy(str_n(attempt->password, use->n), password, sizeof password))
        attempt_refuse(answer, LOGIN_WRONG, "the password is too long");
    else
        verify(data, password, answer);
    explicit_bzero(password, sizeof password);
    if (answer->result == LOGIN_OK && !factor_spend(attempt->policy, use))
        attempt_refuse(answer, LOGIN_WRONG, "the token's number was used before");
}

bool attempt_make(const struct attempt *attempt, const struct factors *factors,
                  attempt_verify *verify, void *data, struct login_answer *answer)
{
    struct factor_use use;
    switch (factor_check(attempt->policy, attempt->factor, factors, attempt->password, time(NULL),
                         &use)) {
    case FACTOR_ENOUGH:
        answer->result = LOGIN_OK;
        return true;
    case FACTOR_PASSWORD:
        ask(attempt, &use, verify, data, answer);
        break;
    case FACTOR_WRONG:
        attempt_refuse(answer, LOGIN_WRONG, use.why);
        break;
    case FACTOR_UNREAD:
        attempt_refuse(answer, LOGIN_AWAY,
                       "the account's second factor is not understood, so that "
                       "submission.second_factor_missing can't be followed");
        break;
    }
    return false;
}
