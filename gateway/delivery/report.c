/* report: a message to a report address, handed to the process `reports`. In a thread: it may take
 * as long as reports.timeout allows. */
#include "gateway/reports/request.h"

#include <stdio.h>
#include <sys/un.h>

#include "base/ipc.h"
#include "gateway/delivery/delivery.h"

/* What the process may need beside reading: learning, storing, waiting for others' reports. */
#define MARGIN_SECONDS 60

static int ask(const struct delivery *delivery, const struct spool_file *file, uint32_t index,
               struct buf *reply, struct err *err)
{
    const struct envelope *envelope = &file->envelope;
    const struct report_request request = {.id = envelope->id,
                                           .address = envelope->recipients[index].address,
                                           .sender = envelope->sender,
                                           .client_ip = envelope->client_ip,
                                           .offset = SPOOL_HEADER_SIZE,
                                           .size = file->size,
                                           .evidence = envelope->evidence};
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    char id[SPOOL_ID_LEN + 1];
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct ipc_fds fds = {.n = 0};
    int result = -1;
    report_request_put(&message, &request);
    str_copy(envelope->id, id, sizeof id);
    if (!buf_ok(&message))
        err_set(err, "what is known of the message takes more than %d bytes", IPC_MSG_MAX);
    else if (!ipc_path(delivery->conf->run_dir, REPORT_SOCKET, path, sizeof path))
        err_set(err, "run_dir is too long");
    else if ((fds.fd[0] = spool_open_message(delivery->spool, file->state, id, err)) >= 0) {
        fds.n = 1;
        unsigned timeout = delivery->conf->reports.timeout + MARGIN_SECONDS;
        result = ipc_call(path, buf_str(&message), &fds, reply, (int)timeout * 1000, err);
    }
    ipc_fds_close(&fds);
    buf_release(&message);
    return result;
}

enum client_outcome report_hand_over(const struct delivery *delivery, const struct spool_file *file,
                                     uint32_t index, char text[CLIENT_TEXT_MAX + 1])
{
    static const enum client_outcome outcomes[] = {[REPORT_DONE] = CLIENT_DELIVERED,
                                                   [REPORT_LATER] = CLIENT_DEFERRED,
                                                   [REPORT_NEVER] = CLIENT_REFUSED};
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct report_reply reply = {.outcome = REPORT_LATER};
    struct err err = {""};
    if (ask(delivery, file, index, &message, &err) < 0)
        reply.text = err.text[0] ? str_of(err.text) : STR("the process reports gave no answer");
    else if (!report_reply_get(buf_str(&message), &reply))
        reply = (struct report_reply){REPORT_LATER, STR("an answer that can't be read")};
    snprintf(text, CLIENT_TEXT_MAX + 1, "%.*s", STR_ARG(reply.text));
    buf_release(&message);
    return outcomes[reply.outcome];
}
