/* HELO and EHLO (RFC 5321 4.1.1.1): who calls; a transaction under way is forgotten (4.1.4). */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

#include <stdlib.h>

static enum smtp_status greet(struct smtp_session *s, struct str name, bool extended)
{
    if (!smtp_helo_name_valid(name))
        return SMTP_BAD_ARGUMENT;
    /* what XCLIENT told is what its client has typed */
    struct str said = s->client_helo ? str_of(s->client_helo) : name;
    enum smtp_status status = s->config->ops->helo(s->owner, said);
    if (status != SMTP_NONE)
        return status;
    char *copy = strndup(name.s, name.n);
    if (copy == NULL)
        return SMTP_NO_MEMORY;
    free(s->helo);
    s->helo = copy;
    s->extended = extended;
    session_reset(s);
    session_become(s, AT_READY);
    return SMTP_NONE;
}

enum smtp_status cmd_helo(struct smtp_session *s, struct str args)
{
    enum smtp_status status = greet(s, args, false);
    if (status == SMTP_NONE)
        session_reply(s, SMTP_HELO_OK, str_of(s->config->conf->hostname));
    return status;
}

enum smtp_status cmd_ehlo(struct smtp_session *s, struct str args)
{
    static const char *const offers[] = {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES",
                                         "SMTPUTF8", "CHUNKING"};
    enum smtp_status status = greet(s, args, true);
    if (status != SMTP_NONE)
        return status;
    smtp_reply_put_more(&s->out, SMTP_HELO_OK, str_of(s->config->conf->hostname));
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, str_of(offers[i]));
    if (s->config->tls && !s->tls)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR("STARTTLS"));
    if (s->trusted)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR(SMTP_XCLIENT_OFFER));
    char text[32];
    struct buf size = BUF_OVER(text);
    buf_addf(&size, "SIZE %zu", s->config->conf->smtp.size_limit);
    session_reply(s, SMTP_HELO_OK, buf_str(&size));
    return SMTP_NONE;
}
