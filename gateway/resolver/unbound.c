#include "gateway/resolver/unbound.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound-event.h>
#include <unbound.h>
#include <unistd.h>

#include "base/conf_place.h"
#include "base/log.h"
#include "gateway/resolver/protocol.h"

#define CLASS_IN       1
#define SEC_BOGUS      1 /* what the library's callback says */
#define SEC_SECURE     2
#define OPTION_SIZE    64
#define SERVER_SIZE    (INET6_ADDRSTRLEN + sizeof "@65535")
#define LOCAL_QUESTION "localhost" /* the library knows it by itself */

struct unbound {
    struct ub_ctx *ctx;
    bool checks;
};

/* One question; given to the library, which gives it back. */
struct question {
    unbound_answered *answered;
    void *data;
};

static int fail(struct err *err, const char *what, int result)
{
    return err_set(err, "resolver: %s: %s", what, ub_strerror(result));
}

static int set(struct ub_ctx *ctx, const char *name, const char *value, struct err *err)
{
    int result = ub_ctx_set_option(ctx, name, value);
    return result == 0 ? 0 : fail(err, name, result);
}

static int set_size(struct ub_ctx *ctx, const char *name, size_t value, struct err *err)
{
    char text[OPTION_SIZE];
    snprintf(text, sizeof text, "%zu", value);
    return set(ctx, name, text, err);
}

/* A server that fell silent is left alone by the library for so long (seconds); its own figure is a
 * quarter of an hour, but one that was named may be the only one. */
#define SILENT_SERVER "2"
#define SILENT_OTHERS "60"

/* What failed is remembered by the library for 5 seconds. */
static int set_options(struct ub_ctx *ctx, const struct conf_resolver *conf, struct err *err)
{
    const char *const options[][2] = {
        {"do-not-query-localhost:", "no"}, /* a server on this machine is the usual one */
        {"unblock-lan-zones:", "yes"},     /* who answers for private addresses is the servers' */
        {"insecure-lan-zones:", "yes"},    /* business, and they sign nothing */
        /* the library's own figure is 16: all else would wait for these */
        {"outgoing-range:", "4096"},
        {"num-queries-per-thread:", "4096"},
        {"outgoing-num-tcp:", "64"},
        {"infra-keep-probing:", "yes"},
        {"infra-host-ttl:", conf->servers.n > 0 ? SILENT_SERVER : SILENT_OTHERS},
        {"infra-cache-max-rtt:", "2000"},
        /* a name of our own that nobody knows must be asked for each time (health.h) */
        {"aggressive-nsec:", "no"},
        {"harden-below-nxdomain:", "no"},
        {"edns-buffer-size:", "1232"},
        {"prefetch:", "yes"},
        {"val-log-level:", "0"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (set(ctx, options[i][0], options[i][1], err) < 0)
            return -1;
    /* records are twice as much as what points at them */
    if (set_size(ctx, "cache-max-negative-ttl:", RESOLVER_NOTHING_TTL, err) < 0)
        return -1;
    if (set_size(ctx, "msg-cache-size:", conf->cache_size / 3, err) < 0)
        return -1;
    return set_size(ctx, "rrset-cache-size:", conf->cache_size / 3 * 2, err);
}

static int set_servers(struct ub_ctx *ctx, const struct conf_resolver *conf, struct err *err)
{
    for (size_t i = 0; i < conf->servers.n; i++) {
        char host[INET6_ADDRSTRLEN], server[SERVER_SIZE];
        uint16_t port;
        if (!conf_place_server(str_of(conf->servers.items[i]), host, &port))
            return err_set(err, "resolver: server %s is no address", conf->servers.items[i]);
        snprintf(server, sizeof server, "%s@%u", host, port);
        int result = ub_ctx_set_fwd(ctx, server);
        if (result != 0)
            return fail(err, server, result);
    }
    return 0;
}

/* The library knows the root's servers; another tree has others. */
static int set_hints(struct ub_ctx *ctx, const struct conf_resolver *conf, struct err *err)
{
    if (conf->root_hints == NULL)
        return 0;
    if (access(conf->root_hints, R_OK) < 0)
        return err_sys(err, "resolver.root_hints: cannot read %s", conf->root_hints);
    return set(ctx, "root-hints:", conf->root_hints, err);
}

static int set_anchor(struct unbound *u, const struct conf_resolver *conf, struct err *err)
{
    if (conf->trust_anchor == NULL)
        return set(u->ctx, "module-config:", "iterator", err);
    if (access(conf->trust_anchor, R_OK) < 0) {
        log_error("resolver.trust_anchor: cannot read %s: DNSSEC is not checked (Debian has it in "
                  "the package dns-root-data; an empty trust_anchor says that it is meant so)",
                  conf->trust_anchor);
        return set(u->ctx, "module-config:", "iterator", err);
    }
    int result = ub_ctx_add_ta_file(u->ctx, conf->trust_anchor);
    u->checks = result == 0;
    return result == 0 ? 0 : fail(err, conf->trust_anchor, result);
}

/* Names that the library would answer for by itself, rightly where it stands alone: servers that
 * were named know better. This also makes the library take its settings up. */
static int free_zones(struct ub_ctx *ctx, const struct conf_resolver *conf, struct err *err)
{
    static const char *const zones[] = {"test.", "invalid.", "127.in-addr.arpa."};
    if (conf->servers.n == 0)
        return 0;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        int result = ub_ctx_zone_remove(ctx, zones[i]);
        if (result != 0)
            return fail(err, zones[i], result);
    }
    return 0;
}

static void note_rcode(void *data, const struct unbound_answer *answer)
{
    *(int *)data = answer->rcode;
}

/* With the first question everything is read that is read late. */
static int ask_first(struct unbound *u, struct err *err)
{
    int rcode = -1;
    if (unbound_ask(u, LOCAL_QUESTION, DNS_A, note_rcode, &rcode) < 0 || rcode != 0)
        return err_set(err, "resolver: libunbound could not be set up (is trust_anchor a file of "
                            "DNSKEY or DS records, and root_hints one of NS and A?)");
    return 0;
}

struct unbound *unbound_open(const struct conf_resolver *conf, struct event_base *base,
                             struct err *err)
{
    struct unbound *u = calloc(1, sizeof *u);
    if (u)
        u->ctx = ub_ctx_create_event(base);
    if (u == NULL || u->ctx == NULL) {
        err_set(err, "out of memory for the resolver");
        free(u);
        return NULL;
    }
    ub_ctx_debugout(u->ctx, NULL);
    if (set_options(u->ctx, conf, err) < 0 || set_servers(u->ctx, conf, err) < 0 ||
        set_hints(u->ctx, conf, err) < 0 || set_anchor(u, conf, err) < 0 ||
        free_zones(u->ctx, conf, err) < 0 || ask_first(u, err) < 0) {
        unbound_close(&u);
        return NULL;
    }
    return u;
}

void unbound_close(struct unbound **unbound)
{
    struct unbound *u = *unbound;
    *unbound = NULL;
    if (u == NULL)
        return;
    ub_ctx_delete(u->ctx);
    free(u);
}

bool unbound_checks(const struct unbound *u)
{
    return u->checks;
}

static void on_answer(void *data, int rcode, void *packet, int n, int sec, char *why, int limited)
{
    struct question *q = data;
    const struct unbound_answer answer = {
        .rcode = rcode,
        .packet = rcode == 0 && packet && n > 0 ? str_n(packet, (size_t)n) : STR_EMPTY,
        .secure = sec == SEC_SECURE,
        .bogus = sec == SEC_BOGUS,
    };
    unbound_answered *answered = q->answered;
    void *who = q->data;
    free(q);
    answered(who, &answer);
}

int unbound_ask(struct unbound *u, const char *name, enum dns_type type, unbound_answered *answered,
                void *data)
{
    struct question *q = malloc(sizeof *q);
    if (q == NULL)
        return -1;
    *q = (struct question){answered, data};
    if (ub_resolve_event(u->ctx, name, (int)type, CLASS_IN, q, on_answer, NULL) == 0)
        return 0;
    free(q);
    return -1;
}
