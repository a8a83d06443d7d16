/*
 * store: proposals on disk, in FOLDER (STATE_DIR/reports).
 *
 *   FOLDER/proposals/N.eml     the original's bytes
 *   FOLDER/proposals/N.facts   what is known of it (proposal.h); a proposal is there once this is
 *   FOLDER/orders/             decisions about many that are being carried out (order.h)
 *   FOLDER/damaged/            facts that could not be read, with their originals; never deleted
 *   FOLDER/digests/            what the numbers of a digest mean (digest.h)
 *   FOLDER/index.sqlite        an index of the facts: for lists, limits and reporters' records
 *   FOLDER/lock                held by who writes, for the time of one change
 *
 * The files are what is true: opening brings the index in line with them, and makes a new one when
 * it is lost or damaged. What a function below answered with success survives a loss of power.
 *
 * Several processes of the same user may have it open for writing, each with a store of its own (it
 * does not live over a fork); anybody who may read the folder can look at it beside them.
 */
#ifndef POTERNE_REPORTS_STORE_H
#define POTERNE_REPORTS_STORE_H

#include "reports/proposal.h"

#define REPORTS_DIR "reports" /* in the state folder */

struct proposals;

/* Makes folders that are missing inside FOLDER, which must exist. NULL with err set. */
struct proposals *proposals_open(const char *folder, struct err *err);
/* The same, when this or another process had it open to write until now and was not interrupted in
 * a change: the index is taken as it is, which saves reading all facts. */
struct proposals *proposals_reopen(const char *folder, struct err *err);
/* Only to look. NULL with err set, also when nothing was ever stored there. */
struct proposals *proposals_view(const char *folder, struct err *err);
void proposals_close(struct proposals **store);

/* --- what comes --- */

struct proposal_limits {
    uint64_t waiting;      /* proposals that wait */
    uint64_t reporter_day; /* new ones of one reporter in 24 hours */
    uint64_t bytes;        /* of all originals */
};

enum proposal_added {
    PROPOSAL_NEW,     /* waits now */
    PROPOSAL_JOINED,  /* known already; this reporter stands with it now */
    PROPOSAL_KNOWN,   /* known already from this reporter, or from very many */
    PROPOSAL_REFUSED, /* a limit: nothing was stored, err says which */
};

/*
 * Of `proposal`: digest, campaign, direction, identity, id, subject, sender, verdict, scores, and
 * one reporter count; its number is filled. Where the limits are reached, the oldest proposal of
 * whoever has most gives way, but no one's whom managers agreed with before to a stranger's; else
 * the new one is refused. -1 with err: it could not be stored, try later.
 */
int proposals_add(struct proposals *store, const struct proposal_limits *limits,
                  struct proposal *proposal, struct str original, enum proposal_added *added,
                  struct err *err);

/* --- what is decided --- */

struct proposal_range {
    uint64_t first, last;
};

/* Which proposals are meant. */
struct proposal_choice {
    const struct proposal_range *ranges; /* these … */
    size_t n_ranges;
    bool waiting;        /* … as far as they wait: a single one that was decided stays so */
    bool groups;         /* … and those that wait in a group with one of them (proposals_list) */
    uint64_t up_to;      /* of a group only numbers up to this one; 0: all */
    struct str reporter; /* … and all that wait and were reported by this address, and, to reject,
                            what was accepted of them but is not learned yet; "": none */
};

struct proposal_decision {
    bool accept;
    struct str decider; /* a manager's address, or "root on the command line" */
    struct str why;     /* may be empty */
    int64_t now_us;
};

struct proposal_decided {
    uint64_t changed;
    uint64_t same;    /* it was decided so before */
    uint64_t late;    /* learned or expired already, decided since, or its original is gone */
    uint64_t missing; /* numbers named one by one that are not there */
};

/* A single number may be decided anew (rejected, then accepted); a range, a group or a reporter
 * means what waits. However many, all is done when it returns: for tools without a gateway, tests
 * and what is known to be little. -1 with err: nothing, or only a part, was decided; deciding again
 * is safe. */
int proposals_decide(struct proposals *store, const struct proposal_choice *choice,
                     const struct proposal_decision *decision, struct proposal_decided *decided,
                     struct err *err);

/*
 * The same for who must not be kept busy. What is little is done at once; of more, which ones are
 * meant is found out and kept on disk as an order, which order_step() carries out piece by piece,
 * also after a crash. What somebody decides about one of them meanwhile stands.
 */
#define PROPOSALS_AT_ONCE 50 /* proposals in one change: some tens of milliseconds */

struct proposal_ordered {
    uint64_t order; /* names it; 0: all is done */
    uint64_t n;     /* proposals that it is about */
    struct proposal_decided decided;
};

/* At most `at_once` are done at once. -1 with err: nothing was decided, nor will be. */
int proposals_order(struct proposals *store, const struct proposal_choice *choice,
                    const struct proposal_decision *decision, size_t at_once,
                    struct proposal_ordered *ordered, struct err *err);

/* --- what is learned (teach.h does all this with a learn_client) --- */

#define PROPOSALS_CAPPED_RETRY_US ((int64_t)6 * 3600 * 1000000)

/* Numbers of what is to be learned now, at most `max`, oldest first. How many, or -1. */
int proposals_due(struct proposals *store, int64_t now_us, uint64_t *numbers, size_t max,
                  struct err *err);

struct proposal_taught {
    uint64_t number;
    enum proposal_state state; /* LEARNED; CAPPED: try again later; REJECTED: can't be learned */
    struct str why;
};
int proposals_taught(struct proposals *store, const struct proposal_taught *taught, size_t n,
                     int64_t now_us, struct err *err);

/* --- what ends --- */

struct proposal_lifetimes {
    int64_t waiting_us; /* then a proposal expires; one that a cap held back, so long after its
                           decision */
    int64_t decided_us; /* then what was decided, or expired, is forgotten: reporters' records are
                           counted from what is not */
};
/* A bounded number. How many changed (above 0: there may be more), or -1. */
int proposals_sweep(struct proposals *store, const struct proposal_lifetimes *lifetimes,
                    int64_t now_us, struct err *err);

/* --- looking --- */

/* Texts and list live in pool. 1; 0 when there is no such proposal; -1. */
int proposals_load(struct proposals *store, uint64_t number, struct pool *pool,
                   struct proposal *proposal, struct err *err);
/* The original's bytes, appended to out. 1; 0 when it is gone; -1. */
int proposals_original(struct proposals *store, uint64_t number, struct buf *out, struct err *err);

/*
 * A line of a list: one proposal, or a group: what is in the same state, direction and campaign of
 * near-identical messages and of the same identity (so that a genuine message is never accepted
 * along with altered copies).
 */
struct proposal_line {
    struct proposal lead; /* the oldest of the group; its list of reporters holds the first only */
    uint64_t n;           /* proposals */
    uint64_t reporters;   /* different ones, of all of them */
    uint64_t senders;     /* likewise: more than one is worth a look at each */
    uint64_t last;        /* highest number */
    int64_t last_us;      /* newest report of a new message */
    double trust;         /* of its best reporter: reporter.h */
};

#define PROPOSALS_LIST_MAX 100000

struct proposal_filter {
    unsigned states;     /* bit 1 << state; 0: all */
    unsigned directions; /* bit 1 << direction; 0: both */
    struct str reporter; /* without case; "": any */
    int64_t since_us;    /* 0: open */
    bool grouped;
    size_t limit; /* 0: the maximum */
};

struct proposal_list {
    struct proposal_line *lines; /* most trusted reporters first, genuine first, oldest first */
    size_t n;
    bool more; /* the limit was reached */
};

int proposals_list(struct proposals *store, const struct proposal_filter *filter, struct pool *pool,
                   struct proposal_list *list, struct err *err);

struct proposal_totals {
    uint64_t in[PROPOSAL_STATES];
    uint64_t bytes;
};
int proposals_totals(struct proposals *store, struct proposal_totals *totals, struct err *err);

#endif
