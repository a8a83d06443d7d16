#include "gateway/edge/scan.h"

#include <event2/event_struct.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/workers.h"
#include "gateway/edge/answers.h"
#include "gateway/loop.h"
#include "gateway/resolver/client.h"

#define PATH_SIZE      128
#define SCANS_A_WORKER 2 /* one being worked on, one ready for it */
/* Messages that wait for the DNS beside those that are worked on, and bytes of what is known for
 * them; those beyond keep their place among those that are worked on. */
#define ASIDE_MAX       2000
#define ASIDE_KNOWN_MAX ((size_t)64 * 1024 * 1024)
/* So often content may put a message off; after that it is judged with what is known: SPF's ten
 * look-ups, one behind the other, and the rounds of rules. A large one takes its time to read. */
#define TIMES_MAX       16
#define TIMES_LARGE_MAX 6
#define LARGE           ((uint64_t)4 * 1024 * 1024)

struct step {
    struct scan *scan;
    enum step_result result;
    bool open; /* the answer is awaited */
    int fd;    /* -1 while it waits for the DNS */
    struct event readable;
    struct buf reply;
};

enum scan_state { IN_LINE, RUNNING, FINISHED };

struct scan {
    struct line_place place;  /* first: a place in the line is its scan */
    struct scan *prev, *next; /* all of them, for the time limits */
    struct scanner *scanner;
    enum scan_state state;
    bool waits; /* content has put it off, until the DNS has answered */
    bool aside; /* it has given up its place among those that are worked on */
    struct scan *back_prev, *back_next;
    bool back; /* the DNS has answered: it waits for a place */
    struct answers answers;
    unsigned times_max;
    enum scan_result result;
    time_t since;
    int fd;
    struct buf request;
    struct step steps[SCAN_STEPS];
    struct event finished;
    scan_done *done;
    void *data;
};

struct scanner {
    struct event_base *base;
    const struct conf *conf;
    char path[SCAN_STEPS][PATH_SIZE];
    uint64_t answered[SCAN_STEPS];
    bool no_resolver; /* was not there the last time */
    struct line line;
    struct scan *first;
    size_t running, running_max; /* but for those that are aside */
    size_t aside, known;
    struct scan *back_first, *back_last; /* they go before the line */
    struct buf incoming;
};

static const char *step_name(enum scan_step step)
{
    static const char *const names[] = {"content", "antivirus", "avlink"};
    return names[step];
}

static size_t scans_limit(const struct conf *conf)
{
    unsigned content = workers_content(conf), antivirus = workers_antivirus(conf);
    if (conf->smtp.scans_limit)
        return conf->smtp.scans_limit;
    return (size_t)SCANS_A_WORKER * (content > antivirus ? content : antivirus);
}

struct scanner *scanner_open(struct event_base *base, const struct conf *conf, struct err *err)
{
    struct scanner *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    s->base = base;
    s->conf = conf;
    s->running_max = scans_limit(conf);
    s->line.limit = conf->smtp.scan_wait_limit;
    buf_init(&s->incoming, IPC_MSG_MAX);
    for (int i = 0; i < SCAN_STEPS; i++)
        if (!ipc_path(conf->run_dir, step_name(i), s->path[i], PATH_SIZE)) {
            err_set(err, "run_dir %s is too long for a socket's path", conf->run_dir);
            free(s);
            return NULL;
        }
    return s;
}

void scanner_close(struct scanner **scanner)
{
    if (*scanner == NULL)
        return;
    buf_release(&(*scanner)->incoming);
    free(*scanner);
    *scanner = NULL;
}

uint64_t scanner_answered(const struct scanner *scanner, enum scan_step step)
{
    return scanner->answered[step];
}

int scan_fd(const struct scan *scan)
{
    return scan->fd;
}

static void run(struct scan *scan);
static void go_on(struct scan *scan);

/* --- those that wait for the DNS --- */

static void back_enter(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    scan->back = true;
    scan->back_prev = s->back_last;
    if (s->back_last)
        s->back_last->back_next = scan;
    else
        s->back_first = scan;
    s->back_last = scan;
}

static void back_leave(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    if (!scan->back)
        return;
    if (scan->back_prev)
        scan->back_prev->back_next = scan->back_next;
    else
        s->back_first = scan->back_next;
    if (scan->back_next)
        scan->back_next->back_prev = scan->back_prev;
    else
        s->back_last = scan->back_prev;
    scan->back = false;
    scan->back_prev = scan->back_next = NULL;
}

static void run_next(struct scanner *s)
{
    while (s->running < s->running_max) {
        if (s->back_first) {
            go_on(s->back_first);
            continue;
        }
        struct line_place *place = line_take(&s->line);
        if (place == NULL)
            return;
        run((struct scan *)place);
    }
}

/* It is not worked on any more. */
static void stop_running(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    answers_release(&scan->answers);
    back_leave(scan);
    if (scan->state != RUNNING)
        return;
    if (scan->aside)
        s->aside--;
    else
        s->running--;
}

/* Nobody works on it: the next in line may have its place. */
static void step_aside(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    bool others = scan->steps[SCAN_ANTIVIRUS].open || scan->steps[SCAN_AVLINK].open;
    if (!scan->waits || scan->aside || others || s->aside >= ASIDE_MAX ||
        s->known >= ASIDE_KNOWN_MAX)
        return;
    scan->aside = true;
    s->running--;
    s->aside++;
    run_next(s);
}

/* `done` is called from the loop, so that nobody's call is entered from two sides. */
static void finish(struct scan *scan, enum scan_result result)
{
    stop_running(scan);
    scan->state = FINISHED;
    scan->result = result;
    event_active(&scan->finished, EV_TIMEOUT, 1);
}

static void on_finished(evutil_socket_t fd, short what, void *data)
{
    struct scan *scan = data;
    struct scan_outcome outcome = {.result = scan->result};
    for (int i = 0; i < SCAN_STEPS; i++) {
        outcome.steps[i].result = scan->steps[i].result;
        outcome.steps[i].reply = buf_str(&scan->steps[i].reply);
    }
    run_next(scan->scanner);
    scan->done(scan->data, &outcome);
}

static void step_hang_up(struct step *step)
{
    if (step->fd >= 0)
        event_del(&step->readable);
    fsio_close_quiet(&step->fd);
}

static void step_close(struct step *step)
{
    if (!step->open)
        return;
    step->open = false;
    step_hang_up(step);
}

static void step_end(struct step *step, enum step_result result)
{
    struct scan *scan = step->scan;
    bool others = false;
    step_close(step);
    step->result = result;
    for (int i = 0; i < SCAN_STEPS; i++)
        others |= scan->steps[i].open;
    if (!others)
        finish(scan, SCAN_DONE);
    else
        step_aside(scan);
}

/* Content has put the message off; false: it could not. */
static bool put_off(struct step *step, struct str reply)
{
    struct scan *scan = step->scan;
    const struct conf_resolver *conf = &scan->scanner->conf->resolver;
    uint32_t open;
    struct str fresh;
    if (step != &scan->steps[SCAN_CONTENT] || scan->answers.fd < 0 ||
        scan->answers.times == scan->times_max || !scan_waits_get(reply, &open, &fresh))
        return false;
    step_hang_up(step);
    scan->waits = true;
    answers_await(&scan->answers, scan->scanner->base, open, fresh,
                  (int64_t)conf->time_per_message * 1000 + RESOLVER_GRACE_MS);
    step_aside(scan);
    return true;
}

static void on_answer(evutil_socket_t fd, short what, void *data)
{
    struct step *step = data;
    struct scanner *s = step->scan->scanner;
    enum scan_step which = (enum scan_step)(step - step->scan->steps);
    struct err err = {""};
    int got = ipc_recv(step->fd, &s->incoming, NULL, &err);
    if (got == 0)
        return;
    if (got == 1 && put_off(step, buf_str(&s->incoming)))
        return;
    if (got == 1) {
        buf_add(&step->reply, buf_str(&s->incoming));
        s->answered[which]++;
        step_end(step, buf_ok(&step->reply) ? STEP_ANSWERED : STEP_FAILED);
        return;
    }
    log_warning("%s: a worker gave no answer: %s", step_name(which),
                got == IPC_EOF ? "it went away" : err.text);
    step_end(step, got == IPC_EOF ? STEP_DIED : STEP_FAILED);
}

/* A connection to the resolver with the message's budget, for content, which can open none; -1:
 * there is none now. */
static int open_budget(struct scanner *s)
{
    const struct conf_resolver *conf = &s->conf->resolver;
    const struct resolver_budget budget = {.kind = RESOLVER_MESSAGE,
                                           .queries = conf->queries_per_message,
                                           .milliseconds = conf->time_per_message * 1000};
    struct err err = {""};
    if (!conf->enabled)
        return -1;
    int fd = resolver_connect(s->conf->run_dir, &budget, &err);
    if (fd < 0 && !s->no_resolver)
        log_warning("resolver can't be asked: %s; messages are judged without the DNS", err.text);
    s->no_resolver = fd < 0;
    return fd;
}

/* Whom content may ask, and what is known already. */
static int add_dns(struct scan *scan, struct ipc_fds *fds, int *known, struct err *err)
{
    struct answers *answers = &scan->answers;
    if (answers->times == 0)
        answers_open(answers, open_budget(scan->scanner));
    else if (answers->times == scan->times_max)
        shutdown(answers->fd, SHUT_RDWR); /* nothing more */
    if (answers->fd < 0)
        return 0;
    fds->fd[fds->n++] = answers->fd;
    if (answers->times == 0)
        return 0;
    *known = answers_file(answers, err);
    if (*known < 0)
        return -1;
    fds->fd[fds->n++] = *known;
    return 0;
}

static int send_request(struct scan *scan, enum scan_step which, int to, struct err *err)
{
    struct ipc_fds fds = {.fd = {scan->fd}, .n = 1};
    int known = -1;
    if (which == SCAN_CONTENT && add_dns(scan, &fds, &known, err) < 0)
        return -1;
    int sent = ipc_send(to, buf_str(&scan->request), &fds, err);
    fsio_close_quiet(&known);
    return sent;
}

static bool step_ask(struct scan *scan, enum scan_step which)
{
    struct scanner *s = scan->scanner;
    struct step *step = &scan->steps[which];
    struct err err = {""};
    step->result = STEP_FAILED;
    step->fd = ipc_connect(s->path[which], &err);
    if (step->fd >= 0 && send_request(scan, which, step->fd, &err) == 1) {
        event_assign(&step->readable, s->base, step->fd, EV_READ | EV_PERSIST, on_answer, step);
        step->open = loop_add(&step->readable, NULL, &err) == 0;
    }
    if (!step->open) {
        log_warning("%s can't be asked: %s", step_name(which), err.text);
        fsio_close_quiet(&step->fd);
    }
    return step->open;
}

static void run(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    bool asked = false;
    scan->state = RUNNING;
    scan->since = clock_seconds();
    s->running++;
    asked |= step_ask(scan, SCAN_CONTENT);
    if (conf_has_inside(&s->conf->antivirus))
        asked |= step_ask(scan, SCAN_ANTIVIRUS);
    if (conf_has_outside(&s->conf->antivirus))
        asked |= step_ask(scan, SCAN_AVLINK);
    if (!asked)
        finish(scan, SCAN_DONE);
}

/* The DNS has answered, and there is a place: content is asked again. */
static void go_on(struct scan *scan)
{
    struct scanner *s = scan->scanner;
    back_leave(scan);
    if (scan->aside) {
        scan->aside = false;
        s->aside--;
        s->running++;
    }
    scan->waits = false;
    if (!step_ask(scan, SCAN_CONTENT))
        step_end(&scan->steps[SCAN_CONTENT], STEP_FAILED);
}

static void on_answers(void *data)
{
    struct scan *scan = data;
    struct scanner *s = scan->scanner;
    if (scan->aside && s->running >= s->running_max)
        back_enter(scan);
    else
        go_on(scan);
}

static void enter_line(struct scan *scan, struct line_queue *queue)
{
    struct line_place *out = line_enter(&scan->scanner->line, queue, &scan->place);
    if (out)
        finish((struct scan *)out, SCAN_BUSY);
}

struct scan *scan_start(struct scanner *s, struct line_queue *queue,
                        const struct scan_request *request, int fd, scan_done *done, void *data)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL) {
        close(fd);
        return NULL;
    }
    *scan =
        (struct scan){.scanner = s, .since = clock_seconds(), .fd = fd, .done = done, .data = data};
    evtimer_assign(&scan->finished, s->base, on_finished, scan);
    answers_init(&scan->answers, &s->incoming, &s->known, on_answers, scan);
    scan->times_max = request->size > LARGE ? TIMES_LARGE_MAX : TIMES_MAX;
    buf_init(&scan->request, IPC_MSG_MAX);
    scan_request_put(&scan->request, request);
    for (int i = 0; i < SCAN_STEPS; i++) {
        scan->steps[i] = (struct step){.scan = scan, .fd = -1};
        buf_init(&scan->steps[i].reply, IPC_MSG_MAX);
    }
    scan->next = s->first;
    if (s->first)
        s->first->prev = scan;
    s->first = scan;
    if (!buf_ok(&scan->request))
        finish(scan, SCAN_NO_MEMORY);
    else if (s->running < s->running_max && s->line.n == 0)
        run(scan);
    else
        enter_line(scan, queue);
    return scan;
}

void scan_free(struct scanner *s, struct scan **scan)
{
    struct scan *gone = *scan;
    if (gone == NULL)
        return;
    *scan = NULL;
    line_leave(&s->line, &gone->place);
    for (int i = 0; i < SCAN_STEPS; i++) {
        step_close(&gone->steps[i]);
        buf_release(&gone->steps[i].reply);
    }
    stop_running(gone);
    event_del(&gone->finished);
    buf_release(&gone->request);
    fsio_close_quiet(&gone->fd);
    if (gone->prev)
        gone->prev->next = gone->next;
    else
        s->first = gone->next;
    if (gone->next)
        gone->next->prev = gone->prev;
    free(gone);
    run_next(s);
}

static void give_up(struct scan *scan)
{
    if (scan->state == IN_LINE) {
        line_leave(&scan->scanner->line, &scan->place);
        finish(scan, SCAN_BUSY);
        return;
    }
    for (int i = 0; i < SCAN_STEPS; i++)
        if (scan->steps[i].open) {
            log_warning("%s: no answer within %u s", step_name(i),
                        scan->scanner->conf->smtp.scan_timeout);
            step_end(&scan->steps[i], STEP_FAILED);
        }
}

void scanner_tick(struct scanner *s)
{
    time_t limit = clock_seconds() - s->conf->smtp.scan_timeout;
    int64_t now = clock_ms();
    for (struct scan *scan = s->first; scan; scan = scan->next)
        if (scan->state != FINISHED && scan->since < limit)
            give_up(scan);
        else if (answers_late(&scan->answers, now))
            on_answers(scan);
}
