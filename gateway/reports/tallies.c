#include "gateway/reports/tallies.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/reports/desk.h"
#include "gateway/reports/hand_out.h"
#include "gateway/reports/wanted.h"
#include "gateway/resolver/patient.h"
#include "tally/dmarc_xml.h"
#include "tally/letter.h"
#include "tally/sent.h"
#include "tally/tls_json.h"

#define LOOK_MS     60000  /* between two looks */
#define LATER_MS    900000 /* … where the DNS did not say to whom */
#define SOON_MS     1000
#define WORK_MS     120000 /* of one process; the rest is the next one's */
#define POST_MS     60000 /* … of it until no HTTPS server is waited for any more: mail goes on */
#define TIMEOUT     240   /* seconds; then it is ended from outside */
#define MEMORY_MAX  ((size_t)1024 * 1024 * 1024)
#define BOOK_POOL   ((size_t)256 * 1024 * 1024)
#define REPORT_POOL ((size_t)128 * 1024 * 1024)

/* What the process says at its end. */
enum { WORD_DONE = '0', WORD_MORE = '1', WORD_LATER = '2' };

struct work {
    const struct desk *desk;
    struct tally_maker maker;
    struct journal *journal;
    struct post post;
    struct patient patient;
    struct dns_source dns;
    struct hand_out hand;
    char folder[PATH_MAX];
    int64_t until_ms;
    int64_t now_s;
    int64_t one; /* the day that is sent at once, not at each domain's own time; -1: none */
    bool later;  /* the DNS did not say to whom, or somebody did not take it */
};

/* --- one report --- */

static int compose(const struct work *work, const struct tally_subject *subject, uint64_t lost,
                   struct pool *pool, struct buf *text, struct err *err)
{
    if (subject->kind == TALLY_TLS) {
        struct tls_report report = {.maker = &work->maker, .subject = subject};
        struct tally_tls *rows;
        if (tally_tls_rows(work->journal, subject->day, subject->domain, pool, &rows, &report.n,
                           err) < 0)
            return -1;
        report.rows = rows;
        return tls_json_put(text, &report, err);
    }
    struct dmarc_report report = {.maker = &work->maker, .subject = subject, .lost = lost};
    struct tally_dmarc *rows;
    if (tally_dmarc_rows(work->journal, subject->day, subject->domain, pool, &rows, &report.n,
                         err) < 0)
        return -1;
    report.rows = rows;
    dmarc_xml_put(text, &report);
    return buf_ok(text) ? 0 : err_set(err, "a report of more than %zu bytes", text->max);
}

/* The day is too long over for another try. Of one that is sent at once the clock, or who asks
 * again, makes it. */
static bool is_last_try(const struct work *work, const struct tally_subject *subject)
{
    return work->one < 0 && work->now_s >= (subject->day + TALLIES_DAYS) * 86400 + TALLIES_GRACE &&
           clock_ms() >= work->desk->tallies.since_ms + TALLIES_GRACE * (int64_t)1000;
}

/* Nobody knew to whom, until the day was too long over. Where there was nobody to ask, that says
 * nothing. */
static int put_off(struct work *work, const struct tally_subject *subject,
                   const struct sent_book *book, const struct err *why, struct err *err)
{
    if (!is_last_try(work, subject) || work->patient.fd < 0) {
        work->later = true;
        return 0;
    }
    log_error("the report about %.*s is given up: %s", STR_ARG(subject->domain), why->text);
    return sent_note(book, SENT_GIVEN_UP, subject->domain, str_of(why->text), err);
}

static int hand_to_all(struct work *work, const struct tally_subject *subject,
                       const struct rua_list *list, struct str gzip, const struct sent_line *before,
                       const struct sent_book *book, struct err *err)
{
    const struct handed what = {subject, gzip};
    return before->state == SENT_WAITING
               ? hand_out_again(&work->hand, &what, list, before->detail, book, err)
               : hand_out(&work->hand, &what, list, book, err);
}

/* `before`: what is noted of it. */
static int send_one(struct work *work, const struct tally_subject *subject, uint64_t lost,
                    const struct sent_line *before, const struct sent_book *book, struct err *err)
{
    struct rua_list list = {.n = 0};
    struct err why = {""};
    bool again = before->state == SENT_WAITING;
    if (!again && shares_full(&work->hand.shares, &why))
        return sent_note(book, SENT_UNWANTED, subject->domain, str_of(why.text), err);
    struct pool *pool = pool_new(REPORT_POOL);
    struct buf text = BUF_INIT(TALLY_TEXT_MAX), gzip = BUF_INIT(TALLY_MAIL_MAX / 2);
    if (pool == NULL)
        return err_set(err, "out of memory for a report");
    enum wanted wanted = wanted_by(subject->kind, subject->domain, &work->dns,
                                   is_last_try(work, subject), pool, &list, &why);
    const struct handed what = {subject, STR_EMPTY};
    int result = 0;
    if (again && wanted == WANTED_UNKNOWN)
        work->later = true;
    else if (again && wanted == WANTED_NOT)
        result = hand_out_again(&work->hand, &what, &list, before->detail, book, err);
    else if (wanted == WANTED_NOT)
        result = sent_note(book, SENT_UNWANTED, subject->domain, str_of(why.text), err);
    else if (wanted == WANTED_UNKNOWN)
        result = put_off(work, subject, book, &why, err);
    else if (compose(work, subject, lost, pool, &text, &why) < 0 ||
             letter_gzip(buf_str(&text), &gzip, &why) < 0) {
        log_error("the report about %.*s: %s", STR_ARG(subject->domain), why.text);
        result = sent_note(book, SENT_GIVEN_UP, subject->domain, str_of(why.text), err);
    } else
        result = hand_to_all(work, subject, &list, buf_str(&gzip), before, book, err);
    buf_release(&text);
    buf_release(&gzip);
    pool_free(&pool);
    return result;
}

/* --- those of a day --- */

/* Not all gateways and domains at midnight: a time that is the domain's own (FNV-1a). */
static int64_t due_s(const struct tally_subject *subject)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < subject->domain.n; i++)
        hash = (hash ^ (unsigned char)subject->domain.s[i]) * 0x100000001b3;
    return (subject->day + 1) * 86400 + TALLIES_FIRST + (int64_t)(hash % TALLIES_SPREAD);
}

static bool is_due(const struct work *work, const struct tally_subject *subject,
                   const struct sent_line *before)
{
    if (before->state == SENT_WAITING)
        return hand_out_due(&work->hand, before->detail);
    return before->state == SENT_NOT && (work->one >= 0 || work->now_s >= due_s(subject));
}

/* 1: time is over and there is more. From anywhere on, so that those whose DNS lets everybody wait
 * do not always stand before the others. */
static int send_list(struct work *work, struct tally_subject *subject,
                     const struct tally_domain *domains, size_t n, const struct sent_book *book,
                     struct err *err)
{
    size_t from = 0;
    if (n == 0)
        return 0;
    if (getrandom(&from, sizeof from, 0) == sizeof from)
        from %= n;
    else
        from = 0;
    for (size_t i = 0; i < n; i++) {
        const struct tally_domain *domain = &domains[(from + i) % n];
        const struct sent_line before = sent_find(book, domain->domain);
        subject->domain = domain->domain;
        work->later |= before.state == SENT_WAITING;
        if (!is_due(work, subject, &before))
            continue;
        if (clock_ms() > work->until_ms)
            return 1;
        if (send_one(work, subject, domain->lost, &before, book, err) < 0)
            return -1;
    }
    return 0;
}

static int send_kind(struct work *work, enum tally_kind kind, int64_t day, struct err *err)
{
    struct tally_subject subject = {.kind = kind, .day = day};
    struct tally_domain *domains;
    struct sent_book book = {.fd = -1};
    size_t n;
    struct pool *pool = pool_new(BOOK_POOL);
    int result = pool ? tally_domains(work->journal, kind, day, pool, &domains, &n, err)
                      : err_set(err, "out of memory for reports");
    if (result == 0 && n > 0) {
        result = sent_open(&book, work->folder, kind, day, true, pool, err);
        if (result == 0)
            result = shares_read(&work->hand.shares, &book, pool, err);
        if (result == 0)
            result = send_list(work, &subject, domains, n, &book, err);
        sent_close(&book);
    }
    pool_free(&pool);
    return result;
}

/* What of one kind, or of one day, can't be sent holds up no other. */
static int send_day(struct work *work, int64_t day, struct err *err)
{
    const struct conf_reports *conf = &work->desk->conf->reports;
    int dmarc = conf->dmarc_send ? send_kind(work, TALLY_DMARC, day, err) : 0;
    if (dmarc < 0)
        log_error("%s", err->text);
    int tls = conf->tls_send ? send_kind(work, TALLY_TLS, day, err) : 0;
    return dmarc < 0 || tls < 0 ? -1 : dmarc || tls;
}

/* --- the process --- */

static int open_work(struct work *work, struct err *err)
{
    const struct conf *conf = work->desk->conf;
    const char *sender = conf->reports.sender;
    work->maker = (struct tally_maker){.organization = str_of(conf->reports.organization),
                                       .contact = str_of(sender),
                                       .submitter = domain_of_address(str_of(sender)),
                                       .hostname = str_of(conf->hostname)};
    if (work->maker.organization.n == 0)
        work->maker.organization = work->maker.hostname;
    if (fsio_join(work->folder, sizeof work->folder, work->desk->folder, "tally", err) < 0)
        return -1;
    work->journal = journal_open_state(conf->state_dir, err);
    if (work->journal == NULL || post_open_inside(&work->post, conf, err) < 0)
        return -1;
    patient_open(&work->patient, conf->run_dir);
    work->dns = patient_source(&work->patient);
    return 0;
}

static int run(void *data, int fd, struct buf *result, struct err *err)
{
    struct work *work = data;
    int64_t today = work->now_s / 86400, one = work->one;
    (void)fd;
    work->post.incoming_fd = work->patient.fd = -1;
    work->until_ms = clock_ms() + WORK_MS;
    work->hand = (struct hand_out){.maker = &work->maker,
                                   .post = &work->post,
                                   .run_dir = work->desk->conf->run_dir,
                                   .now_s = work->now_s,
                                   .post_until = clock_ms() + POST_MS,
                                   .at_once = one >= 0};
    int more = open_work(work, err);
    if (more == 0 && one >= 0)
        more = send_day(work, one, err);
    bool failed = false;
    for (int64_t day = today - TALLIES_DAYS; more == 0 && one < 0 && day < today; day++) {
        int sent = send_day(work, day, err);
        failed |= sent < 0;
        more = sent > 0;
    }
    if (failed && more == 0)
        more = -1;
    if (more >= 0)
        buf_addc(result, (char)(more                              ? WORD_MORE
                                : work->later || work->hand.waits ? WORD_LATER
                                                                  : WORD_DONE));
    journal_close(&work->journal);
    post_close(&work->post);
    patient_close(&work->patient);
    return more < 0 ? -1 : 0;
}

static void begin(struct desk *desk)
{
    static const char *const folders[] = {"incoming", "queue"};
    struct tallies *t = &desk->tallies;
    struct sandbox box = {.required = desk->conf->sandbox_required,
                          .allow = SANDBOX_FILES | SANDBOX_UNIX_CONNECT,
                          .memory_limit = MEMORY_MAX};
    struct work work = {.desk = desk, .now_s = desk_now_us() / 1000000, .one = t->day_now};
    const struct reader_work reader = {
        .run = run, .data = &work, .fd = -1, .sandbox = &box, .timeout = TIMEOUT, .result_max = 2};
    struct err err = {""};
    sandbox_path(&box, desk->folder, SANDBOX_WRITE);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        sandbox_path_in(&box, desk->conf->state_dir, folders[i], SANDBOX_WRITE);
    sandbox_path_in(&box, desk->conf->state_dir, "journal", SANDBOX_READ);
    t->sending = reader_start(&t->sender, &reader, &err) == 0;
    if (t->sending) {
        t->day_at_work = t->day_now;
        t->day_now = -1;
    } else
        log_error("no aggregate report is sent yet: %s", err.text);
    t->at_ms = clock_ms() + LOOK_MS;
}

static void end(struct desk *desk)
{
    struct tallies *t = &desk->tallies;
    struct buf result = BUF_INIT(1 + ERR_TEXT_MAX);
    struct err err = {""};
    enum reader_end how = reader_finish(&t->sender, &result, &err);
    char word = how == READER_DONE && result.n ? result.p[0] : '\0';
    t->sending = false;
    if (how != READER_DONE)
        log_error("aggregate reports are sent later: %s", err.text);
    /* what was asked for meanwhile goes first */
    if (t->day_now >= 0)
        word = WORD_MORE;
    else if (word == WORD_MORE)
        t->day_now = t->day_at_work;
    t->at_ms = clock_ms() + (word == WORD_MORE ? SOON_MS : word == WORD_LATER ? LATER_MS : LOOK_MS);
    buf_release(&result);
}

/* --- the clock --- */

static bool is_wanted(const struct conf_reports *conf)
{
    return (conf->dmarc_send || conf->tls_send) && conf->sender;
}

static void sweep(struct desk *desk, int64_t today)
{
    char folder[PATH_MAX];
    struct err err;
    desk->tallies.swept_day = today;
    if (fsio_join(folder, sizeof folder, desk->folder, "tally", &err) < 0 ||
        sent_sweep(folder, today - TALLY_KEEP_DAYS, &err) < 0)
        log_error("%s", err.text);
}

void tallies_start(struct desk *desk)
{
    desk->tallies = (struct tallies){.since_ms = clock_ms(),
                                     .day_now = -1,
                                     .day_at_work = -1,
                                     .at_ms = clock_ms() + SOON_MS};
}

void tallies_tick(struct desk *desk)
{
    struct tallies *t = &desk->tallies;
    int64_t today = tally_day(desk_now_us());
    struct pollfd p = {.fd = t->sender.end_fd, .events = POLLIN};
    if (t->sending && clock_ms() > t->sender.deadline_ms)
        reader_kill(&t->sender);
    if (t->sending && poll(&p, 1, 0) > 0)
        end(desk);
    if (!is_wanted(&desk->conf->reports) || t->sending)
        return;
    if (t->swept_day != today)
        sweep(desk, today);
    if (clock_ms() >= t->at_ms)
        begin(desk);
}

void tallies_send_now(struct desk *desk, int64_t day)
{
    desk->tallies.day_now = day;
    desk->tallies.at_ms = clock_ms();
}

/* Killed anywhere it costs one report at most, which is noted as begun. */
void tallies_stop(struct desk *desk)
{
    struct buf result = BUF_INIT(1 + ERR_TEXT_MAX);
    struct err err;
    if (!desk->tallies.sending)
        return;
    reader_kill(&desk->tallies.sender);
    reader_finish(&desk->tallies.sender, &result, &err);
    desk->tallies.sending = false;
    buf_release(&result);
}
