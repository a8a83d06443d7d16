#include "gateway/directory/call_ahead.h"

#include <stdlib.h>

#include "base/clock.h"
#include "directory/stream.h"
#include "gateway/client/reply.h"

#define WORDS_MAX 200

struct caller {
    const struct conf *conf;
    const struct conf_hops *hops;
    const struct conf_hop *hop; /* the one that was there last */
    struct stream stream;
    struct reply reply;
    struct buf unread; /* what came behind a reply */
    unsigned probes;
};

static void hang_up(struct caller *c)
{
    stream_close(&c->stream);
    buf_clear(&c->unread);
    reply_release(&c->reply); /* half a reply may stand there */
    reply_init(&c->reply);
}

static void caller_close(void *asker)
{
    struct caller *c = asker;
    if (c == NULL)
        return;
    hang_up(c);
    reply_release(&c->reply);
    buf_release(&c->unread);
    free(c);
}

static void *caller_open(const struct source_place *place, struct err *err)
{
    struct caller *c = calloc(1, sizeof *c);
    if (c == NULL) {
        err_set(err, "call_ahead: out of memory");
        return NULL;
    }
    c->conf = place->conf;
    c->hops = &place->domain->next_hop;
    c->hop = &c->hops->items[0];
    c->stream.fd = -1;
    c->unread = BUF_INIT(REPLY_TEXT_MAX);
    reply_init(&c->reply);
    return c;
}

/* --- the conversation --- */

static int read_reply(struct caller *c, struct err *err)
{
    char block[2048];
    for (;;) {
        struct str in = buf_str(&c->unread);
        enum reply_progress progress = reply_feed(&c->reply, &in);
        buf_eat(&c->unread, c->unread.n - in.n);
        if (progress == REPLY_DONE)
            return 0;
        if (progress == REPLY_BAD)
            return err_set(err, "%s", c->reply.reason);
        int n = stream_receive(&c->stream, block, sizeof block, err);
        if (n < 0)
            return -1;
        if (n == 0)
            return err_set(err, "closed by the other side");
        buf_addn(&c->unread, block, (size_t)n);
        if (!buf_ok(&c->unread))
            return err_set(err, "out of memory");
    }
}

static int say(struct caller *c, const char *format, const char *what, struct err *err)
{
    char room[1024];
    struct buf command = BUF_OVER(room);
    buf_addf(&command, format, what);
    buf_add(&command, STR("\r\n"));
    if (!buf_ok(&command))
        return err_set(err, "command too long");
    return stream_send(&c->stream, buf_str(&command), err) < 0 ? -1 : read_reply(c, err);
}

/* 0 only for a 2xx */
static int expect(struct caller *c, int said, const char *after, struct err *err)
{
    char room[WORDS_MAX + 1];
    struct buf words = BUF_OVER(room);
    if (said < 0 || reply_class(&c->reply) == 2)
        return said;
    reply_text(&c->reply, &words, WORDS_MAX);
    return err_set(err, "%s: %s", after, buf_cstr(&words));
}

static int call_one(struct caller *c, struct err *err)
{
    const char *hello = c->hop->kind == HOP_LMTP ? "LHLO %s" : "EHLO %s";
    int64_t until = c->stream.until_ms;
    if (stream_connect(&c->stream, c->hop->host, c->hop->port, c->hop->path, until, err) < 0)
        return -1;
    c->probes = 0;
    if (expect(c, read_reply(c, err), "greeting", err) < 0)
        return -1;
    int said = say(c, hello, c->conf->hostname, err);
    if (said == 0 && reply_class(&c->reply) == 5 && c->hop->kind == HOP_SMTP)
        said = say(c, "HELO %s", c->conf->hostname, err);
    return expect(c, said, "hello", err);
}

/* The first that is there, each with its share of the time, from the one on that was there last. */
static int call(struct caller *c, struct err *err)
{
    int64_t until = c->stream.until_ms;
    size_t first = (size_t)(c->hop - c->hops->items);
    for (size_t i = 0; i < c->hops->n; i++) {
        int64_t now = clock_ms();
        c->hop = &c->hops->items[(first + i) % c->hops->n];
        c->stream.until_ms = now + (until - now) / (int64_t)(c->hops->n - i);
        if (call_one(c, err) == 0) {
            c->stream.until_ms = until;
            return 0;
        }
        hang_up(c);
    }
    return -1;
}

/* The reply to RCPT is then in c->reply. */
static int probe(struct caller *c, const char *address, struct err *err)
{
    c->probes++;
    if (expect(c, say(c, "MAIL FROM:<%s>", "", err), "MAIL", err) < 0)
        return -1;
    return say(c, "RCPT TO:<%s>", address, err);
}

static int converse(struct caller *c, const char *address, struct err *err)
{
    c->stream.until_ms = clock_ms() + (int64_t)c->conf->call_ahead_timeout * 1000;
    bool kept = c->stream.fd >= 0;
    if (kept && probe(c, address, err) == 0)
        return 0;
    if (kept)
        hang_up(c); /* it was closed meanwhile, or is in a state of its own */
    if (call(c, err) < 0 || probe(c, address, err) < 0) {
        hang_up(c);
        return -1;
    }
    return 0;
}

/* RFC 3463 3.4, 3.6, 3.8: of the server, of the protocol, or of who may come. */
static bool refuses_us(unsigned code, struct str enhanced)
{
    return code < 550 || str_starts(enhanced, STR("5.3.")) || str_starts(enhanced, STR("5.5.")) ||
           str_starts(enhanced, STR("5.7."));
}

/* RFC 3463 3.3: what says that the mailbox is full, or disabled, says that it is there. */
static void take_refusal(unsigned code, struct str words, struct finding *finding)
{
    static const struct person full = {.quota_used = 1, .quota_limit = 1};
    static const struct person disabled = {.flags = PERSON_DISABLED};
    struct str enhanced = str_sub(str_from(words, 4), 0, strlen("5.2.2"));
    if (code == 552 || str_eq(enhanced, STR("5.2.2")))
        finding_yes(finding, &full);
    else if (str_eq(enhanced, STR("5.2.1")))
        finding_yes(finding, &disabled);
    else if (refuses_us(code, enhanced))
        finding_away(finding, false, "the next hop refuses us, not the recipient");
    else
        finding_no(finding);
}

static void take_reply(struct caller *c, struct finding *finding)
{
    static const struct person plain = {0};
    char room[WORDS_MAX + 1];
    struct buf words = BUF_OVER(room);
    reply_text(&c->reply, &words, WORDS_MAX);
    switch (reply_class(&c->reply)) {
    case 2:
        finding_yes(finding, &plain);
        break;
    case 5:
        take_refusal(c->reply.code, buf_str(&words), finding);
        break;
    default:
        finding_away(finding, c->reply.code == 421, buf_cstr(&words));
        return;
    }
    str_copy(buf_str(&words), finding->note, sizeof finding->note);
}

static void caller_ask(void *asker, struct str address, struct finding *finding)
{
    struct caller *c = asker;
    struct err err = {""};
    char text[ADDRESS_MAX + 1];
    if (!str_copy(address, text, sizeof text)) {
        finding_no(finding);
        return;
    }
    if (!str_is_ascii(address)) {
        finding_away(finding, false, "an address that is not ASCII is not called for");
        return;
    }
    if (converse(c, text, &err) < 0) {
        finding_away(finding, true, err.text);
        return;
    }
    take_reply(c, finding);
    if (c->reply.code == 421 || c->probes >= CALL_AHEAD_PROBES || say(c, "RSET%s", "", &err) < 0 ||
        reply_class(&c->reply) != 2)
        hang_up(c);
}

static unsigned caller_askers(const struct source_place *place)
{
    return 2;
}

const struct source_ops call_ahead_ops = {
    .open = caller_open,
    .ask = caller_ask,
    .close = caller_close,
    .askers = caller_askers,
};
