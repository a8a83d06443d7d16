/*
 * ledger_record: what messages.db and held.db hold of a message, as bytes and decoded.
 *
 *   struct message_record, uint64_t tokens[n], packed grams (grams_pack.h), reporter
 *
 * Grams are kept where they are needed again: with a step, or held out. A record of version 2 ends
 * with fusion_step and nothing was rehearsed. A record of version 1 is
 * { uint32_t class, n; int64_t learned } and the tokens; it is read as bulk-learned, no lesson.
 */
#ifndef POTERNE_BAYES_LEDGER_RECORD_H
#define POTERNE_BAYES_LEDGER_RECORD_H

#include "bayes/features/grams_pack.h"
#include "bayes/ledger/db.h"

#define RECORD_MARK   0x336d7470u /* "ptm3": version 1 has the class there, 0 or 1 */
#define RECORD_MARK_2 0x326d7470u

enum record_flags {
    RECORD_HELD = 1,    /* held out: its features are in held.db, under `held` */
    RECORD_SETTLED = 2, /* too old to be taken back: no features */
};

struct message_record {
    uint32_t mark;
    uint8_t class;
    uint8_t kind;
    uint8_t flags;
    uint8_t unused;
    uint32_t n;        /* tokens */
    uint32_t packed;   /* bytes of grams */
    uint32_t reporter; /* bytes */
    int32_t gram_step; /* the sum of its own and of all that others had it take again */
    int64_t when;      /* seconds since 1970 */
    uint64_t campaign;
    uint64_t held;
    int32_t fusion_step[LEDGER_FUSION_MAX];
    uint64_t rehearsed;             /* digest of the message that it had take a step again … */
    uint32_t rehearsed_incarnation; /* … when that was learned for this, and not another, time … */
    int32_t rehearsed_step;         /* … and the step; 0: none */
    uint32_t incarnation;           /* another each time that a message is learned; 0: unknown */
    uint32_t unused_too;
};

#define MESSAGE_RECORD_2_SIZE offsetof(struct message_record, rehearsed)

struct message_record_1 {
    uint32_t class;
    uint32_t n;
    int64_t learned;
};

#define RECORD_MAX                                                                                 \
    (sizeof(struct message_record) + FEATURES_MAX * sizeof(uint64_t) + GRAMS_PACKED_BYTES +        \
     LEARN_REPORTER_MAX)

/* Points into the bytes it was read from. */
struct record {
    struct message_record head;
    const uint64_t *tokens;
    struct str packed;
    struct str reporter;
};

static inline struct learn_source ledger_record_source(const struct record *record)
{
    return (struct learn_source){record->reporter, record->head.when,
                                 (enum learn_kind)record->head.kind, record->head.campaign};
}

/* False when malformed. bytes are aligned for uint64_t. */
bool ledger_record_decode(struct str bytes, struct record *record);
/* Only what is needed without features, from its first sizeof(struct message_record) bytes. */
bool ledger_record_head(struct str bytes, struct message_record *head);
/* Replaces what is in out, whose maximum is RECORD_MAX; head.n, .packed and .reporter are filled
 * from the lists. */
void ledger_record_encode(const struct record *record, struct buf *out);

/* messages.db. room: a buf with maximum RECORD_MAX, which the record points into.
 * 1 found, 0 not there, -1 error. */
int ledger_record_get(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct buf *room,
                      struct record *record, struct err *err);
int ledger_record_put(struct ledger *ledger, DB_TXN *txn, uint64_t digest,
                      const struct record *record, struct buf *room, struct err *err);
int ledger_record_del(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct err *err);

#endif
