/* What a manager teaches goes to the learner, all of a report in one go. */
#include "gateway/reports/act.h"

#include <sys/un.h>

#include "base/clock.h"
#include "bayes/learn/learn_client.h"

#define LEARNER_WAIT_MS  10000 /* for an answer; a model takes it two seconds */
#define LEARNER_PAUSE_MS 30000 /* nobody waits for one that did not answer */

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

void desk_learner_lost(struct desk *desk)
{
    desk->learner_at_ms = clock_ms() + LEARNER_PAUSE_MS;
}

bool desk_learner_away(const struct desk *desk)
{
    return clock_ms() < desk->learner_at_ms;
}

bool acting_learns(const struct acting *a)
{
    bool any = false;
    for (size_t i = 0; i < a->findings->n_originals; i++)
        any |= a->wanted[i];
    return any;
}

static int teach(struct acting *a, struct learn_client *client, struct err *err)
{
    struct learn_summary summary;
    if (!learn_client_remote(client))
        return err_set(err, "no learner is running");
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        const struct features *features = &a->findings->originals[i].features;
        const struct learn_source source = {.reporter = str_of(a->who.address),
                                            .when = a->now_us / 1000000,
                                            .kind = LEARN_BY_MANAGER,
                                            .campaign = features->campaign};
        if (a->wanted[i] && learn_client_add(client, a->classes[i], features, &source, i, err) < 0)
            return -1;
    }
    return learn_client_finish(client, false, &summary, err);
}

/* In a process of its own: what it sets is told by the result, a fate for each original and why one
 * failed. */
int acting_learn(void *acting, int fd, struct buf *result, struct err *err)
{
    struct acting *a = acting;
    if (desk_find_learner(a->desk, err) < 0)
        return -1;
    struct learn_client *client = learn_client_open(a->desk->conf, on_learned, a, err);
    int taught = client ? teach(a, client, err) : -1;
    learn_client_close(&client);
    for (size_t i = 0; i < a->findings->n_originals; i++)
        wire_u8(result, (uint8_t)a->fates[i]);
    wire_str(result, str_of(a->err.text));
    return taught;
}

/* Of a process that read no mail, but held what one did: a fate that can't be is not believed. */
bool acting_learned(struct acting *a, struct str result, struct err *err)
{
    struct wire w = wire_of(result);
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        enum fate fate = (enum fate)wire_get_u8(&w);
        bool fits = fate == FATE_LEARNED || fate == FATE_KNOWN || fate == FATE_CAPPED ||
                    fate == FATE_FAILED;
        if (a->wanted[i] && !fits)
            w.bad = true;
        else if (a->wanted[i])
            a->fates[i] = fate;
    }
    struct str why = wire_get_str(&w);
    err_set(&a->err, "%.*s", STR_ARG(why));
    if (wire_done(&w))
        return true;
    err_set(err, "what the learner did can't be read");
    return false;
}
