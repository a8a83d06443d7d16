#include "rules/match/automaton_parts.h"

/*
 * Glushkov's construction: each byte of the tree is a state, and a part of the tree is known by the
 * states that it may begin and end with. State 0 stands for all that is left out of the pattern:
 * what may be followed by it may as well be the match's end.
 */
#define LEFT_OUT 0

struct maker {
    struct pool *pool;
    size_t words;     /* of a set; 0 while the states are only counted */
    size_t n;         /* states so far */
    size_t horizon;   /* what can begin no nearer than this to the match's beginning is left out */
    uint64_t *follow; /* [state][words] */
    struct byteset *bytes;     /* [state] */
    uint64_t *word, *not_word; /* states that take only bytes that \b tells apart */
    struct byteset word_bytes;
    bool failed;
};

struct part {
    uint64_t *first, *last;
    bool empty; /* it may match nothing */
};

static bool has(const uint64_t *set, size_t state)
{
    return set[state / SET_BITS] >> (state % SET_BITS) & 1;
}

static void put(uint64_t *set, size_t state)
{
    set[state / SET_BITS] |= 1ull << (state % SET_BITS);
}

static void put_all(const struct maker *m, uint64_t *set, const uint64_t *more)
{
    for (size_t w = 0; w < m->words; w++)
        set[w] |= more[w];
}

static struct part new_part(struct maker *m, bool empty)
{
    struct part part = {POOL_ARRAY(m->pool, m->words, uint64_t),
                        POOL_ARRAY(m->pool, m->words, uint64_t), empty};
    if (part.first == NULL || part.last == NULL) {
        m->failed = true;
        m->words = 0; /* nothing is written any more */
    }
    return part;
}

/* States of `first` may follow those of `last`; with a \b between them, if one of them is of word
 * bytes and the other is not. */
static void connect(struct maker *m, const uint64_t *last, const uint64_t *first, bool boundary)
{
    for (size_t w = 0; w < m->words; w++) {
        for (uint64_t left = last[w]; left; left &= left - 1) {
            size_t state = w * SET_BITS + (size_t)__builtin_ctzll(left);
            uint64_t *row = m->follow + state * m->words;
            bool word = boundary && has(m->word, state);
            bool not_word = boundary && has(m->not_word, state);
            for (size_t i = 0; i < m->words; i++)
                row[i] |= first[i] & ~(word ? m->word[i] : not_word ? m->not_word[i] : 0);
        }
    }
}

/* Which of the set's bytes are of the other one: all, none, some. */
static void note_kind(struct maker *m, size_t state, const struct byteset *set)
{
    bool word = false, other = false;
    for (size_t i = 0; i < 4; i++) {
        word |= (set->bits[i] & m->word_bytes.bits[i]) != 0;
        other |= (set->bits[i] & ~m->word_bytes.bits[i]) != 0;
    }
    if (word && !other)
        put(m->word, state);
    else if (other && !word)
        put(m->not_word, state);
}

static struct part make_byte(struct maker *m, const struct byteset *set, size_t offset)
{
    struct part part = new_part(m, false);
    bool left_out = offset >= m->horizon || m->n == AUTOMATON_POSITIONS_MAX;
    size_t state = left_out ? LEFT_OUT : m->n++;
    if (m->words == 0)
        return part;
    put(part.first, state);
    if (left_out)
        return part;
    put(part.last, state);
    m->bytes[state] = *set;
    note_kind(m, state, set);
    return part;
}

static struct part make(struct maker *m, const struct tree *tree, size_t offset);

static struct part make_anything(struct maker *m, size_t offset)
{
    static const struct byteset all = {{~0ull, ~0ull, ~0ull, ~0ull}};
    struct part part = make_byte(m, &all, offset);
    connect(m, part.last, part.first, false);
    part.empty = true;
    return part;
}

/* `more` behind `part`. */
static void append(struct maker *m, struct part *part, const struct part *more, bool boundary)
{
    connect(m, part->last, more->first, boundary);
    if (part->empty)
        put_all(m, part->first, more->first);
    if (!more->empty && m->words)
        memset(part->last, 0, m->words * sizeof *part->last);
    put_all(m, part->last, more->last);
    part->empty &= more->empty;
}

/* Bytes of the shortest match, as far as they matter. */
static size_t shortest(const struct tree *tree, size_t horizon)
{
    size_t sum = 0, least = SIZE_MAX;
    switch (tree->kind) {
    case TREE_BYTE:
        return 1;
    case TREE_SEQUENCE:
        for (const struct tree *child = tree->child; child && sum < horizon; child = child->next)
            sum += shortest(child, horizon - sum);
        return sum;
    case TREE_CHOICE:
        for (const struct tree *child = tree->child; child && least; child = child->next) {
            sum = shortest(child, horizon);
            least = sum < least ? sum : least;
        }
        return least;
    case TREE_REPEAT:
        return tree->least ? tree->least * shortest(tree->child, horizon) : 0;
    default:
        return 0;
    }
}

static struct part make_sequence(struct maker *m, const struct tree *first, size_t offset)
{
    struct part sum = new_part(m, true);
    bool boundary = false;
    for (const struct tree *item = first; item && !m->failed; item = item->next) {
        if (item->kind == TREE_EMPTY || item->kind == TREE_START)
            continue;
        if (item->kind == TREE_BOUNDARY) {
            boundary = true;
            continue;
        }
        struct part part = make(m, item, offset);
        append(m, &sum, &part, boundary);
        boundary = false;
        if (m->horizon != SIZE_MAX)
            offset += shortest(item, m->horizon);
    }
    return sum;
}

static struct part make_choice(struct maker *m, const struct tree *choice, size_t offset)
{
    struct part sum = new_part(m, false);
    for (const struct tree *child = choice->child; child && !m->failed; child = child->next) {
        struct part part = make(m, child, offset);
        put_all(m, sum.first, part.first);
        put_all(m, sum.last, part.last);
        sum.empty |= part.empty;
    }
    return sum;
}

/* As many copies as it must stand there, if they are not too many; the last one again and again. */
static struct part make_repeat(struct maker *m, const struct tree *repeat, size_t offset)
{
    size_t before = m->n;
    if (repeat->most == 0)
        return new_part(m, true);
    struct part sum = make(m, repeat->child, offset), copy = sum;
    size_t size = m->n - before, least = repeat->least ? repeat->least : 1, copies = 1;
    size_t each = m->horizon == SIZE_MAX ? 0 : shortest(repeat->child, m->horizon);
    size_t copies_max = size ? AUTOMATON_COPIES_MAX / size : 1;
    copies_max = copies_max < 2 && size ? 2 : copies_max;
    struct part all = new_part(m, true);
    append(m, &all, &copy, false);
    for (; copies < least && copies < copies_max && !m->failed; copies++) {
        copy = make(m, repeat->child, offset + copies * each);
        append(m, &all, &copy, false);
    }
    if (repeat->most > copies)
        connect(m, copy.last, copy.first, false);
    all.empty |= repeat->least == 0;
    return all;
}

static struct part make(struct maker *m, const struct tree *tree, size_t offset)
{
    if (m->words == 0 && m->n == AUTOMATON_POSITIONS_MAX) /* counted, and too many */
        return new_part(m, true);
    switch (tree->kind) {
    case TREE_BYTE:
        return make_byte(m, &tree->set, offset);
    case TREE_ANYTHING:
        return make_anything(m, offset);
    case TREE_SEQUENCE:
        return make_sequence(m, tree->child, offset);
    case TREE_CHOICE:
        return make_choice(m, tree, offset);
    case TREE_REPEAT:
        return make_repeat(m, tree, offset);
    default:
        return new_part(m, true);
    }
}

/* How far ahead there is room for all states. */
static bool find_horizon(struct maker *m, const struct tree *tree)
{
    for (m->horizon = SIZE_MAX; m->horizon >= 4;
         m->horizon = m->horizon == SIZE_MAX ? 64 : m->horizon / 2) {
        m->n = 1;
        make(m, tree, 0);
        if (m->failed || m->n < AUTOMATON_POSITIONS_MAX)
            return !m->failed;
    }
    return false;
}

static bool make_room(struct maker *m)
{
    size_t n = m->n;
    m->words = (n + SET_BITS - 1) / SET_BITS;
    m->follow = POOL_ARRAY(m->pool, n * m->words, uint64_t);
    m->bytes = POOL_ARRAY(m->pool, n, struct byteset);
    m->word = POOL_ARRAY(m->pool, m->words, uint64_t);
    m->not_word = POOL_ARRAY(m->pool, m->words, uint64_t);
    m->n = 1;
    return m->follow && m->bytes && m->word && m->not_word;
}

/* Sets of positions, each held once, found by hash. */
struct shelf {
    uint64_t *sets;
    uint32_t *slots; /* a set's number and 1; 0: free */
    size_t n, words, mask;
};

/* Room for `most` sets. */
static bool shelf_new(struct shelf *shelf, struct pool *pool, size_t most, size_t words)
{
    size_t slots = 4;
    while (slots < 2 * most)
        slots *= 2;
    *shelf = (struct shelf){POOL_ARRAY(pool, most * words, uint64_t),
                            POOL_ARRAY(pool, slots, uint32_t), 0, words, slots - 1};
    return shelf->sets && shelf->slots;
}

static size_t shelf_put(struct shelf *shelf, const uint64_t *set)
{
    size_t slot = set_hash(set, shelf->words) >> 32 & shelf->mask;
    for (; shelf->slots[slot]; slot = (slot + 1) & shelf->mask) {
        size_t i = shelf->slots[slot] - 1;
        if (memcmp(shelf->sets + i * shelf->words, set, shelf->words * sizeof *set) == 0)
            return i;
    }
    memcpy(shelf->sets + shelf->n * shelf->words, set, shelf->words * sizeof *set);
    shelf->slots[slot] = (uint32_t)++shelf->n;
    return shelf->n - 1;
}

static const uint64_t *keep(struct pool *pool, const uint64_t *list, size_t n)
{
    uint64_t *copy = POOL_ARRAY(pool, n, uint64_t);
    if (copy)
        memcpy(copy, list, n * sizeof *list);
    return copy;
}

/* Bytes that the same states take are one class. */
static bool make_classes(struct maker *m, struct pool *pool, const uint64_t *first,
                         struct automaton *a)
{
    uint64_t *takes = POOL_ARRAY(m->pool, 256 * m->words, uint64_t);
    struct shelf shelf;
    if (takes == NULL || !shelf_new(&shelf, m->pool, 256, m->words))
        return false;
    for (size_t state = 1; state < m->n; state++) {
        for (unsigned i = 0; i < 4; i++) {
            for (uint64_t left = m->bytes[state].bits[i]; left; left &= left - 1)
                put(takes + (i * 64 + (unsigned)__builtin_ctzll(left)) * m->words, state);
        }
    }
    for (unsigned c = 0; c < 256; c++) {
        bool word = a->start == START_BOUNDARY && byteset_has(&m->word_bytes, (unsigned char)c);
        if (word || (a->start == START_LINE && c == '\n'))
            takes[c * m->words] |= CONTEXT;
        a->classes[c] = (unsigned char)shelf_put(&shelf, takes + c * m->words);
    }
    uint64_t *begins = POOL_ARRAY(pool, shelf.n * m->words, uint64_t);
    a->takes = keep(pool, shelf.sets, shelf.n * m->words);
    if (begins == NULL || a->takes == NULL)
        return false;
    for (size_t i = 0; i < shelf.n * m->words; i++)
        begins[i] = first[i % m->words] & a->takes[i];
    while (1u << a->class_bits < shelf.n)
        a->class_bits++;
    a->first = begins;
    return true;
}

static bool make_follow(struct maker *m, struct pool *pool, const uint64_t *last,
                        struct automaton *a)
{
    uint64_t *ends = POOL_ARRAY(pool, m->words, uint64_t);
    uint16_t *follow = POOL_ARRAY(pool, m->n, uint16_t);
    struct shelf shelf;
    if (ends == NULL || follow == NULL || !shelf_new(&shelf, m->pool, m->n, m->words))
        return false;
    for (size_t i = 1; i < m->n; i++) {
        uint64_t *row = m->follow + i * m->words;
        if (has(row, LEFT_OUT) || has(last, i))
            put(ends, i);
        row[0] &= ~1ull; /* LEFT_OUT */
        follow[i] = (uint16_t)shelf_put(&shelf, row);
    }
    a->sets = keep(pool, shelf.sets, shelf.n * m->words);
    a->ends = ends;
    a->follow = follow;
    return a->sets != NULL;
}

/* What the pattern asks of the place where it begins. */
static enum automaton_start start_of(const struct tree *tree)
{
    while (tree && (tree->kind == TREE_SEQUENCE || tree->kind == TREE_EMPTY))
        tree = tree->kind == TREE_SEQUENCE ? tree->child : tree->next;
    if (tree && tree->kind == TREE_START)
        return START_LINE;
    return tree && tree->kind == TREE_BOUNDARY ? START_BOUNDARY : START_ANYWHERE;
}

struct automaton *automaton_new(struct pool *pool, struct pool *work, const struct tree *tree,
                                size_t least)
{
    struct maker m = {.pool = work, .word_bytes = byteset_of_words()};
    if (!find_horizon(&m, tree) || m.n < least || !make_room(&m))
        return NULL;
    struct part all = make(&m, tree, 0);
    if (m.failed || all.empty || has(all.first, LEFT_OUT))
        return NULL;
    struct automaton *a = POOL_NEW(pool, struct automaton);
    if (a == NULL)
        return NULL;
    a->words = m.words;
    a->start = start_of(tree);
    return make_classes(&m, pool, all.first, a) && make_follow(&m, pool, all.last, a) ? a : NULL;
}
