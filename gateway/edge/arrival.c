#include "gateway/edge/edge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/domain.h"
#include "base/log.h"
#include "gateway/edge/author.h"
#include "gateway/edge/digest.h"
#include "gateway/edge/envelope.h"
#include "gateway/edge/freeze.h"
#include "gateway/edge/redirect.h"
#include "gateway/evidence.h"
#include "gateway/gate/ours.h"
#include "spool/notice.h"

#define POOL_MAX     (64 * 1024 * 1024)
#define EVIDENCE_MAX (2 * SCAN_EVIDENCE_MAX)
/* of all sections list that there can be */
#define LISTS_TESTS_MAX 4096

struct arrival {
    struct commit_job job; /* first: a job is its message */
    struct edge *edge;
    struct session *session; /* NULL: nobody waits for its fate */
    struct client *client;
    bool committing;
    char id[SPOOL_ID_LEN + 1];
    struct spool_writer *writer;
    struct pool *pool;
    struct envelope envelope;
    struct str *ways; /* where else the mail of each recipient goes */
    struct str tls;
    struct str shown; /* who has logged in (envelope.account), as he is shown in the log */
    bool early;
    unsigned slowed;
    bool mended;
    struct who_facts who; /* its name lives in the pool */
    bool report;          /* to an address that takes reports */
    struct scan *scan;
    struct content_facts content;
    struct av_answer answers[AV_ENGINES_MAX];
    struct verdict_facts facts;
    struct verdict verdict;
    bool judged;
    uint64_t size;
    struct buf evidence;
    int failed; /* errno of a commit that failed */
    struct err err;
};

struct str arrival_id(const struct arrival *a)
{
    return str_of(a->id);
}

struct str arrival_evidence(const struct arrival *a)
{
    return buf_str(&a->evidence);
}

static void arrival_free(struct arrival *a)
{
    scan_free(a->edge->scanner, &a->scan);
    spool_abort(&a->writer);
    pool_free(&a->pool);
    buf_release(&a->evidence);
    client_release(a->edge->clients, &a->client);
    a->edge->n_messages--;
    free(a);
}

struct arrival *arrival_begin(struct edge *edge, struct err *err)
{
    struct arrival *a = calloc(1, sizeof *a);
    if (a == NULL) {
        err_set(err, "out of memory for a message");
        return NULL;
    }
    a->edge = edge;
    edge->n_messages++;
    buf_init(&a->evidence, EVIDENCE_MAX);
    spool_id_make(a->id);
    a->writer = spool_receive(edge->spool, a->id, err);
    if (a->writer == NULL) {
        arrival_free(a);
        return NULL;
    }
    return a;
}

int arrival_write(struct arrival *a, struct str block, struct err *err)
{
    return spool_write(a->writer, block, err);
}

void arrival_drop(struct arrival **arrival)
{
    struct arrival *a = *arrival;
    *arrival = NULL;
    if (a == NULL)
        return;
    a->session = NULL;
    if (!a->committing)
        arrival_free(a);
}

static void put_account(struct arrival *a)
{
    json_t *name = a->envelope.account.n ? evidence_text(a->envelope.account) : NULL;
    char *text = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
    if (text)
        buf_addf(&a->evidence, ",\"account\":%s", text);
    free(text);
    json_decref(name);
}

/* Evidence with what only edge knows in front. */
static int make_evidence(struct arrival *a)
{
    struct buf whole = BUF_INIT(EVIDENCE_MAX);
    int result = evidence_whole(&a->verdict, &a->facts, &whole);
    if (result == 0 && whole.n > 1) {
        buf_clear(&a->evidence);
        buf_addf(&a->evidence,
                 "{\"session\":{\"protocol\":\"%.*s\",\"tls\":\"%.*s\",\"early\":%s%s",
                 STR_ARG(a->envelope.protocol), STR_ARG(a->tls), a->early ? "true" : "false",
                 a->mended ? ",\"mended\":true" : "");
        if (a->slowed)
            buf_addf(&a->evidence, ",\"slowed\":%u", a->slowed);
        put_account(a);
        buf_add(&a->evidence, STR("},"));
        buf_add(&a->evidence, STR("\"client\":"));
        who_evidence(a->edge->conf, &a->who, &a->evidence);
        buf_addc(&a->evidence, ',');
        buf_add(&a->evidence, str_from(buf_str(&whole), 1));
    }
    buf_release(&whole);
    return result == 0 && buf_ok(&a->evidence) ? 0 : -1;
}

/* --- its fate --- */

static void tell_fate(struct arrival *a, enum smtp_status status, struct str detail)
{
    struct session *session = a->session;
    a->session = NULL;
    if (session)
        session_arrival_fate(session, status, detail, a);
}

/* What greylisting remembers of the sender (gate/greylist.h): was its mail right? */
static void note_sender(const struct arrival *a)
{
    struct greylist *list = &a->edge->greylist;
    struct str sender = a->envelope.sender;
    bool right = a->verdict.class == VERDICT_HAM;
    uint32_t now = (uint32_t)time(NULL);
    struct gate_key network, key;
    if (list->known == NULL || a->report || a->envelope.account.n > 0 ||
        a->verdict.class == VERDICT_UNSCANNABLE)
        return;
    if (gate_network(a->envelope.client_ip, &network)) {
        key = greylist_sender(&network, domain_of_address(sender));
        greylist_judged(list, &key, right, now);
    }
    if (a->facts.content && a->content.vouching.n) {
        key = greylist_sender(NULL, a->content.vouching);
        greylist_judged(list, &key, right, now);
    }
}

static void refuse(struct arrival *a, enum smtp_status status, const char *why)
{
    if (status == SMTP_REJECTED)
        note_sender(a);
    if (a->judged && make_evidence(a) < 0)
        buf_clear(&a->evidence);
    spool_abort(&a->writer);
    tell_fate(a, status, str_of(why));
    arrival_free(a);
}

static void notify_delivery(const struct arrival *a)
{
    struct notice notice = {
        .kind = a->verdict.action == VERDICT_QUARANTINE ? NOTICE_HELD : NOTICE_QUEUED,
        .id = arrival_id(a),
        .recipient = NOTICE_EVERYONE,
    };
    struct buf text = BUF_INIT(128);
    notice_put(&text, &notice);
    if (buf_ok(&text))
        link_send(a->edge->delivery, buf_str(&text)); /* delivery looks into the folder, too */
    buf_release(&text);
}

static enum smtp_status storage_status(int error)
{
    return error == ENOSPC || error == EDQUOT ? SMTP_NO_SPACE : SMTP_LOCAL_ERROR;
}

static void on_committed(struct commit_job *job)
{
    struct arrival *a = (struct arrival *)job;
    a->committing = false;
    if (a->failed) {
        log_error("message %s could not be stored: %s", a->id, a->err.text);
        tell_fate(a, storage_status(a->failed), STR_EMPTY);
    } else {
        log_info(
            "%s from=<%.*s> recipients=%zu size=%llu client=%.*s%s%.*s verdict=%s global=%.1f%s%s",
            a->id, STR_ARG(a->envelope.sender), a->envelope.n_recipients,
            (unsigned long long)a->size, STR_ARG(a->envelope.client_ip),
            a->shown.n ? " account=" : "", STR_ARG(a->shown), verdict_class_name(a->verdict.class),
            a->verdict.global, a->verdict.reason[0] ? " reason=" : "", a->verdict.reason);
        note_sender(a);
        edge_journal_accepted(a->edge->journal, &a->envelope, a->size,
                              a->verdict.action == VERDICT_QUARANTINE);
        notify_delivery(a);
        tell_fate(a, SMTP_QUEUED, arrival_id(a));
    }
    arrival_free(a);
}

/* In a thread: everything that takes time and touches this message only. */
static void commit(struct commit_job *job)
{
    struct arrival *a = (struct arrival *)job;
    bool held = a->verdict.action == VERDICT_QUARANTINE;
    errno = 0;
    if (make_evidence(a) < 0) {
        a->failed = ENOMEM;
        err_set(&a->err, "no room for the evidence");
        return;
    }
    a->envelope.evidence = buf_str(&a->evidence);
    const struct redirection redirection = {.conf = a->edge->conf,
                                            .keys = &a->edge->srs,
                                            .content = a->facts.content,
                                            .now = a->envelope.time_us / 1000000};
    if (redirect_recipients(&a->envelope, a->ways, &redirection, a->pool, &a->err) == 0 &&
        envelope_judge(&a->envelope, &a->verdict, &a->facts, a->edge->conf, &a->edge->keys, a->tls,
                       a->pool, &a->err) == 0 &&
        spool_commit(&a->writer, &a->envelope, held ? SPOOL_QUARANTINE : SPOOL_QUEUE, &a->err) == 0)
        return;
    a->failed = errno ? errno : EIO;
}

static void start_commit(struct arrival *a)
{
    a->committing = true;
    a->size = spool_size(a->writer);
    a->job.work = commit;
    a->job.finished = on_committed;
    committer_put(a->edge->committer, &a->job);
}

static void act(struct arrival *a)
{
    a->judged = true;
    switch (a->verdict.action) {
    case VERDICT_DELIVER:
    case VERDICT_QUARANTINE:
        start_commit(a);
        break;
    case VERDICT_REJECT:
        refuse(a, SMTP_REJECTED, a->verdict.reason);
        break;
    case VERDICT_DEFER:
        refuse(a, SMTP_SCAN_FAILED, a->verdict.reason);
        break;
    }
}

/* --- judging --- */

static void hold_unscannable(struct arrival *a)
{
    a->verdict.class = VERDICT_UNSCANNABLE;
    a->verdict.action = VERDICT_QUARANTINE;
    snprintf(a->verdict.reason, sizeof a->verdict.reason,
             "unscannable: the scanner died of it more than once");
}

/* One more worker has died of it; true: it is its fault. */
static bool is_killer(struct arrival *a, const struct scan_outcome *outcome)
{
    unsigned char digest[KILLER_DIGEST];
    struct err err = {""};
    bool guilty = false;
    for (int i = 0; i < SCAN_STEPS; i++) {
        if (outcome->steps[i].result != STEP_DIED)
            continue;
        if (edge_digest(scan_fd(a->scan), SPOOL_HEADER_SIZE, spool_size(a->writer), digest, &err) <
            0)
            log_warning("message %s: %s", a->id, err.text);
        else
            guilty |= killers_note(&a->edge->killers, digest, (unsigned)i,
                                   scanner_answered(a->edge->scanner, (enum scan_step)i));
    }
    return guilty;
}

/* What antivirus and avlink say, in the order of antivirus.engines. */
static void read_answers(struct arrival *a, const struct scan_outcome *outcome)
{
    static const struct {
        enum scan_step step;
        enum av_speaker speaker;
    } asked[] = {{SCAN_ANTIVIRUS, AV_SPEAKER_ANTIVIRUS}, {SCAN_AVLINK, AV_SPEAKER_AVLINK}};
    const struct conf_antivirus *conf = &a->edge->conf->antivirus;
    struct av_answer got[AV_ENGINES_MAX];
    size_t n = 0;
    bool any = false;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        any |= outcome->steps[asked[i].step].result == STEP_ANSWERED &&
               av_answers_add(conf, asked[i].speaker, outcome->steps[asked[i].step].reply, got, &n);
    a->facts.antivirus_failed = !any && conf->engines.n > 0;
    a->facts.n_answers = av_answers_order(conf, got, n, a->answers);
}

static void read_facts(struct arrival *a, const struct scan_outcome *outcome)
{
    a->facts.answers = a->answers;
    struct str content = outcome->steps[SCAN_CONTENT].reply;
    if (outcome->steps[SCAN_CONTENT].result == STEP_ANSWERED &&
        content_facts_get(content, a->pool, &a->content))
        a->facts.content = &a->content;
    read_answers(a, outcome);
}

/* What the recipients' domains let happen to a message that fails DMARC: they agree (smtp.h). */
static enum conf_dmarc dmarc_setting(const struct arrival *a)
{
    for (size_t i = 0; i < a->envelope.n_recipients; i++) {
        const struct conf_domain *domain =
            conf_domain_of(a->edge->conf, a->envelope.recipients[i].address);
        if (domain)
            return (enum conf_dmarc)domain->dmarc;
    }
    return CONF_DMARC_NONE;
}

/* A report (of a virus that came) is no sending of one. */
static void freeze_infected(const struct arrival *a)
{
    char room[FROZEN_WHY_MAX];
    struct buf why = BUF_OVER(room);
    if (a->envelope.account.n == 0 || a->report || a->verdict.class != VERDICT_INFECTED ||
        !a->edge->conf->limits.freeze_virus)
        return;
    buf_addf(&why, "it sent a virus (%s, %s)", a->id, a->verdict.reason);
    freeze_account(a->edge, a->envelope.account,
                   buf_ok(&why) ? buf_str(&why) : STR("it sent a virus"));
}

static void on_scanned(void *data, const struct scan_outcome *outcome)
{
    struct arrival *a = data;
    const struct conf *conf = a->edge->conf;
    if (outcome->result != SCAN_DONE) {
        refuse(a, outcome->result == SCAN_BUSY ? SMTP_SCANNERS_BUSY : SMTP_LOCAL_ERROR, NULL);
        return;
    }
    read_facts(a, outcome);
    a->facts.dmarc = dmarc_setting(a);
    a->facts.ours = ours_is(&a->edge->inside, a->envelope.protocol, a->envelope.client_ip);
    verdict_decide(&a->facts, conf, &a->verdict);
    freeze_infected(a);
    if (a->report)
        verdict_let_report_in(&a->verdict);
    if (is_killer(a, outcome) && a->verdict.action == VERDICT_DEFER)
        hold_unscannable(a);
    bool loops = a->facts.content && a->content.received_hops > conf->smtp.headers_hops_limit;
    if (loops && a->verdict.action != VERDICT_QUARANTINE) {
        a->judged = true;
        refuse(a, SMTP_TOO_MANY_HOPS, NULL);
        return;
    }
    act(a);
}

/* Nothing is known to kill in all but the rarest hours, and then nothing is read. */
static bool is_known_killer(const struct arrival *a, int fd)
{
    unsigned char digest[KILLER_DIGEST];
    struct err err = {""};
    if (a->edge->killers.n == 0)
        return false;
    if (edge_digest(fd, SPOOL_HEADER_SIZE, spool_size(a->writer), digest, &err) == 0)
        return killers_guilty(&a->edge->killers, digest);
    log_warning("message %s: %s", a->id, err.text);
    return false;
}

/* In whose name does it speak? Asked of who has logged in; of others it is DMARC's question. */
static enum smtp_status check_author(struct arrival *a, const char *addresses, struct buf *shown)
{
    struct author_question question = {
        .conf = a->edge->conf,
        .addresses = addresses,
        .sender = a->envelope.sender,
        .size = spool_size(a->writer),
    };
    struct err err = {""};
    enum smtp_status status = SMTP_LOCAL_ERROR;
    question.fd = spool_reader_fd(a->writer, &err);
    if (question.fd >= 0) {
        status = author_ask(&question, shown, &err);
        close(question.fd);
    }
    if (status == SMTP_LOCAL_ERROR)
        log_error("message %s: %s", a->id, err.text);
    else if (status != SMTP_NONE)
        log_info("client %.*s: a message of %.*s is refused: %s%s%s",
                 STR_ARG(a->envelope.client_ip), STR_ARG(a->shown), smtp_reply_of(status)->text,
                 shown->n ? ": " : "", buf_cstr(shown));
    return status;
}

static int start_scan(struct arrival *a, struct err *err)
{
    const struct scan_request request = {
        .id = arrival_id(a),
        .offset = SPOOL_HEADER_SIZE,
        .size = spool_size(a->writer),
        /* SPF says nothing of where our own people are */
        .client_ip = a->envelope.account.n ? STR("unknown") : a->envelope.client_ip,
        .client_name = a->envelope.client_name,
        .helo = a->envelope.helo,
        .sender = a->envelope.sender,
    };
    int fd = spool_reader_fd(a->writer, err);
    if (fd < 0)
        return -1;
    if (is_known_killer(a, fd)) {
        close(fd);
        a->facts.answers = a->answers;
        hold_unscannable(a);
        act(a);
        return 0;
    }
    a->scan = scan_start(a->edge->scanner, &a->client->queue, &request, fd, on_scanned, a);
    return a->scan ? 0 : err_set(err, "out of memory for a scan");
}

/* What the DNS said of the client. A name that XCLIENT told is in the envelope alone. */
static void note_client(struct arrival *a, const struct who_facts *facts)
{
    struct buf tests = BUF_INIT(LISTS_TESTS_MAX);
    struct who_listed listed;
    who_judge(a->edge->conf, facts, "", &listed);
    who_tests(a->edge->conf, facts, &tests);
    a->facts.listed = listed.points;
    a->facts.lists = buf_ok(&tests) ? pool_str(a->pool, buf_str(&tests)) : STR_EMPTY;
    buf_release(&tests);
    a->who = *facts;
    a->who.name = facts->iprev == IPREV_PASS ? pool_cstr(a->pool, str_of(facts->name)) : "";
    if (a->who.name == NULL)
        a->who.name = "";
}

void arrival_judge(struct arrival *a, const struct smtp_envelope *envelope,
                   const struct arrival_origin *origin)
{
    struct err err = {""};
    char room[ADDRESS_MAX + 1];
    struct buf shown = BUF_OVER(room);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    a->session = origin->session;
    a->client = origin->client;
    client_keep(a->client);
    a->early = origin->early;
    a->slowed = origin->slowed;
    a->mended = envelope->mended;
    a->report = envelope->report;
    a->envelope.id = arrival_id(a);
    a->envelope.time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    a->pool = pool_new(POOL_MAX);
    if (a->pool && envelope_copy(&a->envelope, &a->ways, envelope, origin, a->pool, &err) == 0) {
        a->tls = pool_str(a->pool, origin->tls);
        a->shown = pool_str(a->pool, origin->shown);
        note_client(a, origin->facts);
        enum smtp_status status = SMTP_NONE;
        if (a->envelope.account.n)
            status = check_author(a, origin->addresses, &shown);
        if (status != SMTP_NONE) {
            refuse(a, status, buf_cstr(&shown));
            return;
        }
        errno = 0;
        if (start_scan(a, &err) == 0)
            return;
    }
    enum smtp_status why = storage_status(errno);
    log_error("message %s can't be judged: %s", a->id, err.text[0] ? err.text : "out of memory");
    refuse(a, why, NULL);
}
