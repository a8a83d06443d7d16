#include "gateway/delivery/route.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/fsio.h"

#define PASSWORD_FILE_MAX 4096

/* The first line of the file. */
static int read_password(const char *path, char *password, struct err *err)
{
    struct buf text = BUF_INIT(PASSWORD_FILE_MAX);
    int result = fsio_read_file(path, &text, err);
    struct str rest = buf_str(&text), line;
    if (result == 0 && (!str_next_line(&rest, &line) || line.n == 0 ||
                        !str_copy(line, password, LOGIN_PASSWORD_MAX + 1)))
        result = err_set(err, "%s: expected a password of at most %d bytes in its first line", path,
                         LOGIN_PASSWORD_MAX);
    if (text.n)
        explicit_bzero(text.p, text.n);
    buf_release(&text);
    return result;
}

static int fill(struct route *route, const struct conf_way *way, const char *hostname,
                struct err *err)
{
    route->tls = (enum conf_outside_tls)way->tls;
    route->tls_name = way->tls_name;
    route->helo = way->helo ? way->helo : hostname;
    for (size_t i = 0; i < way->source.n; i++) {
        const char *address = way->source.items[i];
        *(strchr(address, ':') ? &route->source6 : &route->source4) = address;
    }
    if (way->password_file == NULL)
        return 0;
    route->password = calloc(1, LOGIN_PASSWORD_MAX + 1);
    if (route->password == NULL)
        return err_set(err, "out of memory for a password");
    route->login = (struct login){way->login, route->password};
    return read_password(way->password_file, route->password, err);
}

static int fill_leaving(struct route *route, const struct conf *conf,
                        const struct conf_route *section, struct err *err)
{
    const struct conf_leaving leaving = conf_route_leaving(conf, section);
    route->hops = leaving.next_hop;
    route->servers = leaving.next_hop.n ? &route->hops : NULL;
    return fill(route, &leaving.way, conf->hostname, err);
}

static int fill_all(struct routes *routes, const struct conf *conf, struct err *err)
{
    if (fill_leaving(&routes->outside, conf, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < conf->n_routes; i++)
        if (fill_leaving(&routes->named[i], conf, &conf->routes[i], err) < 0)
            return -1;
    for (size_t i = 0; i < conf->n_domains; i++) {
        struct route *route = &routes->domains[i];
        route->ours = true;
        route->hops = conf->domains[i].next_hop;
        route->servers = &route->hops;
        if (fill(route, &conf->domains[i].way, conf->hostname, err) < 0)
            return -1;
    }
    return 0;
}

struct routes *routes_load(const struct conf *conf, struct err *err)
{
    struct routes *routes = calloc(1, sizeof *routes);
    if (routes) {
        routes->conf = conf;
        routes->named = calloc(conf->n_routes + 1, sizeof *routes->named);
        routes->domains = calloc(conf->n_domains + 1, sizeof *routes->domains);
    }
    if (routes == NULL || routes->named == NULL || routes->domains == NULL)
        err_set(err, "out of memory for the ways to next hops");
    else if (fill_all(routes, conf, err) == 0)
        return routes;
    routes_free(&routes);
    return NULL;
}

static void forget_password(struct route *route)
{
    if (route->password)
        explicit_bzero(route->password, LOGIN_PASSWORD_MAX + 1);
    free(route->password);
}

static void free_list(struct route *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++)
        forget_password(&list[i]);
    free(list);
}

void routes_free(struct routes **routes)
{
    struct routes *r = *routes;
    *routes = NULL;
    if (r == NULL)
        return;
    free_list(r->named, r->conf->n_routes);
    free_list(r->domains, r->conf->n_domains);
    forget_password(&r->outside);
    free(r);
}

const struct route *route_for(const struct routes *routes, struct str domain)
{
    const struct conf_route *section = conf_route_find(routes->conf, domain);
    return section ? &routes->named[section - routes->conf->routes] : &routes->outside;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool route_same(const struct route *a, const struct route *b)
{
    if (a->ours != b->ours || a->hops.n != b->hops.n || a->tls != b->tls)
        return false;
    for (size_t i = 0; i < a->hops.n; i++)
        if (strcmp(a->hops.items[i].text, b->hops.items[i].text) != 0)
            return false;
    return same_text(a->tls_name, b->tls_name) && same_text(a->helo, b->helo) &&
           same_text(a->source4, b->source4) && same_text(a->source6, b->source6) &&
           same_text(a->login.user, b->login.user) &&
           same_text(a->login.password, b->login.password);
}

/* Nobody speaks to a Maildir. */
static bool uses_tls(const struct route *route)
{
    bool spoken = route->servers == NULL || route->hops.items[0].kind != HOP_MAILDIR;
    return spoken && route->tls != OUTSIDE_TLS_NONE;
}

bool routes_use_tls(const struct routes *routes)
{
    bool use = uses_tls(&routes->outside) &&
               (routes->outside.servers || conf_asks_for_servers(routes->conf));
    for (size_t i = 0; i < routes->conf->n_routes; i++)
        use |= uses_tls(&routes->named[i]);
    for (size_t i = 0; i < routes->conf->n_domains; i++)
        use |= uses_tls(&routes->domains[i]);
    return use;
}

static bool uses_policies(const struct route *route)
{
    return route->servers == NULL && route->tls != OUTSIDE_TLS_NONE;
}

bool routes_use_policies(const struct routes *routes)
{
    bool use = uses_policies(&routes->outside);
    for (size_t i = 0; i < routes->conf->n_routes; i++)
        use |= uses_policies(&routes->named[i]);
    return use;
}

bool routes_use_source(const struct conf *conf)
{
    bool use = conf->outside.way.source.n > 0;
    for (size_t i = 0; i < conf->n_routes; i++)
        use |= conf->routes[i].way.source.n > 0;
    for (size_t i = 0; i < conf->n_domains; i++)
        use |= conf->domains[i].way.source.n > 0;
    return use;
}
