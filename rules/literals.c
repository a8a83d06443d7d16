#include "rules/literals.h"

/* Strings that a piece of the pattern can stand for. */
struct strings {
    struct str *list;
    size_t n;
};

/*
 * What is known of a piece of the pattern: when `exact`, it matches just the strings of `all`;
 * `words` (n 0: none) are such that each match holds one of them.
 */
struct piece {
    bool exact;
    struct strings all;
    struct strings words;
};

struct reader {
    struct str text;
    size_t at;
    unsigned nest;
    bool lost; /* something that this parser does not know */
    struct pool *pool;
};

static struct piece read_choice(struct reader *r);

static char peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.s[r->at] : '\0';
}

static bool at_end(const struct reader *r)
{
    return r->lost || r->at >= r->text.n;
}

static bool take(struct reader *r, const char *text)
{
    if (!str_starts(str_from(r->text, r->at), str_of(text)))
        return false;
    r->at += strlen(text);
    return true;
}

static struct strings new_strings(struct reader *r, size_t n)
{
    struct strings strings = {POOL_ARRAY(r->pool, n ? n : 1, struct str), n};
    if (strings.list == NULL) {
        r->lost = true;
        strings.n = 0;
    }
    return strings;
}

/* Exactly one string. */
static struct piece exactly(struct reader *r, struct str text)
{
    struct piece piece = {.exact = true, .all = new_strings(r, 1)};
    if (piece.all.n)
        piece.all.list[0] = text;
    return piece;
}

static struct piece anything(void)
{
    return (struct piece){.exact = false};
}

static struct piece byte_piece(struct reader *r, char c)
{
    char lower = str_lower_char(c);
    return exactly(r, pool_str(r->pool, str_n(&lower, 1)));
}

static struct strings joined(struct reader *r, struct strings a, struct strings b)
{
    struct strings sum = new_strings(r, a.n + b.n);
    for (size_t i = 0; i < sum.n; i++)
        sum.list[i] = i < a.n ? a.list[i] : b.list[i - a.n];
    return sum;
}

static size_t longest(struct strings strings)
{
    size_t most = 0;
    for (size_t i = 0; i < strings.n; i++)
        most = strings.list[i].n > most ? strings.list[i].n : most;
    return most;
}

/* Every string of a with every string of b behind it. */
static struct strings product(struct reader *r, struct strings a, struct strings b)
{
    struct strings all = new_strings(r, a.n * b.n);
    for (size_t i = 0; i < all.n; i++) {
        struct str x = a.list[i / b.n], y = b.list[i % b.n];
        char *both = pool_alloc(r->pool, x.n + y.n);
        if (both == NULL) {
            r->lost = true;
            break;
        }
        memcpy(both, x.n ? x.s : "", x.n);
        memcpy(both + x.n, y.n ? y.s : "", y.n);
        all.list[i] = str_n(both, x.n + y.n);
    }
    return all;
}

/*
 * How often a string may stand in mail, roughly: the product of its letters' frequencies, in
 * parts of 1000 (blanks and the commonest letters about 1 in 10).
 */
static double frequency(struct str text)
{
    static const unsigned char per_mille[26] = {65, 12, 25, 35, 100, 18, 16, 45, 60, 2,  6, 35, 22,
                                                60, 65, 16, 1,  55,  55, 75, 25, 9,  16, 2, 17, 1};
    double product = 1;
    if (str_starts(text, STR("http"))) /* so begins every link */
        return 1;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.s[i];
        if (c >= 'a' && c <= 'z')
            product *= per_mille[c - 'a'] / 1000.0;
        else
            product *= c == ' ' ? 0.15 : 0.005;
    }
    return product;
}

/* Less is better; none at all, or too short a word, is worst. */
static double cost(struct strings words)
{
    double sum = 0;
    for (size_t i = 0; i < words.n; i++)
        sum += words.list[i].n < LITERALS_BYTES_MIN ? 1e6 : frequency(words.list[i]);
    return words.n ? sum : 1e9;
}

static struct strings better(struct strings a, struct strings b)
{
    return cost(b) < cost(a) ? b : a;
}

static struct strings words_of(const struct piece *piece)
{
    return piece->exact ? piece->all : piece->words;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = str_lower_char(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH, of which "\x" is taken; the form with braces and shorter ones are not read. */
static struct piece read_hex(struct reader *r)
{
    struct str digits = str_sub(r->text, r->at, r->at + 2);
    int high = digits.n == 2 ? hex_value(digits.s[0]) : -1;
    int low = digits.n == 2 ? hex_value(digits.s[1]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
        r->lost = true;
        return anything();
    }
    r->at += 2;
    return byte_piece(r, (char)(high * 16 + low));
}

static struct piece read_escape(struct reader *r)
{
    r->at++;
    char c = peek(r);
    r->at++;
    switch (c) {
    case 'b':
    case 'B':
    case 'A':
    case 'z':
    case 'Z':
        return exactly(r, STR(""));
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 's':
    case 'S':
    case 'h':
    case 'H':
    case 'N':
        return anything();
    case 'n':
        return byte_piece(r, '\n');
    case 't':
        return byte_piece(r, '\t');
    case 'x':
        return read_hex(r);
    default:
        break;
    }
    bool letter = str_lower_char(c) >= 'a' && str_lower_char(c) <= 'z';
    if (letter || c == '\0' || (c >= '0' && c <= '9')) {
        r->lost = true;
        return anything();
    }
    return byte_piece(r, c);
}

#define CLASS_BYTES_MAX 8

/* [abc]: its few bytes, or anything. */
static struct piece read_class(struct reader *r)
{
    struct piece members[CLASS_BYTES_MAX];
    size_t n = 0;
    bool wide = false;
    r->at++;
    if (peek(r) == '^') {
        wide = true;
        r->at++;
    }
    for (bool first = true; !at_end(r) && (first || peek(r) != ']'); first = false) {
        char next = r->at + 1 < r->text.n ? r->text.s[r->at + 1] : '\0';
        struct piece member = {.exact = true};
        if (peek(r) == '[' && (next == ':' || next == '.' || next == '='))
            r->lost = true;
        else if (peek(r) == '\\' && (next == 'b' || next == 'B'))
            r->lost = true;
        else if (peek(r) == '\\')
            member = read_escape(r);
        else
            member = byte_piece(r, r->text.s[r->at++]);
        if (peek(r) == '-' && r->at + 1 < r->text.n && r->text.s[r->at + 1] != ']')
            wide = true; /* its end is read as a member of its own */
        if (!member.exact || n == CLASS_BYTES_MAX)
            wide = true;
        else
            members[n++] = member;
    }
    r->at++;
    if (wide || r->lost)
        return anything();
    struct piece piece = {.exact = true, .all = new_strings(r, n)};
    for (size_t i = 0; i < piece.all.n; i++)
        piece.all.list[i] = members[i].all.n ? members[i].all.list[0] : STR("");
    return piece;
}

/* What stands behind "(?" says what kind of group it is; false when it is not read here. */
static bool read_group_kind(struct reader *r, bool *around, bool *empty)
{
    *around = *empty = false;
    if (!take(r, "?"))
        return peek(r) != '*';
    if (take(r, ":") || take(r, "|") || take(r, ">"))
        return true;
    if (take(r, "=") || take(r, "!") || take(r, "<=") || take(r, "<!"))
        return *around = true;
    if (take(r, "<") || take(r, "P<")) {
        size_t close = str_chr(str_from(r->text, r->at), '>');
        r->at += close == STR_NONE ? 0 : close + 1;
        return close != STR_NONE;
    }
    while (strchr("ims-", peek(r)) && peek(r))
        r->at++;
    *empty = peek(r) == ')';
    return *empty || take(r, ":");
}

static struct piece read_group(struct reader *r)
{
    bool around, empty;
    r->at++;
    if (++r->nest > LITERALS_NEST_MAX || !read_group_kind(r, &around, &empty)) {
        r->lost = true;
        return anything();
    }
    struct piece piece = read_choice(r);
    r->nest--;
    if (!take(r, ")"))
        r->lost = true;
    return around || empty ? exactly(r, STR("")) : piece;
}

static struct piece read_atom(struct reader *r)
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
        return anything();
    case '^':
    case '$':
        r->at++;
        return exactly(r, STR(""));
    default:
        return byte_piece(r, r->text.s[r->at++]);
    }
}

/* {n}, {n,}, {n,m}; false, and nothing taken, when the brace is a plain one. */
static bool read_counts(struct reader *r, size_t *least, size_t *most)
{
    struct str rest = str_from(r->text, r->at + 1);
    size_t close = str_chr(rest, '}');
    struct str inside = str_sub(rest, 0, close), first, second;
    uint64_t n;
    if (peek(r) != '{' || close == STR_NONE || !str_next(&inside, ',', &first) ||
        !str_to_u64(first, 65535, &n))
        return false;
    *least = *most = n;
    if (inside.s) {
        second = inside;
        if (second.n && !str_to_u64(second, 65535, &n))
            return false;
        *most = second.n ? n : STR_NONE;
    }
    r->at += close + 2;
    return true;
}

static struct piece repeated(struct reader *r, struct piece piece, size_t least, size_t most)
{
    if (least == 1 && most == 1)
        return piece;
    if (least == 0 && most == 1 && piece.exact && piece.all.n < LITERALS_MAX) {
        struct piece none = exactly(r, STR(""));
        return (struct piece){.exact = true, .all = joined(r, piece.all, none.all)};
    }
    if (least == 0)
        return anything();
    return (struct piece){.exact = false, .words = words_of(&piece)};
}

static struct piece read_item(struct reader *r)
{
    struct piece piece = read_atom(r);
    size_t least = 1, most = 1;
    if (take(r, "?"))
        least = 0;
    else if (take(r, "*"))
        least = 0, most = STR_NONE;
    else if (take(r, "+"))
        most = STR_NONE;
    else if (!read_counts(r, &least, &most))
        return piece;
    if (!take(r, "?")) /* lazy or possessive: the same words */
        take(r, "+");
    return repeated(r, piece, least, most);
}

/* Can the strings be joined without getting too many or too long? */
static bool fits(struct strings run, struct strings more)
{
    return more.n && run.n * more.n <= LITERALS_MAX &&
           longest(run) + longest(more) <= LITERALS_BYTES_MAX;
}

/* One item behind the other: as long as all are exact, so is their sequence. */
static struct piece read_sequence(struct reader *r)
{
    struct strings best = {NULL, 0};
    struct piece run = exactly(r, STR(""));
    bool whole = true;
    while (!at_end(r) && peek(r) != '|' && peek(r) != ')') {
        struct piece item = read_item(r);
        if (item.exact && fits(run.all, item.all)) {
            run.all = product(r, run.all, item.all);
            continue;
        }
        whole = false;
        best = better(best, run.all);
        best = better(best, words_of(&item));
        run = item.exact && item.all.n ? item : exactly(r, STR(""));
    }
    if (whole)
        return run;
    return (struct piece){.exact = false, .words = better(best, run.all)};
}

static struct piece read_choice(struct reader *r)
{
    struct piece sum = read_sequence(r);
    while (!r->lost && take(r, "|")) {
        struct piece next = read_sequence(r);
        struct strings a = words_of(&sum), b = words_of(&next);
        if (a.n == 0 || b.n == 0 || a.n + b.n > LITERALS_MAX)
            sum = anything();
        else if (sum.exact && next.exact)
            sum.all = joined(r, a, b);
        else
            sum = (struct piece){.exact = false, .words = joined(r, a, b)};
    }
    return sum;
}

/* Words that hold another of the words are not needed. */
static struct literals without_longer(struct strings words)
{
    struct literals kept = {words.list, 0};
    for (size_t i = 0; i < words.n; i++) {
        bool needed = true;
        for (size_t j = 0; j < words.n && needed; j++) {
            bool holds = str_find(words.list[i], words.list[j]) != STR_NONE;
            bool same = words.list[i].n == words.list[j].n;
            needed = i == j || !holds || (same && i < j);
        }
        if (needed)
            kept.list[kept.n++] = words.list[i];
    }
    return kept;
}

struct literals literals_of(struct pool *pool, const struct regex_literal *pattern)
{
    struct reader r = {.text = pattern->pattern, .pool = pool, .lost = pattern->extended};
    struct piece all = read_choice(&r);
    struct strings words = words_of(&all);
    if (r.lost || r.at < r.text.n || cost(words) >= 1e6)
        return (struct literals){NULL, 0};
    return without_longer(words);
}
