#include "t/smtp/fake.h"

#include <stdlib.h>

#define FAKE_MAX (64 * 1024 * 1024)

void fake_escape(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.s[i];
        if (c == '\r')
            buf_add(out, STR("\\r"));
        else if (c == '\n')
            buf_add(out, STR("\\n"));
        else if (c == '\0')
            buf_add(out, STR("\\0"));
        else if (c == '\\')
            buf_add(out, STR("\\\\"));
        else if (c < ' ' || c == 127)
            buf_addf(out, "\\x%02x", c);
        else
            buf_addc(out, (char)c);
    }
}

static int hex(char c)
{
    c = str_lower_char(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void fake_unescape(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] != '\\' || i + 1 == text.n) {
            buf_addc(out, text.s[i]);
            continue;
        }
        char c = text.s[++i];
        bool is_hex = c == 'x' && i + 2 < text.n && hex(text.s[i + 1]) >= 0;
        if (is_hex) {
            buf_addc(out, (char)(hex(text.s[i + 1]) * 16 + hex(text.s[i + 2])));
            i += 2;
        } else {
            buf_addc(out, c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c);
        }
    }
}

static enum smtp_status on_helo(void *owner, struct str name)
{
    return str_eq(name, STR("mx.ours.example")) ? SMTP_HELO_NOT_YOURS : SMTP_NONE;
}

/* jean has the password "secret"; late is answered by fake_login(). */
static void on_login(void *owner, struct str user, struct str password)
{
    struct fake *f = owner;
    if (str_eq(user, STR("late"))) {
        f->login = true;
        return;
    }
    enum smtp_status status = SMTP_AUTH_WRONG;
    if (str_eq(user, STR("away")))
        status = SMTP_LOGIN_AWAY;
    else if (str_eq(user, STR("old")))
        status = SMTP_AUTH_EXPIRED;
    else if (str_eq(user, STR("jean")) && str_eq(password, STR("secret")))
        status = SMTP_AUTH_OK;
    smtp_login_answer(f->session, status,
                      status == SMTP_AUTH_EXPIRED ? STR("https://password.example/") : STR_EMPTY);
}

/* "good" is a token of jean's, "narrow" one for something else. */
static void on_token(void *owner, struct str user, struct str token)
{
    struct fake *f = owner;
    enum smtp_status status = SMTP_AUTH_TOKEN;
    if (str_eq(user, STR("late"))) {
        f->login = true;
        return;
    }
    if (str_eq(token, STR("away")))
        status = SMTP_TOKEN_AWAY;
    else if (str_eq(token, STR("narrow")))
        status = SMTP_AUTH_SCOPE;
    else if (str_eq(token, STR("good")))
        status = user.n == 0 || str_eq(user, STR("jean")) ? SMTP_AUTH_OK : SMTP_AUTH_FOR_OTHERS;
    smtp_login_answer(f->session, status, STR_EMPTY);
}

void fake_login(struct fake *f, enum smtp_status status)
{
    if (!f->login)
        return;
    f->login = false;
    smtp_login_answer(f->session, status, STR_EMPTY);
    fake_collect(f);
}

static enum smtp_status on_mail(void *owner, struct str sender, uint64_t bytes, struct buf *words)
{
    const struct fake *f = owner;
    if (f->config.submission && !str_iends(sender, STR("@ours.example")))
        return SMTP_SENDER_NOT_YOURS;
    return f->full ? SMTP_NO_SPACE : SMTP_NONE;
}

static enum smtp_status status_of(const struct fake *f, struct str address)
{
    static const struct {
        const char *start;
        enum smtp_status status;
    } words[] = {
        {"nobody", SMTP_UNKNOWN_RECIPIENT}, {"down", SMTP_DIRECTORY_DOWN},
        {"report", SMTP_REPORT_OK},         {"redirect", SMTP_REDIRECTION_FORBIDDEN},
        {"forged", SMTP_RETURN_FORGED},     {"expired", SMTP_RETURN_EXPIRED},
        {"bounces", SMTP_RETURN_NO_BOUNCE},
    };
    if (!str_iends(address, STR("@ours.example")) && !conf_domain_of(&f->conf, address))
        return SMTP_RELAYING_DENIED;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_starts(address, str_of(words[i].start)))
            return words[i].status;
    return SMTP_RECIPIENT_OK;
}

static void on_recipient(void *owner, uint32_t ticket, struct str address)
{
    struct fake *f = owner;
    if (str_starts(address, STR("slow")) && f->n_waiting < FAKE_WAITING_MAX) {
        f->waiting[f->n_waiting++] = ticket;
        return;
    }
    smtp_recipient_answer(f->session, ticket, status_of(f, address), STR("fake"));
}

static enum smtp_status on_begin(void *owner)
{
    struct fake *f = owner;
    if (f->under_way)
        abort();
    f->under_way = true;
    buf_clear(&f->message);
    return SMTP_NONE;
}

/* The words that make a write fail are found however the message was cut into blocks. */
static enum smtp_status on_data(void *owner, struct str block)
{
    const struct str words = STR("Test: write");
    struct fake *f = owner;
    if (!f->under_way || f->ended || block.n == 0)
        abort();
    size_t before = f->message.n;
    buf_add(&f->message, block);
    struct str seen = str_from(buf_str(&f->message), before > words.n ? before - words.n : 0);
    return str_find(seen, words) != STR_NONE ? SMTP_LOCAL_ERROR : SMTP_NONE;
}

static void note_recipient(struct buf *out, const struct smtp_recipient *r)
{
    buf_addf(out, " <%.*s>", STR_ARG(r->address));
    if (r->notify) {
        buf_add(out, STR(" NOTIFY="));
        dsn_notify_put(r->notify, out);
    }
    if (r->orcpt.n)
        buf_addf(out, " ORCPT=%.*s", STR_ARG(r->orcpt));
}

static void note_message(struct fake *f, const struct smtp_envelope *envelope)
{
    struct buf *out = &f->messages;
    size_t n = 0;
    buf_addf(out, "<%.*s> ->", STR_ARG(envelope->sender));
    for (const struct smtp_recipient *r = envelope->recipients; r; r = r->next, n++)
        note_recipient(out, r);
    if (n != envelope->n_recipients || n == 0)
        abort();
    static const char *const rets[DSN_RETS] = {"", " RET=FULL", " RET=HDRS"};
    buf_addf(out, "%s%s%s%s%s%.*s | ", envelope->eightbit ? " 8BITMIME" : "",
             envelope->smtputf8 ? " SMTPUTF8" : "", envelope->requiretls ? " REQUIRETLS" : "",
             rets[envelope->ret], envelope->envid.n ? " ENVID=" : "", STR_ARG(envelope->envid));
    fake_escape(out, buf_str(&f->message));
    buf_addc(out, '\n');
}

void fake_verdict(struct fake *f, enum smtp_status status)
{
    char id[32];
    struct buf text = {.p = id, .cap = sizeof id, .max = sizeof id - 1};
    if (!f->ended)
        return;
    f->under_way = f->ended = false;
    if (status == SMTP_QUEUED)
        buf_addf(&text, "ID%u", ++f->accepted);
    else
        buf_addf(&text, "a test");
    smtp_message_answer(f->session, status, buf_str(&text));
    fake_collect(f);
}

static void on_end(void *owner, const struct smtp_envelope *envelope)
{
    struct fake *f = owner;
    struct str text = buf_str(&f->message);
    if (!f->under_way || f->ended)
        abort();
    f->ended = true;
    if (str_find(text, STR("Test: reject")) != STR_NONE) {
        fake_verdict(f, SMTP_REJECTED);
        return;
    }
    if (str_find(text, STR("Test: defer")) != STR_NONE) {
        fake_verdict(f, SMTP_SCAN_FAILED);
        return;
    }
    note_message(f, envelope);
    if (str_find(text, STR("Test: slow")) == STR_NONE)
        fake_verdict(f, SMTP_QUEUED);
}

static void on_abort(void *owner)
{
    struct fake *f = owner;
    if (!f->under_way)
        abort();
    f->under_way = f->ended = false;
    f->aborted++;
}

static void on_refused(void *owner, const struct smtp_refusal *r)
{
    struct fake *f = owner;
    buf_addf(&f->refusals, "%s %u %s <%.*s> <%.*s> %.*s\n", r->stage, r->reply->code,
             r->reply->enhanced, STR_ARG(r->sender), STR_ARG(r->recipient), STR_ARG(r->text));
}

/* A client at 192.0.2.99 has too many sessions. */
static enum smtp_status on_xclient(void *owner, const struct smtp_xclient *client)
{
    struct fake *f = owner;
    if (str_eq(client->address, STR("192.0.2.99")))
        return SMTP_TOO_MANY_FROM_CLIENT;
    buf_addf(&f->messages, "xclient %.*s [%.*s]\n",
             STR_ARG(client->name.s ? client->name : STR("-")),
             STR_ARG(client->address.s ? client->address : STR("-")));
    return SMTP_NONE;
}

static const struct smtp_ops ops = {
    .helo = on_helo,
    .login = on_login,
    .token = on_token,
    .mail = on_mail,
    .recipient = on_recipient,
    .begin = on_begin,
    .data = on_data,
    .end = on_end,
    .abort = on_abort,
    .refused = on_refused,
    .xclient = on_xclient,
};

void fake_start(struct fake *f)
{
    *f = (struct fake){.full = false};
    f->conf.hostname = "mx.ours.example";
    f->conf.smtp.banner = "ESMTP poterne";
    f->conf.smtp.size_limit = 1000000;
    f->conf.smtp.line_limit = 2048;
    f->conf.smtp.recipients_limit = 1000;
    f->conf.smtp.errors_limit = 20;
    f->conf.smtp.commands_limit = 1000;
    f->conf.smtp.messages_limit = 1000;
    f->conf.submission.failures_limit = 3;
    f->config = (struct smtp_config){&f->conf, &ops, "admin@ours.example", true, false};
    buf_init(&f->message, FAKE_MAX);
    buf_init(&f->messages, FAKE_MAX);
    buf_init(&f->refusals, FAKE_MAX);
    buf_init(&f->output, FAKE_MAX);
    f->session = smtp_new(&f->config, f);
    if (f->session == NULL)
        abort();
}

void fake_judge_apart(struct fake *f)
{
    static const char *const names[] = {"also.example", "ours.example", "strict.example"};
    for (size_t i = 0; i < 3; i++)
        f->domains[i] = (struct conf_domain){.name = names[i], .dmarc = CONF_DMARC_TAG};
    f->domains[2].dmarc = CONF_DMARC_REJECT;
    f->conf.domains = f->domains;
    f->conf.n_domains = 3;
    f->conf.sender.dmarc = true;
    f->conf.resolver.enabled = true;
}

void fake_stop(struct fake *f)
{
    smtp_free(&f->session);
    if (f->under_way)
        abort();
    buf_release(&f->message);
    buf_release(&f->messages);
    buf_release(&f->refusals);
    buf_release(&f->output);
}

void fake_collect(struct fake *f)
{
    struct str out;
    while ((out = smtp_output(f->session)).n > 0) {
        buf_add(&f->output, out);
        smtp_sent(f->session, out.n);
    }
}

size_t fake_feed(struct fake *f, struct str bytes, size_t step)
{
    size_t fed = 0;
    if (step > SMTP_BLOCK_MAX)
        step = SMTP_BLOCK_MAX;
    fake_collect(f);
    while (fed < bytes.n && smtp_wants(f->session) == SMTP_WANT_INPUT) {
        struct str block = str_sub(bytes, fed, fed + step);
        /* passwords are wiped where they stand, and the caller's bytes stay as they are */
        char *copy = malloc(block.n + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, block.s, block.n);
        smtp_input(f->session, str_n(copy, block.n));
        free(copy);
        fed += block.n;
        fake_collect(f);
    }
    return fed;
}

void fake_answer(struct fake *f, size_t index, enum smtp_status status)
{
    if (index >= f->n_waiting)
        return;
    uint32_t ticket = f->waiting[index];
    f->n_waiting--;
    memmove(f->waiting + index, f->waiting + index + 1,
            (f->n_waiting - index) * sizeof f->waiting[0]);
    smtp_recipient_answer(f->session, ticket, status, STR("fake"));
    fake_collect(f);
}
