#include "directory/ldap/lookup.h"

#include <stdio.h>
#include <stdlib.h>

#include "directory/ldap/filter.h"
#include "directory/ldap/writers.h"

#define ENTRIES_MAX 20 /* with one address; more are a filter that is wrong */

struct lookup {
    struct ldap_session session;
    struct pool *pool;
    struct buf filter;
};

static void lookup_close(void *asker)
{
    struct lookup *lookup = asker;
    if (lookup == NULL)
        return;
    ldap_session_close(&lookup->session);
    ldap_site_free(&lookup->session.site);
    pool_free(&lookup->pool);
    buf_release(&lookup->filter);
    free(lookup);
}

static void *lookup_open(const struct source_place *place, struct err *err)
{
    const struct conf_ldap *conf = conf_ldap_find(place->conf, place->source.name);
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL || conf == NULL) {
        free(lookup);
        err_set(err, "ldap %s: out of memory", place->source.name);
        return NULL;
    }
    lookup->filter = BUF_INIT(LDAP_FILTER_MAX);
    lookup->pool = pool_new(LDAP_ENTRY_MAX);
    lookup->session.site = ldap_site_new(conf, err);
    if (lookup->pool && lookup->session.site)
        return lookup;
    if (lookup->pool == NULL)
        err_set(err, "ldap %s: out of memory", conf->name);
    lookup_close(lookup);
    return NULL;
}

/* Has an entry the address, and as what? Where a filter found it by something else, as an alias. */
static bool is_official(const struct ldap_who *who, struct str address)
{
    return str_eq(str_of(who->addresses[0].text), address);
}

static void say_yes(struct finding *finding, const struct ldap_who *who, struct str address,
                    size_t n_entries)
{
    struct person person = who->person;
    size_t used = 0;
    person.address = str_of(who->addresses[0].text);
    bool alias = !is_official(who, address);
    person.flags |= alias ? PERSON_ALIAS : 0U;
    finding_yes(finding, &person);
    if (alias)
        snprintf(finding->note, sizeof finding->note, "alias of %.200s", who->addresses[0].text);
    used = strlen(finding->note);
    if (n_entries > 1)
        snprintf(finding->note + used, sizeof finding->note - used, "%s%zu entries have it",
                 used ? ", " : "", n_entries);
}

/* Of several entries the one whose official address it is, else the first that has any. */
static int pick(struct lookup *lookup, LDAPMessage *result, struct str address,
                struct finding *finding, struct err *err)
{
    struct ldap_session *s = &lookup->session;
    struct ldap_who best = {0};
    size_t n = 0;
    for (LDAPMessage *m = ldap_first_entry(s->ld, result); m; m = ldap_next_entry(s->ld, m)) {
        struct ldap_entry entry;
        struct ldap_who who;
        if (ldap_session_entry(s, m, lookup->pool, &entry, err) < 0)
            return -1;
        if (ldap_entry_read(&s->site->shape, &entry, lookup->pool, &who) < 0)
            return err_set(err, "out of memory");
        if (who.n == 0)
            continue;
        n++;
        if (best.n == 0 || (is_official(&who, address) && !is_official(&best, address)))
            best = who;
    }
    if (best.n && ldap_writers_find(s, &best, lookup->pool, err) < 0)
        return -1;
    if (best.n)
        say_yes(finding, &best, address, n);
    else
        finding_no(finding);
    return 0;
}

static void lookup_ask(void *asker, struct str address, struct finding *finding)
{
    struct lookup *lookup = asker;
    struct err err = {""};
    struct address normal;
    LDAPMessage *result = NULL;
    finding_no(finding);
    if (!address_normal(address, false, &normal))
        return;
    pool_reset(lookup->pool);
    buf_clear(&lookup->filter);
    ldap_filter_make(&lookup->filter, lookup->session.site->shape.filter, &normal);
    struct ldap_query query = {.filter = buf_cstr(&lookup->filter), .limit = ENTRIES_MAX};
    if (!buf_ok(&lookup->filter))
        finding_away(finding, false, "the filter is longer than there is room for");
    else if (ldap_session_search(&lookup->session, &query, &result, &err) < 0)
        finding_away(finding, true, err.text);
    else if (pick(lookup, result, str_of(normal.text), finding, &err) < 0)
        finding_away(finding, false, err.text);
    ldap_msgfree(result);
}

static const struct conf_ldap *conf_of(const struct source_place *place)
{
    return conf_ldap_find(place->conf, place->source.name);
}

static unsigned lookup_askers(const struct source_place *place)
{
    const struct conf_ldap *conf = conf_of(place);
    return conf->lookups ? conf->connections : 0;
}

const struct source_ops ldap_ops = {
    .open = lookup_open,
    .ask = lookup_ask,
    .close = lookup_close,
    .askers = lookup_askers,
};
