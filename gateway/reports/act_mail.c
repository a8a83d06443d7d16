/* What goes back by mail: the polite answer, and what was done for who answered a digest. */
#include "gateway/reports/act.h"

#include "base/log.h"
#include "directory/report.h"

#define DIGEST_REPLY_MAX (64 * 1024)

/* False: it may not be, after all, or can't. */
static bool send_answer(struct acting *a, const char *answer_id)
{
    struct desk *desk = a->desk;
    struct str to = a->request->sender;
    struct outgoing mail = {.recipients = &to,
                            .n_recipients = 1,
                            .how = STR("asked by reports"),
                            .subject = STR("how to report a message"),
                            .mail = a->findings->answer};
    struct err err;
    int64_t now = a->now_us / 1000000;
    if (!answer_times_allow(&desk->times, to, now) || !post_reaches(&desk->post, to))
        return false;
    /* a crash between the two loses an answer rather than sending two */
    answer_times_note(&desk->times, to, now);
    str_copy(str_of(answer_id), mail.id, sizeof mail.id);
    if (answer_times_write(desk->times_path, &desk->times, &err) == 0 &&
        post_send(&desk->post, &mail, &err) == 0)
        return true;
    log_error("no answer to <%.*s>: %s", STR_ARG(to), err.text);
    return false;
}

void act_answer(struct acting *a, const char *answer_id, struct buf *text)
{
    enum answer_decision decision = a->findings->answering;
    if (!a->findings->answer_due)
        return;
    if (text->n)
        buf_add(text, STR("; "));
    if (decision != ANSWER_SEND || a->findings->answer.n == 0)
        buf_addf(text, "no answer is sent: %s", answer_decision_name(decision));
    else if (send_answer(a, answer_id))
        buf_add(text, STR("the sender is told how to report"));
    else
        buf_add(text, STR("no answer is sent"));
}

/* False: the manager does not hear of it. */
static bool send_words(struct acting *a, bool done, struct str reply)
{
    struct desk *desk = a->desk;
    struct str to = str_of(a->who.address);
    struct outgoing mail = {.recipients = &to, .n_recipients = 1, .how = STR("asked by reports")};
    struct letter_words words = {.from = str_of(report_address_own(desk->conf)),
                                 .to = to,
                                 .subject = done ? STR("Reports: done") : STR("Reports: not done"),
                                 .text = reply};
    struct buf out = BUF_INIT(4 * DIGEST_REPLY_MAX);
    struct err err = {"out of memory"};
    if (!post_reaches(&desk->post, to))
        return false;
    spool_id_make(mail.id);
    post_compose(&desk->post, mail.id, &words, &out);
    mail.subject = words.subject;
    mail.mail = buf_str(&out);
    bool sent = buf_ok(&out) && post_send(&desk->post, &mail, &err) == 0;
    if (!sent)
        log_error("manager <%s> does not hear what was done: %s", a->who.address, err.text);
    buf_release(&out);
    return sent;
}

int act_on_digest(struct acting *a, struct buf *text)
{
    struct buf reply = BUF_INIT(DIGEST_REPLY_MAX);
    if (!a->findings->answers_digest)
        return 0;
    if (!a->who.manager) {
        buf_addf(text, "an answer to a digest, and not certainly of a manager: nothing is done");
        return 0;
    }
    int applied = digest_answer_apply(a->desk->store, &a->findings->digest, str_of(a->who.address),
                                      a->now_us, &reply, &a->err);
    if (applied >= 0) {
        buf_addf(text, "an answer to a digest: %s", applied ? "done" : "nothing could be done");
        if (!send_words(a, applied > 0, buf_str(&reply)))
            buf_add(text, STR("; no mail tells the manager"));
        daily_teach_soon(a->desk);
    }
    buf_release(&reply);
    return applied < 0 ? -1 : 0;
}
