/*
 * ledger_db: the open database environment, shared by the files of the ledger.
 *
 *   messages.db   digest → what the message added to what was learned (ledger/record.h)
 *   tokens.db     feature → struct token_record
 *   totals.db     "totals" → struct totals_record
 *   sources.db    kind of source, name → struct source_record (ledger/caps.c)
 *   held.db       class, number → a held-out message (ledger/held.c)
 *   steps.db      digest → its part in what the weights changed since weights-N
 *   rehearsal.db  class, slot → a message that may be rehearsed (ledger/rehearse.c)
 *   weights-N     the weights of the grams as they once were (ledger/weights.c)
 *
 * Numbers in keys are big-endian so that their order in the tree is that of the numbers and a
 * sorted batch walks the tree from left to right. Records are in the machine's byte order.
 *
 * Version 1 had the first three databases, no weights, and records of messages without source and
 * lesson; version 2 had no rehearsal.db and records without what was rehearsed. They are taken over
 * at the first opening (ledger/open.c), their records of messages stay as they are.
 */
#ifndef POTERNE_BAYES_LEDGER_DB_H
#define POTERNE_BAYES_LEDGER_DB_H

#include <db.h>
#include <endian.h>
#include <limits.h>

#include "bayes/ledger/ledger.h"
#include "bayes/model/lesson.h"
#include "bayes/model/rehearsal.h"

#define LEDGER_VERSION    3u
#define LEDGER_FUSION_MAX 8 /* room for inputs of the fusion in a record */
#define LEDGER_PAGE_SIZE  4096u
#define SECONDS_PER_DAY   86400

_Static_assert(FUSION_INPUTS <= LEDGER_FUSION_MAX, "the fusion fits into the records");

struct token_record {
    uint32_t spam;
    uint32_t ham;
    uint32_t day;
};

struct source_record {
    uint32_t spam; /* learned messages of each class */
    uint32_t ham;
};

/* How far ledger_expire() has come. */
enum expire_phase { EXPIRE_COUNTING, EXPIRE_SETTLING, EXPIRE_TOKENS };
struct expire_progress {
    int64_t day; /* the last that was finished */
    enum expire_phase phase;
    uint64_t next; /* key to go on from */
    uint64_t recent_spam;
    uint64_t recent_ham;
};

struct ledger {
    char folder[PATH_MAX];
    int lock_fd;
    DB_ENV *env;
    DB *messages;
    DB *tokens;
    DB *totals_db;
    DB *sources;
    DB *held;
    DB *steps;
    DB *rehearsal_db;
    struct ledger_totals totals;
    struct fusion fusion;
    struct rehearsal *rehearsal; /* likewise */
    uint32_t incarnation;        /* of the message that was learned last */
    uint32_t taken_back;         /* messages, since a model went live */
    int32_t *weights;            /* GRAM_WEIGHTS of them: as of the last commit, between batches */
    uint64_t weights_file;       /* N of weights-N; 0: there is none, all are 0 */
    uint64_t steps_pending;      /* entries of steps.db */
    uint64_t held_next;          /* number of the next held-out message */
    uint64_t salt;               /* chooses what is held out */
    struct ledger_policy policy;
    struct expire_progress expire;
    bool changed;                  /* since the last publication */
    bool broken;                   /* the environment has panicked: only closing is left */
    int panic;                     /* what made the environment panic; 0: nothing yet */
    unsigned said;                 /* messages of Berkeley DB since it was opened */
    char detail[ERR_TEXT_MAX / 2]; /* what Berkeley DB said last */
};

/* Fills err with what was tried and what the database answered; returns -1. */
int ledger_db_err(struct ledger *ledger, int code, const char *tried, struct err *err);

/* The same for records that contradict each other although their pages are whole. */
int ledger_contradiction(struct ledger *ledger, const char *what, struct err *err);

/* --- the totals record --- */

/* What of a ledger a transaction changes beside its records. */
struct ledger_state {
    struct ledger_totals totals;
    struct fusion fusion;
    uint64_t weights_file;
    uint64_t held_next;
    uint32_t incarnation;
    uint32_t taken_back;
    bool changed;
};
struct ledger_state ledger_state(const struct ledger *ledger);
/* Once the transaction that wrote it is committed. */
void ledger_state_set(struct ledger *ledger, const struct ledger_state *state);
int ledger_state_put(struct ledger *ledger, DB_TXN *txn, const struct ledger_state *state,
                     struct err *err);
/* The same, with only the totals and `changed` other than they are. */
int ledger_totals_put(struct ledger *ledger, DB_TXN *txn, const struct ledger_totals *totals,
                      bool changed, struct err *err);
/* Fills the ledger from the record: 0, or a database error (DB_VERIFY_BAD for a malformed one).
 * *version is the record's. */
int ledger_state_get(struct ledger *ledger, uint32_t *version);

/* The same from the record's bytes; false when it is malformed or of another version. */
bool ledger_state_decode(struct ledger *ledger, struct str record);

/* What a lesson is made from, and a model is built from beside the tokens. */
struct knowledge ledger_knowledge(const struct ledger *ledger);

/* --- beginning --- */

/* The environment in the folder home, with recovery; and its end, with a checkpoint. 0, or a
 * database error. */
int ledger_env_open(struct ledger *ledger, const char *home);
void ledger_env_close(struct ledger *ledger);
/* Left by an environment that broke: the next one looks at every page. */
#define SUSPECT_MARKER "ledger/suspect"

/* The databases of a ledger, those of older versions first. */
#define N_DBS 7
struct db_place {
    const char *name;
    DB **db;
};
void ledger_dbs(struct ledger *ledger, struct db_place places[N_DBS]);
/* Under txn a new one, else one that is there. 0, or a database error. */
int ledger_db_open(struct ledger *ledger, DB_TXN *txn, DB **db, const char *name);

/* Fills an empty ledger with what can be read in the folder `from`, and with what only the current
 * model knows. */
int ledger_rebuild(struct ledger *ledger, const char *from, struct err *err);

/* Fills an empty ledger with what the current model holds if there is one, and writes the first
 * totals record. */
int ledger_seed(struct ledger *ledger, DB_TXN *txn, struct err *err);

/* The model that is in service; NULL when there is none or it is of no use. */
struct model *ledger_current(const struct ledger *ledger);

/* --- parts of a transaction: 0, or -1 with err --- */

/* Takes a step of the class's source counters: 1 or -1. */
int ledger_sources_count(struct ledger *ledger, DB_TXN *txn, enum learn_class class,
                         const struct learn_source *source, int32_t step, struct err *err);
/* Fills *cap. */
int ledger_cap_of(struct ledger *ledger, DB_TXN *txn, const struct ledger_totals *totals,
                  enum learn_class class, const struct learn_source *source, enum ledger_cap *cap,
                  struct err *err);

bool ledger_holds_out(const struct ledger *ledger, const struct ledger_totals *totals,
                      uint64_t digest, enum learn_class class);
/* Stores the item under state->held_next; the oldest leaves, record and all, when there are too
 * many. */
int ledger_held_put(struct ledger *ledger, DB_TXN *txn, struct ledger_state *state,
                    const struct ledger_item *item, int64_t when, struct err *err);
int ledger_held_del(struct ledger *ledger, DB_TXN *txn, struct ledger_state *state,
                    enum learn_class class, uint64_t number, struct err *err);

/* --- weights --- */

/* Memory for them; they are 0 when it is new. */
int ledger_weights_room(struct ledger *ledger, struct err *err);
/* Reads weights-N and what came after, as `version` noted it. 0, or a database error
 * (DB_VERIFY_BAD: damaged). */
int ledger_weights_load(struct ledger *ledger, uint32_t version);
/* Writes ledger/weights-NUMBER, durably. */
int ledger_weights_write(struct ledger *ledger, uint64_t number, struct err *err);
/* Notes in steps.db that the sum of the message's steps grew by so much. Its record has its grams
 * from then on. */
int ledger_weights_note(struct ledger *ledger, DB_TXN *txn, uint64_t digest, int32_t more,
                        struct err *err);
/* Notes that all of the message's sum of steps is taken back, and its record goes. */
int ledger_weights_note_gone(struct ledger *ledger, DB_TXN *txn, uint64_t digest, int32_t gram_step,
                             struct str packed, struct err *err);
/* Is there such a note, which may need the message's record? 1, 0, or -1. */
int ledger_weights_noted(struct ledger *ledger, DB_TXN *txn, uint64_t digest, struct err *err);
/* Writes the weights anew when many changes have come together, and forgets those. Between
 * transactions. */
int ledger_weights_save(struct ledger *ledger, bool always, struct err *err);

/* --- rehearsal --- */

/* 0, or a database error (DB_VERIFY_BAD: damaged). */
int ledger_rehearsal_load(struct ledger *ledger);
/* As rehearsal_put(), in the database too. */
int ledger_rehearsal_put(struct ledger *ledger, DB_TXN *txn, enum learn_class class, size_t slot,
                         const struct rehearsal_member *member, struct err *err);
/* The message is rehearsed no more, if it was to be. */
int ledger_rehearsal_leave(struct ledger *ledger, DB_TXN *txn, enum learn_class class,
                           uint64_t digest, struct err *err);
/* From the database's bytes; grams: room for GRAMS_MAX. False when malformed. */
bool ledger_member_decode(struct str bytes, uint32_t *grams, struct rehearsal_member *member);

/* Writes what was learned to path as a model, and opens it as a check. */
struct model *ledger_model(struct ledger *ledger, const char *path, uint64_t generation,
                           struct err *err);

static inline DBT dbt_of(const void *data, size_t size)
{
    return (DBT){.data = (void *)(uintptr_t)data, .size = (u_int32_t)size};
}

/* A DBT that takes an answer of at most `size` bytes into memory of the caller's. */
static inline DBT dbt_into(void *data, size_t size)
{
    return (DBT){.data = data, .ulen = (u_int32_t)size, .flags = DB_DBT_USERMEM};
}

#endif
