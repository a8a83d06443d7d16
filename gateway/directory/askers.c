#include "gateway/directory/askers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"

#define STOP_SECONDS 3

struct worker {
    struct askers *askers;
    void *asker; /* of ops->open() */
    pthread_t thread;
    bool running;
};

struct askers {
    const struct source *source;
    const struct source_ops *ops;
    struct worker *workers;
    unsigned n_workers;
    int wake_fd;
    pthread_mutex_t lock;
    pthread_cond_t work;
    /* under the lock */
    struct asking *first, *last; /* in line */
    struct asking *answered;
    bool stopping;
    /* the loop's own */
    size_t open;
    uint64_t asked, failed;
    int64_t rest_until; /* monotonic milliseconds */
    int64_t rest;
    bool probing; /* the one question of a source that rests is under way */
    char trouble[FINDING_NOTE_SIZE];
    time_t trouble_since;
};

/* --- threads --- */

/* Waits for a question; NULL: it is time to stop. */
static struct asking *next_question(struct askers *a)
{
    pthread_mutex_lock(&a->lock);
    while (a->first == NULL && !a->stopping)
        pthread_cond_wait(&a->work, &a->lock);
    struct asking *q = a->stopping ? NULL : a->first;
    if (q) {
        a->first = q->next;
        if (a->first == NULL)
            a->last = NULL;
    }
    pthread_mutex_unlock(&a->lock);
    return q;
}

static void put_answer(struct askers *a, struct asking *q)
{
    pthread_mutex_lock(&a->lock);
    q->next = a->answered;
    a->answered = q;
    pthread_mutex_unlock(&a->lock);
    fsio_wake(a->wake_fd);
}

static bool is_wanted(const struct asking *q)
{
    return __atomic_load_n(&q->since_us, __ATOMIC_RELAXED) != 0;
}

static void *work(void *data)
{
    struct worker *w = data;
    struct asking *q;
    while ((q = next_question(w->askers)) != NULL) {
        int64_t begun = clock_us();
        if (is_wanted(q))
            w->askers->ops->ask(w->asker, str_of(q->key), &q->finding);
        else
            finding_away(&q->finding, false, "nobody waits for it any more");
        q->took_us = clock_us() - begun;
        put_answer(w->askers, q);
    }
    return NULL;
}

static void free_all(struct askers *a)
{
    for (unsigned i = 0; i < a->n_workers; i++)
        a->ops->close(a->workers[i].asker);
    while (a->first) {
        struct asking *q = a->first;
        a->first = q->next;
        free(q);
    }
    while (a->answered) {
        struct asking *q = a->answered;
        a->answered = q->next;
        free(q);
    }
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->work);
    free(a->workers);
    free(a);
}

struct askers *askers_new(const struct source *source, struct err *err)
{
    const struct source_ops *ops = source->ops;
    unsigned n = ops->askers(&source->place);
    struct askers *a = calloc(1, sizeof *a);
    struct worker *workers = calloc(n + 1, sizeof *workers);
    if (a == NULL || workers == NULL) {
        free(a);
        free(workers);
        err_set(err, "directory: out of memory");
        return NULL;
    }
    *a = (struct askers){.source = source, .ops = ops, .workers = workers, .wake_fd = -1};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->work, NULL);
    for (; a->n_workers < n; a->n_workers++) {
        struct worker *w = &workers[a->n_workers];
        *w = (struct worker){.askers = a, .asker = ops->open(&source->place, err)};
        if (w->asker == NULL) {
            free_all(a);
            return NULL;
        }
    }
    return a;
}

int askers_start(struct askers *a, int wake_fd, struct err *err)
{
    pthread_attr_t attributes;
    a->wake_fd = wake_fd;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, ASKERS_STACK);
    int result = 0;
    for (unsigned i = 0; i < a->n_workers && result == 0; i++) {
        result = pthread_create(&a->workers[i].thread, &attributes, work, &a->workers[i]);
        a->workers[i].running = result == 0;
    }
    pthread_attr_destroy(&attributes);
    errno = result;
    return result == 0 ? 0 : err_sys(err, "cannot start a thread for the directory");
}

bool askers_stop(struct askers **askers)
{
    struct askers *a = *askers;
    struct timespec until;
    bool ended = true;
    if (a == NULL)
        return true;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    for (unsigned i = 0; i < a->n_workers; i++) {
        struct worker *w = &a->workers[i];
        if (w->running && pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
            ended = false;
        else
            w->running = false;
    }
    if (!ended)
        return false;
    *askers = NULL;
    free_all(a);
    return true;
}

/* --- the loop's side --- */

bool askers_willing(const struct askers *a)
{
    if (a->n_workers == 0)
        return false;
    return a->rest == 0 || (clock_ms() >= a->rest_until && !a->probing);
}

struct asking *askers_ask(struct askers *a, struct str key, void *owner)
{
    struct asking *q = a->open < ASKERS_LINE_MAX ? calloc(1, sizeof *q) : NULL;
    if (q == NULL || !str_copy(key, q->key, sizeof q->key)) {
        free(q);
        return NULL;
    }
    q->owner = owner;
    q->since_us = clock_us();
    a->open++;
    a->asked++;
    a->probing = a->rest > 0;
    pthread_mutex_lock(&a->lock);
    if (a->last)
        a->last->next = q;
    else
        a->first = q;
    a->last = q;
    pthread_cond_signal(&a->work);
    pthread_mutex_unlock(&a->lock);
    return q;
}

void askers_leave(struct asking *q, bool wanted)
{
    q->owner = NULL;
    if (!wanted)
        __atomic_store_n(&q->since_us, 0, __ATOMIC_RELAXED);
}

static void note_result(struct askers *a, const struct asking *q)
{
    char title[SOURCE_TITLE_SIZE];
    const struct finding *f = &q->finding;
    bool broken = f->said == SAID_AWAY && f->broken;
    a->probing = false;
    if (!broken && f->said == SAID_AWAY)
        return; /* says nothing of the source */
    source_title(a->source, title);
    if (!broken) {
        if (a->trouble[0])
            log_info("%s answers again", title);
        a->trouble[0] = '\0';
        a->trouble_since = 0;
        a->rest = 0;
        return;
    }
    a->failed++;
    if (a->trouble[0] == '\0') {
        log_warning("%s can't be asked: %s; what is known of it serves, others get 451", title,
                    f->note);
        a->trouble_since = time(NULL);
    }
    str_copy(str_of(f->note), a->trouble, sizeof a->trouble);
    if (clock_ms() < a->rest_until)
        return; /* asked before the rest began */
    a->rest = a->rest == 0 ? ASKERS_REST_FIRST : a->rest * 2;
    if (a->rest > ASKERS_REST_MAX)
        a->rest = ASKERS_REST_MAX;
    a->rest_until = clock_ms() + a->rest;
}

struct asking *askers_collect(struct askers *a)
{
    pthread_mutex_lock(&a->lock);
    struct asking *q = a->answered;
    if (q)
        a->answered = q->next;
    pthread_mutex_unlock(&a->lock);
    if (q == NULL)
        return NULL;
    q->next = NULL;
    a->open--;
    note_result(a, q);
    return q;
}

const struct source *askers_source(const struct askers *a)
{
    return a->source;
}

void askers_state(const struct askers *a, struct askers_state *state)
{
    *state = (struct askers_state){.threads = a->n_workers,
                                   .open = a->open,
                                   .asked = a->asked,
                                   .failed = a->failed,
                                   .resting = a->rest > 0,
                                   .trouble_since = a->trouble_since};
    str_copy(str_of(a->trouble), state->trouble, sizeof state->trouble);
}
