#include "rules/match/tree.h"

#include "base/ascii.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define CLASS_NAME_MAX 20 /* bytes of "[:name:]" */

struct reader {
    struct pool *pool;
    struct str text;
    size_t at;
    unsigned nest;
    uint32_t options; /* in force at this place */
    bool many_groups; /* enough for \100 to be what a group has matched */
    bool rigid;       /* see tree.h */
    bool lost;        /* something that this parser does not know, or no memory */
};

static struct tree *read_choice(struct reader *r);

static bool at_end(const struct reader *r)
{
    return r->lost || r->at >= r->text.n;
}

static char peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.s[r->at] : '\0';
}

static bool take(struct reader *r, const char *text)
{
    if (!str_starts(str_from(r->text, r->at), str_of(text)))
        return false;
    r->at += strlen(text);
    return true;
}

struct byteset byteset_of_words(void)
{
    struct byteset set = {{0}};
    for (unsigned char c = 0; c < 128; c++) {
        if (ascii_is_word((char)c))
            byteset_add(&set, c);
    }
    return set;
}

/* NULL: the reader is lost. */
static struct tree *new_tree(struct reader *r, enum tree_kind kind)
{
    struct tree *tree = r->lost ? NULL : POOL_NEW(r->pool, struct tree);
    if (tree == NULL) {
        r->lost = true;
        return NULL;
    }
    tree->kind = kind;
    return tree;
}

static void add_range(struct byteset *set, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; c++)
        byteset_add(set, (unsigned char)c);
}

static void add_all_of(struct byteset *set, const char *bytes)
{
    for (; *bytes; bytes++)
        byteset_add(set, (unsigned char)*bytes);
}

static void unite(struct byteset *set, const struct byteset *more)
{
    for (size_t i = 0; i < 4; i++)
        set->bits[i] |= more->bits[i];
}

static void invert(struct byteset *set)
{
    for (size_t i = 0; i < 4; i++)
        set->bits[i] = ~set->bits[i];
}

/* PCRE2's own tables ignore the case of ASCII letters only. */
static void ignore_case(struct byteset *set)
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        unsigned char upper = (unsigned char)(c - 'a' + 'A');
        if (byteset_has(set, (unsigned char)c))
            byteset_add(set, upper);
        else if (byteset_has(set, upper))
            byteset_add(set, (unsigned char)c);
    }
}

/* The set of \d, \w, \s, \h, \v and their opposites; false for any other letter. */
static bool shorthand(char letter, struct byteset *set)
{
    *set = (struct byteset){{0}};
    switch (str_lower_char(letter)) {
    case 'd':
        add_range(set, '0', '9');
        break;
    case 'w':
        add_range(set, '0', '9');
        add_range(set, 'a', 'z');
        add_range(set, 'A', 'Z');
        byteset_add(set, '_');
        break;
    case 's':
        add_all_of(set, " \t\n\v\f\r");
        break;
    case 'h':
        add_all_of(set, " \t\xa0");
        break;
    case 'v':
        add_all_of(set, "\n\v\f\r\x85");
        break;
    default:
        return false;
    }
    if (letter >= 'A' && letter <= 'Z')
        invert(set);
    return true;
}

static bool named_set(struct str name, struct byteset *set)
{
    static const struct {
        const char *name;
        const char *ranges; /* pairs of first and last */
    } known[] = {
        {"alpha", "azAZ"},
        {"digit", "09"},
        {"alnum", "azAZ09"},
        {"lower", "az"},
        {"upper", "AZ"},
        {"space", "\t\r  "},
        {"blank", "\t\t  "},
        {"xdigit", "09afAF"},
        {"punct", "!/:@[`{~"},
        {"print", " ~"},
        {"graph", "!~"},
        {"word", "azAZ09__"},
        {"cntrl", "\x01\x1f\x7f\x7f"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!str_eq(name, str_of(known[i].name)))
            continue;
        for (const char *p = known[i].ranges; *p; p += 2)
            add_range(set, (unsigned char)p[0], (unsigned char)p[1]);
        if (str_eq(name, STR("cntrl")))
            byteset_add(set, 0);
        return true;
    }
    return false;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* Up to `most` digits of that base. */
static unsigned read_number(struct reader *r, unsigned base, unsigned most)
{
    unsigned value = 0;
    for (unsigned i = 0; i < most && r->at < r->text.n; i++) {
        unsigned digit = (unsigned)digit_value(peek(r));
        if (digit >= base)
            break;
        value = value * base + digit;
        r->at++;
    }
    return value;
}

/* \xHH and \x{HH}, of which "\x" is taken. */
static unsigned read_hex(struct reader *r)
{
    if (!take(r, "{"))
        return read_number(r, 16, 2);
    unsigned value = read_number(r, 16, 4);
    r->lost |= !take(r, "}") || value > 0xff;
    return value & 0xff;
}

/* A byte written with a backslash, of which the letter is taken; false: it stands for no byte. */
static bool escaped_byte(struct reader *r, char c, unsigned char *byte)
{
    static const char letters[] = "n\nt\tr\rf\fe\033a\a";
    if (c == 'x') {
        *byte = (unsigned char)read_hex(r);
        return true;
    }
    if (c == '0') {
        *byte = (unsigned char)read_number(r, 8, 2);
        return true;
    }
    for (const char *p = letters; *p; p += 2) {
        if (*p == c) {
            *byte = (unsigned char)p[1];
            return true;
        }
    }
    *byte = (unsigned char)c;
    return !ascii_is_alnum(c);
}

static struct tree *byte_tree(struct reader *r, struct byteset set)
{
    struct tree *tree = new_tree(r, TREE_BYTE);
    if (r->options & PCRE2_CASELESS)
        ignore_case(&set);
    if (tree)
        tree->set = set;
    return tree;
}

static struct tree *one_byte(struct reader *r, unsigned char c)
{
    struct byteset set = {{0}};
    byteset_add(&set, c);
    return byte_tree(r, set);
}

/* \N, and "." without the flag s: not a line end. */
static struct tree *not_line_end(struct reader *r)
{
    struct byteset set = {{0}};
    byteset_add(&set, '\n');
    invert(&set);
    return byte_tree(r, set);
}

/* \042 is a byte; \1 to \9, and \10 if there are so many groups, what a group has matched. */
static struct tree *read_digits(struct reader *r)
{
    size_t from = r->at;
    unsigned octal = read_number(r, 8, 3);
    if (r->at - from == 3 && octal <= 0xff && !r->many_groups)
        return one_byte(r, (unsigned char)octal);
    r->at = from;
    read_number(r, 10, 3);
    r->rigid = true;
    return new_tree(r, TREE_ANYTHING);
}

static struct tree *read_escape(struct reader *r)
{
    struct byteset set;
    unsigned char byte;
    r->at++;
    char c = peek(r);
    if (c >= '1' && c <= '9')
        return read_digits(r);
    r->at++;
    if (shorthand(c, &set))
        return byte_tree(r, set);
    switch (c) {
    case 'b':
        return new_tree(r, TREE_BOUNDARY);
    case 'A':
        return new_tree(r, TREE_START);
    case 'B':
    case 'z':
    case 'Z':
    case 'G':
        return new_tree(r, TREE_EMPTY);
    case 'N':
        return not_line_end(r);
    case 'R':
        r->rigid = true;
        return new_tree(r, TREE_ANYTHING);
    case '\0': /* the pattern ends here */
        r->lost = true;
        return NULL;
    default:
        break;
    }
    if (!escaped_byte(r, c, &byte)) {
        r->lost = true;
        return NULL;
    }
    return one_byte(r, byte);
}

/* [:name:] or [:^name:] inside of a class; false: it is no such thing. */
static bool read_named(struct reader *r, struct byteset *set)
{
    struct str rest = str_sub(r->text, r->at, r->at + CLASS_NAME_MAX);
    struct byteset named = {{0}};
    size_t end = str_starts(rest, STR("[:")) ? str_find(rest, STR(":]")) : STR_NONE;
    if (end == STR_NONE)
        return false;
    struct str name = str_sub(rest, 2, end);
    bool inverted = str_starts(name, STR("^"));
    r->lost |= !named_set(str_from(name, inverted), &named);
    if (inverted)
        invert(&named);
    unite(set, &named);
    r->at += end + 2;
    return true;
}

/* One member of a class; false: it is a set, already added, which can begin no range. */
static bool read_member(struct reader *r, struct byteset *set, unsigned char *byte)
{
    struct byteset more;
    if (read_named(r, set))
        return false;
    if (!take(r, "\\")) {
        *byte = (unsigned char)r->text.s[r->at++];
        return true;
    }
    char c = peek(r);
    if (c >= '0' && c <= '7') {
        *byte = (unsigned char)read_number(r, 8, 3);
        return true;
    }
    r->at++;
    if (c == 'b') {
        *byte = '\b';
        return true;
    }
    if (shorthand(c, &more)) {
        unite(set, &more);
        return false;
    }
    r->lost |= r->at > r->text.n || !escaped_byte(r, c, byte);
    return true;
}

static struct tree *read_class(struct reader *r)
{
    struct byteset set = {{0}};
    r->at++;
    bool inverted = take(r, "^");
    for (bool first = true; !at_end(r) && (first || peek(r) != ']'); first = false) {
        unsigned char from = 0, to;
        bool single = read_member(r, &set, &from);
        if (!single || r->lost)
            continue;
        to = from;
        struct str rest = str_from(r->text, r->at);
        if (rest.n > 1 && rest.s[0] == '-' && rest.s[1] != ']') {
            r->at++;
            if (!read_member(r, &set, &to)) { /* "a-\d": three members */
                byteset_add(&set, '-');
                to = from;
            }
        }
        r->lost |= to < from;
        if (!r->lost)
            add_range(&set, from, to);
    }
    r->lost |= !take(r, "]");
    if (r->options & PCRE2_CASELESS)
        ignore_case(&set); /* before it is inverted */
    if (inverted)
        invert(&set);
    struct tree *tree = new_tree(r, TREE_BYTE);
    if (tree)
        tree->set = set;
    return tree;
}

/* Flags behind "(?", up to ")" or ":". Flags that change nothing here are passed over. */
static void read_flags(struct reader *r)
{
    static const struct {
        char letter;
        uint32_t option;
    } flags[] = {{'i', PCRE2_CASELESS},
                 {'s', PCRE2_DOTALL},
                 {'m', PCRE2_MULTILINE},
                 {'x', PCRE2_EXTENDED},
                 {'n', 0},
                 {'a', 0},
                 {'u', 0},
                 {'l', 0},
                 {'p', 0}};
    bool on = true;
    if (take(r, "^"))
        r->options &= ~(uint32_t)(PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_EXTENDED);
    for (; !at_end(r) && peek(r) != ')' && peek(r) != ':'; r->at++) {
        bool known = peek(r) == '-';
        on = on && !known;
        for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
            if (flags[i].letter != peek(r))
                continue;
            known = true;
            r->options = on ? r->options | flags[i].option : r->options & ~flags[i].option;
        }
        r->lost |= !known;
    }
}

static bool take_group_name(struct reader *r, char close)
{
    size_t end = str_chr(str_from(r->text, r->at), close);
    r->at += end == STR_NONE ? 0 : end + 1;
    return end != STR_NONE;
}

enum group { GROUP_PLAIN, GROUP_AROUND, GROUP_FLAGS, GROUP_UNKNOWN };

/* What stands behind "(" says what kind of group it is. */
static enum group read_group_kind(struct reader *r)
{
    if (!take(r, "?"))
        return peek(r) == '*' ? GROUP_UNKNOWN : GROUP_PLAIN;
    if (take(r, "|"))
        return GROUP_PLAIN;
    if (take(r, ">")) {
        r->rigid = true;
        return GROUP_PLAIN;
    }
    if (take(r, "=") || take(r, "!") || take(r, "<=") || take(r, "<!"))
        return GROUP_AROUND;
    if (take(r, "<") || take(r, "P<"))
        return take_group_name(r, '>') ? GROUP_PLAIN : GROUP_UNKNOWN;
    if (take(r, "'"))
        return take_group_name(r, '\'') ? GROUP_PLAIN : GROUP_UNKNOWN;
    read_flags(r);
    if (peek(r) == ')')
        return GROUP_FLAGS;
    return take(r, ":") ? GROUP_PLAIN : GROUP_UNKNOWN;
}

static struct tree *read_group(struct reader *r)
{
    uint32_t outside = r->options;
    r->at++;
    enum group kind = read_group_kind(r);
    if (++r->nest > TREE_NEST_MAX || kind == GROUP_UNKNOWN) {
        r->lost = true;
        return NULL;
    }
    struct tree *inside = kind == GROUP_FLAGS ? new_tree(r, TREE_EMPTY) : read_choice(r);
    r->nest--;
    r->lost |= !take(r, ")");
    if (kind != GROUP_FLAGS) /* flags by themselves hold till the group around them ends */
        r->options = outside;
    return kind == GROUP_AROUND ? new_tree(r, TREE_EMPTY) : inside;
}

static struct tree *read_atom(struct reader *r)
{
    switch (peek(r)) {
    case '(':
        return read_group(r);
    case '[':
        return read_class(r);
    case '\\':
        return read_escape(r);
    case '.':
        r->at++;
        if (!(r->options & PCRE2_DOTALL))
            return not_line_end(r);
        return byte_tree(r, (struct byteset){{~0ull, ~0ull, ~0ull, ~0ull}});
    case '^':
        r->at++;
        return new_tree(r, TREE_START);
    case '$':
        r->at++;
        return new_tree(r, TREE_EMPTY);
    default:
        return one_byte(r, (unsigned char)r->text.s[r->at++]);
    }
}

/* {n}, {n,}, {n,m} or {,m}; false, and nothing taken, when the brace is a plain one. */
static bool read_counts(struct reader *r, uint32_t *least, uint32_t *most)
{
    struct str rest = str_from(r->text, r->at + 1);
    size_t close = peek(r) == '{' ? str_chr(rest, '}') : STR_NONE;
    struct str inside = str_sub(rest, 0, close), first;
    uint64_t n = 0;
    if (close == STR_NONE || !str_next(&inside, ',', &first) ||
        (first.n && !str_to_u64(first, 65535, &n)) || (first.n == 0 && inside.n == 0))
        return false;
    *least = *most = first.n ? (uint32_t)n : 0;
    if (inside.s) {
        if (inside.n && !str_to_u64(inside, 65535, &n))
            return false;
        *most = inside.n ? (uint32_t)n : TREE_ENDLESS;
    }
    r->at += close + 2;
    return true;
}

/* Comments, and blanks of a pattern with the flag x: a quantifier behind them belongs to what
 * stands before them. */
static bool skip_blank(struct reader *r)
{
    if (take(r, "(?#")) {
        r->lost |= !take_group_name(r, ')');
        return true;
    }
    if (!(r->options & PCRE2_EXTENDED) || at_end(r))
        return false;
    if (peek(r) == '#') {
        size_t end = str_chr(str_from(r->text, r->at), '\n');
        r->at = end == STR_NONE ? r->text.n : r->at + end + 1;
        return true;
    }
    /* Both Perl and PCRE2 skip 0x85, a line end of Latin-1, in patterns of bytes, too. */
    bool blank = ascii_is_space(peek(r)) || peek(r) == '\x85';
    r->at += blank;
    return blank;
}

static struct tree *read_item(struct reader *r)
{
    /* A second sign behind a quantifier, after a comment or blanks: "a?(?#b)+". */
    r->lost |= peek(r) == '?' || peek(r) == '*' || peek(r) == '+';
    struct tree *atom = read_atom(r);
    uint32_t least = 1, most = 1;
    while (skip_blank(r))
        continue;
    if (take(r, "?"))
        least = 0;
    else if (take(r, "*"))
        least = 0, most = TREE_ENDLESS;
    else if (take(r, "+"))
        most = TREE_ENDLESS;
    else if (!read_counts(r, &least, &most))
        return atom;
    if (!take(r, "?") && take(r, "+")) /* possessive: it matches the same texts, or fewer */
        r->rigid = true;
    struct tree *repeat = new_tree(r, TREE_REPEAT);
    if (repeat == NULL)
        return NULL;
    repeat->least = least;
    repeat->most = most;
    repeat->child = atom;
    return repeat;
}

static struct tree *read_sequence(struct reader *r)
{
    struct tree *sequence = new_tree(r, TREE_SEQUENCE);
    struct tree **last = sequence ? &sequence->child : NULL;
    while (!at_end(r) && peek(r) != '|' && peek(r) != ')') {
        if (skip_blank(r))
            continue;
        struct tree *item = read_item(r);
        if (item == NULL)
            break;
        *last = item;
        last = &item->next;
    }
    return sequence;
}

/* A single sequence stands for itself. */
static struct tree *read_choice(struct reader *r)
{
    struct tree *first = read_sequence(r), *last = first;
    if (r->lost || peek(r) != '|')
        return first;
    struct tree *choice = new_tree(r, TREE_CHOICE);
    while (choice && take(r, "|")) {
        struct tree *more = read_sequence(r);
        if (more == NULL)
            return NULL;
        last->next = more;
        last = more;
    }
    if (choice)
        choice->child = first;
    return choice;
}

/* Are there at least 100 brackets? */
static bool has_many_groups(struct str pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.n; i++)
        n += pattern.s[i] == '(';
    return n >= 100;
}

struct tree *tree_read(struct pool *pool, const struct regex_literal *pattern)
{
    struct reader r = {.pool = pool,
                       .text = pattern->pattern,
                       .options = pattern->options,
                       .many_groups = has_many_groups(pattern->pattern)};
    struct tree *tree = read_choice(&r);
    if (tree)
        tree->rigid = r.rigid;
    return r.lost || r.at < r.text.n ? NULL : tree;
}
