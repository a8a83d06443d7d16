/*
 * proposal: a message that somebody reported as misjudged and that a manager has not confirmed yet,
 * and what became of it. The same message reported by several people in the same direction is one
 * proposal with several reporters; an altered copy is another one than the genuine message.
 *
 *   waiting ─► accepted ─► learned            expired: nobody decided in time
 *      │          │ ▲                         rejected can still be accepted while its original
 *      │          ▼ │                         is kept
 *      │         capped: accepted, and the ledger takes no more of its kind for now
 *      └─► rejected
 */
#ifndef POTERNE_REPORTS_PROPOSAL_H
#define POTERNE_REPORTS_PROPOSAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "bayes/learn/learn.h"
#include "reports/identity.h"

#define PROPOSAL_REPORTERS_MAX 200  /* of one proposal; who comes later adds nothing */
#define PROPOSAL_TEXT_MAX      1000 /* bytes kept of a subject or a reason */
#define PROPOSAL_ADDRESS_MAX   320  /* … of an address, an id or a verdict */
#define PROPOSAL_FACTS_MAX     ((size_t)256 * 1024)
#define PROPOSAL_ORIGINAL_MAX  ((size_t)64 * 1024 * 1024)

enum proposal_state {
    PROPOSAL_WAITING,
    PROPOSAL_ACCEPTED, /* to be learned */
    PROPOSAL_CAPPED,   /* to be learned later */
    PROPOSAL_LEARNED,
    PROPOSAL_REJECTED,
    PROPOSAL_EXPIRED
};
#define PROPOSAL_STATES 6

struct proposal_reporter {
    struct str address;
    int64_t time_us;
};

struct proposal {
    uint64_t number;             /* for people; from 1, not used twice while the index lives */
    uint64_t digest;             /* of the message (bayes.h) */
    uint64_t campaign;           /* the same for near-identical messages; 0: none */
    enum learn_class direction;  /* LEARN_SPAM or LEARN_HAM: what its reporters say it is */
    enum identity_kind identity; /* is the original what passed here? (identity.h) */
    struct str id;               /* of the message in the journal; "" when unknown */
    struct str subject, sender;
    struct str verdict; /* that it had, with its scores; "" when unknown */
    double global, heuristics, bayes;
    uint64_t size; /* bytes of the original */
    bool kept;     /* the original is still there */
    enum proposal_state state;
    int64_t changed_us; /* since when it is in that state */
    struct str decider; /* the manager; "" while it waits */
    int64_t decided_us;
    struct str why;
    struct proposal_reporter *reporters; /* the first to come first; at least one */
    size_t n_reporters;
};

/* "waiting" …; "spam" and "ham" */
const char *proposal_state_name(enum proposal_state state);
const char *proposal_direction_name(enum learn_class direction);
/* False when it is no name of one. */
bool proposal_state_find(struct str name, enum proposal_state *state);

/* All of it but `kept`, with a checksum, as it stands on disk. Texts are cut to their limits. */
void proposal_put(struct buf *out, const struct proposal *proposal);
/* Texts and list live in pool. -1 with err: damaged. */
int proposal_get(struct str bytes, struct pool *pool, struct proposal *proposal, struct err *err);

#endif
