/* Whom a message says that it comes from and goes to (PerMsgStatus.pm of SpamAssassin 4.0.1). */
#include "rules/facts/header_cut.h"
#include "rules/facts/mailbox.h"
#include "rules/facts/relays.h"
#include "rules/facts/shape.h"

#define ADDRESSES_MAX 500 /* each is compared with those before it */
#define SHAPE_WORK    100000

struct senders {
    bool asked;
    struct str envelope_from;
    struct fact_values *from, *to;
};

struct gathering {
    struct facts *facts;
    struct fact_values *values;
    size_t cap;
};

static struct senders *senders_of(struct facts *facts)
{
    if (facts->made[FACT_SENDERS] == NULL)
        facts->made[FACT_SENDERS] = POOL_NEW(facts->pool, struct senders);
    facts->no_memory |= facts->made[FACT_SENDERS] == NULL;
    return facts->made[FACT_SENDERS];
}

/* Does a field of that name stand below a Received? Then some later hop's name may not be
 * believed. */
static bool below_received(struct facts *facts, struct str name)
{
    struct header_fields fields;
    bool received = false;
    if (header_fields(facts, &fields) < 0)
        return true;
    for (size_t i = 0; i < fields.n; i++) {
        if (received && str_ieq(fields.list[i].name, name))
            return true;
        received |= str_ieq(fields.list[i].name, STR("Received"));
    }
    return false;
}

static bool is_sender(struct str address)
{
    size_t at = str_chr(address, '@');
    return address.s && (address.n == 0 || (at != STR_NONE && at > 0));
}

static struct str said_by_relay(struct facts *facts)
{
    const struct relays *relays = facts_relays(facts);
    const struct relay *relay = NULL;
    if (relays && relays->untrusted.n)
        relay = relays->untrusted.list[0];
    else if (relays && relays->trusted.n)
        relay = relays->trusted.list[relays->trusted.n - 1];
    return relay && is_sender(relay->envfrom) ? relay->envfrom : STR_EMPTY;
}

/* fetchmail writes X-Sender, and its own idea of the envelope. */
static bool was_fetched(struct facts *facts)
{
    struct str sender = facts_get(facts, "X-Sender:first:addr");
    if (sender.s == NULL || str_chr(sender, '@') == STR_NONE)
        return false;
    struct str received = facts_get(facts, "Received");
    return received.s && str_find(received, STR("(fetchmail")) != STR_NONE;
}

static struct str find_envelope_from(struct facts *facts)
{
    struct str header = settings_text(facts->settings, SETTINGS_ENVELOPE_SENDER_HEADER);
    if (facts->input->envelope_from.s)
        return facts->input->envelope_from;
    if (header.n) {
        struct str request = pool_strf(facts->pool, "%.*s:first:addr", STR_ARG(header));
        struct str said = request.s ? facts_get(facts, request.s) : STR_EMPTY;
        return is_sender(said) ? said : STR_EMPTY;
    }
    struct str said = said_by_relay(facts);
    if (said.s || was_fetched(facts))
        return said;
    said = facts_get(facts, "X-Envelope-From:first:addr");
    if (said.s)
        return below_received(facts, STR("X-Envelope-From")) ? STR_EMPTY : said;
    said = facts_get(facts, "Envelope-Sender:first:addr");
    if (said.s && !below_received(facts, STR("Envelope-Sender")))
        return said;
    said = facts_get(facts, "Return-Path:first:addr");
    return said.s && !below_received(facts, STR("Return-Path")) ? said : STR_EMPTY;
}

struct str facts_envelope_from(struct facts *facts)
{
    struct senders *senders = senders_of(facts);
    if (senders == NULL)
        return STR_EMPTY;
    if (!senders->asked) {
        senders->asked = true;
        senders->envelope_from = find_envelope_from(facts);
    }
    return senders->envelope_from;
}

static void gather_one(struct gathering *g, struct str address)
{
    struct fact_values *values = g->values;
    for (size_t i = 0; i < values->n; i++) {
        if (str_eq(values->list[i], address))
            return;
    }
    if (values->n == ADDRESSES_MAX) {
        values->truncated = g->facts->truncated = true;
        return;
    }
    struct str *list = pool_grow(g->facts->pool, values->list, values->n, &g->cap, sizeof *list);
    if (list == NULL) {
        g->facts->no_memory = true;
        return;
    }
    values->list = list;
    list[values->n++] = address;
}

/* "a@b..c" is a@b.c. */
static struct str without_double_dots(struct facts *facts, struct str address)
{
    if (str_find(address, STR("..")) == STR_NONE)
        return address;
    char *to = pool_cstr(facts->pool, address);
    size_t n = 0;
    if (to == NULL) {
        facts->no_memory = true;
        return address;
    }
    for (size_t i = 0; i < address.n; i++) {
        if (address.s[i] != '.' || n == 0 || to[n - 1] != '.')
            to[n++] = address.s[i];
    }
    return str_n(to, n);
}

static void gather(struct gathering *g, const char *request)
{
    const struct fact_values *found = facts_get_all(g->facts, request);
    for (size_t i = 0; i < found->n; i++)
        gather_one(g, found->list[i]);
}

static void gather_from(struct gathering *g)
{
    static const char *const requests[] = {"From:addr", "Envelope-Sender:addr",
                                           "Resent-Sender:addr", "X-Envelope-From:addr",
                                           "EnvelopeFrom:addr"};
    gather(g, "Resent-From:first:addr");
    if (g->values->n)
        return;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const struct fact_values *found = facts_get_all(g->facts, requests[i]);
        for (size_t k = 0; k < found->n; k++) {
            if (found->list[k].n)
                gather_one(g, without_double_dots(g->facts, found->list[k]));
        }
    }
}

/* "… for <user@host>;" in the newest three Received: what the envelope said. */
static void gather_received(struct gathering *g)
{
    const struct fact_values *received = facts_get_all(g->facts, "Received");
    for (size_t i = 0; i < received->n && i < 3; i++) {
        struct shape_found found;
        size_t work = SHAPE_WORK;
        if (!shape_search(" for %(?<%)%[^ <>;]+=a%(?>%);", SHAPE_EXACT, received->list[i], &work,
                          &found))
            continue;
        struct str address = shape_field(&found, 'a');
        size_t at = str_rchr(address, '@');
        if (at != STR_NONE && at > 0 && mailbox_host_is_valid(str_from(address, at + 1)))
            gather_one(g, address);
    }
}

static void gather_to(struct gathering *g)
{
    static const char *const requests[] = {"To:addr",
                                           "Apparently-To:addr",
                                           "Delivered-To:addr",
                                           "Envelope-Recipients:addr",
                                           "Apparently-Resent-To:addr",
                                           "X-Envelope-To:addr",
                                           "Envelope-To:addr",
                                           "X-Delivered-To:addr",
                                           "X-Original-To:addr",
                                           "X-Rcpt-To:addr",
                                           "X-Real-To:addr",
                                           "Cc:addr"};
    gather(g, "Resent-To:first:addr");
    gather(g, "Resent-Cc:first:addr");
    if (g->values->n)
        return;
    gather_received(g);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        gather(g, requests[i]);
}

/* Gathered once for a message. */
static const struct fact_values *gathered(struct facts *facts, bool from)
{
    static const struct fact_values none;
    struct senders *senders = senders_of(facts);
    if (senders == NULL)
        return &none;
    const struct fact_values *kept = from ? senders->from : senders->to;
    if (kept)
        return kept;
    struct gathering g = {facts, POOL_NEW(facts->pool, struct fact_values), 0};
    if (g.values == NULL) {
        facts->no_memory = true;
        return &none;
    }
    if (from) {
        gather_from(&g);
        senders->from = g.values;
    } else {
        gather_to(&g);
        senders->to = g.values;
    }
    return g.values;
}

const struct fact_values *facts_from_addresses(struct facts *facts)
{
    return gathered(facts, true);
}

const struct fact_values *facts_to_addresses(struct facts *facts)
{
    return gathered(facts, false);
}
