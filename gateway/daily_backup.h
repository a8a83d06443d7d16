/*
 * daily_backup: poterned runs `poterne backup --daily` each day at backup.at, as root and beside
 * all else; what it says is in the log, and a failure is told to the managers by it, also where the
 * settings on disk have a mistake: it gets those that serve, too. One that was missed (the machine
 * was off) is made soon after the start, if there was one ever before: that `poterne backup
 * --missed` finds out, so that poterned itself never waits for the disk of the backups. One that
 * can't be started is tried again soon; one that is not done when the next but one is due is
 * killed. What it could not tell them itself (it can't be run, or was killed) they hear through a
 * note (backup/note.h).
 */
#ifndef POTERNE_GATEWAY_DAILY_BACKUP_H
#define POTERNE_GATEWAY_DAILY_BACKUP_H

#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/conf.h"

#define DAILY_BACKUP_SOON  300 /* seconds after the start, or until the next try */
#define DAILY_BACKUP_TRIES 3   /* that can't be started before they are told: an upgrade passes */

struct daily_backup {
    const char *programs;       /* folder of the processes' programs */
    const char *commands;       /* that of poterne, where it is installed */
    const struct buf *settings; /* all those that serve, as text */
    pid_t pid;                  /* 0: none at work */
    time_t next;                /* wall clock; 0: never */
    char at[8];                 /* what `next` was worked out of */
    bool planned;
    bool late;              /* the next one was due while it was at work */
    bool looks;             /* the next one is made only if one was missed */
    bool looking;           /* so was the one at work started */
    unsigned unstarted;     /* tries in a row that could not be started */
    char why[ERR_TEXT_MAX]; /* that the managers are to hear; empty: nothing */
    time_t tell_at;         /* … when; a note that could not be written is tried again */
};

/* Works out when the next one is. */
void daily_backup_plan(struct daily_backup *daily, const struct conf *conf, time_t now);
/* Once a second or so: plans at the first time, and when the settings say another hour; starts what
 * is due, also when the clock was put back or on. */
void daily_backup_tend(struct daily_backup *daily, const struct conf *conf, time_t now);
/* A child has ended; false: it is none of these. */
bool daily_backup_ended(struct daily_backup *daily, pid_t pid, int status, time_t now);

#endif
