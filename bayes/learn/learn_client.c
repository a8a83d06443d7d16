#include "bayes/learn/learn_client.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "bayes/features/grams_pack.h"
#include "bayes/features/kept.h"
#include "bayes/publish/publish.h"

#define PENDING_MAX 64     /* messages under way before a reply is waited for */
#define WAIT_MS     120000 /* for one reply: the learner may be building a model */
#define LEDGER_DIR  "bayes"

/* One message that was added and not reported yet. */
struct pending {
    uint64_t number;
    uint64_t digest;
    enum learn_class class;
    struct learn_source source; /* its reporter is the text below */
    char reporter[LEARN_REPORTER_MAX];
    struct features_view *features; /* only without a learner, until the group is learned */
};

struct learn_client {
    learn_report *report;
    void *data;
    char place[PATH_MAX];  /* socket or folder, for messages */
    int fd;                /* the learner; -1: none */
    struct ledger *ledger; /* when there is no learner */
    uid_t owner;
    gid_t group;
    struct pending pending[PENDING_MAX]; /* a ring, oldest at `first` */
    size_t first;
    size_t n_pending;
    struct learn_summary summary;
    struct buf message;
};

static void pending_done(struct learn_client *client, enum learn_answer answer, const char *text)
{
    struct pending *oldest = &client->pending[client->first];
    uint64_t number = oldest->number;
    features_kept_free(&oldest->features);
    client->first = (client->first + 1) % PENDING_MAX;
    client->n_pending--;
    bool tells = answer == LEARN_ANSWER_FAILED || answer == LEARN_ANSWER_CAPPED;
    client->report(client->data, number, answer, tells ? text : NULL);
}

/* --- without a learner --- */

/* Root works in the ledger as its owner; everybody else as what they are. */
static int owner_enter(const struct learn_client *client, struct err *err)
{
    if (getuid() != 0)
        return 0;
    if (setegid(client->group) == 0 && seteuid(client->owner) == 0)
        return 0;
    return err_sys(err, "cannot become the owner of the ledger (user %u)", client->owner);
}

static void owner_leave(void)
{
    if (getuid() != 0)
        return;
    /* This can't fail for a process whose real user is root; to go on as somebody else if it did
     * would be wrong. */
    if (seteuid(0) != 0 || setegid(getgid()) != 0)
        abort();
}

static int ledger_connect(struct learn_client *client, const struct conf *conf, struct err *err)
{
    struct stat st;
    if (fsio_join(client->place, sizeof client->place, conf->state_dir, LEDGER_DIR, err) < 0)
        return -1;
    if (stat(client->place, &st) < 0)
        return err_sys(err,
                       "no learner is running, and the ledger's folder %s can't be used "
                       "(poterned makes it when it starts)",
                       client->place);
    client->owner = st.st_uid;
    client->group = st.st_gid;
    if (owner_enter(client, err) < 0)
        return -1;
    client->ledger = ledger_open(client->place, err);
    owner_leave();
    if (client->ledger) {
        struct ledger_policy policy = ledger_policy_of(conf);
        ledger_policy_set(client->ledger, &policy);
        return 0;
    }
    bool stranger = getuid() != 0 && getuid() != st.st_uid;
    return err_prefix(err, "no learner is running, and the ledger can't be opened%s",
                      stranger ? " (run this as root or as the learner's user)" : "");
}

static int ledger_group(struct learn_client *client, struct ledger_item *items, size_t n,
                        struct err *err)
{
    struct err sync_err;
    for (size_t i = 0; i < n; i++) {
        const struct pending *p = &client->pending[(client->first + i) % PENDING_MAX];
        items[i] = (struct ledger_item){.digest = p->digest,
                                        .class = p->class,
                                        .features = p->features->tokens,
                                        .n = p->features->n_tokens,
                                        .grams = p->features->grams,
                                        .n_grams = p->features->n_grams,
                                        .source = p->source};
    }
    if (owner_enter(client, err) < 0)
        return -1;
    int result = ledger_learn_batch(client->ledger, items, n, err);
    if (ledger_sync(client->ledger, &sync_err) < 0) {
        result = err_set(err, "%s", sync_err.text);
        for (size_t i = 0; i < n; i++)
            items[i].result = LEARN_FAILED;
    }
    owner_leave();
    return result;
}

/* Learns what is pending. */
static int ledger_flush(struct learn_client *client, struct err *err)
{
    struct ledger_item items[PENDING_MAX];
    struct err why = {""};
    size_t n = client->n_pending;
    if (n == 0)
        return 0;
    ledger_group(client, items, n, &why);
    for (size_t i = 0; i < n; i++) {
        bool capped = items[i].result == LEARN_CAPPED;
        pending_done(client, ledger_answer(items[i].result),
                     capped ? ledger_cap_text(items[i].cap) : why.text);
    }
    return ledger_broken(client->ledger) ? err_set(err, "%s", why.text) : 0;
}

static int ledger_add(struct learn_client *client, struct pending *p,
                      const struct features *features, struct err *err)
{
    p->features = features_keep(features, err);
    if (p->features == NULL)
        return -1;
    client->n_pending++;
    return client->n_pending < PENDING_MAX ? 0 : ledger_flush(client, err);
}

static void ledger_summary(struct learn_client *client)
{
    struct ledger_totals totals = ledger_totals(client->ledger);
    client->summary = (struct learn_summary){.spam = totals.spam,
                                             .ham = totals.ham,
                                             .generation = totals.generation,
                                             .held = totals.held_spam + totals.held_ham};
}

static int ledger_finish(struct learn_client *client, bool publish, struct err *err)
{
    if (ledger_flush(client, err) < 0 || owner_enter(client, err) < 0)
        return -1;
    struct generation made = {.why = ""};
    enum publish_result result = PUBLISH_LIVE;
    if (publish && ledger_changed(client->ledger))
        result = publish_model(client->ledger, LEARN_PUBLISH_CHANGED, &made, err);
    owner_leave();
    ledger_summary(client);
    if (result == PUBLISH_REFUSED || result == PUBLISH_HELD)
        snprintf(client->summary.refused, sizeof client->summary.refused, "%s", made.why);
    return result == PUBLISH_FAILED ? -1 : 0;
}

/* --- with one --- */

/* 1 connected, 0 no learner there, -1 there is one that can't be reached. */
static int learner_connect(struct learn_client *client, const struct conf *conf, struct err *err)
{
    if (!ipc_path(conf->run_dir, LEARN_SOCKET, client->place, sizeof client->place))
        return err_set(err, "%s/" LEARN_SOCKET ".sock: path too long", conf->run_dir);
    client->fd = ipc_connect(client->place, err);
    if (client->fd >= 0)
        return 1;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return 0;
    bool denied = errno == EACCES || errno == EPERM;
    return err_prefix(err, "the learner can't be reached%s",
                      denied ? " (run this as root, or as a member of poterne's group)" : "");
}

static int learner_lost(struct learn_client *client, struct err *err)
{
    return err_set(err, "the learner at %s has gone; what was not reported may be taught again",
                   client->place);
}

static int learner_receive(struct learn_client *client, struct learn_reply *reply, struct err *err)
{
    for (;;) {
        int got = ipc_recv(client->fd, &client->message, NULL, err);
        if (got == IPC_EOF)
            return learner_lost(client, err);
        if (got < 0)
            return -1;
        if (got == 1)
            break;
        int ready = ipc_wait(client->fd, false, WAIT_MS, err);
        if (ready < 0)
            return -1;
        if (ready == 0)
            return err_set(err, "the learner at %s gave no answer in %d seconds", client->place,
                           WAIT_MS / 1000);
    }
    if (!learn_reply_get(buf_str(&client->message), reply))
        return err_set(err,
                       "the learner at %s gave an answer that makes no sense (is it of "
                       "another version?)",
                       client->place);
    client->summary = (struct learn_summary){.spam = reply->spam,
                                             .ham = reply->ham,
                                             .generation = reply->generation,
                                             .held = reply->held};
    if (reply->answer == LEARN_ANSWER_REFUSED)
        snprintf(client->summary.refused, sizeof client->summary.refused, "%.*s",
                 STR_ARG(reply->text));
    return 0;
}

/* One reply for the oldest pending message. */
static int learner_reap(struct learn_client *client, struct err *err)
{
    struct learn_reply reply;
    char text[ERR_TEXT_MAX];
    if (learner_receive(client, &reply, err) < 0)
        return -1;
    if (reply.number != client->pending[client->first].number)
        return err_set(err, "the learner at %s answered out of turn", client->place);
    if (!str_copy(reply.text, text, sizeof text))
        str_copy(STR("(no reason given)"), text, sizeof text);
    pending_done(client, reply.answer, text);
    return 0;
}

static int learner_send(struct learn_client *client, const struct learn_request *request,
                        const struct ipc_fds *fds, struct err *err)
{
    struct buf out = BUF_INIT(IPC_MSG_MAX);
    learn_request_put(&out, request);
    int sent = buf_ok(&out) ? 0 : err_set(err, "request too large");
    while (sent == 0) {
        sent = ipc_send(client->fd, buf_str(&out), fds, err);
        if (sent == IPC_EOF)
            sent = learner_lost(client, err);
        int ready = sent == 0 ? ipc_wait(client->fd, true, WAIT_MS, err) : 1;
        if (ready == 0)
            sent = err_set(err, "the learner at %s takes no request", client->place);
        else if (ready < 0)
            sent = -1;
    }
    buf_release(&out);
    return sent == 1 ? 0 : -1;
}

static int features_file(struct str bytes, struct err *err)
{
    int fd = memfd_create("features", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot make a memory file");
    if (fsio_write(fd, bytes, "memory file", err) == 0)
        return fd;
    close(fd);
    return -1;
}

static int learner_send_inline(struct learn_client *client, struct learn_request *request,
                               struct str features, struct err *err)
{
    request->features = features;
    return learner_send(client, request, NULL, err);
}

static int learner_send_file(struct learn_client *client, const struct learn_request *request,
                             struct str features, struct err *err)
{
    struct ipc_fds fds = {.n = 1, .fd = {features_file(features, err)}};
    if (fds.fd[0] < 0)
        return -1;
    int result = learner_send(client, request, &fds, err);
    ipc_fds_close(&fds);
    return result;
}

static int learner_add(struct learn_client *client, const struct pending *p,
                       const struct features *features, struct err *err)
{
    struct learn_request request = {.number = p->number,
                                    .verb = LEARN_MESSAGE,
                                    .class = p->class,
                                    .digest = p->digest,
                                    .source = p->source};
    struct buf bytes = BUF_INIT(FEATURES_MAX * sizeof(uint64_t));
    struct buf grams = BUF_INIT(GRAMS_PACKED_BYTES);
    int result = -1;
    /* To forget, the digest is enough. */
    request.n = p->class == LEARN_FORGET ? 0 : (uint32_t)features->n;
    for (uint32_t i = 0; i < request.n; i++)
        wire_u64(&bytes, features->list[i].hash);
    bool packed = request.n == 0 || grams_pack(&grams, features->grams, features->n_grams);
    request.grams = buf_str(&grams);
    if (!packed)
        err_set(err, "the message's grams are not in order");
    else if (!buf_ok(&bytes) || !buf_ok(&grams))
        err_set(err, "out of memory");
    else if (request.n <= LEARN_INLINE_MAX)
        result = learner_send_inline(client, &request, buf_str(&bytes), err);
    else
        result = learner_send_file(client, &request, buf_str(&bytes), err);
    buf_release(&grams);
    buf_release(&bytes);
    return result;
}

int learn_client_ask(struct learn_client *client, const struct learn_request *request, int fd,
                     struct learn_reply *reply, struct err *err)
{
    const struct ipc_fds fds = {.fd = {fd}, .n = fd >= 0};
    if (learner_send(client, request, &fds, err) < 0 || learner_receive(client, reply, err) < 0)
        return -1;
    if (reply->answer == LEARN_ANSWER_FAILED)
        return err_set(err, "the learner at %s: %.*s", client->place, STR_ARG(reply->text));
    return 0;
}

static int learner_finish(struct learn_client *client, bool publish, struct err *err)
{
    struct learn_reply reply;
    struct learn_request request = {.verb = publish ? LEARN_PUBLISH : LEARN_STATUS,
                                    .publish = LEARN_PUBLISH_CHANGED};
    while (client->n_pending)
        if (learner_reap(client, err) < 0)
            return -1;
    return learn_client_ask(client, &request, -1, &reply, err);
}

/* --- both --- */

struct learn_client *learn_client_open(const struct conf *conf, learn_report *report, void *data,
                                       struct err *err)
{
    struct learn_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    client->report = report;
    client->data = data;
    client->message = BUF_INIT(IPC_MSG_MAX);
    int there = learner_connect(client, conf, err);
    if (there < 0 || (there == 0 && ledger_connect(client, conf, err) < 0))
        learn_client_close(&client);
    return client;
}

void learn_client_close(struct learn_client **client)
{
    struct err ignored;
    struct learn_client *c = *client;
    if (c == NULL)
        return;
    for (size_t i = 0; i < PENDING_MAX; i++)
        features_kept_free(&c->pending[i].features);
    if (c->ledger && owner_enter(c, &ignored) == 0) {
        ledger_close(&c->ledger);
        owner_leave();
    }
    fsio_close_quiet(&c->fd);
    buf_release(&c->message);
    free(c);
    *client = NULL;
}

bool learn_client_remote(const struct learn_client *client)
{
    return client->ledger == NULL;
}

int learn_client_add(struct learn_client *client, enum learn_class class,
                     const struct features *features, const struct learn_source *source,
                     uint64_t number, struct err *err)
{
    static const struct learn_source nobody = {.kind = LEARN_BY_BULK};
    struct pending *p = &client->pending[(client->first + client->n_pending) % PENDING_MAX];
    *p = (struct pending){.number = number, .class = class, .digest = features->digest};
    p->source = source ? *source : nobody;
    p->source.reporter = str_sub(p->source.reporter, 0, sizeof p->reporter);
    if (p->source.reporter.n)
        memcpy(p->reporter, p->source.reporter.s, p->source.reporter.n);
    p->source.reporter.s = p->reporter;
    if (client->ledger)
        return ledger_add(client, p, features, err);
    if (learner_add(client, p, features, err) < 0)
        return -1;
    client->n_pending++;
    return client->n_pending < PENDING_MAX ? 0 : learner_reap(client, err);
}

int learn_client_finish(struct learn_client *client, bool publish, struct learn_summary *summary,
                        struct err *err)
{
    int result =
        client->ledger ? ledger_finish(client, publish, err) : learner_finish(client, publish, err);
    *summary = client->summary;
    return result;
}

int learn_client_work(struct learn_client *client, learn_work *work, void *data, struct err *err)
{
    if (owner_enter(client, err) < 0)
        return -1;
    int result = work(client->ledger, data, err);
    owner_leave();
    ledger_summary(client);
    return result;
}

struct learn_summary learn_client_summary(const struct learn_client *client)
{
    return client->summary;
}
