/*
 * STARTTLS (RFC 3207): whatever came in clear behind the command is thrown away unread, and all
 * that was said before is forgotten, so that nobody in between can put words into the session.
 */
#include "gateway/smtp/machine.h"

enum smtp_status cmd_starttls(struct smtp_session *s, struct str args)
{
    if (s->tls)
        return SMTP_TLS_ALREADY;
    if (!s->config->tls)
        return SMTP_NOT_IMPLEMENTED;
    s->in = STR_EMPTY;
    session_restart(s);
    session_reply(s, SMTP_TLS_READY, STR_EMPTY);
    session_become(s, AT_TLS);
    return SMTP_NONE;
}
