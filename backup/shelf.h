/*
 * shelf: the folder of generations.
 *
 *   FOLDER/lock                who holds it may change what is here
 *   FOLDER/20261123T023000Z    a generation (UTC); whole, since it got its name by a rename
 *   FOLDER/.new-…              one being written, or left by who was killed
 *   FOLDER/.old-…              one being removed
 *
 * What has another name is not ours and stays.
 */
#ifndef POTERNE_BACKUP_SHELF_H
#define POTERNE_BACKUP_SHELF_H

#include <limits.h>
#include <time.h>

#include "backup/manifest.h"

#define SHELF_FOLDER   "backups" /* in the state folder, where the settings name none */
#define SHELF_NAME_LEN 16
#define SHELF_MAX      10000       /* generations that are looked at */
#define SHELF_DAY      (24 * 3600) /* seconds */
#define SHELF_AHEAD    (24 * 3600) /* seconds: what is later is of a clock that was wrong */

struct shelf {
    char folder[PATH_MAX];
    int fd;
    int lock_fd; /* -1: only to look */
};

struct shelf_name {
    char text[SHELF_NAME_LEN + 1];
};

/* To change it: makes the folder (0700, not its parents), takes the lock, removes what was left. */
int shelf_open_to_write(const char *folder, struct shelf *shelf, struct err *err);
int shelf_open(const char *folder, struct shelf *shelf, struct err *err);
void shelf_close(struct shelf *shelf);

/* The oldest first; the caller frees *names. */
int shelf_list(const struct shelf *shelf, struct shelf_name **names, size_t *n, struct err *err);
bool shelf_name_ok(struct str name);
/* When it was begun, seconds since 1970; 0: the name is none. */
time_t shelf_name_time(struct str name);
/* Was it begun after now, by more than a clock that is a little wrong can say? */
bool shelf_time_ahead(time_t begun, time_t now);
/* The newest, or the one that is named so (or begins so, if there is only one). One that is ahead
 * is the newest only where all are. */
int shelf_find(const struct shelf *shelf, const char *wanted, struct shelf_name *name,
               struct err *err);

/* There are some, and none was begun in the day before `now` (nor after, by a clock that is a
 * little wrong). */
bool shelf_missed(const struct shelf_name *names, size_t n, time_t now);

/* Makes an empty folder for the next one: its fd, or -1. */
int shelf_begin(const struct shelf *shelf, struct shelf_name *name, struct err *err);
/* All of it is on disk, then it has its name. */
int shelf_commit(const struct shelf *shelf, const struct shelf_name *name, int fd, struct err *err);
/* What shelf_begin() made goes. */
void shelf_abort(const struct shelf *shelf, const struct shelf_name *name);

/*
 * Keeps all generations of the newest day that there is, the last one of each of the keep - 1 days
 * with one before; the others go. *gone says how many. The newest never goes. Those that are ahead
 * are no newest, unless all are, and stay until their day has come.
 */
int shelf_prune(const struct shelf *shelf, unsigned keep, size_t *gone, struct err *err);

/* The folder of a generation; its manifest. */
int shelf_enter(const struct shelf *shelf, const struct shelf_name *name, struct err *err);
struct manifest *shelf_manifest(int generation_fd, const char *name, struct err *err);

#endif
