#include <inttypes.h>
#include <stdlib.h>

#include "bayes/ledger/db.h"
#include "bayes/publish/judge.h"
#include "bayes/publish/publish.h"

#define SAMPLES_MAX (2 * (size_t)PUBLISH_HELD_MAX)

struct comparison {
    const struct publish_models *models;
    struct judge judge;
    struct guard_sample *samples; /* all that is held out */
    size_t n;
    struct guard_sample *old; /* what was when the last proved one was built */
    size_t n_old;
    int64_t old_until;
    uint64_t skip[2]; /* of each class: older than what is taken */
};

static int take_old(struct comparison *c, const struct guard_sample *sample, struct err *err)
{
    struct guard_sample *old = &c->old[c->n_old];
    bool used = false;
    *old = *sample;
    if (c->models->proved != c->models->live &&
        judge_score(&c->judge, c->models->proved, &old->before, &used, err) < 0)
        return -1;
    c->n_old++;
    return 0;
}

static int take(void *data, const struct ledger_held *held, struct err *err)
{
    struct comparison *c = data;
    bool spam = held->class == LEARN_SPAM;
    const struct features_view view = {held->features, held->n, held->grams, held->n_grams};
    struct guard_sample *sample = &c->samples[c->n];
    if (c->skip[spam]) {
        c->skip[spam]--;
        return 0;
    }
    if (c->n == SAMPLES_MAX)
        return 0;
    sample->spam = spam;
    if (judge_message(&c->judge, &view, err) < 0)
        return -1;
    int judged = judge_both(&c->judge, c->models->live, c->models->made, sample, err);
    if (judged > 0 && held->when < c->old_until && take_old(c, sample, err) < 0)
        return -1;
    c->n += judged > 0;
    return judged < 0 ? -1 : 0;
}

static uint64_t beyond(uint64_t held)
{
    return held > PUBLISH_HELD_MAX ? held - PUBLISH_HELD_MAX : 0;
}

static int compare(struct ledger *ledger, struct comparison *c, struct guard_report *report,
                   struct err *err)
{
    if (ledger_held_out(ledger, take, c, err) != 0 ||
        guard_compare(c->samples, c->n, report, err) < 0)
        return -1;
    return guard_drift(c->old, c->n_old, report, err);
}

/* old_until: seconds since 1970 */
static int compare_until(struct ledger *ledger, const struct publish_models *models,
                         int64_t old_until, struct guard_report *report, struct err *err)
{
    struct ledger_totals totals = ledger_totals(ledger);
    struct comparison c = {.models = models,
                           .old_until = old_until,
                           .skip = {beyond(totals.held_ham), beyond(totals.held_spam)}};
    int result = judge_open(&c.judge, err);
    c.samples = calloc(SAMPLES_MAX, sizeof c.samples[0]);
    c.old = calloc(SAMPLES_MAX, sizeof c.old[0]);
    if (result == 0 && c.samples && c.old)
        result = compare(ledger, &c, report, err);
    else if (result == 0)
        result = err_set(err, "out of memory for the held-out mail");
    free(c.samples);
    free(c.old);
    judge_close(&c.judge);
    return result;
}

int publish_compare(struct ledger *ledger, const struct publish_models *models,
                    struct guard_report *report, struct err *err)
{
    return compare_until(ledger, models, (int64_t)model_built(models->proved), report, err);
}

int publish_compare_kept(struct ledger *ledger, uint64_t before, uint64_t after,
                         struct guard_report *report, struct err *err)
{
    struct model *former = generation_open(ledger->folder, before, err);
    struct model *latter = former ? generation_open(ledger->folder, after, err) : NULL;
    const struct publish_models models = {former, former, latter};
    int result = latter ? compare_until(ledger, &models, INT64_MIN, report, err) : -1;
    model_close(&former);
    model_close(&latter);
    return result;
}
