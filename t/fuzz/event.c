/* Messages to the journal: what is understood is written again byte for byte. */
#include <stdlib.h>

#include "base/ipc.h"
#include "journal/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str message = str_n((const char *)data, size);
    struct buf again = BUF_INIT(IPC_MSG_MAX);
    struct event event;
    if (!event_get(message, &event))
        return 0;
    if (event.kind == EVENT_REFUSED)
        event_refused_put(&again, event.number, &event.refused);
    else if (event.kind == EVENT_MESSAGE)
        event_message_put(&again, event.number, &event.message);
    else if (event.kind == EVENT_TLS)
        event_tls_put(&again, event.number, &event.tls);
    else if (event.kind == EVENT_FEEDBACK)
        event_feedback_put(&again, event.number, &event.feedback);
    else
        event_recipient_put(&again, event.number, &event.recipient);
    /* longer texts than are allowed come back shortened */
    if (size < EVENT_TEXT_MAX && !str_eq(message, buf_str(&again)))
        abort();
    buf_release(&again);
    return 0;
}
