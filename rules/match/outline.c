#include "rules/match/outline.h"

/*
 * Places in the window, as bits: a walk through the tree takes the places at which a part of the
 * pattern may begin to those at which it may end. Bit OUTLINE_BYTES stands for all that is behind.
 */
typedef unsigned places;
#define BEHIND (1u << OUTLINE_BYTES)

struct walk {
    struct byteset *at; /* [OUTLINE_BYTES] */
    size_t steps;
};

static const struct byteset all_bytes = {{~0ull, ~0ull, ~0ull, ~0ull}};

static void unite(struct byteset *set, const struct byteset *more)
{
    for (size_t i = 0; i < 4; i++)
        set->bits[i] |= more->bits[i];
}

/* Whatever may stand at the first of these places and all behind it. */
static places anything(struct walk *walk, places from)
{
    bool reached = false;
    for (unsigned i = 0; i < OUTLINE_BYTES; i++) {
        reached |= from >> i & 1;
        if (reached)
            walk->at[i] = all_bytes;
    }
    places first = from & -from;
    return from ? (BEHIND | (BEHIND - first)) : 0;
}

static places one_byte(struct walk *walk, const struct byteset *set, places from)
{
    for (unsigned i = 0; i < OUTLINE_BYTES; i++) {
        if (from >> i & 1)
            unite(&walk->at[i], set);
    }
    return (from << 1 | (from & BEHIND)) & (BEHIND | (BEHIND - 1));
}

static places walk_tree(struct walk *walk, const struct tree *tree, places from);

static places walk_repeat(struct walk *walk, const struct tree *repeat, places from)
{
    places end = repeat->least == 0 ? from : 0;
    for (uint32_t times = 1; times <= repeat->most; times++) {
        places to = walk_tree(walk, repeat->child, from);
        places known = end;
        end |= times >= repeat->least ? to : 0;
        /* Once it can only stand behind the window, or comes to nothing new, so will it ever. */
        if (to == from || to == BEHIND || (times > repeat->least && end == known))
            return end | to;
        from = to;
    }
    return end;
}

static places walk_tree(struct walk *walk, const struct tree *tree, places from)
{
    places end = 0;
    walk->steps++;
    if (walk->steps > OUTLINE_STEPS_MAX || from == BEHIND)
        return from;
    switch (tree->kind) {
    case TREE_BYTE:
        return one_byte(walk, &tree->set, from);
    case TREE_ANYTHING:
        return anything(walk, from);
    case TREE_SEQUENCE:
        for (const struct tree *child = tree->child; child; child = child->next)
            from = walk_tree(walk, child, from);
        return from;
    case TREE_CHOICE:
        for (const struct tree *child = tree->child; child; child = child->next)
            end |= walk_tree(walk, child, from);
        return end;
    case TREE_REPEAT:
        return walk_repeat(walk, tree, from);
    default:
        return from;
    }
}

/* Bytes of the longest match of this part; STR_NONE: more than OUTLINE_BEFORE_MAX. */
static size_t longest(struct walk *walk, const struct tree *tree)
{
    size_t sum = 0, most = 0;
    if (++walk->steps > OUTLINE_STEPS_MAX)
        return STR_NONE;
    switch (tree->kind) {
    case TREE_BYTE:
        return 1;
    case TREE_ANYTHING:
        return STR_NONE;
    case TREE_REPEAT:
        most = longest(walk, tree->child);
        if (most == 0 || tree->most == 0)
            return 0;
        return most > OUTLINE_BEFORE_MAX / tree->most ? STR_NONE : most * tree->most;
    case TREE_SEQUENCE:
        for (const struct tree *child = tree->child; child; child = child->next) {
            most = longest(walk, child);
            if (most > OUTLINE_BEFORE_MAX - sum)
                return STR_NONE;
            sum += most;
        }
        return sum;
    case TREE_CHOICE:
        for (const struct tree *child = tree->child; child; child = child->next) {
            size_t n = longest(walk, child);
            most = n > most ? n : most;
        }
        return most;
    default:
        return 0;
    }
}

/* How often a byte of the set stands in mail: letters by their frequency in Western languages. */
static double frequency_of(const struct byteset *set)
{
    static const unsigned char letters[26] = {65, 12, 25, 35, 100, 18, 16, 45, 60, 2,  6, 35, 22,
                                              60, 65, 16, 1,  55,  55, 75, 25, 9,  16, 2, 17, 1};
    double sum = 0;
    for (unsigned c = 0; c < 256; c++) {
        if (!byteset_has(set, (unsigned char)c))
            continue;
        if (c >= 'a' && c <= 'z')
            sum += 0.7 * letters[c - 'a'];
        else if (c >= 'A' && c <= 'Z')
            sum += 0.1 * letters[c - 'A'];
        else if (c >= '0' && c <= '9')
            sum += 4;
        else
            sum += c == ' ' ? 150 : c == '\n' ? 20 : c >= 0x80 ? 0.5 : c < ' ' ? 0.1 : 2;
    }
    return sum < 1000 ? sum / 1000 : 1;
}

static double frequency(const struct outline *outline)
{
    double product = 1;
    for (size_t i = 0; i <= OUTLINE_BYTES; i++)
        product *= frequency_of(&outline->at[i]);
    return product;
}

static struct byteset word_bytes(void)
{
    struct byteset set = {{0}};
    for (unsigned char c = 0; c < 128; c++) {
        char lower = str_lower_char((char)c);
        if (c == '_' || (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z'))
            byteset_add(&set, c);
    }
    return set;
}

static bool is_part(const struct byteset *part, const struct byteset *whole)
{
    for (size_t i = 0; i < 4; i++) {
        if (part->bits[i] & ~whole->bits[i])
            return false;
    }
    return true;
}

/* What stands before a window that begins behind `item`; `first` is the window's first byte. */
static struct byteset before_window(const struct tree *item, const struct byteset *first)
{
    struct byteset word = word_bytes(), set = {{0}};
    struct byteset other = {{~word.bits[0], ~word.bits[1], ~word.bits[2], ~word.bits[3]}};
    if (item && item->kind == TREE_REPEAT && item->least > 0)
        item = item->child;
    if (item && item->kind == TREE_START)
        byteset_add(&set, '\n');
    else if (item && item->kind == TREE_BYTE)
        set = item->set;
    else if (item && item->kind == TREE_BOUNDARY && is_part(first, &word))
        set = other;
    else if (item && item->kind == TREE_BOUNDARY && is_part(first, &other))
        set = word;
    else
        set = all_bytes;
    return set;
}

/* The window that begins at `item`, one of a sequence whose end is the pattern's. */
static void look(struct walk *walk, const struct tree *before, const struct tree *item,
                 struct outline *outline)
{
    places at = 1;
    memset(outline->at, 0, sizeof outline->at);
    walk->at = outline->at + 1;
    for (; item; item = item->next)
        at = walk_tree(walk, item, at);
    if (at & (BEHIND - 1)) /* the match may end within the window */
        anything(walk, at & (BEHIND - 1));
    outline->at[0] = before_window(before, &outline->at[1]);
    outline->frequency = frequency(outline);
}

/* A search from everywhere costs more than one from a known place. */
static double cost(const struct outline *outline)
{
    return outline->frequency * (outline->before == STR_NONE ? 20 : 1);
}

bool outline_of(const struct tree *tree, struct outline *outline)
{
    struct walk walk = {.steps = 0};
    struct tree single = *tree;
    const struct tree *item = tree, *before = NULL;
    size_t length = 0;
    single.next = NULL;
    item = &single;
    while (item && item->kind == TREE_SEQUENCE && item->next == NULL)
        item = item->child;
    *outline = (struct outline){.frequency = 1};
    for (bool first = true; item; first = false) {
        struct outline here = {.before = length};
        look(&walk, before, item, &here);
        if (walk.steps > OUTLINE_STEPS_MAX)
            break;
        if (first || cost(&here) < cost(outline))
            *outline = here;
        size_t most = longest(&walk, item);
        length =
            length == STR_NONE || most > OUTLINE_BEFORE_MAX - length ? STR_NONE : length + most;
        before = item;
        item = item->next;
    }
    return outline->frequency < 1;
}
