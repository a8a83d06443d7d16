#include "gateway/delivery/answers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/client/workers.h"

#define TEXT_MAX (ERR_TEXT_MAX + SPOOL_DETAIL_MAX) /* of one that failed */

struct waiting {
    struct waiting *next;
    struct answer_to to;
    bool done, written;
    bool failed; /* it may not be on the disk: the batch says why */
    int fd;
    size_t n;
    char text[];
};

struct batch {
    struct waiting *first, **last;
    size_t written;
    size_t files;   /* of these: are open */
    struct err why; /* one of them failed */
};

struct answers {
    struct work work; /* first: a work is its answers */
    struct workers *workers;
    struct spool *spool;
    answers_say *say;
    void *data;
    struct batch coming;
    struct batch batch; /* while busy: the thread's */
    bool busy;
};

static void batch_init(struct batch *batch)
{
    *batch = (struct batch){.last = &batch->first};
}

struct answers *answers_start(struct event_base *base, struct spool *spool, answers_say *say,
                              void *data, struct err *err)
{
    struct answers *a = calloc(1, sizeof *a);
    if (a == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    *a = (struct answers){.spool = spool, .say = say, .data = data};
    batch_init(&a->coming);
    batch_init(&a->batch);
    a->workers = workers_start(base, 1, err);
    if (a->workers == NULL)
        answers_stop(&a);
    return a;
}

void answers_stop(struct answers **answers)
{
    struct answers *a = *answers;
    *answers = NULL;
    if (a == NULL)
        return;
    answers_go(a);
    workers_stop(&a->workers); /* what comes of a batch, the next one, is run, too */
    free(a);
}

int answers_add(struct answers *a, struct answer_to to, const struct answer *answer,
                struct err *err)
{
    struct batch *batch = &a->coming;
    struct waiting *w = calloc(1, sizeof *w + answer->text.n);
    int fd = answer->fd;
    if (w == NULL || batch->files >= ANSWERS_FILES)
        fsio_close_quiet(&fd);
    if (w == NULL)
        return err_set(err, "out of memory for an answer");
    w->to = to;
    w->done = answer->done;
    w->written = answer->written;
    w->fd = fd;
    w->n = answer->text.n;
    if (w->n)
        memcpy(w->text, answer->text.s, w->n);
    *batch->last = w;
    batch->last = &w->next;
    batch->written += w->written;
    batch->files += fd >= 0;
    return 0;
}

/* --- in the thread --- */

static void sync_each(struct batch *batch)
{
    for (struct waiting *w = batch->first; w; w = w->next)
        if (w->written && fdatasync(w->fd) < 0) {
            w->failed = true;
            err_sys(&batch->why, "cannot write it to the disk");
        }
}

static void sync_all(struct spool *spool, struct batch *batch)
{
    if (spool_sync_all(spool, &batch->why) == 0)
        return;
    for (struct waiting *w = batch->first; w; w = w->next)
        w->failed = w->written;
}

static void run(struct work *work)
{
    struct answers *a = (struct answers *)work;
    if (a->batch.written == 0)
        return;
    if (a->batch.files == a->batch.written)
        sync_each(&a->batch);
    else
        sync_all(a->spool, &a->batch);
}

/* --- in the loop --- */

static void say_failed(const struct answers *a, const struct waiting *w)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    buf_addf(&text, "%.*s, but after a power cut that may be forgotten: %s",
             STR_ARG(str_n(w->text, w->n)), a->batch.why.text);
    a->say(a->data, w->to, false,
           buf_ok(&text) ? buf_str(&text) : STR("that may not be on the disk; see the log"));
    buf_release(&text);
}

static void done(struct work *work)
{
    struct answers *a = (struct answers *)work;
    if (a->batch.why.text[0])
        log_error("%s; after a power cut, what was ordered about messages may be forgotten",
                  a->batch.why.text);
    for (struct waiting *w = a->batch.first, *next; w; w = next) {
        next = w->next;
        if (w->failed)
            say_failed(a, w);
        else
            a->say(a->data, w->to, w->done, str_n(w->text, w->n));
        fsio_close_quiet(&w->fd);
        free(w);
    }
    batch_init(&a->batch);
    a->busy = false;
    answers_go(a);
}

void answers_go(struct answers *a)
{
    if (a->busy || a->coming.first == NULL)
        return;
    a->batch = a->coming;
    batch_init(&a->coming);
    a->busy = true;
    a->work = (struct work){.run = run, .done = done};
    workers_give(a->workers, &a->work);
}
