#include "gateway/client/workers.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fsio.h"

#define THREADS_MAX 32

struct work_list {
    struct work *first;
    struct work **end;
};

struct workers {
    pthread_t threads[THREADS_MAX];
    unsigned n_threads;
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct work_list todo;
    struct work_list finished;
    bool stopping;
    unsigned busy; /* the loop's own count */
    int wake_fd;
    struct event *wake;
};

static void list_init(struct work_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void list_add(struct work_list *list, struct work *work)
{
    work->next = NULL;
    *list->end = work;
    list->end = &work->next;
}

static struct work *list_take(struct work_list *list)
{
    struct work *work = list->first;
    if (work)
        list->first = work->next;
    if (list->first == NULL)
        list->end = &list->first;
    return work;
}

static void *work_on(void *data)
{
    struct workers *workers = data;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct work *work = list_take(&workers->todo);
        if (work == NULL && workers->stopping)
            break;
        if (work == NULL) {
            pthread_cond_wait(&workers->given, &workers->lock);
            continue;
        }
        pthread_mutex_unlock(&workers->lock);
        work->run(work);
        pthread_mutex_lock(&workers->lock);
        bool was_empty = workers->finished.first == NULL;
        list_add(&workers->finished, work);
        if (was_empty)
            fsio_wake(workers->wake_fd);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

static void call_done(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct work *work = workers->finished.first;
    list_init(&workers->finished);
    pthread_mutex_unlock(&workers->lock);
    while (work) {
        struct work *next = work->next;
        workers->busy--;
        work->done(work);
        work = next;
    }
}

static void on_wake(evutil_socket_t fd, short what, void *data)
{
    uint64_t n;
    ssize_t ignored = read(fd, &n, sizeof n);
    (void)ignored;
    call_done(data);
}

/* Signals are for the loop's thread. */
static int start_threads(struct workers *workers, unsigned n, struct err *err)
{
    sigset_t all, before;
    int error = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; workers->n_threads < n && workers->n_threads < THREADS_MAX; workers->n_threads++) {
        error = pthread_create(&workers->threads[workers->n_threads], NULL, work_on, workers);
        if (error)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return error ? err_sys(err, "cannot start a thread") : 0;
}

struct workers *workers_start(struct event_base *base, unsigned threads, struct err *err)
{
    struct workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL) {
        err_set(err, "out of memory for threads");
        return NULL;
    }
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->given, NULL);
    list_init(&workers->todo);
    list_init(&workers->finished);
    workers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (workers->wake_fd >= 0)
        workers->wake = event_new(base, workers->wake_fd, EV_READ | EV_PERSIST, on_wake, workers);
    if (workers->wake == NULL || event_add(workers->wake, NULL) < 0) {
        err_sys(err, "cannot make an event for threads");
        workers_stop(&workers);
    } else if (start_threads(workers, threads, err) < 0) {
        workers_stop(&workers);
    }
    return workers;
}

void workers_give(struct workers *workers, struct work *work)
{
    workers->busy++;
    pthread_mutex_lock(&workers->lock);
    list_add(&workers->todo, work);
    pthread_cond_signal(&workers->given);
    pthread_mutex_unlock(&workers->lock);
}

unsigned workers_busy(const struct workers *workers)
{
    return workers->busy;
}

/* What `done` has given when no thread was left for it. */
static void run_rest(struct workers *workers)
{
    struct work *work;
    while ((work = list_take(&workers->todo)) != NULL) {
        work->run(work);
        work->done(work);
    }
}

void workers_stop(struct workers **workers)
{
    struct workers *w = *workers;
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->given);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    call_done(w);
    run_rest(w);
    if (w->wake)
        event_free(w->wake);
    fsio_close_quiet(&w->wake_fd);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->given);
    free(w);
    *workers = NULL;
}
