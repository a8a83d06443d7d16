#include "bayes/transfer/import_table.h"

#include <stdlib.h>

#include "bayes/transfer/portable.h"

#define CAP_FIRST 65536u

static bool is_free(const struct import_entry *entry)
{
    return entry->counts.spam == 0 && entry->counts.ham == 0;
}

static struct import_entry *slot_of(const struct import_table *table, uint64_t hash)
{
    size_t at = (size_t)((hash * 0x9e3779b97f4a7c15u) >> 20) & (table->cap - 1);
    while (!is_free(&table->slots[at]) && table->slots[at].hash != hash)
        at = (at + 1) & (table->cap - 1);
    return &table->slots[at];
}

static int table_room(struct import_table *table, struct err *err)
{
    struct import_table grown = {.cap = table->cap ? table->cap * 2 : CAP_FIRST, .n = table->n};
    if (table->n < table->cap / 2)
        return 0;
    if (table->n >= IMPORT_TOKENS_MAX)
        return err_set(err, "more than %u tokens", IMPORT_TOKENS_MAX);
    grown.slots = calloc(grown.cap, sizeof grown.slots[0]);
    if (grown.slots == NULL)
        return err_set(err, "out of memory for %zu tokens", grown.cap);
    for (size_t i = 0; i < table->cap; i++)
        if (!is_free(&table->slots[i]))
            *slot_of(&grown, table->slots[i].hash) = table->slots[i];
    free(table->slots);
    *table = grown;
    return 0;
}

void import_table_free(struct import_table *table)
{
    free(table->slots);
    *table = (struct import_table){NULL, 0, 0};
}

static void count_add(uint32_t *count, uint32_t more)
{
    *count = *count > UINT32_MAX - more ? UINT32_MAX : *count + more;
}

int import_table_add(struct import_table *table, uint64_t hash, struct model_counts counts,
                     uint32_t day, struct err *err)
{
    if (counts.spam == 0 && counts.ham == 0)
        return 0;
    if (table_room(table, err) < 0)
        return -1;
    struct import_entry *entry = slot_of(table, hash);
    table->n += is_free(entry);
    entry->hash = hash;
    count_add(&entry->counts.spam, counts.spam);
    count_add(&entry->counts.ham, counts.ham);
    if (day > entry->day)
        entry->day = day;
    return 0;
}

static int entry_order(const void *a, const void *b)
{
    const struct import_entry *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct import_entry *sorted(const struct import_table *table)
{
    size_t n = 0;
    struct import_entry *list = calloc(table->n + 1, sizeof list[0]);
    for (size_t i = 0; list && i < table->cap; i++)
        if (!is_free(&table->slots[i]))
            list[n++] = table->slots[i];
    if (n)
        qsort(list, n, sizeof list[0], entry_order);
    return list;
}

static uint32_t at_most(uint32_t count, uint64_t total)
{
    return count < total ? count : (uint32_t)total;
}

/* In the order of the ledger's tree, which then takes them fast. */
int import_table_write(const struct import_table *table, int fd, const char *path, uint64_t spam,
                       uint64_t ham, struct err *err)
{
    struct portable_out out;
    struct import_entry *list = sorted(table);
    if (list == NULL)
        return err_set(err, "out of memory");
    int result = portable_begin(&out, fd, path, spam, ham, err);
    for (size_t i = 0; i < table->n && result == 0; i++) {
        struct model_counts counts = {at_most(list[i].counts.spam, spam),
                                      at_most(list[i].counts.ham, ham)};
        if (counts.spam || counts.ham)
            result = portable_token(&out, list[i].hash, counts, list[i].day, err);
    }
    if (result == 0)
        result = portable_end(&out, err);
    portable_free(&out);
    free(list);
    return result;
}
