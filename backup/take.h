/*
 * take: one generation of all that must survive, from a gateway that runs.
 *
 *   settings    the file, conf.d, what they name (rules, recipients, accounts, keys, certificates,
 *               passwords …), STATE_DIR/signature.key and dkim/; not ClamAV's databases
 *   ledger      STATE_DIR/bayes: ledger, models, whom own users write to; the learner waits
 *   journal     by SQLite's own online backup
 *   quarantine  what is held, and what was set aside (all of corrupt/)
 *   queue       what is owed
 *   reports     what waits for a manager, and which reports went out
 *   gate        which accounts are frozen
 *
 * Not: counts and grey lists (gate/), caches (directory/, sts/), kept/, incoming/: they come back,
 * or were promised to nobody.
 *
 * The journal is copied between two looks at the messages, so that a message in the generation is
 * never older than what the journal says of it: as after a crash, of which a start makes sense. A
 * message that left between the two looks stays if the journal does not know how it ended. One that
 * moves meanwhile, from queue/ to quarantine/ or back, is in the generation once.
 */
#ifndef POTERNE_BACKUP_TAKE_H
#define POTERNE_BACKUP_TAKE_H

#include "backup/shelf.h"
#include "base/conf.h"

enum backup_part {
    PART_SETTINGS,
    PART_LEDGER,
    PART_JOURNAL,
    PART_QUARANTINE,
    PART_QUEUE,
    PART_REPORTS,
    PART_GATE,
    BACKUP_PARTS
};
const char *backup_part_name(enum backup_part part);
/* Which one a path of a manifest belongs to. */
enum backup_part backup_part_of(struct str path);

/* The folder of the settings; without one, STATE_DIR/backups. */
int backup_folder(const struct conf *conf, char *out, size_t size, struct err *err);

struct taken {
    struct shelf_name name;
    uint64_t files;
    uint64_t bytes;
    uint64_t written;  /* the rest is shared with the generation before */
    uint64_t left_out; /* of settings: links that lead nowhere, folders too deep; each is logged */
    size_t pruned;
};

/* Told what has come together so far, *taken. */
typedef void taken_progress(void *data, const struct taken *taken);

/* 0: the generation is whole and on disk. -1: none was made, those before are as they were. */
int backup_take(const struct conf *conf, const char *folder, taken_progress *progress, void *data,
                struct taken *taken, struct err *err);

#endif
