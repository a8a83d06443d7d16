#include "gateway/antivirus/role.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/role.h"
#include "base/workers.h"
#include "config.h"
#include "gateway/antivirus/content.h"
#include "gateway/antivirus/generation.h"
#include "gateway/antivirus/memory.h"
#include "gateway/antivirus/tmp.h"
#include "gateway/scan.h"
#include "mail/message.h"

/* The engines end by themselves at antivirus.timeout; one that does not is ended after this. Before
 * them a message is taken apart, and passwords are tried on its archives: five seconds at most. */
#define GRACE 20
/* Beside what is loaded: a message, its decoded parts, and what the engines hold at once. */
#define WORK_MEMORY ((rlim_t)1024 * 1024 * 1024)

#ifdef POTERNE_SANITIZE
#define ASAN_RESERVES_TERABYTES true
#else
#define ASAN_RESERVES_TERABYTES false
#endif

struct antivirus {
    struct generation generation;
    const struct conf *conf;
    struct av_content *content;
};

static void unload(void *data)
{
    struct antivirus *antivirus = data;
    generation_unload(&antivirus->generation);
    av_content_free(&antivirus->content);
    free(antivirus);
}

/* For leader and workers alike, and measured from what the signatures take, which only now is
 * known. */
static int limit_memory(const struct conf *conf, struct err *err)
{
    struct memory memory;
    struct rlimit limit;
    if (ASAN_RESERVES_TERABYTES)
        return 0;
    if (!memory_of(0, &memory) || memory.size == 0) {
        log_warning("cannot read /proc/self/status: memory is not limited");
        return 0;
    }
    if (getrlimit(RLIMIT_AS, &limit) < 0)
        return err_sys(err, "cannot read the limit of memory");
    rlim_t wanted = memory.size + WORK_MEMORY + 4 * (rlim_t)conf->antivirus.scan_size_limit;
    if (limit.rlim_cur <= wanted)
        return 0;
    limit.rlim_cur = wanted;
    limit.rlim_max = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    return setrlimit(RLIMIT_AS, &limit) == 0 ? 0 : err_sys(err, "cannot limit memory");
}

static int load_steps(struct antivirus *antivirus, const struct role_env *env, struct err *err)
{
    const struct conf *conf = env->conf;
    char folder[PATH_MAX];
    if (fsio_join(folder, sizeof folder, conf->run_dir, "antivirus", err) < 0)
        return -1;
    antivirus->conf = conf;
    if (mail_preload(err) < 0)
        return -1;
    antivirus->content = av_content_new(conf->antivirus.scan_size_limit);
    if (!antivirus->content)
        return err_set(err, "out of memory");
    if (generation_load(&antivirus->generation, env, folder, err) < 0)
        return -1;
    /* from here on the temporary folder is "." */
    if (chdir(folder) < 0)
        return err_sys(err, "cannot enter %s", folder);
    return limit_memory(conf, err);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct antivirus *antivirus = calloc(1, sizeof *antivirus);
    if (!antivirus)
        return err_set(err, "out of memory");
    if (load_steps(antivirus, env, err) < 0) {
        unload(antivirus);
        return -1;
    }
    *data = antivirus;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    box->allow = SANDBOX_ACCEPT | SANDBOX_FILES;
    sandbox_path(box, ".", SANDBOX_WRITE);
}

static void scan(struct antivirus *antivirus, const struct scan_request *request, struct str raw,
                 struct buf *reply)
{
    struct engines *engines = &antivirus->generation.engines;
    struct av_message message;
    struct av_answer answers[AV_ENGINES_MAX];
    av_content_make(antivirus->content, raw, &message);
    engines_scan(engines, &message, answers);
    generation_count(&antivirus->generation, answers);
    av_answers_log(request->id, answers, engines->n);
    av_answers_put(reply, answers, engines->n);
}

static void tell_status(const struct antivirus *antivirus, struct buf *reply)
{
    struct av_status status;
    generation_status(&antivirus->generation, &status);
    av_status_put(reply, &status);
}

int antivirus_handle(void *data, struct str message, struct ipc_fds *fds, struct buf *reply,
                     struct err *err)
{
    struct antivirus *antivirus = data;
    struct scan_request request;
    if (str_eq(message, STR(STATUS_REQUEST)) && fds->n == 0)
        return tell_status(antivirus, reply), 0;
    struct buf raw = BUF_INIT(0);
    int result =
        scan_request_read(message, fds, antivirus->conf->smtp.size_limit, &request, &raw, err);
    if (result == 0)
        scan(antivirus, &request, buf_str(&raw), reply);
    buf_release(&raw);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct antivirus *antivirus = data;
    char folder[ANTIVIRUS_TMP_NAME_MAX];
    int lock = antivirus_tmp_take(folder, sizeof folder, err);
    if (lock < 0)
        return -1;
    int result = engines_use_tmp(&antivirus->generation.engines, folder, err);
    if (result == 0)
        result = role_serve_requests(env, antivirus_handle, data,
                                     env->conf->antivirus.timeout + GRACE, err);
    close(lock);
    return result;
}

static unsigned workers(const struct conf *conf)
{
    return workers_antivirus(conf);
}

const struct role antivirus_role = {.name = "antivirus",
                                    .load = load,
                                    .sandbox = sandbox,
                                    .serve = serve,
                                    .workers = workers,
                                    .unload = unload};
