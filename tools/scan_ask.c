#include "tools/scan_ask.h"

#include <limits.h>
#include <unistd.h>

#include "base/ipc.h"

#define MARGIN_SECONDS 30 /* beyond what the engines may take: it stands in a line, too */

static int call(const struct conf *conf, const char *step, struct str request, int fd,
                struct buf *reply, struct err *err)
{
    char path[PATH_MAX];
    const struct ipc_fds fds = {.fd = {fd}, .n = 1};
    int timeout_ms = (int)(conf->antivirus.timeout + MARGIN_SECONDS) * 1000;
    if (!ipc_path(conf->run_dir, step, path, sizeof path))
        return err_set(err, "run_dir is too long");
    if (ipc_call(path, request, &fds, reply, timeout_ms, err) < 0)
        return err_prefix(err, "%s can't be asked (is poterned running?)", step);
    return 0;
}

/* Adds what one process says; one that says nothing leaves its engines without an answer. */
static bool ask_step(const struct conf *conf, enum av_speaker speaker, struct str request, int fd,
                     struct scan_said *got, struct err *err)
{
    const char *step = speaker == AV_SPEAKER_AVLINK ? "avlink" : "antivirus";
    struct buf reply = BUF_INIT(IPC_MSG_MAX);
    bool said = call(conf, step, request, fd, &reply, err) == 0;
    if (said &&
        !av_answers_add(&conf->antivirus, speaker, buf_str(&reply), got->answers, &got->n)) {
        err_set(err, "%s gave an answer that can't be read", step);
        said = false;
    }
    buf_release(&reply);
    return said;
}

static int ask_all(const struct conf *conf, struct str request, int fd, struct scan_said *said,
                   struct err *err)
{
    struct scan_said got = {.n = 0};
    bool any = false;
    if (conf_has_inside(&conf->antivirus))
        any |= ask_step(conf, AV_SPEAKER_ANTIVIRUS, request, fd, &got, err);
    if (conf_has_outside(&conf->antivirus))
        any |= ask_step(conf, AV_SPEAKER_AVLINK, request, fd, &got, err);
    said->n = any ? av_answers_order(&conf->antivirus, got.answers, got.n, said->answers) : 0;
    return any ? 0 : -1;
}

int scan_ask(const struct conf *conf, struct spool *spool, const struct spool_file *file,
             struct scan_said *said, struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    const struct envelope *e = &file->envelope;
    const struct scan_request request = {.id = e->id,
                                         .offset = SPOOL_HEADER_SIZE,
                                         .size = file->size,
                                         .client_ip = e->client_ip,
                                         .client_name = e->client_name,
                                         .helo = e->helo,
                                         .sender = e->sender};
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    said->n = 0;
    if (conf->antivirus.engines.n == 0)
        return 0;
    str_copy(e->id, id, sizeof id);
    int fd = spool_open_message(spool, file->state, id, err);
    if (fd < 0)
        return -1;
    scan_request_put(&message, &request);
    int result = buf_ok(&message) ? ask_all(conf, buf_str(&message), fd, said, err)
                                  : err_set(err, "out of memory");
    buf_release(&message);
    close(fd);
    return result;
}

const struct av_answer *scan_said_find(const struct scan_said *said, enum av_result result)
{
    for (size_t i = 0; i < said->n; i++)
        if (said->answers[i].result == result)
            return &said->answers[i];
    return NULL;
}
