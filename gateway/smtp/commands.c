#include "gateway/smtp/machine.h"

#define ANYWHERE (IN(AT_START) | IN(AT_READY) | IN(AT_MAIL) | IN(AT_CHUNKS))

static enum smtp_status say_ok(struct smtp_session *s, struct str args)
{
    return SMTP_OK;
}

static enum smtp_status say_bye(struct smtp_session *s, struct str args)
{
    return SMTP_BYE;
}

static enum smtp_status say_help(struct smtp_session *s, struct str args)
{
    return SMTP_HELP;
}

static enum smtp_status say_not_verified(struct smtp_session *s, struct str args)
{
    return SMTP_VRFY_NOTHING;
}

static enum smtp_status say_not_implemented(struct smtp_session *s, struct str args)
{
    return SMTP_NOT_IMPLEMENTED;
}

/* A browser or a script that was made to talk to us; its next lines are somebody's text. */
static enum smtp_status say_not_smtp(struct smtp_session *s, struct str args)
{
    return SMTP_NOT_SMTP;
}

/* clang-format off */
static const struct command commands[] = {
    /* verb             where it may be said            arguments  idle   stage   act */
    {STR("EHLO"),     ANYWHERE,                       ARGS_MUST, true,  "helo", cmd_ehlo},
    {STR("HELO"),     ANYWHERE,                       ARGS_MUST, true,  "helo", cmd_helo},
    {STR("MAIL"),     IN(AT_READY),                   ARGS_MUST, true,  "mail", cmd_mail},
    {STR("RCPT"),     IN(AT_MAIL),                    ARGS_MUST, false, "rcpt", cmd_rcpt},
    {STR("DATA"),     IN(AT_MAIL),                    ARGS_NONE, false, "data", cmd_data},
    {STR("BDAT"),     ANYWHERE,                       ARGS_MAY,  false, "data", cmd_bdat},
    {STR("RSET"),     ANYWHERE,                       ARGS_NONE, true,  "mail", cmd_rset},
    {STR("NOOP"),     ANYWHERE,                       ARGS_MAY,  true,  "helo", say_ok},
    {STR("QUIT"),     ANYWHERE,                       ARGS_NONE, true,  "helo", say_bye},
    {STR("STARTTLS"), IN(AT_START) | IN(AT_READY),    ARGS_NONE, true,  "helo", cmd_starttls},
    {STR("XCLIENT"),  IN(AT_START) | IN(AT_READY),    ARGS_MUST, true,  "helo", cmd_xclient},
    {STR("VRFY"),     ANYWHERE & ~IN(AT_CHUNKS),      ARGS_MUST, true,  "helo", say_not_verified},
    {STR("HELP"),     ANYWHERE & ~IN(AT_CHUNKS),      ARGS_MAY,  true,  "helo", say_help},
    {STR("EXPN"),     ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_implemented},
    {STR("AUTH"),     ANYWHERE,                       ARGS_MAY,  true,  "auth", cmd_auth},
    {STR("ETRN"),     ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_implemented},
    {STR("TURN"),     ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_implemented},
    {STR("GET"),      ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_smtp},
    {STR("POST"),     ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_smtp},
    {STR("PUT"),      ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_smtp},
    {STR("CONNECT"),  ANYWHERE,                       ARGS_MAY,  true,  "helo", say_not_smtp},
};
/* clang-format on */

static const struct command *command_find(struct str verb)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (str_ieq(verb, commands[i].verb))
            return &commands[i];
    return NULL;
}

static struct str verb_of(struct str line)
{
    size_t space = str_chr(line, ' ');
    return str_sub(line, 0, space == STR_NONE ? line.n : space);
}

bool command_goes_on(struct str line)
{
    return str_ieq(verb_of(line), STR("RCPT"));
}

static enum smtp_status wrong_state(const struct smtp_session *s, const struct command *c)
{
    switch (s->state) {
    case AT_START:
        return SMTP_HELO_FIRST;
    case AT_READY:
        return SMTP_MAIL_FIRST;
    case AT_MAIL:
        return c->act == cmd_mail ? SMTP_NESTED_MAIL : SMTP_NOT_NOW;
    default:
        return SMTP_IN_CHUNKS;
    }
}

static enum smtp_status check_and_act(struct smtp_session *s, const struct command *c,
                                      struct str args)
{
    if (!(c->states & IN(s->state)))
        return wrong_state(s, c);
    if ((c->args == ARGS_NONE && args.n > 0) || (c->args == ARGS_MUST && args.n == 0))
        return SMTP_BAD_ARGUMENT;
    return c->act(s, args);
}

void command_run(struct smtp_session *s, struct str line)
{
    while (line.n && (line.s[line.n - 1] == ' ' || line.s[line.n - 1] == '\t'))
        line.n--;
    struct str verb = verb_of(line);
    struct str args = str_trim(str_from(line, verb.n));
    const struct command *c = command_find(verb);
    bool idle = c == NULL || c->idle;
    s->stage = c ? c->stage : "helo";
    enum smtp_status status = c ? check_and_act(s, c, args) : SMTP_UNKNOWN_COMMAND;
    if (status != SMTP_NONE)
        session_reply(s, status, STR_EMPTY);
    if (idle && s->state != AT_CLOSED && ++s->idle_commands > s->config->conf->smtp.commands_limit)
        session_reply(s, SMTP_TOO_MANY_COMMANDS, STR_EMPTY);
}
