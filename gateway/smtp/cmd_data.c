/* DATA (RFC 5321 4.1.1.4) */
#include "gateway/smtp/machine.h"

enum smtp_status cmd_data(struct smtp_session *s, struct str args)
{
    struct transaction *t = s->transaction;
    if (t->envelope.n_recipients == 0)
        return SMTP_NO_RECIPIENTS;
    if (!message_begin(s)) {
        enum smtp_status why = t->failed;
        session_reply(s, why, STR_EMPTY);
        session_reset(s);
        return SMTP_NONE;
    }
    session_become(s, AT_DATA);
    return SMTP_SEND_DATA;
}
