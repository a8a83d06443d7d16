/* Logins by token: its issuer says whose it is (tokens.h), the directory who that is and what he
 * may send from (logins.h). Who is named beside the token must be the same. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/edge/author.h"
#include "gateway/edge/session.h"

#define NAME_MAX_BYTES (2 * ADDRESS_MAX)

void session_token_forget(struct session *s)
{
    free(s->claim);
    s->claim = NULL;
}

void session_token(void *owner, struct str user, struct str token)
{
    static const struct token_answer none = {.result = TOKEN_WRONG, .note = "there is none"};
    struct session *s = owner;
    session_token_forget(s);
    session_login_named(s, user);
    if (token.n == 0 || s->edge->tokens == NULL)
        session_token_answer(s, &none);
    else if (session_guess_begin_token(s, user, token))
        tokens_ask(s->edge->tokens, s, token);
}

void session_token_answer(void *asker, const struct token_answer *answer)
{
    static const enum smtp_status statuses[] = {
        [TOKEN_WRONG] = SMTP_AUTH_TOKEN,
        [TOKEN_SCOPE] = SMTP_AUTH_SCOPE,
        [TOKEN_AWAY] = SMTP_TOKEN_AWAY,
    };
    struct session *s = asker;
    if (answer->result != TOKEN_GOOD) {
        enum smtp_status status = statuses[answer->result];
        session_guess_end(s, answer->result == TOKEN_AWAY ? LOGIN_AWAY : LOGIN_WRONG);
        session_login_tell(s, session_login_refuse(s, status, answer->note), STR_EMPTY);
        return;
    }
    s->claim = strdup(answer->user);
    if (s->claim == NULL) {
        session_guess_end(s, LOGIN_AWAY);
        enum smtp_status status = session_login_refuse(s, SMTP_TOKEN_AWAY, "out of memory");
        session_login_tell(s, status, STR_EMPTY);
        return;
    }
    if (s->login[0] == '\0')
        session_login_named(s, str_of(s->claim));
    logins_find(s->edge->logins, s, str_of(s->claim));
}

/* With the domain that a name without one has. */
static struct str whole_name(const struct conf *conf, const char *name, struct buf *out)
{
    const char *domain = conf->submission.domain ? conf->submission.domain : conf->domains[0].name;
    buf_addf(out, "%s", name);
    if (strchr(name, '@') == NULL)
        buf_addf(out, "@%s", domain);
    return buf_ok(out) ? buf_str(out) : STR_EMPTY;
}

bool session_token_fits(const struct session *s, const struct login_answer *account)
{
    const struct conf *conf = s->edge->conf;
    char named_room[NAME_MAX_BYTES], claimed_room[NAME_MAX_BYTES];
    struct buf named_buf = BUF_OVER(named_room), claimed_buf = BUF_OVER(claimed_room);
    struct str named = whole_name(conf, s->user, &named_buf);
    struct str claimed = whole_name(conf, s->claim, &claimed_buf);
    return named.n > 0 && (str_ieq(named, claimed) || author_owns(conf, account->addresses, named));
}
