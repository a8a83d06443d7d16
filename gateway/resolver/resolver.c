/*
 * poterne-resolver: asks the DNS for everybody: one cache, DNSSEC, a budget for each message
 * (protocol.h). It opens sockets to name servers and no file.
 */
#include <stdlib.h>

#include "base/role.h"
#include "gateway/drain.h"
#include "gateway/resolver/service.h"

#define FILES_MAX   16384
#define WORK_MEMORY ((size_t)1024 * 1024 * 1024)

struct resolver {
    struct event_base *base;
    struct unbound *unbound;
    struct service *service;
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

static void begin_drain(void *data)
{
    struct resolver *r = data;
    service_drain(r->service);
}

static bool is_busy(void *data)
{
    const struct resolver *r = data;
    return service_busy(r->service);
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct resolver *r = data;
    const struct drain_hooks hooks = {.begin = begin_drain, .busy = is_busy, .data = r};
    r->service = service_open(env->conf, r->base, r->unbound, env->service_fd, err);
    if (r->service == NULL)
        return -1;
    int result = drain_serve(r->base, env->ctl_fd, &hooks, err);
    service_stop(r->service);
    return result;
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "resolver", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
