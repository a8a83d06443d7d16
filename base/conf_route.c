/* Where mail leaves to, and how its servers are spoken to: what sections outside, route and domain
 * say of that together. */
#include <stdlib.h>

#include "base/conf_loaded.h"
#include "base/domain.h"

/* --- which one --- */

static int match_name(const void *key, const void *element)
{
    const struct conf_route *route = element;
    return strcmp(key, route->name);
}

static const struct conf_route *find(const struct conf *conf, const char *name)
{
    return bsearch(name, conf->routes, conf->n_routes, sizeof conf->routes[0], match_name);
}

const struct conf_route *conf_route_find(const struct conf *conf, struct str domain)
{
    char normal[DOMAIN_SIZE];
    if (conf->n_routes == 0 || !domain_normal(domain, normal))
        return NULL;
    const struct conf_route *route = find(conf, normal);
    for (const char *dot = strchr(normal, '.'); route == NULL && dot; dot = strchr(dot + 1, '.'))
        route = find(conf, dot);
    return route;
}

/* What is set takes the place of what section outside says. */
static void take(struct conf_way *way, const struct conf_way *set)
{
    if (set->tls != OUTSIDE_TLS_AS_OUTSIDE)
        way->tls = set->tls;
    if (set->source.n)
        way->source = set->source;
    if (set->helo)
        way->helo = set->helo;
}

struct conf_leaving conf_route_leaving(const struct conf *conf, const struct conf_route *route)
{
    struct conf_leaving leaving = {.next_hop = conf->outside.next_hop, .way = conf->outside.way};
    if (leaving.next_hop.n == 0) /* a server's name is not that of all servers */
        leaving.way.tls_name = NULL;
    if (route == NULL)
        return leaving;
    take(&leaving.way, &route->way);
    if (route->next_hop.n == 0)
        return leaving;
    /* a name, a login belong to a server */
    leaving.next_hop = route->next_hop;
    leaving.way.tls_name = route->way.tls_name;
    leaving.way.login = route->way.login;
    leaving.way.password_file = route->way.password_file;
    if (route->next_hop.items[0].kind == HOP_MX)
        leaving.next_hop = (struct conf_hops){NULL, 0};
    return leaving;
}

/* --- by the DNS --- */

bool conf_hops_named(const struct conf_hops *hops)
{
    for (size_t i = 0; i < hops->n; i++)
        if (hops->items[i].named)
            return true;
    return false;
}

bool conf_mails_by_mx(const struct conf *conf)
{
    return conf->outside.next_hop.n == 0 && conf->resolver.enabled;
}

bool conf_asks_for_servers(const struct conf *conf)
{
    if (!conf->resolver.enabled)
        return false;
    if (conf->outside.next_hop.n == 0 || conf_hops_named(&conf->outside.next_hop))
        return true;
    for (size_t i = 0; i < conf->n_routes; i++) {
        const struct conf_leaving leaving = conf_route_leaving(conf, &conf->routes[i]);
        if (leaving.next_hop.n == 0 || conf_hops_named(&leaving.next_hop))
            return true;
    }
    return false;
}

/* --- what fits together --- */

static bool all_named(const struct conf_hops *hops)
{
    for (size_t i = 0; i < hops->n; i++)
        if (!hops->items[i].named)
            return false;
    return true;
}

const struct conf_way_mistake *conf_way_check(const struct conf_hops *hops,
                                              const struct conf_way *way)
{
    static const struct conf_way_mistake mistakes[] = {
        {"tls", "tls_name",
         "tls verify without tls_name; expected the name that next_hop's certificate is for"},
        {"login", "password_file", "login and password_file go together; expected both or none"},
        {"login", "tls_name",
         "login without tls_name; a password goes to a server that proves its name"},
        {"login", "login",
         "login without next_hop, or with tls none; a password goes to one server over TLS"},
    };
    bool logs_in = str_of(way->login).n > 0;
    bool nameless = way->tls_name == NULL && (hops->n == 0 || !all_named(hops));
    const bool there[] = {
        way->tls == OUTSIDE_TLS_VERIFY && hops->n && nameless,
        logs_in != (way->password_file != NULL),
        logs_in && nameless,
        logs_in && (hops->n == 0 || way->tls == OUTSIDE_TLS_NONE),
    };
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        if (there[i])
            return &mistakes[i];
    return NULL;
}

bool conf_hops_mail_servers(const struct conf_hops *hops)
{
    for (size_t i = 0; i < hops->n; i++)
        if (hops->items[i].kind != HOP_SMTP)
            return false;
    return true;
}

/* Two ports of one name would have TLSA records of their own, which are kept by name. */
bool conf_hops_name_twice(const struct conf_hops *hops)
{
    for (size_t i = 0; i < hops->n; i++)
        for (size_t k = 0; k < i; k++)
            if (hops->items[i].named && hops->items[k].named &&
                strcmp(hops->items[i].host, hops->items[k].host) == 0)
                return true;
    return false;
}

int conf_check_route(struct conf_loaded *loaded, size_t i, struct err *err)
{
    const struct conf *conf = &loaded->conf;
    const struct conf_route *route = &conf->routes[i];
    const struct conf_hops *hops = &route->next_hop;
    const struct conf_leaving leaving = conf_route_leaving(conf, route);
    bool by_mx = hops->n == 1 && hops->items[0].kind == HOP_MX;
    bool own = route->way.tls_name || *route->way.login || route->way.password_file;
    if (conf_domain_find(conf, str_of(route->name)))
        return err_set(err, "route %s: this domain has a section domain, which says where it goes",
                       route->name);
    if (!by_mx && !conf_hops_mail_servers(hops))
        return err_set(err,
                       "route %s: next_hop is no mail server; expected smtp://address:port, "
                       "smtp://name:port, or mx alone",
                       route->name);
    if (conf_hops_name_twice(hops))
        return err_set(err, "route %s: next_hop has one name twice", route->name);
    if (own && (hops->n == 0 || by_mx))
        return err_set(err,
                       "route %s: tls_name, login and password_file are a server's; expected "
                       "next_hop = smtp://… beside them",
                       route->name);
    if ((by_mx || conf_hops_named(hops)) && !conf->resolver.enabled)
        return err_set(err,
                       "route %s: its servers are looked up; expected resolver { enabled = yes }",
                       route->name);
    const struct conf_way_mistake *mistake = conf_way_check(&leaving.next_hop, &leaving.way);
    return mistake ? err_set(err, "route %s: %s", route->name, mistake->text) : 0;
}

/* -1: what is said of its next hops, and how they are spoken to, does not go together. */
int conf_check_domain_way(const struct conf_domain *domain, struct err *err)
{
    const struct conf_way *way = &domain->way;
    bool maildir = domain->next_hop.items[0].kind == HOP_MAILDIR;
    const struct conf_way_mistake *mistake = conf_way_check(&domain->next_hop, way);
    if (maildir &&
        (way->tls != OUTSIDE_TLS_MAY || way->tls_name || *way->login || way->helo || way->source.n))
        return err_set(err,
                       "domain %s: nobody speaks to a Maildir; expected no tls, tls_name, login, "
                       "source and helo",
                       domain->name);
    return mistake ? err_set(err, "domain %s: %s", domain->name, mistake->text) : 0;
}
