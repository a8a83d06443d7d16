/*
 * fake: an owner of one SMTP session for tests: a directory and a scanner that answer by the words
 * that they see.
 *
 * Recipients: nobody…@ours.example is unknown, down…@ can't be checked, slow…@ is answered
 * by fake_answer(), redirect…@ may not be redirected, forged…@, expired…@ and bounces…@ are return
 * addresses, all else at ours.example is known, any other domain is not ours. Behind
 * fake_judge_apart() also.example is ours, too, and strict.example, which refuses what fails DMARC.
 * Logins: jean with "secret" is right, late is answered by fake_login(), the password of old has
 * expired, nobody can say of away, all else is wrong. Who submits may send from ours.example.
 * Messages: one with "Test: reject", "Test: defer" or "Test: write" is refused so (the last when
 * its bytes come), "Test: slow" is answered by fake_verdict(), any other is accepted as ID1, ID2 …
 */
#ifndef POTERNE_T_SMTP_FAKE_H
#define POTERNE_T_SMTP_FAKE_H

#include "gateway/smtp/smtp.h"

#define FAKE_WAITING_MAX 128

struct fake {
    struct conf conf;
    struct smtp_config config;
    struct smtp_session *session;
    struct conf_domain domains[3];
    bool login_offered;  /* outside of a submission, likewise */
    bool trusted;        /* for XCLIENT, at the start of a session */
    bool dsn;            /* is offered likewise */
    bool full;           /* MAIL gets 452 */
    struct buf message;  /* the one under way */
    struct buf messages; /* "<sender> -> <rcpt> PARAMETERS <rcpt> PARAMETERS | escaped message" a
                          * line */
    struct buf refusals; /* "stage code enhanced <sender> <recipient> text" a line */
    struct buf output;   /* all that was said and not yet taken by the test */
    uint32_t waiting[FAKE_WAITING_MAX];
    size_t n_waiting;
    bool under_way;
    bool ended;
    bool login; /* one is awaited */
    unsigned accepted;
    unsigned aborted;
};

void fake_start(struct fake *fake);
void fake_stop(struct fake *fake);
void fake_judge_apart(struct fake *fake);
/* Feeds bytes as an honest owner does: in blocks of at most `step`, only when they are wanted.
 * Returns how many were fed before the session wanted no more. */
size_t fake_feed(struct fake *fake, struct str bytes, size_t step);
/* Answers the index'th of those that wait. */
void fake_answer(struct fake *fake, size_t index, enum smtp_status status);
void fake_login(struct fake *fake, enum smtp_status status);
void fake_verdict(struct fake *fake, enum smtp_status status);
void fake_collect(struct fake *fake);

/* Bytes as text: CR, LF, NUL, backslash and all that is not printable as \r \n \0 \\ \xNN */
void fake_escape(struct buf *out, struct str bytes);
/* and back; unknown escapes stand for themselves */
void fake_unescape(struct buf *out, struct str text);

#endif
