/*
 * RCPT (RFC 5321 4.1.1.3): asks the directory. It knows no parameters. Pipelined ones are
 * looked up side by side; the replies come in the order of the commands.
 */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

static enum smtp_status parse(const struct smtp_session *s, struct str args,
                              struct smtp_address *address)
{
    struct param param;
    address->n = 0;
    if (!str_istarts(args, STR("TO:")))
        return SMTP_BAD_ARGUMENT;
    struct str rest = str_trim(str_from(args, 3));
    if (!smtp_address_parse(&rest, address) || address->n == 0)
        return SMTP_BAD_RECIPIENT;
    if (!address->has_domain && !str_ieq(smtp_address_str(address), STR("postmaster")))
        return SMTP_BAD_RECIPIENT;
    int more = param_next(&rest, &param);
    if (more)
        return more < 0 ? SMTP_BAD_ARGUMENT : SMTP_UNKNOWN_PARAMETER;
    if (address->utf8 && !s->transaction->envelope.smtputf8)
        return SMTP_UTF8_NOT_ASKED;
    return SMTP_NONE;
}

enum smtp_status cmd_rcpt(struct smtp_session *s, struct str args)
{
    struct transaction *t = s->transaction;
    struct smtp_address address;
    enum smtp_status status = parse(s, args, &address);
    struct str text = smtp_address_str(&address);
    if (status == SMTP_NONE && !address.has_domain)
        text = str_of(s->config->postmaster);
    if (status == SMTP_NONE &&
        t->envelope.n_recipients + t->n_asked >= s->config->conf->smtp.recipients_limit)
        status = SMTP_TOO_MANY_RECIPIENTS;
    struct recipient *r = recipients_add(t, text, status);
    if (r == NULL)
        return SMTP_NO_MEMORY;
    r->ticket = s->next_ticket++;
    if (status == SMTP_NONE)
        s->config->ops->recipient(s->owner, r->ticket, r->pub.address);
    recipients_reply(s);
    return SMTP_NONE;
}
