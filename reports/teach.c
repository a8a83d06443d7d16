#include "reports/teach.h"

#include <stdlib.h>

#include "bayes/learn/learn_ask.h"
#include "mail/text.h"

#define POOL_MAX ((size_t)512 * 1024 * 1024) /* for one message */

struct teaching {
    struct proposals *store;
    struct learn_client *client;
    struct known *known; /* NULL: there is no table */
    struct pool *pool;
    struct buf original;
    struct proposal_taught taught[TEACH_BATCH_MAX]; /* in the order in which they were added */
    char why[TEACH_BATCH_MAX][PROPOSAL_TEXT_MAX];
    size_t n;
    bool fresh;         /* one was tried for the first time */
    struct err failure; /* of the last that is to be tried again */
    bool failed;
};

static struct proposal_taught *taught_of(struct teaching *t, uint64_t number)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->taught[i].number == number)
            return &t->taught[i];
    return NULL;
}

static void note(struct teaching *t, uint64_t number, enum proposal_state state, const char *why)
{
    struct proposal_taught *taught = &t->taught[t->n];
    struct str text = str_sub(str_of(why), 0, PROPOSAL_TEXT_MAX - 1);
    str_copy(text, t->why[t->n], sizeof t->why[t->n]);
    *taught = (struct proposal_taught){number, state, str_of(t->why[t->n])};
    t->n++;
}

/* The client's answer, from within add or finish. Without a word of it a proposal stays accepted.
 */
static void report(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    struct teaching *t = data;
    if (answer == LEARN_ANSWER_DONE || answer == LEARN_ANSWER_KNOWN)
        note(t, number, PROPOSAL_LEARNED, NULL);
    else if (answer == LEARN_ANSWER_CAPPED)
        note(t, number, PROPOSAL_CAPPED, text);
    else {
        err_set(&t->failure, "%s", text ? text : "the learner failed");
        t->failed = true;
    }
}

static int teach_one(struct teaching *t, uint64_t number, struct err *err)
{
    struct proposal proposal;
    struct features features;
    pool_reset(t->pool);
    buf_clear(&t->original);
    if (taught_of(t, number))
        return 0;
    int got = proposals_load(t->store, number, t->pool, &proposal, err);
    if (got > 0)
        got = proposals_original(t->store, number, &t->original, err);
    if (got < 0)
        return -1;
    if (got == 0) {
        note(t, number, PROPOSAL_REJECTED, "its original is gone");
        return 0;
    }
    t->fresh |= proposal.state == PROPOSAL_ACCEPTED;
    if (features_of_mail(t->pool, buf_str(&t->original), t->known, &features, err) < 0) {
        note(t, number, PROPOSAL_REJECTED, err->text);
        return 0;
    }
    const struct learn_source source = {.reporter =
                                            pool_lower(t->pool, proposal.reporters[0].address),
                                        .when = proposal.reporters[0].time_us / 1000000,
                                        .kind = LEARN_BY_PROPOSAL,
                                        .campaign = features.campaign};
    return learn_client_add(t->client, proposal.direction, &features, &source, number, err);
}

static int teach_all(struct teaching *t, const uint64_t *numbers, int n, struct err *err)
{
    struct learn_summary summary;
    for (int i = 0; i < n; i++)
        if (teach_one(t, numbers[i], err) < 0)
            return -1;
    /* Without a learner nobody else would build the model. */
    return learn_client_finish(t->client, !learn_client_remote(t->client), &summary, err);
}

static int teach(struct teaching *t, const uint64_t *numbers, int n, int64_t now_us,
                 struct err *err)
{
    int result = teach_all(t, numbers, n, err);
    struct err marking;
    /* What was reported is so, whatever came after it. */
    if (t->n && proposals_taught(t->store, t->taught, t->n, now_us, &marking) < 0)
        return err_set(err, "%s", marking.text);
    if (result == 0 && t->failed)
        return err_set(err, "%s", t->failure.text);
    if (result < 0)
        return -1;
    return t->fresh || n < TEACH_BATCH_MAX ? n : TEACH_BATCH_MAX - 1;
}

int proposals_teach(struct proposals *store, const struct conf *conf, int64_t now_us,
                    struct err *err)
{
    uint64_t numbers[TEACH_BATCH_MAX];
    int n = proposals_due(store, now_us, numbers, TEACH_BATCH_MAX, err);
    if (n <= 0)
        return n;
    struct teaching *t = calloc(1, sizeof *t);
    int result = -1;
    if (t == NULL)
        return err_set(err, "out of memory");
    t->store = store;
    t->original = BUF_INIT(PROPOSAL_ORIGINAL_MAX);
    t->pool = pool_new(POOL_MAX);
    if (t->pool == NULL)
        err_set(err, "out of memory");
    else if ((t->client = learn_client_open(conf, report, t, err)) != NULL &&
             learn_known_open(t->client, conf, &t->known, err) == 0)
        result = teach(t, numbers, n, now_us, err);
    known_close(&t->known);
    learn_client_close(&t->client);
    pool_free(&t->pool);
    buf_release(&t->original);
    free(t);
    return result;
}
