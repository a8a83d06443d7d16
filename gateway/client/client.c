#include "gateway/client/client.h"

#include <stdio.h>

#include "base/log.h"

/* Commands of one transaction at most: addresses are bounded by edge's command line. */
#define OUT_MAX (1024 * 1024)

/* Steps of the envelope: STEP_RESET, STEP_MAIL, one for each recipient, then DATA. */
#define STEP_RESET (-1)
#define STEP_MAIL  0
#define STEP_RCPT  1

#define CODE_CLOSING 421

void client_init(struct client *client, enum client_protocol protocol, const char *hostname,
                 const struct client_hooks *hooks)
{
    *client = (struct client){.protocol = protocol,
                              .state = CLIENT_GREETING,
                              .hostname = hostname,
                              .hooks = *hooks,
                              .out = BUF_INIT(OUT_MAX)};
    reply_init(&client->reply);
}

void client_release(struct client *client)
{
    reply_release(&client->reply);
    buf_release(&client->out);
}

static void die(struct client *client, const char *why)
{
    snprintf(client->error, sizeof client->error, "%.*s", CLIENT_TEXT_MAX, why);
    client->state = CLIENT_DEAD;
}

static void die_with_reply(struct client *client, const char *what)
{
    struct buf text = BUF_INIT(CLIENT_TEXT_MAX + 1);
    reply_text(&client->reply, &text, CLIENT_TEXT_MAX);
    snprintf(client->error, sizeof client->error, "%s %s", what, buf_cstr(&text));
    client->state = CLIENT_DEAD;
    buf_release(&text);
}

/* --- results --- */

static bool has_result(const struct client *client, size_t i)
{
    return client->recipients[i] >= RECIPIENT_DONE;
}

static void give(struct client *client, size_t i, enum client_outcome outcome, struct str text)
{
    if (has_result(client, i))
        return;
    client->recipients[i] = RECIPIENT_DONE;
    client->hooks.result(client->hooks.data, i, outcome, text);
}

#define REPLY_TLS_FIRST 530

/* 530 in clear asks for STARTTLS (RFC 3207 4): the next connection may have it. */
static enum client_outcome outcome_of(struct client *client)
{
    unsigned class = reply_class(&client->reply);
    if (client->reply.code == REPLY_TLS_FIRST && !client->secured) {
        client->wants_tls = true;
        return CLIENT_DEFERRED;
    }
    return class == 2 ? CLIENT_DELIVERED : class == 5 ? CLIENT_REFUSED : CLIENT_DEFERRED;
}

static void give_reply(struct client *client, size_t i)
{
    struct buf text = BUF_INIT(CLIENT_TEXT_MAX + 1);
    reply_text(&client->reply, &text, CLIENT_TEXT_MAX);
    give(client, i, outcome_of(client), buf_str(&text));
    buf_release(&text);
}

static void give_reply_to_all(struct client *client)
{
    for (size_t i = 0; i < client->transaction.n; i++)
        give_reply(client, i);
}

static void give_reply_to_accepted(struct client *client)
{
    for (size_t i = 0; i < client->transaction.n; i++)
        if (client->recipients[i] == RECIPIENT_ACCEPTED)
            give_reply(client, i);
}

void client_kill(struct client *client, const char *why)
{
    if (client->state != CLIENT_DEAD)
        die(client, why);
}

void client_abandon(struct client *client, const char *why)
{
    client_kill(client, why);
    for (size_t i = 0; i < client->transaction.n; i++) {
        client->abandoned = client->abandoned || !has_result(client, i);
        give(client, i, CLIENT_DEFERRED, str_of(client->error));
    }
    client->transaction.n = 0;
}

bool client_is_untouched(const struct client *client)
{
    return client->transaction.n && !client->touched;
}

static void finish(struct client *client, bool reset_first)
{
    client->state = CLIENT_READY;
    client->reset_first = reset_first;
    client->transaction.n = 0;
    client->messages++;
}

/* --- hello --- */

static void say_hello(struct client *client)
{
    const char *verb = client->protocol == CLIENT_LMTP ? "LHLO"
                       : client->state == CLIENT_HELO  ? "HELO"
                                                       : "EHLO";
    buf_addf(&client->out, "%s %s\r\n", verb, client->hostname);
}

/* The first line of the reply is its greeting; each other one names an extension. */
static void read_offers(struct client *client)
{
    struct str rest = buf_str(&client->reply.lines);
    struct str line;
    str_next_line(&rest, &line);
    while (str_next_line(&rest, &line)) {
        struct str word;
        line = str_trim(line);
        if (!str_next(&line, ' ', &word))
            continue;
        if (str_ieq(word, STR("PIPELINING")))
            client->offers.pipelining = true;
        else if (str_ieq(word, STR("8BITMIME")))
            client->offers.eightbit = true;
        else if (str_ieq(word, STR("SMTPUTF8")))
            client->offers.smtputf8 = true;
        else if (str_ieq(word, STR("DSN")))
            client->offers.dsn = true;
        else if (str_ieq(word, STR("STARTTLS")))
            client->offers.starttls = true;
        else if (str_ieq(word, STR("REQUIRETLS")))
            client->offers.requiretls = true;
        else if (str_ieq(word, STR("AUTH")))
            login_read_offers(line, &client->offers.auth);
        else if (str_ieq(word, STR("SIZE"))) {
            client->offers.size = true;
            str_to_u64(str_trim(line), UINT64_MAX, &client->offers.size_limit);
        }
    }
}

static void on_greeting(struct client *client)
{
    if (reply_class(&client->reply) != 2) {
        die_with_reply(client, "greeted with");
        return;
    }
    client->state = CLIENT_HELLO;
    say_hello(client);
}

static void log_in(struct client *client)
{
    if (!client->secured) {
        client->no_tls = true;
        die(client, "there is no TLS, over which alone we log in");
    } else if (login_begin(client->login, &client->offers.auth, &client->out)) {
        client->state = CLIENT_LOGIN;
        client->login_step = 0;
    } else {
        die(client, "offers neither AUTH PLAIN nor AUTH LOGIN, and we are to log in");
    }
}

static void on_login(struct client *client)
{
    unsigned class = reply_class(&client->reply);
    if (class == 2)
        client->state = CLIENT_READY;
    else if (class != 3)
        die_with_reply(client, "answered our login with");
    else if (!login_go_on(client->login, &client->offers.auth, client->login_step++, &client->out))
        die(client, "asks for more than a name and a password when we log in");
}

/* RFC 8689 4.2.1; NULL: nothing. What stores the message (LMTP) passes it on to nobody; a server of
 * our own domains is reached over a network of ours. */
static const char *what_requiretls_lacks(const struct client *client)
{
    if (client->protocol == CLIENT_LMTP || client->ours)
        return NULL;
    if (!client->proved)
        return "the next hop has not proved over TLS who it is";
    return client->offers.requiretls ? NULL : "the next hop does not promise it";
}

/* Nothing more has to be agreed on. */
static void begin_work(struct client *client)
{
    const char *lack = client->requiretls ? what_requiretls_lacks(client) : NULL;
    client->lacks = lack != NULL;
    if (lack)
        die(client, lack);
    else if (client->login)
        log_in(client);
    else
        client->state = CLIENT_READY;
}

static void on_offers(struct client *client)
{
    if (client->secured || client->tls == CLIENT_TLS_NONE) {
        begin_work(client);
    } else if (client->offers.starttls) {
        client->state = CLIENT_STARTTLS;
        buf_addf(&client->out, "STARTTLS\r\n");
    } else if (client->tls == CLIENT_TLS_MUST) {
        client->no_tls = true;
        die(client, "offers no STARTTLS, and without TLS nothing is sent");
    } else {
        begin_work(client);
    }
}

static void refuse_without_tls(struct client *client)
{
    client->no_tls = true;
    die_with_reply(client, "answered STARTTLS with");
}

static void on_starttls(struct client *client)
{
    if (reply_class(&client->reply) == 2)
        client->state = CLIENT_HANDSHAKE;
    else if (client->tls == CLIENT_TLS_MUST)
        refuse_without_tls(client);
    else
        begin_work(client);
}

void client_secured(struct client *client)
{
    client->secured = true;
    memset(&client->offers, 0, sizeof client->offers);
    client->state = CLIENT_HELLO;
    say_hello(client);
}

static void on_hello(struct client *client)
{
    unsigned class = reply_class(&client->reply);
    if (class == 2) {
        if (client->state == CLIENT_HELLO)
            read_offers(client);
        on_offers(client);
    } else if (class == 5 && client->state == CLIENT_HELLO && client->protocol == CLIENT_SMTP) {
        client->state = CLIENT_HELO;
        say_hello(client);
    } else {
        die_with_reply(client, "answered our hello with");
    }
}

/* --- envelope --- */

/* Nothing in an address may end the command that carries it. */
static bool fits_a_command(struct str address)
{
    for (size_t i = 0; i < address.n; i++)
        if ((unsigned char)address.s[i] < ' ' || address.s[i] == 0x7f)
            return false;
    return true;
}

static struct str address_of(const struct client *client, size_t i)
{
    const struct client_transaction *t = &client->transaction;
    return t->file->envelope.recipients[t->recipients[i]].address;
}

static uint32_t first_of(const struct client *client)
{
    return client->transaction.recipients[0];
}

static struct str sender_of(const struct client *client)
{
    const struct envelope *e = &client->transaction.file->envelope;
    return spool_sender(e, &e->recipients[first_of(client)]);
}

static void give_all(struct client *client, enum client_outcome outcome, struct str why)
{
    for (size_t i = 0; i < client->transaction.n; i++)
        give(client, i, outcome, why);
}

static void refuse_all(struct client *client, struct str why)
{
    give_all(client, CLIENT_REFUSED, why);
}

/* Without SMTPUTF8 neither its addresses nor its header may be passed on, and to rewrite them is
 * nobody's business on the way (RFC 6531 3.2). LMTP is no way: what keeps the message reads it as
 * the sender wrote it. */
static void refuse_utf8(struct client *client)
{
    const struct spool_file *file = client->transaction.file;
    const struct str address =
        STR("5.6.7 the next hop does not take internationalised addresses (no SMTPUTF8)");
    struct err err;
    if (client->offers.smtputf8)
        return;
    if (!str_is_ascii(sender_of(client)))
        refuse_all(client, address);
    for (size_t i = 0; i < client->transaction.n; i++)
        if (!str_is_ascii(address_of(client, i)))
            give(client, i, CLIENT_REFUSED, address);
    if (!file->envelope.smtputf8 || client->protocol == CLIENT_LMTP)
        return;
    int has = body_has_utf8_header(file, &err);
    if (has < 0)
        give_all(client, CLIENT_DEFERRED, str_of(err.text));
    else if (has)
        refuse_all(client, STR("5.6.9 the next hop does not take internationalised header fields "
                               "(no SMTPUTF8)"));
}

/* Whichever connection it was given. Where TLS failed lately a new one tries it again. */
static void refuse_unproved(struct client *client)
{
    char why[128];
    const char *lack = what_requiretls_lacks(client);
    if (!client->transaction.file->envelope.requiretls || lack == NULL)
        return;
    if (client->tls == CLIENT_TLS_NONE) {
        client->wants_tls = true;
        give_all(client, CLIENT_DEFERRED, STR("4.7.30 REQUIRETLS: this connection is in clear"));
        return;
    }
    snprintf(why, sizeof why, "5.7.30 REQUIRETLS: %s", lack);
    refuse_all(client, str_of(why));
}

/* What this server can't be asked for is refused here, before any command. */
static void refuse_impossible(struct client *client)
{
    struct str sender = sender_of(client);
    const struct str bad = STR("5.1.3 the address has control characters in it");
    char too_large[128];
    uint64_t size = body_size(client->transaction.file, first_of(client));
    if (!fits_a_command(sender))
        refuse_all(client, bad);
    if (client->offers.size_limit && size > client->offers.size_limit) {
        snprintf(too_large, sizeof too_large,
                 "5.3.4 message of %llu bytes is larger than the next hop takes (SIZE %llu)",
                 (unsigned long long)size, (unsigned long long)client->offers.size_limit);
        refuse_all(client, str_of(too_large));
    }
    for (size_t i = 0; i < client->transaction.n; i++)
        if (!fits_a_command(address_of(client, i)))
            give(client, i, CLIENT_REFUSED, bad);
    refuse_utf8(client);
    refuse_unproved(client);
    for (size_t i = 0; i < client->transaction.n; i++)
        if (has_result(client, i))
            client->recipients[i] = RECIPIENT_UNASKED;
}

/* RFC 6531 3.4: of the message, or of an address that somebody put in since it came. */
static bool wants_utf8(const struct client *client)
{
    bool wants = client->transaction.file->envelope.smtputf8 || !str_is_ascii(sender_of(client));
    for (size_t i = 0; i < client->transaction.n && !wants; i++)
        wants = !str_is_ascii(address_of(client, i));
    return wants;
}

/* What the sender asked for goes on to who can do it (RFC 3461 5.2.1). Where the copy has another
 * sender than the message it is that one's, who asked for nothing, unless it is an address that
 * leads back to the message's: that one has NOTIFY (gateway/edge/redirect.h). */
static bool passes_dsn(const struct client *client)
{
    const struct envelope *e = &client->transaction.file->envelope;
    const struct spool_recipient *r = &e->recipients[first_of(client)];
    return client->offers.dsn && (r->sender.n == 0 || r->notify);
}

static void put_dsn_of_mail(struct client *client)
{
    static const char *const rets[DSN_RETS] = {"", " RET=FULL", " RET=HDRS"};
    const struct envelope *e = &client->transaction.file->envelope;
    if (!passes_dsn(client))
        return;
    buf_addf(&client->out, "%s", rets[e->ret]);
    if (e->envid.n && dsn_envid_valid(e->envid))
        buf_addf(&client->out, " ENVID=%.*s", STR_ARG(e->envid));
}

static void put_dsn_of_rcpt(struct client *client, const struct spool_recipient *r)
{
    char room[DSN_ORCPT_MAX];
    struct buf orcpt = BUF_OVER(room);
    /* who is to hear that it was held? Nobody (bounce/decide.h) */
    unsigned notify = r->released_us ? dsn_without_success(r->notify) : r->notify;
    if (!passes_dsn(client))
        return;
    if (notify) {
        buf_add(&client->out, STR(" NOTIFY="));
        dsn_notify_put(notify, &client->out);
    }
    if (r->orcpt.n == 0 || !dsn_orcpt_valid(r->orcpt, true))
        return;
    dsn_orcpt_put(r->orcpt, client->offers.smtputf8 && wants_utf8(client), &orcpt);
    if (buf_ok(&orcpt)) /* in ASCII it may be too long */
        buf_addf(&client->out, " ORCPT=%.*s", STR_ARG(buf_str(&orcpt)));
}

static void put_rcpt(struct client *client, size_t i)
{
    const struct client_transaction *t = &client->transaction;
    buf_addf(&client->out, "RCPT TO:<%.*s>", STR_ARG(address_of(client, i)));
    put_dsn_of_rcpt(client, &t->file->envelope.recipients[t->recipients[i]]);
    buf_addf(&client->out, "\r\n");
}

static void put_mail(struct client *client)
{
    const struct spool_file *file = client->transaction.file;
    const struct envelope *e = &file->envelope;
    buf_addf(&client->out, "MAIL FROM:<%.*s>", STR_ARG(sender_of(client)));
    if (client->offers.size)
        buf_addf(&client->out, " SIZE=%llu", (unsigned long long)body_size(file, first_of(client)));
    if (e->eightbit && client->offers.eightbit)
        buf_addf(&client->out, " BODY=8BITMIME");
    else if (e->eightbit) /* to recode it would break its signatures */
        log_info("%.*s: 8-bit message to a next hop without 8BITMIME, sent as it is",
                 STR_ARG(e->id));
    if (client->offers.smtputf8 && wants_utf8(client))
        buf_addf(&client->out, " SMTPUTF8");
    if (e->requiretls && client->offers.requiretls)
        buf_addf(&client->out, " REQUIRETLS");
    put_dsn_of_mail(client);
    buf_addf(&client->out, "\r\n");
}

static int data_step(const struct client *client)
{
    return STEP_RCPT + (int)client->transaction.n;
}

/* Who is not asked for is passed over. */
static int next_step(const struct client *client, int step)
{
    do {
        step++;
    } while (step >= STEP_RCPT && step < data_step(client) &&
             client->recipients[step - STEP_RCPT] == RECIPIENT_UNASKED);
    return step;
}

static void put_step(struct client *client)
{
    int step = client->sent;
    if (step == STEP_RESET)
        buf_addf(&client->out, "RSET\r\n");
    else if (step == STEP_MAIL)
        put_mail(client);
    else if (step < data_step(client))
        put_rcpt(client, (size_t)(step - STEP_RCPT));
    else
        buf_addf(&client->out, "DATA\r\n");
    client->sent = next_step(client, step);
}

static void put_steps(struct client *client)
{
    do {
        put_step(client);
    } while (client->offers.pipelining && client->sent <= data_step(client));
    if (!buf_ok(&client->out))
        die(client, "out of memory for the commands");
}

static bool anyone_open(const struct client *client)
{
    for (size_t i = 0; i < client->transaction.n; i++)
        if (!has_result(client, i))
            return true;
    return false;
}

void client_begin(struct client *client, const struct client_transaction *transaction)
{
    client->transaction = *transaction;
    client->mail_accepted = false;
    client->touched = false;
    client->abandoned = false;
    client->n_accepted = 0;
    client->finals = 0;
    for (size_t i = 0; i < transaction->n; i++)
        client->recipients[i] = RECIPIENT_OPEN;
    refuse_impossible(client);
    if (!anyone_open(client)) {
        finish(client, client->reset_first);
        return;
    }
    client->state = CLIENT_ENVELOPE;
    client->sent = client->reset_first ? STEP_RESET : STEP_MAIL;
    client->answered = client->sent;
    put_steps(client);
}

static void on_mail(struct client *client)
{
    client->mail_accepted = reply_class(&client->reply) == 2;
    if (!client->mail_accepted)
        give_reply_to_all(client);
}

static void on_rcpt(struct client *client, size_t i)
{
    if (!client->mail_accepted)
        return;
    if (reply_class(&client->reply) == 2) {
        client->recipients[i] = RECIPIENT_ACCEPTED;
        client->n_accepted++;
    } else {
        give_reply(client, i);
    }
}

static void on_data(struct client *client)
{
    unsigned class = reply_class(&client->reply);
    if (class == 3 && client->n_accepted) {
        body_begin(&client->body, client->transaction.file, first_of(client), BODY_WIRE);
        client->state = CLIENT_BODY;
    } else if (class == 3) {
        /* Nobody to send it to. Closing is the one way out that certainly delivers nothing. */
        die(client, "wanted the message although it had refused every recipient");
    } else if (class == 2) {
        die_with_reply(client, "answered DATA with");
    } else {
        give_reply_to_accepted(client);
        finish(client, true);
    }
}

/* Nothing more to ask: without PIPELINING the rest of the steps is left out. */
static bool ends_early(const struct client *client)
{
    if (client->offers.pipelining)
        return false;
    if (client->answered > STEP_MAIL && !client->mail_accepted)
        return true;
    return client->answered == data_step(client) && client->n_accepted == 0;
}

static void on_envelope(struct client *client)
{
    int step = client->answered;
    unsigned class = reply_class(&client->reply);
    client->touched = client->touched || step != STEP_RESET;
    if (class == 3 && step != data_step(client)) {
        die_with_reply(client, "answered out of turn with");
        return;
    }
    if (step == STEP_RESET && class != 2) {
        die_with_reply(client, "answered RSET with");
        return;
    }
    client->answered = next_step(client, step);
    if (step == STEP_MAIL)
        on_mail(client);
    else if (step >= STEP_RCPT && step < data_step(client))
        on_rcpt(client, (size_t)(step - STEP_RCPT));
    else if (step == data_step(client))
        on_data(client);
    if (client->state != CLIENT_ENVELOPE)
        return;
    if (ends_early(client))
        finish(client, true);
    else if (client->sent == client->answered)
        put_steps(client);
}

/* --- message --- */

void client_pump(struct client *client)
{
    struct err err;
    int more = body_fill(&client->body, &client->out, &err);
    if (more < 0)
        die(client, err.text);
    else if (!buf_ok(&client->out))
        die(client, "out of memory for the message");
    else if (more == 0)
        client->state = CLIENT_FINAL;
}

static void on_final(struct client *client)
{
    if (reply_class(&client->reply) == 3) {
        die_with_reply(client, "answered the message with");
        return;
    }
    if (client->protocol == CLIENT_SMTP) {
        give_reply_to_accepted(client);
        finish(client, false);
        return;
    }
    size_t i = 0;
    while (client->recipients[i] != RECIPIENT_ACCEPTED)
        i++;
    give_reply(client, i);
    if (++client->finals == client->n_accepted)
        finish(client, false);
}

/* --- input --- */

static void on_reply(struct client *client)
{
    client->replies++;
    if (client->reply.code == CODE_CLOSING) {
        bool greeting = client->state == CLIENT_GREETING;
        die_with_reply(client, greeting ? "greeted with" : "closed the connection with");
        return;
    }
    switch (client->state) {
    case CLIENT_GREETING:
        on_greeting(client);
        break;
    case CLIENT_HELLO:
    case CLIENT_HELO:
        on_hello(client);
        break;
    case CLIENT_STARTTLS:
        on_starttls(client);
        break;
    case CLIENT_LOGIN:
        on_login(client);
        break;
    case CLIENT_ENVELOPE:
        on_envelope(client);
        break;
    case CLIENT_FINAL:
        on_final(client);
        break;
    case CLIENT_READY:
    case CLIENT_HANDSHAKE:
    case CLIENT_BODY:
        die_with_reply(client, "spoke out of turn:");
        break;
    case CLIENT_DEAD:
        break;
    }
}

void client_input(struct client *client, struct str bytes)
{
    while (bytes.n && client->state != CLIENT_DEAD) {
        enum reply_progress got = reply_feed(&client->reply, &bytes);
        if (got == REPLY_BAD)
            die(client, client->reply.reason);
        else if (got == REPLY_DONE)
            on_reply(client);
        /* what comes in clear behind the reply is somebody else's */
        if (client->state == CLIENT_HANDSHAKE && bytes.n)
            die(client, "spoke in clear behind its answer to STARTTLS");
    }
}

void client_cut_off(struct client *client, struct str bytes, const char *why)
{
    bool sending = client->state == CLIENT_BODY;
    if (sending && reply_feed(&client->reply, &bytes) == REPLY_DONE &&
        reply_class(&client->reply) >= 4 && client->reply.code != CODE_CLOSING)
        give_reply_to_accepted(client);
    client_abandon(client, why);
}
