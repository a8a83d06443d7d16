#include "bayes/ledger/export.h"

#include <stdlib.h>
#include <string.h>

#include "bayes/ledger/db.h"
#include "bayes/transfer/portable.h"

/* --- out --- */

static int tokens_export(struct ledger *ledger, struct portable_out *out, struct err *err)
{
    DBC *cursor;
    uint64_t wire;
    struct token_record record;
    DBT key = dbt_into(&wire, sizeof wire), value = dbt_into(&record, sizeof record);
    int result = 0;
    int code = ledger->tokens->cursor(ledger->tokens, NULL, &cursor, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    while (result == 0 && (code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0) {
        struct model_counts counts = {record.spam, record.ham};
        result = key.size == sizeof wire && value.size == sizeof record
                     ? portable_token(out, be64toh(wire), counts, record.day, err)
                     : ledger_contradiction(ledger, "a token's record is malformed", err);
    }
    cursor->close(cursor);
    if (result == 0 && code != DB_NOTFOUND)
        result = ledger_db_err(ledger, code, "reading the tokens", err);
    return result;
}

int ledger_export(struct ledger *ledger, int fd, const char *path, struct err *err)
{
    struct portable_out out;
    const struct ledger_totals *totals = &ledger->totals;
    if (ledger->broken)
        return err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    int result = portable_begin(&out, fd, path, totals->spam, totals->ham, err);
    if (result == 0)
        result = tokens_export(ledger, &out, err);
    if (result == 0)
        result = portable_weights(&out, ledger->weights, err);
    if (result == 0)
        result = portable_fusion(&out, &ledger->fusion, err);
    if (result == 0)
        result = portable_end(&out, err);
    portable_free(&out);
    return result;
}

/* --- in --- */

struct import {
    struct ledger *ledger;
    DB_TXN *txn;
    DBC *cursor;
    struct ledger_state state;
    struct portable_in in;
    int32_t *weights;  /* NULL: those of the file are left out */
    bool with_weights; /* there are some in the file */
};

static bool count_add(uint32_t *count, uint32_t more)
{
    return !__builtin_add_overflow(*count, more, count);
}

static int token_import(struct import *import, const struct portable_record *record,
                        struct err *err)
{
    uint64_t wire = htobe64(record->hash);
    struct token_record token = {0, 0, 0};
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(&token, sizeof token);
    int code = import->cursor->get(import->cursor, &key, &value, DB_SET);
    if (code != 0 && code != DB_NOTFOUND)
        return ledger_db_err(import->ledger, code, "reading a token", err);
    if (!count_add(&token.spam, record->counts.spam) || !count_add(&token.ham, record->counts.ham))
        return lines_err(&import->in.lines, "more messages than can be counted", err);
    if (record->day > token.day)
        token.day = record->day;
    key = dbt_of(&wire, sizeof wire);
    value = dbt_of(&token, sizeof token);
    code = import->cursor->put(import->cursor, &key, &value, DB_KEYFIRST);
    return code ? ledger_db_err(import->ledger, code, "writing a token", err) : 0;
}

static int record_import(struct import *import, const struct portable_record *record,
                         struct err *err)
{
    switch (record->kind) {
    case PORTABLE_TOKEN:
        return token_import(import, record, err);
    case PORTABLE_WEIGHT:
        if (import->weights)
            import->weights[record->at] = record->value;
        import->with_weights = true;
        return 0;
    case PORTABLE_FUSION:
        if (import->weights)
            import->state.fusion.learned[record->at] = record->value;
        return 0;
    }
    return 0;
}

static int records_import(struct import *import, struct err *err)
{
    struct portable_record record;
    struct ledger *ledger = import->ledger;
    int got;
    int code = ledger->tokens->cursor(ledger->tokens, import->txn, &import->cursor, DB_CURSOR_BULK);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    while ((got = portable_next(&import->in, &record, err)) > 0)
        if (record_import(import, &record, err) < 0) {
            got = -1;
            break;
        }
    code = import->cursor->close(import->cursor);
    if (code != 0 && got == 0)
        got = ledger_db_err(ledger, code, "closing a cursor", err);
    return got;
}

static bool weights_empty(const struct ledger *ledger)
{
    for (size_t i = 0; i < GRAM_WEIGHTS; i++)
        if (ledger->weights[i])
            return false;
    return true;
}

static int weights_begin(struct import *import, struct err *err)
{
    struct ledger *ledger = import->ledger;
    if (ledger_weights_save(ledger, true, err) < 0)
        return -1;
    import->state = ledger_state(ledger);
    if (!weights_empty(ledger))
        return 0;
    import->weights = calloc(GRAM_WEIGHTS, sizeof import->weights[0]);
    if (import->weights == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    return 0;
}

/* A file of their own, which the transaction then names. */
static int weights_finish(struct import *import, struct err *err)
{
    struct ledger *ledger = import->ledger;
    if (import->weights == NULL || !import->with_weights)
        return 0;
    memcpy(ledger->weights, import->weights, GRAM_WEIGHTS * sizeof import->weights[0]);
    import->state.weights_file++;
    return ledger_weights_write(ledger, import->state.weights_file, err);
}

static int import_commit(struct import *import, struct err *err)
{
    struct ledger *ledger = import->ledger;
    struct ledger_totals *totals = &import->state.totals;
    totals->spam += import->in.spam;
    totals->seeded_spam += import->in.spam;
    totals->ham += import->in.ham;
    totals->seeded_ham += import->in.ham;
    import->state.changed = true;
    if (weights_finish(import, err) < 0 ||
        ledger_state_put(ledger, import->txn, &import->state, err) < 0)
        return -1;
    DB_TXN *txn = import->txn;
    import->txn = NULL;
    int code = txn->commit(txn, DB_TXN_SYNC);
    if (code != 0)
        return ledger_db_err(ledger, code, "committing", err);
    ledger_state_set(ledger, &import->state);
    return 0;
}

static int import_run(struct import *import, struct err *err)
{
    struct ledger *ledger = import->ledger;
    if (weights_begin(import, err) < 0)
        return -1;
    int code = ledger->env->txn_begin(ledger->env, NULL, &import->txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    int result = records_import(import, err);
    if (result == 0)
        result = import_commit(import, err);
    if (import->txn)
        import->txn->abort(import->txn);
    if (result < 0 && import->weights)
        memset(ledger->weights, 0, GRAM_WEIGHTS * sizeof ledger->weights[0]);
    return result;
}

int ledger_import(struct ledger *ledger, int fd, const char *path, struct import_summary *summary,
                  struct err *err)
{
    if (ledger->broken)
        return err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    import->ledger = ledger;
    int result = portable_open(&import->in, fd, path, err);
    if (result == 0)
        result = import_run(import, err);
    *summary = (struct import_summary){.format = IMPORT_POTERNE,
                                       .spam = import->in.spam,
                                       .ham = import->in.ham,
                                       .tokens = import->in.tokens};
    free(import->weights);
    free(import);
    return result;
}
