/*
 * poterne-resolver: asks the DNS for everybody: one cache, DNSSEC, a budget for each message
 * (protocol.h). It opens sockets to name servers and no file.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/role.h"
#include "gateway/resolver/service.h"

#define FILES_MAX   16384
#define DRAIN_TIME  40 /* seconds; poterned kills after 60 */
#define WORK_MEMORY ((size_t)1024 * 1024 * 1024)

struct resolver {
    struct event_base *base;
    struct unbound *unbound;
    struct service *service;
    int64_t drain_end; /* seconds; 0: not draining */
};

static void unload(void *data)
{
    struct resolver *r = data;
    if (r == NULL)
        return;
    unbound_close(&r->unbound);
    service_free(&r->service);
    if (r->base)
        event_base_free(r->base);
    free(r);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct resolver *r = calloc(1, sizeof *r);
    if (r == NULL)
        return err_set(err, "out of memory");
    r->base = event_base_new();
    if (r->base)
        r->unbound = unbound_open(&env->conf->resolver, r->base, err);
    else
        err_set(err, "out of memory");
    if (r->unbound == NULL) {
        unload(r);
        return -1;
    }
    *data = r;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_ACCEPT | SANDBOX_INET_CONNECT | SANDBOX_INET_BIND;
    box->files_limit = FILES_MAX;
    box->memory_limit = WORK_MEMORY + 2 * env->conf->resolver.cache_size;
}

static void look_whether_done(evutil_socket_t fd, short what, void *data)
{
    struct resolver *r = data;
    if (r->drain_end && (service_busy(r->service) == 0 || clock_seconds() > r->drain_end))
        event_base_loopbreak(r->base);
}

static void on_ctl(evutil_socket_t fd, short what, void *data)
{
    struct resolver *r = data;
    if (r->drain_end)
        return;
    r->drain_end = clock_seconds() + DRAIN_TIME;
    service_drain(r->service);
    look_whether_done(-1, 0, r);
}

static int run(const struct role_env *env, struct resolver *r, struct err *err)
{
    const struct timeval now_and_then = {.tv_usec = 200 * 1000};
    struct event *ctl = event_new(r->base, env->ctl_fd, EV_READ, on_ctl, r);
    struct event *tick = event_new(r->base, -1, EV_PERSIST, look_whether_done, r);
    int result = -1;
    if (ctl == NULL || tick == NULL || event_add(ctl, NULL) < 0 ||
        event_add(tick, &now_and_then) < 0)
        err_set(err, "out of memory");
    else if (event_base_dispatch(r->base) < 0)
        err_sys(err, "the event loop failed");
    else
        result = 0;
    if (ctl)
        event_free(ctl);
    if (tick)
        event_free(tick);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct resolver *r = data;
    r->service = service_open(env->conf, r->base, r->unbound, env->service_fd, err);
    if (r->service == NULL)
        return -1;
    int result = run(env, r, err);
    service_stop(r->service);
    return result;
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "resolver", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
