#include "gateway/delivery/resting.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 1024

/* --- an id: 26 digits of 5 bits (Crockford base 32), of which the first has 3 --- */

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void pack(struct str id, unsigned char out[16])
{
    unsigned bits = 0, n = 0;
    size_t at = 0;
    for (size_t i = 0; i < SPOOL_ID_LEN && i < id.n; i++) {
        const char *digit = memchr(digits, id.s[i], sizeof digits - 1);
        bits = bits << 5 | (unsigned)(digit ? digit - digits : 0);
        n += i ? 5 : 3;
        if (n >= 8) {
            n -= 8;
            out[at++] = (unsigned char)(bits >> n);
        }
    }
}

static void unpack(const unsigned char id[16], char out[SPOOL_ID_LEN + 1])
{
    unsigned bits = 0, n = 2; /* two zeros in front of the first digit */
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        bits = bits << 8 | id[i];
        for (n += 8; n >= 5; n -= 5)
            out[at++] = digits[bits >> (n - 5) & 31];
    }
    out[at] = '\0';
}

/* --- the table: the first free place behind its own --- */

static bool is_free(const struct resting_entry *entry)
{
    static const unsigned char none[16];
    return memcmp(entry->id, none, sizeof none) == 0;
}

/* The end of an id is random. */
static size_t home_of(const struct resting *r, const unsigned char id[16])
{
    uint64_t hash;
    memcpy(&hash, id + 8, sizeof hash);
    return (size_t)hash & (r->n_slots - 1);
}

/* Where it is, or would be. There is a free one. */
static size_t place_of(const struct resting *r, const unsigned char id[16])
{
    size_t at = home_of(r, id);
    while (!is_free(&r->slots[at]) && memcmp(r->slots[at].id, id, 16) != 0)
        at = (at + 1) & (r->n_slots - 1);
    return at;
}

static bool grow(struct resting *r)
{
    struct resting bigger = {.n = r->n};
    if (2 * (r->n + 1) <= r->n_slots)
        return true;
    bigger.n_slots = r->n_slots ? 2 * r->n_slots : FIRST;
    bigger.slots = calloc(bigger.n_slots, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < r->n_slots; i++)
        if (!is_free(&r->slots[i]))
            bigger.slots[place_of(&bigger, r->slots[i].id)] = r->slots[i];
    free(r->slots);
    *r = bigger;
    return true;
}

bool resting_put(struct resting *r, struct str id, uint64_t account)
{
    struct resting_entry entry = {.account = account};
    if (resting_has(r, id))
        return true;
    pack(id, entry.id);
    if (r->n >= RESTING_MAX || is_free(&entry) || !grow(r))
        return false;
    r->slots[place_of(r, entry.id)] = entry;
    r->n++;
    return true;
}

bool resting_has(const struct resting *r, struct str id)
{
    unsigned char packed[16];
    if (r->n == 0)
        return false;
    pack(id, packed);
    return !is_free(&r->slots[place_of(r, packed)]);
}

/* Those behind it that would no longer be found come forward. */
static void close_gap(struct resting *r, size_t gap)
{
    const size_t mask = r->n_slots - 1;
    for (size_t at = (gap + 1) & mask; !is_free(&r->slots[at]); at = (at + 1) & mask) {
        size_t home = home_of(r, r->slots[at].id);
        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        r->slots[gap] = r->slots[at];
        r->slots[at] = (struct resting_entry){0};
        gap = at;
    }
}

void resting_drop(struct resting *r, struct str id)
{
    unsigned char packed[16];
    if (!resting_has(r, id))
        return;
    pack(id, packed);
    size_t at = place_of(r, packed);
    r->slots[at] = (struct resting_entry){0};
    r->n--;
    close_gap(r, at);
}

size_t resting_of(const struct resting *r, uint64_t account, char (*ids)[SPOOL_ID_LEN + 1],
                  size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_slots && n < max; i++)
        if (!is_free(&r->slots[i]) && r->slots[i].account == account)
            unpack(r->slots[i].id, ids[n++]);
    return n;
}

void resting_free(struct resting *r)
{
    free(r->slots);
    *r = (struct resting){0};
}
