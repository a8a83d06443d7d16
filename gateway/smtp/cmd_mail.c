/* MAIL (RFC 5321 4.1.1.2): a transaction begins. Parameters: SIZE, BODY, SMTPUTF8, AUTH,
 * RET, ENVID (RFC 3461 4), REQUIRETLS (RFC 8689 2). */
#include "gateway/smtp/address.h"
#include "gateway/smtp/machine.h"

#include <stdlib.h>

#define SIZE_DIGITS_MAX 20 /* RFC 1870 4 */

struct mail_params {
    bool size, body, smtputf8, auth, requiretls; /* said already: none may be said twice */
    bool eightbit;
    uint64_t bytes;
    enum dsn_ret ret;
    struct str envid;
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

static enum smtp_status param_ret(struct mail_params *p, const struct param *param)
{
    bool good = p->ret == DSN_RET_UNSAID && dsn_ret_read(param->value, &p->ret);
    return good ? SMTP_NONE : SMTP_BAD_ARGUMENT;
}

static enum smtp_status param_envid(struct mail_params *p, const struct param *param)
{
    if (p->envid.n || !dsn_envid_valid(param->value))
        return SMTP_BAD_ARGUMENT;
    p->envid = param->value;
    return SMTP_NONE;
}

static enum smtp_status param_requiretls(struct mail_params *p, const struct param *param)
{
    if (p->requiretls || param->has_value)
        return SMTP_BAD_ARGUMENT;
    p->requiretls = true;
    return SMTP_NONE;
}

static bool always(const struct smtp_session *s)
{
    return true;
}

static bool has_dsn(const struct smtp_session *s)
{
    return s->dsn;
}

static bool has_tls(const struct smtp_session *s)
{
    return s->tls;
}

static const struct {
    struct str name;
    bool (*offered)(const struct smtp_session *s);
    enum smtp_status (*take)(struct mail_params *p, const struct param *param);
} known[] = {
    {STR("SIZE"), always, param_size},
    {STR("BODY"), always, param_body},
    {STR("SMTPUTF8"), always, param_smtputf8},
    {STR("AUTH"), session_takes_logins, param_auth},
    {STR("RET"), has_dsn, param_ret},
    {STR("ENVID"), has_dsn, param_envid},
    {STR("REQUIRETLS"), has_tls, param_requiretls},
};

static enum smtp_status take_param(const struct smtp_session *s, struct mail_params *p,
                                   const struct param *param)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_ieq(param->name, known[i].name) && known[i].offered(s))
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
    t->envelope.ret = p->ret;
    t->envelope.requiretls = p->requiretls;
    if (p->envid.n) {
        memcpy(t->envid, p->envid.s, p->envid.n);
        t->envelope.envid = str_n(t->envid, p->envid.n);
    }
    s->transaction = t;
    session_become(s, AT_MAIL);
    return SMTP_SENDER_OK;
}

static enum smtp_status ask(struct smtp_session *s, struct str sender, const struct mail_params *p)
{
    char room[SMTP_WORDS_MAX];
    struct buf words = BUF_OVER(room);
    enum smtp_status status = s->config->ops->mail(s->owner, sender, p->bytes, &words);
    if (status == SMTP_NONE)
        return start_transaction(s, sender, p);
    session_reply(s, status, buf_ok(&words) ? buf_str(&words) : STR_EMPTY);
    return SMTP_NONE;
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
    return ask(s, smtp_address_str(&sender), &params);
}
