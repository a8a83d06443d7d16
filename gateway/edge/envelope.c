#include "gateway/edge/envelope.h"

#include <stdlib.h>

#include "gateway/received.h"

#define HEADERS_MAX (64 * 1024)

_Static_assert(SMTP_RECIPIENTS_BYTES < SPOOL_RECIPIENTS_BYTES &&
                   SPOOL_RECIPIENTS_BYTES < SPOOL_ENVELOPE_MAX,
               "who was accepted at RCPT fits into the envelope");

/* The local part is the receiver's business; a domain has no case (RFC 5321 2.4). */
static int compare_addresses(struct str a, struct str b)
{
    size_t at_a = str_rchr(a, '@');
    size_t at_b = str_rchr(b, '@');
    int order = str_cmp(str_sub(a, 0, at_a), str_sub(b, 0, at_b));
    struct str x = str_from(a, at_a);
    struct str y = str_from(b, at_b);
    for (size_t i = 0; order == 0 && i < x.n && i < y.n; i++)
        order = (unsigned char)str_lower_char(x.s[i]) - (unsigned char)str_lower_char(y.s[i]);
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

/* A recipient and when it was named. */
struct named {
    const struct smtp_recipient *who;
    size_t at;
};

static int by_order(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static int by_address(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int order = compare_addresses(x->who->address, y->who->address);
    return order ? order : by_order(a, b);
}

/* Sorted, so that the same one stands beside itself; then in the order of the RCPTs again. */
static size_t drop_doubles(struct named *list, size_t n)
{
    size_t kept = 0;
    if (n < 2)
        return n;
    qsort(list, n, sizeof *list, by_address);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || compare_addresses(list[kept - 1].who->address, list[i].who->address) != 0)
            list[kept++] = list[i];
    qsort(list, kept, sizeof *list, by_order);
    return kept;
}

static int copy_recipients(struct envelope *e, struct str **ways, const struct smtp_envelope *from,
                           struct pool *pool)
{
    size_t n = 0;
    struct named *list = POOL_ARRAY(pool, from->n_recipients, struct named);
    e->recipients = POOL_ARRAY(pool, from->n_recipients, struct spool_recipient);
    *ways = POOL_ARRAY(pool, from->n_recipients, struct str);
    if (list == NULL || e->recipients == NULL || *ways == NULL)
        return -1;
    for (const struct smtp_recipient *r = from->recipients; r; r = r->next, n++)
        list[n] = (struct named){r, n};
    e->n_recipients = drop_doubles(list, n);
    for (size_t i = 0; i < e->n_recipients; i++) {
        e->recipients[i].address = pool_str(pool, list[i].who->address);
        e->recipients[i].how = pool_str(pool, list[i].who->how);
        e->recipients[i].orcpt = pool_str(pool, list[i].who->orcpt);
        e->recipients[i].notify = list[i].who->notify;
        (*ways)[i] = pool_str(pool, list[i].who->way);
        if (e->recipients[i].orcpt.s == NULL || e->recipients[i].address.s == NULL ||
            e->recipients[i].how.s == NULL || (*ways)[i].s == NULL)
            return -1;
    }
    return 0;
}

int envelope_copy(struct envelope *e, struct str **ways, const struct smtp_envelope *from,
                  const struct arrival_origin *origin, struct pool *pool, struct err *err)
{
    e->client_ip = pool_str(pool, origin->ip);
    e->client_name = pool_str(pool, origin->name);
    e->helo = pool_str(pool, origin->helo);
    e->protocol = str_of(origin->protocol);
    e->sender = pool_str(pool, from->sender);
    e->account = pool_str(pool, origin->account);
    e->smtputf8 = from->smtputf8;
    e->eightbit = from->eightbit;
    e->envid = pool_str(pool, from->envid);
    e->ret = from->ret;
    e->requiretls = from->requiretls;
    if (e->client_ip.s && e->helo.s && e->sender.s && e->account.s && e->envid.s &&
        copy_recipients(e, ways, from, pool) == 0)
        return 0;
    return err_set(err, "out of memory for the envelope");
}

void envelope_received(struct buf *out, const struct envelope *e, struct str hostname,
                       struct str tls)
{
    const struct received hop = {
        .helo = e->helo,
        .client_name = e->client_name,
        .client_ip = e->client_ip,
        .tls = tls,
        .hostname = hostname,
        .protocol = e->protocol,
        .id = e->id,
        .recipient = e->n_recipients == 1 ? e->recipients[0].address : STR_EMPTY,
        .time = e->time_us / 1000000,
        .smtputf8 = e->smtputf8,
    };
    buf_add(out, STR("Received:"));
    received_put(out, &hop, "\r\n");
}

/* Whom we would not tell the servers behind us are not to tell either (bounce/decide.h): of
 * success, and of spam that was sent on under a return address of ours nothing. */
static void drop_notices(struct envelope *e, bool spam)
{
    for (size_t i = 0; i < e->n_recipients; i++) {
        struct spool_recipient *r = &e->recipients[i];
        r->notify = spam && srs_looks_like(r->sender) ? DSN_NEVER : dsn_without_success(r->notify);
    }
}

int envelope_judge(struct envelope *e, const struct verdict *verdict,
                   const struct verdict_facts *facts, const struct conf *conf,
                   const struct keys *keys, struct str tls, struct pool *pool, struct err *err)
{
    const struct content_facts *content = facts->content;
    struct buf lines = BUF_INIT(HEADERS_MAX);
    e->verdict = str_of(verdict_class_name(verdict->class));
    e->global = verdict->global;
    e->heuristics = verdict->heuristics;
    e->bayes = verdict->bayes;
    if (!facts->ours && !(e->proved && verdict->class == VERDICT_HAM))
        drop_notices(e, verdict->class != VERDICT_HAM);
    if (verdict->action == VERDICT_QUARANTINE)
        e->held = str_of(verdict->reason);
    if (content) {
        e->subject = content->subject;
        e->message_id = content->message_id;
        e->tls_waived = content->tls_waived && !e->requiretls; /* RFC 8689 4.1 */
        e->edits = verdict->tag ? content->tagged : content->edits;
    }
    envelope_received(&lines, e, str_of(conf->hostname), tls);
    int written = verdict_headers(verdict, facts, conf, keys, e->id, &lines, err);
    struct str text = buf_ok(&lines) ? pool_str(pool, buf_str(&lines)) : STR_EMPTY;
    buf_release(&lines);
    if (written < 0)
        return -1;
    if (text.s == NULL)
        return err_set(err, "no room for our header lines");
    return edits_insert_top(pool, &e->edits, text, err);
}
