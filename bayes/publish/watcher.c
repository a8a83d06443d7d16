#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bayes/ledger/db.h"
#include "bayes/publish/judge.h"
#include "bayes/publish/publish.h"

#define CAMPAIGNS 64 /* the last ones met */

struct watcher {
    struct trial trial; /* as on disk, and this round's judgements */
    bool judged;        /* any in this round */
    uint64_t serves;    /* the two that are open; 0: none */
    uint64_t proved;
    struct model *serving;
    struct model *proven;
    struct judge judge;
    uint64_t campaigns[CAMPAIGNS]; /* a ring */
    size_t next_campaign;
};

struct watcher *watcher_new(void)
{
    return calloc(1, sizeof(struct watcher));
}

static void models_close(struct watcher *w)
{
    judge_close(&w->judge);
    model_close(&w->serving);
    model_close(&w->proven);
}

void watcher_free(struct watcher **watcher)
{
    if (*watcher)
        models_close(*watcher);
    free(*watcher);
    *watcher = NULL;
}

/* Opens both models, once for each pair: one that can't be used is told once. */
static int models_open(struct watcher *w, const char *folder, struct err *err)
{
    uint64_t current = generation_current(folder);
    if (w->serves == current && w->proved == w->trial.proved)
        return 0;
    models_close(w);
    w->serves = current;
    w->proved = w->trial.proved;
    if (current == 0 || w->proved == 0 || w->proved == current)
        return 0;
    w->serving = generation_open(folder, current, err);
    w->proven = w->serving ? generation_open(folder, w->proved, err) : NULL;
    if (w->proven == NULL || judge_open(&w->judge, err) < 0) {
        models_close(w);
        return err_prefix(err, "model %" PRIu64 " serves without being compared", current);
    }
    return 0;
}

/* True for one that was met lately, and notes it. 0 stands for none. */
static bool campaign_known(struct watcher *w, uint64_t campaign)
{
    if (campaign == 0)
        return false;
    for (size_t i = 0; i < CAMPAIGNS; i++)
        if (w->campaigns[i] == campaign)
            return true;
    w->campaigns[w->next_campaign] = campaign;
    w->next_campaign = (w->next_campaign + 1) % CAMPAIGNS;
    return false;
}

bool watcher_begin(struct watcher *w, struct ledger *ledger, struct err *err)
{
    err_set(err, "%s", "");
    w->judged = false;
    if (trial_read(ledger->folder, &w->trial, err) < 0 || models_open(w, ledger->folder, err) < 0)
        return false;
    return w->proven != NULL;
}

int watcher_judge(struct watcher *w, const struct ledger_item *item, struct err *err)
{
    const struct features_view view = {item->features, item->n, item->grams, item->n_grams};
    struct guard_sample sample = {.spam = item->class == LEARN_SPAM};
    if (w->proven == NULL || item->class > LEARN_SPAM || item->source.kind == LEARN_BY_SENT ||
        campaign_known(w, item->source.campaign))
        return 0;
    int judged = judge_message(&w->judge, &view, err);
    if (judged == 0)
        judged = judge_both(&w->judge, w->proven, w->serving, &sample, err);
    if (judged > 0) {
        guard_watch_add(&w->trial.watch, &sample);
        w->judged = true;
    }
    return judged < 0 ? -1 : 0;
}

static int roll_back(struct watcher *w, struct ledger *ledger, struct generation *out,
                     struct err *err)
{
    const struct guard_watch *seen = &w->trial.watch;
    char why[GENERATION_WHY_MAX];
    snprintf(why, sizeof why,
             "of %" PRIu32 " confirmed messages it judged %" PRIu32 " ham and %" PRIu32
             " spam worse than model %" PRIu64 ", and %" PRIu32 " and %" PRIu32 " better",
             seen->judged, seen->ham_worse, seen->spam_worse, w->trial.proved, seen->ham_better,
             seen->spam_better);
    return publish_rollback(ledger, 0, why, out, err) < 0 ? -1 : 1;
}

int watcher_conclude(struct watcher *w, struct ledger *ledger, struct generation *out,
                     struct err *err)
{
    if (!w->judged)
        return 0;
    w->judged = false;
    if (guard_watch_dropped(&w->trial.watch))
        return roll_back(w, ledger, out, err);
    if (w->trial.watch.judged >= GUARD_PROVED) {
        w->trial.proved = w->serves;
        w->trial.watch = (struct guard_watch){.judged = 0};
    }
    return trial_write(ledger->folder, &w->trial, err);
}
