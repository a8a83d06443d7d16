#include <stdlib.h>
#include <time.h>

#include "bayes/ledger_db.h"

/* What one transaction holds at most, in counts that change: bounds memory and the log. */
#define DELTAS_MAX      (1024u * 1024)
#define CHECKPOINT_KB   (16u * 1024)
#define SECONDS_PER_DAY 86400

/* One message's part in one token's counts. */
struct delta {
    uint64_t feature;
    int32_t spam;
    int32_t ham;
};

/* One transaction's worth of items. */
struct batch {
    struct ledger *ledger;
    DB_TXN *txn;
    struct ledger_totals totals;
    struct delta *deltas;
    size_t n;
    size_t cap;
    bool changed;
    int64_t now;
    struct message_record *record; /* room for the largest record, header and features */
};

#define RECORD_MAX (sizeof(struct message_record) + FEATURES_MAX * sizeof(uint64_t))

static const uint64_t *record_features(const struct message_record *record)
{
    return (const uint64_t *)(record + 1);
}

/* 1 found, 0 not there, -1 error. */
static int record_get(struct batch *batch, uint64_t digest, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(batch->record, RECORD_MAX);
    int code = ledger->messages->get(ledger->messages, batch->txn, &key, &value, 0);
    if (code == DB_NOTFOUND)
        return 0;
    if (code != 0)
        return ledger_db_err(ledger, code, "reading a message", err);
    if (value.size < sizeof *batch->record || batch->record->class > LEARN_SPAM ||
        value.size != sizeof *batch->record + batch->record->n * sizeof(uint64_t))
        return ledger_contradiction(ledger, "a message's record is malformed", err);
    return 1;
}

static int record_put(struct batch *batch, const struct ledger_item *item, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    uint64_t wire = htobe64(item->digest);
    *batch->record = (struct message_record){.class = item->class,
                                             .n = (uint32_t)item->n,
                                             .learned = batch->now};
    if (item->n)
        memcpy(batch->record + 1, item->features, item->n * sizeof item->features[0]);
    DBT key = dbt_of(&wire, sizeof wire);
    DBT value = dbt_of(batch->record, sizeof *batch->record + item->n * sizeof(uint64_t));
    int code = ledger->messages->put(ledger->messages, batch->txn, &key, &value, 0);
    return code ? ledger_db_err(ledger, code, "writing a message", err) : 0;
}

static int record_del(struct batch *batch, uint64_t digest, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    uint64_t wire = htobe64(digest);
    DBT key = dbt_of(&wire, sizeof wire);
    int code = ledger->messages->del(ledger->messages, batch->txn, &key, 0);
    return code ? ledger_db_err(ledger, code, "removing a message", err) : 0;
}

static int deltas_room(struct batch *batch, size_t more, struct err *err)
{
    size_t cap = batch->cap ? batch->cap : 4096;
    while (cap < batch->n + more)
        cap *= 2;
    if (cap == batch->cap)
        return 0;
    struct delta *deltas = realloc(batch->deltas, cap * sizeof *deltas);
    if (deltas == NULL)
        return err_set(err, "ledger %s/ledger: out of memory for %zu changes",
                       batch->ledger->folder, cap);
    batch->deltas = deltas;
    batch->cap = cap;
    return 0;
}

/* The message counts `step` times more (1) or less (-1) in its class. */
static int count(struct batch *batch, uint32_t class, const uint64_t *features, size_t n,
                 int32_t step, struct err *err)
{
    uint64_t *total = class == LEARN_SPAM ? &batch->totals.spam : &batch->totals.ham;
    if (step < 0 && *total == 0)
        return ledger_contradiction(batch->ledger, "more messages to take back than learned", err);
    if (deltas_room(batch, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        batch->deltas[batch->n++] = (struct delta){features[i], class == LEARN_SPAM ? step : 0,
                                                   class == LEARN_HAM ? step : 0};
    *total += (uint64_t)(int64_t)step;
    return 0;
}

static bool features_valid(const struct ledger_item *item)
{
    if (item->n > FEATURES_MAX)
        return false;
    for (size_t i = 1; i < item->n; i++)
        if (item->features[i - 1] >= item->features[i])
            return false;
    return true;
}

/* 0 when the item is done or known; 1 when it is refused and the batch may go on; -1 when the
 * batch can't. */
static int item_learn(struct batch *batch, struct ledger_item *item, struct err *err)
{
    if (item->class > LEARN_FORGET || (item->class != LEARN_FORGET && !features_valid(item))) {
        err_set(err, "the features of message %016llx are not in rising order, or more than %d",
                (unsigned long long)item->digest, FEATURES_MAX);
        return 1;
    }
    int found = record_get(batch, item->digest, err);
    if (found < 0)
        return -1;
    item->result = LEARN_KNOWN;
    if (found ? batch->record->class == item->class : item->class == LEARN_FORGET)
        return 0;
    if (found && count(batch, batch->record->class, record_features(batch->record),
                       batch->record->n, -1, err) < 0)
        return -1;
    item->result = LEARN_DONE;
    batch->changed = true;
    if (item->class == LEARN_FORGET)
        return record_del(batch, item->digest, err);
    if (record_put(batch, item, err) < 0)
        return -1;
    return count(batch, item->class, item->features, item->n, 1, err);
}

static int delta_order(const void *a, const void *b)
{
    uint64_t x = ((const struct delta *)a)->feature;
    uint64_t y = ((const struct delta *)b)->feature;
    return x < y ? -1 : x > y;
}

/* Sorts, and makes one of all that belong to the same token; those that come to nothing go. */
static void deltas_merge(struct batch *batch)
{
    size_t kept = 0;
    if (batch->n)
        qsort(batch->deltas, batch->n, sizeof batch->deltas[0], delta_order);
    for (size_t i = 0; i < batch->n;) {
        struct delta sum = batch->deltas[i++];
        while (i < batch->n && batch->deltas[i].feature == sum.feature) {
            sum.spam += batch->deltas[i].spam;
            sum.ham += batch->deltas[i++].ham;
        }
        if (sum.spam || sum.ham)
            batch->deltas[kept++] = sum;
    }
    batch->n = kept;
}

/* False when the sum is no count: the ledger contradicts itself. */
static bool count_add(uint32_t *count, int32_t step)
{
    int64_t sum = (int64_t)*count + step;
    if (sum < 0 || sum > UINT32_MAX)
        return false;
    *count = (uint32_t)sum;
    return true;
}

static int delta_apply(struct batch *batch, DBC *cursor, const struct delta *delta, struct err *err)
{
    uint64_t wire = htobe64(delta->feature);
    struct token_record token = {0, 0, 0};
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(&token, sizeof token);
    int code = cursor->get(cursor, &key, &value, DB_SET);
    bool found = code == 0;
    if (code != 0 && code != DB_NOTFOUND)
        return ledger_db_err(batch->ledger, code, "reading a token", err);
    if (!count_add(&token.spam, delta->spam) || !count_add(&token.ham, delta->ham))
        return ledger_contradiction(batch->ledger, "a token was seen less than learned", err);
    token.day = (uint32_t)(batch->now / SECONDS_PER_DAY);
    value = dbt_of(&token, sizeof token);
    key = dbt_of(&wire, sizeof wire);
    if (token.spam == 0 && token.ham == 0)
        code = found ? cursor->del(cursor, 0) : 0;
    else
        code = cursor->put(cursor, &key, &value, found ? DB_CURRENT : DB_KEYFIRST);
    return code ? ledger_db_err(batch->ledger, code, "writing a token", err) : 0;
}

static int deltas_apply(struct batch *batch, struct err *err)
{
    DBC *cursor;
    struct ledger *ledger = batch->ledger;
    deltas_merge(batch);
    int code = ledger->tokens->cursor(ledger->tokens, batch->txn, &cursor, DB_CURSOR_BULK);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    int result = 0;
    for (size_t i = 0; i < batch->n && result == 0; i++)
        result = delta_apply(batch, cursor, &batch->deltas[i], err);
    code = cursor->close(cursor);
    if (result == 0 && code != 0)
        result = ledger_db_err(ledger, code, "closing a cursor", err);
    return result;
}

static int batch_commit(struct batch *batch, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    if (deltas_apply(batch, err) < 0 ||
        ledger_totals_put(ledger, batch->txn, &batch->totals, batch->changed, err) < 0)
        return -1;
    DB_TXN *txn = batch->txn;
    batch->txn = NULL; /* gone, whatever commit says */
    int code = txn->commit(txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "committing", err);
    ledger->totals = batch->totals;
    ledger->changed = batch->changed;
    return 0;
}

/* Counts that an item may change: its own and those it takes back. */
static size_t item_weight(const struct ledger_item *item)
{
    return item->n + FEATURES_MAX;
}

/*
 * As many items as one transaction holds; *taken says how many were tried. 0, or -1 when none of
 * them is learned. A refused item is marked and left out.
 */
static int batch_run(struct batch *batch, struct ledger_item *items, size_t n, size_t *taken,
                     bool *refused, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    batch->n = 0;
    batch->totals = ledger->totals;
    batch->changed = ledger->changed;
    int code = ledger->env->txn_begin(ledger->env, NULL, &batch->txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    for (*taken = 0; *taken < n; ++*taken) {
        struct ledger_item *item = &items[*taken];
        if (*taken && batch->n + item_weight(item) > DELTAS_MAX)
            break;
        int result = item_learn(batch, item, err);
        if (result < 0)
            return -1;
        if (result > 0) {
            item->result = LEARN_FAILED;
            *refused = true;
        }
    }
    return batch_commit(batch, err);
}

/* One transaction over the first items; -1 when none of them is learned. */
static int batch_try(struct batch *batch, struct ledger_item *items, size_t n, size_t *taken,
                     bool *refused, struct err *err)
{
    int result = batch_run(batch, items, n, taken, refused, err);
    if (batch->txn)
        batch->txn->abort(batch->txn);
    batch->txn = NULL;
    return result;
}

/* All items; one that spoils its transaction is tried once more alone, and so are its
 * neighbours. Returns how many were tried: less than n only when the ledger broke. */
static size_t batch_all(struct batch *batch, struct ledger_item *items, size_t n, bool *refused,
                        struct err *err)
{
    size_t done = 0, alone = 0;
    while (done < n && !batch->ledger->broken) {
        size_t taken = 0, want = alone ? 1 : n - done;
        if (batch_try(batch, items + done, want, &taken, refused, err) == 0) {
            done += taken;
            alone -= alone ? 1 : 0;
        } else if (want == 1) {
            items[done++].result = LEARN_FAILED;
            alone -= alone ? 1 : 0;
            *refused = true;
        } else {
            alone = taken + 1 < want ? taken + 1 : want;
        }
    }
    return done;
}

int ledger_learn_batch(struct ledger *ledger, struct ledger_item *items, size_t n, struct err *err)
{
    struct batch batch = {.ledger = ledger, .now = (int64_t)time(NULL)};
    bool refused = false;
    size_t done = 0;
    if (ledger->broken)
        err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    else if ((batch.record = malloc(RECORD_MAX)) == NULL)
        err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    else
        done = batch_all(&batch, items, n, &refused, err);
    for (size_t i = done; i < n; i++)
        items[i].result = LEARN_FAILED;
    /* What fails here fails again, and louder, in the next transaction. */
    if (done && !ledger->broken)
        ledger->env->txn_checkpoint(ledger->env, CHECKPOINT_KB, 0, 0);
    free(batch.deltas);
    free(batch.record);
    return done < n || refused ? -1 : 0;
}

enum learn_result ledger_learn(struct ledger *ledger, uint64_t digest, enum learn_class class,
                               const uint64_t *features, size_t n, struct err *err)
{
    struct ledger_item item = {
        .digest = digest, .class = class, .features = features, .n = n, .result = LEARN_FAILED};
    ledger_learn_batch(ledger, &item, 1, err);
    return item.result;
}

int ledger_token(struct ledger *ledger, uint64_t feature, struct ledger_token *token,
                 struct err *err)
{
    uint64_t wire = htobe64(feature);
    struct token_record record;
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_into(&record, sizeof record);
    int code = ledger->tokens->get(ledger->tokens, NULL, &key, &value, 0);
    if (code == DB_NOTFOUND)
        return 0;
    if (code != 0)
        return ledger_db_err(ledger, code, "reading a token", err);
    *token = (struct ledger_token){record.spam, record.ham, record.day};
    return 1;
}

int ledger_message(struct ledger *ledger, uint64_t digest, enum learn_class *class, struct err *err)
{
    struct batch batch = {.ledger = ledger, .record = malloc(RECORD_MAX)};
    if (batch.record == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    int found = record_get(&batch, digest, err);
    if (found > 0)
        *class = batch.record->class;
    free(batch.record);
    return found;
}
