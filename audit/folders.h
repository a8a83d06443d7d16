/*
 * folders: which messages lie where. The names are read once, sorted; a single one is looked for
 * anew at any time.
 *
 * A message may move between queue/ and quarantine/ while the folders are read, and may be in
 * neither list then. So what the lists say of a message that seems to be missing is no proof:
 * audit_look() is, which looks into queue/ before and after quarantine/, and where it is in both
 * once more into each.
 */
#ifndef POTERNE_AUDIT_FOLDERS_H
#define POTERNE_AUDIT_FOLDERS_H

#include "base/err.h"
#include "spool/names.h"

enum audit_folder {
    AUDIT_IN_QUEUE,
    AUDIT_IN_QUARANTINE,
    AUDIT_IN_KEPT,
    AUDIT_IN_CORRUPT, /* names there may have ".N" behind the id, which is left out; not .unsaid */
    AUDIT_IN_INCOMING
};
#define AUDIT_FOLDERS 5

/* Names in one folder; what lies there beyond is an error, for nothing could be proved. */
#define AUDIT_NAMES_MAX (8 * 1000 * 1000)

struct audit_names {
    int fd; /* of the folder; -1: there is none */
    struct spool_names names;
};

struct audit_folders {
    struct audit_names list[AUDIT_FOLDERS];
};

/* Reads all names that are ids from `from` up to `before` (the beginnings of ids will do), but of
 * incoming/. -1 with err; audit_folders_free() in either case. */
int audit_folders_read(struct audit_folders *folders, const char *state_dir, struct str from,
                       struct str before, struct err *err);
void audit_folders_free(struct audit_folders *folders);

/* Where it lies now: bits 1 << enum audit_folder; 0: nowhere. -1: it can't be looked for. */
int audit_look(const struct audit_folders *folders, struct str id);

typedef void audit_each(void *data, struct str name, int64_t time_s);
/* Calls back for each file of incoming/ that was not written to since then. */
int audit_each_stale(const struct audit_folders *folders, int64_t before_s, audit_each *each,
                     void *data, struct err *err);
/* For each that lies in corrupt/ as ID.unsaid, with its id. */
int audit_each_unsaid(const struct audit_folders *folders, audit_each *each, void *data,
                      struct err *err);
/* For each journal that was set aside as damaged (journal/store.c), and when that was. */
int audit_each_journal(const char *state_dir, audit_each *each, void *data, struct err *err);

#endif
