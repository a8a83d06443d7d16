/* How much may be sent (gate/limits.h): asked at MAIL and at each RCPT of what is to be sent, which
 * is mail from who has logged in, and from our own networks; never mail from the world to us. */
#include "base/log.h"
#include "gateway/edge/freeze.h"
#include "gateway/edge/session.h"

#define UNCOUNTED_PAUSE 60 /* seconds between two words in the log about it */

static bool is_limited(const struct session *s)
{
    return session_submits(s) || s->account[0] || s->network_class != CLASS_OUTSIDE;
}

static void put_time(struct buf *words, int64_t seconds)
{
    char text[sizeof "2026-11-21 22:04"] = "?";
    time_t time = (time_t)seconds;
    struct tm utc;
    if (gmtime_r(&time, &utc))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &utc);
    buf_addf(words, "since %s UTC", text);
}

/* Is the account frozen? What can't be known is not taken for a no. */
static enum smtp_status ask_frozen(const struct session *s, struct buf *words)
{
    struct frozen frozen;
    struct err err = {""};
    if (s->account[0] == '\0')
        return SMTP_NONE;
    int known = senders_look(s->edge->senders, str_of(s->account), &frozen, &err);
    if (known == 0)
        return SMTP_NONE;
    if (known < 0) {
        log_error("client %s: whether %s is frozen can't be known: %s", s->ip, s->shown, err.text);
        return SMTP_LOCAL_ERROR;
    }
    put_time(words, frozen.since);
    buf_addf(words, ", %s; ask %s", frozen.why, s->edge->postmaster);
    return SMTP_SENDER_FROZEN;
}

/* Somebody goes on and on: it is not its owner. */
static void note_hits(struct session *s, const struct limits_answer *answer)
{
    unsigned most = s->edge->conf->limits.freeze_hits;
    char room[FROZEN_WHY_MAX];
    struct buf why = BUF_OVER(room);
    struct frozen frozen;
    struct err err = {""};
    /* each time it is so many, and not for each recipient that follows */
    if (!answer->of_account || most == 0 || answer->hits == 0 || answer->hits % most != 0 ||
        senders_look(s->edge->senders, str_of(s->account), &frozen, &err) == 1)
        return;
    buf_addf(&why, "it was at a limit %u times within an hour", answer->hits);
    freeze_account(s->edge, str_of(s->account), buf_str(&why));
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
    log_info("client %s%s%s: limit reached: %s", s->ip, s->account[0] ? " account=" : "", s->shown,
             answer.words);
    buf_add(words, str_of(answer.words));
    note_hits(s, &answer);
    return SMTP_SENDING_LIMITED;
}

enum smtp_status session_limits_mail(struct session *s, struct str sender, struct buf *words)
{
    s->recipients_tried = 0;
    if (!is_limited(s))
        return SMTP_NONE;
    enum smtp_status status = ask_frozen(s, words);
    return status == SMTP_NONE ? count(s, sender, LIMITS_MESSAGES, words) : status;
}

enum smtp_status session_limits_message(const struct session *s)
{
    char room[SMTP_WORDS_MAX];
    struct buf words = BUF_OVER(room);
    return ask_frozen(s, &words);
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
