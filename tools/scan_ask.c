#include "tools/scan_ask.h"

#include <limits.h>

#include "base/ipc.h"

#define MARGIN_SECONDS 30 /* beyond what the engines may take: it stands in a line, too */

static int call(const struct conf *conf, const struct spool_file *file, const struct ipc_fds *fds,
                struct buf *reply, struct err *err)
{
    char path[PATH_MAX];
    const struct envelope *e = &file->envelope;
    const struct scan_request request = {.id = e->id,
                                         .offset = SPOOL_HEADER_SIZE,
                                         .size = file->size,
                                         .client_ip = e->client_ip,
                                         .client_name = e->client_name,
                                         .helo = e->helo,
                                         .sender = e->sender};
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    int timeout_ms = (int)(conf->antivirus.timeout + MARGIN_SECONDS) * 1000;
    int result = -1;
    scan_request_put(&message, &request);
    if (!buf_ok(&message))
        err_set(err, "out of memory");
    else if (!ipc_path(conf->run_dir, "antivirus", path, sizeof path))
        err_set(err, "run_dir is too long");
    else if (ipc_call(path, buf_str(&message), fds, reply, timeout_ms, err) < 0)
        err_prefix(err, "the engines can't be asked (is poterned running?)");
    else
        result = 0;
    buf_release(&message);
    return result;
}

int scan_ask(const struct conf *conf, struct spool *spool, const struct spool_file *file,
             struct scan_said *said, struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    struct buf reply = BUF_INIT(IPC_MSG_MAX);
    struct ipc_fds fds = {.n = 0};
    said->n = 0;
    if (conf->antivirus.engines.n == 0)
        return 0;
    str_copy(file->envelope.id, id, sizeof id);
    fds.fd[0] = spool_open_message(spool, file->state, id, err);
    if (fds.fd[0] < 0)
        return -1;
    fds.n = 1;
    int result = call(conf, file, &fds, &reply, err);
    if (result == 0 && (!av_answers_get(buf_str(&reply), said->answers, &said->n) || said->n == 0))
        result = err_set(err, "the engines gave an answer that can't be read");
    ipc_fds_close(&fds);
    buf_release(&reply);
    return result;
}

const struct av_answer *scan_said_find(const struct scan_said *said, enum av_result result)
{
    for (size_t i = 0; i < said->n; i++)
        if (said->answers[i].result == result)
            return &said->answers[i];
    return NULL;
}
