/*
 * attempt: one try to log in, with a password: the second factor is looked at first (factor.h),
 * then whoever knows passwords says whether it is the right one, and a token's number is spent only
 * behind that.
 */
#ifndef POTERNE_DIRECTORY_ATTEMPT_H
#define POTERNE_DIRECTORY_ATTEMPT_H

#include "directory/factor.h"
#include "directory/login.h"

struct attempt {
    const char *password; /* NULL: none, since another has vouched (WISH_USER) */
    bool factor;          /* a second one is asked, if the policy has one */
    const struct factor_policy *policy;
};

/* Says in answer->result (and note) whether it is that; called once at most. */
typedef void attempt_verify(void *data, const char *password, struct login_answer *answer);

/* True: it was an application password, and nobody was asked about the account: what is known of it
 * otherwise is for the caller to look at. */
bool attempt_make(const struct attempt *attempt, const struct factors *factors,
                  attempt_verify *verify, void *data, struct login_answer *answer);

/* An answer that is not LOGIN_OK, and why. */
void attempt_refuse(struct login_answer *answer, enum login_result result, const char *why);

#endif
