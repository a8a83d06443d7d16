#include "gateway/avlink/role.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "antivirus/outside/outside.h"
#include "base/fsio.h"
#include "base/workers.h"
#include "gateway/antivirus/content.h"
#include "gateway/antivirus/tmp.h"
#include "gateway/scan.h"
#include "mail/message.h"

/* A scan ends by itself at antivirus.timeout; a worker that does not is ended after this. */
#define GRACE 10
/* The scanners work elsewhere, a worker here mostly waits: two for each that scans. */
#define WORKERS_A_SCANNER 2
/* Beside the message and its parts. */
#define WORK_MEMORY ((size_t)256 * 1024 * 1024)

struct avlink {
    struct outside *outside;
    const struct conf *conf;
    struct av_content *content;
    char folder[PATH_MAX]; /* for temporary files: a numbered one in it for each worker */
};

static void unload(void *data)
{
    struct avlink *avlink = data;
    outside_close(&avlink->outside);
    av_content_free(&avlink->content);
    free(avlink);
}

static int load_steps(struct avlink *avlink, struct err *err)
{
    const struct conf *conf = avlink->conf;
    if (fsio_join(avlink->folder, sizeof avlink->folder, conf->run_dir, "avlink", err) < 0)
        return -1;
    avlink->outside = outside_open(conf, err);
    if (!avlink->outside)
        return -1;
    /* from here on the folder is "." */
    return chdir(avlink->folder) == 0 ? 0 : err_sys(err, "cannot enter %s", avlink->folder);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct avlink *avlink = calloc(1, sizeof *avlink);
    if (!avlink)
        return err_set(err, "out of memory");
    avlink->conf = env->conf;
    avlink->content = av_content_new(env->conf->antivirus.scan_size_limit);
    int result = avlink->content ? 0 : err_set(err, "out of memory");
    if (result == 0)
        result = mail_preload(err);
    if (result == 0)
        result = load_steps(avlink, err);
    if (result < 0)
        unload(avlink);
    else
        *data = avlink;
    return result;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    const struct conf_antivirus *conf = &env->conf->antivirus;
    box->allow = SANDBOX_ACCEPT | SANDBOX_FILES;
    sandbox_path(box, ".", SANDBOX_WRITE);
    /* the message twice (one copy is on its way out), its parts, and what they are found with */
    box->memory_limit =
        WORK_MEMORY + AV_STRUCTURE_MAX + 2 * env->conf->smtp.size_limit + 5 * conf->scan_size_limit;
    outside_sandbox(conf, box);
}

static void scan(struct avlink *avlink, const struct scan_request *request, struct str raw,
                 struct buf *reply)
{
    struct av_message message;
    struct av_answer answers[AV_ENGINES_MAX];
    size_t n = outside_count(avlink->outside);
    av_content_make(avlink->content, raw, &message);
    outside_scan(avlink->outside, &message, answers);
    av_answers_log(request->id, answers, n);
    av_answers_put(reply, answers, n);
}

int avlink_handle(void *data, struct str message, struct ipc_fds *fds, struct buf *reply,
                  struct err *err)
{
    struct avlink *avlink = data;
    struct scan_request request;
    struct buf raw = BUF_INIT(0);
    int result =
        scan_request_read(message, fds, avlink->conf->smtp.size_limit, &request, &raw, err);
    if (result == 0)
        scan(avlink, &request, buf_str(&raw), reply);
    buf_release(&raw);
    return result;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct avlink *avlink = data;
    char name[ANTIVIRUS_TMP_NAME_MAX], folder[PATH_MAX];
    int lock = antivirus_tmp_take(name, sizeof name, err);
    if (lock < 0)
        return -1;
    int result = fsio_join(folder, sizeof folder, avlink->folder, name, err);
    if (result == 0)
        result = outside_use_tmp(avlink->outside, folder, err);
    if (result == 0)
        result = role_serve_requests(env, avlink_handle, data, env->conf->antivirus.timeout + GRACE,
                                     err);
    close(lock);
    return result;
}

static unsigned workers(const struct conf *conf)
{
    return WORKERS_A_SCANNER * workers_antivirus(conf);
}

const struct role avlink_role = {.name = "avlink",
                                 .load = load,
                                 .sandbox = sandbox,
                                 .serve = serve,
                                 .workers = workers,
                                 .unload = unload};
