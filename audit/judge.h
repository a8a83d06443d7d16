/*
 * judge: does one message add up? Pure: what the journal says of it, what its file says, in; each
 * of its recipients in exactly one class, and what doesn't add up, out.
 *
 * The file is the truth of what is still to be done, the journal of what has been done. So a file
 * may know more than the journal (it is told late, after a crash only in the end), but never less:
 * what the journal calls final and the file still owes will be done again. Without a file every
 * recipient must be final, for a file goes only after the journal has committed that it is.
 */
#ifndef POTERNE_AUDIT_JUDGE_H
#define POTERNE_AUDIT_JUDGE_H

#include "audit/finding.h"
#include "journal/walk.h"
#include "spool/spool.h"

#define AUDIT_SETTLED_SECONDS 3600 /* until a settled file is one left over */
/* More recipients than that no message has: the copies that people asked for, too. */
#define AUDIT_RECIPIENTS_MAX (2 * SPOOL_RECIPIENTS_MAX)

enum audit_class {
    AUDIT_OWED,       /* to be delivered: a file in queue/ */
    AUDIT_HELD,       /* a file in quarantine/ */
    AUDIT_DELIVERED,  /* with the next hop's answer */
    AUDIT_BOUNCED,    /* its sender is told */
    AUDIT_FAILED,     /* its sender asked not to be */
    AUDIT_EXPIRED,    /* in quarantine, for longer than was set */
    AUDIT_DELETED,    /* by somebody's word */
    AUDIT_REDIRECTED, /* others have it */
    AUDIT_ASIDE,      /* in corrupt/ */
    AUDIT_LOST        /* none of these */
};
#define AUDIT_CLASSES 10
const char *audit_class_name(enum audit_class class);

struct audit_case {
    struct str id;
    const struct walk_message *journal; /* NULL: it knows nothing of it */
    bool in_queue, in_quarantine, in_corrupt;
    const struct envelope *file; /* of queue/ or quarantine/; NULL: none, or it was not read */
    bool unreadable;             /* it is there and could not be read: */
    const char *why;
    int64_t file_s; /* when it was last changed, since 1970; 0: not known */
    int64_t now_s;
    bool quick;       /* files and outcomes were not read */
    struct str swept; /* bounces with ids up to this one may have been forgotten */
};

struct audit_sink {
    /* Texts live during the call. NULL: they are only counted. */
    void (*found)(void *data, const struct finding *finding);
    /* Is there a message with that id, anywhere? -1: can't be told. NULL: not asked */
    int (*exists)(void *data, struct str id);
    void *data;
};

struct audit_sums {
    uint64_t recipients;
    uint64_t classes[AUDIT_CLASSES];
    uint64_t kinds[FINDING_KINDS];
    uint64_t findings;
    bool failed; /* exists() said -1 */
};

/* Adds to sums; returns how many findings there were. */
unsigned audit_judge(const struct audit_case *c, const struct audit_sink *sink,
                     struct audit_sums *sums);

#endif
