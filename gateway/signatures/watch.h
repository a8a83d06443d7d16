/*
 * watch: says when other signature files lie there, and lie still. The kernel tells of changes
 * (inotify); a look at all of them every WATCH_POLL_MS finds what it does not tell of (network file
 * systems, the aim of a symbolic link). What is being written changes from look to look: only files
 * that stayed the same for WATCH_SETTLE_MS count, or those of the moment when they never do.
 */
#ifndef POTERNE_GATEWAY_SIGNATURES_WATCH_H
#define POTERNE_GATEWAY_SIGNATURES_WATCH_H

#include "antivirus/signature_files.h"

#define WATCH_SETTLE_MS     2000
#define WATCH_SETTLE_MAX_MS 60000
#define WATCH_POLL_MS       30000

struct watch {
    const struct conf_antivirus *conf;
    int fd;                 /* readable: watch_events(); -1: there is no inotify */
    uint64_t seen;          /* fingerprint of the last look; 0: none, or it could not be taken */
    bool settled;           /* it stayed so */
    int64_t unsettled_from; /* monotonic ms */
    int64_t look_at;        /* the next look */
    bool broken;            /* the last look failed, and that was said */
};

void watch_open(struct watch *watch, const struct conf_antivirus *conf);
void watch_close(struct watch *watch);
/* The kernel has told of something. */
void watch_events(struct watch *watch);
/* Somebody says that they are complete now, which is not believed: the first of the two looks that
 * must agree is due. */
void watch_hurry(struct watch *watch);
/* Milliseconds until watch_tick() has something to do. */
int watch_wait(const struct watch *watch);
/* Looks if that is due: true if it did. */
bool watch_tick(struct watch *watch);

#endif
