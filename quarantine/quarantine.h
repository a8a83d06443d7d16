/*
 * quarantine: what is held back in quarantine/, for who looks at it and decides.
 *
 * Looking reads the files. Deciding is asked of the delivery process, the only one that changes
 * files after their commit: so a message is never released twice to the same person, not even by
 * two people at once, and the journal learns of it (it is told "deleted" before the file goes).
 *
 * Held is a recipient who is marked so, or who is still owed in a file that edge put there.
 */
#ifndef POTERNE_QUARANTINE_QUARANTINE_H
#define POTERNE_QUARANTINE_QUARANTINE_H

#include "base/recipient.h"
#include "spool/notice.h"
#include "spool/spool.h"

#define QUARANTINE_SHOW_MAX   (1024 * 1024)       /* bytes of text that quarantine_show() makes */
#define QUARANTINE_HEADER_MAX (64 * 1024)         /* bytes of header that it shows */
#define QUARANTINE_READ_MAX   (256 * 1024 * 1024) /* a larger message is shown without structure */

bool quarantine_holds(const struct spool_recipient *recipient);
size_t quarantine_held_count(const struct envelope *envelope);
/* Why this recipient is held: what the last mark says, else the message's reason. */
struct str quarantine_reason(const struct envelope *envelope,
                             const struct spool_recipient *recipient);

/*
 * Envelope, header and structure as text for a terminal: every byte that could steer it is
 * written as \xNN. No content of any part. 0, or -1 with err set.
 */
int quarantine_show(const struct spool_file *file, struct buf *out, struct err *err);
/* Header and structure of any message, likewise. */
int quarantine_show_message(struct str raw, struct buf *out, struct err *err);

/* Asks the running delivery process; recipient is an index in the envelope or NOTICE_EVERYONE.
 * `answer` (at least IPC_MSG_MAX) gets what was done. -1: refused or not reached, err says why. */
int quarantine_release(const char *run_dir, const char *id, uint32_t recipient, struct str why,
                       struct buf *answer, struct err *err);
/* A copy to this address, who need not be a recipient of it. */
int quarantine_release_to(const char *run_dir, const char *id, struct str address, struct str why,
                          struct buf *answer, struct err *err);
int quarantine_delete(const char *run_dir, const char *id, uint32_t recipient, struct str why,
                      struct buf *answer, struct err *err);
/* Has what was held long enough removed, in a while. */
int quarantine_expire(const char *run_dir, struct buf *answer, struct err *err);

struct quarantine_decision {
    uint32_t recipient;      /* or NOTICE_EVERYONE */
    enum recipient_state to; /* released or deleted */
    struct str why;          /* kept with it; may be empty */
    int64_t time_us;
    bool unsynced; /* a power cut may undo it, since it would be decided again */
};
/*
 * For the delivery process: marks who is held (one, or everyone) as released or deleted and writes
 * that to the disk. Returns how many, at least 1, or -1 with err set: nobody there is held.
 */
int quarantine_decide(struct spool_file *file, const struct quarantine_decision *decision,
                      struct err *err);
/*
 * Likewise a copy for another address; one of the recipients who is held is released. Each address
 * gets one copy and no more. 1, or -1 with err set.
 */
int quarantine_add(struct spool_file *file, struct str address,
                   const struct quarantine_decision *decision, struct err *err);

#endif
