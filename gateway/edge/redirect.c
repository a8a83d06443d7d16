#include "gateway/edge/redirect.h"

#include <stdlib.h>

#include "base/recipient.h"
#include "directory/directory.h"

#define FIELDS_MAX (REDIRECT_HOPS_MAX * (ADDRESS_MAX + 32))
/* Of a copy beside addresses and rule: its sender, and the words around them. */
#define COPY_BYTES  400
#define FIELD_BYTES sizeof("Delivered-To: \r\n")

struct list {
    const struct redirection *redirection;
    const struct envelope *envelope;
    struct pool *pool;
    struct spool_recipient *items;
    size_t n, room;
    size_t bytes; /* of SPOOL_RECIPIENTS_BYTES, that nobody has */
};

/* --- loops --- */

/* "<jean@a.example>" as "jean@a.example" */
static struct str without_brackets(struct str x)
{
    bool both = x.n >= 2 && x.s[0] == '<' && x.s[x.n - 1] == '>';
    return both ? str_sub(x, 1, x.n - 1) : x;
}

static bool was_there(const struct content_facts *content, const char *person)
{
    struct str rest = content->delivered_to, line;
    struct address address;
    while (str_next(&rest, '\n', &line))
        if (address_normal(without_brackets(str_trim(line)), false, &address) &&
            strcmp(address.text, person) == 0)
            return true;
    return false;
}

/* Of the copies that it makes, at most; each has the recipient's ORCPT. */
static size_t way_bytes(const struct redirect_way *way, struct str orcpt)
{
    size_t n = 0, fields = 0;
    for (size_t i = 1; i < way->n; i++) {
        size_t person = strlen(way->hops[i - 1].person);
        fields += person + FIELD_BYTES;
        n += COPY_BYTES + orcpt.n + fields + person + strlen(way->hops[i].address) +
             strlen(way->rule);
    }
    return n;
}

/* The hop at which it ends, and why there where that is not the last one. */
static size_t end_of(const struct list *list, const struct redirect_way *way, struct str orcpt,
                     const char **why)
{
    const struct content_facts *content = list->redirection->content;
    *why = "";
    if (list->n + way->n > list->room || way_bytes(way, orcpt) > list->bytes)
        *why = "the message has too many recipients";
    else if (content == NULL)
        *why = "the message could not be read";
    else if (content->delivered_to_cut)
        *why = "it has more Delivered-To fields than are read";
    if (**why)
        return 0;
    for (size_t i = 0; i + 1 < way->n; i++)
        if (was_there(content, way->hops[i].person)) {
            *why = "it was there before (Delivered-To)";
            return i;
        }
    return way->n - 1;
}

/* --- what is said of a copy --- */

/* Who redirected it before hop `to`. */
static struct str fields_for(const struct list *list, const struct redirect_way *way, size_t to)
{
    struct buf out = BUF_INIT(FIELDS_MAX);
    for (size_t i = to; i-- > 0;)
        buf_addf(&out, "Delivered-To: %s\r\n", way->hops[i].person);
    struct str fields = buf_ok(&out) ? pool_str(list->pool, buf_str(&out)) : STR_EMPTY;
    buf_release(&out);
    return fields;
}

/* The sender of what `domain` redirects to others; empty: the one it has. */
static int sender_for(const struct list *list, const struct conf_domain *domain, struct str *out)
{
    const struct redirection *r = list->redirection;
    struct str sender = list->envelope->sender;
    struct str rule = domain->redirect_sender ? str_of(domain->redirect_sender) : STR("srs");
    char made[SRS_ADDRESS_SIZE];
    *out = STR_EMPTY;
    if (sender.n == 0 || conf_domain_of(r->conf, sender))
        return 0;
    bool own = str_starts(rule, STR("@"));
    struct str in = own ? str_from(rule, 1) : str_of(domain->name);
    if (!own && str_chr(rule, '@') != STR_NONE)
        *out = rule;
    else if (srs_forward(r->keys, sender, in, r->now, made))
        *out = pool_str(list->pool, str_of(made));
    else
        *out = pool_strf(list->pool, "postmaster@%s", domain->name);
    return out->s ? 0 : -1;
}

/* --- recipients --- */

static int no_memory(struct err *err)
{
    return err_set(err, "out of memory for redirected recipients");
}

/* The domain of ours that a hop is in. */
static const struct conf_domain *domain_from(const struct conf *conf,
                                             const struct redirect_hop *hop)
{
    const struct conf_domain *domain = conf_domain_of(conf, str_of(hop->person));
    return domain ? domain : conf_domain_of(conf, str_of(hop->address));
}

/* Who asked to hear of success hears that the recipient has passed it on, and not what becomes of
 * it where the sender did not send it (RFC 3461 5.2.7.3 c). A return address of ours brings him
 * what failed, since a message would be lost else without a word, and no more than that; what is
 * sent on under another address is that one's, who asked for nothing (5.2.7.4). */
static void limit_notices(struct spool_recipient *copy)
{
    if (copy->sender.n == 0)
        return;
    if (srs_looks_like(copy->sender)) {
        copy->notify = dsn_wants(copy->notify, DSN_FAILURE) ? DSN_FAILURE : DSN_NEVER;
        return;
    }
    copy->orcpt = STR_EMPTY;
    copy->notify = 0;
}

static int add_copy(struct list *list, const struct redirect_way *way, size_t to,
                    const struct spool_recipient *of, struct err *err)
{
    const struct conf *conf = list->redirection->conf;
    const struct redirect_hop *hop = &way->hops[to];
    const struct redirect_hop *before = &way->hops[to - 1];
    const struct conf_domain *domain = domain_from(conf, before);
    struct spool_recipient *copy = &list->items[list->n++];
    *copy = (struct spool_recipient){
        .address = pool_str(list->pool, str_of(hop->address)),
        .how = pool_strf(list->pool, "redirected from %s (%s)", before->person, way->rule),
        .fields = fields_for(list, way, to),
        .orcpt = of->orcpt,
        .notify = dsn_without_success(of->notify),
    };
    bool leaves = conf_domain_of(conf, copy->address) == NULL;
    if (leaves && domain && sender_for(list, domain, &copy->sender) < 0)
        return no_memory(err);
    limit_notices(copy);
    return copy->address.s && copy->how.s && copy->fields.s ? 0 : no_memory(err);
}

/* That it is not redirected, or not as far as it might be, is said where there is room for it. */
static int explain(struct list *list, struct spool_recipient *r, const struct redirect_way *way,
                   size_t end, const char *why, struct err *err)
{
    struct str how =
        pool_strf(list->pool, "%.*s; not redirected%s%s: %s", STR_ARG(r->how),
                  end ? " farther than to " : "", end ? way->hops[end].address : "", why);
    if (how.s == NULL)
        return no_memory(err);
    size_t more = how.n - r->how.n;
    if (more > list->bytes)
        return 0;
    list->bytes -= more;
    r->how = how;
    return 0;
}

static int add_one(struct list *list, const struct spool_recipient *r, struct str bytes,
                   struct err *err)
{
    struct redirect_way way;
    struct wire w = wire_of(bytes);
    const char *why;
    struct spool_recipient *first = &list->items[list->n++];
    *first = *r;
    if (bytes.n == 0)
        return 0;
    if (!redirect_way_get(&w, &way) || !wire_done(&w))
        return err_set(err, "the way of a redirection is malformed");
    size_t end = end_of(list, &way, r->orcpt, &why);
    if (end > 0)
        list->bytes -= way_bytes(&way, r->orcpt); /* it fits: see end_of() */
    if (*why && explain(list, first, &way, end, why, err) < 0)
        return -1;
    if (end > 0 && !way.hops[0].keep)
        first->state = RCPT_REDIRECTED;
    for (size_t i = 1; i <= end; i++)
        if ((i == end || way.hops[i].keep) && add_copy(list, &way, i, r, err) < 0)
            return -1;
    return 0;
}

/* --- nobody twice --- */

struct place {
    const struct spool_recipient *who;
    struct str key; /* the address in the form of directory/address.h */
    size_t at;
};

static int by_order(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* One who gets it stands before one who does not, the first before the second. */
static int by_address(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    int order = str_cmp(x->key, y->key);
    if (order == 0)
        order = (x->who->state > y->who->state) - (x->who->state < y->who->state);
    return order ? order : by_order(a, b);
}

/* Two that were named, and differ in case, are two mailboxes for all that we know. */
static bool is_double(const struct place *x, const struct place *y)
{
    bool named = x->who->fields.n == 0 && y->who->fields.n == 0;
    return named ? str_eq(x->who->address, y->who->address) : str_eq(x->key, y->key);
}

static int drop_doubles(struct list *list, struct place *places, struct spool_recipient *out,
                        size_t *n)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        struct address normal;
        struct str key = list->items[i].address;
        if (address_normal(key, false, &normal))
            key = pool_str(list->pool, str_of(normal.text));
        if (key.s == NULL)
            return -1;
        places[i] = (struct place){&list->items[i], key, i};
    }
    qsort(places, list->n, sizeof *places, by_address);
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || !is_double(&places[kept - 1], &places[i]))
            places[kept++] = places[i];
    qsort(places, kept, sizeof *places, by_order);
    for (size_t i = 0; i < kept; i++)
        out[i] = *places[i].who;
    *n = kept;
    return 0;
}

static size_t copies_max(const struct envelope *e, const struct str *ways, bool *any)
{
    size_t n = e->n_recipients;
    *any = false;
    for (size_t i = 0; i < e->n_recipients; i++) {
        n += ways[i].n ? REDIRECT_HOPS_MAX : 0;
        *any |= ways[i].n > 0;
    }
    return n < SPOOL_RECIPIENTS_MAX ? n : SPOOL_RECIPIENTS_MAX;
}

/* Beside those who were named. */
static size_t bytes_left(const struct envelope *e)
{
    size_t used = 0;
    for (size_t i = 0; i < e->n_recipients; i++)
        used += spool_recipient_bytes(&e->recipients[i]);
    return used < SPOOL_RECIPIENTS_BYTES ? SPOOL_RECIPIENTS_BYTES - used : 0;
}

/* Did SPF say that the client may send for the sender's domain? */
static bool is_proved(const struct envelope *e, const struct content_facts *content)
{
    struct str domain = str_from(e->sender, str_rchr(e->sender, '@') + 1);
    return e->sender.n && content && content->vouching.n && str_ieq(domain, content->vouching);
}

static bool asks_for_success(const struct envelope *e)
{
    for (size_t i = 0; i < e->n_recipients; i++)
        if (dsn_wants(e->recipients[i].notify, DSN_SUCCESS))
            return true;
    return false;
}

int redirect_recipients(struct envelope *e, const struct str *ways,
                        const struct redirection *redirection, struct pool *pool, struct err *err)
{
    struct list list = {.redirection = redirection,
                        .envelope = e,
                        .pool = pool,
                        .bytes = bytes_left(e)};
    bool any;
    size_t max = copies_max(e, ways, &any);
    e->proved = (any || asks_for_success(e)) && is_proved(e, redirection->content);
    if (!any)
        return 0;
    list.items = POOL_ARRAY(pool, max, struct spool_recipient);
    struct place *places = POOL_ARRAY(pool, max, struct place);
    struct spool_recipient *out = POOL_ARRAY(pool, max, struct spool_recipient);
    if (list.items == NULL || places == NULL || out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < e->n_recipients; i++) {
        /* room for those who come behind it */
        list.room = SPOOL_RECIPIENTS_MAX - (e->n_recipients - i);
        if (add_one(&list, &e->recipients[i], ways[i], err) < 0)
            return -1;
    }
    if (drop_doubles(&list, places, out, &e->n_recipients) < 0)
        return no_memory(err);
    e->recipients = out;
    return 0;
}
