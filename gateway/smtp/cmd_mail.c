/* MAIL (RFC 5321 4.1.1.2): a transaction begins. Parameters: SIZE, BODY, SMTPUTF8, AUTH. */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

#include <stdlib.h>

#define SIZE_DIGITS_MAX 20 /* RFC 1870 4 */

struct mail_params {
    bool size, body, smtputf8, auth; /* said already: none may be said twice */
    bool eightbit;
    uint64_t bytes;
};

static enum smtp_status param_size(struct mail_params *p, const struct param *param)
{
    if (p->size || !param->has_value || param->value.n > SIZE_DIGITS_MAX)
        return SMTP_BAD_ARGUMENT;
    for (size_t i = 0; i < param->value.n; i++)
        if (param->value.s[i] < '0' || param->value.s[i] > '9')
            return SMTP_BAD_ARGUMENT;
    p->size = true;
    if (!str_to_u64(param->value, UINT64_MAX, &p->bytes))
        p->bytes = UINT64_MAX; /* 20 digits may be more than 64 bits: too big all the same */
    return SMTP_NONE;
}

static enum smtp_status param_body(struct mail_params *p, const struct param *param)
{
    p->eightbit = str_ieq(param->value, STR("8BITMIME"));
    if (p->body || (!p->eightbit && !str_ieq(param->value, STR("7BIT"))))
        return SMTP_BAD_ARGUMENT;
    p->body = true;
    return SMTP_NONE;
}

static enum smtp_status param_smtputf8(struct mail_params *p, const struct param *param)
{
    if (p->smtputf8 || param->has_value)
        return SMTP_BAD_ARGUMENT;
    p->smtputf8 = true;
    return SMTP_NONE;
}

/* RFC 4954 5: who first submitted it. Nobody's word is taken for that, as if it were "<>". */
static enum smtp_status param_auth(struct mail_params *p, const struct param *param)
{
    if (p->auth || !param->has_value || param->value.n == 0)
        return SMTP_BAD_ARGUMENT;
    p->auth = true;
    return SMTP_NONE;
}

static const struct {
    struct str name;
    enum smtp_status (*take)(struct mail_params *p, const struct param *param);
} known[] = {
    {STR("SIZE"), param_size},
    {STR("BODY"), param_body},
    {STR("SMTPUTF8"), param_smtputf8},
};

static enum smtp_status take_param(const struct smtp_session *s, struct mail_params *p,
                                   const struct param *param)
{
    if (s->config->submission && str_ieq(param->name, STR("AUTH")))
        return param_auth(p, param);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_ieq(param->name, known[i].name))
            return known[i].take(p, param);
    return SMTP_UNKNOWN_PARAMETER;
}

static enum smtp_status take_params(const struct smtp_session *s, struct str rest,
                                    struct mail_params *p)
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

static enum smtp_status start_transaction(struct smtp_session *s, struct str sender,
                                          const struct mail_params *p)
{
    struct transaction *t = calloc(1, sizeof *t + sender.n + 1);
    if (t == NULL)
        return SMTP_NO_MEMORY;
    memcpy(t->sender, sender.s, sender.n);
    t->envelope.sender = str_n(t->sender, sender.n);
    t->envelope.smtputf8 = p->smtputf8;
    t->envelope.eightbit = p->eightbit;
    s->transaction = t;
    session_become(s, AT_MAIL);
    return SMTP_SENDER_OK;
}

enum smtp_status cmd_mail(struct smtp_session *s, struct str args)
{
    const struct conf_smtp *limits = &s->config->conf->smtp;
    struct smtp_address sender;
    struct mail_params params = {0};
    if (s->config->submission && !s->authenticated)
        return s->tls ? SMTP_AUTH_FIRST : SMTP_TLS_FIRST;
    if (!str_istarts(args, STR("FROM:")))
        return SMTP_BAD_ARGUMENT;
    struct str rest = str_trim(str_from(args, 5));
    if (!smtp_address_parse(&rest, &sender) || (sender.n && !sender.has_domain))
        return SMTP_BAD_SENDER;
    enum smtp_status status = take_params(s, rest, &params);
    if (status != SMTP_NONE)
        return status;
    if (sender.utf8 && !params.smtputf8)
        return SMTP_UTF8_NOT_ASKED;
    if (params.bytes > limits->size_limit)
        return SMTP_TOO_BIG;
    if (s->messages >= limits->messages_limit)
        return SMTP_TOO_MANY_MESSAGES;
    status = s->config->ops->mail(s->owner, smtp_address_str(&sender));
    return status == SMTP_NONE ? start_transaction(s, smtp_address_str(&sender), &params) : status;
}
