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

/* What is to become of each. */
static void decide_all(struct acting *a)
{
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
        a->wanted[i] = action == ACTION_LEARN;
        a->proposed[i] = action == ACTION_PROPOSE;
    }
}

static int keep_all(struct acting *a)
{
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        if (a->fates[i] == FATE_FAILED)
            return -1;
        if ((a->proposed[i] || a->fates[i] == FATE_CAPPED) && propose(a, i) < 0)
            return -1;
    }
    return 0;
}

/* --- the whole --- */

struct acting *acting_begin(struct desk *desk, const struct report_request *request,
                            struct buf *found, struct err *err)
{
    struct acting *a = calloc(1, sizeof *a);
    if (a == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    a->desk = desk;
    a->request = request;
    a->now_us = desk_now_us();
    a->found = *found;
    *found = BUF_INIT(0);
    a->pool = pool_new(FOUND_POOL_MAX);
    a->findings = a->pool ? POOL_NEW(a->pool, struct findings) : NULL;
    if (a->findings == NULL || !findings_get(buf_str(&a->found), a->pool, a->findings)) {
        err_set(err, "what was found in it can't be read");
        acting_free(&a);
        return NULL;
    }
    who_find(desk->conf, request->client_ip, request->evidence, &a->findings->claim, &a->who);
    who_text(&a->who, a->reporter);
    decide_all(a);
    return a;
}

void acting_free(struct acting **acting)
{
    struct acting *gone = *acting;
    if (gone == NULL)
        return;
    pool_free(&gone->pool);
    buf_release(&gone->found);
    free(gone);
    *acting = NULL;
}

enum report_outcome acting_end(struct acting *a, const char *answer_id, struct buf *text)
{
    if (keep_all(a) < 0 || act_on_digest(a, text) < 0) {
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
