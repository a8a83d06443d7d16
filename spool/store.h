/*
 * store: the folders of a spool, for the files of this room only.
 */
#ifndef POTERNE_SPOOL_STORE_H
#define POTERNE_SPOOL_STORE_H

#include <pthread.h>

#include "spool/spool.h"

enum folder_name {
    FOLDER_QUEUE,
    FOLDER_QUARANTINE,
    FOLDER_KEPT,
    FOLDER_INCOMING,
    FOLDER_CORRUPT,
    FOLDERS
};

struct sync_wait;

struct folder {
    const char *name;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t done;
    struct sync_wait *waiting; /* whose change is not yet on the disk */
    bool syncing;
};

struct spool {
    char *root;
    _Atomic unsigned unsaid; /* files that were set aside so */
    struct folder folders[FOLDERS];
};

static inline struct folder *spool_folder(struct spool *spool, enum spool_state state)
{
    static const enum folder_name names[SPOOL_STATES] = {[SPOOL_QUEUE] = FOLDER_QUEUE,
                                                         [SPOOL_QUARANTINE] = FOLDER_QUARANTINE,
                                                         [SPOOL_KEPT] = FOLDER_KEPT};
    return &spool->folders[names[state]];
}

/* What could not be stored, and 250 is not said to: as ID.unsaid into corrupt/ for a person to look
 * at, as long as there are few; else it is removed. errno stays. */
void set_unsaid_aside(struct spool *spool, const struct folder *from, const char *id);

/* All changes to the folder made before the call are on the disk when it returns 0. Callers that
 * wait together share one fsync. */
int folder_sync(struct folder *folder, const char *root, struct err *err);

#endif
