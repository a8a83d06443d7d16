#include "rules/match/dialect.h"

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
    while (i < rest.n && rest.s[i] >= '0' && rest.s[i] <= '9')
        i++;
    return str_starts(rest, STR("{,")) && i > 2 && i < rest.n && rest.s[i] == '}';
}

void dialect_translate(struct str pattern, struct buf *out)
{
    struct str rest = pattern;
    while (rest.n) {
        size_t taken;
        if (rest.s[0] == '\\') {
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
