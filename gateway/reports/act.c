/* Each original of a report: learned, kept or refused. */
#include "gateway/reports/act.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/reports/decide.h"

#define FOUND_POOL_MAX (2 * FINDINGS_MAX)

/* --- what waits --- */

static int accept_capped(struct acting *a, uint64_t number)
{
    const struct proposal_range range = {number, number};
    const struct proposal_choice choice = {.ranges = &range, .n_ranges = 1};
    const struct proposal_decision decision = {.accept = true,
                                               .decider = str_of(a->who.address),
                                               .why = STR("a manager's report"),
                                               .now_us = a->now_us};
    struct proposal_decided decided;
    return proposals_decide(a->desk->store, &choice, &decision, &decided, &a->err);
}

/* -1: try later */
static int propose(struct acting *a, size_t i)
{
    const struct conf_reports *conf = &a->desk->conf->reports;
    const struct found_original *found = &a->findings->originals[i];
    const struct proposal_limits limits = {.waiting = conf->waiting_limit,
                                           .reporter_day = conf->reporter_limit,
                                           .bytes = conf->size_limit};
    struct proposal_reporter reporter = {str_of(a->reporter), a->now_us};
    struct proposal proposal = {.digest = found->features.digest,
                                .campaign = found->features.campaign,
                                .direction = a->classes[i],
                                .identity = found->identity,
                                .id = found->id,
                                .subject = found->subject,
                                .sender = found->sender,
                                .verdict = found->verdict,
                                .global = found->global,
                                .heuristics = found->heuristics,
                                .bayes = found->bayes,
                                .size = found->raw.n,
                                .reporters = &reporter,
                                .n_reporters = 1};
    enum proposal_added added;
    bool capped = a->fates[i] == FATE_CAPPED;
    if (proposals_add(a->desk->store, &limits, &proposal, found->raw, &added, &a->err) < 0)
        return -1;
    if (added == PROPOSAL_REFUSED) {
        log_warning("%.*s of %s is not kept: %s", STR_ARG(a->request->id), a->reporter,
                    a->err.text);
        a->fates[i] = FATE_NO_ROOM;
        return 0;
    }
    a->numbers[i] = proposal.number;
    if (capped)
        return accept_capped(a, proposal.number);
    a->fates[i] = added == PROPOSAL_NEW ? FATE_WAITS : FATE_JOINED;
    return 0;
}

/* --- one after the other --- */

static void log_original(const struct acting *a, size_t i, enum report_action action)
{
    static const char *const words[] = {[ACTION_REFUSE] = "refused",
                                        [ACTION_UNCLEAR] = "of no known direction",
                                        [ACTION_LEARN] = "for the learner",
                                        [ACTION_PROPOSE] = "proposed"};
    const struct found_original *found = &a->findings->originals[i];
    log_info("%.*s original %zu of %s: %s as %s (%s: %.*s)", STR_ARG(a->request->id), i + 1,
             a->reporter, words[action], a->classes[i] == LEARN_SPAM ? "spam" : "ham",
             identity_kind_name(found->identity), STR_ARG(found->why));
}

static int act_on_originals(struct acting *a)
{
    bool wanted[ORIGINALS_MAX] = {false};
    bool proposed[ORIGINALS_MAX] = {false};
    bool any = false;
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        const struct found_original *found = &a->findings->originals[i];
        const struct report_case c = {.address =
                                          report_address_of(a->desk->conf, a->request->address),
                                      .feedback = a->findings->feedback,
                                      .identity = found->identity,
                                      .judged = found->judged,
                                      .manager = a->who.manager};
        enum report_action action = report_decide(&c, &a->classes[i]);
        log_original(a, i, action);
        if (action == ACTION_REFUSE || action == ACTION_UNCLEAR)
            a->fates[i] = action == ACTION_REFUSE ? FATE_FORGED : FATE_UNCLEAR;
        wanted[i] = action == ACTION_LEARN;
        proposed[i] = action == ACTION_PROPOSE;
        any |= wanted[i];
    }
    if (any && act_learn(a, wanted) < 0)
        return -1;
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        if (a->fates[i] == FATE_FAILED)
            return -1;
        if ((proposed[i] || a->fates[i] == FATE_CAPPED) && propose(a, i) < 0)
            return -1;
    }
    return 0;
}

/* --- the whole --- */

static enum report_outcome act(struct acting *a, const char *answer_id, struct buf *text)
{
    if (act_on_originals(a) < 0 || act_on_digest(a, text) < 0) {
        buf_clear(text);
        buf_add(text, str_of(a->err.text));
        return REPORT_LATER;
    }
    act_say(a, text);
    if (a->findings->n_originals == 0 && text->n == 0)
        buf_add(text, STR("nothing attached that can be learned"));
    act_answer(a, answer_id, text);
    for (size_t i = 0; i < a->findings->n_originals; i++)
        if (a->fates[i] == FATE_CAPPED)
            daily_teach_soon(a->desk);
    return REPORT_DONE;
}

enum report_outcome desk_act(struct desk *desk, const struct report_request *request,
                             const char *answer_id, struct str found, struct buf *text)
{
    struct findings findings;
    enum report_outcome outcome = REPORT_LATER;
    struct acting *a = calloc(1, sizeof *a);
    struct pool *pool = pool_new(FOUND_POOL_MAX);
    if (a == NULL || pool == NULL || !findings_get(found, pool, &findings)) {
        buf_add(text, STR("what was found in it can't be read"));
    } else {
        *a = (struct acting){.desk = desk,
                             .request = request,
                             .findings = &findings,
                             .now_us = desk_now_us()};
        who_find(desk->conf, request->client_ip, request->evidence, &findings.claim, &a->who);
        who_text(&a->who, a->reporter);
        outcome = act(a, answer_id, text);
    }
    pool_free(&pool);
    free(a);
    return outcome;
}
