#include "gateway/learner/learner.h"

#include <inttypes.h>
#include <limits.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"

#define EXPIRE_EVERY_MS (24 * 3600 * 1000ll)
#define EXPIRE_PAUSE_MS 100 /* between two parts of it, for requests */

/* Tells poterned when another model serves than it knows. */
static void tell(struct learner *l)
{
    uint64_t serves = ledger_totals(l->ledger).generation;
    if (serves == l->serves)
        return;
    l->serves = serves;
    role_tell(l->env, ROLE_NEW_MODEL);
}

/* --- forward --- */

void service_publish_later(struct learner *l)
{
    if (ledger_changed(l->ledger))
        l->publish_at = clock_ms() + (int64_t)l->env->conf->bayes.publish_delay * 1000 + 1;
}

enum publish_result service_publish(struct learner *l, enum learn_publish how,
                                    struct generation *made, struct err *err)
{
    l->publish_at = 0;
    enum publish_result result = publish_model(l->ledger, how, made, err);
    switch (result) {
    case PUBLISH_FAILED:
        log_error("no new model, the last one stays in service: %s", err->text);
        break;
    case PUBLISH_LIVE:
        log_info("model %" PRIu64 " is in service: %" PRIu64 " spam, %" PRIu64 " ham; %s",
                 made->number, made->spam, made->ham, made->why);
        break;
    case PUBLISH_REFUSED:
        log_warning("model %" PRIu64 " is refused, model %" PRIu64 " stays in service: %s",
                    made->number, made->compared_with, made->why);
        break;
    case PUBLISH_HELD:
        log_info("no new model: %s", made->why);
        break;
    }
    tell(l);
    return result;
}

static void publish_due(struct learner *l)
{
    struct generation made;
    struct err err;
    service_publish(l, LEARN_PUBLISH_CHANGED, &made, &err);
}

void service_begin(struct learner *l, const char *folder)
{
    struct err err;
    struct ledger_totals totals = ledger_totals(l->ledger);
    bool taught = totals.spam + totals.ham > 0;
    uint64_t current = generation_current(folder);
    struct model *model = current ? generation_open(folder, current, &err) : NULL;
    if (current && model == NULL)
        log_error("%s", err.text);
    bool usable = model != NULL;
    model_close(&model);
    l->serves = usable ? current : 0;
    l->expire_at = clock_ms();
    if (ledger_changed(l->ledger) || (taught && !usable))
        publish_due(l);
}

/* --- back --- */

static void tell_rollback(struct learner *l, const struct generation *out)
{
    log_warning("model %" PRIu64 " is taken out of service: %s; model %" PRIu64 " serves",
                out->number, out->why, ledger_totals(l->ledger).generation);
    tell(l);
}

int service_rollback(struct learner *l, uint64_t to, struct err *err)
{
    struct generation out = {.number = 0};
    if (publish_rollback(l->ledger, to, "by an administrator", &out, err) < 0)
        return -1;
    l->publish_at = 0;
    tell_rollback(l, &out);
    return 0;
}

void service_watch_begin(struct learner *l)
{
    struct err err;
    bool watches = watcher_begin(l->watcher, l->ledger, &err);
    if (err.text[0])
        log_warning("%s", err.text);
    for (size_t i = 0; i < l->n_jobs; i++) {
        struct job *job = &l->jobs[i];
        enum learn_class class;
        job->fresh = watches && job->features &&
                     ledger_message(l->ledger, job->item.digest, &class, &err) == 0;
    }
}

void service_watch_end(struct learner *l)
{
    struct generation out = {.number = 0};
    struct err err;
    int result = 0;
    for (size_t i = 0; result == 0 && i < l->n_jobs; i++)
        if (l->jobs[i].fresh && l->jobs[i].answer == LEARN_ANSWER_DONE)
            result = watcher_judge(l->watcher, &l->jobs[i].item, &err);
    if (result == 0)
        result = watcher_conclude(l->watcher, l->ledger, &out, &err);
    if (result < 0)
        log_warning("newly learned mail can't judge the model in service: %s", err.text);
    if (result > 0)
        tell_rollback(l, &out);
}

/* --- by the clock --- */

static void expire_due(struct learner *l)
{
    char folder[PATH_MAX];
    struct err err;
    int64_t now = (int64_t)time(NULL);
    if (fsio_join(folder, sizeof folder, l->env->conf->state_dir, "bayes", &err) == 0)
        now = witness_time(&l->witness, folder, now, clock_uptime(), &err);
    if (err.text[0])
        log_warning("%s", err.text);
    int more = ledger_expire(l->ledger, l->env->conf->bayes.token_lifetime, now, &err);
    if (more < 0)
        log_warning("what is stale stays for a day: %s", err.text);
    l->expire_at = clock_ms() + (more > 0 ? EXPIRE_PAUSE_MS : EXPIRE_EVERY_MS);
    if (l->publish_at == 0)
        service_publish_later(l);
}

bool service_held(const struct learner *l)
{
    return l->holder >= 0;
}

bool service_hold(struct learner *l, size_t client)
{
    int64_t now = clock_ms();
    bool first = l->holder < 0;
    if (!first && l->holder != (int)client)
        return false;
    if (first)
        l->held_since = now;
    l->holder = (int)client;
    l->held_until = now + LEARN_HOLD_SECONDS * 1000ll;
    if (l->held_until > l->held_since + LEARN_HOLD_LONGEST * 1000ll)
        l->held_until = l->held_since + LEARN_HOLD_LONGEST * 1000ll;
    return true;
}

void service_hold_tick(struct learner *l)
{
    if (!service_held(l) || clock_ms() < l->held_until)
        return;
    log_warning("who copies what was learned takes too long: learning goes on");
    client_close(l, (size_t)l->holder);
}

void service_tick(struct learner *l)
{
    if (service_held(l))
        return;
    if (l->publish_at && clock_ms() >= l->publish_at)
        publish_due(l);
    if (l->env->conf->bayes.token_lifetime && clock_ms() >= l->expire_at)
        expire_due(l);
}

int service_wait(const struct learner *l)
{
    int64_t at = l->publish_at;
    if (service_held(l))
        at = l->held_until;
    else if (l->env->conf->bayes.token_lifetime && (at == 0 || l->expire_at < at))
        at = l->expire_at;
    if (at == 0)
        return -1;
    int64_t left = at - clock_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
