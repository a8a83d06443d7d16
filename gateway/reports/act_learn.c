/* What a manager teaches goes to the learner, all of a report in one go. */
#include "gateway/reports/act.h"

#include <sys/un.h>

#include "bayes/learn/learn_client.h"

#define LEARNER_WAIT_MS 10000 /* for an answer; a model takes it two seconds */

static void on_learned(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    static const enum fate fates[] = {[LEARN_ANSWER_DONE] = FATE_LEARNED,
                                      [LEARN_ANSWER_KNOWN] = FATE_KNOWN,
                                      [LEARN_ANSWER_FAILED] = FATE_FAILED,
                                      [LEARN_ANSWER_CAPPED] = FATE_CAPPED};
    struct acting *a = data;
    a->fates[number] = fates[answer];
    if (answer == LEARN_ANSWER_FAILED)
        err_set(&a->err, "the learner: %s", text ? text : "failed");
}

int desk_find_learner(const struct desk *desk, struct err *err)
{
    const struct learn_request request = {.verb = LEARN_STATUS};
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct buf out = BUF_INIT(IPC_MSG_MAX), reply = BUF_INIT(IPC_MSG_MAX);
    int result = -1;
    learn_request_put(&out, &request);
    if (!ipc_path(desk->conf->run_dir, LEARN_SOCKET, path, sizeof path) || !buf_ok(&out))
        err_set(err, "the learner can't be asked");
    else
        result = ipc_call(path, buf_str(&out), NULL, &reply, LEARNER_WAIT_MS, err);
    buf_release(&out);
    buf_release(&reply);
    return result < 0 ? err_prefix(err, "the learner") : 0;
}

int act_learn(struct acting *a, const bool *wanted)
{
    struct learn_summary summary;
    if (desk_find_learner(a->desk, &a->err) < 0)
        return -1;
    struct learn_client *client = learn_client_open(a->desk->conf, on_learned, a, &a->err);
    if (client == NULL)
        return -1;
    int result = learn_client_remote(client) ? 0 : err_set(&a->err, "no learner is running");
    for (size_t i = 0; i < a->findings->n_originals && result == 0; i++) {
        const struct features *features = &a->findings->originals[i].features;
        const struct learn_source source = {.reporter = str_of(a->who.address),
                                            .when = a->now_us / 1000000,
                                            .kind = LEARN_BY_MANAGER,
                                            .campaign = features->campaign};
        if (wanted[i])
            result = learn_client_add(client, a->classes[i], features, &source, i, &a->err);
    }
    if (result == 0)
        result = learn_client_finish(client, false, &summary, &a->err);
    learn_client_close(&client);
    return result;
}
