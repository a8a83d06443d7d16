/*
 * poterne-reports: what is reported as misjudged (desk.h). Delivery hands over one report a
 * connection; tools ask on the same socket for a manager's decisions.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/algorithms.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/report.h"
#include "gateway/gate/senders.h"
#include "gateway/reports/desk.h"
#include "gateway/reports/feedback.h"
#include "gateway/reports/findings.h"
#include "gateway/reports/read.h"
#include "gateway/reports/reader.h"
#include "reports/ask.h"
#include "reports/signature.h"

#define CALLERS_MAX     64
#define REQUEST_SECONDS 10 /* from a connection to its request */
#define TICK_MS         1000
#define DRAIN_SECONDS   30  /* for reports under way when asked to end */
#define KILLERS_MAX     64  /* reports whose reader died that are remembered */
#define DEATHS_MAX      2   /* of its reader; then a report is given up */
#define TELL_MS         200 /* between two words about how far a decision is */
#define LEARNED_MAX     (ORIGINALS_MAX + ERR_TEXT_MAX + 64)
#define MEMORY_MAX      ((size_t)2048 * 1024 * 1024)
#define FILES_MAX       512

enum caller_state {
    CALLER_NONE,
    CALLER_SILENT, /* its request has not come */
    CALLER_LINED,  /* waits for a reader */
    CALLER_READ,   /* a reader is at work on it */
    CALLER_LEARN,  /* its originals are on their way to the learner */
    CALLER_TOOL    /* is told how far its decision about many is */
};

struct caller {
    enum caller_state state;
    int fd;
    int64_t since_ms;
    struct buf message; /* the request; its texts are the job's */
    struct ipc_fds fds;
    struct read_job job;
    struct reader reader; /* at work: CALLER_READ, CALLER_LEARN */
    struct acting *acting;
    bool feedback; /* it is no report of misjudged mail, but one of feedback.h */
    struct feedback_telling telling;
    uint64_t order; /* of CALLER_TOOL */
    int64_t told_ms;
    char answer_id[SPOOL_ID_LEN + 1];
};

struct killer {
    char id[SPOOL_ID_LEN + 1];
    unsigned deaths;
};

struct office {
    const struct role_env *env;
    struct desk *desk;
    struct caller callers[CALLERS_MAX];
    unsigned n_readers;
    struct killer killers[KILLERS_MAX]; /* a ring */
    size_t next_killer;
    bool draining;
    int64_t drain_until_ms;
};

/* --- callers --- */

static void caller_leave(struct caller *caller)
{
    fsio_close_quiet(&caller->fd);
    ipc_fds_close(&caller->fds);
    acting_free(&caller->acting);
    buf_release(&caller->message);
    buf_release(&caller->telling.found);
    caller->state = CALLER_NONE;
}

static void answer(struct caller *caller, enum report_outcome outcome, struct str text)
{
    const struct report_reply reply = {outcome, text};
    struct buf out = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    report_reply_put(&out, &reply);
    if (!buf_ok(&out) || ipc_send(caller->fd, buf_str(&out), NULL, &err) != 1)
        log_warning("report %.*s: delivery does not hear what became of it",
                    STR_ARG(caller->job.request.id));
    buf_release(&out);
    caller_leave(caller);
}

static void accept_caller(struct office *office)
{
    struct err err;
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &office->callers[i];
        if (caller->state != CALLER_NONE)
            continue;
        int fd = ipc_accept(office->env->service_fd, &err);
        if (fd < 0)
            return;
        *caller = (struct caller){.state = CALLER_SILENT,
                                  .fd = fd,
                                  .since_ms = clock_ms(),
                                  .message = BUF_INIT(IPC_MSG_MAX)};
    }
}

/* --- tools --- */

static void serve_tool(struct office *office, struct caller *caller)
{
    struct buf out = BUF_INIT(IPC_MSG_MAX);
    struct err err = {"malformed"};
    struct desk *desk = office->desk;
    bool sense =
        ask_serve(desk->store, buf_str(&caller->message), desk_now_us(), &out, &caller->order);
    bool told = sense && buf_ok(&out) && ipc_send(caller->fd, buf_str(&out), NULL, &err) == 1;
    buf_release(&out);
    if (!told)
        log_warning("a tool is cut off: %s", err.text);
    if (caller->order)
        large_begin(desk);
    else
        daily_teach_soon(desk);
    if (told && caller->order)
        caller->state = CALLER_TOOL;
    else
        caller_leave(caller);
}

static void tell_tool(struct caller *caller, const struct ask_reply *reply)
{
    struct buf out = BUF_INIT(IPC_MSG_MAX);
    struct err err;
    ask_reply_put(&out, reply);
    /* one that does not read its answers misses some; one that has gone needs none */
    int sent = buf_ok(&out) ? ipc_send(caller->fd, buf_str(&out), NULL, &err) : -1;
    buf_release(&out);
    caller->told_ms = clock_ms();
    if (sent < 0 || reply->stage != ASK_UNDER_WAY)
        caller_leave(caller);
}

/* Aggregate reports of a day, now. What becomes of each is in the books (tally/sent.h). */
static void send_day(struct office *office, struct caller *caller, int64_t day)
{
    const struct conf_reports *conf = &office->desk->conf->reports;
    struct ask_reply reply = {.stage = ASK_DONE};
    int64_t today = tally_day(desk_now_us());
    if (conf->sender == NULL || (!conf->dmarc_send && !conf->tls_send))
        reply = (struct ask_reply){
            .text = STR("no reports are sent: set reports.sender, and dmarc_send or tls_send")};
    else if (day >= today || day < today - TALLY_KEEP_DAYS)
        reply = (struct ask_reply){.text = STR("that day is not over, or too long ago")};
    else
        tallies_send_now(office->desk, day);
    tell_tool(caller, &reply);
}

/* How far an order is, to who gave it. */
static void on_order(void *data, const struct order_progress *progress, bool done,
                     const char *failed)
{
    struct office *office = data;
    struct err why = {""};
    struct ask_reply reply = {.stage = done ? ASK_DONE : ASK_UNDER_WAY,
                              .n = progress->n,
                              .at = progress->at,
                              .decided = progress->decided};
    if (failed) {
        err_set(&why, "stopped after %llu of %llu, and tried again by and by: %s",
                (unsigned long long)progress->at, (unsigned long long)progress->n, failed);
        reply.stage = ASK_FAILED;
        reply.text = str_of(why.text);
    }
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &office->callers[i];
        if (caller->state == CALLER_TOOL && caller->order == progress->order &&
            (reply.stage != ASK_UNDER_WAY || clock_ms() >= caller->told_ms + TELL_MS))
            tell_tool(caller, &reply);
    }
}

/* --- requests --- */

static void hear(struct office *office, struct caller *caller)
{
    struct err err = {""};
    int got = ipc_recv(caller->fd, &caller->message, &caller->fds, &err);
    struct str message = buf_str(&caller->message);
    int64_t day;
    if (got == 0)
        return;
    if (got == 1 && ask_send_get(message, &day)) {
        send_day(office, caller, day);
        return;
    }
    if (got == 1 && ask_is(message)) {
        serve_tool(office, caller);
        return;
    }
    caller->job.request = (struct report_request){.id = STR("?")};
    bool sense = got == 1 && report_request_get(message, &caller->job.request) &&
                 caller->fds.n == 1 && spool_id_valid(caller->job.request.id) &&
                 caller->job.request.size <= office->desk->conf->smtp.size_limit;
    if (sense) {
        caller->state = CALLER_LINED;
        return;
    }
    if (got != IPC_EOF)
        log_warning("a caller is cut off: %s", got == 1 ? "malformed request" : err.text);
    caller_leave(caller);
}

/* --- readers --- */

static struct killer *killer_of(struct office *office, struct str id)
{
    for (size_t i = 0; i < KILLERS_MAX; i++)
        if (str_eq(str_of(office->killers[i].id), id))
            return &office->killers[i];
    return NULL;
}

/* One more reader has died of it. */
static unsigned note_death(struct office *office, struct str id)
{
    struct killer *killer = killer_of(office, id);
    if (killer == NULL) {
        killer = &office->killers[office->next_killer++ % KILLERS_MAX];
        *killer = (struct killer){.deaths = 0};
        str_copy(id, killer->id, sizeof killer->id);
    }
    return ++killer->deaths;
}

static void start_reader(struct office *office, struct caller *caller)
{
    const struct desk *desk = office->desk;
    struct sandbox box = {.required = desk->conf->sandbox_required,
                          .allow = SANDBOX_FILES,
                          .memory_limit = READ_MEMORY_MAX};
    enum report_address address = report_address_of(desk->conf, caller->job.request.address);
    caller->feedback = address == REPORT_ADDRESS_DMARC || address == REPORT_ADDRESS_TLS;
    const struct reader_work work = {.run = caller->feedback ? feedback_read : report_read,
                                     .data = &caller->job,
                                     .fd = caller->fds.fd[0],
                                     .sandbox = &box,
                                     .timeout = desk->conf->reports.timeout,
                                     .result_max = FINDINGS_MAX};
    struct err err;
    if (!caller->feedback) { /* which looks nothing up */
        sandbox_path_in(&box, desk->conf->state_dir, "journal", SANDBOX_READ);
        sandbox_path_in(&box, desk->conf->state_dir, "bayes", SANDBOX_READ);
    }
    spool_id_make(caller->answer_id);
    caller->job.conf = desk->conf;
    caller->job.keys = &desk->keys;
    caller->job.times = &desk->times;
    caller->job.own_text = buf_str(&desk->own_text);
    caller->job.answer_id = caller->answer_id;
    caller->job.now = desk_now_us() / 1000000;
    if (reader_start(&caller->reader, &work, &err) < 0) {
        answer(caller, REPORT_LATER, str_of(err.text));
        return;
    }
    caller->state = CALLER_READ;
    office->n_readers++;
}

static void give_up(struct office *office, struct caller *caller, const struct err *err)
{
    struct str id = caller->job.request.id;
    struct err why;
    unsigned deaths = note_death(office, id);
    log_error("report %.*s: its reader died: %s", STR_ARG(id), err->text);
    err_set(&why, "reading it failed%s: %s", deaths >= DEATHS_MAX ? " again" : "", err->text);
    answer(caller, deaths >= DEATHS_MAX ? REPORT_NEVER : REPORT_LATER, str_of(why.text));
}

/* The last step of a report that was read. */
static void finish_report(struct office *office, struct caller *caller)
{
    struct buf text = BUF_INIT(ERR_TEXT_MAX + PROPOSAL_TEXT_MAX);
    enum report_outcome outcome = acting_end(caller->acting, caller->answer_id, &text);
    answer(caller, outcome, buf_str(&text));
    buf_release(&text);
    large_begin(office->desk); /* it may have been an answer to a digest */
}

static void start_learning(struct office *office, struct caller *caller)
{
    const struct desk *desk = office->desk;
    struct sandbox box = {.required = desk->conf->sandbox_required,
                          .allow = SANDBOX_FILES | SANDBOX_UNIX_CONNECT,
                          .memory_limit = MEMORY_MAX};
    const struct reader_work work = {.run = acting_learn,
                                     .data = caller->acting,
                                     .fd = -1,
                                     .sandbox = &box,
                                     .timeout = ACTING_LEARN_SECONDS,
                                     .result_max = LEARNED_MAX};
    struct err err;
    sandbox_path_in(&box, desk->conf->state_dir, "bayes", SANDBOX_READ);
    if (desk_learner_away(desk)) {
        answer(caller, REPORT_LATER, STR("the learner does not answer"));
        return;
    }
    if (reader_start(&caller->reader, &work, &err) < 0) {
        answer(caller, REPORT_LATER, str_of(err.text));
        return;
    }
    caller->state = CALLER_LEARN;
    office->n_readers++;
}

/* What others report is told to the journal. */
static void start_telling(struct office *office, struct caller *caller)
{
    const struct desk *desk = office->desk;
    struct sandbox box = {.required = desk->conf->sandbox_required,
                          .allow = SANDBOX_UNIX_CONNECT,
                          .memory_limit = MEMORY_MAX};
    const struct reader_work work = {.run = feedback_tell,
                                     .data = &caller->telling,
                                     .fd = -1,
                                     .sandbox = &box,
                                     .timeout = FEEDBACK_TELL_SECONDS,
                                     .result_max = 1};
    struct err err;
    caller->telling.conf = desk->conf;
    if (reader_start(&caller->reader, &work, &err) < 0) {
        answer(caller, REPORT_LATER, str_of(err.text));
        return;
    }
    caller->state = CALLER_LEARN;
    office->n_readers++;
}

static void finish_feedback(struct office *office, struct caller *caller)
{
    struct err err = {""};
    caller->telling.found = BUF_INIT(FEEDBACK_FOUND_MAX + 1);
    enum reader_end end = reader_finish(&caller->reader, &caller->telling.found, &err);
    office->n_readers--;
    if (end == READER_DIED)
        give_up(office, caller, &err);
    else if (end == READER_FAILED)
        answer(caller, REPORT_NEVER, str_of(err.text));
    else
        start_telling(office, caller);
}

static void finish_telling(struct office *office, struct caller *caller)
{
    struct buf word = BUF_INIT(1 + ERR_TEXT_MAX), text = BUF_INIT(ERR_TEXT_MAX);
    struct err err = {""};
    enum reader_end end = reader_finish(&caller->reader, &word, &err);
    office->n_readers--;
    buf_add(&text, str_sub(feedback_text(buf_str(&caller->telling.found)), 0, ERR_TEXT_MAX - 1));
    if (end == READER_DONE)
        answer(caller, REPORT_DONE, buf_str(&text));
    else
        answer(caller, REPORT_LATER, str_of(err.text));
    buf_release(&word);
    buf_release(&text);
}

static void finish_reading(struct office *office, struct caller *caller)
{
    struct buf found = BUF_INIT(FINDINGS_MAX + 1);
    struct err err = {""};
    enum reader_end end = reader_finish(&caller->reader, &found, &err);
    office->n_readers--;
    if (end == READER_DONE)
        caller->acting = acting_begin(office->desk, &caller->job.request, &found, &err);
    if (end == READER_DIED)
        give_up(office, caller, &err);
    else if (caller->acting == NULL)
        answer(caller, REPORT_LATER, str_of(err.text));
    else if (acting_learns(caller->acting))
        start_learning(office, caller);
    else
        finish_report(office, caller);
    buf_release(&found);
}

static void finish_learning(struct office *office, struct caller *caller)
{
    struct buf learned = BUF_INIT(LEARNED_MAX + 1);
    struct err err = {""};
    bool done = reader_finish(&caller->reader, &learned, &err) == READER_DONE;
    office->n_readers--;
    if (!done)
        desk_learner_lost(office->desk);
    if (done && acting_learned(caller->acting, buf_str(&learned), &err))
        finish_report(office, caller);
    else
        answer(caller, REPORT_LATER, str_of(err.text));
    buf_release(&learned);
}

/* First come, first read. */
static void start_readers(struct office *office)
{
    while (office->n_readers < office->desk->conf->reports.workers) {
        struct caller *first = NULL;
        for (size_t i = 0; i < CALLERS_MAX; i++) {
            struct caller *caller = &office->callers[i];
            if (caller->state == CALLER_LINED &&
                (first == NULL || caller->since_ms < first->since_ms))
                first = caller;
        }
        if (first == NULL)
            return;
        start_reader(office, first);
    }
}

/* --- the loop --- */

static bool at_work(const struct caller *caller)
{
    return caller->state == CALLER_READ || caller->state == CALLER_LEARN;
}

static void watch_time(struct office *office)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &office->callers[i];
        if (caller->state == CALLER_SILENT && now > caller->since_ms + REQUEST_SECONDS * 1000)
            caller_leave(caller);
        if (at_work(caller) && now > caller->reader.deadline_ms)
            reader_kill(&caller->reader);
    }
}

/* What is only in line is for the next generation. */
static void begin_drain(struct office *office)
{
    office->draining = true;
    office->drain_until_ms = clock_ms() + DRAIN_SECONDS * 1000;
    for (size_t i = 0; i < CALLERS_MAX; i++)
        if (office->callers[i].state == CALLER_LINED)
            answer(&office->callers[i], REPORT_LATER, STR("the gateway is stopping"));
}

enum { POLL_CTL, POLL_SERVICE, POLL_TEACHER, POLL_CALLERS };

/* Until something happens, or there is something to do. */
static int wait_for_events(const struct office *office, struct pollfd *p, struct err *err)
{
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        const struct caller *caller = &office->callers[i];
        int fd = caller->state == CALLER_SILENT ? caller->fd
                 : at_work(caller)              ? caller->reader.end_fd
                                                : -1;
        p[POLL_CALLERS + i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    p[POLL_CTL] =
        (struct pollfd){.fd = office->draining ? -1 : office->env->ctl_fd, .events = POLLIN};
    p[POLL_SERVICE] =
        (struct pollfd){.fd = office->draining ? -1 : office->env->service_fd, .events = POLLIN};
    p[POLL_TEACHER] = (struct pollfd){.fd = daily_fd(office->desk), .events = POLLIN};
    int wait_ms = office->draining ? -1 : large_wait_ms(office->desk);
    int n =
        poll(p, POLL_CALLERS + CALLERS_MAX, wait_ms >= 0 && wait_ms < TICK_MS ? wait_ms : TICK_MS);
    if (n < 0 && errno == EINTR)
        return 0;
    return n < 0 ? err_sys(err, "cannot wait for reports") : n;
}

static void serve_callers(struct office *office, const struct pollfd *p)
{
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &office->callers[i];
        if (p[POLL_CALLERS + i].revents == 0)
            continue;
        if (caller->state == CALLER_SILENT)
            hear(office, caller);
        else if (caller->state == CALLER_READ)
            (caller->feedback ? finish_feedback : finish_reading)(office, caller);
        else if (caller->state == CALLER_LEARN)
            (caller->feedback ? finish_telling : finish_learning)(office, caller);
    }
}

static int round_of(struct office *office, struct err *err)
{
    struct pollfd p[POLL_CALLERS + CALLERS_MAX];
    int n = wait_for_events(office, p, err);
    if (n < 0)
        return -1;
    if (n > 0)
        serve_callers(office, p);
    if (n > 0 && p[POLL_SERVICE].revents)
        accept_caller(office);
    if (n > 0 && p[POLL_CTL].revents)
        begin_drain(office);
    watch_time(office);
    start_readers(office);
    daily_tick(office->desk);
    if (!office->draining)
        tallies_tick(office->desk);
    if (!office->draining)
        large_step(office->desk, on_order, office);
    return office->desk->store ? 0 : err_set(err, "what waits can't be opened");
}

static int open_desk(struct desk *desk, struct err *err)
{
    const char *state_dir = desk->conf->state_dir;
    struct err why;
    if (fsio_join(desk->folder, sizeof desk->folder, state_dir, REPORTS_DIR, err) < 0 ||
        fsio_join(desk->times_path, sizeof desk->times_path, desk->folder, "answers", err) < 0)
        return -1;
    if (answer_times_read(desk->times_path, time(NULL), &desk->times, &why) < 0)
        log_error("%s; nobody is answered for an hour", why.text);
    desk->store = proposals_open(desk->folder, err);
    return desk->store ? 0 : -1;
}

static int serve(const struct role_env *env, void *data, struct err *err)
{
    struct office *office = calloc(1, sizeof *office);
    if (office == NULL)
        return err_set(err, "out of memory");
    office->env = env;
    office->desk = data;
    for (size_t i = 0; i < CALLERS_MAX; i++)
        office->callers[i].fd = -1;
    int result = open_desk(office->desk, err);
    if (result == 0) {
        daily_start(office->desk);
        tallies_start(office->desk);
        large_begin(office->desk); /* what the last one did not come to the end of */
    }
    while (result == 0) {
        result = round_of(office, err);
        if (office->draining && (office->n_readers == 0 || clock_ms() > office->drain_until_ms))
            break;
    }
    for (size_t i = 0; i < CALLERS_MAX; i++) {
        struct caller *caller = &office->callers[i];
        if (at_work(caller))
            reader_kill(&caller->reader);
        if (caller->state != CALLER_NONE)
            caller_leave(caller);
    }
    daily_stop(office->desk);
    tallies_stop(office->desk);
    order_free(&office->desk->order);
    proposals_close(&office->desk->store);
    free(office);
    return result;
}

/* --- before the sandbox --- */

static void unload(void *data)
{
    struct desk *desk = data;
    keys_wipe(&desk->keys);
    buf_release(&desk->own_text);
    post_close(&desk->post);
    free(desk);
}

static int load_parts(struct desk *desk, struct err *err)
{
    const struct conf *conf = desk->conf;
    struct err why;
    /* without a key, ids are matched by the journal alone */
    if (keys_read(conf->state_dir, &desk->keys, &why) < 0)
        log_error("%s; no signature of an id can be checked", why.text);
    if (conf->reports.answer && fsio_read_file(conf->reports.answer, &desk->own_text, err) < 0)
        return -1;
    tzset();
    if (algorithms_load(err) < 0 || mail_preload(err) < 0 || signature_load(err) < 0)
        return -1;
    return post_open(&desk->post, conf, err);
}

static int load(const struct role_env *env, void **data, struct err *err)
{
    struct desk *desk = calloc(1, sizeof *desk);
    if (desk == NULL)
        return err_set(err, "out of memory");
    desk->conf = env->conf;
    desk->post.incoming_fd = -1;
    desk->own_text = BUF_INIT(ANSWER_OWN_TEXT_MAX);
    if (load_parts(desk, err) < 0) {
        unload(desk);
        return -1;
    }
    *data = desk;
    return 0;
}

static void sandbox(const struct role_env *env, struct sandbox *box)
{
    static const char *const folders[] = {REPORTS_DIR, "incoming", "queue"};
    static const char *const audited[] = {"quarantine", "kept", "corrupt"};
    box->allow =
        SANDBOX_FILES | SANDBOX_FORK | SANDBOX_NEST | SANDBOX_ACCEPT | SANDBOX_UNIX_CONNECT;
    box->memory_limit = MEMORY_MAX;
    box->files_limit = FILES_MAX;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        sandbox_path_in(box, env->conf->state_dir, folders[i], SANDBOX_WRITE);
    sandbox_path_in(box, env->conf->state_dir, "journal", SANDBOX_READ);
    sandbox_path_in(box, env->conf->state_dir, "bayes", SANDBOX_READ);
    for (size_t i = 0; i < sizeof audited / sizeof audited[0]; i++)
        sandbox_path_in(box, env->conf->state_dir, audited[i], SANDBOX_READ);
    sandbox_path_in(box, env->conf->state_dir, SENDERS_FOLDER, SANDBOX_READ);
}

int main(int argc, char **argv)
{
    static const struct role role = {
        .name = "reports", .load = load, .sandbox = sandbox, .serve = serve, .unload = unload};
    return role_main(argc, argv, &role);
}
