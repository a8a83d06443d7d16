/*
 * Held-out messages: chosen by a salted hash, so that nobody can write mail that is held out or
 * is not, and the same message is always chosen alike. Under a class and a rising number, so that
 * the oldest stands first; messages.db says which number a message has.
 */
#include <stdlib.h>

#include "bayes/ledger/record.h"
#include "bayes/model/model_format.h"

struct held_key {
    uint8_t bytes[1 + sizeof(uint64_t)];
};

static struct held_key held_key_of(enum learn_class class, uint64_t number)
{
    struct held_key key = {{(uint8_t) class}};
    uint64_t wire = htobe64(number);
    memcpy(key.bytes + 1, &wire, sizeof wire);
    return key;
}

static uint64_t *held_total(struct ledger_totals *totals, enum learn_class class)
{
    return class == LEARN_SPAM ? &totals->held_spam : &totals->held_ham;
}

bool ledger_holds_out(const struct ledger *ledger, const struct ledger_totals *totals,
                      uint64_t digest, enum learn_class class)
{
    uint64_t learned = class == LEARN_SPAM ? totals->spam : totals->ham;
    return ledger->policy.hold_out && learned >= LEDGER_HELD_AFTER &&
           model_key(digest, ledger->salt) % ledger->policy.hold_out == 0;
}

/* The oldest of the class leaves, and is a message like any that was never learned. */
static int held_leave(struct ledger *ledger, DB_TXN *txn, struct ledger_state *state,
                      enum learn_class class, struct err *err)
{
    DBC *cursor;
    struct message_record head;
    char bytes[sizeof head];
    struct held_key at = held_key_of(class, 0);
    DBT key = {.data = &at, .size = sizeof at, .ulen = sizeof at, .flags = DB_DBT_USERMEM};
    DBT value = dbt_into(bytes, sizeof bytes);
    value.flags |= DB_DBT_PARTIAL;
    value.dlen = sizeof bytes;
    int code = ledger->held->cursor(ledger->held, txn, &cursor, 0);
    if (code == 0) {
        code = cursor->get(cursor, &key, &value, DB_SET_RANGE);
        if (code == 0)
            code = cursor->del(cursor, 0);
        cursor->close(cursor);
    }
    if (code != 0)
        return ledger_db_err(ledger, code, "taking out the oldest held-out message", err);
    if (!ledger_record_head(str_n(bytes, value.size), &head) || at.bytes[0] != class)
        return ledger_contradiction(ledger, "held-out messages are counted that are not there",
                                    err);
    --*held_total(&state->totals, class);
    return ledger_record_del(ledger, txn, head.held, err);
}

int ledger_held_put(struct ledger *ledger, DB_TXN *txn, struct ledger_state *state,
                    const struct ledger_item *item, int64_t when, struct err *err)
{
    struct held_key at = held_key_of(item->class, state->held_next);
    struct buf packed = BUF_INIT(GRAMS_PACKED_BYTES), bytes = BUF_INIT(RECORD_MAX);
    struct record record = {.head = {.class = (uint8_t)item->class,
                                     .flags = RECORD_HELD,
                                     .n = (uint32_t)item->n,
                                     .when = when,
                                     .held = item->digest},
                            .tokens = item->features};
    uint64_t *total = held_total(&state->totals, item->class);
    if (*total >= LEDGER_HELD_MAX && held_leave(ledger, txn, state, item->class, err) < 0)
        return -1;
    grams_pack(&packed, item->grams, item->n_grams);
    record.packed = buf_str(&packed);
    ledger_record_encode(&record, &bytes);
    int result = 0;
    if (!buf_ok(&packed) || !buf_ok(&bytes)) {
        result = err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    } else {
        DBT key = dbt_of(&at, sizeof at), value = dbt_of(bytes.p, bytes.n);
        int code = ledger->held->put(ledger->held, txn, &key, &value, 0);
        if (code != 0)
            result = ledger_db_err(ledger, code, "holding out a message", err);
    }
    buf_release(&packed);
    buf_release(&bytes);
    state->held_next++;
    ++*total;
    return result;
}

int ledger_held_del(struct ledger *ledger, DB_TXN *txn, struct ledger_state *state,
                    enum learn_class class, uint64_t number, struct err *err)
{
    struct held_key at = held_key_of(class, number);
    DBT key = dbt_of(&at, sizeof at);
    uint64_t *total = held_total(&state->totals, class);
    int code = ledger->held->del(ledger->held, txn, &key, 0);
    if (code == DB_NOTFOUND || *total == 0)
        return ledger_contradiction(ledger, "a held-out message is not there", err);
    --*total;
    return code ? ledger_db_err(ledger, code, "removing a held-out message", err) : 0;
}

/* One as it was read; false when malformed. */
static bool held_decode(struct str bytes, uint32_t *grams, struct ledger_held *held)
{
    struct record record;
    *held = (struct ledger_held){.digest = 0};
    if (!ledger_record_decode(bytes, &record) ||
        !grams_unpack(record.packed, grams, GRAMS_MAX, &held->n_grams))
        return false;
    held->digest = record.head.held;
    held->class = (enum learn_class)record.head.class;
    held->when = record.head.when;
    held->features = record.tokens;
    held->n = record.head.n;
    held->grams = grams;
    return true;
}

static int held_walk(struct ledger *ledger, char *room,
                     int (*each)(void *data, const struct ledger_held *held, struct err *err),
                     void *data, struct err *err)
{
    DBC *cursor;
    struct held_key at;
    uint32_t grams[GRAMS_MAX];
    struct ledger_held held;
    DBT key = dbt_into(&at, sizeof at), value = dbt_into(room, RECORD_MAX);
    int result = 0;
    int code = ledger->held->cursor(ledger->held, NULL, &cursor, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    while (result == 0 && (code = cursor->get(cursor, &key, &value, DB_NEXT)) == 0)
        result = held_decode(str_n(room, value.size), grams, &held)
                     ? each(data, &held, err)
                     : ledger_contradiction(ledger, "a held-out message is malformed", err);
    cursor->close(cursor);
    if (result == 0 && code != DB_NOTFOUND)
        result = ledger_db_err(ledger, code, "reading held-out messages", err);
    return result;
}

int ledger_held_out(struct ledger *ledger,
                    int (*each)(void *data, const struct ledger_held *held, struct err *err),
                    void *data, struct err *err)
{
    char *room = malloc(RECORD_MAX);
    if (room == NULL)
        return err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    int result = held_walk(ledger, room, each, data, err);
    free(room);
    return result;
}
