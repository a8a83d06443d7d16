#include "gateway/reports/read.h"

#include <stdlib.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/features/known.h"
#include "gateway/reports/decide.h"
#include "gateway/reports/findings.h"
#include "gateway/reports/reporter.h"
#include "mail/address.h"
#include "reports/inline.h"

#define ADDRESSES_LOOK 100         /* recipients in To and Cc that are looked at */
#define DIGEST_LOOK    (64 * 1024) /* bytes of an answer to a digest */

struct reading {
    const struct read_job *job;
    struct pool *pool;  /* the report's */
    struct pool *inner; /* one original's */
    struct journal *journal;
    struct known *known; /* NULL: there is no table */
    struct message *report;
    struct mail_text *text;
    struct originals originals;
    struct findings findings;
    bool unclear; /* an original whose direction can't be known */
};

/* --- who says it --- */

static bool field_names_us(struct reading *r, struct str name)
{
    size_t at = 0;
    const struct header *field;
    struct mail_address address;
    while ((field = part_header(r->report->root, name, &at)) != NULL) {
        struct str rest = header_unfold(r->pool, field);
        for (int i = 0; i < ADDRESSES_LOOK && mail_address_next(&rest, &address); i++)
            if (report_address_of(r->job->conf, address.address) != REPORT_ADDRESS_NONE)
                return true;
    }
    return false;
}

static void read_claim(struct reading *r)
{
    r->findings.claim = (struct who_claim){
        .from = reporter_author(r->pool, r->report),
        .sender = r->job->request.sender,
        .named = field_names_us(r, STR("To")) || field_names_us(r, STR("Cc")),
    };
}

/* --- originals --- */

static void take_verdict(struct found_original *found, const struct identity *identity,
                         struct pool *pool)
{
    static const char *const judged[] = {
        [MARKED_NOT] = "", [MARKED_HAM] = "ham", [MARKED_SPAM] = "spam"};
    found->verdict = str_of(judged[identity->judged]);
    if (identity->message == NULL || !identity->message->complete)
        return;
    const struct event_message *event = &identity->message->event;
    found->verdict = pool_str(pool, event->verdict);
    found->global = event->global;
    found->heuristics = event->heuristics;
    found->bayes = event->bayes;
}

static struct str text_of(struct pool *pool, const struct message *message, struct str name)
{
    const struct header *field = message_header(message, name);
    struct str text = field ? header_text(pool, field) : STR_EMPTY;
    return text.s ? text : STR_EMPTY;
}

static void note_direction(struct reading *r, const struct found_original *found)
{
    enum learn_class class;
    const struct report_case c = {
        .address = report_address_of(r->job->conf, r->job->request.address),
        .feedback = r->originals.feedback,
        .identity = found->identity,
        .judged = found->judged,
    };
    r->unclear |= report_decide(&c, &class) == ACTION_UNCLEAR;
}

static int read_original(struct reading *r, const struct original *original, struct buf *result,
                         struct err *err)
{
    struct restored restored;
    struct identity identity;
    struct mail_text *text;
    struct found_original found;
    struct str tag = str_of(r->job->conf->spam.subject_tag);
    if (restore_original(r->inner, original->raw, tag, &restored, err) < 0 ||
        identity_check(&restored, tag, r->job->keys, r->journal, r->findings.claim.from, r->inner,
                       &identity, err) < 0 ||
        mail_text_make(r->inner, restored.message, &text, err) < 0)
        return -1;
    found = (struct found_original){
        .identity = identity.kind,
        .judged = identity.judged,
        .received = identity.received,
        .why = str_of(identity.why),
        .id = identity.id,
        .subject = text->subject,
        .sender = text_of(r->inner, restored.message, STR("From")),
        .raw = restored.message->raw,
    };
    take_verdict(&found, &identity, r->inner);
    if (features_extract(r->inner, restored.message, text, r->known, &found.features, err) < 0 ||
        features_identify(r->inner, restored.message, text, &found.features, err) < 0)
        return -1;
    findings_put_original(result, &found);
    note_direction(r, &found);
    return 0;
}

static int read_originals(struct reading *r, struct buf *result, struct err *err)
{
    if (originals_find(r->pool, r->report, &r->originals, err) < 0)
        return -1;
    r->findings.feedback = r->originals.feedback;
    for (size_t i = 0; i < r->originals.n; i++) {
        pool_reset(r->inner);
        if (read_original(r, &r->originals.list[i], result, err) < 0)
            return -1;
    }
    struct buf names = BUF_INIT(FINDINGS_TEXT_MAX);
    for (size_t i = 0; i < r->originals.n_left_out && buf_ok(&names); i++)
        buf_addf(&names, "%s%s", i ? ", " : "", left_why_name(r->originals.left_out[i].why));
    if (r->originals.n_left_more)
        buf_addf(&names, " and %zu more", r->originals.n_left_more);
    r->findings.left_out = pool_str(r->pool, str_n(names.p, names.n));
    buf_release(&names);
    return r->findings.left_out.s ? 0 : err_set(err, "out of memory");
}

/* --- what else it may be --- */

/* The first plain text; of HTML alone what a reader sees. */
static int own_words(struct reading *r, struct buf *out)
{
    for (size_t i = 0; i < r->report->n_parts; i++) {
        const struct part *part = r->report->parts[i];
        if (!str_eq(part->type, STR("text/plain")) || str_eq(part->disposition, STR("attachment")))
            continue;
        part_text(part, out);
        return buf_ok(out) ? 0 : -1;
    }
    for (size_t i = 1; i < r->text->n_paragraphs && out->n < DIGEST_LOOK; i++) {
        buf_add(out, str_sub(r->text->paragraphs[i], 0, DIGEST_LOOK - out->n));
        out->failed = false;
        buf_addc(out, '\n');
    }
    out->failed = false;
    return 0;
}

/* A program that answers our digest must not be answered in turn. */
static bool may_be_a_person(enum answer_decision decision)
{
    return decision == ANSWER_SEND || decision == ANSWER_TOO_SOON || decision == ANSWER_FOREIGN;
}

static int read_digest(struct reading *r, struct err *err)
{
    struct buf text = BUF_INIT(DIGEST_LOOK);
    if (own_words(r, &text) < 0) {
        buf_release(&text);
        return err_set(err, "out of memory for the text");
    }
    digest_answer_parse(r->text->subject, buf_str(&text), &r->findings.digest);
    buf_release(&text);
    r->findings.answers_digest =
        r->findings.digest.token[0] && may_be_a_person(r->findings.answering);
    return 0;
}

static void decide_answer(struct reading *r)
{
    const struct answer_case c = {.report = r->report,
                                  .sender = r->job->request.sender,
                                  .conf = r->job->conf};
    r->findings.answering = answer_decide(&c, r->job->times, r->job->now);
}

static int write_answer(struct reading *r, struct err *err)
{
    const struct read_job *job = r->job;
    struct answer answer = {.report = r->report,
                            .to = job->request.sender,
                            .from = job->request.address,
                            .hostname = str_of(job->conf->hostname),
                            .id = str_of(job->answer_id),
                            .time = job->now,
                            .originals = &r->originals,
                            .unclear = r->unclear,
                            .spam_address = job->conf->reports.spam,
                            .ham_address = job->conf->reports.ham,
                            .own_text = job->own_text};
    struct buf mail = BUF_INIT(ANSWER_MAIL_MAX);
    int result = letter_read(r->pool, r->report, r->text, &answer.letter, err);
    if (result == 0)
        result = answer_make(r->pool, &answer, &mail, err);
    if (result == 0)
        r->findings.answer = pool_str(r->pool, buf_str(&mail));
    buf_release(&mail);
    return result == 0 && r->findings.answer.s == NULL ? err_set(err, "out of memory") : result;
}

/* --- the whole --- */

static int open_journal(struct reading *r, struct err *err)
{
    r->journal = journal_open_state(r->job->conf->state_dir, err);
    return r->journal ? 0 : -1;
}

/* Without it an original is learned as one of a stranger's. */
static void open_known(struct reading *r)
{
    struct err err;
    if (known_open_state(r->job->conf, &r->known, &err) < 0)
        log_warning("%s", err.text);
}

static int read_all(struct reading *r, struct str raw, struct buf *result, struct err *err)
{
    if (message_parse(r->pool, raw, &report_limits, &r->report, err) < 0 ||
        mail_text_make(r->pool, r->report, &r->text, err) < 0 || open_journal(r, err) < 0)
        return -1;
    open_known(r);
    read_claim(r);
    if (read_originals(r, result, err) < 0)
        return -1;
    decide_answer(r);
    if (r->originals.n == 0 && read_digest(r, err) < 0)
        return -1;
    r->findings.answer_due =
        !r->findings.digest.token[0] && (r->originals.n == 0 || r->unclear) && !r->originals.bounce;
    if (r->findings.answer_due && r->findings.answering == ANSWER_SEND && write_answer(r, err) < 0)
        return -1;
    findings_put(result, &r->findings);
    return 0;
}

int report_read(void *data, int fd, struct buf *result, struct err *err)
{
    const struct read_job *job = data;
    struct reading *r = calloc(1, sizeof *r);
    struct buf raw = BUF_INIT(job->request.size);
    if (r == NULL)
        return err_set(err, "out of memory");
    r->job = job;
    r->pool = pool_new(READ_POOL_MAX);
    r->inner = pool_new(READ_POOL_MAX);
    int found = r->pool && r->inner ? 0 : err_set(err, "out of memory");
    if (found == 0)
        found = fsio_pread(fd, &raw, job->request.size, (off_t)job->request.offset, "report", err);
    if (found == 0)
        found = read_all(r, buf_str(&raw), result, err);
    journal_close(&r->journal);
    known_close(&r->known);
    buf_release(&raw);
    pool_free(&r->inner);
    pool_free(&r->pool);
    free(r);
    return found;
}
