#include "rules/facts/relays.h"

#include "rules/facts/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/received.h"

/* Which networks count, and how far down the way trust still goes. */
struct trust {
    const struct networks *trusted, *internal, *msa;
    bool configured; /* by rule files; else trust is inferred */
    bool in_trusted, in_internal;
    bool found_msa; /* what it was given by is believed, too */
};

struct making {
    struct facts *facts;
    struct relays *relays;
    struct received_reader reader;
    struct trust trust;
    size_t caps[4];
    bool fetch_allowed; /* a mail fetcher's mark is believed */
};

static struct trust trust_of(const struct rules_settings *settings)
{
    bool trusted, internal, msa;
    struct trust trust = {.in_trusted = true, .in_internal = true};
    trust.trusted = settings_networks(settings, SETTINGS_TRUSTED_NETWORKS, &trusted);
    trust.internal = settings_networks(settings, SETTINGS_INTERNAL_NETWORKS, &internal);
    trust.msa = settings_networks(settings, SETTINGS_MSA_NETWORKS, &msa);
    trust.configured = trusted || internal;
    if (trusted && !internal)
        trust.internal = trust.trusted;
    if (internal && !trusted)
        trust.trusted = trust.internal;
    return trust;
}

/* A private address, or a client that proved who it is, is taken for one of ours. */
static void infer(struct trust *trust, const struct relay *relay)
{
    if (!relay->ip_private && relay->auth.n == 0)
        trust->in_trusted = trust->in_internal = false;
}

static void look_up(struct trust *trust, struct relay *relay)
{
    bool authenticated = relay->auth.n > 0;
    if (!authenticated && !networks_have(trust->trusted, relay->ip)) {
        trust->in_trusted = trust->in_internal = false;
        return;
    }
    if (!authenticated && !networks_have(trust->internal, relay->ip))
        trust->in_internal = false;
    relay->msa = networks_have(trust->msa, relay->ip);
    trust->found_msa = relay->msa;
}

static void go_on(struct trust *trust, struct relay *relay)
{
    if (trust->in_trusted && !trust->found_msa) {
        if (trust->configured)
            look_up(trust, relay);
        else
            infer(trust, relay);
    }
    relay->internal = trust->in_internal;
}

static bool add(struct making *m, struct relay_list *list, size_t *cap, const struct relay *relay)
{
    const struct relay **relays =
        pool_grow(m->facts->pool, list->list, list->n, cap, sizeof(struct relay *));
    if (relays == NULL)
        return false;
    list->list = relays;
    relays[list->n++] = relay;
    return true;
}

static bool place(struct making *m, const struct relay *relay)
{
    struct relays *all = m->relays;
    const struct trust *trust = &m->trust;
    m->fetch_allowed = trust->in_trusted;
    all->last_trusted += trust->in_trusted;
    all->last_internal += trust->in_internal;
    return (trust->in_trusted ? add(m, &all->trusted, &m->caps[0], relay)
                              : add(m, &all->untrusted, &m->caps[1], relay)) &&
           (trust->in_internal ? add(m, &all->internal, &m->caps[2], relay)
                               : add(m, &all->external, &m->caps[3], relay));
}

static struct str text_of(struct pool *pool, const struct relay *relay)
{
    const struct str texts[] = {
        STR("[ ip="),     relay->ip,
        STR(" rdns="),    relay->rdns,
        STR(" helo="),    relay->helo,
        STR(" by="),      relay->by,
        STR(" ident="),   relay->ident,
        STR(" envfrom="), relay->envfrom,
        STR(" intl="),    relay->internal ? STR("1") : STR("0"),
        STR(" id="),      relay->id,
        STR(" auth="),    relay->auth,
        STR(" msa="),     relay->msa ? STR("1") : STR("0"),
        STR(" ]"),
    };
    return pool_join(pool, texts, sizeof texts / sizeof *texts);
}

/* Mail fetched out of a mailbox by one of ours: its way begins anew behind that. */
static void restart(struct making *m)
{
    if (!m->fetch_allowed)
        return;
    m->relays->trusted = m->relays->internal = m->relays->external = (struct relay_list){.n = 0};
    m->caps[0] = m->caps[2] = m->caps[3] = 0;
}

static bool add_relay(struct making *m, struct relay *relay, struct str said)
{
    if (said.n)
        relay->envfrom = said;
    go_on(&m->trust, relay);
    relay->text = text_of(m->facts->pool, relay);
    return relay->text.s && place(m, relay);
}

/* False: no memory. */
static bool read_one(struct making *m, struct str value)
{
    struct relay *relay = POOL_NEW(m->facts->pool, struct relay);
    struct str said = m->reader.sender;
    if (relay == NULL)
        return false;
    enum received_kind kind = received_read(&m->reader, value, relay);
    if (m->reader.no_memory)
        return false;
    if (kind == RECEIVED_READ)
        return add_relay(m, relay, said);
    if (kind == RECEIVED_FETCHED)
        restart(m);
    m->relays->n_unparseable += kind == RECEIVED_UNREADABLE;
    m->relays->last_trusted += m->trust.in_trusted;
    m->relays->last_internal += m->trust.in_internal;
    return true;
}

static bool read_received(struct making *m)
{
    const struct fact_values *values = facts_get_all(m->facts, "Received");
    for (size_t i = 0; i < values->n && i < RELAYS_MAX; i++) {
        if (!read_one(m, values->list[i]))
            return false;
    }
    m->relays->limited |= values->truncated || values->n > RELAYS_MAX;
    return true;
}

/* "X-Originating-IP: …" and its like stand for one more Received at the end. */
static bool read_originating(struct making *m)
{
    size_t n = 0;
    const struct str *names =
        settings_words(m->facts->settings, SETTINGS_ORIGINATING_IP_HEADERS, &n);
    for (size_t i = 0; i < n; i++) {
        struct str request = pool_strf(m->facts->pool, "%.*s:last", STR_ARG(names[i]));
        struct str ip = request.s ? ip_find(facts_get(m->facts, request.s)) : STR_EMPTY;
        if (ip.s == NULL)
            continue;
        struct str value = pool_strf(m->facts->pool, "from X-Originating-IP: %.*s\n", STR_ARG(ip));
        if (value.s == NULL || !read_one(m, value))
            return false;
    }
    return true;
}

static bool join(struct pool *pool, struct relay_list *list)
{
    size_t size = 1, n = 0;
    for (size_t i = 0; i < list->n; i++)
        size += list->list[i]->text.n + 1;
    char *text = pool_alloc(pool, size);
    if (text == NULL)
        return false;
    for (size_t i = 0; i < list->n; i++) {
        struct str one = list->list[i]->text;
        if (i)
            text[n++] = ' ';
        memcpy(text + n, one.s, one.n);
        n += one.n;
    }
    list->text = str_n(text, n);
    return true;
}

const struct relays *facts_relays(struct facts *facts)
{
    struct relays *relays = facts->made[FACT_RELAYS];
    if (relays)
        return relays;
    relays = POOL_NEW(facts->pool, struct relays);
    if (relays == NULL) {
        facts->no_memory = true;
        return NULL;
    }
    *relays = (struct relays){.last_trusted = -1, .last_internal = -1};
    struct making m = {.facts = facts,
                       .relays = relays,
                       .reader = {.pool = facts->pool, .work = RELAYS_WORK_MAX},
                       .trust = trust_of(facts->settings),
                       .fetch_allowed = true};
    bool ok = read_received(&m) && read_originating(&m) && join(facts->pool, &relays->trusted) &&
              join(facts->pool, &relays->untrusted) && join(facts->pool, &relays->internal) &&
              join(facts->pool, &relays->external);
    relays->limited |= m.reader.work == 0;
    if (!ok || facts->no_memory) {
        facts->no_memory = true;
        return NULL;
    }
    facts->made[FACT_RELAYS] = relays;
    return relays;
}

bool relays_limited(const struct facts *facts)
{
    const struct relays *relays = facts->made[FACT_RELAYS];
    return relays && relays->limited;
}
