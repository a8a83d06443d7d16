#include <inttypes.h>
#include <stdlib.h>

#include "bayes/judge.h"
#include "bayes/ledger_db.h"
#include "bayes/publish.h"

struct comparison {
    struct judge judge;
    struct guard_sample *samples;
    size_t n;
    uint64_t skip[2]; /* of each class: older than what is taken */
};

static int take(void *data, const struct ledger_held *held, struct err *err)
{
    struct comparison *c = data;
    bool spam = held->class == LEARN_SPAM;
    const struct features_view view = {held->features, held->n, held->grams, held->n_grams};
    if (c->skip[spam]) {
        c->skip[spam]--;
        return 0;
    }
    if (c->n == 2 * (size_t)PUBLISH_HELD_MAX)
        return 0;
    int judged = judge_both(&c->judge, &view, spam, &c->samples[c->n], err);
    c->n += judged > 0;
    return judged < 0 ? -1 : 0;
}

static uint64_t beyond(uint64_t held)
{
    return held > PUBLISH_HELD_MAX ? held - PUBLISH_HELD_MAX : 0;
}

int publish_compare(struct ledger *ledger, const struct model *before, const struct model *after,
                    struct guard_report *report, struct err *err)
{
    struct ledger_totals totals = ledger_totals(ledger);
    struct comparison c = {.skip = {beyond(totals.held_ham), beyond(totals.held_spam)}};
    int result = judge_open(&c.judge, before, after, err);
    if (result == 0) {
        c.samples = calloc(2 * (size_t)PUBLISH_HELD_MAX, sizeof c.samples[0]);
        if (c.samples == NULL)
            result = err_set(err, "out of memory for the held-out mail");
    }
    if (result == 0)
        result = ledger_held_out(ledger, take, &c, err);
    if (result == 0)
        result = guard_compare(c.samples, c.n, report, err);
    free(c.samples);
    judge_close(&c.judge);
    return result;
}

int publish_compare_kept(struct ledger *ledger, uint64_t before, uint64_t after,
                         struct guard_report *report, struct err *err)
{
    struct model *former = generation_open(ledger->folder, before, err);
    struct model *latter = former ? generation_open(ledger->folder, after, err) : NULL;
    int result = latter ? publish_compare(ledger, former, latter, report, err) : -1;
    model_close(&former);
    model_close(&latter);
    return result;
}
