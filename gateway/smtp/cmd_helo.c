/* HELO and EHLO (RFC 5321 4.1.1.1): who calls; a transaction under way is forgotten (4.1.4). */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

#include <stdlib.h>

static enum smtp_status take_name(struct smtp_session *s, struct str name)
{
    char *copy = strndup(name.s, name.n);
    if (copy == NULL)
        return SMTP_NO_MEMORY;
    free(s->helo);
    s->helo = copy;
    return SMTP_NONE;
}

/* False: it was refused, and is told so; the name that was refused stands in the answer. */
static bool greet(struct smtp_session *s, struct str name, bool extended)
{
    /* what XCLIENT told is what its client has typed */
    struct str said = s->client_helo ? str_of(s->client_helo) : name;
    enum smtp_status status = SMTP_BAD_ARGUMENT;
    if (!smtp_helo_name_valid(name))
        said = STR_EMPTY;
    else
        status = s->config->ops->helo(s->owner, said);
    if (status == SMTP_NONE)
        status = take_name(s, name);
    if (status != SMTP_NONE) {
        session_reply(s, status, said);
        return false;
    }
    s->extended = extended;
    session_reset(s);
    session_become(s, AT_READY);
    return true;
}

enum smtp_status cmd_helo(struct smtp_session *s, struct str args)
{
    if (greet(s, args, false))
        session_reply(s, SMTP_HELO_OK, str_of(s->config->conf->hostname));
    return SMTP_NONE;
}

enum smtp_status cmd_ehlo(struct smtp_session *s, struct str args)
{
    static const char *const offers[] = {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES",
                                         "SMTPUTF8", "CHUNKING"};
    if (!greet(s, args, true))
        return SMTP_NONE;
    smtp_reply_put_more(&s->out, SMTP_HELO_OK, str_of(s->config->conf->hostname));
    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, str_of(offers[i]));
    if (s->config->tls && !s->tls)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR("STARTTLS"));
    if (session_takes_logins(s) && s->tls && !s->authenticated)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, auth_offer(s));
    if (s->dsn)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR("DSN"));
    if (s->tls)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR("REQUIRETLS"));
    if (s->trusted)
        smtp_reply_put_more(&s->out, SMTP_HELO_OK, STR(SMTP_XCLIENT_OFFER));
    char text[32];
    struct buf size = BUF_OVER(text);
    buf_addf(&size, "SIZE %zu", s->config->conf->smtp.size_limit);
    session_reply(s, SMTP_HELO_OK, buf_str(&size));
    return SMTP_NONE;
}
