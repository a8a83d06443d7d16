/*
 * poterne-fetch: speaks HTTPS for everybody (protocol.h): token introspection, and what the DNS of
 * strangers names. It connects to HTTPS servers and to the resolver process, and opens no file.
 */
#include <stdlib.h>

#include "base/algorithms.h"
#include "base/role.h"
#include "gateway/drain.h"
#include "gateway/fetch/service.h"

#define FILES_MAX   1024
#define WORK_MEMORY ((size_t)1024 * 1024 * 1024)

struct fetch {
    struct event_base *base;
    struct service *service;
};

static void unload(void *data)
{
    struct fetch *f = data;
    if (f == NULL)
        return;
    service_free(&f->service);
    if (f->base)
        event_base_free(f->base);
    free(f);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    if (algorithms_load(err) < 0)
        return -1;
    struct fetch *f = calloc(1, sizeof *f);
    if (f == NULL)
        return err_set(err, "out of memory");
    f->base = event_base_new();
    if (f->base)
        f->service = service_new(env->conf, f->base, err);
    else
        err_set(err, "out of memory");
    if (f->service == NULL) {
        unload(f);
        return -1;
    }
    *data = f;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_ACCEPT | SANDBOX_UNIX_CONNECT | SANDBOX_INET_CONNECT;
    box->files_limit = FILES_MAX;
    box->memory_limit = WORK_MEMORY;
}

static void begin_drain(void *data)
{
    struct fetch *f = data;
    service_drain(f->service);
}

static bool is_busy(void *data)
{
    const struct fetch *f = data;
    return service_busy(f->service);
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct fetch *f = data;
    const struct drain_hooks hooks = {.begin = begin_drain, .busy = is_busy, .data = f};
    if (service_start(f->service, env->service_fd, err) < 0)
        return -1;
    return drain_serve(f->base, env->ctl_fd, &hooks, err);
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "fetch", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
