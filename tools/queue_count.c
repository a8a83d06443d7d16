#include "tools/queue_count.h"

#include <stdlib.h>

#define SLOTS_FIRST 1024
#define MINUTE_US   ((int64_t)60 * 1000000)

const unsigned count_ages[COUNT_AGES - 1] = {5, 10, 20, 40, 80, 160, 320, 640, 1280};

static void add(struct count_row *row, const struct count_message *message)
{
    size_t age = 0;
    while (age < COUNT_AGES - 1 && message->age_us > count_ages[age] * MINUTE_US)
        age++;
    row->n++;
    row->bytes += message->bytes;
    row->of_age[age]++;
    row->of_state[message->state]++;
}

void count_message(struct count_table *table, const struct count_message *message)
{
    table->number++;
    add(&table->total, message);
}

/* Its place, or the free one where it would be. */
static uint32_t *slot_of(const struct count_table *table, struct str key)
{
    size_t at = siphash(table->key, key) & (table->n_slots - 1);
    while (table->slots[at] && !str_eq(table->rows[table->slots[at] - 1].key, key))
        at = (at + 1) & (table->n_slots - 1);
    return &table->slots[at];
}

/* Never more than half full. */
static bool grow(struct count_table *table)
{
    if (table->n < table->room)
        return true;
    size_t room = table->room ? 2 * table->room : SLOTS_FIRST / 2;
    struct count_row *rows = realloc(table->rows, room * sizeof *rows);
    if (rows)
        table->rows = rows;
    uint32_t *slots = rows ? calloc(2 * room, sizeof *slots) : NULL;
    if (slots == NULL)
        return false;
    free(table->slots);
    table->slots = slots;
    table->n_slots = 2 * room;
    table->room = room;
    for (size_t i = 0; i < table->n; i++)
        *slot_of(table, rows[i].key) = (uint32_t)i + 1;
    return true;
}

bool count_under(struct count_table *table, struct str key, const struct count_message *message)
{
    key = str_sub(key, 0, COUNT_KEY_MAX);
    if (!grow(table))
        return false;
    uint32_t *slot = slot_of(table, key);
    if (*slot == 0) {
        struct str kept = pool_str(table->pool, key);
        if (kept.s == NULL)
            return false;
        table->rows[table->n] = (struct count_row){.key = kept};
        *slot = (uint32_t)++table->n;
    }
    struct count_row *row = &table->rows[*slot - 1];
    if (row->last == table->number)
        return true;
    row->last = table->number;
    add(row, message);
    return true;
}

static int more_first(const void *a, const void *b)
{
    const struct count_row *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int order = n ? memcmp(x->key.s, y->key.s, n) : 0;
    return order ? order : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

void count_sort(struct count_table *table)
{
    if (table->n)
        qsort(table->rows, table->n, sizeof *table->rows, more_first);
}

void count_free(struct count_table *table)
{
    free(table->rows);
    free(table->slots);
    pool_free(&table->pool);
    *table = (struct count_table){0};
}
