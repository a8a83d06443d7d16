#include "gateway/smtp/machine.h"

#include <stdlib.h>

#define OUTPUT_MAX (128 * 1024) /* HIGH, and the replies of all look-ups under way */
#define REST_MAX   (2 * SMTP_BLOCK_MAX)

struct smtp_session *smtp_new(const struct smtp_config *config, void *owner)
{
    struct smtp_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->config = config;
    s->owner = owner;
    s->state = AT_START;
    s->stage = "connect";
    buf_init(&s->rest, REST_MAX);
    buf_init(&s->out, OUTPUT_MAX);
    return s;
}

/* --- input that waits: lines of AUTH may stand in it, and leave no copy behind --- */

static void wipe_from(const struct smtp_session *s, size_t from)
{
    if (session_takes_logins(s) && s->rest.cap > from)
        explicit_bzero(s->rest.p + from, s->rest.cap - from);
}

static void rest_release(struct smtp_session *s)
{
    wipe_from(s, 0);
    buf_release(&s->rest);
}

/* Where it would move, by hand: realloc() would leave it where it stood. */
static void rest_add(struct smtp_session *s, struct str bytes)
{
    if (session_takes_logins(s) && s->rest.n && s->rest.cap - s->rest.n <= bytes.n) {
        struct buf larger = BUF_INIT(REST_MAX);
        buf_room(&larger, s->rest.n + bytes.n);
        buf_add(&larger, buf_str(&s->rest));
        rest_release(s);
        s->rest = larger;
    }
    buf_add(&s->rest, bytes);
}

static void rest_eat(struct smtp_session *s, size_t n)
{
    buf_eat(&s->rest, n);
    wipe_from(s, s->rest.n);
}

/* --- its life --- */

void smtp_free(struct smtp_session **session)
{
    struct smtp_session *s = *session;
    if (s == NULL)
        return;
    session_reset(s);
    auth_forget(s);
    rest_release(s);
    buf_release(&s->out);
    free(s->helo);
    free(s->client_helo);
    free(s);
    *session = NULL;
}

void session_become(struct smtp_session *s, enum session_state state)
{
    if (s->state != AT_CLOSED)
        s->state = state;
}

void session_reset(struct smtp_session *s)
{
    struct transaction *t = s->transaction;
    if (s->state != AT_START && s->state != AT_TLS)
        session_become(s, AT_READY);
    if (t == NULL)
        return;
    s->transaction = NULL;
    if (t->begun)
        s->config->ops->abort(s->owner);
    recipients_free(t);
    free(t);
}

void session_restart(struct smtp_session *s)
{
    free(s->helo);
    s->helo = NULL;
    s->extended = false;
    session_reset(s);
    session_become(s, AT_START);
}

static void session_close(struct smtp_session *s)
{
    session_reset(s);
    auth_forget(s);
    session_become(s, AT_CLOSED);
}

void session_refused(struct smtp_session *s, enum smtp_status status, struct str detail,
                     struct str recipient)
{
    const struct transaction *t = s->transaction;
    const struct smtp_reply *reply = smtp_reply_of(status);
    char room[512];
    struct buf text = BUF_OVER(room);
    buf_add(&text, str_of(reply->text));
    if (detail.n && detail.n + text.n + 2 < text.max) {
        buf_add(&text, STR(": "));
        buf_add(&text, detail);
    }
    struct smtp_refusal refusal = {
        .stage = s->stage,
        .reply = reply,
        .text = buf_str(&text),
        .sender = t ? t->envelope.sender : STR_EMPTY,
        .recipient = recipient,
    };
    s->config->ops->refused(s->owner, &refusal);
}

void session_reply(struct smtp_session *s, enum smtp_status status, struct str detail)
{
    if (s->state == AT_CLOSED)
        return;
    const struct smtp_reply *reply = smtp_reply_of(status);
    smtp_reply_put(&s->out, status, detail);
    if (reply->journal)
        session_refused(s, status, detail, STR_EMPTY);
    session_count_reply(s, status);
}

void session_count_reply(struct smtp_session *s, enum smtp_status status)
{
    const struct smtp_reply *reply = smtp_reply_of(status);
    if (reply->closes)
        session_close(s);
    else if (reply->code >= 500 && ++s->errors >= s->config->conf->smtp.errors_limit)
        session_reply(s, SMTP_TOO_MANY_ERRORS, STR_EMPTY);
}

/* RFC 4954 4.3: a line of AUTH may be longer than other commands. */
static size_t line_limit(const struct smtp_session *s)
{
    size_t limit = s->config->conf->smtp.line_limit;
    bool auth =
        s->state == AT_AUTH || (session_takes_logins(s) && str_istarts(s->in, STR("AUTH ")));
    return auth && limit < SASL_LINE_MAX ? SASL_LINE_MAX : limit;
}

/* The line in front of s->in, without CR LF; false when it is not yet there or is not a line. */
static bool next_line(struct smtp_session *s, struct str *line)
{
    const char *lf = s->in.n ? memchr(s->in.s, '\n', s->in.n) : NULL;
    size_t limit = line_limit(s);
    size_t n = lf ? (size_t)(lf - s->in.s) : 0;
    if (lf && n > 0 && lf[-1] == '\r') {
        *line = str_sub(s->in, 0, n - 1);
        s->skipping_line |= n + 1 > limit;
        return true;
    }
    if (lf) {
        session_reply(s, SMTP_STRAY_COMMAND_BYTE, STR_EMPTY);
    } else if (s->in.n >= limit || s->skipping_line) {
        /* keep the last byte: it may be the CR of the end */
        s->skipping_line = true;
        s->in = str_from(s->in, s->in.n ? s->in.n - 1 : 0);
    }
    return false;
}

static bool has_stray_byte(struct str line)
{
    return str_chr(line, '\r') != STR_NONE || str_chr(line, '\n') != STR_NONE ||
           str_chr(line, '\0') != STR_NONE;
}

/* Look-ups are under way: whatever is not another sound RCPT waits, so that replies keep their
 * order and no command sees half a transaction. */
static bool must_wait(const struct smtp_session *s)
{
    struct str line = str_sub(s->in, 0, str_find(s->in, STR("\r\n")));
    return s->transaction->n_asked >= SMTP_LOOKUPS_MAX || s->skipping_line ||
           line.n + 2 > s->config->conf->smtp.line_limit || has_stray_byte(line) ||
           !command_goes_on(line);
}

static bool line_incomplete(const struct smtp_session *s)
{
    return str_chr(s->in, '\n') == STR_NONE && s->in.n < s->config->conf->smtp.line_limit;
}

static bool step_line(struct smtp_session *s)
{
    struct str line;
    if (s->transaction && s->transaction->n_asked > 0) {
        if (line_incomplete(s))
            return false;
        s->blocked = must_wait(s);
        if (s->blocked)
            return false;
    }
    if (!next_line(s, &line))
        return false;
    s->in = str_from(s->in, line.n + 2);
    if (s->skipping_line) {
        s->skipping_line = false;
        auth_forget(s);
        session_reply(s, SMTP_LINE_TOO_LONG, STR_EMPTY);
    } else if (has_stray_byte(line)) {
        session_reply(s, SMTP_STRAY_COMMAND_BYTE, STR_EMPTY);
    } else if (s->state == AT_AUTH) {
        auth_line(s, line);
    } else {
        command_run(s, line);
    }
    return true;
}

static bool step_data(struct smtp_session *s)
{
    struct smtp_body *body = &s->transaction->body;
    if (s->in.n == 0)
        return false;
    size_t used = smtp_body_data(body, s->in, message_block, s);
    s->in = str_from(s->in, used);
    if (!message_hopeless(s) && body->at == BODY_ENDED)
        message_end(s);
    return true;
}

static bool step(struct smtp_session *s)
{
    switch (s->state) {
    case AT_DATA:
        return step_data(s);
    case AT_CHUNK:
        return chunk_step(s);
    default:
        return step_line(s);
    }
}

/* No MAIL is under way. */
static bool is_idle(const struct smtp_session *s)
{
    return s->state == AT_START || s->state == AT_READY;
}

static bool can_work(const struct smtp_session *s)
{
    if (s->draining && is_idle(s))
        return false;
    return s->state != AT_CLOSED && s->state != AT_TLS && s->state != AT_VERDICT &&
           s->state != AT_LOGIN && s->out.n < SMTP_OUTPUT_HIGH && buf_ok(&s->out);
}

static void keep_rest(struct smtp_session *s, bool held)
{
    if (s->state == AT_CLOSED)
        s->in = STR_EMPTY;
    if (held) {
        rest_eat(s, s->rest.n - s->in.n);
    } else {
        rest_add(s, s->in);
        if (session_takes_logins(s)) /* a line of AUTH may be among it */
            sasl_wipe_bytes(s->in);
    }
    s->in = STR_EMPTY;
    if (s->rest.n == 0)
        rest_release(s);
}

/* Works on what was held and on `bytes` as far as it can; keeps what is left. */
static void work(struct smtp_session *s, struct str bytes)
{
    if (s->running) /* an op answered at once: the loop that called it goes on */
        return;
    bool held = s->rest.n > 0;
    if (held)
        rest_add(s, bytes);
    s->in = held ? buf_str(&s->rest) : bytes;
    s->running = true;
    s->blocked = false;
    while (can_work(s) && step(s))
        ;
    s->running = false;
    keep_rest(s, held);
    if (s->draining && is_idle(s))
        session_reply(s, SMTP_SHUTTING_DOWN, STR_EMPTY);
    if (!buf_ok(&s->rest) || !buf_ok(&s->out)) {
        buf_release(&s->out);
        session_reply(s, SMTP_NO_MEMORY, STR_EMPTY);
    }
}

void session_go_on(struct smtp_session *s)
{
    work(s, STR_EMPTY);
}

void session_say_banner(struct smtp_session *s)
{
    const struct conf *conf = s->config->conf;
    char text[512];
    struct buf banner = BUF_OVER(text);
    buf_add(&banner, str_of(conf->hostname));
    if (conf->smtp.banner && conf->smtp.banner[0])
        buf_addf(&banner, " %s", conf->smtp.banner);
    session_reply(s, SMTP_BANNER, buf_str(&banner));
}

void smtp_greet(struct smtp_session *s, enum smtp_status status)
{
    if (status != SMTP_NONE)
        session_reply(s, status, STR_EMPTY);
    else
        session_say_banner(s);
}

void smtp_offer_dsn(struct smtp_session *s, bool offered)
{
    s->dsn = offered;
}

void smtp_offer_login(struct smtp_session *s, bool offered)
{
    s->login_offered = offered;
}

void smtp_trust(struct smtp_session *s, bool trusted)
{
    s->trusted = trusted;
}

void smtp_input(struct smtp_session *s, struct str bytes)
{
    work(s, bytes);
}

struct str smtp_output(const struct smtp_session *s)
{
    return buf_str(&s->out);
}

void smtp_sent(struct smtp_session *s, size_t n)
{
    buf_eat(&s->out, n);
    if (s->out.n == 0)
        buf_release(&s->out);
    if (s->rest.n && s->out.n < SMTP_OUTPUT_HIGH)
        work(s, STR_EMPTY);
}

enum smtp_want smtp_wants(const struct smtp_session *s)
{
    if (s->state == AT_CLOSED)
        return SMTP_WANT_CLOSE;
    if (s->state == AT_TLS)
        return SMTP_WANT_TLS;
    if (s->state == AT_VERDICT || s->state == AT_LOGIN)
        return SMTP_WANT_ANSWER;
    if (s->out.n >= SMTP_OUTPUT_HIGH)
        return SMTP_WANT_OUTPUT;
    return s->blocked ? SMTP_WANT_ANSWER : SMTP_WANT_INPUT;
}

void smtp_recipient_answer(struct smtp_session *s, uint32_t ticket, enum smtp_status status,
                           struct str how)
{
    if (s->transaction == NULL || !recipients_answer(s->transaction, ticket, status, how))
        return;
    if (s->running) /* asked and answered in one go: cmd_rcpt says it */
        return;
    recipients_reply(s);
    work(s, STR_EMPTY);
}

void smtp_message_answer(struct smtp_session *s, enum smtp_status status, struct str detail)
{
    if (s->state != AT_VERDICT)
        return;
    s->stage = "content";
    s->transaction->begun = false;
    if (status == SMTP_QUEUED) {
        s->messages++;
        s->idle_commands = 0;
    }
    session_reply(s, status, detail);
    message_over(s);
    work(s, STR_EMPTY);
}

void smtp_tls_started(struct smtp_session *s)
{
    if (s->state != AT_TLS)
        return;
    s->tls = true;
    session_become(s, AT_START);
    work(s, STR_EMPTY);
}

void smtp_greet_tls(struct smtp_session *s)
{
    s->tls = true;
    smtp_greet(s, SMTP_NONE);
    work(s, STR_EMPTY);
}

void smtp_end(struct smtp_session *s, enum smtp_status status)
{
    session_reply(s, status, STR_EMPTY);
    session_close(s);
}

void smtp_drain(struct smtp_session *s)
{
    s->draining = true;
    work(s, STR_EMPTY);
}

bool smtp_in_message(const struct smtp_session *s)
{
    return s->state == AT_DATA || s->state == AT_CHUNK || s->state == AT_CHUNKS;
}

struct str smtp_sender(const struct smtp_session *s)
{
    return s->transaction ? s->transaction->envelope.sender : STR_EMPTY;
}

bool smtp_recipient_rewrite(struct smtp_session *s, uint32_t ticket, struct str address)
{
    return s->transaction && recipients_rewrite(s->transaction, ticket, address);
}

bool smtp_recipient_way(struct smtp_session *s, uint32_t ticket, struct str way)
{
    return s->transaction && recipients_way(s->transaction, ticket, way);
}

struct str smtp_helo(const struct smtp_session *s)
{
    return str_of(s->client_helo ? s->client_helo : s->helo);
}

unsigned smtp_errors(const struct smtp_session *s)
{
    return s->errors;
}

const char *smtp_protocol(const struct smtp_session *s)
{
    bool utf8 = s->transaction && s->transaction->envelope.smtputf8;
    if (s->authenticated)
        return utf8 ? "UTF8SMTPSA" : "ESMTPSA";
    if (utf8)
        return s->tls ? "UTF8SMTPS" : "UTF8SMTP";
    if (s->tls)
        return "ESMTPS";
    bool extended = s->client_plain || s->client_extended ? s->client_extended : s->extended;
    return extended ? "ESMTP" : "SMTP";
}
