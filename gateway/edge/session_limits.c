/* How much may be sent (gate/limits.h): asked at MAIL and at each RCPT of what is to be sent, which
 * is mail from who has logged in, and from our own networks; never mail from the world to us. */
#include "base/log.h"
#include "gateway/edge/session.h"

#define UNCOUNTED_PAUSE 60 /* seconds between two words in the log about it */

static bool is_limited(const struct session *s)
{
    return session_submits(s) || s->account[0] || s->network_class != CLASS_OUTSIDE;
}

/* A limit that can't be kept lets nothing through. */
static enum smtp_status tell_uncounted(struct session *s)
{
    struct edge *edge = s->edge;
    if (edge->uncounted == 0 || edge->now - edge->uncounted > UNCOUNTED_PAUSE) {
        edge->uncounted = edge->now;
        log_error("client %s: what it sends can't be counted: more than %d senders within an hour, "
                  "or another process holds gate/" LIMITS_TABLE "; it gets 451",
                  s->ip, LIMITS_ENTRIES);
    }
    return SMTP_LOCAL_ERROR;
}

static enum smtp_status count(struct session *s, struct str sender, enum limits_series series,
                              struct buf *words)
{
    const struct limits_origin origin = {.network_class = s->network_class,
                                         .ip = str_of(s->ip),
                                         .account = str_of(s->account),
                                         .sender = sender};
    struct limits_answer answer;
    limits_count(&s->edge->limits, &origin, series, (int64_t)time(NULL), &answer);
    if (answer.result == WINDOWS_COUNTED)
        return SMTP_NONE;
    if (answer.result == WINDOWS_UNCOUNTED)
        return tell_uncounted(s);
    log_info("client %s%s%s: limit reached: %s", s->ip, s->account[0] ? " account=" : "",
             s->account, answer.words);
    buf_add(words, str_of(answer.words));
    return SMTP_SENDING_LIMITED;
}

enum smtp_status session_limits_mail(struct session *s, struct str sender, struct buf *words)
{
    s->recipients_tried = 0;
    return is_limited(s) ? count(s, sender, LIMITS_MESSAGES, words) : SMTP_NONE;
}

enum smtp_status session_limits_recipient(struct session *s, struct buf *words)
{
    unsigned most = limits_of_message(&s->edge->conf->limits, s->network_class);
    if (!is_limited(s))
        return SMTP_NONE;
    if (most && s->recipients_tried >= most) {
        buf_addf(words, "%u in a message from %s", most, network_class_name(s->network_class));
        return SMTP_MESSAGE_LIMITED;
    }
    enum smtp_status status = count(s, smtp_sender(s->smtp), LIMITS_RECIPIENTS, words);
    if (status == SMTP_NONE)
        s->recipients_tried++;
    return status;
}
