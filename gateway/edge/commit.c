#include "gateway/edge/commit.h"

#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fsio.h"
#include "gateway/loop.h"

#define STACK_SIZE (256 * 1024)

struct queue {
    struct commit_job *first, *last;
};

struct committer {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue todo;  /* both under the lock */
    struct queue ready; /* worked on, not yet told */
    bool ending;
    int ready_fd; /* eventfd: something is ready */
    struct event readable;
    size_t n_threads;
    pthread_t threads[];
};

static void append(struct queue *q, struct commit_job *job)
{
    job->next = NULL;
    if (q->last)
        q->last->next = job;
    else
        q->first = job;
    q->last = job;
}

static struct commit_job *take(struct queue *q)
{
    struct commit_job *job = q->first;
    if (job) {
        q->first = job->next;
        if (q->first == NULL)
            q->last = NULL;
    }
    return job;
}

static void *work_on(void *data)
{
    struct committer *c = data;
    struct commit_job *job;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while ((job = take(&c->todo)) == NULL && !c->ending)
            pthread_cond_wait(&c->more, &c->lock);
        if (job == NULL)
            break;
        pthread_mutex_unlock(&c->lock);
        job->work(job);
        pthread_mutex_lock(&c->lock);
        bool first = c->ready.first == NULL;
        append(&c->ready, job);
        /* one waking serves all that get ready before the loop looks */
        if (first)
            fsio_wake(c->ready_fd);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void committer_tick(struct committer *c)
{
    struct commit_job *job;
    uint64_t count;
    pthread_mutex_lock(&c->lock);
    (void)!read(c->ready_fd, &count, sizeof count);
    struct queue ready = c->ready;
    c->ready = (struct queue){NULL, NULL};
    pthread_mutex_unlock(&c->lock);
    while ((job = take(&ready)) != NULL)
        job->finished(job);
}

static void on_ready(evutil_socket_t fd, short what, void *data)
{
    committer_tick(data);
}

static int start_threads(struct committer *c, unsigned n, struct err *err)
{
    pthread_attr_t attr;
    sigset_t all, before;
    int failed = pthread_attr_init(&attr);
    if (failed == 0)
        failed = pthread_attr_setstacksize(&attr, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (failed == 0 && c->n_threads < n) {
        failed = pthread_create(&c->threads[c->n_threads], &attr, work_on, c);
        if (failed == 0)
            c->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return failed == 0 ? 0 : err_set(err, "cannot start threads: %s", strerror(failed));
}

struct committer *committer_open(struct event_base *base, unsigned threads, struct err *err)
{
    struct committer *c = calloc(1, sizeof *c + threads * sizeof c->threads[0]);
    if (c == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->more, NULL);
    c->ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (c->ready_fd < 0) {
        err_sys(err, "cannot make an eventfd");
        free(c);
        return NULL;
    }
    event_assign(&c->readable, base, c->ready_fd, EV_READ | EV_PERSIST, on_ready, c);
    if (loop_add(&c->readable, NULL, err) < 0 || start_threads(c, threads, err) < 0)
        committer_close(&c);
    return c;
}

void committer_put(struct committer *c, struct commit_job *job)
{
    pthread_mutex_lock(&c->lock);
    append(&c->todo, job);
    pthread_cond_signal(&c->more);
    pthread_mutex_unlock(&c->lock);
}

void committer_close(struct committer **committer)
{
    struct committer *c = *committer;
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_cond_broadcast(&c->more);
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < c->n_threads; i++)
        pthread_join(c->threads[i], NULL);
    event_del(&c->readable);
    fsio_close_quiet(&c->ready_fd);
    pthread_cond_destroy(&c->more);
    pthread_mutex_destroy(&c->lock);
    free(c);
    *committer = NULL;
}
