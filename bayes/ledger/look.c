/* What a ledger knows of one token, of one message, of all. */
#include <stdlib.h>

#include "bayes/ledger/record.h"
#include "bayes/model/model_format.h"

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

int ledger_taught(struct ledger *ledger, uint64_t digest, struct ledger_taught *taught,
                  struct err *err)
{
    struct buf room = BUF_INIT(RECORD_MAX);
    struct record record;
    int found = ledger_record_get(ledger, NULL, digest, &room, &record, err);
    if (found > 0) {
        *taught = (struct ledger_taught){.class = (enum learn_class)record.head.class,
                                         .kind = (enum learn_kind)record.head.kind,
                                         .when = record.head.when,
                                         .campaign = record.head.campaign,
                                         .held = record.head.flags & RECORD_HELD,
                                         .settled = record.head.flags & RECORD_SETTLED};
        str_copy(record.reporter, taught->reporter, sizeof taught->reporter);
    }
    buf_release(&room);
    return found;
}

int ledger_message(struct ledger *ledger, uint64_t digest, enum learn_class *class, struct err *err)
{
    struct ledger_taught taught;
    int found = ledger_taught(ledger, digest, &taught, err);
    if (found > 0)
        *class = taught.class;
    return found;
}

/* --- the sum of all --- */

#define SUM_SALT 0x6d7573u

static uint64_t bytes_sum(uint64_t sum, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        sum = model_key(sum ^ p[i], SUM_SALT + i);
    return sum;
}

/* Leaves out when it was: that is not what was learned. */
static uint64_t token_sum(uint64_t sum, struct str value)
{
    struct token_record record = {0, 0, 0};
    memcpy(&record, value.s, value.n < sizeof record ? value.n : sizeof record);
    record.day = 0;
    return bytes_sum(sum, &record, sizeof record);
}

static uint64_t message_sum(uint64_t sum, struct str value)
{
    struct record record;
    if (!ledger_record_decode(value, &record))
        return bytes_sum(sum, value.s, value.n);
    record.head.when = 0;
    record.head.held = 0;
    record.head.incarnation = record.head.rehearsed_incarnation = 0;
    if (record.head.gram_step == 0) /* grams that stayed after a step that was taken back */
        record.packed = STR_EMPTY;
    record.head.packed = (uint32_t)record.packed.n;
    sum = bytes_sum(sum, &record.head, sizeof record.head);
    sum = bytes_sum(sum, record.tokens, record.head.n * sizeof(uint64_t));
    sum = bytes_sum(sum, record.packed.s, record.packed.n);
    return bytes_sum(sum, record.reporter.s, record.reporter.n);
}

static uint64_t plain_sum(uint64_t sum, struct str value)
{
    return bytes_sum(sum, value.s, value.n);
}

/* Records may come in any order: each has a sum of its own. */
static int db_sum(struct ledger *ledger, DB *db, uint64_t (*value_sum)(uint64_t, struct str),
                  uint64_t *sum, struct err *err)
{
    DBC *cursor;
    DBT key = {0},
        value = {.data = malloc(RECORD_MAX), .ulen = RECORD_MAX, .flags = DB_DBT_USERMEM};
    if (value.data == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    int code = db->cursor(db, NULL, &cursor, 0);
    if (code == 0) {
        while ((code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0)
            *sum += value_sum(bytes_sum(1, key.data, key.size), str_n(value.data, value.size));
        cursor->close(cursor);
    }
    free(value.data);
    return code == DB_NOTFOUND ? 0 : ledger_db_err(ledger, code, "reading it all", err);
}

int ledger_sum(struct ledger *ledger, uint64_t *sum, struct err *err)
{
    struct ledger_totals totals = ledger->totals;
    totals.generation = 0;
    *sum = bytes_sum(0, &totals, sizeof totals);
    *sum = bytes_sum(*sum, &ledger->fusion, sizeof ledger->fusion);
    *sum = model_sum(*sum, ledger->weights, GRAM_WEIGHTS * sizeof ledger->weights[0]);
    if (db_sum(ledger, ledger->tokens, token_sum, sum, err) < 0 ||
        db_sum(ledger, ledger->sources, plain_sum, sum, err) < 0)
        return -1;
    return db_sum(ledger, ledger->messages, message_sum, sum, err);
}
