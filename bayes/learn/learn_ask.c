#include "bayes/learn/learn_ask.h"

#include <limits.h>

#include "base/fsio.h"
#include "bayes/ledger/ledger.h"

static int settle(struct learn_client *client, struct err *err)
{
    struct learn_summary ignored;
    return learn_client_finish(client, false, &ignored, err);
}

/* ---- with a learner */

static int ask_learner(struct learn_client *client, struct learn_request *request,
                       const uint64_t *numbers, size_t n, struct learn_reply *reply,
                       struct err *err)
{
    struct buf bytes = BUF_INIT(LEARN_ASK_MAX * sizeof(uint64_t));
    for (size_t i = 0; i < n; i++)
        wire_u64(&bytes, numbers[i]);
    request->n = (uint32_t)n;
    request->features = buf_str(&bytes);
    int result = buf_ok(&bytes) ? learn_client_ask(client, request, -1, reply, err)
                                : err_set(err, "out of memory");
    buf_release(&bytes);
    return result;
}

static int ask_some(struct learn_client *client, enum learn_class class, const uint64_t *digests,
                    size_t n, char *answers, struct err *err)
{
    struct learn_request request = {.verb = LEARN_ASK, .class = class};
    struct learn_reply reply;
    if (ask_learner(client, &request, digests, n, &reply, err) < 0)
        return -1;
    if (reply.text.n != n)
        return err_set(err, "the learner gave %zu answers to %zu questions", reply.text.n, n);
    memcpy(answers, reply.text.s, n);
    return 0;
}

/* ---- without */

struct questions {
    enum learn_class class;
    const uint64_t *digests;
    size_t n;
    char *answers;
};

static int ask_ledger(struct ledger *ledger, void *data, struct err *err)
{
    const struct questions *q = data;
    return ledger_ask(ledger, q->class, q->digests, q->n, q->answers, err);
}

struct table {
    char folder[PATH_MAX];
    struct known *known;
};

/* The ledger's owner makes it. */
static int open_table(struct ledger *ledger, void *data, struct err *err)
{
    struct table *table = data;
    bool made;
    table->known = known_open_writer(table->folder, &made, err);
    return table->known ? 0 : -1;
}

/* ---- both */

int learn_ask(struct learn_client *client, enum learn_class class, const uint64_t *digests,
              size_t n, char *answers, struct err *err)
{
    struct questions questions = {class, digests, n, answers};
    if (settle(client, err) < 0)
        return -1;
    if (!learn_client_remote(client))
        return learn_client_work(client, ask_ledger, &questions, err);
    for (size_t at = 0; at < n; at += LEARN_ASK_MAX) {
        size_t some = n - at < LEARN_ASK_MAX ? n - at : LEARN_ASK_MAX;
        if (ask_some(client, class, digests + at, some, answers + at, err) < 0)
            return -1;
    }
    return 0;
}

int learn_known_open(struct learn_client *client, const struct conf *conf, struct known **known,
                     struct err *err)
{
    struct table table = {.known = NULL};
    if (fsio_join(table.folder, sizeof table.folder, conf->state_dir, "bayes", err) < 0)
        return -1;
    int result = learn_client_remote(client) ? known_open_state(conf, &table.known, err)
                                             : learn_client_work(client, open_table, &table, err);
    *known = table.known;
    return result;
}

int learn_sent(struct learn_client *client, struct known *known, const struct known_keys *keys,
               int64_t when, enum learn_answer *answer, struct err *err)
{
    struct learn_request request = {.verb = LEARN_SENT, .source = {.when = when}};
    struct learn_reply reply;
    if (!learn_client_remote(client)) {
        bool fresh = known_note(known, keys->list, keys->n, known_day(when)) > 0;
        *answer = fresh ? LEARN_ANSWER_DONE : LEARN_ANSWER_KNOWN;
        return 0;
    }
    if (settle(client, err) < 0 ||
        ask_learner(client, &request, keys->list, keys->n, &reply, err) < 0)
        return -1;
    *answer = reply.answer;
    return 0;
}
