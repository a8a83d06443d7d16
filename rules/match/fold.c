#include "rules/match/fold.h"

#include <stdlib.h>

#include "rules/match/regex.h"

#define NEST_MAX 100
#define NONE     SIZE_MAX

struct group {
    size_t from, to; /* with its brackets */
    uint64_t hash;   /* of its bytes */
    size_t twin;     /* the first group of the same bytes; NONE: it stands alone */
    size_t number;   /* of a first twin: its definition; NONE: not used yet */
};

struct folding {
    struct str pattern;
    struct buf *out;
    struct group *groups; /* in the order of their beginning */
    size_t n;
    struct group **order; /* equal ones together, in the order of their beginning */
    size_t n_definitions;
};

/* Flags that open the pattern hold to its end, thus for the definitions as well. */
static size_t skip_first_flags(struct str p)
{
    size_t i = 0;
    while (str_starts(str_from(p, i), STR("(?"))) {
        size_t end = i + 2;
        while (end < p.n && p.s[end] >= 'a' && p.s[end] <= 'z')
            end++;
        if (end >= p.n || p.s[end] != ')')
            break;
        i = end + 1;
    }
    return i;
}

enum opening { OPENS_GROUP, OPENS_AROUND, OPENS_UNKNOWN };

static enum opening what_opens(struct str inside)
{
    static const char *const around[] = {"?=", "?!", "?<=", "?<!", "?>"};
    if (str_starts(inside, STR("?:")))
        return OPENS_GROUP;
    if (!str_starts(inside, STR("?")) && !str_starts(inside, STR("*")))
        return OPENS_AROUND; /* a capture: nothing refers to it, but it stays where it is */
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        if (str_starts(inside, str_of(around[i])))
            return OPENS_AROUND;
    }
    return OPENS_UNKNOWN;
}

/* \1 to \9, \g, \k and the like refer to groups by number, which moving might change. */
static bool is_reference(char c)
{
    return c == '\0' || strchr("123456789gkGKQE", c) != NULL;
}

/* Finds all groups; `open` is a stack of their numbers, NONE for a look-around. */
static bool find_groups(struct folding *f)
{
    size_t open[NEST_MAX], depth = 0;
    struct str p = f->pattern;
    for (size_t i = skip_first_flags(p); i < p.n; i++) {
        if (p.s[i] == '\\') {
            if (is_reference(++i < p.n ? p.s[i] : '\0'))
                return false;
        } else if (p.s[i] == '[') {
            i = regex_skip_class(p, i);
        } else if (p.s[i] == '(') {
            enum opening kind = what_opens(str_from(p, i + 1));
            if (kind == OPENS_UNKNOWN || depth == NEST_MAX)
                return false;
            open[depth++] = kind == OPENS_GROUP ? f->n : NONE;
            if (kind == OPENS_GROUP)
                f->groups[f->n++] = (struct group){.from = i, .twin = NONE, .number = NONE};
        } else if (p.s[i] == ')') {
            if (depth == 0)
                return false;
            if (open[--depth] != NONE)
                f->groups[open[depth]].to = i + 1;
        }
    }
    return depth == 0;
}

static struct str text_of(const struct folding *f, const struct group *group)
{
    return str_sub(f->pattern, group->from, group->to);
}

static uint64_t hash(struct str text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.s[i]) * 0x100000001b3u;
    return h;
}

static int equal_together(const void *a, const void *b)
{
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    size_t x_n = x->to - x->from, y_n = y->to - y->from;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x_n != y_n)
        return x_n < y_n ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Is it a group with "{2}" or the like behind it, which PCRE2 compiles so many times? */
static bool is_counted(const struct folding *f, const struct group *group)
{
    struct str behind = str_from(f->pattern, group->to);
    return str_starts(behind, STR("{")) && behind.n > 1 && behind.s[1] >= '0' && behind.s[1] <= '9';
}

/* Tells the groups that stand more than once, or count as if they did; false: there are none. */
static bool find_twins(struct folding *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n; i++) {
        f->groups[i].hash = hash(text_of(f, &f->groups[i]));
        f->order[i] = &f->groups[i];
    }
    qsort(f->order, f->n, sizeof(struct group *), equal_together);
    for (size_t i = 0; i < f->n; i++) {
        struct group *group = &f->groups[i];
        if (group->to - group->from >= FOLD_GROUP_MIN && is_counted(f, group)) {
            group->twin = i;
            any = true;
        }
    }
    for (size_t i = 1; i < f->n; i++) {
        struct group *group = f->order[i], *before = f->order[i - 1];
        struct str text = text_of(f, group);
        if (text.n < FOLD_GROUP_MIN || !str_eq(text, text_of(f, before)))
            continue;
        if (before->twin == NONE)
            before->twin = (size_t)(before - f->groups);
        group->twin = before->twin;
        any = true;
    }
    return any;
}

/* The pattern with names in the place of groups. */
static void write_body(struct folding *f)
{
    size_t at = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct group *group = &f->groups[i];
        if (group->twin == NONE || group->from < at)
            continue;
        struct group *first = &f->groups[group->twin];
        if (first->number == NONE)
            first->number = f->n_definitions++;
        buf_add(f->out, str_sub(f->pattern, at, group->from));
        buf_addf(f->out, "(?&f%zu)", first->number);
        at = group->to;
    }
    buf_add(f->out, str_from(f->pattern, at));
}

static void write_definitions(struct folding *f)
{
    buf_add(f->out, STR("(?(DEFINE)"));
    for (size_t i = 0; i < f->n; i++) {
        const struct group *group = &f->groups[i];
        if (group->number == NONE)
            continue;
        buf_addf(f->out, "(?<f%zu>", group->number);
        buf_add(f->out, text_of(f, group));
        buf_addc(f->out, ')');
    }
    buf_addc(f->out, ')');
}

bool fold_groups(struct str pattern, struct buf *out)
{
    size_t most = pattern.n / 4 + 1; /* "(?:)" */
    struct folding f = {.pattern = pattern, .out = out};
    f.groups = calloc(most, sizeof *f.groups);
    f.order = calloc(most, sizeof(struct group *));
    bool folded = f.groups && f.order && find_groups(&f) && find_twins(&f);
    if (folded) {
        write_body(&f);
        write_definitions(&f);
    }
    free(f.groups);
    free(f.order);
    return folded && buf_ok(out);
}
