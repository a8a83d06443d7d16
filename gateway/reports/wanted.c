#include "gateway/reports/wanted.h"

#include "sender/dmarc_walk.h"
#include "sender/tag.h"

/* The one record of that kind at a name; several are none (RFC 9989 4.10, RFC 8460 3). */
static enum wanted ask_record(enum tally_kind kind, struct str name, const struct dns_source *dns,
                              struct pool *pool, struct str *record, struct err *why)
{
    const struct dns_query query = dns_ask(dns, pool, DNS_TXT, name);
    size_t n = 0;
    if (query.status == DNS_TEMP_FAILED || query.status == DNS_BOGUS) {
        err_set(why, "%.*s: %s", STR_ARG(name), dns_status_name(query.status));
        return WANTED_UNKNOWN;
    }
    for (size_t i = 0; query.status == DNS_FOUND && i < query.n; i++)
        if (rua_is_record(kind, query.records[i].data)) {
            *record = query.records[i].data;
            n++;
        }
    if (n == 1)
        return WANTED;
    err_set(why, n ? "%.*s has several records" : "%.*s has no record", STR_ARG(name));
    return WANTED_NOT;
}

/* --- RFC 9990 4: another organization must want it --- */

struct place {
    struct str domain; /* the policy's */
    const struct dns_source *dns;
    struct pool *pool;
    bool last; /* there is no later */
};

static enum wanted is_own(const struct place *place, struct str host)
{
    struct dmarc_walk of_domain, of_host;
    if (domain_holds(place->domain, host))
        return WANTED;
    dmarc_walk(&of_domain, place->domain, place->dns, place->pool);
    dmarc_walk(&of_host, host, place->dns, place->pool);
    if (of_domain.failed || of_host.failed)
        return WANTED_UNKNOWN;
    return str_eq(dmarc_walk_organization(&of_domain), dmarc_walk_organization(&of_host))
               ? WANTED
               : WANTED_NOT;
}

/* Who is named may name another address at the same host instead; one elsewhere forbids all. */
static enum wanted override_with(struct str record, struct rua *rua)
{
    struct rua_list others;
    if (!rua_read(TALLY_DMARC, record, &others) || others.n + others.passed_over == 0)
        return WANTED;
    for (size_t i = 0; i < others.n; i++)
        if (strcmp(others.list[i].host, rua->host) != 0)
            return WANTED_NOT;
    if (others.n == 0)
        return WANTED_NOT;
    *rua = others.list[0];
    return WANTED;
}

static enum wanted agrees(const struct place *place, struct rua *rua)
{
    struct str host = str_of(rua->host);
    enum wanted own = is_own(place, host);
    if (own != WANTED_NOT)
        return own;
    struct str name =
        pool_strf(place->pool, "%.*s._report._dmarc.%.*s", STR_ARG(place->domain), STR_ARG(host));
    if (name.s == NULL)
        return WANTED_UNKNOWN;
    if (!dns_name_ok(name))
        return WANTED_NOT;
    const struct dns_query query = dns_ask(place->dns, place->pool, DNS_TXT, name);
    if (query.status == DNS_TEMP_FAILED || query.status == DNS_BOGUS)
        return WANTED_UNKNOWN;
    for (size_t i = 0; query.status == DNS_FOUND && i < query.n; i++)
        if (rua_is_record(TALLY_DMARC, query.records[i].data))
            return override_with(query.records[i].data, rua);
    return WANTED_NOT;
}

/* Keeps those that may be sent to. Whose DNS stays silent takes the report from nobody else. */
static enum wanted keep_agreed(const struct place *place, struct rua_list *list, struct err *why)
{
    size_t n = 0;
    bool unknown = false;
    for (size_t i = 0; i < list->n; i++) {
        enum wanted wanted = agrees(place, &list->list[i]);
        if (wanted == WANTED_UNKNOWN) {
            err_set(why, "whether %s wants reports about it: the DNS does not say",
                    list->list[i].host);
            if (!place->last)
                return WANTED_UNKNOWN;
            unknown = true;
        } else if (wanted == WANTED)
            list->list[n++] = list->list[i];
        else
            err_set(why, "%s has not said that it wants reports about it", list->list[i].host);
    }
    list->n = n;
    return n ? WANTED : unknown ? WANTED_UNKNOWN : WANTED_NOT;
}

/* The same address written twice, or that several were moved to, gets one. */
static void drop_twins(struct rua_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        bool twin = false;
        for (size_t k = 0; k < n; k++)
            twin |= list->list[k].way == list->list[i].way &&
                    str_ieq(str_of(list->list[k].target), str_of(list->list[i].target));
        if (!twin)
            list->list[n++] = list->list[i];
    }
    list->n = n;
}

enum wanted wanted_by(enum tally_kind kind, struct str domain, const struct dns_source *dns,
                      bool last, struct pool *pool, struct rua_list *list, struct err *why)
{
    const struct place place = {domain, dns, pool, last};
    struct str record;
    struct str name =
        pool_strf(pool, kind == TALLY_TLS ? "_smtp._tls.%.*s" : "_dmarc.%.*s", STR_ARG(domain));
    if (name.s == NULL) {
        err_set(why, "out of memory");
        return WANTED_UNKNOWN;
    }
    enum wanted wanted = ask_record(kind, name, dns, pool, &record, why);
    if (wanted != WANTED)
        return wanted;
    rua_read(kind, record, list);
    if (list->n == 0) {
        err_set(why, "%.*s names no address that reports can be sent to", STR_ARG(name));
        return WANTED_NOT;
    }
    wanted = kind == TALLY_DMARC ? keep_agreed(&place, list, why) : WANTED;
    if (wanted == WANTED)
        drop_twins(list);
    return wanted;
}
