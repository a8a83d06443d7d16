#include "directory/table.h"

#include <stdlib.h>

#include "base/buf.h"

#define FIRST_SLOTS 1024 /* always a power of two */

struct slot {
    uint32_t tag; /* upper half of the hash: most strangers are told apart without their text */
    uint32_t at;  /* place in texts + 1; 0: free */
};

struct head {
    uint32_t line;
    uint16_t address_n;
    uint16_t target_n;
    uint32_t more_n;
};

struct table {
    struct buf texts; /* head, address, target of each entry */
    struct slot *slots;
    size_t n_slots;
    size_t n;
};

struct table *table_new(void)
{
    struct table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    buf_init(&table->texts, UINT32_MAX - 1);
    table->n_slots = FIRST_SLOTS;
    table->slots = calloc(table->n_slots, sizeof *table->slots);
    if (table->slots == NULL)
        table_free(&table);
    return table;
}

void table_free(struct table **table)
{
    if (*table == NULL)
        return;
    buf_release(&(*table)->texts);
    free((*table)->slots);
    free(*table);
    *table = NULL;
}

static struct table_entry entry_at(const struct table *table, uint32_t at)
{
    struct head head;
    const char *p = table->texts.p + (at - 1);
    memcpy(&head, p, sizeof head);
    p += sizeof head;
    return (struct table_entry){
        .address = str_n(p, head.address_n),
        .target = str_n(p + head.address_n, head.target_n),
        .more = str_n(p + head.address_n + head.target_n, head.more_n),
        .line = head.line,
    };
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* The slot that holds the address, or the free one where it belongs. */
static struct slot *slot_for(const struct table *table, struct str address, uint64_t hash)
{
    size_t mask = table->n_slots - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct slot *slot = &table->slots[i];
        if (slot->at == 0)
            return slot;
        if (slot->tag == tag_of(hash) && str_eq(entry_at(table, slot->at).address, address))
            return slot;
    }
}

static bool grow(struct table *table)
{
    struct slot *old = table->slots;
    size_t n_old = table->n_slots;
    struct slot *slots = calloc(n_old * 2, sizeof *slots);
    if (slots == NULL)
        return false;
    table->slots = slots;
    table->n_slots = n_old * 2;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].at == 0)
            continue;
        struct str address = entry_at(table, old[i].at).address;
        *slot_for(table, address, str_hash(address)) = old[i];
    }
    free(old);
    return true;
}

static bool add_texts(struct table *table, const struct table_entry *entry)
{
    struct head head = {entry->line, (uint16_t)entry->address.n, (uint16_t)entry->target.n,
                        (uint32_t)entry->more.n};
    buf_addn(&table->texts, &head, sizeof head);
    buf_add(&table->texts, entry->address);
    buf_add(&table->texts, entry->target);
    buf_add(&table->texts, entry->more);
    return buf_ok(&table->texts);
}

int table_add(struct table *table, const struct table_entry *entry, struct table_entry *old)
{
    uint64_t hash = str_hash(entry->address);
    if (entry->address.n > UINT16_MAX || entry->target.n > UINT16_MAX || entry->more.n > UINT16_MAX)
        return -1;
    if ((table->n + 1) * 4 > table->n_slots * 3 && !grow(table))
        return -1;
    struct slot *slot = slot_for(table, entry->address, hash);
    if (slot->at) {
        *old = entry_at(table, slot->at);
        return 0;
    }
    uint32_t at = (uint32_t)table->texts.n + 1;
    if (!add_texts(table, entry)) {
        buf_cut(&table->texts, at - 1);
        return -1;
    }
    *slot = (struct slot){tag_of(hash), at};
    table->n++;
    return 1;
}

bool table_find(const struct table *table, struct str address, struct table_entry *entry)
{
    const struct slot *slot = slot_for(table, address, str_hash(address));
    if (slot->at == 0)
        return false;
    *entry = entry_at(table, slot->at);
    return true;
}

bool table_next(const struct table *table, size_t *at, struct table_entry *entry)
{
    if (*at >= table->texts.n)
        return false;
    *entry = entry_at(table, (uint32_t)*at + 1);
    *at += sizeof(struct head) + entry->address.n + entry->target.n + entry->more.n;
    return true;
}

int table_add_missing(struct table *table, const struct table *other)
{
    struct table_entry entry, old;
    for (size_t at = 0; table_next(other, &at, &entry);)
        if (table_add(table, &entry, &old) < 0)
            return -1;
    return 0;
}

size_t table_count(const struct table *table)
{
    return table->n;
}

size_t table_bytes(const struct table *table)
{
    return sizeof *table + table->texts.cap + table->n_slots * sizeof *table->slots;
}

void table_trim(struct table *table)
{
    char *smaller = table->texts.n ? realloc(table->texts.p, table->texts.n) : NULL;
    if (smaller == NULL)
        return;
    table->texts.p = smaller;
    table->texts.cap = table->texts.n;
}

struct str table_texts(const struct table *table)
{
    return buf_str(&table->texts);
}

/* The length of the entry at `at`; 0: it does not lie within the texts. */
static size_t length_at(const struct table *table, size_t at)
{
    struct head head;
    size_t left = table->texts.n - at;
    if (left < sizeof head)
        return 0;
    memcpy(&head, table->texts.p + at, sizeof head);
    size_t n = sizeof head + head.address_n + head.target_n + head.more_n;
    return head.address_n && n <= left ? n : 0;
}

static bool index_all(struct table *table)
{
    size_t n;
    for (size_t at = 0; at < table->texts.n; at += n, table->n++) {
        n = length_at(table, at);
        if (n == 0 || ((table->n + 1) * 4 > table->n_slots * 3 && !grow(table)))
            return false;
        struct str address = entry_at(table, (uint32_t)at + 1).address;
        uint64_t hash = str_hash(address);
        struct slot *slot = slot_for(table, address, hash);
        if (slot->at)
            return false;
        *slot = (struct slot){tag_of(hash), (uint32_t)at + 1};
    }
    return true;
}

struct table *table_of(struct buf *texts)
{
    struct table *table = table_new();
    if (table) {
        size_t max = table->texts.max;
        table->texts = *texts;
        table->texts.max = max;
        *texts = (struct buf){0};
        if (!buf_ok(&table->texts) || table->texts.n > max || !index_all(table))
            table_free(&table);
    }
    buf_release(texts);
    return table;
}
