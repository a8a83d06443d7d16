#include "bayes/ledger/counts.h"

#include <stdlib.h>

#define CAP_FIRST 8192u

void counts_free(struct counts *counts)
{
    free(counts->slots);
    *counts = (struct counts){NULL, 0, 0};
}

void counts_clear(struct counts *counts)
{
    if (counts->n)
        memset(counts->slots, 0, counts->cap * sizeof counts->slots[0]);
    counts->n = 0;
}

/* Features are hashes already; the multiplication is for those that somebody chose. */
static struct count *count_slot(const struct counts *counts, uint64_t feature)
{
    size_t at = (size_t)((feature * 0x9e3779b97f4a7c15u) >> 20) & (counts->cap - 1);
    while (counts->slots[at].used && counts->slots[at].feature != feature)
        at = (at + 1) & (counts->cap - 1);
    return &counts->slots[at];
}

/* Room for `more`, with the table at most half full. */
static int counts_room(struct counts *counts, const struct ledger *ledger, size_t more,
                       struct err *err)
{
    struct counts grown = {NULL, counts->cap ? counts->cap : CAP_FIRST, counts->n};
    while (grown.cap / 2 < counts->n + more)
        grown.cap *= 2;
    if (grown.cap == counts->cap)
        return 0;
    grown.slots = calloc(grown.cap, sizeof grown.slots[0]);
    if (grown.slots == NULL)
        return err_set(err, "ledger %s/ledger: out of memory for %zu counts", ledger->folder,
                       grown.cap);
    for (size_t i = 0; i < counts->cap; i++)
        if (counts->slots[i].used)
            *count_slot(&grown, counts->slots[i].feature) = counts->slots[i];
    free(counts->slots);
    *counts = grown;
    return 0;
}

static int count_read(DBC *cursor, struct ledger *ledger, uint64_t feature, struct count *count,
                      struct err *err)
{
    uint64_t wire = htobe64(feature);
    DBT key = dbt_of(&wire, sizeof wire);
    DBT value = dbt_into(&count->before, sizeof count->before);
    int code = cursor->get(cursor, &key, &value, DB_SET);
    if (code != 0 && code != DB_NOTFOUND)
        return ledger_db_err(ledger, code, "reading a token", err);
    if (code == 0 && value.size != sizeof count->before)
        return ledger_contradiction(ledger, "a token's record is malformed", err);
    count->feature = feature;
    count->now = count->before;
    count->used = true;
    return 0;
}

int counts_get(struct counts *counts, struct ledger *ledger, DB_TXN *txn, const uint64_t *features,
               size_t n, struct model_counts *list, struct err *err)
{
    DBC *cursor;
    int result = counts_room(counts, ledger, n, err);
    if (result < 0)
        return -1;
    int code = ledger->tokens->cursor(ledger->tokens, txn, &cursor, 0);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    for (size_t i = 0; i < n && result == 0; i++) {
        struct count *count = count_slot(counts, features[i]);
        if (!count->used) {
            result = count_read(cursor, ledger, features[i], count, err);
            counts->n += result == 0;
        }
        list[i] = (struct model_counts){count->now.spam, count->now.ham};
    }
    code = cursor->close(cursor);
    if (result == 0 && code != 0)
        result = ledger_db_err(ledger, code, "closing a cursor", err);
    return result;
}

int counts_add(struct counts *counts, struct ledger *ledger, const uint64_t *features, size_t n,
               enum learn_class class, int32_t step, uint32_t day, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct count *count = count_slot(counts, features[i]);
        uint32_t *number = class == LEARN_SPAM ? &count->now.spam : &count->now.ham;
        int64_t sum = (int64_t)*number + step;
        if (!count->used || sum < 0 || sum > UINT32_MAX)
            return ledger_contradiction(ledger, "a token was seen less than learned", err);
        *number = (uint32_t)sum;
        if (day > count->now.day)
            count->now.day = day;
    }
    return 0;
}

void counts_raise(struct counts *counts, uint64_t feature, struct model_counts least, uint32_t day)
{
    struct count *count = count_slot(counts, feature);
    if (least.spam > count->now.spam)
        count->now.spam = least.spam;
    if (least.ham > count->now.ham)
        count->now.ham = least.ham;
    if (count->now.day == 0)
        count->now.day = day;
}

static bool count_none(const struct token_record *record)
{
    return record->spam == 0 && record->ham == 0;
}

static bool count_changed(const struct count *count)
{
    const struct token_record *a = &count->before, *b = &count->now;
    if (count_none(a) && count_none(b))
        return false;
    return a->spam != b->spam || a->ham != b->ham || a->day != b->day;
}

static int count_order(const void *a, const void *b)
{
    uint64_t x = ((const struct count *)a)->feature;
    uint64_t y = ((const struct count *)b)->feature;
    return x < y ? -1 : x > y;
}

/* Those that have changed come to the front, in order; the table is one no more. */
static size_t counts_sort(struct counts *counts)
{
    size_t kept = 0;
    for (size_t i = 0; i < counts->cap; i++)
        if (counts->slots[i].used && count_changed(&counts->slots[i]))
            counts->slots[kept++] = counts->slots[i];
    if (kept)
        qsort(counts->slots, kept, sizeof counts->slots[0], count_order);
    return kept;
}

/* The cursor makes neighbours cheap; a record that was there is written where it stands. */
static int count_put(DBC *cursor, struct ledger *ledger, const struct count *count, struct err *err)
{
    uint64_t wire = htobe64(count->feature);
    DBT key = dbt_of(&wire, sizeof wire), value = dbt_of(&count->now, sizeof count->now);
    int code = 0;
    if (!count_none(&count->now)) {
        code = cursor->put(cursor, &key, &value, DB_KEYFIRST);
    } else {
        DBT nothing = {.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL};
        code = cursor->get(cursor, &key, &nothing, DB_SET);
        if (code == 0)
            code = cursor->del(cursor, 0);
    }
    return code ? ledger_db_err(ledger, code, "writing a token", err) : 0;
}

int counts_put(struct counts *counts, struct ledger *ledger, DB_TXN *txn, struct err *err)
{
    DBC *cursor;
    size_t n = counts_sort(counts);
    int code = ledger->tokens->cursor(ledger->tokens, txn, &cursor, DB_CURSOR_BULK);
    if (code != 0)
        return ledger_db_err(ledger, code, "opening a cursor", err);
    int result = 0;
    for (size_t i = 0; i < n && result == 0; i++)
        result = count_put(cursor, ledger, &counts->slots[i], err);
    code = cursor->close(cursor);
    if (result == 0 && code != 0)
        result = ledger_db_err(ledger, code, "closing a cursor", err);
    return result;
}
