#include "gateway/smtp/machine.h"

#include <stdlib.h>

/* Recipients refused in one message: so many times recipients_limit. */
#define REFUSED_FACTOR (size_t)10

static void free_one(struct recipient *r)
{
    free(r->how);
    free(r->orcpt);
    free(r->to);
    free(r->way);
    free(r);
}

static void free_list(struct recipient *r)
{
    while (r) {
        struct recipient *next = r->next;
        free_one(r);
        r = next;
    }
}

void recipients_free(struct transaction *t)
{
    free_list(t->accepted);
    free_list(t->asked);
    t->accepted = t->last_accepted = t->asked = t->last_asked = NULL;
}

struct recipient *recipients_add(struct transaction *t, struct str address, enum smtp_status status)
{
    struct recipient *r = calloc(1, sizeof *r + address.n + 1);
    if (r == NULL)
        return NULL;
    if (address.n)
        memcpy(r->address, address.s, address.n);
    r->pub.address = str_n(r->address, address.n);
    r->status = status;
    if (t->last_asked)
        t->last_asked->next = r;
    else
        t->asked = r;
    t->last_asked = r;
    t->n_asked++;
    return r;
}

bool recipients_ask_notice(struct recipient *r, unsigned notify, struct str orcpt)
{
    r->pub.notify = notify;
    if (orcpt.n == 0)
        return true;
    r->orcpt = strndup(orcpt.s, orcpt.n);
    if (r->orcpt)
        r->pub.orcpt = str_of(r->orcpt);
    return r->orcpt != NULL;
}

static bool is_accepted(enum smtp_status status)
{
    return status == SMTP_RECIPIENT_OK || status == SMTP_REPORT_OK;
}

/* What is said is not the recipient's address but why. */
static bool says_why(enum smtp_status status)
{
    return status == SMTP_GREYLISTED || status == SMTP_LISTED || status == SMTP_SENDING_LIMITED ||
           status == SMTP_MESSAGE_LIMITED || status == SMTP_REDIRECTION_FORBIDDEN;
}

static struct recipient *find_asked(const struct transaction *t, uint32_t ticket)
{
    struct recipient *r = t->asked;
    while (r && r->ticket != ticket)
        r = r->next;
    return r;
}

bool recipients_answer(struct transaction *t, uint32_t ticket, enum smtp_status status,
                       struct str how)
{
    struct recipient *r = find_asked(t, ticket);
    if (r == NULL || r->status != SMTP_NONE)
        return false;
    r->status = status;
    if ((!is_accepted(status) && !says_why(status)) || how.n == 0)
        return true;
    r->how = strndup(how.s, how.n);
    if (r->how == NULL)
        r->status = SMTP_NO_MEMORY;
    else
        r->pub.how = str_of(r->how);
    return true;
}

bool recipients_rewrite(struct transaction *t, uint32_t ticket, struct str address)
{
    struct recipient *r = find_asked(t, ticket);
    if (r == NULL || address.n == 0)
        return false;
    free(r->to);
    r->to = strndup(address.s, address.n);
    return r->to != NULL;
}

bool recipients_way(struct transaction *t, uint32_t ticket, struct str way)
{
    struct recipient *r = find_asked(t, ticket);
    if (r == NULL || r->way || way.n == 0)
        return false;
    r->way = malloc(way.n);
    if (r->way == NULL)
        return false;
    memcpy(r->way, way.s, way.n);
    r->pub.way = str_n(r->way, way.n);
    return true;
}

/* Where it goes: what RCPT named, or what that stands for. */
static struct str goes_to(const struct recipient *r)
{
    return r->to ? str_of(r->to) : r->pub.address;
}

static size_t bytes_of(const struct recipient *r)
{
    return SMTP_RECIPIENT_BYTES + goes_to(r).n + r->pub.how.n + r->pub.orcpt.n;
}

static void accept_first(struct transaction *t, struct recipient *r)
{
    r->next = NULL;
    r->pub.address = goes_to(r);
    if (t->last_accepted) {
        t->last_accepted->next = r;
        t->last_accepted->pub.next = &r->pub;
    } else {
        t->accepted = r;
        t->envelope.recipients = &r->pub;
    }
    t->last_accepted = r;
    t->envelope.n_recipients++;
    t->recipient_bytes += bytes_of(r);
    t->envelope.report = r->status == SMTP_REPORT_OK;
}

static bool must_stand_alone(const struct transaction *t, enum smtp_status status)
{
    return is_accepted(status) && t->envelope.n_recipients > 0 &&
           (t->envelope.report || status == SMTP_REPORT_OK);
}

/* A message has one verdict. Of two domains that let other things happen to a forged one neither
 * setting would do: nobody shall choose the milder one by adding a recipient. */
static bool is_judged_apart(const struct smtp_session *s, const struct recipient *r)
{
    const struct conf *conf = s->config->conf;
    const struct conf_domain *first = s->transaction->rules;
    bool checked = conf->sender.dmarc && (conf->resolver.enabled || conf->sender.keys);
    if (!checked || first == NULL || !is_accepted(r->status))
        return false;
    const struct conf_domain *domain = conf_domain_of(conf, goes_to(r));
    return domain && domain->dmarc != first->dmarc;
}

static enum smtp_status status_of(const struct smtp_session *s, const struct recipient *r)
{
    if (must_stand_alone(s->transaction, r->status))
        return SMTP_REPORT_ALONE;
    if (is_accepted(r->status) &&
        s->transaction->recipient_bytes + bytes_of(r) > SMTP_RECIPIENTS_BYTES)
        return SMTP_TOO_MANY_RECIPIENTS;
    return is_judged_apart(s, r) ? SMTP_JUDGED_APART : r->status;
}

/* The journal hears once a message that there were too many: the others are as many again. */
static bool worth_a_note(struct transaction *t, enum smtp_status status)
{
    bool elsewhere = status == SMTP_TOO_MANY_RECIPIENTS || status == SMTP_JUDGED_APART ||
                     status == SMTP_MESSAGE_LIMITED || status == SMTP_SENDING_LIMITED;
    if (elsewhere && t->n_elsewhere++ > 0)
        return false;
    return smtp_reply_of(status)->journal;
}

static void reply_one(struct smtp_session *s, struct recipient *r)
{
    struct transaction *t = s->transaction;
    enum smtp_status status = status_of(s, r);
    bool ok = is_accepted(status);
    s->stage = "rcpt";
    struct str detail = says_why(status) ? r->pub.how : r->pub.address;
    smtp_reply_put(&s->out, status, ok ? STR_EMPTY : detail);
    if (worth_a_note(t, status))
        session_refused(s, status, says_why(status) ? detail : STR_EMPTY, r->pub.address);
    if (ok && t->rules == NULL)
        t->rules = conf_domain_of(s->config->conf, goes_to(r));
    if (ok)
        accept_first(t, r);
    else
        free_one(r);
    /* a list may be longer than we take, and is told so each time: but not for ever */
    bool flood = !ok && ++t->n_refused > REFUSED_FACTOR * s->config->conf->smtp.recipients_limit;
    session_count_reply(s, status);
    if (flood)
        session_reply(s, SMTP_TOO_MANY_COMMANDS, STR_EMPTY);
}

void recipients_reply(struct smtp_session *s)
{
    struct transaction *t;
    while ((t = s->transaction) && t->asked && t->asked->status != SMTP_NONE) {
        struct recipient *r = t->asked;
        t->asked = r->next;
        if (t->asked == NULL)
            t->last_asked = NULL;
        t->n_asked--;
        reply_one(s, r);
    }
}
