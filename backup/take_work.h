/* take_work: what the files of take.h share of one backup. */
#ifndef POTERNE_BACKUP_TAKE_WORK_H
#define POTERNE_BACKUP_TAKE_WORK_H

#include "backup/take.h"
#include "backup/taking.h"
#include "bayes/learn/learn_hold.h"
#include "journal/snapshot.h"

struct take {
    const struct conf *conf;
    struct taking t;
    struct taken *taken;
    taken_progress *progress;
    void *data;
    struct learn_hold *hold; /* NULL: not now */
    int64_t held_at;
    struct journal_snapshot *journal; /* what it says, once it is copied; NULL: there is none */
};

/* take_settings.c */
int take_settings(struct take *take, struct err *err);
/* take_ledger.c */
int take_ledger(struct take *take, struct err *err);
/* take_messages.c: before and after the journal is copied */
int take_messages(struct take *take, struct err *err);
int take_messages_again(struct take *take, struct err *err);

#endif
