/*
 * RCPT (RFC 5321 4.1.1.3): asks the directory. Parameters: NOTIFY, ORCPT (RFC 3461 4). Pipelined
 * ones are looked up side by side; the replies come in the order of the commands.
 */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

struct rcpt_params {
    unsigned notify;
    struct str orcpt;
};

static enum smtp_status take_param(const struct smtp_session *s, struct rcpt_params *p,
                                   const struct param *param)
{
    bool utf8 = s->transaction->envelope.smtputf8;
    bool good;
    if (s->dsn && str_ieq(param->name, STR("NOTIFY"))) {
        good = p->notify == 0 && dsn_notify_read(param->value, &p->notify);
    } else if (s->dsn && str_ieq(param->name, STR("ORCPT"))) {
        good = p->orcpt.n == 0 && dsn_orcpt_valid(param->value, utf8);
        p->orcpt = param->value;
    } else {
        return SMTP_UNKNOWN_PARAMETER;
    }
    return good ? SMTP_NONE : SMTP_BAD_ARGUMENT;
}

static enum smtp_status take_params(const struct smtp_session *s, struct str rest,
                                    struct rcpt_params *p)
{
    struct param param;
    int more;
    while ((more = param_next(&rest, &param)) > 0) {
        enum smtp_status status = s->extended ? take_param(s, p, &param) : SMTP_UNKNOWN_PARAMETER;
        if (status != SMTP_NONE)
            return status;
    }
    return more < 0 ? SMTP_BAD_ARGUMENT : SMTP_NONE;
}

static enum smtp_status parse(const struct smtp_session *s, struct str args,
                              struct smtp_address *address, struct rcpt_params *params)
{
    address->n = 0;
    if (!str_istarts(args, STR("TO:")))
        return SMTP_BAD_ARGUMENT;
    struct str rest = str_trim(str_from(args, 3));
    if (!smtp_address_parse(&rest, address) || address->n == 0)
        return SMTP_BAD_RECIPIENT;
    if (!address->has_domain && !str_ieq(smtp_address_str(address), STR("postmaster")))
        return SMTP_BAD_RECIPIENT;
    enum smtp_status status = take_params(s, rest, params);
    if (status != SMTP_NONE)
        return status;
    if (address->utf8 && !s->transaction->envelope.smtputf8)
        return SMTP_UTF8_NOT_ASKED;
    return SMTP_NONE;
}

enum smtp_status cmd_rcpt(struct smtp_session *s, struct str args)
{
    struct transaction *t = s->transaction;
    struct smtp_address address;
    struct rcpt_params params = {0};
    enum smtp_status status = parse(s, args, &address, &params);
    struct str text = smtp_address_str(&address);
    if (status == SMTP_NONE && !address.has_domain)
        text = str_of(s->config->postmaster);
    if (status == SMTP_NONE &&
        t->envelope.n_recipients + t->n_asked >= s->config->conf->smtp.recipients_limit)
        status = SMTP_TOO_MANY_RECIPIENTS;
    struct recipient *r = recipients_add(t, text, status);
    if (r == NULL)
        return SMTP_NO_MEMORY;
    if (status == SMTP_NONE && !recipients_ask_notice(r, params.notify, params.orcpt))
        status = r->status = SMTP_NO_MEMORY;
    r->ticket = s->next_ticket++;
    if (status == SMTP_NONE)
        s->config->ops->recipient(s->owner, r->ticket, r->pub.address);
    recipients_reply(s);
    return SMTP_NONE;
}
