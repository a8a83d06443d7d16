#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "bayes/ledger/counts.h"
#include "bayes/ledger/record.h"

/* What one transaction holds at most, in counts that it looks at: bounds memory and the log. */
#define COUNTS_MAX    (256u * 1024)
#define UNDO_MAX      (16u * 1024 * 1024) /* bytes of grams: more than 1000 messages */
#define CHECKPOINT_KB (16u * 1024)
#define MEMBERS_MAX   1024u /* changes of who is rehearsed: some MB of grams */

/* A change of the weights, which are in memory: to be undone when its transaction fails. */
struct undo {
    uint64_t at; /* in `grams` */
    uint32_t n;
    int32_t step;
};

/* One transaction's worth of items. */
struct batch {
    struct ledger *ledger;
    DB_TXN *txn;
    struct ledger_state state; /* as it will be */
    struct counts counts;
    struct buf undo;       /* struct undo */
    struct buf undo_grams; /* uint32_t */
    size_t notes;          /* entries of steps.db, at most */
    int64_t now;
    struct buf room;       /* of one record */
    struct buf room_again; /* of one that is rehearsed, and … */
    struct buf room_wire;  /* … as it is written */
    struct buf packed;
    struct buf packed_again;
    struct model_counts *list; /* FEATURES_MAX */
};

static int out_of_memory(const struct batch *batch, struct err *err)
{
    return err_set(err, "ledger %s/ledger: out of memory", batch->ledger->folder);
}

/* --- weights --- */

static int weights_step(struct batch *batch, const uint32_t *grams, size_t n, int32_t step,
                        struct err *err)
{
    struct undo undo = {batch->undo_grams.n / sizeof grams[0], (uint32_t)n, step};
    buf_addn(&batch->undo_grams, grams, n * sizeof grams[0]);
    buf_addn(&batch->undo, &undo, sizeof undo);
    if (!buf_ok(&batch->undo_grams) || !buf_ok(&batch->undo))
        return out_of_memory(batch, err);
    regression_apply(batch->ledger->weights, grams, n, step);
    return 0;
}

static void weights_undo(struct batch *batch)
{
    const struct undo *undo = (const void *)batch->undo.p;
    const uint32_t *grams = (const void *)batch->undo_grams.p;
    for (size_t i = 0; i < batch->undo.n / sizeof undo[0]; i++)
        if ((undo[i].at + undo[i].n) * sizeof grams[0] <= batch->undo_grams.n)
            regression_apply(batch->ledger->weights, grams + undo[i].at, undo[i].n,
                             (int32_t)(0 - (uint32_t)undo[i].step));
}

/* --- one message --- */

static int total_step(struct batch *batch, enum learn_class class, int32_t step, struct err *err)
{
    struct ledger_totals *totals = &batch->state.totals;
    uint64_t *total = class == LEARN_SPAM ? &totals->spam : &totals->ham;
    if (step < 0 && *total == 0)
        return ledger_contradiction(batch->ledger, "more messages to take back than learned", err);
    *total += (uint64_t)(int64_t)step;
    return 0;
}

/* --- rehearsal --- */

/* The record of the message grew or shrank by a step that it takes (back) once more. */
static int again_step(struct batch *batch, uint64_t digest, struct record *record,
                      const uint32_t *grams, size_t n, int32_t step, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    record->head.gram_step = (int32_t)((uint32_t)record->head.gram_step + (uint32_t)step);
    batch->notes++;
    if (ledger_record_put(ledger, batch->txn, digest, record, &batch->room_wire, err) < 0 ||
        ledger_weights_note(ledger, batch->txn, digest, step, err) < 0)
        return -1;
    return weights_step(batch, grams, n, step, err);
}

/* What the message had another one take again, if that was not taken back or settled since. */
static int again_take_back(struct batch *batch, const struct message_record *head, struct err *err)
{
    uint32_t grams[GRAMS_MAX];
    size_t n;
    struct record again;
    if (head->rehearsed_step == 0)
        return 0;
    int found = ledger_record_get(batch->ledger, batch->txn, head->rehearsed, &batch->room_again,
                                  &again, err);
    if (found < 0)
        return -1;
    if (found == 0 || again.head.incarnation != head->rehearsed_incarnation)
        return 0;
    if (!grams_unpack(again.packed, grams, GRAMS_MAX, &n))
        return ledger_contradiction(batch->ledger, "a message's grams are malformed", err);
    return again_step(batch, head->rehearsed, &again, grams, n,
                      (int32_t)(0 - (uint32_t)head->rehearsed_step), err);
}

/* The grams of one that had taken no step until now are in rehearsal.db only. */
static int again_pack(struct batch *batch, const struct rehearsal_member *member,
                      struct record *again, struct err *err)
{
    if (again->packed.n)
        return 0;
    buf_clear(&batch->packed_again);
    if (!grams_pack(&batch->packed_again, member->grams, member->n))
        return out_of_memory(batch, err);
    again->packed = buf_str(&batch->packed_again);
    return 0;
}

/* One of the other class takes its step once more; the record of the message says so. */
static int rehearse(struct batch *batch, const struct ledger_item *item, struct record *record,
                    struct err *err)
{
    struct ledger *ledger = batch->ledger;
    enum learn_class other = rehearsal_other(item->class);
    struct record again;
    const struct rehearsal_member *member =
        rehearsal_choose(ledger->rehearsal, item->class, item->digest);
    if (member == NULL)
        return 0;
    double score = regression_score(ledger->weights, member->grams, member->n);
    int32_t step = regression_step(score, other == LEARN_SPAM);
    if (step == 0)
        return 0;
    int found =
        ledger_record_get(ledger, batch->txn, member->digest, &batch->room_again, &again, err);
    if (found < 0)
        return -1;
    if (found == 0 || again.head.class != other ||
        again.head.flags & (RECORD_HELD | RECORD_SETTLED))
        return ledger_contradiction(ledger, "whom to rehearse is not learned", err);
    record->head.rehearsed = member->digest;
    record->head.rehearsed_incarnation = again.head.incarnation;
    record->head.rehearsed_step = step;
    if (again_pack(batch, member, &again, err) < 0)
        return -1;
    return again_step(batch, member->digest, &again, member->grams, member->n, step, err);
}

/* The message may be rehearsed from now on, and has another one rehearsed. */
static int join_and_rehearse(struct batch *batch, const struct ledger_item *item,
                             struct record *record, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    struct rehearsal_member joins = {item->digest, item->grams, item->n_grams};
    size_t slot = rehearsal_place(ledger->rehearsal, item->class, item->digest);
    if (item->n_grams == 0)
        return 0;
    if (ledger_rehearsal_put(ledger, batch->txn, item->class, slot, &joins, err) < 0)
        return -1;
    return rehearse(batch, item, record, err);
}

/* --- lessons --- */

static int lesson_take_back(struct batch *batch, uint64_t digest, const struct record *record,
                            struct err *err)
{
    uint32_t grams[GRAMS_MAX];
    size_t n;
    const struct message_record *head = &record->head;
    fusion_apply(&batch->state.fusion, head->fusion_step, -1);
    if (record->packed.n == 0)
        return 0;
    if (!grams_unpack(record->packed, grams, GRAMS_MAX, &n))
        return ledger_contradiction(batch->ledger, "a message's grams are malformed", err);
    batch->notes++;
    if (ledger_weights_note_gone(batch->ledger, batch->txn, digest, head->gram_step, record->packed,
                                 err) < 0)
        return -1;
    return weights_step(batch, grams, n, (int32_t)(0 - (uint32_t)head->gram_step), err);
}

/* What the record says it added is subtracted; the record itself stays. */
static int take_back(struct batch *batch, uint64_t digest, const struct record *record,
                     struct err *err)
{
    struct ledger *ledger = batch->ledger;
    enum learn_class class = (enum learn_class)record->head.class;
    struct learn_source source = ledger_record_source(record);
    if (record->head.flags & RECORD_HELD)
        return ledger_held_del(ledger, batch->txn, &batch->state, class, record->head.held, err);
    batch->state.changed = true;
    if (counts_get(&batch->counts, ledger, batch->txn, record->tokens, record->head.n, batch->list,
                   err) < 0 ||
        counts_add(&batch->counts, ledger, record->tokens, record->head.n, class, -1, 0, err) < 0 ||
        total_step(batch, class, -1, err) < 0)
        return -1;
    if (ledger_sources_count(ledger, batch->txn, class, &source, -1, err) < 0)
        return -1;
    if (lesson_take_back(batch, digest, record, err) < 0 ||
        ledger_rehearsal_leave(ledger, batch->txn, class, digest, err) < 0)
        return -1;
    return again_take_back(batch, &record->head, err);
}

static int lesson_apply(struct batch *batch, const struct ledger_item *item,
                        const struct lesson *lesson, struct err *err)
{
    fusion_apply(&batch->state.fusion, lesson->fusion_step, 1);
    if (lesson->gram_step == 0)
        return 0;
    batch->notes++;
    if (ledger_weights_note(batch->ledger, batch->txn, item->digest, lesson->gram_step, err) < 0)
        return -1;
    return weights_step(batch, item->grams, item->n_grams, lesson->gram_step, err);
}

/* The lesson is made from what is known before the message, the items before it included. */
static int lesson_learn(struct batch *batch, const struct ledger_item *item, struct record *record,
                        struct err *err)
{
    struct ledger *ledger = batch->ledger;
    struct features_view view = {item->features, item->n, item->grams, item->n_grams};
    struct knowledge known = {.spam = batch->state.totals.spam,
                              .ham = batch->state.totals.ham,
                              .weights = ledger->weights,
                              .fusion = batch->state.fusion};
    struct lesson lesson;
    uint32_t day = (uint32_t)(batch->now / SECONDS_PER_DAY);
    if (counts_get(&batch->counts, ledger, batch->txn, item->features, item->n, batch->list, err) <
        0)
        return -1;
    lesson_make(&view, batch->list, &known, item->class, &lesson);
    record->head.gram_step = lesson.gram_step;
    memcpy(record->head.fusion_step, lesson.fusion_step, sizeof lesson.fusion_step);
    buf_clear(&batch->packed);
    if (lesson.gram_step)
        grams_pack(&batch->packed, item->grams, item->n_grams);
    if (!buf_ok(&batch->packed))
        return out_of_memory(batch, err);
    record->packed = buf_str(&batch->packed);
    if (counts_add(&batch->counts, ledger, item->features, item->n, item->class, 1, day, err) < 0)
        return -1;
    return lesson_apply(batch, item, &lesson, err);
}

static int message_learn(struct batch *batch, const struct ledger_item *item,
                         const struct learn_source *source, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    struct record record = {.head = {.class = (uint8_t)item->class,
                                     .kind = (uint8_t)source->kind,
                                     .when = source->when,
                                     .campaign = source->campaign},
                            .reporter = source->reporter};
    if (ledger_holds_out(ledger, &batch->state.totals, item->digest, item->class)) {
        record.head.flags = RECORD_HELD;
        record.head.held = batch->state.held_next;
        if (ledger_held_put(ledger, batch->txn, &batch->state, item, source->when, err) < 0)
            return -1;
    } else {
        batch->state.changed = true;
        record.head.n = (uint32_t)item->n;
        record.head.incarnation = ++batch->state.incarnation;
        record.tokens = item->features;
        if (lesson_learn(batch, item, &record, err) < 0 ||
            join_and_rehearse(batch, item, &record, err) < 0 ||
            total_step(batch, item->class, 1, err) < 0 ||
            ledger_sources_count(ledger, batch->txn, item->class, source, 1, err) < 0)
            return -1;
    }
    return ledger_record_put(ledger, batch->txn, item->digest, &record, &batch->room, err);
}

/* --- one item --- */

static bool features_valid(const struct ledger_item *item)
{
    if (item->n > FEATURES_MAX)
        return false;
    for (size_t i = 1; i < item->n; i++)
        if (item->features[i - 1] >= item->features[i])
            return false;
    return true;
}

static bool grams_valid(const struct ledger_item *item)
{
    if (item->n_grams > GRAMS_MAX)
        return false;
    for (size_t i = 0; i < item->n_grams; i++)
        if (item->grams[i] >= GRAM_WEIGHTS || (i && item->grams[i - 1] >= item->grams[i]))
            return false;
    return true;
}

static bool source_valid(const struct learn_source *source)
{
    return source->reporter.n <= LEARN_REPORTER_MAX && source->when >= 0 &&
           source->kind <= LEARN_BY_SENT;
}

/* 0, or -1 with err: the item can't be learned, whatever is in the ledger. */
static int item_check(const struct ledger_item *item, struct err *err)
{
    unsigned long long digest = item->digest;
    if (item->class == LEARN_FORGET)
        return 0;
    if (item->class > LEARN_FORGET || !features_valid(item))
        return err_set(err,
                       "the features of message %016llx are not in rising order, or more than %d",
                       digest, FEATURES_MAX);
    if (!grams_valid(item))
        return err_set(err, "the grams of message %016llx are not in rising order, or more than %d",
                       digest, GRAMS_MAX);
    if (!source_valid(&item->source))
        return err_set(err, "the source of message %016llx makes no sense", digest);
    return 0;
}

/* 0 when the item is done, known or capped; 1 when it is refused and the batch may go on; -1 when
 * the batch can't. */
static int item_learn(struct batch *batch, struct ledger_item *item, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    struct record old;
    struct learn_source source = item->source;
    if (item_check(item, err) < 0)
        return 1;
    /* Never later than its tokens were seen: ledger/expire.c counts on it. */
    if (source.when == 0 || source.when > batch->now)
        source.when = batch->now;
    int found = ledger_record_get(ledger, batch->txn, item->digest, &batch->room, &old, err);
    if (found < 0)
        return -1;
    item->result = LEARN_KNOWN;
    if (found ? old.head.class == item->class : item->class == LEARN_FORGET)
        return 0;
    if (found && old.head.flags & RECORD_SETTLED) {
        err_set(err, "message %016llx was learned too long ago to be taken back",
                (unsigned long long)item->digest);
        return 1;
    }
    if (item->class != LEARN_FORGET && ledger_cap_of(ledger, batch->txn, &batch->state.totals,
                                                     item->class, &source, &item->cap, err) < 0)
        return -1;
    item->result = LEARN_CAPPED;
    if (item->class != LEARN_FORGET && item->cap != LEDGER_CAP_NONE)
        return 0;
    item->result = LEARN_DONE;
    if (found && take_back(batch, item->digest, &old, err) < 0)
        return -1;
    if (item->class == LEARN_FORGET) {
        batch->state.taken_back += batch->state.taken_back < UINT32_MAX;
        return ledger_record_del(ledger, batch->txn, item->digest, err);
    }
    return message_learn(batch, item, &source, err);
}

/* --- transactions --- */

static int batch_commit(struct batch *batch, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    if (counts_put(&batch->counts, ledger, batch->txn, err) < 0 ||
        ledger_state_put(ledger, batch->txn, &batch->state, err) < 0)
        return -1;
    DB_TXN *txn = batch->txn;
    batch->txn = NULL; /* gone, whatever commit says */
    int code = txn->commit(txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "committing", err);
    ledger_state_set(ledger, &batch->state);
    rehearsal_keep(ledger->rehearsal);
    ledger->steps_pending += batch->notes;
    return 0;
}

/* An item may look at its own counts and those it takes back, and change weights four times: each
 * of these for itself and for another one. */
static bool batch_full(const struct batch *batch, const struct ledger_item *next)
{
    return batch->counts.n + next->n + FEATURES_MAX > COUNTS_MAX ||
           batch->undo_grams.n + 4 * GRAMS_MAX * sizeof(uint32_t) > UNDO_MAX ||
           rehearsal_changes(batch->ledger->rehearsal) > MEMBERS_MAX;
}

/*
 * As many items as one transaction holds; *taken says how many were tried. 0, or -1 when none of
 * them is learned. A refused item is marked and left out.
 */
static int batch_run(struct batch *batch, struct ledger_item *items, size_t n, size_t *taken,
                     bool *refused, struct err *err)
{
    struct ledger *ledger = batch->ledger;
    counts_clear(&batch->counts);
    buf_clear(&batch->undo);
    buf_clear(&batch->undo_grams);
    batch->notes = 0;
    batch->state = ledger_state(ledger);
    int code = ledger->env->txn_begin(ledger->env, NULL, &batch->txn, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "beginning a transaction", err);
    for (*taken = 0; *taken < n; ++*taken) {
        struct ledger_item *item = &items[*taken];
        if (*taken && batch_full(batch, item))
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
    if (result < 0) {
        weights_undo(batch);
        rehearsal_undo(batch->ledger->rehearsal);
    }
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

/* What fails here fails again, and louder, in the next transaction. */
static void tidy(struct ledger *ledger)
{
    struct err err;
    if (ledger->broken)
        return;
    if (ledger_weights_save(ledger, false, &err) < 0)
        log_warning("the weights are not written now, but later: %s", err.text);
    ledger->env->txn_checkpoint(ledger->env, CHECKPOINT_KB, 0, 0);
}

int ledger_learn_batch(struct ledger *ledger, struct ledger_item *items, size_t n, struct err *err)
{
    struct batch batch = {.ledger = ledger,
                          .now = (int64_t)time(NULL),
                          .undo = BUF_INIT(UNDO_MAX),
                          .undo_grams = BUF_INIT(UNDO_MAX),
                          .room = BUF_INIT(RECORD_MAX),
                          .room_again = BUF_INIT(RECORD_MAX),
                          .room_wire = BUF_INIT(RECORD_MAX),
                          .packed = BUF_INIT(GRAMS_PACKED_BYTES),
                          .packed_again = BUF_INIT(GRAMS_PACKED_BYTES)};
    bool refused = false;
    size_t done = 0;
    if (ledger->broken)
        err_set(err, "ledger %s/ledger is damaged: it must be opened anew", ledger->folder);
    else if ((batch.list = calloc(FEATURES_MAX, sizeof batch.list[0])) == NULL)
        out_of_memory(&batch, err);
    else
        done = batch_all(&batch, items, n, &refused, err);
    for (size_t i = done; i < n; i++)
        items[i].result = LEARN_FAILED;
    if (done)
        tidy(ledger);
    counts_free(&batch.counts);
    buf_release(&batch.undo);
    buf_release(&batch.undo_grams);
    buf_release(&batch.room);
    buf_release(&batch.room_again);
    buf_release(&batch.room_wire);
    buf_release(&batch.packed);
    buf_release(&batch.packed_again);
    free(batch.list);
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
