#include "gateway/verdict.h"

#include <math.h>
#include <stdio.h>

#include "base/score.h"
#include "reports/signature.h"

/* X-Spam-Level has at most this many stars, as elsewhere. */
#define LEVEL_STARS_MAX 50
/* Bytes of a domain's name in a reason. */
#define FORGED_DOMAIN_MAX 80

const char *verdict_class_name(enum verdict_class class)
{
    static const char *const names[] = {"ham",         "spam",   "infected",
                                        "unscannable", "banned", "forged"};
    return names[class];
}

/* The first answer with that result, or NULL. */
static const struct av_answer *answer_with(const struct verdict_facts *facts, enum av_result result)
{
    for (size_t i = 0; i < facts->n_answers; i++)
        if (facts->answers[i].result == result)
            return &facts->answers[i];
    return NULL;
}

static enum verdict_action action_of(enum conf_action policy)
{
    switch (policy) {
    case ACT_QUARANTINE:
        return VERDICT_QUARANTINE;
    case ACT_REJECT:
        return VERDICT_REJECT;
    case ACT_DEFER:
        return VERDICT_DEFER;
    case ACT_DELIVER_MARKED:
    case ACT_PASS:
        return VERDICT_DELIVER;
    }
    return VERDICT_DEFER;
}

static void explain(struct verdict *verdict, const char *what, const struct av_answer *answer)
{
    snprintf(verdict->reason, sizeof verdict->reason, "%s: %s (%s)", what, answer->name,
             answer->engine);
}

/* Which of two actions wins. What is refused or held for good needs no second try. */
static int strictness(enum verdict_action action)
{
    static const int strictness_of[] = {
        [VERDICT_DELIVER] = 0,
        [VERDICT_DEFER] = 1,
        [VERDICT_QUARANTINE] = 2,
        [VERDICT_REJECT] = 3,
    };
    return strictness_of[action];
}

/* The banned file whose rule asks for most, or NULL. */
static const struct av_answer *most_banned(const struct verdict_facts *facts)
{
    const struct av_answer *most = NULL;
    for (size_t i = 0; i < facts->n_answers; i++) {
        const struct av_answer *answer = &facts->answers[i];
        if (answer->result == AV_BANNED &&
            (!most || strictness(action_of(answer->ban)) > strictness(action_of(most->ban))))
            most = answer;
    }
    return most;
}

static const struct av_answer *first_unscannable(const struct verdict_facts *facts)
{
    for (size_t i = 0; i < facts->n_answers; i++)
        if (facts->answers[i].result == AV_UNSCANNABLE || facts->answers[i].left_unlooked_at)
            return &facts->answers[i];
    return NULL;
}

/* A message with a banned file in it may be unscannable, too: the stricter of both policies holds,
 * so that neither is a way around the other. */
static void decide_unclean(const struct verdict_facts *facts, const struct conf *conf,
                           struct verdict *verdict)
{
    const struct av_answer *banned = most_banned(facts);
    const struct av_answer *unscannable = first_unscannable(facts);
    enum verdict_action action = action_of(conf->antivirus.unscannable);
    if (unscannable) {
        verdict->class = VERDICT_UNSCANNABLE;
        verdict->action = action;
        explain(verdict, "unscannable", unscannable);
    }
    if (banned && (!unscannable || strictness(action_of(banned->ban)) >= strictness(action))) {
        verdict->class = VERDICT_BANNED;
        verdict->action = action_of(banned->ban);
        explain(verdict, "banned", banned);
    }
}

/* One engine that finds something is enough; an engine that could not look is never "clean". */
static void decide_antivirus(const struct verdict_facts *facts, const struct conf *conf,
                             struct verdict *verdict)
{
    const struct av_answer *answer;
    if (conf->antivirus.engines.n == 0)
        return;
    if ((answer = answer_with(facts, AV_INFECTED)) != NULL) {
        verdict->class = VERDICT_INFECTED;
        verdict->action = action_of(conf->antivirus.found);
        explain(verdict, "infected", answer);
        return;
    }
    if (facts->antivirus_failed) {
        verdict->action = action_of(conf->antivirus.unavailable);
        snprintf(verdict->reason, sizeof verdict->reason, "antivirus gave no answer");
    } else if ((answer = answer_with(facts, AV_FAILED)) != NULL) {
        verdict->action = action_of(conf->antivirus.unavailable);
        explain(verdict, "antivirus failed", answer);
    }
    /* passed without one engine, a message still owes the others' answers */
    if (verdict->action == VERDICT_DELIVER)
        decide_unclean(facts, conf, verdict);
}

/* Neither more than the author's domain asks for, nor more than ours let happen. */
static void decide_dmarc(const struct verdict_facts *facts, struct verdict *verdict)
{
    const struct content_facts *content = facts->content;
    enum verdict_action action = VERDICT_DELIVER;
    if (facts->ours || content->dmarc == DMARC_POLICY_NONE || facts->dmarc == CONF_DMARC_NONE)
        return;
    if (facts->dmarc == CONF_DMARC_REJECT && content->dmarc == DMARC_POLICY_REJECT)
        action = VERDICT_REJECT;
    else if (facts->dmarc != CONF_DMARC_TAG)
        action = VERDICT_QUARANTINE;
    verdict->tag = true;
    if (verdict->class != VERDICT_HAM && verdict->class != VERDICT_SPAM &&
        strictness(verdict->action) >= strictness(action))
        return;
    /* what was found and is held or refused for that stays what the journal says */
    if (verdict->action != VERDICT_DELIVER &&
        (verdict->class == VERDICT_INFECTED || verdict->class == VERDICT_BANNED))
        return;
    if (verdict->action == VERDICT_DEFER) /* something could not be examined: that comes first */
        return;
    verdict->class = VERDICT_FORGED;
    verdict->action = action;
    snprintf(verdict->reason, sizeof verdict->reason, "forged: %.*s asks for %s (DMARC)",
             STR_ARG(str_sub(content->dmarc_domain, 0, FORGED_DOMAIN_MAX)),
             content->dmarc == DMARC_POLICY_REJECT ? "reject" : "quarantine");
}

void verdict_decide(const struct verdict_facts *facts, const struct conf *conf,
                    struct verdict *verdict)
{
    *verdict = (struct verdict){.class = VERDICT_HAM, .action = VERDICT_DELIVER};
    decide_antivirus(facts, conf, verdict);
    if (facts->content == NULL) {
        /* what was found stays found; anything else waits until content answers */
        if (verdict->class != VERDICT_INFECTED) {
            verdict->action = VERDICT_DEFER;
            snprintf(verdict->reason, sizeof verdict->reason, "content gave no answer");
        }
        return;
    }
    verdict->heuristics = score_round(facts->content->heuristics - facts->listed);
    verdict->bayes = facts->content->bayes_used ? facts->content->bayes : 0;
    verdict->global = score_round(verdict->heuristics + verdict->bayes);
    bool spam = verdict->global <= 0; /* what spam.required asks for is reached */
    verdict->tag = spam && !facts->ours;
    if (spam && verdict->class == VERDICT_HAM)
        verdict->class = VERDICT_SPAM;
    decide_dmarc(facts, verdict);
}

void verdict_let_report_in(struct verdict *verdict)
{
    verdict->tag = false;
    if (verdict->action != VERDICT_DEFER)
        verdict->action = VERDICT_DELIVER;
}

/* SpamAssassin's tests list, folded so that no line gets long. */
static void put_tests(struct str lists, struct str tests, struct buf *out)
{
    struct str test;
    size_t line = strlen("\ttests=");
    bool first = true;
    buf_add(out, STR("\r\n\ttests="));
    if (lists.n == 0 && tests.n == 0)
        buf_add(out, STR("none"));
    while (str_next(&lists, ',', &test) || str_next(&tests, ',', &test)) {
        if (test.n == 0) /* of an empty list */
            continue;
        if (!first)
            buf_addc(out, ',');
        if (!first && line + test.n > 74) {
            buf_add(out, STR("\r\n\t"));
            line = 1;
        }
        buf_add(out, test);
        line += test.n + 1;
        first = false;
    }
}

/* In tenths; what is not spam must not look as if it had reached `required`, as in SpamAssassin. */
static double shown_score(double score, double required)
{
    double tenths = round(score * 10) / 10;
    return score < required && tenths >= required ? required - 0.1 : tenths;
}

static void put_spam_headers(const struct verdict *verdict, const struct verdict_facts *facts,
                             struct buf *out)
{
    const struct content_facts *content = facts->content;
    double score = score_round(content->required - verdict->global);
    double stars = floor(score);
    double shown = shown_score(score, content->required);
    if (verdict->tag)
        buf_add(out, STR("X-Spam-Flag: YES\r\n"));
    buf_addf(out, "X-Spam-Score: %.1f\r\n", shown);
    if (stars >= 1) {
        buf_add(out, STR("X-Spam-Level: "));
        for (int i = 0; i < stars && i < LEVEL_STARS_MAX; i++)
            buf_addc(out, '*');
        buf_add(out, STR("\r\n"));
    }
    buf_addf(out, "X-Spam-Status: %s, score=%.1f required=%.1f", verdict->tag ? "Yes" : "No", shown,
             content->required);
    put_tests(facts->lists, content->tests, out);
    buf_addf(out, "\r\nX-Poterne-Score: global=%.1f heuristics=%.1f bayes=%.1f\r\n",
             verdict->global, verdict->heuristics, verdict->bayes);
}

/* A reason may quote names out of the message: only printable ASCII gets into a header. */
static void put_printable(const char *text, struct buf *out)
{
    for (; *text; text++)
        buf_addc(out, *text >= 32 && *text < 127 ? *text : '?');
}

static void put_antivirus_header(const struct verdict *verdict, const struct verdict_facts *facts,
                                 struct buf *out)
{
    if (facts->antivirus_failed) {
        buf_add(out, STR("X-Poterne-Antivirus: not scanned\r\n"));
        return;
    }
    for (size_t i = 0; i < facts->n_answers; i++) {
        const struct av_answer *a = &facts->answers[i];
        if (a->result == AV_CLEAN)
            continue;
        buf_addf(out, "X-Poterne-Antivirus: %s %s\r\n\t(", a->engine, av_result_name(a->result));
        put_printable(a->name, out);
        buf_add(out, STR(")\r\n"));
    }
}

int verdict_headers(const struct verdict *verdict, const struct verdict_facts *facts,
                    const struct conf *conf, const struct keys *keys, struct str id,
                    struct buf *out, struct err *err)
{
    if (facts->content) {
        buf_add(out, facts->content->authentication);
        put_spam_headers(verdict, facts, out);
    }
    put_antivirus_header(verdict, facts, out);
    bool known = facts->content && facts->content->fingerprinted;
    return signature_put(out, keys, id, verdict->tag, known ? &facts->content->fingerprint : NULL,
                         err);
}
