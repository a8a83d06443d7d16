#include "bayes/ledger/db.h"

/* Version 1 ended with the generation, version 2 with the fusion. */
struct totals_record {
    uint32_t version;
    uint32_t changed; /* since the last publication */
    uint64_t spam;
    uint64_t ham;
    uint64_t seeded_spam;
    uint64_t seeded_ham;
    uint64_t generation;
    uint64_t held_spam;
    uint64_t held_ham;
    uint64_t held_next;
    uint64_t weights_file;
    uint64_t salt;
    int32_t fusion[LEDGER_FUSION_MAX];
    uint32_t incarnation;
    uint32_t taken_back;
};

#define VERSION_1_SIZE offsetof(struct totals_record, held_spam)
#define VERSION_2_SIZE offsetof(struct totals_record, incarnation)

struct ledger_totals ledger_totals(const struct ledger *ledger)
{
    return ledger->totals;
}

struct ledger_state ledger_state(const struct ledger *ledger)
{
    return (struct ledger_state){ledger->totals,    ledger->fusion,      ledger->weights_file,
                                 ledger->held_next, ledger->incarnation, ledger->taken_back,
                                 ledger->changed};
}

void ledger_state_set(struct ledger *ledger, const struct ledger_state *state)
{
    ledger->totals = state->totals;
    ledger->fusion = state->fusion;
    ledger->weights_file = state->weights_file;
    ledger->held_next = state->held_next;
    ledger->incarnation = state->incarnation;
    ledger->taken_back = state->taken_back;
    ledger->changed = state->changed;
}

int ledger_state_put(struct ledger *ledger, DB_TXN *txn, const struct ledger_state *state,
                     struct err *err)
{
    const struct ledger_totals *totals = &state->totals;
    struct totals_record record = {.version = LEDGER_VERSION,
                                   .changed = state->changed,
                                   .spam = totals->spam,
                                   .ham = totals->ham,
                                   .seeded_spam = totals->seeded_spam,
                                   .seeded_ham = totals->seeded_ham,
                                   .generation = totals->generation,
                                   .held_spam = totals->held_spam,
                                   .held_ham = totals->held_ham,
                                   .held_next = state->held_next,
                                   .weights_file = state->weights_file,
                                   .salt = ledger->salt,
                                   .incarnation = state->incarnation,
                                   .taken_back = state->taken_back};
    memcpy(record.fusion, state->fusion.learned, sizeof state->fusion.learned);
    DBT key = dbt_of("totals", 6), value = dbt_of(&record, sizeof record);
    int code = ledger->totals_db->put(ledger->totals_db, txn, &key, &value, 0);
    return code ? ledger_db_err(ledger, code, "writing the totals", err) : 0;
}

int ledger_totals_put(struct ledger *ledger, DB_TXN *txn, const struct ledger_totals *totals,
                      bool changed, struct err *err)
{
    struct ledger_state state = ledger_state(ledger);
    state.totals = *totals;
    state.changed = changed;
    return ledger_state_put(ledger, txn, &state, err);
}

static bool record_valid(const struct totals_record *record, size_t size)
{
    return (record->version == 1 && size == VERSION_1_SIZE) ||
           (record->version == 2 && size == VERSION_2_SIZE) ||
           (record->version == LEDGER_VERSION && size == sizeof *record);
}

static void record_use(struct ledger *ledger, const struct totals_record *record)
{
    struct ledger_state state = {.totals = {.spam = record->spam,
                                            .ham = record->ham,
                                            .seeded_spam = record->seeded_spam,
                                            .seeded_ham = record->seeded_ham,
                                            .generation = record->generation,
                                            .held_spam = record->held_spam,
                                            .held_ham = record->held_ham},
                                 .weights_file = record->weights_file,
                                 .held_next = record->held_next,
                                 .incarnation = record->incarnation,
                                 .taken_back = record->taken_back,
                                 .changed = record->changed};
    memcpy(state.fusion.learned, record->fusion, sizeof state.fusion.learned);
    ledger_state_set(ledger, &state);
    ledger->salt = record->salt;
}

bool ledger_state_decode(struct ledger *ledger, struct str bytes)
{
    struct totals_record record = {.version = 0};
    memcpy(&record, bytes.s, bytes.n < sizeof record ? bytes.n : sizeof record);
    if (!record_valid(&record, bytes.n))
        return false;
    record_use(ledger, &record);
    return true;
}

int ledger_state_get(struct ledger *ledger, uint32_t *version)
{
    struct totals_record record = {.version = 0};
    /* No more than this version's part, so that a later version's can be recognised. */
    DBT key = dbt_of("totals", 6), value = dbt_into(&record, sizeof record);
    value.flags |= DB_DBT_PARTIAL;
    value.dlen = sizeof record;
    int code = ledger->totals_db->get(ledger->totals_db, NULL, &key, &value, 0);
    if (code != 0)
        return code;
    *version = record.version;
    if (record.version > LEDGER_VERSION)
        return DB_VERSION_MISMATCH;
    if (!record_valid(&record, value.size))
        return DB_VERIFY_BAD;
    record_use(ledger, &record);
    return 0;
}

struct knowledge ledger_knowledge(const struct ledger *ledger)
{
    return (struct knowledge){.spam = ledger->totals.spam,
                              .ham = ledger->totals.ham,
                              .weights = ledger->weights,
                              .fusion = ledger->fusion};
}
