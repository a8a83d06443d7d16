#include "rules/facts/shape.h"

#include "base/ascii.h"
#include "rules/facts/ip.h"

struct shape_run {
    struct str text;
    bool any_case;
    size_t *work;
    struct shape_found *found;
    size_t end;
};

static bool spend(struct shape_run *run, size_t work)
{
    bool left = *run->work > work;
    *run->work = left ? *run->work - work : 0;
    return left;
}

static bool same(const struct shape_run *run, char a, char b)
{
    return a == b || (run->any_case && str_lower_char(a) == str_lower_char(b));
}

/* What repeats: "%h", "%*h", "%.", "%~", "%[set]+=h". */
struct repeat {
    const char *set; /* behind its '['; NULL: non-blanks, or with `any` anything */
    size_t set_n;
    bool negated, any, few;
    size_t least, most;
    char field; /* 0: not kept */
    const char *next;
};

static const char *read_bounds(const char *p, struct repeat *repeat)
{
    repeat->least = repeat->most = 0;
    for (p++; *p >= '0' && *p <= '9'; p++)
        repeat->least = repeat->least * 10 + (size_t)(*p - '0');
    repeat->most = repeat->least;
    if (*p == ',') {
        p++;
        repeat->most = *p == '}' ? STR_NONE : 0;
        for (; *p >= '0' && *p <= '9'; p++)
            repeat->most = repeat->most * 10 + (size_t)(*p - '0');
    }
    return p + 1;
}

static const char *read_count(const char *p, struct repeat *repeat)
{
    repeat->least = repeat->most = 1;
    if (*p == '{')
        return read_bounds(p, repeat);
    if (*p != '+' && *p != '*')
        return p;
    repeat->least = *p == '+';
    repeat->most = STR_NONE;
    return p + 1;
}

/* p stands behind the '%'. */
static void read_repeat(const char *p, struct repeat *repeat)
{
    *repeat = (struct repeat){.least = 1, .most = STR_NONE};
    if (*p == '[') {
        repeat->negated = p[1] == '^';
        repeat->set = p + 1 + repeat->negated;
        repeat->set_n = strcspn(repeat->set + 1, "]") + 1; /* "]" itself may stand first */
        p = read_count(repeat->set + repeat->set_n + 1, repeat);
    } else if (*p == '.' || *p == '~') {
        repeat->any = true;
        repeat->few = *p == '~';
        repeat->least = 0;
        p++;
        if (*p == '{')
            p = read_bounds(p, repeat);
    } else {
        if (*p == '*') {
            repeat->least = 0;
            p++;
        }
        if (*p != '_')
            repeat->field = *p;
        p++;
    }
    bool names_field = *p == '=' && p[1] >= 'a' && p[1] <= 'z';
    if ((repeat->set || repeat->any) && names_field) {
        repeat->field = p[1];
        p += 2;
    }
    repeat->next = p;
}

static bool in_set(const struct shape_run *run, const struct repeat *repeat, char c)
{
    const char *set = repeat->set;
    char other = run->any_case && ascii_is_letter(c) ? (char)(c ^ 32) : c;
    bool found = false;
    for (size_t i = 0; i < repeat->set_n && !found; i++) {
        unsigned char from = (unsigned char)set[i], to = from;
        if (i + 2 < repeat->set_n && set[i + 1] == '-') {
            to = (unsigned char)set[i + 2];
            i += 2;
        }
        found = ((unsigned char)c >= from && (unsigned char)c <= to) ||
                ((unsigned char)other >= from && (unsigned char)other <= to);
    }
    return found != repeat->negated;
}

static size_t run_length(const struct shape_run *run, const struct repeat *repeat, size_t at)
{
    size_t n = 0;
    while (at + n < run->text.n && n < repeat->most) {
        char c = run->text.s[at + n];
        bool fits = repeat->set   ? in_set(run, repeat, c)
                    : repeat->any ? c != '\n'
                                  : !ascii_is_space(c);
        if (!fits)
            break;
        n++;
    }
    return n;
}

static bool here(struct shape_run *run, const char *p, size_t at);

/* Goes on behind text kept as a field; what the field held before stands again when that fails. */
static bool keep(struct shape_run *run, char field, size_t at, size_t n, const char *next)
{
    if (field == 0)
        return here(run, next, at + n);
    struct str *kept = &run->found->field[field - 'a'], before = *kept;
    *kept = str_sub(run->text, at, at + n);
    if (here(run, next, at + n))
        return true;
    *kept = before;
    return false;
}

/* Can what comes next stand there? Saves going deeper to find a plain character wrong. */
static bool may_follow(const struct shape_run *run, const char *next, size_t at)
{
    if (*next == '\0' || *next == '%')
        return true;
    return at < run->text.n && same(run, run->text.s[at], *next);
}

static bool repeat_here(struct shape_run *run, const char *p, size_t at)
{
    struct repeat repeat;
    read_repeat(p, &repeat);
    size_t most = run_length(run, &repeat, at);
    if (most < repeat.least || !spend(run, most))
        return false;
    for (size_t i = 0; i <= most - repeat.least; i++) {
        size_t n = repeat.few ? repeat.least + i : most - i;
        if (may_follow(run, repeat.next, at + n) && keep(run, repeat.field, at, n, repeat.next))
            return true;
        if (*run->work == 0)
            return false;
    }
    return false;
}

/* Behind the "%)" that ends the group in which p stands. */
static const char *behind_group(const char *p)
{
    size_t depth = 0;
    for (; *p; p++) {
        if (*p != '%')
            continue;
        p++;
        if (*p == '(' || *p == '!')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return p + 1;
        else if (*p == '[')
            p += 1 + (p[1] == '^');
    }
    return p;
}

/* Behind the next "%|" of the group in which p stands; NULL: no more. */
static const char *next_choice(const char *p)
{
    size_t depth = 0;
    for (; *p; p++) {
        if (*p != '%')
            continue;
        p++;
        if (*p == '(' || *p == '!')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return NULL;
        else if (*p == '|' && depth == 0)
            return p + 1;
        else if (*p == '[')
            p += 1 + (p[1] == '^');
    }
    return NULL;
}

/* p stands behind "%(". A choice runs on into what stands behind the group: see '|' in here(). */
static bool group_here(struct shape_run *run, const char *p, size_t at)
{
    bool optional = *p == '?';
    for (const char *choice = p + optional; choice; choice = next_choice(choice)) {
        if (here(run, choice, at))
            return true;
    }
    return optional && here(run, behind_group(p), at);
}

static bool at_word_edge(struct str text, size_t at)
{
    bool before = at > 0 && ascii_is_word(text.s[at - 1]);
    bool behind = at < text.n && ascii_is_word(text.s[at]);
    return before != behind;
}

static bool here(struct shape_run *run, const char *p, size_t at)
{
    size_t n;
    for (;;) {
        if (!spend(run, 1))
            return false;
        if (*p == '\0') {
            run->end = at;
            return true;
        }
        if (*p != '%' || p[1] == '%') {
            if (at >= run->text.n || !same(run, run->text.s[at], *p))
                return false;
            p += *p == '%' ? 2 : 1;
            at++;
            continue;
        }
        switch (p[1]) {
        case '(':
            return group_here(run, p + 2, at);
        case '|':
            p = behind_group(p + 2);
            continue;
        case ')':
            p += 2;
            continue;
        case '$':
            if (at != run->text.n)
                return false;
            p += 2;
            continue;
        case 'W':
            if (!at_word_edge(run->text, at))
                return false;
            p += 2;
            continue;
        case '!':
            n = (size_t)(behind_group(p + 2) - p) - 4;
            if (str_starts(str_from(run->text, at), str_n(p + 2, n)))
                return false;
            p += 4 + n;
            continue;
        case 'L':
        case 'I':
        case 'i':
            n = p[1] == 'L' ? ip_localhost_at(run->text, at) : ip_at(run->text, at);
            return n && keep(run, p[1] == 'i' ? 'i' : 0, at, n, p + 2);
        default:
            return repeat_here(run, p + 1, at);
        }
    }
}

static bool try_at(struct shape_run *run, const char *shape, size_t at)
{
    if (!here(run, shape, at))
        return false;
    run->found->all = str_sub(run->text, at, run->end);
    return true;
}

bool shape_match(const char *shape, enum shape_case letters, struct str text, size_t *work,
                 struct shape_found *found)
{
    *found = (struct shape_found){.all = STR_EMPTY};
    struct shape_run run = {text, letters == SHAPE_ANY_CASE, work, found, 0};
    return try_at(&run, shape, 0);
}

/* What can be known of all matches of a shape before it is tried anywhere. */
struct shape_outline {
    struct str head;   /* they begin with this text; n 0: not with a known one */
    struct str needle; /* they hold this text */
    bool starts_known;
    uint64_t starts[256 / 64]; /* they begin with one of these bytes */
};

/* p stands at a '%'. */
static const char *behind_item(const char *p)
{
    struct repeat repeat;
    switch (p[1]) {
    case '(':
    case '!':
        return behind_group(p + 2);
    case 'W':
    case '$':
    case 'L':
    case 'I':
    case 'i':
    case '%':
        return p + 2;
    default:
        read_repeat(p + 1, &repeat);
        return repeat.next;
    }
}

/* The longest text that stands outside of groups. */
static struct str find_needle(const char *p)
{
    struct str needle = STR_EMPTY;
    for (;;) {
        size_t n = strcspn(p, "%");
        if (n > needle.n)
            needle = str_n(p, n);
        if (p[n] == '\0')
            return needle;
        p = behind_item(p + n);
    }
}

static void add_start(const struct shape_run *run, struct shape_outline *outline, char c)
{
    unsigned char byte = (unsigned char)c, other = run->any_case && ascii_is_letter(c) ? 32 : 0;
    outline->starts[byte / 64] |= 1ull << (byte % 64);
    byte ^= other;
    outline->starts[byte / 64] |= 1ull << (byte % 64);
}

static void add_starts(const struct shape_run *run, struct shape_outline *outline,
                       const struct repeat *repeat)
{
    const char *set = repeat->set;
    for (size_t i = 0; i < repeat->set_n; i++) {
        bool range = i + 2 < repeat->set_n && set[i + 1] == '-';
        unsigned char last = (unsigned char)set[i + (range ? 2 : 0)];
        for (unsigned c = (unsigned char)set[i]; c <= last; c++)
            add_start(run, outline, (char)c);
        i += range ? 2 : 0;
    }
}

/* Adds the bytes that what stands at p can begin with; false: any, or none. Goes into groups as
 * here() does. */
static bool find_starts(const struct shape_run *run, struct shape_outline *outline, const char *p)
{
    struct repeat repeat;
    bool known = true;
    for (;;) {
        if (*p == '\0')
            return false;
        if (*p != '%' || p[1] == '%') {
            add_start(run, outline, *p);
            return true;
        }
        switch (p[1]) {
        case '(':
            if (p[2] == '?')
                known = find_starts(run, outline, behind_group(p + 2));
            for (const char *way = p + 2 + (p[2] == '?'); way && known; way = next_choice(way))
                known = find_starts(run, outline, way);
            return known;
        case '|':
            p = behind_group(p + 2);
            continue;
        case ')':
        case 'W':
            p += 2;
            continue;
        case '!':
            p = behind_group(p + 2);
            continue;
        case '$':
        case 'L':
        case 'I':
        case 'i':
            return false;
        default:
            read_repeat(p + 1, &repeat);
            if (repeat.set == NULL || repeat.negated)
                return false;
            add_starts(run, outline, &repeat);
            if (repeat.least)
                return true;
            p = repeat.next;
        }
    }
}

static void outline_of(const struct shape_run *run, const char *shape,
                       struct shape_outline *outline)
{
    const char *head = shape;
    *outline = (struct shape_outline){.starts_known = false};
    if (head[0] == '%' && head[1] == 'W')
        head += 2;
    outline->needle = find_needle(shape);
    if (!run->any_case)
        outline->head = str_n(head, strcspn(head, "%"));
    if (outline->head.n == 0)
        outline->starts_known = find_starts(run, outline, shape);
}

/* Where a match may begin next, at or behind `at`; STR_NONE: nowhere. */
static size_t next_place(const struct shape_run *run, const struct shape_outline *outline,
                         size_t at)
{
    if (outline->head.n) {
        size_t next = str_find(str_from(run->text, at), outline->head);
        return next == STR_NONE ? STR_NONE : at + next;
    }
    for (; outline->starts_known; at++) {
        if (at >= run->text.n)
            return STR_NONE;
        unsigned char c = (unsigned char)run->text.s[at];
        if (outline->starts[c / 64] >> (c % 64) & 1)
            return at;
    }
    return at;
}

bool shape_search(const char *shape, enum shape_case letters, struct str text, size_t *work,
                  struct shape_found *found)
{
    *found = (struct shape_found){.all = STR_EMPTY};
    struct shape_run run = {text, letters == SHAPE_ANY_CASE, work, found, 0};
    struct shape_outline outline;
    if (!spend(&run, text.n))
        return false;
    if (text.n == 0)
        return try_at(&run, shape, 0);
    outline_of(&run, shape, &outline);
    if (outline.needle.n > outline.head.n &&
        (run.any_case ? str_ifind(text, outline.needle) : str_find(text, outline.needle)) ==
            STR_NONE)
        return false;
    for (size_t at = 0; at <= text.n && *work; at++) {
        at = next_place(&run, &outline, at);
        if (at == STR_NONE)
            return false;
        if (try_at(&run, shape, at))
            return true;
    }
    return false;
}
