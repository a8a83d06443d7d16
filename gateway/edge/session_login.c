/* Who submits mail (RFC 6409): who may log in, logins, and what may be done after one. Failures are
 * told to the log and, as refusals, to the journal, with the user name and never the password. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/edge/author.h"
#include "gateway/edge/session.h"

#define DAY 86400

bool session_submits(const struct session *s)
{
    return s->kind != LISTEN_SMTP || s->account[0];
}

static void forget(struct session *s)
{
    free(s->addresses);
    s->addresses = NULL;
    s->account[0] = s->shown[0] = '\0';
}

void session_login_begin(struct session *s)
{
    struct edge *edge = s->edge;
    forget(s);
    bool inside = s->network_class != CLASS_OUTSIDE && conf_takes_logins_inside(edge->conf);
    s->takes_login = s->kind != LISTEN_SMTP || inside;
    smtp_offer_login(s->smtp, s->takes_login);
}

/* The null sender is nobody's of ours. */
bool session_login_relays(const struct session *s)
{
    return s->account[0] || (s->kind == LISTEN_SMTP && s->network_class == CLASS_RELAY &&
                             conf_domain_of(s->edge->conf, smtp_sender(s->smtp)));
}

/* As it is shown in the log and in JSON: what somebody typed may be anything. */
static void copy_shown(struct str from, char *to, size_t size)
{
    size_t n = 0;
    for (; n < from.n && n + 1 < size; n++) {
        char c = from.s[n];
        to[n] = c > ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
    }
    to[n] = '\0';
}

void session_login_named(struct session *s, struct str user)
{
    str_copy(str_sub(user, 0, sizeof s->user - 1), s->user, sizeof s->user);
    copy_shown(user, s->login, sizeof s->login);
}

/* Does one of that class need more than a password? */
static bool is_asked_more(const struct session *s)
{
    const struct conf_submission *conf = &s->edge->conf->submission;
    const char *name = network_class_name(s->network_class);
    for (size_t i = 0; i < conf->second_factor_from.n && conf->second_factor.n; i++)
        if (strcmp(conf->second_factor_from.items[i], name) == 0)
            return true;
    return false;
}

void session_login(void *owner, struct str user, struct str password)
{
    struct session *s = owner;
    session_token_forget(s);
    session_login_named(s, user);
    if (!session_guess_begin(s, user, password))
        return;
    if (password.n == 0)
        session_login_answer(s, &(struct login_answer){.result = LOGIN_WRONG, .note = "empty"});
    else
        logins_ask(s->edge->logins, s, user, password, is_asked_more(s));
}

static void put_renewal(const struct session *s, struct buf *out)
{
    const char *url = s->edge->conf->submission.renew_url;
    if (url && *url)
        buf_addf(out, "%srenew it at %s", out->n ? "; " : "", url);
}

/* The same of whatever was wrong, so that nobody learns which: where a second factor is asked it
 * says so. */
static void put_factors(const struct session *s, struct buf *out)
{
    const struct conf_list *asked = &s->edge->conf->submission.second_factor;
    bool app = false, token = false;
    for (size_t i = 0; i < asked->n; i++) {
        app |= strcmp(asked->items[i], "app_password") == 0;
        token |= strcmp(asked->items[i], "totp") == 0;
    }
    if (!is_asked_more(s))
        return;
    buf_addf(out, "from here it takes %s%s%s", app ? "an application password" : "",
             app && token ? ", or " : "",
             token ? "the number of your token behind the password" : "");
}

enum smtp_status session_login_refuse(struct session *s, enum smtp_status status, const char *note)
{
    log_info("client %s: login of %s refused: %s%s%s", s->ip, s->login, smtp_reply_of(status)->text,
             note[0] ? ": " : "", note);
    if (smtp_reply_of(status)->code < 500)
        return status;
    s->logins_failed++;
    return status;
}

static enum smtp_status refuse(struct session *s, const struct login_answer *answer)
{
    static const enum smtp_status statuses[] = {
        [LOGIN_WRONG] = SMTP_AUTH_WRONG,
        [LOGIN_EXPIRED] = SMTP_AUTH_EXPIRED,
        [LOGIN_MUST_CHANGE] = SMTP_AUTH_MUST_CHANGE,
        [LOGIN_LOCKED] = SMTP_AUTH_LOCKED,
        [LOGIN_DISABLED] = SMTP_AUTH_DISABLED,
        [LOGIN_AWAY] = SMTP_LOGIN_AWAY,
    };
    enum smtp_status status = statuses[answer->result];
    if (status == SMTP_AUTH_LOCKED && !s->edge->conf->submission.locked_told)
        status = SMTP_AUTH_WRONG;
    if (s->claim && answer->result == LOGIN_WRONG)
        status = SMTP_AUTH_TOKEN;
    if (s->claim && answer->result == LOGIN_AWAY)
        status = SMTP_TOKEN_AWAY;
    return session_login_refuse(s, status, answer->note);
}

static enum smtp_status let_in(struct session *s, const struct login_answer *answer,
                               struct buf *words)
{
    free(s->addresses);
    s->addresses = strdup(answer->addresses);
    if (s->addresses == NULL)
        return SMTP_LOGIN_AWAY;
    str_copy(str_of(answer->account), s->account, sizeof s->account);
    copy_shown(str_of(answer->account), s->shown, sizeof s->shown);
    log_info("client %s: login of %s as %s", s->ip, s->login, s->shown);
    if (answer->soon) {
        buf_addf(words, "your password expires in %llu days",
                 (unsigned long long)(answer->expires / DAY));
        put_renewal(s, words);
    }
    return SMTP_AUTH_OK;
}

void session_login_answer(void *asker, const struct login_answer *answer)
{
    struct session *s = asker;
    char room[400];
    struct buf words = BUF_OVER(room);
    enum smtp_status status;
    bool others = answer->result == LOGIN_OK && s->claim && !session_token_fits(s, answer);
    /* what is wrong with a token is not held against the name beside it */
    struct str account = s->claim ? STR_EMPTY : str_of(answer->account);
    if (!session_guess_answered(s, others ? LOGIN_WRONG : answer->result, account))
        return;
    if (answer->result != LOGIN_OK)
        status = refuse(s, answer);
    else if (others)
        status = session_login_refuse(s, SMTP_AUTH_FOR_OTHERS, "the token is another one's");
    else
        status = let_in(s, answer, &words);
    if (status == SMTP_AUTH_EXPIRED || status == SMTP_AUTH_MUST_CHANGE)
        put_renewal(s, &words);
    if (status == SMTP_AUTH_WRONG)
        put_factors(s, &words);
    session_token_forget(s);
    session_login_tell(s, status, buf_ok(&words) ? buf_str(&words) : STR_EMPTY);
}

enum smtp_status session_login_sends(const struct session *s, struct str sender)
{
    if (!session_submits(s))
        return SMTP_NONE;
    /* a receipt has no sender (RFC 8098 2.2); then its From is looked at, which is his own */
    if (sender.n == 0 || (s->addresses && author_owns(s->edge->conf, s->addresses, sender)))
        return SMTP_NONE;
    log_info("client %s: %s may not send from <%.*s>", s->ip, s->shown, STR_ARG(sender));
    return SMTP_SENDER_NOT_YOURS;
}

void session_login_end(struct session *s)
{
    if (s->edge->logins)
        logins_cancel(s->edge->logins, s);
    if (s->edge->tokens)
        tokens_cancel(s->edge->tokens, s);
    session_token_forget(s);
    session_guess_forget(s);
    session_answer_forget(s);
    forget(s);
}
