#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/fsio.h"
#include "base/log.h"
#include "bayes/ledger/db.h"
#include "bayes/model/model.h"

struct seeding {
    struct ledger *ledger;
    DB_TXN *txn;
    uint32_t day;
};

static int seed_token(void *data, const struct model_token *token, struct err *err)
{
    struct seeding *seeding = data;
    struct ledger *ledger = seeding->ledger;
    uint64_t wire = htobe64(token->hash);
    struct token_record record = {token->counts.spam, token->counts.ham, seeding->day};
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_of(&record, sizeof record);
    int code = ledger->tokens->put(ledger->tokens, seeding->txn, &key, &value, 0);
    return code ? ledger_db_err(ledger, code, "taking over a token", err) : 0;
}

struct model *ledger_current(const struct ledger *ledger)
{
    struct err err;
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, ledger->folder, "current", &err) < 0)
        return NULL;
    struct model *model = model_open_path(path, &err);
    if (model == NULL && errno != ENOENT)
        log_warning("the new ledger can't start from the last model: %s", err.text);
    return model;
}

/* The weights go into a file at once; the totals record of the same transaction names it. */
static int seed_weights(struct ledger *ledger, const struct knowledge *known, struct err *err)
{
    ledger->fusion = known->fusion;
    ledger->weights_file = 0;
    if (known->weights == NULL)
        return 0;
    if (ledger_weights_room(ledger, err) < 0)
        return -1;
    memcpy(ledger->weights, known->weights, GRAM_WEIGHTS * sizeof ledger->weights[0]);
    ledger->weights_file = 1;
    return ledger_weights_write(ledger, ledger->weights_file, err);
}

int ledger_seed(struct ledger *ledger, DB_TXN *txn, struct err *err)
{
    struct seeding seeding = {ledger, txn, (uint32_t)(time(NULL) / SECONDS_PER_DAY)};
    struct ledger_totals totals = {0};
    struct model *model = ledger_current(ledger);
    int result = 0;
    if (model) {
        totals.seeded_spam = totals.spam = model_spam(model);
        totals.seeded_ham = totals.ham = model_ham(model);
        totals.generation = model_generation(model);
        struct knowledge known = model_knowledge(model);
        result = seed_weights(ledger, &known, err);
        if (result == 0)
            result = model_walk(model, seed_token, &seeding, err);
    }
    if (result == 0)
        result = ledger_totals_put(ledger, txn, &totals, false, err);
    if (result == 0 && totals.spam + totals.ham)
        log_warning("the new ledger starts from model %" PRIu64 " (%" PRIu64 " spam, %" PRIu64
                    " ham): these messages can't be taken back one by one any more",
                    totals.generation, totals.spam, totals.ham);
    ledger->totals = totals;
    model_close(&model);
    return result;
}
