#include "rules/match/dialect.h"

#include "base/ascii.h"
#include "rules/match/regex.h"

/* Copies n bytes; says how many. */
static size_t copy(struct buf *out, struct str from, size_t n)
{
    struct str piece = str_sub(from, 0, n);
    buf_add(out, piece);
    return piece.n;
}

/* "(?flags" without those that PCRE2 does not know. */
static size_t copy_flags(struct buf *out, struct str rest)
{
    size_t i = copy(out, rest, 2);
    for (; i < rest.n &&
           (rest.s[i] == '^' || rest.s[i] == '-' || (rest.s[i] >= 'a' && rest.s[i] <= 'z'));
         i++) {
        if (!strchr("auldp", rest.s[i]))
            buf_addc(out, rest.s[i]);
    }
    return i;
}

/* Is it "{,3}"? */
static bool is_at_most(struct str rest)
{
    size_t i = 2;
    while (i < rest.n && ascii_is_digit(rest.s[i]))
        i++;
    return str_starts(rest, STR("{,")) && i > 2 && i < rest.n && rest.s[i] == '}';
}

/* Bytes up to the end of what begins with `mark`, that included. */
static size_t through(struct str rest, struct str mark)
{
    size_t end = str_find(rest, mark);
    return end == STR_NONE ? rest.n : end + mark.n;
}

/* "?" "*" "+" "{2}" "{2,}" "{2,3}" "{,3}" */
static bool is_quantifier(struct str rest)
{
    size_t i = 1;
    if (rest.n == 0 || rest.s[0] != '{')
        return rest.n && strchr("?*+", rest.s[0]) && rest.s[0];
    while (i < rest.n && ascii_is_digit(rest.s[i]))
        i++;
    if (i == 1)
        return is_at_most(rest);
    if (i < rest.n && rest.s[i] == ',')
        i++;
    while (i < rest.n && ascii_is_digit(rest.s[i]))
        i++;
    return i < rest.n && rest.s[i] == '}';
}

/* Bytes of "^", "$", "\b" and the like; 0: it is none. */
static size_t assertion(struct str rest)
{
    if (rest.s[0] == '^' || rest.s[0] == '$')
        return 1;
    return rest.n > 1 && rest.s[0] == '\\' && rest.s[1] && strchr("bBAzZG", rest.s[1]) ? 2 : 0;
}

/* "$?": in a group it may have a quantifier. */
static size_t copy_assertion(struct buf *out, struct str rest, size_t n)
{
    bool quantified = is_quantifier(str_from(rest, n));
    buf_add(out, quantified ? STR("(?:") : STR(""));
    copy(out, rest, n);
    buf_add(out, quantified ? STR(")") : STR(""));
    return n;
}

void dialect_translate(struct str pattern, struct buf *out)
{
    struct str rest = pattern;
    while (rest.n) {
        size_t taken;
        if (str_starts(rest, STR("\\Q"))) {
            taken = copy(out, rest, through(rest, STR("\\E")));
        } else if (str_starts(rest, STR("(?#"))) {
            taken = copy(out, rest, through(rest, STR(")")));
        } else if (assertion(rest)) {
            taken = copy_assertion(out, rest, assertion(rest));
        } else if (rest.s[0] == '\\') {
            taken = copy(out, rest, 2);
        } else if (rest.s[0] == '[') {
            taken = copy(out, rest, regex_skip_class(rest, 0) + 1);
        } else if (str_starts(rest, STR("(?"))) {
            taken = copy_flags(out, rest);
        } else if (is_at_most(rest)) {
            buf_add(out, STR("{0"));
            taken = 1;
        } else {
            taken = copy(out, rest, 1);
        }
        rest = str_from(rest, taken);
    }
}
