#include "rules/match/literals.h"

#include "base/ascii.h"

/* Strings that a piece of the pattern can stand for, or words that its matches hold. */
struct strings {
    struct str *list;
    size_t n;
    size_t before; /* most bytes of a match before the word; STR_NONE: too many to tell */
};

/*
 * What is known of a piece of the pattern: when `exact`, it matches just the strings of `all`;
 * `words` (n 0: none) are such that each match holds one of them.
 */
struct piece {
    bool exact;
    size_t most; /* bytes of its longest match; STR_NONE: too many to tell */
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

/* Sums and products of lengths; what is past LITERALS_BEFORE_MAX is as good as endless. */
static size_t bounded(size_t length)
{
    return length > LITERALS_BEFORE_MAX ? STR_NONE : length;
}

static size_t length_sum(size_t a, size_t b)
{
    return a == STR_NONE || b == STR_NONE ? STR_NONE : bounded(a + b);
}

static size_t length_product(size_t a, size_t times)
{
    if (a == 0)
        return 0;
    return a == STR_NONE || times > LITERALS_BEFORE_MAX ? STR_NONE : bounded(a * times);
}

static size_t length_max(size_t a, size_t b)
{
    return a > b ? a : b; /* STR_NONE is the largest number */
}

static struct strings new_strings(struct reader *r, size_t n)
{
    struct strings strings = {POOL_ARRAY(r->pool, n ? n : 1, struct str), n, 0};
    if (strings.list == NULL) {
        r->lost = true;
        strings.n = 0;
    }
    return strings;
}

/* Exactly one string. */
static struct piece exactly(struct reader *r, struct str text)
{
    struct piece piece = {.exact = true, .most = text.n, .all = new_strings(r, 1)};
    if (piece.all.n)
        piece.all.list[0] = text;
    return piece;
}

/* Whatever it is, of at most so many bytes. */
static struct piece anything(size_t most)
{
    return (struct piece){.exact = false, .most = most};
}

static struct piece byte_piece(struct reader *r, char c)
{
    char lower = str_lower_char(c);
    struct str text = pool_str(r->pool, str_n(&lower, 1));
    r->lost |= text.s == NULL;
    return exactly(r, text);
}

static struct strings joined(struct reader *r, struct strings a, struct strings b)
{
    struct strings sum = new_strings(r, a.n + b.n);
    sum.before = length_max(a.before, b.before);
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
    all.before = a.before;
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

#define COST_NO_WORDS 1e6

/*
 * Less is better; none at all, or too short a word, is worst. Words that leave open where the match
 * begins let a whole piece of text be searched for each of them, which takes much longer.
 */
static double cost(struct strings words)
{
    const double searches = words.before == STR_NONE ? 20 : 1;
    double sum = 0;
    for (size_t i = 0; i < words.n; i++) {
        bool too_short = words.list[i].n < LITERALS_BYTES_MIN;
        sum += too_short ? COST_NO_WORDS : frequency(words.list[i]) * searches;
    }
    return words.n ? sum : COST_NO_WORDS;
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
        return anything(1);
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
        return anything(1);
    case 'n':
        return byte_piece(r, '\n');
    case 't':
        return byte_piece(r, '\t');
    case 'x':
        return read_hex(r);
    default:
        break;
    }
    if (ascii_is_alnum(c) || c == '\0') {
        r->lost = true;
        return anything(1);
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
        return anything(1);
    struct piece piece = {.exact = true, .most = 1, .all = new_strings(r, n)};
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
    while (strchr("^imsaulp-", peek(r)) && peek(r))
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
        return anything(STR_NONE);
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
        return anything(1);
    case '^':
    case '$':
        r->at++;
        return exactly(r, STR(""));
    default:
        return byte_piece(r, r->text.s[r->at++]);
    }
}

/* {n}, {n,}, {n,m}, {,m}; false, and nothing taken, when the brace is a plain one. */
static bool read_counts(struct reader *r, size_t *least, size_t *most)
{
    struct str rest = str_from(r->text, r->at + 1);
    size_t close = peek(r) == '{' ? str_chr(rest, '}') : STR_NONE;
    struct str inside = str_sub(rest, 0, close), first, second;
    uint64_t n = 0;
    if (close == STR_NONE || !str_next(&inside, ',', &first) ||
        (first.n && !str_to_u64(first, 65535, &n)) || (first.n == 0 && inside.n == 0))
        return false;
    *least = *most = first.n ? n : 0;
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
    size_t longest_match = length_product(piece.most, most);
    if (least == 1 && most == 1)
        return piece;
    if (least == 0 && most == 1 && piece.exact && piece.all.n < LITERALS_MAX) {
        struct piece none = exactly(r, STR(""));
        return (
            struct piece){.exact = true, .most = piece.most, .all = joined(r, piece.all, none.all)};
    }
    if (least == 0)
        return anything(longest_match);
    /* the words of the first time */
    return (struct piece){.exact = false, .most = longest_match, .words = words_of(&piece)};
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

/* Words found `offset` bytes or less behind the beginning of the sequence. */
static struct strings moved(struct strings words, size_t offset)
{
    words.before = length_sum(words.before, offset);
    return words;
}

/* One item behind the other: as long as all are exact, so is their sequence. */
static struct piece read_sequence(struct reader *r)
{
    struct strings best = {NULL, 0, 0};
    struct piece run = exactly(r, STR(""));
    size_t most = 0; /* bytes of the longest match so far */
    bool whole = true;
    while (!at_end(r) && peek(r) != '|' && peek(r) != ')') {
        struct piece item = read_item(r);
        if (item.exact && fits(run.all, item.all)) {
            run.all = product(r, run.all, item.all);
            most = length_sum(most, item.most);
            continue;
        }
        whole = false;
        best = better(best, run.all);
        best = better(best, moved(words_of(&item), most));
        run = item.exact && item.all.n ? item : exactly(r, STR(""));
        run.all = moved(run.all, item.exact ? most : length_sum(most, item.most));
        most = length_sum(most, item.most);
    }
    run.most = most;
    if (whole)
        return run;
    return (struct piece){.exact = false, .most = most, .words = better(best, run.all)};
}

static struct piece read_choice(struct reader *r)
{
    struct piece sum = read_sequence(r);
    while (!r->lost && take(r, "|")) {
        struct piece next = read_sequence(r);
        struct strings a = words_of(&sum), b = words_of(&next);
        size_t most = length_max(sum.most, next.most);
        if (a.n == 0 || b.n == 0 || a.n + b.n > LITERALS_MAX)
            sum = anything(most);
        else if (sum.exact && next.exact)
            sum = (struct piece){.exact = true, .most = most, .all = joined(r, a, b)};
        else
            sum = (struct piece){.exact = false, .most = most, .words = joined(r, a, b)};
    }
    return sum;
}

/*
 * Words that hold another of the words are not needed; the other may then begin further behind the
 * match's beginning.
 */
static struct literals without_longer(struct strings words)
{
    struct literals kept = {words.list, 0, words.before, cost(words)};
    size_t further = 0;
    for (size_t i = 0; i < words.n; i++) {
        bool needed = true;
        for (size_t j = 0; j < words.n && needed; j++) {
            size_t at = str_find(words.list[i], words.list[j]);
            bool same = words.list[i].n == words.list[j].n;
            needed = i == j || at == STR_NONE || (same && i < j);
            further = needed ? further : length_max(further, at);
        }
        if (needed)
            kept.list[kept.n++] = words.list[i];
    }
    kept.before = length_sum(kept.before, further);
    return kept;
}

struct literals literals_of(struct pool *pool, const struct regex_literal *pattern)
{
    struct reader r = {.text = pattern->pattern, .pool = pool, .lost = pattern->extended};
    struct piece all = read_choice(&r);
    struct strings words = words_of(&all);
    if (r.lost || r.at < r.text.n || cost(words) >= COST_NO_WORDS)
        return (struct literals){NULL, 0, STR_NONE, COST_NO_WORDS};
    return without_longer(words);
}
