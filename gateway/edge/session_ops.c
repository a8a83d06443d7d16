/* What the machine asks (gateway/smtp/smtp.h), and the answers that come later. */
#include "gateway/edge/session.h"

#include <errno.h>

#include "base/domain.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/network.h"
#include "directory/report.h"
#include "gateway/gate/helo.h"

static enum smtp_status ask_mail(void *owner, struct str sender, uint64_t bytes, struct buf *words)
{
    struct session *s = owner;
    bool room = room_for(&s->edge->room, bytes);
    enum smtp_status status = room ? session_login_sends(s, sender) : SMTP_NO_SPACE;
    return status == SMTP_NONE ? session_limits_mail(s, sender, words) : status;
}

static enum smtp_status check_helo(void *owner, struct str name)
{
    static const enum smtp_status statuses[] = {
        [HELO_FINE] = SMTP_NONE,
        [HELO_OURS] = SMTP_HELO_NOT_YOURS,
        [HELO_ADDRESS] = SMTP_HELO_BARE_ADDRESS,
        [HELO_UNQUALIFIED] = SMTP_HELO_NO_DOMAIN,
    };
    const struct session *s = owner;
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t n = sizeof own;
    char server[CLIENT_IP_SIZE] = "";
    if (session_submits(s)) /* mail programs say what they like */
        return SMTP_NONE;
    if (getsockname(s->fd, (struct sockaddr *)&own, &n) == 0)
        client_ip(&own, server);
    return statuses[helo_check(s->edge->conf, name, str_of(s->ip), str_of(server))];
}

/* A recipient was looked up: does its client only try which exist? */
static void note_lookup(struct session *s, bool known)
{
    const struct conf_gate *conf = &s->edge->conf->gate;
    uint32_t now = (uint32_t)time(NULL);
    char network[GATE_NETWORK_SIZE];
    if (!s->networked || session_submits(s))
        return;
    if (harvest_note(s->edge->harvest, conf, &s->network, known, now)) {
        gate_network_text(&s->network, network);
        log_warning("%s has asked for %u unknown recipients: its recipients get 451 for %u s",
                    network, conf->harvest_limit, conf->harvest_pause);
    } else if (!known && harvest_ask(s->edge->harvest, conf, &s->network, now) == HARVEST_SLOW) {
        session_delay(s, conf->tarpit);
    }
}

static bool is_refused(const struct session *s)
{
    return s->networked && !session_submits(s) &&
           harvest_ask(s->edge->harvest, &s->edge->conf->gate, &s->network, (uint32_t)time(NULL)) ==
               HARVEST_REFUSED;
}

static bool is_return_domain(const struct conf *conf, struct str domain)
{
    char name[DOMAIN_SIZE];
    if (!domain_normal(domain, name))
        return false;
    if (conf_domain_find(conf, domain))
        return true;
    for (size_t i = 0; i < conf->n_domains; i++) {
        struct str sender = str_of(conf->domains[i].redirect_sender);
        if (str_starts(sender, STR("@")) && str_eq(str_from(sender, 1), str_of(name)))
            return true;
    }
    return false;
}

/* A bounce of what was redirected goes to its sender. True: that is what the recipient is, and it
 * is answered or asked about. */
static bool goes_back(struct session *s, uint32_t ticket, struct str address)
{
    static const enum smtp_status statuses[] = {
        [SRS_GOOD] = SMTP_RECIPIENT_OK,
        [SRS_FORGED] = SMTP_RETURN_FORGED,
        [SRS_EXPIRED] = SMTP_RETURN_EXPIRED,
    };
    const struct conf *conf = s->edge->conf;
    char to[SRS_ADDRESS_SIZE];
    if (!srs_looks_like(address) || !is_return_domain(conf, domain_of_address(address)))
        return false;
    enum smtp_status status = statuses[srs_back(&s->edge->srs, address, time(NULL), to)];
    note_lookup(s, status == SMTP_RECIPIENT_OK);
    if (status == SMTP_RECIPIENT_OK && smtp_sender(s->smtp).n > 0)
        status = SMTP_RETURN_NO_BOUNCE;
    if (status == SMTP_RECIPIENT_OK && !smtp_recipient_rewrite(s->smtp, ticket, str_of(to)))
        status = SMTP_NO_MEMORY;
    bool ours = conf_domain_of(conf, str_of(to));
    if (status == SMTP_RECIPIENT_OK && ours) {
        s->lookups++;
        recipients_ask(s->edge->recipients, s, ticket, str_of(to), STR_EMPTY);
    } else {
        smtp_recipient_answer(s->smtp, ticket, status, STR("a bounce on its way back"));
    }
    return true;
}

void session_ask_recipient(void *owner, uint32_t ticket, struct str address)
{
    struct session *s = owner;
    struct who_listed listed;
    if (session_who_holds(s, ticket, address))
        return;
    if (session_who_refuses(s, address, &listed)) {
        smtp_recipient_answer(s->smtp, ticket, SMTP_LISTED, str_of(listed.why));
        return;
    }
    if (report_address_of(s->edge->conf, address) != REPORT_ADDRESS_NONE) {
        smtp_recipient_answer(s->smtp, ticket, SMTP_REPORT_OK, STR("takes reports"));
        return;
    }
    if (is_refused(s)) {
        smtp_recipient_answer(s->smtp, ticket, SMTP_HARVESTING, STR_EMPTY);
        return;
    }
    if (goes_back(s, ticket, address) ||
        (!session_submits(s) && session_grey_holds(s, ticket, address)))
        return;
    s->lookups++;
    recipients_ask(s->edge->recipients, s, ticket, address, smtp_sender(s->smtp));
}

/* Each recipient is counted once, however often it is asked about. */
static void ask_recipient(void *owner, uint32_t ticket, struct str address)
{
    struct session *s = owner;
    char room[SMTP_WORDS_MAX];
    struct buf words = BUF_OVER(room);
    enum smtp_status status = session_limits_recipient(s, &words);
    if (status == SMTP_NONE)
        session_ask_recipient(s, ticket, address);
    else
        smtp_recipient_answer(s->smtp, ticket, status, buf_str(&words));
}

static bool note_way(struct session *s, uint32_t ticket, const struct redirect_way *way)
{
    struct buf bytes = BUF_INIT(IPC_MSG_MAX);
    redirect_way_put(&bytes, way);
    bool noted = buf_ok(&bytes) && smtp_recipient_way(s->smtp, ticket, buf_str(&bytes));
    buf_release(&bytes);
    return noted;
}

void session_recipient_answer(void *asker, uint32_t ticket, const struct directory_answer *answer)
{
    static const enum smtp_status statuses[] = {
        [DIRECTORY_KNOWN] = SMTP_RECIPIENT_OK,
        [DIRECTORY_UNKNOWN] = SMTP_UNKNOWN_RECIPIENT,
        [DIRECTORY_NOT_OURS] = SMTP_RELAYING_DENIED,
        [DIRECTORY_UNAVAILABLE] = SMTP_DIRECTORY_DOWN,
        [DIRECTORY_DISABLED] = SMTP_MAILBOX_DISABLED,
        [DIRECTORY_FULL] = SMTP_MAILBOX_FULL,
        [DIRECTORY_CLOSED] = SMTP_GROUP_CLOSED,
        [DIRECTORY_NO_REDIRECT] = SMTP_REDIRECTION_FORBIDDEN,
    };
    struct session *s = asker;
    enum smtp_status status = statuses[answer->result];
    char room[64];
    struct buf words = BUF_OVER(room);
    s->lookups--;
    if (answer->result == DIRECTORY_KNOWN || answer->result == DIRECTORY_UNKNOWN)
        note_lookup(s, answer->result == DIRECTORY_KNOWN);
    if (answer->result == DIRECTORY_NOT_OURS && session_login_relays(s))
        status = SMTP_RECIPIENT_OK;
    if (answer->result == DIRECTORY_KNOWN && !session_submits(s))
        status = session_grey_ask(s, str_of(answer->address), &words);
    if (status == SMTP_RECIPIENT_OK && answer->rewrite &&
        !smtp_recipient_rewrite(s->smtp, ticket, str_of(answer->address)))
        status = SMTP_NO_MEMORY;
    if (status == SMTP_RECIPIENT_OK && answer->way.n && !note_way(s, ticket, &answer->way))
        status = SMTP_NO_MEMORY;
    struct str how = words.n                                ? buf_str(&words)
                     : status == SMTP_REDIRECTION_FORBIDDEN ? str_of(answer->way.rule)
                                                            : str_of(answer->how);
    bool outermost = session_enter(s);
    smtp_recipient_answer(s->smtp, ticket, status, how);
    session_leave(s, outermost);
}

static enum smtp_status storage_status(const struct err *err)
{
    int why = errno;
    log_error("%s", err->text);
    return why == ENOSPC || why == EDQUOT ? SMTP_NO_SPACE : SMTP_LOCAL_ERROR;
}

static enum smtp_status begin_message(void *owner)
{
    struct session *s = owner;
    struct err err;
    enum smtp_status status = session_limits_message(s);
    if (status != SMTP_NONE)
        return status;
    if (s->edge->room.spool.last)
        return SMTP_NO_SPACE;
    s->arrival = arrival_begin(s->edge, &err);
    return s->arrival ? SMTP_NONE : storage_status(&err);
}

static enum smtp_status take_data(void *owner, struct str block)
{
    struct session *s = owner;
    struct err err;
    if (!room_goes_on(&s->edge->room, s->edge->spool, s->edge->conf, block.n))
        return SMTP_NO_SPACE;
    return arrival_write(s->arrival, block, &err) == 0 ? SMTP_NONE : storage_status(&err);
}

static struct str tls_description(const struct session *s, char *room, size_t size)
{
    struct buf text = {.p = room, .cap = size, .max = size - 1};
    if (s->line == LINE_TLS)
        buf_addf(&text, "%s with cipher %s", SSL_get_version(s->ssl), SSL_get_cipher(s->ssl));
    return buf_str(&text);
}

static void end_message(void *owner, const struct smtp_envelope *envelope)
{
    struct session *s = owner;
    char room[128];
    struct arrival_origin origin = {
        .session = s,
        .client = s->client,
        .ip = str_of(s->ip),
        .helo = smtp_helo(s->smtp),
        .account = str_of(s->account),
        .shown = str_of(s->shown),
        .addresses = s->addresses,
        .name = str_of(s->client_name),
        .facts = &s->facts,
        .protocol = smtp_protocol(s->smtp),
        .tls = tls_description(s, room, sizeof room),
        .early = s->early,
        .slowed = s->slowed,
    };
    arrival_judge(s->arrival, envelope, &origin);
}

static void abort_message(void *owner)
{
    struct session *s = owner;
    arrival_drop(&s->arrival);
}

static void note_refusal(void *owner, const struct smtp_refusal *refusal)
{
    struct session *s = owner;
    const struct arrival *a = s->judged ? s->judged : s->arrival;
    struct str evidence = s->judged ? arrival_evidence(s->judged) : STR_EMPTY;
    char room[400];
    struct buf about = BUF_OVER(room);
    if (!room_for_refusals(&s->edge->room))
        return;
    if (s->slowed || s->login[0]) {
        buf_addf(&about, "{\"session\":{\"slowed\":%u", s->slowed);
        if (s->login[0])
            buf_addf(&about, ",\"%s\":\"%s\"", s->account[0] ? "account" : "login",
                     s->account[0] ? s->shown : s->login);
        buf_add(&about, STR("}}"));
    }
    if (s->name[0] == '\0')
        spool_id_make(s->name);
    const struct edge_refused refused = {
        .refusal = refusal,
        .session = str_of(s->name),
        .ip = str_of(s->ip),
        .helo = smtp_helo(s->smtp),
        .id = a ? arrival_id(a) : STR_EMPTY,
        .evidence = evidence.n ? evidence : buf_str(&about),
    };
    edge_journal_refused(s->edge->journal, &refused);
    log_debug("client %s: %s refused: %u %.*s", s->ip, refusal->stage, refusal->reply->code,
              STR_ARG(refusal->text));
}

/* Empty: none is known, AF_UNSPEC. */
static bool read_address(struct str text, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    return text.n == 0 || network_sockaddr(text, 0, address) > 0;
}

static enum smtp_status take_client(void *owner, const struct smtp_xclient *client)
{
    struct session *s = owner;
    struct sockaddr_storage address;
    enum smtp_status status = SMTP_NONE;
    if (client->address.s) {
        if (!read_address(client->address, &address))
            return SMTP_BAD_ARGUMENT;
        status = session_known(s, &address);
    } else {
        session_login_begin(s); /* who logged in was another one */
    }
    if (client->name.s)
        session_who_named(s, client->name);
    return status;
}

const struct smtp_ops session_ops = {
    .helo = check_helo,
    .login = session_login,
    .token = session_token,
    .mail = ask_mail,
    .recipient = ask_recipient,
    .begin = begin_message,
    .data = take_data,
    .end = end_message,
    .abort = abort_message,
    .refused = note_refusal,
    .xclient = take_client,
};

void session_arrival_fate(struct session *s, enum smtp_status status, struct str detail,
                          const struct arrival *judged)
{
    bool outermost = session_enter(s);
    s->arrival = NULL; /* the answer may begin the next one */
    s->judged = judged;
    s->heard = s->edge->now;
    smtp_message_answer(s->smtp, status, detail);
    s->judged = NULL;
    session_leave(s, outermost);
}
