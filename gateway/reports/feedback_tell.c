/* The second step of feedback.h: what was found is told to the journal. */
#include "gateway/reports/feedback.h"
#include "journal/tell.h"

struct str feedback_text(struct str found)
{
    struct wire w = wire_of(found);
    struct str text = wire_get_str(&w);
    return w.bad ? STR_EMPTY : text;
}

static int tell_all(struct journal_client *client, const void *data, struct err *err)
{
    const struct feedback_telling *telling = data;
    struct wire w = wire_of(buf_str(&telling->found));
    struct event event;
    wire_get_str(&w);
    while (!w.bad && w.in.n > 0) {
        struct str record = wire_get_str(&w);
        if (w.bad || !event_get(record, &event) ||
            (event.kind != EVENT_FEEDBACK && event.kind != EVENT_TLS_FEEDBACK))
            return err_set(err, "what was found makes no sense");
        uint64_t number = event.kind == EVENT_FEEDBACK
                              ? journal_client_feedback(client, &event.feedback)
                              : journal_client_tls_feedback(client, &event.tls_feedback);
        if (number == 0)
            return err_set(err, "the journal takes no more");
    }
    return w.bad ? err_set(err, "what was found makes no sense") : 0;
}

int feedback_tell(void *data, int fd, struct buf *result, struct err *err)
{
    const struct feedback_telling *telling = data;
    (void)fd;
    buf_addc(result, '1');
    return journal_tell(telling->conf->run_dir, 2 * FEEDBACK_FOUND_MAX, tell_all, telling, err);
}
