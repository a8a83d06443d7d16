/*
 * notice: what the delivery process is told on its service socket ("delivery"). One message a
 * notice over a lasting connection or one of its own.
 *
 *   u8 kind, str id, u32 recipient (index in the envelope, or NOTICE_EVERYONE), str address,
 *   str why
 *
 * NOTICE_QUEUED and NOTICE_HELD, from edge and reports behind a commit, are not answered; one that
 * is lost costs time only, since delivery looks through the folders too. The others, from tools,
 * are answered, over one connection in their order, with
 *
 *   u8 1 done or 0 refused, str what was done or why not
 *
 * An order that is said to be done is on the disk.
 */
#ifndef POTERNE_SPOOL_NOTICE_H
#define POTERNE_SPOOL_NOTICE_H

#include "base/err.h"
#include "base/wire.h"
#include "spool/spool.h"

enum notice_kind {
    NOTICE_QUEUED = 1,
    NOTICE_HELD = 2,
    NOTICE_FLUSH = 3,      /* try now; empty id: everything that waits */
    NOTICE_RELEASE = 4,    /* from quarantine/ to its recipients */
    NOTICE_DELETE = 5,     /* from quarantine/ for good */
    NOTICE_RELEASE_TO = 6, /* a copy to `address`; whoever is held stays so */
    NOTICE_EXPIRE = 7,     /* what was held long enough goes now; empty id */
    NOTICE_THAWED = 8,    /* the account `address` may send again: what it has in the queue goes on;
                             empty id */
    NOTICE_SET_ASIDE = 9, /* what the frozen account `address` has in the queue goes to quarantine,
                            some of it at a time; empty id */
    /* Of a message in queue/: */
    NOTICE_HOLD = 10,      /* it waits until … */
    NOTICE_RESUME = 11,    /* … this; it is tried at once then */
    NOTICE_REQUEUE = 12,   /* as if it had just come */
    NOTICE_DROP = 13,      /* whoever is still owed gets nothing */
    NOTICE_DROP_TELL = 14, /* likewise, and its sender is told */
    NOTICE_HOPS = 15 /* how the next hops are that mail waits for; empty id; `recipient`: how many
                        of them to pass over */
};
#define NOTICE_LAST NOTICE_HOPS

#define NOTICE_EVERYONE UINT32_MAX

struct notice {
    enum notice_kind kind;
    struct str id;
    uint32_t recipient;
    struct str address;
    struct str why; /* by whom, after what: kept with the decision; at most SPOOL_DETAIL_MAX */
};

void notice_put(struct buf *out, const struct notice *notice);
/* False when malformed: an unknown kind, an id that is none. */
bool notice_get(struct str message, struct notice *notice);

struct notice_reply {
    bool done;
    struct str text;
};

void notice_reply_put(struct buf *out, const struct notice_reply *reply);
/* False when malformed. */
bool notice_reply_get(struct str message, struct notice_reply *reply);

/* The answer to NOTICE_HOPS has these one after another, until it has NOTICE_HOPS_BYTES; it is
 * empty where there are no more. Between two questions hops come and go: one may be missing. */
#define NOTICE_HOPS_BYTES (60 * 1024)
struct notice_hop {
    struct str name;  /* as the settings write it, or the domain */
    uint32_t waiting; /* messages that are not on hold, once for each group of recipients */
    uint32_t lanes;   /* connections */
    bool down;
    int64_t again_s;  /* down: seconds until it is tried again; below 0: now */
    struct str error; /* down: why */
};
void notice_hop_put(struct buf *out, const struct notice_hop *hop);
/* Takes one off *rest; false: there is none, or it can't be read. */
bool notice_hop_get(struct str *rest, struct notice_hop *hop);

#define NOTICE_ASK_TIMEOUT_MS 30000
/* How err begins where delivery could not be asked, rather than that it refused. */
#define NOTICE_UNREACHED "delivery can't be asked"
/*
 * Asks the delivery process whose sockets are in run_dir and waits for the answer, whose text comes
 * into `answer` (maximum IPC_MSG_MAX or more). 0 done; -1 refused, not reached: err says why.
 */
int notice_ask(const char *run_dir, const struct notice *notice, struct buf *answer,
               struct err *err);

/*
 * The same of many messages over one connection, which is much faster: some are on their way while
 * others are being answered, in order (notice_many.c). Where delivery goes meanwhile, what it has
 * not answered is asked of the next one: an order may find then that it was carried out.
 */
struct notice_many {
    const char *run_dir;
    struct notice notice; /* of each, but for its id */
    const char (*ids)[SPOOL_ID_LEN + 1];
    size_t n;
    void (*answered)(void *data, size_t i, const struct notice_reply *reply);
    void *data;
};
/* How many were answered; fewer than n: err says why delivery can't be asked for the rest. */
size_t notice_ask_many(const struct notice_many *many, struct err *err);

#endif
