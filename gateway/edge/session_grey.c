/* Greylisting of a session's recipients (gate/greylist.h): who need not come again, and who comes
 * again as what: its network, or the domain that vouches for it (vouch.h). */
#include "gateway/edge/session.h"

#include "base/domain.h"

/* In a session: each may cost dozens of questions. Further senders are judged by their network. */
#define VOUCHES_MAX 5

/* Is it let in without a question to the DNS? */
static bool is_spared(struct session *s, uint32_t now)
{
    struct greylist *list = &s->edge->greylist;
    const struct conf_gate *conf = &s->edge->conf->gate;
    struct gate_key sender = greylist_sender(&s->network, domain_of_address(smtp_sender(s->smtp)));
    return greylist_passed(list, conf, &s->network, now) || who_allowed(s->edge->conf, &s->facts) ||
           greylist_knows(list, conf, &sender, now);
}

/* Whom SPF is asked about: with the null sender it is HELO (RFC 7208 2.4). */
static struct gate_key asked_of(const struct session *s)
{
    struct str sender = smtp_sender(s->smtp);
    return greylist_sender(&s->network, sender.n ? sender : smtp_helo(s->smtp));
}

static bool is_asked(const struct session *s)
{
    struct gate_key of = asked_of(s);
    return s->vouched != VOUCH_NOT_ASKED && memcmp(&of, &s->vouched_of, sizeof of) == 0;
}

static void on_vouched(void *data, struct str domain)
{
    struct session *s = data;
    s->vouched = domain.n ? VOUCH_YES : VOUCH_NO;
    if (domain.n)
        s->vouched_as = greylist_sender(NULL, domain);
    vouch_free(&s->vouch);
    session_let_go_on(s);
}

/* Starts to ask; false: it can't be. */
static bool ask(struct session *s)
{
    struct edge *edge = s->edge;
    const struct spf_request request = {
        .client_ip = str_of(s->ip),
        .helo = smtp_helo(s->smtp),
        .sender = smtp_sender(s->smtp),
        .hostname = str_of(edge->conf->hostname),
        .now = (int64_t)time(NULL),
    };
    s->vouched = VOUCH_NO;
    s->vouched_of = asked_of(s);
    vouch_free(&s->vouch);
    if (edge->dns && edge->conf->sender.spf && s->vouches++ < VOUCHES_MAX)
        s->vouch = vouch_ask(edge->base, edge->conf, edge->dns, &request, on_vouched, s);
    return s->vouch != NULL;
}

bool session_grey_holds(struct session *s, uint32_t ticket, struct str address)
{
    if (!s->edge->conf->gate.greylist || !s->networked)
        return false;
    if (!is_asked(s) && (is_spared(s, (uint32_t)time(NULL)) || !ask(s)))
        return false;
    return s->vouch && session_hold(s, ticket, address);
}

enum smtp_status session_grey_ask(struct session *s, struct str recipient, struct buf *words)
{
    uint32_t now = (uint32_t)time(NULL);
    if (!s->edge->conf->gate.greylist || !s->networked || is_spared(s, now))
        return SMTP_RECIPIENT_OK;
    const struct greylist_client client = {
        .network = &s->network,
        .vouched = s->vouched == VOUCH_YES && is_asked(s) ? &s->vouched_as : NULL,
    };
    unsigned wait = greylist_ask(&s->edge->greylist, &s->edge->conf->gate, &client,
                                 smtp_sender(s->smtp), recipient, now);
    if (wait == 0)
        return SMTP_RECIPIENT_OK;
    buf_addf(words, "try again in %u s", wait);
    return SMTP_GREYLISTED;
}

void session_grey_end(struct session *s)
{
    vouch_free(&s->vouch);
    s->vouched = VOUCH_NOT_ASKED;
}
