/*
 * senders: accounts that may send nothing for now, because somebody else seems to have their
 * password. A record, not a memory: a file for each in STATE_DIR/gate/frozen, there until a manager
 * thaws it (`poterne senders`). Whoever may make files there freezes an account for all processes,
 * from their next look on.
 *
 * The file, named by the account's digest, has lines: "poterne frozen 1", account, seconds since
 * 1970, why, id of the note to the managers (gateway/freeze.h) or nothing.
 */
#ifndef POTERNE_GATEWAY_GATE_SENDERS_H
#define POTERNE_GATEWAY_GATE_SENDERS_H

#include "base/err.h"
#include "base/str.h"

#define SENDERS_FOLDER     "gate/frozen"
#define FROZEN_ACCOUNT_MAX 320
#define FROZEN_WHY_MAX     200
#define FROZEN_FILE_MAX    1024
#define FROZEN_MAX         10000 /* that senders_each() tells of */

#define FROZEN_NOTE_MAX 26 /* SPOOL_ID_LEN */

struct frozen {
    char account[FROZEN_ACCOUNT_MAX + 1]; /* as it is, in UTF-8: whoever shows it escapes it */
    int64_t since;                        /* seconds since 1970 */
    char why[FROZEN_WHY_MAX + 1];         /* printable ASCII */
    char note[FROZEN_NOTE_MAX + 1];       /* "": nobody is told */
};

struct senders;
/* Makes the folder where it is not there. NULL with err set. */
struct senders *senders_open(const char *state_dir, struct err *err);
/* For who only looks; NULL, errno ENOENT: nobody was ever frozen. */
struct senders *senders_existing(const char *state_dir, struct err *err);
void senders_close(struct senders **senders);

/* 1: frozen, as *frozen says; 0: not; -1: it can't be known, err says why. What can't be read in a
 * record that is there is "frozen" all the same. */
int senders_look(const struct senders *senders, struct str account, struct frozen *frozen,
                 struct err *err);
/* In any case of the account's ASCII letters; what in `why` is no printable character becomes '?',
 * and so do an account's control characters and what is no UTF-8 in it, which its digest keeps. On
 * the disk when it returns 1: it is frozen now; 0: it was already; -1. Not from two threads for one
 * account at the same time without one of them getting 0. `note`: id, or empty. */
int senders_freeze(const struct senders *senders, struct str account, struct str why,
                   struct str note, int64_t now, struct err *err);
/* 1: it may send again; 0: it was not frozen; -1. */
int senders_thaw(const struct senders *senders, struct str account, struct err *err);
/* Each of FROZEN_MAX at most, in no order. -1: err. */
int senders_each(const struct senders *senders, void (*each)(void *data, const struct frozen *),
                 void *data, struct err *err);

#endif
