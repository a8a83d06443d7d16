/*
 * Expiry. A token's day is that of the last message that was learned with it, so a token that
 * nobody has met for so long is held only by messages that are at least as old. Those are settled
 * first; then no message that can be taken back holds the token, and it can go without making any
 * taking back inexact. (Taking old messages back instead would forget the words that are still
 * met every day; leaving tokens as tombstones would free nothing.)
 *
 * Three passes over the trees in slices: count what was learned since, settle, remove.
 */
#include "base/log.h"
#include "bayes/ledger/record.h"

#define SLICE 2000 /* records that a call looks at */

struct slice {
    struct ledger *ledger;
    DB_TXN *txn;
    DBC *cursor;
    struct ledger_state state;
    int64_t before; /* seconds: what is older is stale */
    struct buf room;
};

/* The record under or behind progress.next; 1, or 0 at the end, or -1. */
static int slice_next(struct slice *slice, void *record, size_t size, size_t *got, struct err *err)
{
    struct ledger *ledger = slice->ledger;
    uint64_t wire = htobe64(ledger->expire.next);
    DBT key = {.data = &wire, .size = sizeof wire, .ulen = sizeof wire, .flags = DB_DBT_USERMEM};
    DBT value = {.data = record,
                 .ulen = (u_int32_t)size,
                 .dlen = (u_int32_t)size,
                 .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
    int code = slice->cursor->get(slice->cursor, &key, &value, DB_SET_RANGE);
    if (code == DB_NOTFOUND)
        return 0;
    if (code != 0)
        return ledger_db_err(ledger, code, "looking for what is stale", err);
    ledger->expire.next = be64toh(wire);
    *got = value.size;
    return 1;
}

static int message_settle(struct slice *slice, uint64_t digest, struct err *err)
{
    struct ledger *ledger = slice->ledger;
    struct record record;
    /* One that was learned since the weights were written, with a date long past: next time. */
    int noted = ledger_weights_noted(ledger, slice->txn, digest, err);
    if (noted != 0)
        return noted > 0 ? 0 : -1;
    int found = ledger_record_get(ledger, slice->txn, digest, &slice->room, &record, err);
    if (found <= 0)
        return found < 0 ? -1 : ledger_contradiction(ledger, "a message has gone", err);
    enum learn_class class = (enum learn_class)record.head.class;
    struct learn_source source = ledger_record_source(&record);
    struct record settled = {.head = {.class = record.head.class,
                                      .kind = record.head.kind,
                                      .flags = RECORD_SETTLED,
                                      .when = record.head.when}};
    if (class == LEARN_SPAM)
        slice->state.totals.seeded_spam++;
    else
        slice->state.totals.seeded_ham++;
    if (ledger_sources_count(ledger, slice->txn, class, &source, -1, err) < 0)
        return -1;
    if (ledger_rehearsal_leave(ledger, slice->txn, class, digest, err) < 0)
        return -1;
    return ledger_record_put(ledger, slice->txn, digest, &settled, &slice->room, err);
}

/* 1: looked at one; 0: there are no more; -1 error */
static int message_look(struct slice *slice, struct err *err)
{
    struct expire_progress *expire = &slice->ledger->expire;
    char bytes[sizeof(struct message_record)];
    struct message_record head;
    size_t got;
    int found = slice_next(slice, bytes, sizeof bytes, &got, err);
    if (found <= 0)
        return found;
    if (!ledger_record_head(str_n(bytes, got), &head))
        return ledger_contradiction(slice->ledger, "a message's record is malformed", err);
    if (head.flags & (RECORD_HELD | RECORD_SETTLED))
        return 1;
    if (head.when >= slice->before && head.class == LEARN_SPAM)
        expire->recent_spam++;
    else if (head.when >= slice->before)
        expire->recent_ham++;
    else if (expire->phase == EXPIRE_SETTLING && message_settle(slice, expire->next, err) < 0)
        return -1;
    return 1;
}

static int token_look(struct slice *slice, struct err *err)
{
    struct token_record token;
    size_t got;
    int found = slice_next(slice, &token, sizeof token, &got, err);
    if (found <= 0)
        return found;
    if (got != sizeof token)
        return ledger_contradiction(slice->ledger, "a token's record is malformed", err);
    if ((int64_t)token.day * SECONDS_PER_DAY >= slice->before)
        return 1;
    int code = slice->cursor->del(slice->cursor, 0);
    if (code != 0)
        return ledger_db_err(slice->ledger, code, "removing a token", err);
    slice->state.changed = true;
    return 1;
}

/* As message_look(). */
static int slice_records(struct slice *slice, struct err *err)
{
    struct ledger *ledger = slice->ledger;
    DB *db = ledger->expire.phase == EXPIRE_TOKENS ? ledger->tokens : ledger->messages;
    int more = 1;
    int code = db->cursor(db, slice->txn, &slice->cursor, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    for (unsigned n = 0; n < SLICE && more > 0; n++) {
        more = ledger->expire.phase == EXPIRE_TOKENS ? token_look(slice, err)
                                                     : message_look(slice, err);
        if (more > 0 && ++ledger->expire.next == 0)
            more = 0;
    }
    code = slice->cursor->close(slice->cursor);
    if (code != 0 && more >= 0)
        return ledger_db_err(ledger, code, "closing a cursor", err);
    return more;
}

static int slice_commit(struct slice *slice, struct err *err)
{
    struct ledger *ledger = slice->ledger;
    if (ledger_state_put(ledger, slice->txn, &slice->state, err) < 0) {
        slice->txn->abort(slice->txn);
        return -1;
    }
    int code = slice->txn->commit(slice->txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "committing", err);
    ledger_state_set(ledger, &slice->state);
    return 0;
}

/* The part of a pass that a call does. */
static int slice_run(struct ledger *ledger, int64_t before, struct err *err)
{
    struct slice slice = {.ledger = ledger,
                          .before = before,
                          .state = ledger_state(ledger),
                          .room = BUF_INIT(RECORD_MAX)};
    uint64_t from = ledger->expire.next;
    int code = ledger->env->txn_begin(ledger->env, NULL, &slice.txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    int more = slice_records(&slice, err);
    if (more < 0)
        slice.txn->abort(slice.txn);
    else if (slice_commit(&slice, err) < 0)
        more = -1;
    if (more < 0) {
        ledger->expire.next = from;
        rehearsal_undo(ledger->rehearsal);
    }
    rehearsal_keep(ledger->rehearsal);
    buf_release(&slice.room);
    return more;
}

/* The next pass, or the end for today. */
static int pass_end(struct ledger *ledger, int64_t day, struct err *err)
{
    struct expire_progress *expire = &ledger->expire;
    bool enough =
        expire->recent_spam >= LEDGER_EXPIRE_RECENT && expire->recent_ham >= LEDGER_EXPIRE_RECENT;
    expire->next = 0;
    if (expire->phase == EXPIRE_TOKENS || !enough) {
        *expire = (struct expire_progress){.day = day};
        return 0;
    }
    /* What steps.db still asks messages for must be in the weights before those are settled. */
    if (expire->phase == EXPIRE_COUNTING && ledger_weights_save(ledger, true, err) < 0)
        return -1;
    expire->phase = expire->phase == EXPIRE_COUNTING ? EXPIRE_SETTLING : EXPIRE_TOKENS;
    return 1;
}

int ledger_expire(struct ledger *ledger, unsigned days, int64_t now, struct err *err)
{
    int64_t day = now / SECONDS_PER_DAY;
    int64_t before = (day - (int64_t)days) * SECONDS_PER_DAY;
    if (days == 0 || before <= 0 || ledger->expire.day == day)
        return 0;
    if (ledger->broken)
        return err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    int more = slice_run(ledger, before, err);
    return more ? more : pass_end(ledger, day, err);
}
