#include "bayes/publish/publish.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/ledger/db.h"
#include "bayes/model/model.h"

#define MODEL_BESIDE  "model.new"
#define TEACHER_SHOWN 80 /* bytes of a name */

/* A publication under way. */
struct publication {
    struct ledger *ledger;
    struct trial trial;
    struct model *live; /* NULL: none */
    struct model *model;
    char beside[PATH_MAX];
    struct generation made;
};

/* A damaged note of it is no reason to stop: the trial begins anew. */
static void trial_load(const char *folder, struct trial *trial)
{
    struct err err;
    if (trial_read(folder, trial, &err) == 0)
        return;
    log_warning("%s; the model in service is on trial anew", err.text);
    *trial = (struct trial){.proved = 0};
}

/* What is in service; if that is of no use, a former one is put there. */
static int live_open(const char *folder, struct model **live, struct err *err)
{
    struct err why = {""};
    uint64_t current = generation_current(folder);
    *live = current ? generation_open(folder, current, &why) : NULL;
    if (*live)
        return 0;
    uint64_t former = generation_fallback(folder, current ? current : INT64_MAX);
    if (former == 0)
        return 0;
    log_warning("%s; model %" PRIu64 " takes its place", current ? why.text : "no model serves",
                former);
    if (generation_switch(folder, former, err) < 0)
        return -1;
    *live = generation_open(folder, former, err);
    return *live ? 0 : -1;
}

/* Has little changed since a rollback? More was learned, or something taken back. */
static bool held(const struct trial *trial, const struct ledger_totals *totals)
{
    uint64_t learned = totals->spam + totals->ham;
    return trial->held && learned >= trial->held_at && learned < trial->held_at + TRIAL_HELD;
}

static int build(struct publication *p, struct err *err)
{
    struct ledger *ledger = p->ledger;
    struct generation *made = &p->made;
    if (generation_next(ledger->folder, ledger->totals.generation, &made->number, err) < 0 ||
        fsio_join(p->beside, sizeof p->beside, ledger->folder, MODEL_BESIDE, err) < 0)
        return -1;
    p->model = ledger_model(ledger, p->beside, made->number, err);
    if (p->model == NULL)
        return -1;
    made->built = model_built(p->model);
    made->spam = model_spam(p->model);
    made->ham = model_ham(p->model);
    made->tokens = model_tokens(p->model);
    return 0;
}

/* The caution that the guard asks for; who has the model open sees it. */
static int caution_write(const struct publication *p, struct err *err)
{
    int fd = open(p->beside, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", p->beside);
    int result = model_caution_write(fd, p->beside, p->made.held.caution, err);
    close(fd);
    return result;
}

/*
 * What was taken back may have made the one in service better on the held-out mail, at a price
 * that is not held out; so one that takes it back may also be no worse than the last one that has
 * proved itself.
 */
static int compare_back(struct publication *p, const struct model *proved, struct err *err)
{
    struct guard_report back;
    const struct publish_models models = {proved, proved, p->model};
    if (publish_compare(p->ledger, &models, &back, err) < 0)
        return -1;
    if (back.accepted) {
        p->made.held = back;
        p->made.compared_with = model_generation(proved);
    }
    return 0;
}

static int compare(struct publication *p, struct err *err)
{
    struct err unused;
    struct guard_report *held = &p->made.held;
    uint64_t proved = p->trial.proved, live = model_generation(p->live);
    struct model *other =
        proved && proved != live ? generation_open(p->ledger->folder, proved, &unused) : NULL;
    const struct publish_models models = {p->live, other ? other : p->live, p->model};
    int result = publish_compare(p->ledger, &models, held, err);
    if (result == 0 && !held->accepted && p->ledger->taken_back && other)
        result = compare_back(p, other, err);
    model_close(&other);
    if (result == 0 && held->accepted && held->caution > 0)
        result = caution_write(p, err);
    return result;
}

/* Whose messages to look at first: names come from mail. */
static void tell_teacher(struct publication *p)
{
    struct err err;
    struct generation *made = &p->made;
    struct generation proved;
    struct ledger_teacher most;
    char name[TEACHER_SHOWN + 1];
    size_t n = strlen(made->why);
    uint64_t since = p->trial.proved ? p->trial.proved : made->compared_with;
    if (generation_read(p->ledger->folder, since, &proved, &err) <= 0 ||
        ledger_teacher(p->ledger, (int64_t)proved.built, &most, &err) < 0) {
        log_warning("who taught what model %" PRIu64 " was refused for: %s", made->number,
                    err.text);
        return;
    }
    if (most.spam + most.ham == 0)
        return;
    snprintf(name, sizeof name, "%.*s", TEACHER_SHOWN, most.name[0] ? most.name : "poterne learn");
    for (char *c = name; *c; c++)
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    snprintf(made->why + n, sizeof made->why - n,
             "; since model %" PRIu64 " most was taught by %s: %" PRIu64 " spam, %" PRIu64 " ham",
             since, name, most.spam, most.ham);
}

static bool knows_one_class(const struct model *model)
{
    return model_spam(model) == 0 || model_ham(model) == 0;
}

/* Fills in the state and why. */
static int judge(struct publication *p, enum learn_publish how, struct err *err)
{
    struct generation *made = &p->made;
    made->state = GENERATION_ACCEPTED;
    if (p->live == NULL) {
        snprintf(made->why, sizeof made->why, "there was none to compare it with");
        return 0;
    }
    made->compared_with = model_generation(p->live);
    if (knows_one_class(p->live)) {
        snprintf(made->why, sizeof made->why, "the one before knew one class only");
        return 0;
    }
    if (compare(p, err) < 0)
        return -1;
    if (!made->held.accepted)
        made->state = how == LEARN_PUBLISH_FORCED ? GENERATION_FORCED : GENERATION_REFUSED;
    snprintf(made->why, sizeof made->why, "%s%s",
             made->state == GENERATION_FORCED ? "by an administrator, although " : "",
             made->held.reason);
    if (made->state == GENERATION_REFUSED)
        tell_teacher(p);
    if (made->held.accepted && made->held.caution > 0)
        snprintf(made->why, sizeof made->why,
                 "%s; its scores are moved by %+.2f to keep ham errors as they were",
                 made->held.reason, made->held.caution);
    return 0;
}

static int trial_start(struct publication *p, struct err *err)
{
    struct trial *trial = &p->trial;
    /* One that knows one class only proves nothing: beside it any model misses no more spam. */
    if (p->live && knows_one_class(p->live))
        *trial = (struct trial){.proved = p->made.number};
    else if (trial->proved == 0)
        trial->proved = p->live ? model_generation(p->live) : p->made.number;
    trial->held = false;
    return trial_write(p->ledger->folder, trial, err);
}

static int totals_settle(struct ledger *ledger, uint64_t generation, struct err *err)
{
    struct ledger_totals totals = ledger->totals;
    totals.generation = generation;
    if (ledger_totals_put(ledger, NULL, &totals, false, err) < 0)
        return -1;
    ledger->totals = totals;
    ledger->changed = false;
    return 0;
}

/* The name, and the service if it may. */
static int settle(struct publication *p, struct err *err)
{
    const char *folder = p->ledger->folder;
    char path[PATH_MAX];
    bool live = p->made.state != GENERATION_REFUSED;
    if (generation_path(folder, p->made.number, path, sizeof path, err) < 0 ||
        generation_note(folder, &p->made, err) < 0 || fsio_rename_durable(p->beside, path, err) < 0)
        return -1;
    p->made.kept = true;
    p->made.in_service = live;
    if (live && (trial_start(p, err) < 0 || generation_switch(folder, p->made.number, err) < 0))
        return -1;
    if (live)
        p->ledger->taken_back = 0;
    if (totals_settle(p->ledger, generation_current(folder), err) < 0)
        return -1;
    generations_expire(folder, p->trial.proved);
    return 0;
}

static enum publish_result publish(struct publication *p, enum learn_publish how, struct err *err)
{
    if (p->live && how == LEARN_PUBLISH_CHANGED && held(&p->trial, &p->ledger->totals)) {
        snprintf(p->made.why, sizeof p->made.why,
                 "a model was rolled back: the next is built after %d more messages, or when some "
                 "are taken back, or on an administrator's word",
                 TRIAL_HELD);
        return PUBLISH_HELD;
    }
    if (build(p, err) < 0 || judge(p, how, err) < 0 || settle(p, err) < 0)
        return PUBLISH_FAILED;
    return p->made.state == GENERATION_REFUSED ? PUBLISH_REFUSED : PUBLISH_LIVE;
}

enum publish_result publish_model(struct ledger *ledger, enum learn_publish how,
                                  struct generation *made, struct err *err)
{
    struct publication p = {.ledger = ledger};
    enum publish_result result = PUBLISH_FAILED;
    if (ledger->broken)
        err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    else if (live_open(ledger->folder, &p.live, err) == 0) {
        trial_load(ledger->folder, &p.trial);
        result = publish(&p, how, err);
    }
    model_close(&p.live);
    model_close(&p.model);
    *made = p.made;
    return result;
}

int64_t ledger_publish(struct ledger *ledger, struct err *err)
{
    struct generation made;
    if (publish_model(ledger, LEARN_PUBLISH_CHANGED, &made, err) == PUBLISH_FAILED)
        return -1;
    return (int64_t)generation_current(ledger->folder);
}

/* --- back --- */

/* The one to go back to by itself: 0 when there is none. */
static uint64_t target_default(const char *folder, const struct trial *trial, uint64_t current)
{
    struct err ignored;
    struct model *model = NULL;
    if (trial->proved && trial->proved != current)
        model = generation_open(folder, trial->proved, &ignored);
    bool good = model != NULL;
    model_close(&model);
    return good ? trial->proved : generation_fallback(folder, current ? current : INT64_MAX);
}

/* May the one that was asked for serve? */
static int target_check(const char *folder, uint64_t to, uint64_t current, struct err *err)
{
    struct generation target;
    if (to == current)
        return err_set(err, "model %" PRIu64 " is in service already", to);
    int found = generation_read(folder, to, &target, err);
    if (found < 0)
        return -1;
    if (found == 0 || !target.kept)
        return err_set(err, "model %" PRIu64 " is not kept any more (`poterne model list`)", to);
    if (target.state == GENERATION_REFUSED)
        return err_set(err,
                       "model %" PRIu64 " was refused and never served (%s); to put what was "
                       "learned into service all the same: `poterne model publish --force`",
                       to, target.why);
    struct model *model = generation_open(folder, to, err);
    bool good = model != NULL;
    model_close(&model);
    return good ? 0 : -1;
}

static void note_state(const char *folder, struct generation *generation,
                       enum generation_state state, const char *why)
{
    struct err err;
    generation->state = state;
    snprintf(generation->why, sizeof generation->why, "%s", why);
    if (generation->number && generation_note(folder, generation, &err) < 0)
        log_warning("%s", err.text);
}

/* What became of both; a note that can't be written is no reason to leave the bad one in service.
 */
static void note_states(const char *folder, struct generation *out, uint64_t in, const char *why)
{
    struct generation back;
    struct err err;
    note_state(folder, out, GENERATION_ROLLED_BACK, why);
    if (generation_read(folder, in, &back, &err) > 0 && back.state == GENERATION_ROLLED_BACK)
        note_state(folder, &back, GENERATION_FORCED, "put back by an administrator");
}

int publish_rollback(struct ledger *ledger, uint64_t to, const char *why, struct generation *out,
                     struct err *err)
{
    const char *folder = ledger->folder;
    uint64_t current = generation_current(folder);
    struct trial trial;
    struct err unread;
    if (ledger->broken)
        return err_set(err, "ledger %s/ledger is damaged: it must be opened anew", folder);
    trial_load(folder, &trial);
    if (to == 0)
        to = target_default(folder, &trial, current);
    if (to == 0)
        return err_set(err, "there is no former model to go back to");
    if (target_check(folder, to, current, err) < 0)
        return -1;
    /* What must not happen is that the bad one comes back: so this is written first. */
    trial = (struct trial){.proved = to,
                           .held = true,
                           .held_at = ledger->totals.spam + ledger->totals.ham};
    if (trial_write(folder, &trial, err) < 0 || generation_switch(folder, to, err) < 0)
        return -1;
    if (generation_read(folder, current, out, &unread) < 0)
        log_warning("%s", unread.text);
    note_states(folder, out, to, why);
    return totals_settle(ledger, to, err);
}
