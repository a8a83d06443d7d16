/* Messages to the journal: what is understood is written again byte for byte. */
#include <stdlib.h>

#include "base/ipc.h"
#include "journal/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(const struct event *event, struct buf *out)
{
    switch (event->kind) {
    case EVENT_REFUSED:
        event_refused_put(out, event->number, &event->refused);
        return;
    case EVENT_MESSAGE:
        event_message_put(out, event->number, &event->message);
        return;
    case EVENT_RECIPIENT:
        event_recipient_put(out, event->number, &event->recipient);
        return;
    case EVENT_TLS:
        event_tls_put(out, event->number, &event->tls);
        return;
    case EVENT_FEEDBACK:
        event_feedback_put(out, event->number, &event->feedback);
        return;
    case EVENT_TLS_FEEDBACK:
        event_tls_feedback_put(out, event->number, &event->tls_feedback);
        return;
    case EVENT_ACCEPTED:
        event_accepted_put(out, event->number, &event->accepted);
        return;
    case EVENT_AUDIT:
        event_audit_put(out, event->number, &event->audit);
        return;
    case EVENT_CLOSED:
        event_closed_put(out, event->number, &event->closed);
        return;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str message = str_n((const char *)data, size);
    struct buf again = BUF_INIT(IPC_MSG_MAX);
    struct event event;
    if (!event_get(message, &event))
        return 0;
    put(&event, &again);
    /* longer texts than are allowed come back shortened */
    if (size < EVENT_TEXT_MAX && !str_eq(message, buf_str(&again)))
        abort();
    buf_release(&again);
    return 0;
}
