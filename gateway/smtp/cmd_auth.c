/*
 * AUTH (RFC 4954): who is it? Offered and taken only over TLS, on ports where mail is submitted,
 * and elsewhere from whom the owner says (smtp_offer_login()).
 * The exchange is sasl.h's; whether the password is right is asked through ops->login, and while
 * that is awaited nothing else is worked on. Lines that hold a password are wiped where they stand
 * as soon as they are read.
 *
 * Of a token that is refused the client is first told why, as a challenge (RFC 7628 3.2.3), which
 * it answers with a line that says nothing; then comes the refusal.
 */
#include <stdlib.h>

#include "gateway/smtp/machine.h"
#include "gateway/smtp/oauth.h"

static bool takes_tokens(const struct smtp_session *s)
{
    return str_of(s->config->conf->oauth.introspection).n > 0;
}

struct str auth_offer(const struct smtp_session *s)
{
    return takes_tokens(s) ? STR("AUTH " SASL_OFFER_TOKENS) : STR("AUTH " SASL_OFFER);
}

void auth_forget(struct smtp_session *s)
{
    if (s->sasl) {
        sasl_wipe(s->sasl);
        free(s->sasl);
        s->sasl = NULL;
    }
    s->token_refused = SMTP_NONE;
    if (s->state == AT_AUTH || s->state == AT_LOGIN)
        session_become(s, AT_READY);
}

static void give_up(struct smtp_session *s, enum smtp_status status)
{
    auth_forget(s);
    session_reply(s, status, STR_EMPTY);
}

/* An empty password is what LDAP takes for "nobody" and lets in (RFC 4513 5.1.2). */
static void ask(struct smtp_session *s)
{
    struct str user = str_of(s->sasl->user);
    struct str password = str_of(s->sasl->password);
    session_become(s, AT_LOGIN);
    if (sasl_has_token(s->sasl))
        s->config->ops->token(s->owner, user, password);
    else
        s->config->ops->login(s->owner, user, user.n && password.n ? password : STR_EMPTY);
    if (s->sasl) /* it was not answered at once */
        sasl_wipe(s->sasl);
}

static void take(struct smtp_session *s, struct str line)
{
    switch (sasl_take(s->sasl, line)) {
    case SASL_ASK:
        session_become(s, AT_AUTH);
        session_reply(s, SMTP_AUTH_GO_ON, sasl_challenge(s->sasl));
        break;
    case SASL_READY:
        ask(s);
        break;
    case SASL_FOR_OTHERS:
        give_up(s, SMTP_AUTH_FOR_OTHERS);
        break;
    case SASL_MALFORMED:
        give_up(s, SMTP_AUTH_MALFORMED);
        break;
    }
}

/* What the question came to. */
static void finish(struct smtp_session *s, enum smtp_status status, struct str detail)
{
    auth_forget(s);
    s->authenticated = status == SMTP_AUTH_OK;
    bool failed = smtp_reply_of(status)->code == 535;
    session_reply(s, status, detail);
    if (failed && ++s->logins_failed >= s->config->conf->submission.failures_limit)
        session_reply(s, SMTP_TOO_MANY_LOGINS, STR_EMPTY);
}

void auth_line(struct smtp_session *s, struct str line)
{
    s->stage = "auth";
    if (s->token_refused != SMTP_NONE)
        finish(s, s->token_refused, STR_EMPTY);
    else if (str_eq(line, STR("*")))
        give_up(s, SMTP_AUTH_CANCELLED);
    else
        take(s, line);
    sasl_wipe_bytes(line);
}

static enum smtp_status begin(struct smtp_session *s, struct str args)
{
    struct str rest = args, mechanism;
    if (!session_takes_logins(s))
        return SMTP_NOT_IMPLEMENTED;
    if (!s->tls)
        return SMTP_AUTH_IN_CLEAR;
    if (s->state == AT_START)
        return SMTP_HELO_FIRST;
    if (s->state != AT_READY)
        return SMTP_NOT_NOW;
    if (s->authenticated)
        return SMTP_AUTH_ALREADY;
    if (args.n == 0 || !str_next(&rest, ' ', &mechanism))
        return SMTP_BAD_ARGUMENT;
    s->sasl = calloc(1, sizeof *s->sasl);
    if (s->sasl == NULL)
        return SMTP_NO_MEMORY;
    if (!sasl_begin(s->sasl, mechanism, takes_tokens(s))) {
        auth_forget(s);
        return SMTP_AUTH_MECHANISM;
    }
    if (rest.n) {
        take(s, rest);
    } else {
        session_become(s, AT_AUTH);
        session_reply(s, SMTP_AUTH_GO_ON, sasl_challenge(s->sasl));
    }
    return SMTP_NONE;
}

enum smtp_status cmd_auth(struct smtp_session *s, struct str args)
{
    enum smtp_status status = begin(s, args);
    sasl_wipe_bytes(args);
    return status;
}

static void tell_why(struct smtp_session *s, enum smtp_status status)
{
    char room[OAUTH_ERROR_MAX / 3 * 4 + 4];
    struct buf error = BUF_OVER(room);
    oauth_error_put(&error, &s->config->conf->oauth, s->sasl->step == SASL_XOAUTH2,
                    status == SMTP_AUTH_SCOPE ? OAUTH_INSUFFICIENT_SCOPE : OAUTH_INVALID_TOKEN);
    s->token_refused = status;
    session_become(s, AT_AUTH);
    session_reply(s, SMTP_AUTH_GO_ON, buf_str(&error));
}

void smtp_login_answer(struct smtp_session *s, enum smtp_status status, struct str detail)
{
    if (s->state != AT_LOGIN)
        return;
    s->stage = "auth";
    if (s->sasl && sasl_has_token(s->sasl) && smtp_reply_of(status)->code == 535)
        tell_why(s, status);
    else
        finish(s, status, detail);
    session_go_on(s);
}

bool smtp_authenticated(const struct smtp_session *s)
{
    return s->authenticated;
}
