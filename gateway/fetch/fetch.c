/*
 * poterne-fetch: speaks HTTPS for everybody (protocol.h): token introspection, and what the DNS of
 * strangers names. It connects to HTTPS servers and to the resolver process, and opens no file.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/role.h"
#include "gateway/fetch/service.h"

#define FILES_MAX   1024
#define DRAIN_TIME  40 /* seconds; poterned kills after 60 */
#define WORK_MEMORY ((size_t)1024 * 1024 * 1024)

struct fetch {
    struct event_base *base;
    struct service *service;
    int64_t drain_end; /* seconds; 0: not draining */
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

static void look_whether_done(evutil_socket_t fd, short what, void *data)
{
    struct fetch *f = data;
    if (f->drain_end && (!service_busy(f->service) || clock_seconds() > f->drain_end))
        event_base_loopbreak(f->base);
}

static void on_ctl(evutil_socket_t fd, short what, void *data)
{
    struct fetch *f = data;
    if (f->drain_end)
        return;
    f->drain_end = clock_seconds() + DRAIN_TIME;
    service_drain(f->service);
    look_whether_done(-1, 0, f);
}

static int run(const struct role_env *env, struct fetch *f, struct err *err)
{
    const struct timeval now_and_then = {.tv_usec = 200 * 1000};
    struct event *ctl = event_new(f->base, env->ctl_fd, EV_READ, on_ctl, f);
    struct event *tick = event_new(f->base, -1, EV_PERSIST, look_whether_done, f);
    int result = -1;
    if (ctl == NULL || tick == NULL || event_add(ctl, NULL) < 0 ||
        event_add(tick, &now_and_then) < 0)
        err_set(err, "out of memory");
    else if (event_base_dispatch(f->base) < 0)
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
    struct fetch *f = data;
    if (service_start(f->service, env->service_fd, err) < 0)
        return -1;
    return run(env, f, err);
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "fetch", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
