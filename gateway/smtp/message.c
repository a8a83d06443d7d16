/* The bytes of a message, whichever command brings them, and its end. */
#include "gateway/smtp/machine.h"

#define SMTP_REPLY_ROOM 256 /* bytes: 250 and an id, and more */

/* The owner's part is over; what still comes is swallowed. */
static void message_fail(struct smtp_session *s, enum smtp_status why)
{
    struct transaction *t = s->transaction;
    if (t->begun)
        s->config->ops->abort(s->owner);
    t->begun = false;
    t->failed = why;
}

bool message_begin(struct smtp_session *s)
{
    struct transaction *t = s->transaction;
    if (t->begun || t->failed)
        return t->begun;
    smtp_body_start(&t->body);
    enum smtp_status status = s->config->ops->begin(s->owner);
    t->begun = status == SMTP_NONE;
    t->failed = status;
    return t->begun;
}

static enum smtp_status check_message(const struct smtp_session *s)
{
    const struct conf_smtp *conf = &s->config->conf->smtp;
    const struct transaction *t = s->transaction;
    if (t->body.nul && !conf->mend_newlines)
        return SMTP_NUL_IN_MESSAGE;
    if (t->body.stray && !conf->mend_newlines)
        return SMTP_STRAY_NEWLINE;
    return t->size > conf->size_limit || t->stored > conf->size_limit ? SMTP_TOO_BIG : SMTP_NONE;
}

static void store(void *data, struct str block)
{
    struct smtp_session *s = data;
    struct transaction *t = s->transaction;
    if (t->failed)
        return;
    t->stored += block.n;
    enum smtp_status status = check_message(s);
    if (status == SMTP_NONE)
        status = s->config->ops->data(s->owner, block);
    if (status != SMTP_NONE)
        message_fail(s, status);
}

void message_block(void *data, struct str block)
{
    struct smtp_session *s = data;
    struct transaction *t = s->transaction;
    t->size += block.n;
    if (s->config->conf->smtp.mend_newlines)
        smtp_mend(&t->mender, block, !t->body.stray && !t->body.nul, store, s);
    else
        store(s, block);
    /* also of what mending left nothing of to store */
    if (!t->failed && t->size > s->config->conf->smtp.size_limit)
        message_fail(s, check_message(s));
}

void message_finish(struct smtp_session *s)
{
    struct transaction *t = s->transaction;
    if (s->config->conf->smtp.mend_newlines)
        smtp_mend_finish(&t->mender, store, s);
    else
        smtp_body_finish(&t->body, message_block, s);
}

/* The size alone decides, not when the message failed, which would depend on how TCP cut it up. */
bool message_hopeless(struct smtp_session *s)
{
    uint64_t most = SMTP_SWALLOW_FACTOR * (uint64_t)s->config->conf->smtp.size_limit;
    if (s->transaction->size <= most)
        return false;
    s->stage = "data";
    session_reply(s, SMTP_MUCH_TOO_BIG, STR_EMPTY);
    return true;
}

void message_over(struct smtp_session *s)
{
    const struct transaction *t = s->transaction; /* NULL: the reply has ended the session */
    bool doubtful = t && (t->body.nul || t->body.stray);
    session_reset(s);
    if (doubtful)
        session_reply(s, SMTP_DOUBTFUL_END, STR_EMPTY);
}

void message_end(struct smtp_session *s)
{
    struct transaction *t = s->transaction;
    /* all of it is known now: the worst thing about it is said, whatever was noticed first */
    enum smtp_status bad = check_message(s);
    if (bad == SMTP_NONE)
        bad = t->failed;
    if (bad != SMTP_NONE) {
        s->stage = "data";
        session_reply(s, bad, STR_EMPTY);
        message_over(s);
        return;
    }
    /* what is accepted must be said to be: the room for the reply is there before */
    if (buf_room(&s->out, SMTP_REPLY_ROOM) == NULL) {
        buf_release(&s->out);
        session_reply(s, SMTP_NO_MEMORY, STR_EMPTY);
        return;
    }
    t->envelope.mended = t->body.stray || t->body.nul;
    session_become(s, AT_VERDICT);
    s->config->ops->end(s->owner, &t->envelope);
}
