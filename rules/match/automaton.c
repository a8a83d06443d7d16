#include "rules/match/automaton_parts.h"

#include <stdlib.h>

/* The first two states are those in which nothing has begun, by CONTEXT. */
#define STATES_IDLE   2
#define STATE_UNKNOWN UINT16_MAX
#define STATE_END     (UINT16_MAX - 1) /* a match may end here */

/*
 * The states of one automaton, each known by its set of positions. What follows them is worked out
 * when it is first asked for, by class of the byte: a row of what follows when no match may begin
 * any more, and one for when it may.
 */
struct known {
    uint16_t *next;   /* [state][2][1 << class_bits] */
    uint64_t *sets;   /* [state][words] */
    uint64_t *hashes; /* [state]: of its set */
    size_t n, cap;
};

struct automaton_states {
    struct pool *pool;
    struct known *known; /* [n] */
    size_t n;
};

struct automaton_states *automaton_states_new(size_t n, struct err *err)
{
    struct automaton_states *states = calloc(1, sizeof *states);
    if (states) {
        states->pool = pool_new(AUTOMATON_MEMORY_MAX);
        states->known = calloc(n ? n : 1, sizeof *states->known);
        states->n = n;
    }
    if (states == NULL || states->pool == NULL || states->known == NULL) {
        err_set(err, "rules: out of memory");
        automaton_states_free(&states);
    }
    return states;
}

void automaton_states_free(struct automaton_states **states)
{
    if (*states == NULL)
        return;
    pool_free(&(*states)->pool);
    free((*states)->known);
    free(*states);
    *states = NULL;
}

/* All states are forgotten, of all automata, once there are too many. */
static void make_room(struct automaton_states *states)
{
    if (pool_used(states->pool) < AUTOMATON_MEMORY_MAX / 2)
        return;
    pool_reset(states->pool);
    memset(states->known, 0, states->n * sizeof *states->known);
}

/* Where the row begins. */
static size_t row_of(const struct automaton *a, size_t state, bool begins)
{
    return (2 * state + begins) << a->class_bits;
}

static bool grow(const struct automaton *a, struct known *known, struct pool *pool)
{
    size_t cap = known->cap ? 2 * known->cap : 4;
    uint16_t *next = POOL_ARRAY(pool, row_of(a, cap, false), uint16_t);
    uint64_t *sets = POOL_ARRAY(pool, cap * a->words, uint64_t);
    uint64_t *hashes = POOL_ARRAY(pool, cap, uint64_t);
    if (next == NULL || sets == NULL || hashes == NULL)
        return false;
    if (known->n) {
        memcpy(next, known->next, row_of(a, known->n, false) * sizeof *next);
        memcpy(sets, known->sets, known->n * a->words * sizeof *sets);
        memcpy(hashes, known->hashes, known->n * sizeof *hashes);
    }
    *known = (struct known){next, sets, hashes, known->n, cap};
    return true;
}

/* The state of that set. STATE_END, which only costs time: it can't be kept. */
static uint16_t state_of(const struct automaton *a, struct known *known, struct pool *pool,
                         const uint64_t *set)
{
    const size_t size = a->words * sizeof *set;
    const uint64_t sum = set_hash(set, a->words);
    for (size_t i = 0; i < known->n; i++) {
        if (known->hashes[i] == sum && memcmp(known->sets + i * a->words, set, size) == 0)
            return (uint16_t)i;
    }
    if (known->n == AUTOMATON_STATES_MAX || (known->n == known->cap && !grow(a, known, pool)))
        return STATE_END;
    memcpy(known->sets + known->n * a->words, set, size);
    known->hashes[known->n] = sum;
    memset(known->next + row_of(a, known->n, false), 0xff,
           row_of(a, 1, false) * sizeof *known->next);
    return (uint16_t)known->n++;
}

/* May a match begin with a byte, by what stands before it? */
static bool may_begin(const struct automaton *a, const uint64_t *now, const uint64_t *takes)
{
    switch (a->start) {
    case START_LINE:
        return now[0] & CONTEXT;
    case START_BOUNDARY:
        return (now[0] ^ takes[0]) & CONTEXT;
    default:
        return true;
    }
}

/* Works out what follows a state. */
static uint16_t find_next(const struct automaton *a, struct known *known, struct pool *pool,
                          size_t state, size_t class, bool begins)
{
    uint64_t set[SET_WORDS_MAX] = {0}, end = 0;
    const uint64_t *now = known->sets + state * a->words;
    const uint64_t *takes = a->takes + class * a->words, *first = a->first + class * a->words;
    begins = begins && may_begin(a, now, takes);
    for (size_t w = 0; w < a->words; w++) {
        for (uint64_t left = w ? now[w] : now[w] & ~CONTEXT; left; left &= left - 1) {
            size_t position = w * SET_BITS + (size_t)__builtin_ctzll(left);
            const uint64_t *follow = a->sets + a->follow[position] * a->words;
            for (size_t i = 0; i < a->words; i++)
                set[i] |= follow[i];
        }
    }
    set[0] |= CONTEXT;
    for (size_t w = 0; w < a->words; w++) {
        set[w] = (set[w] & takes[w]) | (begins ? first[w] : 0);
        end |= set[w] & a->ends[w];
    }
    return end ? STATE_END : state_of(a, known, pool, set);
}

static uint16_t next_state(const struct automaton *a, struct known *known, struct pool *pool,
                           size_t state, unsigned char c, bool begins)
{
    size_t at = row_of(a, state, begins) + a->classes[c];
    uint16_t next = known->next[at];
    if (next == STATE_UNKNOWN) {
        next = find_next(a, known, pool, state, a->classes[c], begins);
        known->next[at] = next;
    }
    return next;
}

/* The state before the text's byte at `from`. */
static size_t first_state(const struct automaton *a, struct str text, size_t from)
{
    if (from == 0)
        return a->start == START_LINE;
    return a->takes[a->classes[(unsigned char)text.s[from - 1]] * a->words] & CONTEXT;
}

/* Places before `starts` are those where a match may begin; behind `end` nothing is looked at. */
static bool run(const struct automaton *a, struct known *known, struct pool *pool, struct str text,
                size_t *from, size_t starts, size_t end)
{
    size_t begin = *from, at = begin, state = first_state(a, text, begin);
    for (; at < starts && state != STATE_END; at++) {
        begin = state < STATES_IDLE ? at : begin;
        state = next_state(a, known, pool, state, (unsigned char)text.s[at], true);
    }
    for (; at < end && state >= STATES_IDLE && state != STATE_END; at++)
        state = next_state(a, known, pool, state, (unsigned char)text.s[at], false);
    *from = begin;
    return state == STATE_END || (state >= STATES_IDLE && end < text.n);
}

/* The states in which nothing has begun. */
static bool make_idle(const struct automaton *a, struct known *known, struct pool *pool)
{
    uint64_t set[SET_WORDS_MAX] = {0};
    if (known->n)
        return true;
    state_of(a, known, pool, set);
    set[0] = CONTEXT;
    state_of(a, known, pool, set);
    return known->n == STATES_IDLE;
}

bool automaton_may_match(const struct automaton *automaton, struct automaton_states *states,
                         size_t number, struct str text, size_t *from, size_t last)
{
    struct known *known = &states->known[number];
    last = last < text.n ? last : text.n;
    if (*from > last)
        return false;
    if (last - *from > AUTOMATON_PLACES_MAX)
        return true;
    make_room(states);
    if (known->n == AUTOMATON_STATES_MAX)
        known->n = 0;
    if (!make_idle(automaton, known, states->pool))
        return true;
    size_t starts = last < text.n ? last + 1 : text.n;
    size_t end = text.n - last > AUTOMATON_REACH ? last + AUTOMATON_REACH : text.n;
    return run(automaton, known, states->pool, text, from, starts, end);
}
