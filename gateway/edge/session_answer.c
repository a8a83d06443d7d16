/* The answer to a login, and when it comes: each that fails takes longer, and the machine works on
 * nothing else meanwhile, so that a next password that was sent along with it waits, too. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/edge/session.h"

struct held_answer {
    enum smtp_status status;
    time_t at;
    size_t n;
    char words[];
};

static void answer_now(struct session *s, enum smtp_status status, struct str words)
{
    bool outermost = session_enter(s);
    smtp_login_answer(s->smtp, status, words);
    session_leave(s, outermost);
}

void session_login_tell(struct session *s, enum smtp_status status, struct str words)
{
    bool failed = smtp_reply_of(status)->code >= 500 || status == SMTP_LOGIN_LATER;
    unsigned seconds = failed ? s->logins_failed * s->edge->conf->submission.failure_delay : 0;
    struct held_answer *held = seconds ? malloc(sizeof *held + words.n) : NULL;
    if (held == NULL) {
        answer_now(s, status, words);
        return;
    }
    seconds = seconds < QUIET_MAX ? seconds : QUIET_MAX;
    *held =
        (struct held_answer){.status = status, .at = s->edge->now + (time_t)seconds, .n = words.n};
    if (words.n)
        memcpy(held->words, words.s, words.n);
    s->answer = held;
    s->slowed += seconds;
}

bool session_login_tick(struct session *s)
{
    struct held_answer *held = s->answer;
    if (held == NULL)
        return false;
    if (s->edge->now < held->at && !s->edge->draining)
        return true;
    s->answer = NULL;
    s->heard = s->edge->now;
    answer_now(s, held->status, str_n(held->words, held->n));
    free(held);
    return true;
}

void session_answer_forget(struct session *s)
{
    free(s->answer);
    s->answer = NULL;
}
