#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "bayes/learn_client.h"
#include "gateway/reports/decide.h"
#include "gateway/reports/desk.h"
#include "gateway/reports/findings.h"

#define FOUND_POOL_MAX   (2 * FINDINGS_MAX)
#define DIGEST_REPLY_MAX (64 * 1024)
#define NUMBERS_TOLD     5 /* of what waits, in the journal's line */

/* What became of one original. */
enum fate {
    FATE_OPEN,
    FATE_LEARNED,
    FATE_KNOWN,   /* learned so before */
    FATE_CAPPED,  /* its source has taught its share: learned later */
    FATE_WAITS,   /* for a manager */
    FATE_JOINED,  /* waits already */
    FATE_NO_ROOM, /* a limit of what waits */
    FATE_FORGED,
    FATE_UNCLEAR,
    FATE_FAILED /* try later */
};
#define FATES 10

struct acting {
    struct desk *desk;
    const struct report_request *request;
    const struct findings *findings;
    struct who who;
    char reporter[WHO_TEXT_MAX + 1];
    int64_t now_us;
    enum fate fates[ORIGINALS_MAX];
    enum learn_class classes[ORIGINALS_MAX];
    uint64_t numbers[ORIGINALS_MAX]; /* of what waits */
    struct err err;                  /* of what failed */
};

int64_t desk_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- learning at once --- */

static void on_learned(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    static const enum fate fates[] = {[LEARN_ANSWER_DONE] = FATE_LEARNED,
                                      [LEARN_ANSWER_KNOWN] = FATE_KNOWN,
                                      [LEARN_ANSWER_FAILED] = FATE_FAILED,
                                      [LEARN_ANSWER_CAPPED] = FATE_CAPPED};
    struct acting *a = data;
    a->fates[number] = fates[answer];
    if (answer == LEARN_ANSWER_FAILED)
        err_set(&a->err, "the learner: %s", text ? text : "failed");
}

/* All that is for the learner, in one go. */
static int learn_all(struct acting *a, const bool *wanted)
{
    struct learn_summary summary;
    struct learn_client *client = learn_client_open(a->desk->conf, on_learned, a, &a->err);
    if (client == NULL)
        return -1;
    int result = learn_client_remote(client) ? 0 : err_set(&a->err, "no learner is running");
    for (size_t i = 0; i < a->findings->n_originals && result == 0; i++) {
        const struct features *features = &a->findings->originals[i].features;
        const struct learn_source source = {.reporter = str_of(a->who.address),
                                            .when = a->now_us / 1000000,
                                            .kind = LEARN_BY_MANAGER,
                                            .campaign = features->campaign};
        if (wanted[i])
            result = learn_client_add(client, a->classes[i], features, &source, i, &a->err);
    }
    if (result == 0)
        result = learn_client_finish(client, false, &summary, &a->err);
    learn_client_close(&client);
    return result;
}

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
                                        [ACTION_LEARN] = "learned",
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
    if (any && learn_all(a, wanted) < 0)
        return -1;
    for (size_t i = 0; i < a->findings->n_originals; i++) {
        if (a->fates[i] == FATE_FAILED)
            return -1;
        if ((proposed[i] || a->fates[i] == FATE_CAPPED) && propose(a, i) < 0)
            return -1;
    }
    return 0;
}

/* --- mail back --- */

static void send_answer(struct acting *a, const char *answer_id)
{
    struct desk *desk = a->desk;
    struct str to = a->request->sender;
    struct outgoing mail = {.recipients = &to,
                            .n_recipients = 1,
                            .subject = STR("how to report a message"),
                            .mail = a->findings->answer};
    struct err err;
    int64_t now = a->now_us / 1000000;
    if (!answer_times_allow(&desk->times, to, now) || !post_reaches(&desk->post, to))
        return;
    /* a crash between the two loses an answer rather than sending two */
    answer_times_note(&desk->times, to, now);
    str_copy(str_of(answer_id), mail.id, sizeof mail.id);
    if (answer_times_write(desk->times_path, &desk->times, &err) < 0 ||
        post_send(&desk->post, &mail, &err) < 0)
        log_error("no answer to <%.*s>: %s", STR_ARG(to), err.text);
}

static void say_answer(struct acting *a, const char *answer_id, struct buf *text)
{
    enum answer_decision decision = a->findings->answering;
    bool sent = decision == ANSWER_SEND && a->findings->answer.n > 0;
    if (!a->findings->answer_due)
        return;
    if (sent)
        send_answer(a, answer_id);
    buf_addf(text, "%s%s%s", text->n ? "; " : "",
             sent ? "the sender is told how to report" : "no answer is sent: ",
             sent ? "" : answer_decision_name(decision));
}

static void send_words(struct acting *a, bool done, struct str reply)
{
    struct desk *desk = a->desk;
    struct str to = str_of(a->who.address);
    struct outgoing mail = {.recipients = &to, .n_recipients = 1};
    struct letter_words words = {.from = str_of(report_address_own(desk->conf)),
                                 .to = to,
                                 .subject = done ? STR("Reports: done") : STR("Reports: not done"),
                                 .text = reply};
    struct buf out = BUF_INIT(4 * DIGEST_REPLY_MAX);
    struct err err = {"out of memory"};
    if (!post_reaches(&desk->post, to))
        return;
    spool_id_make(mail.id);
    post_compose(&desk->post, mail.id, &words, &out);
    mail.subject = words.subject;
    mail.mail = buf_str(&out);
    if (!buf_ok(&out) || post_send(&desk->post, &mail, &err) < 0)
        log_error("manager <%s> does not hear what was done: %s", a->who.address, err.text);
    buf_release(&out);
}

static int act_on_digest(struct acting *a, struct buf *text)
{
    struct buf reply = BUF_INIT(DIGEST_REPLY_MAX);
    if (!a->findings->answers_digest)
        return 0;
    if (!a->who.manager) {
        buf_addf(text, "an answer to a digest, and not certainly of a manager: nothing is done");
        return 0;
    }
    int applied = digest_answer_apply(a->desk->store, &a->findings->digest, str_of(a->who.address),
                                      a->now_us, &reply, &a->err);
    if (applied >= 0) {
        buf_addf(text, "an answer to a digest: %s", applied ? "done" : "nothing could be done");
        send_words(a, applied > 0, buf_str(&reply));
        daily_teach_soon(a->desk);
    }
    buf_release(&reply);
    return applied < 0 ? -1 : 0;
}

/* --- in words --- */

static void say_numbers(const struct acting *a, enum fate fate, struct buf *text)
{
    size_t told = 0;
    for (size_t i = 0; i < a->findings->n_originals && told < NUMBERS_TOLD; i++)
        if (a->fates[i] == fate)
            buf_addf(text, "%s%llu", told++ ? ", " : " as ", (unsigned long long)a->numbers[i]);
}

static void say_fates(const struct acting *a, struct buf *text)
{
    static const struct {
        enum fate fate;
        bool by_class, numbers;
        const char *words;
    } lines[] = {
        {FATE_LEARNED, true, false, "learned"},
        {FATE_KNOWN, true, false, "learned before"},
        {FATE_CAPPED, true, false, "accepted, and learned when its source's share allows"},
        {FATE_WAITS, true, true, "waiting for a manager"},
        {FATE_JOINED, true, true, "known already, from others or before"},
        {FATE_NO_ROOM, false, false, "not kept: too many wait"},
        {FATE_FORGED, false, false, "refused: forged"},
        {FATE_UNCLEAR, false, false, "not learned: what we said of it is not known"},
    };
    for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
        size_t spam = 0, ham = 0;
        for (size_t i = 0; i < a->findings->n_originals; i++) {
            bool counts = a->fates[i] == lines[k].fate;
            spam += counts && a->classes[i] == LEARN_SPAM;
            ham += counts && a->classes[i] != LEARN_SPAM;
        }
        if (spam + ham == 0)
            continue;
        buf_addf(text, "%s%zu %s", text->n ? "; " : "", spam + ham, lines[k].words);
        if (lines[k].by_class)
            buf_addf(text,
                     spam && ham ? " (spam %zu, ham %zu)"
                     : spam      ? " (spam)"
                                 : " (ham)",
                     spam, ham);
        if (lines[k].numbers)
            say_numbers(a, lines[k].fate, text);
    }
    if (a->findings->left_out.n)
        buf_addf(text, "%snot taken: %.*s", text->n ? "; " : "", STR_ARG(a->findings->left_out));
}

/* --- the whole --- */

static enum report_outcome act(struct acting *a, const char *answer_id, struct buf *text)
{
    if (act_on_originals(a) < 0 || act_on_digest(a, text) < 0) {
        buf_clear(text);
        buf_add(text, str_of(a->err.text));
        return REPORT_LATER;
    }
    say_fates(a, text);
    if (a->findings->n_originals == 0 && text->n == 0)
        buf_add(text, STR("nothing attached that can be learned"));
    say_answer(a, answer_id, text);
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
