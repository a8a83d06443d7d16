/* Whether a password is looked at: not where too many were wrong lately, over all sessions
 * (gate/guesses.h). One that is at the limit only because of others that are being asked about
 * waits here for these, its bytes in this file alone, and has its turn when one of them ends. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/edge/session.h"
#include "gateway/loop.h"

#define HELD_MAX      1000 /* logins that wait; the next is told to try later */
#define HELD_TIME     30   /* seconds */
#define TURN_PAUSE_US 20000

struct held_login {
    struct held_login *before, *behind;
    struct session *session;
    bool token; /* … is what stands in the password's place */
    size_t n_user, n_password;
    char bytes[];
};

/* --- those that wait, the first one first --- */

static bool hold(struct session *s, struct str user, struct str password, bool token)
{
    struct held_logins *list = &s->edge->held_logins;
    struct held_login *held = NULL;
    if (list->n < HELD_MAX)
        held = malloc(sizeof *held + user.n + password.n);
    if (held == NULL)
        return false;
    *held = (struct held_login){.before = list->last,
                                .session = s,
                                .token = token,
                                .n_user = user.n,
                                .n_password = password.n};
    memcpy(held->bytes, user.s, user.n);
    memcpy(held->bytes + user.n, password.s, password.n);
    if (list->last)
        list->last->behind = held;
    else
        list->first = held;
    list->last = held;
    list->n++;
    s->held_login = held;
    return true;
}

static void take_off(struct held_logins *list, struct held_login *held)
{
    if (list->first == held)
        list->first = held->behind;
    else
        held->before->behind = held->behind;
    if (held->behind)
        held->behind->before = held->before;
    else
        list->last = held->before;
    list->n--;
    held->session->held_login = NULL;
}

static void wipe(struct held_login *held)
{
    explicit_bzero(held->bytes, held->n_user + held->n_password);
    free(held);
}

/* Each has a turn; who has to go on waiting stands at the end. */
static void on_turn(evutil_socket_t fd, short what, void *data)
{
    struct edge *edge = data;
    for (size_t n = edge->held_logins.n; n > 0 && edge->held_logins.first; n--) {
        struct held_login *held = edge->held_logins.first;
        struct str user = str_n(held->bytes, held->n_user);
        struct str password = str_n(held->bytes + held->n_user, held->n_password);
        take_off(&edge->held_logins, held);
        if (held->token)
            session_token(held->session, user, password);
        else
            session_login(held->session, user, password);
        wipe(held);
    }
}

void held_logins_start(struct edge *edge)
{
    event_assign(&edge->held_logins.turn, edge->base, -1, EV_TIMEOUT, on_turn, edge);
}

/* A while later, so that of many that end one after the other all are one turn. */
void held_logins_tick(struct edge *edge)
{
    const struct timeval soon = {.tv_usec = TURN_PAUSE_US};
    struct event *turn = &edge->held_logins.turn;
    if (edge->held_logins.first && !event_pending(turn, EV_TIMEOUT, NULL))
        loop_wait(turn, &soon);
}

/* --- a session's --- */

static void tell_later(struct session *s, unsigned seconds)
{
    char room[64];
    struct buf words = BUF_OVER(room);
    buf_addf(&words, "in %u s", seconds);
    s->logins_failed++;
    log_info("client %s: login of %s not looked at: too many have failed; the next in %u s", s->ip,
             s->login, seconds);
    session_login_tell(s, SMTP_LOGIN_LATER, buf_str(&words));
}

static bool begin(struct session *s, struct str user, struct str secret, bool token)
{
    unsigned seconds = 1;
    time_t since = s->held_since ? s->held_since : s->edge->now;
    enum guess_turn turn =
        (token ? guesses_begin_token
               : guesses_begin)(&s->edge->guesses, user, s->networked ? &s->network : NULL,
                                s->network_class, (int64_t)time(NULL), &s->guess, &seconds);
    s->held_since = 0;
    if (turn == GUESS_ASK)
        return true;
    if (turn == GUESS_WAIT && s->edge->now < since + HELD_TIME && hold(s, user, secret, token))
        s->held_since = since;
    else
        tell_later(s, seconds);
    return false;
}

bool session_guess_begin(struct session *s, struct str user, struct str password)
{
    return begin(s, user, password, false);
}

bool session_guess_begin_token(struct session *s, struct str user, struct str token)
{
    return begin(s, user, token, true);
}

static void end(struct session *s, enum guess_result result)
{
    if (s->guess.n == 0)
        return;
    guesses_end(&s->edge->guesses, &s->guess, result, (int64_t)time(NULL));
    s->guess.n = 0;
    held_logins_tick(s->edge); /* not from here: it may end sessions */
}

static enum guess_result result_of(enum login_result result)
{
    if (result == LOGIN_OK)
        return GUESS_RIGHT;
    if (result == LOGIN_AWAY || result == LOGIN_EXPIRED || result == LOGIN_MUST_CHANGE)
        return GUESS_NEITHER;
    return GUESS_WRONG;
}

/* Where none was begun there is none to end. */
void session_guess_end(struct session *s, enum login_result result)
{
    end(s, result_of(result));
}

bool session_guess_answered(struct session *s, enum login_result result, struct str account)
{
    enum guess_result guess = result_of(result);
    unsigned seconds;
    if (s->guess.n == 0 || account.n == 0 || result == LOGIN_AWAY ||
        guesses_account(&s->edge->guesses, &s->guess, account, guess, (int64_t)time(NULL),
                        &seconds)) {
        end(s, guess);
        return true;
    }
    end(s, GUESS_WRONG);
    tell_later(s, seconds);
    return false;
}

void session_guess_forget(struct session *s)
{
    struct held_login *held = s->held_login;
    end(s, GUESS_WRONG);
    if (held) {
        take_off(&s->edge->held_logins, held);
        wipe(held);
    }
}
