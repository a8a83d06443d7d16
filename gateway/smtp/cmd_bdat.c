/*
 * BDAT (RFC 3030): a counted piece of the message. The announced bytes follow whatever we answer,
 * so an unwanted chunk is swallowed to its last byte before it is refused; a size that can't be
 * read ends the session, since nobody could tell data from commands behind it.
 * After a chunk that failed the transaction is gone: further ones are swallowed with 503.
 */
#include "gateway/smtp/machine.h"

#define CHUNK_DIGITS_MAX 20 /* RFC 3030 2 */

static bool parse(struct str args, uint64_t *size, bool *last)
{
    size_t space = str_chr(args, ' ');
    struct str number = str_sub(args, 0, space == STR_NONE ? args.n : space);
    struct str word = str_trim(str_from(args, number.n));
    *last = word.n > 0;
    if (*last && !str_ieq(word, STR("LAST")))
        return false;
    return number.n <= CHUNK_DIGITS_MAX && str_to_u64(number, UINT64_MAX, size);
}

static enum smtp_status unwanted(const struct smtp_session *s)
{
    if (s->state == AT_START)
        return SMTP_HELO_FIRST;
    if (s->transaction == NULL)
        return SMTP_MAIL_FIRST;
    return s->transaction->envelope.n_recipients == 0 ? SMTP_NO_RECIPIENTS : SMTP_NONE;
}

enum smtp_status cmd_bdat(struct smtp_session *s, struct str args)
{
    uint64_t size;
    bool last;
    if (!parse(args, &size, &last))
        return SMTP_BAD_CHUNK_SIZE;
    if (size > SMTP_SWALLOW_FACTOR * s->config->conf->smtp.size_limit)
        return SMTP_MUCH_TOO_BIG;
    s->after_chunk = unwanted(s);
    s->from_chunk = s->state;
    s->chunk_left = size;
    s->last_chunk = last;
    if (s->after_chunk == SMTP_NONE)
        message_begin(s);
    session_become(s, AT_CHUNK);
    return SMTP_NONE;
}

static void chunk_end(struct smtp_session *s)
{
    struct transaction *t = s->transaction;
    s->stage = "data";
    if (s->after_chunk != SMTP_NONE) {
        session_become(s, s->from_chunk);
        session_reply(s, s->after_chunk, STR_EMPTY);
        return;
    }
    if (s->last_chunk)
        message_finish(s);
    if (s->last_chunk || t->failed) {
        message_end(s);
        return;
    }
    session_become(s, AT_CHUNKS);
    session_reply(s, SMTP_CHUNK_OK, STR_EMPTY);
}

bool chunk_step(struct smtp_session *s)
{
    struct str piece = str_sub(s->in, 0, s->chunk_left < s->in.n ? s->chunk_left : s->in.n);
    if (piece.n == 0 && s->chunk_left > 0)
        return false;
    s->in = str_from(s->in, piece.n);
    s->chunk_left -= piece.n;
    if (s->after_chunk == SMTP_NONE) {
        smtp_body_chunk(&s->transaction->body, piece, message_block, s);
        if (message_hopeless(s))
            return true;
    }
    if (s->chunk_left == 0)
        chunk_end(s);
    return true;
}
