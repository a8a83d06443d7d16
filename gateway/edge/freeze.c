#include "gateway/edge/freeze.h"

#include <stdlib.h>

#include "base/log.h"
#include "gateway/freeze.h"
#include "spool/notice.h"

struct freeze_job {
    struct commit_job job; /* first: a job is its freeze */
    struct edge *edge;
    struct post post;
    struct freeze freeze;
};

static void work(struct commit_job *job)
{
    freeze_run(&((struct freeze_job *)job)->freeze);
}

static void finished(struct commit_job *job)
{
    struct freeze_job *f = (struct freeze_job *)job;
    struct edge *edge = f->edge;
    freeze_log(&f->freeze);
    if (f->freeze.id[0]) {
        const struct notice notice = {.kind = NOTICE_QUEUED,
                                      .id = str_of(f->freeze.id),
                                      .recipient = NOTICE_EVERYONE};
        struct buf text = BUF_INIT(128);
        notice_put(&text, &notice);
        if (buf_ok(&text))
            link_send(edge->delivery, buf_str(&text)); /* delivery looks into the folder, too */
        buf_release(&text);
    }
    edge->n_messages--;
    free(f);
}

void freeze_account(struct edge *edge, struct str account, struct str why)
{
    struct freeze_job *f = calloc(1, sizeof *f);
    if (f == NULL) {
        log_error("account %.*s can't be frozen: out of memory", STR_ARG(account));
        return;
    }
    f->job = (struct commit_job){.work = work, .finished = finished};
    f->edge = edge;
    f->post =
        (struct post){.conf = edge->conf, .spool = edge->spool, .incoming_fd = edge->incoming_fd};
    f->freeze.post = &f->post;
    f->freeze.senders = edge->senders;
    f->freeze.told = freeze_may_tell(&edge->notes, edge->now);
    freeze_set(&f->freeze, account, why);
    edge->n_messages++; /* who drains waits for it */
    committer_put(edge->committer, &f->job);
}
