#include "tools/learn_job.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "tools/learn_reader.h"
#include "tools/workers.h"

/* A window ends when it has so many pieces, or so many bytes of them. */
#define WINDOW_PIECES 4096
#define WINDOW_BYTES  ((uint64_t)64 * 1024 * 1024)

/* The messages of a window, in the order of its pieces. */
struct window {
    size_t from, to; /* pieces, `to` excluded */
    uint64_t *digests;
    bool *known;
    size_t n, cap;
    size_t starts[WINDOW_PIECES + 1]; /* where a piece's messages are */
    bool troubled[WINDOW_PIECES];     /* something of it can't be read; it is told later */
    size_t work[WINDOW_PIECES];       /* pieces with something to do, counted from `from` */
    size_t n_work;
};

struct run {
    struct learn_job *job;
    struct learn_client *client;
    struct known *known;        /* NULL: there is no table */
    struct learn_reader reader; /* the children's; each has a copy */
    struct learn_record record;
    struct window window;
    enum learn_want want;
    bool ask; /* of the last messages some were known: these may be too */
    uint64_t bytes;
    bool failed; /* nothing can be taught any more: err says why */
    struct err *err;
};

static const char *path_of(const struct run *run, size_t piece)
{
    const struct pieces *pieces = &run->job->pieces;
    return pieces->files.paths[pieces->list[piece].file];
}

static void complain(struct run *run, size_t piece, struct str text)
{
    struct err err;
    const char *path = path_of(run, piece);
    bool named = str_find(text, str_of(path)) != STR_NONE;
    run->job->failed++;
    err_set(&err, "%s%s%.*s", named ? "" : path, named ? "" : ": ", STR_ARG(text));
    tool_fail("learn", &err);
}

/* The client reports later than it was given: by then only the number is known, of the piece. */
static void report(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
    struct run *run = data;
    if (answer == LEARN_ANSWER_DONE) {
        run->job->done++;
        run->job->done_spam += learn_job_class(run->job, number) == LEARN_SPAM;
    } else if (answer == LEARN_ANSWER_KNOWN)
        run->job->known++;
    else if (answer == LEARN_ANSWER_CAPPED)
        run->job->capped++;
    else
        complain(run, number, str_of(text));
}

static void piece_done(struct run *run, size_t piece)
{
    struct learn_job *job = run->job;
    run->bytes += job->pieces.list[piece].to - job->pieces.list[piece].from;
    tool_progress_move(&job->bar, run->bytes,
                       job->done + job->known + job->capped + job->failed + job->passed);
}

/* The signals are blocked: they wait here. */
static void block_signals(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, before);
}

static bool is_stopped(void *data)
{
    static const struct timespec now = {0};
    struct run *run = data;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    run->job->stopped = run->job->stopped || sigtimedwait(&set, NULL, &now) > 0;
    return run->job->stopped || run->failed;
}

/* ---- which messages are known */

static void look(void *data, size_t job, struct buf *result)
{
    struct run *run = data;
    learn_read(&run->reader, &run->job->pieces, run->window.from + job, WANT_DIGESTS, NULL, 0,
               result);
}

static int grow(struct window *window)
{
    size_t cap = window->cap ? 2 * window->cap : 4096;
    uint64_t *digests = reallocarray(window->digests, cap, sizeof *digests);
    if (digests == NULL)
        return -1;
    window->digests = digests;
    bool *known = reallocarray(window->known, cap, sizeof *known);
    if (known == NULL)
        return -1;
    window->known = known;
    window->cap = cap;
    return 0;
}

static int add_digest(struct window *window, uint64_t digest)
{
    if (window->n == window->cap && grow(window) < 0)
        return -1;
    window->digests[window->n++] = digest;
    return 0;
}

static void looked(void *data, size_t job, struct str result, int died)
{
    struct run *run = data;
    struct window *window = &run->window;
    window->starts[job] = window->n;
    window->troubled[job] = died != 0;
    while (!run->failed && learn_record_next(&result, &run->record)) {
        if (run->record.kind != RECORD_DIGEST)
            window->troubled[job] = true;
        else if (add_digest(window, run->record.features.digest) < 0) {
            err_set(run->err, "out of memory");
            run->failed = true;
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Those of the pieces of that class. `sorted` and `answers` have room for all. */
static int ask_class(struct run *run, enum learn_class class, uint64_t *sorted, char *answers)
{
    struct window *window = &run->window;
    size_t n = 0, distinct = 0, pieces = window->to - window->from;
    for (size_t piece = 0; piece < pieces; piece++)
        if (learn_job_class(run->job, window->from + piece) == class)
            for (size_t i = window->starts[piece]; i < window->starts[piece + 1]; i++)
                sorted[n++] = window->digests[i];
    if (n == 0)
        return 0;
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0; i < n; i++)
        if (distinct == 0 || sorted[distinct - 1] != sorted[i])
            sorted[distinct++] = sorted[i];
    if (learn_ask(run->client, class, sorted, distinct, answers, run->err) < 0)
        return -1;
    for (size_t piece = 0; piece < pieces; piece++)
        if (learn_job_class(run->job, window->from + piece) == class)
            for (size_t i = window->starts[piece]; i < window->starts[piece + 1]; i++) {
                const uint64_t *found =
                    bsearch(&window->digests[i], sorted, distinct, sizeof *sorted, by_value);
                window->known[i] = answers[found - sorted] == LEARN_ASK_YES;
            }
    return 0;
}

static int ask_sorted(struct run *run, uint64_t *sorted, char *answers)
{
    const struct learn_job *job = run->job;
    if (!job->both)
        return ask_class(run, job->class, sorted, answers);
    if (ask_class(run, LEARN_HAM, sorted, answers) < 0)
        return -1;
    return ask_class(run, LEARN_SPAM, sorted, answers);
}

static int ask_all(struct run *run)
{
    uint64_t *sorted = calloc(run->window.n + 1, sizeof *sorted);
    char *answers = calloc(run->window.n + 1, 1);
    int result = -1;
    if (run->window.n == 0)
        result = 0;
    else if (sorted && answers)
        result = ask_sorted(run, sorted, answers);
    else
        err_set(run->err, "out of memory");
    free(sorted);
    free(answers);
    return result;
}

/* A piece of which all is known is done with. */
static void sort_out(struct run *run)
{
    struct window *window = &run->window;
    run->ask = false;
    for (size_t piece = 0; piece < window->to - window->from; piece++) {
        size_t known = 0, n = window->starts[piece + 1] - window->starts[piece];
        for (size_t i = 0; i < n; i++)
            known += window->known[window->starts[piece] + i];
        run->ask |= known > 0;
        run->job->known += known;
        if (known < n || window->troubled[piece])
            window->work[window->n_work++] = piece;
        else
            piece_done(run, window->from + piece);
    }
}

/* 1: stopped. */
static int find_known(struct run *run)
{
    struct window *window = &run->window;
    const struct workers_plan plan = {.n = window->to - window->from,
                                      .processes = run->job->processes,
                                      .data = run,
                                      .work = look,
                                      .done = looked,
                                      .stop = is_stopped};
    int result = workers_run(&plan, run->err);
    if (result != 0)
        return run->failed ? -1 : result;
    window->starts[plan.n] = window->n;
    if (ask_all(run) < 0)
        return -1;
    sort_out(run);
    return 0;
}

/* ---- taking apart, and teaching */

static void take(void *data, size_t job, struct buf *result)
{
    struct run *run = data;
    const struct window *window = &run->window;
    size_t piece = window->work[job], start = window->starts[piece];
    learn_read(&run->reader, &run->job->pieces, window->from + piece, run->want,
               window->known ? window->known + start : NULL, window->starts[piece + 1] - start,
               result);
}

static void teach(struct run *run, size_t piece)
{
    struct learn_job *job = run->job;
    const struct features *features = &run->record.features;
    const struct learn_source source = {
        .kind = run->want == WANT_ANSWERS ? LEARN_BY_SENT : LEARN_BY_BULK,
        .campaign = features->campaign,
    };
    if (learn_client_add(run->client, learn_job_class(job, piece), features, &source, piece,
                         run->err) < 0)
        run->failed = true;
}

static void note_sent(struct run *run)
{
    enum learn_answer answer;
    if (learn_sent(run->client, run->known, &run->record.keys, run->record.when, &answer,
                   run->err) < 0)
        run->failed = true;
    else if (answer == LEARN_ANSWER_DONE)
        run->job->done++;
    else
        run->job->known++;
}

static void taken(void *data, size_t job, struct str result, int died)
{
    struct run *run = data;
    size_t piece = run->window.from + run->window.work[job];
    if (died)
        complain(run, piece, STR("the process that read it ended; it is left out"));
    while (!run->failed && learn_record_next(&result, &run->record)) {
        if (run->record.kind == RECORD_MESSAGE || run->record.kind == RECORD_DIGEST)
            teach(run, piece);
        else if (run->record.kind == RECORD_KEYS)
            note_sent(run);
        else if (run->record.kind == RECORD_PROBLEM)
            complain(run, piece, run->record.text);
        else
            run->job->passed++;
    }
    piece_done(run, piece);
}

static void take_all(struct window *window)
{
    window->n_work = window->to - window->from;
    memset(window->starts, 0, sizeof window->starts);
    for (size_t piece = 0; piece < window->n_work; piece++)
        window->work[piece] = piece;
}

static void next_window(struct window *window, const struct pieces *pieces)
{
    uint64_t bytes = 0;
    window->from = window->to;
    window->n = window->n_work = 0;
    while (window->to < pieces->n && window->to - window->from < WINDOW_PIECES &&
           bytes < WINDOW_BYTES) {
        bytes += pieces->list[window->to].to - pieces->list[window->to].from;
        window->to++;
    }
}

/* 1: stopped. */
static int run_window(struct run *run)
{
    int result = 0;
    next_window(&run->window, &run->job->pieces);
    if (run->ask)
        result = find_known(run);
    else
        take_all(&run->window);
    const struct workers_plan plan = {.n = run->window.n_work,
                                      .processes = run->job->processes,
                                      .data = run,
                                      .work = take,
                                      .done = taken,
                                      .stop = is_stopped};
    if (result == 0)
        result = workers_run(&plan, run->err);
    return run->failed ? -1 : result;
}

static int run_all(struct run *run)
{
    struct learn_job *job = run->job;
    int result = 0;
    if (learn_known_open(run->client, job->conf, &run->known, run->err) < 0)
        return -1;
    if (run->known == NULL && (job->sent || job->only_known))
        return err_set(run->err, "the learner keeps no table of known addresses; its log says why");
    if (learn_record_init(&run->record, run->err) < 0 ||
        learn_reader_init(&run->reader, job->conf, run->known, run->err) < 0)
        return -1;
    run->ask = run->want != WANT_KEYS;
    while (result == 0 && run->window.to < job->pieces.n)
        result = run_window(run);
    /* what was taught stays, and a model is made of it, even when it was stopped or broke off */
    struct err later = {""};
    if (learn_client_finish(run->client, true, &job->summary, &later) < 0 ||
        (run->known && !learn_client_remote(run->client) && known_sync(run->known, &later) < 0))
        return result < 0 ? -1 : err_set(run->err, "%s", later.text);
    return result < 0 ? -1 : 0;
}

int learn_job_run(struct learn_job *job, const char *what, struct err *err)
{
    struct run *run = calloc(1, sizeof *run);
    sigset_t before;
    int result = -1;
    if (run == NULL)
        return err_set(err, "out of memory");
    run->job = job;
    run->err = err;
    run->want = job->sent                    ? WANT_KEYS
                : job->only_known            ? WANT_ANSWERS
                : job->class == LEARN_FORGET ? WANT_DIGESTS /* they are enough */
                                             : WANT_FEATURES;
    run->client = learn_client_open(job->conf, report, run, err);
    tool_progress_begin(&job->bar, what, job->pieces.bytes);
    job->bar.by_bytes = true;
    block_signals(&before);
    if (run->client)
        result = run_all(run);
    sigprocmask(SIG_SETMASK, &before, NULL);
    tool_progress_end(&job->bar);
    learn_client_close(&run->client);
    known_close(&run->known);
    learn_reader_free(&run->reader);
    learn_record_free(&run->record);
    free(run->window.digests);
    free(run->window.known);
    free(run);
    return result;
}
