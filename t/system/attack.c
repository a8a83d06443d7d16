#include "t/system/attack.h"

#define TASTES     2  /* ways to choose bytes and alternatives */
#define SHAPES     2  /* one long run, and many short ones */
#define SHORT_RUN  60 /* bytes */
#define TIMES_MAX  50 /* of a repeat that is not the one under attack */
#define NEARLY_MAX 4096
#define BREAKS     "\x01\n!~ aZ0"

struct walk {
    const struct tree *target; /* the repeat under attack; NULL: the pattern is walked to its end */
    size_t run;                /* bytes of it */
    unsigned taste;
    size_t most; /* the walk ends when `out` has so many bytes */
    struct buf *out;
    bool ended; /* behind the target */
};

static void find_repeats(const struct tree *tree, const struct tree **found, size_t *n)
{
    for (; tree && *n < ATTACK_REPEATS_MAX; tree = tree->next) {
        if (tree->kind == TREE_REPEAT && tree->most > 1)
            found[(*n)++] = tree;
        find_repeats(tree->child, found, n);
    }
}

static bool contains(const struct tree *tree, const struct tree *target)
{
    if (tree == target)
        return true;
    for (const struct tree *child = tree->child; child; child = child->next) {
        if (contains(child, target))
            return true;
    }
    return false;
}

/* The same bytes again and again, where classes allow it: that is where they overlap. */
static char choose_byte(const struct byteset *set, unsigned taste)
{
    const char *liked = taste ? " 0a-<\n" : "a 0.-/";
    for (; *liked; liked++) {
        if (byteset_has(set, (unsigned char)*liked))
            return *liked;
    }
    for (unsigned c = '!'; c < 256 + '!'; c++) {
        if (byteset_has(set, (unsigned char)c))
            return (char)c;
    }
    return '?'; /* an empty class, which nothing matches */
}

static void put(struct walk *w, const struct tree *tree);

static void put_times(struct walk *w, const struct tree *tree, size_t times)
{
    for (size_t i = 0; i < times && !w->ended && w->out->n < w->most; i++)
        put(w, tree);
}

static void put_choice(struct walk *w, const struct tree *tree)
{
    const struct tree *chosen = tree->child;
    unsigned skip = w->taste;
    for (const struct tree *child = tree->child; child; child = child->next) {
        if (w->target && contains(child, w->target)) {
            chosen = child;
            break;
        }
        if (skip > 0 && child->next) {
            chosen = child->next;
            skip--;
        }
    }
    put(w, chosen);
}

static void put_repeat(struct walk *w, const struct tree *tree)
{
    size_t times = tree->least < TIMES_MAX ? tree->least : TIMES_MAX;
    const struct tree *target = w->target;
    if (tree == target) {
        size_t end = w->out->n + w->run;
        w->target = NULL;
        w->most = end + NEARLY_MAX;
        for (size_t before = SIZE_MAX; w->out->n < end && w->out->n != before;) {
            before = w->out->n;
            put(w, tree->child);
        }
        w->ended = true;
    } else if (target && contains(tree, target)) {
        w->target = NULL;
        put_times(w, tree->child, times ? times - 1 : 0);
        w->target = target;
        put(w, tree->child);
    } else {
        put_times(w, tree->child, times + (w->taste && tree->most > tree->least));
    }
}

static void put(struct walk *w, const struct tree *tree)
{
    switch (tree->kind) {
    case TREE_BYTE:
        buf_addc(w->out, choose_byte(&tree->set, w->taste));
        break;
    case TREE_ANYTHING:
        buf_add(w->out, STR("aa"));
        break;
    case TREE_SEQUENCE:
        for (const struct tree *child = tree->child; child && !w->ended; child = child->next)
            put(w, child);
        break;
    case TREE_CHOICE:
        put_choice(w, tree);
        break;
    case TREE_REPEAT:
        put_repeat(w, tree);
        break;
    default:
        break;
    }
}

static void unite(const struct tree *tree, struct byteset *all)
{
    for (unsigned i = 0; i < 4; i++)
        all->bits[i] |= tree->kind == TREE_BYTE ? tree->set.bits[i] : 0;
    for (const struct tree *child = tree->child; child; child = child->next)
        unite(child, all);
}

static char byte_outside(const struct tree *tree)
{
    struct byteset all = {{0}};
    unite(tree, &all);
    for (const char *p = BREAKS; *p; p++) {
        if (!byteset_has(&all, (unsigned char)*p))
            return *p;
    }
    return '\n';
}

/* The whole pattern but for the last byte. */
static void put_nearly(const struct tree *tree, unsigned taste, struct buf *out)
{
    size_t start = out->n;
    struct walk w = {.taste = taste, .most = start + NEARLY_MAX, .out = out};
    put(&w, tree);
    if (out->n > start)
        buf_cut(out, out->n - 1);
    buf_addc(out, '\n');
}

static void put_run(const struct tree *tree, const struct tree *target, unsigned taste, size_t run,
                    struct buf *out)
{
    struct walk w = {
        .target = target, .run = run, .taste = taste, .most = out->n + NEARLY_MAX, .out = out};
    put(&w, tree);
    buf_addc(out, byte_outside(target));
    buf_addc(out, '\n');
}

size_t attack_count(const struct tree *tree)
{
    const struct tree *repeats[ATTACK_REPEATS_MAX];
    size_t n = 0;
    find_repeats(tree, repeats, &n);
    return TASTES * (1 + n * SHAPES);
}

void attack_text(const struct tree *tree, size_t which, size_t bytes, struct buf *out)
{
    const struct tree *repeats[ATTACK_REPEATS_MAX];
    size_t n = 0;
    unsigned taste = which % TASTES;
    which /= TASTES;
    find_repeats(tree, repeats, &n);
    buf_clear(out);
    while (out->n < bytes && buf_ok(out)) {
        if (which == 0)
            put_nearly(tree, taste, out);
        else
            put_run(tree, repeats[(which - 1) / SHAPES], taste,
                    (which - 1) % SHAPES ? SHORT_RUN : bytes, out);
    }
    buf_cut(out, out->n < bytes ? out->n : bytes);
}
