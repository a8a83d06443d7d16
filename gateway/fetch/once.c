#include "gateway/fetch/once.h"

#include <sys/un.h>

static int ask(const char *run_dir, const struct fetch_request *request, struct buf *room,
               struct fetch_answer *answer, struct err *err)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    int result = ipc_path(run_dir, "fetch", path, sizeof path)
                     ? 0
                     : err_set(err, "run_dir is too long for a socket's path");
    fetch_request_put(&message, request);
    if (result == 0 && !buf_ok(&message))
        result = err_set(err, "out of memory for a request");
    if (result == 0)
        result = ipc_call(path, buf_str(&message), NULL, room,
                          (int)request->milliseconds + FETCH_GRACE_MS, err);
    buf_release(&message);
    if (result < 0)
        return -1;
    return fetch_answer_get(buf_str(room), answer) && answer->number == request->number
               ? 0
               : err_set(err, "its answer is malformed");
}

void fetch_once(const char *run_dir, const struct fetch_request *request, struct buf *room,
                struct fetch_answer *answer)
{
    struct err err = {""};
    if (ask(run_dir, request, room, answer, &err) == 0)
        return;
    buf_clear(room);
    buf_add(room, str_of(err.text));
    *answer = (struct fetch_answer){.result = FETCH_AWAY, .note = buf_str(room)};
}
