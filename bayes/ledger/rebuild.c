/*
 * A ledger from what is left of a damaged one: each message that can be read adds again what it
 * added, so that it can still be taken back. When messages are missing, or some were never known
 * one by one, the current model says what they taught: of each token the larger of both counts is
 * taken, and its weights.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "bayes/ledger/counts.h"
#include "bayes/ledger/salvage.h"
#include "bayes/model/model.h"

#define RECORDS_AT_ONCE 500   /* in one transaction */
#define TOKENS_AT_ONCE  20000 /* likewise, of a model */

struct rebuild {
    struct ledger *ledger;
    DB_TXN *txn;
    struct ledger_state state;
    struct counts counts;
    struct model_counts *list;
    struct buf room;
    unsigned records; /* in this transaction */
    uint64_t held;
};

static int txn_begin(struct rebuild *rebuild, struct err *err)
{
    struct ledger *ledger = rebuild->ledger;
    int code = ledger->env->txn_begin(ledger->env, NULL, &rebuild->txn, 0);
    rebuild->records = 0;
    counts_clear(&rebuild->counts);
    return code ? ledger_db_err(ledger, code, "beginning a transaction", err) : 0;
}

static int txn_end(struct rebuild *rebuild, struct err *err)
{
    struct ledger *ledger = rebuild->ledger;
    if (counts_put(&rebuild->counts, ledger, rebuild->txn, err) < 0 ||
        ledger_state_put(ledger, rebuild->txn, &rebuild->state, err) < 0)
        return -1;
    DB_TXN *txn = rebuild->txn;
    rebuild->txn = NULL;
    int code = txn->commit(txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "committing", err);
    ledger_state_set(ledger, &rebuild->state);
    rehearsal_keep(ledger->rehearsal);
    return 0;
}

static int txn_next(struct rebuild *rebuild, unsigned at_once, struct err *err)
{
    if (++rebuild->records < at_once)
        return 0;
    return txn_end(rebuild, err) < 0 ? -1 : txn_begin(rebuild, err);
}

/* --- messages --- */

static void total_add(struct ledger_totals *totals, const struct message_record *head)
{
    bool spam = head->class == LEARN_SPAM;
    totals->spam += spam;
    totals->ham += !spam;
    if (head->flags & RECORD_SETTLED) {
        totals->seeded_spam += spam;
        totals->seeded_ham += !spam;
    }
}

/* No message is to get a number that is in a record. */
static void incarnation_raise(struct ledger_state *state, uint32_t incarnation)
{
    if (incarnation > state->incarnation)
        state->incarnation = incarnation;
}

static int record_add(struct rebuild *rebuild, const struct record *record, struct err *err)
{
    struct ledger *ledger = rebuild->ledger;
    const struct message_record *head = &record->head;
    enum learn_class class = (enum learn_class)head->class;
    struct learn_source source = ledger_record_source(record);
    uint32_t day = head->when > 0 ? (uint32_t)(head->when / SECONDS_PER_DAY) : 0;
    uint32_t grams[GRAMS_MAX];
    size_t n;
    if (counts_get(&rebuild->counts, ledger, rebuild->txn, record->tokens, head->n, rebuild->list,
                   err) < 0 ||
        counts_add(&rebuild->counts, ledger, record->tokens, head->n, class, 1, day, err) < 0)
        return -1;
    if (!(head->flags & RECORD_SETTLED) &&
        ledger_sources_count(ledger, rebuild->txn, class, &source, 1, err) < 0)
        return -1;
    if (grams_unpack(record->packed, grams, GRAMS_MAX, &n))
        regression_apply(ledger->weights, grams, n, head->gram_step);
    fusion_apply(&rebuild->state.fusion, head->fusion_step, 1);
    total_add(&rebuild->state.totals, head);
    incarnation_raise(&rebuild->state, head->incarnation);
    incarnation_raise(&rebuild->state, head->rehearsed_incarnation);
    return 0;
}

/* 1: this one is of no use. Held-out mail comes from held.db. */
static int on_message(void *data, const uint8_t *key, struct str value, struct err *err)
{
    struct rebuild *rebuild = data;
    struct record record;
    uint64_t wire;
    memcpy(&wire, key, sizeof wire);
    if (!ledger_record_decode(value, &record))
        return 1;
    if (record.head.flags & RECORD_HELD)
        return 0;
    if (record_add(rebuild, &record, err) < 0 ||
        ledger_record_put(rebuild->ledger, rebuild->txn, be64toh(wire), &record, &rebuild->room,
                          err) < 0)
        return -1;
    return txn_next(rebuild, RECORDS_AT_ONCE, err);
}

/* What comes twice (a torn move from one number to another) is held out once. */
static int on_held(void *data, const uint8_t *key, struct str value, struct err *err)
{
    struct rebuild *rebuild = data;
    struct ledger *ledger = rebuild->ledger;
    struct record record, known;
    uint32_t grams[GRAMS_MAX];
    struct ledger_item item;
    if (!ledger_record_decode(value, &record) || !(record.head.flags & RECORD_HELD) ||
        !grams_unpack(record.packed, grams, GRAMS_MAX, &item.n_grams))
        return 1;
    item = (struct ledger_item){.digest = record.head.held,
                                .class = (enum learn_class)record.head.class,
                                .features = record.tokens,
                                .n = record.head.n,
                                .grams = grams,
                                .n_grams = item.n_grams};
    struct record place = {.head = {.class = record.head.class,
                                    .flags = RECORD_HELD,
                                    .when = record.head.when,
                                    .held = rebuild->state.held_next}};
    int found = ledger_record_get(ledger, rebuild->txn, item.digest, &rebuild->room, &known, err);
    if (found != 0)
        return found;
    if (ledger_held_put(ledger, rebuild->txn, &rebuild->state, &item, record.head.when, err) < 0 ||
        ledger_record_put(ledger, rebuild->txn, item.digest, &place, &rebuild->room, err) < 0)
        return -1;
    rebuild->held++;
    return txn_next(rebuild, RECORDS_AT_ONCE, err);
}

/* Those that are there are rehearsed on, in other slots if some are missing. */
static int on_member(void *data, const uint8_t *key, struct str value, struct err *err)
{
    struct rebuild *rebuild = data;
    struct ledger *ledger = rebuild->ledger;
    struct rehearsal_member member;
    struct record record;
    uint32_t grams[GRAMS_MAX];
    enum learn_class class = key[0];
    if (class > LEARN_SPAM || !ledger_member_decode(value, grams, &member))
        return 1;
    int found =
        ledger_record_get(ledger, rebuild->txn, member.digest, &rebuild->room, &record, err);
    if (found < 0)
        return -1;
    size_t slot = rehearsal_size(ledger->rehearsal, class);
    if (found == 0 || record.head.class != class || slot == REHEARSAL_MAX ||
        record.head.flags & (RECORD_HELD | RECORD_SETTLED) ||
        rehearsal_find(ledger->rehearsal, class, member.digest) != REHEARSAL_NONE)
        return 1;
    if (ledger_rehearsal_put(ledger, rebuild->txn, class, slot, &member, err) < 0)
        return -1;
    return txn_next(rebuild, RECORDS_AT_ONCE, err);
}

/* --- what the messages can't tell --- */

static int on_token(void *data, const struct model_token *token, struct err *err)
{
    struct rebuild *rebuild = data;
    struct ledger *ledger = rebuild->ledger;
    struct model_counts have;
    uint32_t today = (uint32_t)(time(NULL) / SECONDS_PER_DAY);
    if (counts_get(&rebuild->counts, ledger, rebuild->txn, &token->hash, 1, &have, err) < 0)
        return -1;
    counts_raise(&rebuild->counts, token->hash, token->counts, today);
    return txn_next(rebuild, TOKENS_AT_ONCE, err);
}

static void totals_raise(struct ledger_totals *totals, const struct model *model)
{
    uint64_t spam = model_spam(model), ham = model_ham(model);
    if (spam > totals->spam) {
        totals->seeded_spam += spam - totals->spam;
        totals->spam = spam;
    }
    if (ham > totals->ham) {
        totals->seeded_ham += ham - totals->ham;
        totals->ham = ham;
    }
}

static int model_merge(struct rebuild *rebuild, struct err *err)
{
    struct ledger *ledger = rebuild->ledger;
    struct model *model = ledger_current(ledger);
    if (model == NULL)
        return 0;
    struct knowledge known = model_knowledge(model);
    log_warning("what is missing is taken from model %" PRIu64, model_generation(model));
    rebuild->state.fusion = known.fusion;
    if (known.weights)
        memcpy(ledger->weights, known.weights, GRAM_WEIGHTS * sizeof ledger->weights[0]);
    totals_raise(&rebuild->state.totals, model);
    int result = model_walk(model, on_token, rebuild, err);
    model_close(&model);
    return result;
}

/* --- all of it --- */

static int on_totals(void *data, const uint8_t *key, struct str value, struct err *err)
{
    return ledger_state_decode(data, value) ? 0 : 1;
}

/* Was every message there, and none behind a model only? `before` is what the totals said. */
static bool complete(const struct rebuild *rebuild, const struct salvage *messages, bool logs,
                     const struct ledger *before, bool totals)
{
    const struct ledger_totals *now = &rebuild->state.totals;
    if (!messages->opened || messages->gaps || !logs)
        return false;
    return totals && before->totals.seeded_spam == now->seeded_spam &&
           before->totals.seeded_ham == now->seeded_ham && before->totals.spam == now->spam &&
           before->totals.ham == now->ham;
}

static int rebuild_run(struct rebuild *rebuild, const char *from, struct ledger *before,
                       struct err *err)
{
    struct ledger *ledger = rebuild->ledger;
    struct salvage messages, held, members, totals;
    bool logs = salvage_logs(from);
    if (salvage_walk(from, "totals.db", strlen("totals"), on_totals, before, &totals, err) < 0)
        return -1;
    rebuild->state.totals.generation = before->totals.generation;
    rebuild->state.incarnation = before->incarnation;
    if (totals.records)
        ledger->salt = before->salt;
    if (txn_begin(rebuild, err) < 0 ||
        salvage_walk(from, "messages.db", sizeof(uint64_t), on_message, rebuild, &messages, err) <
            0 ||
        salvage_walk(from, "held.db", 1 + sizeof(uint64_t), on_held, rebuild, &held, err) < 0 ||
        salvage_walk(from, "rehearsal.db", 1 + sizeof(uint64_t), on_member, rebuild, &members,
                     err) < 0)
        return -1;
    bool all = complete(rebuild, &messages, logs, before, totals.records != 0);
    log_warning("of the damaged ledger %" PRIu64 " messages were read%s, %" PRIu64
                " of them held out",
                messages.records, all ? ", all there were" : "", rebuild->held);
    rebuild->state.changed = true;
    if (!all && model_merge(rebuild, err) < 0)
        return -1;
    return txn_end(rebuild, err);
}

int ledger_rebuild(struct ledger *ledger, const char *from, struct err *err)
{
    struct rebuild rebuild = {.ledger = ledger,
                              .state = ledger_state(ledger),
                              .room = BUF_INIT(RECORD_MAX),
                              .list = calloc(FEATURES_MAX, sizeof(struct model_counts))};
    struct ledger *before = calloc(1, sizeof *before);
    int result = -1;
    if (rebuild.list == NULL || before == NULL || ledger_weights_room(ledger, err) < 0)
        err_set(err, "ledger %s/ledger: out of memory", ledger->folder);
    else
        result = rebuild_run(&rebuild, from, before, err);
    if (rebuild.txn)
        rebuild.txn->abort(rebuild.txn);
    if (result == 0) {
        ledger->steps_pending = UINT64_MAX; /* the weights are in no file yet */
        result = ledger_weights_save(ledger, true, err);
    }
    counts_free(&rebuild.counts);
    buf_release(&rebuild.room);
    free(rebuild.list);
    free(before);
    return result;
}
