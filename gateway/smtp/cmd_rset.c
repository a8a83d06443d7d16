/* RSET (RFC 5321 4.1.1.5) */
#include "gateway/smtp/machine.h"

enum smtp_status cmd_rset(struct smtp_session *s, struct str args)
{
    session_reset(s);
    return SMTP_OK;
}
