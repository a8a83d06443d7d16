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
    for (places left = from & (BEHIND - 1); left; left &= left - 1)
        unite(&walk->at[__builtin_ctz(left)], set);
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

static places walk_items(struct walk *walk, const struct tree *item, places from)
{
    for (; item && from != BEHIND; item = item->next)
        from = walk_tree(walk, item, from);
    return from;
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
        return walk_items(walk, tree->child, from);
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

/* How often a byte stands in mail, of 1000: letters by their frequency in Western languages. */
static double frequency_of_byte(unsigned c)
{
    static const unsigned char letters[26] = {65, 12, 25, 35, 100, 18, 16, 45, 60, 2,  6, 35, 22,
                                              60, 65, 16, 1,  55,  55, 75, 25, 9,  16, 2, 17, 1};
    if (c >= 'a' && c <= 'z')
        return 0.7 * letters[c - 'a'];
    if (c >= 'A' && c <= 'Z')
        return 0.1 * letters[c - 'A'];
    if (c >= '0' && c <= '9')
        return 4;
    if (c >= 0x80 || c < ' ')
        return c == '\n' ? 20 : 0.3;
    return c == ' ' ? 150 : 2;
}

static double frequency_of(const struct byteset *set)
{
    double sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (set->bits[i] == ~0ull && i >= 2) /* most sets with so many have them all */
            sum += 64 * 0.3;
        else
            for (uint64_t left = set->bits[i]; left; left &= left - 1)
                sum += frequency_of_byte(i * 64 + (unsigned)__builtin_ctzll(left));
    }
    return sum < 1000 ? sum / 1000 : 1;
}

static double frequency(const struct outline *outline)
{
    double product = 1;
    for (size_t i = 0; i <= OUTLINE_BYTES; i++) {
        if (memcmp(&outline->at[i], &all_bytes, sizeof all_bytes) != 0)
            product *= frequency_of(&outline->at[i]);
    }
    return product;
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
    struct byteset word = byteset_of_words(), set = {{0}};
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

/* What follows behind the end of a group: the rest of the sequence around it, and so on. */
struct rest {
    const struct tree *items;
    const struct rest *next;
};

/* A part of the pattern where a window may begin. */
struct part {
    const struct tree *items;  /* one behind the other */
    const struct rest *rest;   /* behind them */
    const struct tree *before; /* the item before them; NULL: none */
    size_t length;             /* bytes of the longest match up to here */
    bool fresh;                /* up to here all may be left out */
    unsigned depth;
};

/* Lists are large: only what is used of them is ever touched. */
static void take_if_better(struct outline_list *best, const struct outline *list, size_t n,
                           double cost)
{
    if (n == 0 || (best->n && best->cost <= cost))
        return;
    memcpy(best->list, list, n * sizeof *list);
    best->n = n;
    best->cost = cost;
}

/* The window that begins with the part's first item. */
static void look(struct walk *walk, const struct part *part, struct outline_list *best)
{
    struct outline outline = {.before = part->length};
    places at = 1;
    walk->at = outline.at + 1;
    at = walk_items(walk, part->items, at);
    for (const struct rest *rest = part->rest; rest && at != BEHIND; rest = rest->next)
        at = walk_items(walk, rest->items, at);
    if (at & (BEHIND - 1)) /* the match may end within the window */
        anything(walk, at & (BEHIND - 1));
    walk->at = NULL;
    if (walk->steps > OUTLINE_STEPS_MAX)
        return;
    outline.at[0] = before_window(part->before, &outline.at[1]);
    outline.frequency = frequency(&outline);
    double searches = part->length == STR_NONE ? OUTLINE_COST_OPEN : 1;
    take_if_better(best, &outline, 1, outline.frequency * searches + OUTLINE_COST_EACH);
}

static void look_everywhere(struct walk *walk, const struct part *part, struct outline_list *best);

/* The group that the item is, or that it repeats: then `again` is all but the first time. NULL: it
 * is none, or may be missing. */
static const struct tree *group_of(const struct tree *item, struct tree *again)
{
    const struct tree *group = item;
    if (item->kind == TREE_REPEAT && item->least > 0) {
        *again = *item;
        again->least--;
        again->most -= again->most != TREE_ENDLESS;
        group = item->child;
    }
    return group->kind == TREE_CHOICE || group->kind == TREE_SEQUENCE ? group : NULL;
}

/* Windows for each branch of the group that is the part's first item: a match has one of them. */
static void look_inside(struct walk *walk, const struct part *part, struct outline_list *best)
{
    struct tree again = {.next = NULL};
    const struct tree *group = group_of(part->items, &again);
    struct outline_list sum, found;
    sum.n = 0;
    sum.cost = 0;
    if (group == NULL || part->depth == OUTLINE_DEPTH_MAX)
        return;
    struct rest rest = {group == part->items ? group->next : &again, part->rest};
    struct part branch = *part;
    branch.rest = &rest;
    branch.depth++;
    for (const struct tree *child = group->child; child; child = child->next) {
        bool whole = group->kind == TREE_SEQUENCE;
        branch.items = whole ? child : child->child;
        look_everywhere(walk, &branch, &found);
        if (found.n == 0 || found.n > OUTLINE_MAX - sum.n)
            return;
        memcpy(sum.list + sum.n, found.list, found.n * sizeof *found.list);
        sum.n += found.n;
        sum.cost += found.cost;
        if (whole)
            break;
    }
    take_if_better(best, sum.list, sum.n, sum.cost);
}

static bool is_empty(const struct tree *item)
{
    return item->kind == TREE_EMPTY || item->kind == TREE_BOUNDARY || item->kind == TREE_START;
}

/* Goes on to the part's next item. */
static void step(struct walk *walk, struct part *part)
{
    const struct tree *item = part->items;
    bool left_out = part->fresh && item->kind == TREE_REPEAT && item->least == 0;
    size_t most = left_out ? 0 : longest(walk, item);
    part->fresh = left_out;
    bool open = part->length == STR_NONE || most > OUTLINE_BEFORE_MAX - part->length;
    part->length = open ? STR_NONE : part->length + most;
    if (item->kind != TREE_EMPTY)
        part->before = item;
    part->items = item->next;
}

/* The best windows that begin with any of the part's items. */
static void look_everywhere(struct walk *walk, const struct part *part, struct outline_list *best)
{
    struct part here = *part;
    best->n = 0;
    /* A window behind an empty item is the same, and may know what stands before it. */
    while (here.items && is_empty(here.items) && here.items->next)
        step(walk, &here);
    do {
        look(walk, &here, best);
        if (here.items == NULL || walk->steps > OUTLINE_STEPS_MAX)
            return;
        look_inside(walk, &here, best);
        if (best->n && best->cost < OUTLINE_COST_GOOD)
            return;
        step(walk, &here);
    } while (here.items);
}

void outline_of(const struct tree *tree, struct outline_list *found)
{
    struct walk walk = {.steps = 0};
    struct part all = {.items = tree, .fresh = !tree->rigid};
    look_everywhere(&walk, &all, found);
}
