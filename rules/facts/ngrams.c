#include "rules/facts/ngrams.h"

#include "base/ascii.h"

#define SLOTS_MIN 4096

/* An n-gram of the text, and between its bytes and their number how often it stands there: the
 * table is small enough for the processor's cache. 0: the slot is free. */
typedef uint64_t counted;

#define ONE_TIME  ((counted)1 << 3)
#define TIMES_MAX 0xfffff
#define TIMES     (ONE_TIME * TIMES_MAX)

_Static_assert(NGRAMS_MAX <= TIMES_MAX, "an n-gram's count has room");

struct counting {
    struct pool *pool;
    counted *table;
    size_t slots, n;
};

static counted *slot_of(counted *table, size_t slots, ngram key)
{
    size_t at = ngram_slot(key, slots);
    while (table[at] && (table[at] & ~TIMES) != key)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

/* At most half of a table is in use. */
static bool grow(struct counting *c)
{
    size_t slots = c->slots ? 2 * c->slots : SLOTS_MIN;
    counted *table = POOL_ARRAY(c->pool, slots, counted);
    if (table == NULL)
        return false;
    for (size_t i = 0; i < c->slots; i++) {
        if (c->table[i])
            *slot_of(table, slots, c->table[i] & ~TIMES) = c->table[i];
    }
    c->table = table;
    c->slots = slots;
    return true;
}

static bool count(struct counting *c, ngram key)
{
    if (2 * c->n >= c->slots && !grow(c))
        return false;
    counted *slot = slot_of(c->table, c->slots, key);
    c->n += *slot == 0;
    *slot = (*slot | key) + ONE_TIME;
    return true;
}

static bool is_in_word(char c)
{
    bool sign = c > ' ' && c < 127 && !ascii_is_letter(c) && c != '\'';
    return !ascii_is_space(c) && !sign;
}

/* One that TextCat.pm lowers, since it is long enough to be no abbreviation. */
static bool is_letter(unsigned char c)
{
    return ascii_is_letter((char)c) ||
           (c >= 0xc0 && c < 0xff && c != 0xd7 && c != 0xdf && c != 0xf7);
}

/* Capitals of a word that has some of ASCII, and four letters in a row, are lowered as those of
 * Latin-1, whatever the charset: the models are made for that. */
static bool is_lowered(struct str word)
{
    bool capital = false;
    size_t run = 0, longest = 0;
    for (size_t i = 0; i < word.n; i++) {
        capital |= word.s[i] >= 'A' && word.s[i] <= 'Z';
        run = is_letter((unsigned char)word.s[i]) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return capital && longest >= 4;
}

static unsigned char lowered(unsigned char c)
{
    bool capital = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
    return capital ? c + 0x20 : c;
}

/* The n-grams that begin with the first of the bytes. */
static bool count_from(struct counting *c, const unsigned char *bytes, size_t n)
{
    ngram key = 0;
    for (size_t i = 0; i < n && i < NGRAM_MAX; i++) {
        key |= (ngram)bytes[i] << (56 - 8 * i);
        if (!count(c, key | (i + 1)))
            return false;
    }
    return true;
}

static bool count_word(struct counting *c, struct str word)
{
    unsigned char bytes[NGRAMS_TEXT_MAX + 2];
    bool lower = is_lowered(word);
    bytes[0] = 0;
    for (size_t i = 0; i < word.n; i++)
        bytes[i + 1] = lower ? lowered((unsigned char)word.s[i]) : (unsigned char)word.s[i];
    bytes[word.n + 1] = 0;
    for (size_t i = 0; i < word.n + 2; i++) {
        if (!count_from(c, bytes + i, word.n + 2 - i))
            return false;
    }
    return true;
}

static bool count_words(struct counting *c, struct str text)
{
    for (size_t at = 0, end; at < text.n; at = end + 1) {
        for (end = at; end < text.n && is_in_word(text.s[end]);)
            end++;
        if (end > at && !count_word(c, str_sub(text, at, end)))
            return false;
    }
    return true;
}

/* Does a come before b? */
static bool is_before(counted a, counted b)
{
    return (a & TIMES) != (b & TIMES) ? (a & TIMES) > (b & TIMES) : a < b;
}

/* The last of a heap's elements is at its root. Lets the one at `at` sink to its place. */
static void sink(counted *heap, size_t n, size_t at)
{
    counted moved = heap[at];
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        child += child + 1 < n && is_before(heap[child], heap[child + 1]);
        if (!is_before(moved, heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* The first `max` in order, at the front of the array: only these are sorted. */
static size_t sort_first(counted *all, size_t n, size_t max)
{
    size_t kept = n < max ? n : max;
    for (size_t i = kept / 2; i-- > 0;)
        sink(all, kept, i);
    for (size_t i = kept; kept && i < n; i++) {
        if (is_before(all[i], all[0])) {
            all[0] = all[i];
            sink(all, kept, 0);
        }
    }
    for (size_t left = kept; left > 1;) {
        counted last = all[0];
        all[0] = all[--left];
        all[left] = last;
        sink(all, left, 0);
    }
    return kept;
}

int ngrams_count(struct pool *pool, struct str text, size_t max, size_t floor,
                 struct ngrams *ngrams)
{
    struct counting c = {.pool = pool};
    size_t n = 0;
    if (!count_words(&c, str_sub(text, 0, NGRAMS_TEXT_MAX)))
        return -1;
    for (size_t i = 0; i < c.slots; i++) {
        if ((c.table[i] & TIMES) / ONE_TIME > floor)
            c.table[n++] = c.table[i];
    }
    ngrams->n = sort_first(c.table, n, max);
    ngrams->list = POOL_ARRAY(pool, ngrams->n + 1, ngram);
    if (ngrams->list == NULL)
        return -1;
    for (size_t i = 0; i < ngrams->n; i++)
        ngrams->list[i] = c.table[i] & ~TIMES;
    return 0;
}
