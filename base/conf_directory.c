/* The sources of recipients: what a domain names, and what their sections say. */
#include "base/ascii.h"
#include "base/conf_loaded.h"
#include "base/conf_place.h"
#include "base/conf_value.h"

static const char *const kind_names[CONF_SOURCE_KINDS] = {
    [SOURCE_FILE] = "file",     [SOURCE_LDAP] = "ldap",
    [SOURCE_SQLITE] = "sqlite", [SOURCE_CALL_AHEAD] = "call_ahead",
    [SOURCE_QUOTA] = "quota",   [SOURCE_ACCOUNTS] = "accounts",
};

const char *conf_source_kind_name(enum conf_source_kind kind)
{
    return kind_names[kind];
}

bool conf_source_of(const char *item, struct conf_source *source)
{
    struct str text = str_of(item);
    if (conf_place_path(text)) {
        *source = (struct conf_source){SOURCE_FILE, item};
        return true;
    }
    size_t blank = str_chr(text, ' ');
    struct str word = str_sub(text, 0, blank);
    for (unsigned kind = 0; kind < CONF_SOURCE_KINDS; kind++) {
        if (!str_eq(word, str_of(kind_names[kind])))
            continue;
        *source = (struct conf_source){kind, blank == STR_NONE ? item + text.n : item + blank + 1};
        struct str name = str_of(source->name);
        if (kind == SOURCE_CALL_AHEAD)
            return blank == STR_NONE;
        return conf_source_is_file(kind) ? conf_place_path(name) : conf_value_is_name(name);
    }
    return false;
}

/* --- section ldap --- */

/* RFC 4512 1.4, with options; "" is the preset's */
static bool is_attribute(const char *text)
{
    for (const char *p = text; *p; p++)
        if (!ascii_is_alnum(*p) && !strchr("-;._", *p))
            return false;
    return true;
}

/* attribute=value, attribute&bits, or the attribute alone */
static bool is_test(const char *text)
{
    size_t n = strcspn(text, "=&");
    char name[128];
    uint64_t bits;
    if (n == 0 || !str_copy(str_n(text, n), name, sizeof name) || !is_attribute(name))
        return false;
    if (text[n] == '&')
        return str_to_u64(str_of(text + n + 1), UINT32_MAX, &bits) && bits > 0;
    return text[n] == '\0' || text[n + 1] != '\0';
}

/* Parentheses that match; what stands between them is for the server to understand. */
static bool is_filter(const char *text)
{
    size_t depth = 0;
    if (*text && *text != '(')
        return false;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return false;
        else if (*p == '%' && (p[1] == '\0' || !strchr("aud%", *++p)))
            return false;
    }
    return depth == 0;
}

static int check_attributes(const struct conf_ldap *ldap, struct err *err)
{
    const char *const single[] = {ldap->address,    ldap->quota_used, ldap->quota_limit,
                                  ldap->identities, ldap->redirect,   ldap->members,
                                  ldap->writers};
    const struct conf_list *const tests[] = {&ldap->disabled, &ldap->enabled, &ldap->groups,
                                             &ldap->closed, &ldap->redirect_keep};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        if (!is_attribute(single[i]))
            return err_set(err, "ldap %s: `%s`: expected the name of an attribute", ldap->name,
                           single[i]);
    for (size_t i = 0; i < ldap->aliases.n; i++)
        if (!is_attribute(ldap->aliases.items[i]) || *ldap->aliases.items[i] == '\0')
            return err_set(err, "ldap %s: aliases: `%s`: expected the name of an attribute",
                           ldap->name, ldap->aliases.items[i]);
    for (size_t k = 0; k < sizeof tests / sizeof tests[0]; k++)
        for (size_t i = 0; i < tests[k]->n; i++)
            if (!is_test(tests[k]->items[i]))
                return err_set(err,
                               "ldap %s: `%s`: expected attribute=value, attribute&bits or an "
                               "attribute",
                               ldap->name, tests[k]->items[i]);
    return 0;
}

int conf_check_ldap(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_ldap *ldap = &loaded->conf.ldap[i];
    if (ldap->servers.n == 0)
        return err_set(err, "ldap %s has no servers; expected servers = ldaps://ldap.example.org",
                       ldap->name);
    if (*ldap->base == '\0')
        return err_set(err, "ldap %s has no base; expected base = \"ou=people,dc=example,dc=org\"",
                       ldap->name);
    if (!is_filter(ldap->filter) || !is_filter(ldap->people) || !is_filter(ldap->login))
        return err_set(err,
                       "ldap %s: expected a filter such as (mail=%%a) in parentheses that match",
                       ldap->name);
    if (*ldap->filter && strstr(ldap->filter, "%a") == NULL && strstr(ldap->filter, "%u") == NULL)
        return err_set(err, "ldap %s: expected %%a or %%u in filter", ldap->name);
    if (*ldap->login && strstr(ldap->login, "%a") == NULL && strstr(ldap->login, "%u") == NULL)
        return err_set(err, "ldap %s: expected %%a or %%u in login", ldap->name);
    if ((*ldap->bind_dn != '\0') != (ldap->password_file != NULL))
        return err_set(err, "ldap %s: bind_dn and password_file go together; expected both or none",
                       ldap->name);
    if (ldap->snapshot == 0 && !ldap->lookups)
        return err_set(err, "ldap %s: neither snapshot nor lookups; expected one of them",
                       ldap->name);
    return check_attributes(ldap, err);
}

/* --- the others --- */

int conf_check_sqlite(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_sqlite *sqlite = &loaded->conf.sqlite[i];
    if (sqlite->file == NULL || *sqlite->query == '\0')
        return err_set(err, "sqlite %s: expected file, and query with ? for the address",
                       sqlite->name);
    return 0;
}

int conf_check_quota(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf_quota *quota = &loaded->conf.quota[i];
    if (quota->address.text == NULL || quota->address.authority.n)
        return err_set(err, "quota %s: expected an address such as address = 127.0.0.1:12340",
                       quota->name);
    return 0;
}

const struct conf_ldap *conf_ldap_find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->n_ldap; i++)
        if (strcmp(conf->ldap[i].name, name) == 0)
            return &conf->ldap[i];
    return NULL;
}

const struct conf_sqlite *conf_sqlite_find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->n_sqlite; i++)
        if (strcmp(conf->sqlite[i].name, name) == 0)
            return &conf->sqlite[i];
    return NULL;
}

const struct conf_quota *conf_quota_find(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->n_quota; i++)
        if (strcmp(conf->quota[i].name, name) == 0)
            return &conf->quota[i];
    return NULL;
}

bool conf_has_source(const struct conf *conf, enum conf_source_kind kind)
{
    struct conf_source source;
    for (size_t i = 0; i < conf->n_domains; i++)
        for (size_t k = 0; k < conf->domains[i].directory.n; k++)
            if (conf_source_of(conf->domains[i].directory.items[k], &source) && source.kind == kind)
                return true;
    return false;
}

bool conf_calls_ahead(const struct conf *conf)
{
    return conf_has_source(conf, SOURCE_CALL_AHEAD);
}

static bool is_there(const struct conf *conf, const struct conf_domain *domain,
                     const struct conf_source *source)
{
    switch (source->kind) {
    case SOURCE_LDAP:
        return conf_ldap_find(conf, source->name) != NULL;
    case SOURCE_SQLITE:
        return conf_sqlite_find(conf, source->name) != NULL;
    case SOURCE_QUOTA:
        return conf_quota_find(conf, source->name) != NULL;
    case SOURCE_CALL_AHEAD:
        return domain->next_hop.items[0].kind != HOP_MAILDIR;
    default:
        return true;
    }
}

static int check_domain(const struct conf *conf, const struct conf_domain *domain, struct err *err)
{
    struct conf_source source;
    bool knows = domain->directory.n == 0;
    for (size_t i = 0; i < domain->directory.n; i++) {
        if (!conf_source_of(domain->directory.items[i], &source))
            continue;
        knows |= source.kind != SOURCE_QUOTA;
        if (is_there(conf, domain, &source))
            continue;
        if (source.kind == SOURCE_CALL_AHEAD)
            return err_set(err, "domain %s: call_ahead asks an SMTP or LMTP next_hop; it has none",
                           domain->name);
        return err_set(err, "domain %s: there is no section %s %s", domain->name,
                       kind_names[source.kind], source.name);
    }
    return knows ? 0
                 : err_set(err, "domain %s: quota knows no recipients; expected another source too",
                           domain->name);
}

void conf_check_sources(const struct conf_loaded *loaded)
{
    struct err err;
    for (size_t i = 0; i < loaded->conf.n_domains; i++) {
        if (check_domain(&loaded->conf, &loaded->conf.domains[i], &err) == 0)
            continue;
        conf_at(&err, &loaded->titled[TITLED_DOMAIN][i].section);
        conf_mistake_add(loaded->mistakes, &err);
    }
}

bool conf_takes_logins_inside(const struct conf *conf)
{
    const struct conf_gate *gate = &conf->gate;
    return conf->submission.inside && conf->smtp.tls_certificate &&
           (conf->n_ldap > 0 || conf_has_source(conf, SOURCE_ACCOUNTS)) &&
           gate->inside.n + gate->webmail.n + gate->relays.n > 0;
}

bool conf_takes_logins(const struct conf *conf)
{
    return conf->submission.listen.n + conf->submission.listen_tls.n > 0 ||
           conf_takes_logins_inside(conf);
}
