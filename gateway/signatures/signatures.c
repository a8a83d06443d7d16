/*
 * poterne-signatures: sees to it that the antivirus process serves the signatures that lie there.
 * It watches their folders (watch.h), understands freshclam's word (notify.h), tells poterned when
 * other ones are there than those that serve, and warns of old ones. It opens none of the files.
 *
 * A set is told of once: one that is refused is not told of again before the files change.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/role.h"
#include "gateway/antivirus/status.h"
#include "gateway/signatures/notify.h"
#include "gateway/signatures/watch.h"

#define MEMORY_MAX    (256UL * 1024 * 1024)
#define FILES_MAX     64
#define TICK_MAX_MS   1000
#define ASK_MS        2000
#define RELOAD_PAUSE  5 /* seconds between two looks because somebody said RELOAD */
#define AGE_EVERY     (24 * 3600)
#define AGE_FIRST     60 /* until the first look at the age: the signatures are still loaded */
#define AGE_RETRY     600
#define SECONDS_A_DAY (24 * 3600)

struct signatures {
    const struct conf *conf;
    struct watch watch;
    struct notify notify;
    struct av_status status; /* of those that served when last asked */
    uint64_t serving;        /* as last said; before that what lay there at the start; 0: none */
    uint64_t told;           /* what poterned was last told of */
    bool reload;             /* somebody said RELOAD */
    int64_t reload_at;       /* monotonic seconds; not before */
    int64_t age_at;
};

static void unload(void *data)
{
    struct signatures *s = data;
    watch_close(&s->watch);
    notify_close(&s->notify);
    free(s);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct signatures *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(err, "out of memory");
    s->conf = env->conf;
    s->age_at = clock_seconds() + AGE_FIRST;
    watch_open(&s->watch, &env->conf->antivirus);
    if (notify_open(&s->notify, env->conf->antivirus.notify_socket, err) < 0) {
        unload(s);
        return -1;
    }
    *data = s;
    return 0;
}

/* The folder, and the one that it stands in: another may come in its place. */
static void allow(struct sandbox *box, const char *path)
{
    char copy[PATH_MAX];
    if (!str_copy(str_of(path), copy, sizeof copy))
        return;
    const char *parent = dirname(copy);
    if (access(parent, F_OK) == 0)
        sandbox_path_in(box, parent, ".", SANDBOX_READ);
    if (access(path, F_OK) == 0)
        sandbox_path(box, path, SANDBOX_READ);
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    const struct conf_antivirus *conf = &env->conf->antivirus;
    box->allow = SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_UNIX_CONNECT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    if (signature_files_used(conf, "clamav"))
        allow(box, conf->clamav_databases);
    if (signature_files_used(conf, "yara"))
        allow(box, conf->yara_rules);
    if (signature_files_used(conf, "files"))
        allow(box, conf->file_policy);
}

/* False: none serves now. */
static bool ask(struct signatures *s)
{
    struct err err;
    if (av_status_ask(s->conf->run_dir, ASK_MS, &s->status, &err) == 0)
        return true;
    log_debug("%s", err.text);
    s->status = (struct av_status){.n = 0};
    return false;
}

/* What has settled is told of unless it is what serves, or was told of before. */
static void consider(struct signatures *s, const struct role_env *env)
{
    uint64_t here = s->watch.seen;
    if (!s->watch.settled || here == 0)
        return;
    if (s->serving == 0)
        s->serving = here;
    if (here == s->told)
        return;
    if (ask(s))
        s->serving = s->status.fingerprint;
    if (here == s->serving) {
        s->told = 0;
        return;
    }
    log_info("other signatures are there: they are loaded beside those that serve");
    if (role_tell(env, ROLE_NEW_SIGNATURES))
        s->told = here;
}

static void warn_of_age(const struct signatures *s)
{
    unsigned limit = s->conf->antivirus.signature_age_warning;
    for (size_t i = 0; i < s->status.n; i++) {
        const struct av_engine_status *engine = &s->status.engines[i];
        int64_t age = time(NULL) - engine->made;
        if (strcmp(engine->name, "clamav") != 0 || engine->made <= 0 || limit == 0 || age <= limit)
            continue;
        log_warning("the signatures of %s are %lld days old (antivirus.signature_age_warning): "
                    "does freshclam run?",
                    engine->name, (long long)(age / SECONDS_A_DAY));
    }
}

static void look_at_age(struct signatures *s)
{
    if (clock_seconds() < s->age_at)
        return;
    bool answered = ask(s);
    if (answered)
        warn_of_age(s);
    s->age_at = clock_seconds() + (answered ? AGE_EVERY : AGE_RETRY);
}

static const char *version(const struct signatures *s)
{
    for (size_t i = 0; i < s->status.n; i++)
        if (strcmp(s->status.engines[i].name, "clamav") == 0)
            return s->status.engines[i].version;
    return "ClamAV (poterne)";
}

static void tick(struct signatures *s, const struct role_env *env)
{
    if (s->reload && clock_seconds() >= s->reload_at) {
        log_debug("RELOAD was said on antivirus.notify_socket");
        s->reload = false;
        s->reload_at = clock_seconds() + RELOAD_PAUSE;
        watch_hurry(&s->watch);
    }
    if (watch_tick(&s->watch))
        consider(s, env);
    look_at_age(s);
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct signatures *s = data;
    for (;;) {
        struct pollfd p[2 + NOTIFY_POLL_MAX] = {{.fd = env->ctl_fd, .events = POLLIN},
                                                {.fd = s->watch.fd, .events = POLLIN}};
        int wait = watch_wait(&s->watch);
        size_t n = 2 + notify_poll(&s->notify, p + 2);
        if (poll(p, n, wait < TICK_MAX_MS ? wait : TICK_MAX_MS) < 0 && errno != EINTR)
            return err_sys(err, "cannot wait for changes");
        if (p[0].revents)
            return 0;
        if (p[1].revents)
            watch_events(&s->watch);
        s->reload |= notify_serve(&s->notify, version(s));
        tick(s, env);
    }
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "signatures", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
