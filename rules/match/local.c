#define PCRE2_CODE_UNIT_WIDTH 8
#include "rules/match/local.h"

#include <pcre2.h>

/*
 * May what follows "(" be in a local pattern: a plain group, (?:, a positive look-around (which
 * finds in the longer text what it found in the piece), a switch of flags i and s?
 */
static bool group_is_local(struct str inside)
{
    if (str_starts(inside, STR("*")))
        return false;
    if (!str_starts(inside, STR("?")))
        return true;
    if (str_starts(inside, STR("?=")) || str_starts(inside, STR("?<=")))
        return true;
    size_t i = 1;
    while (i < inside.n && strchr("is-a", inside.s[i]) && inside.s[i])
        i++;
    return i < inside.n && (inside.s[i] == ':' || (i > 1 && inside.s[i] == ')'));
}

/*
 * Anchors see the ends of the piece; look-around sees past them; possessive and
 * atomic groups, \R and \X give up ways of matching once they have eaten beyond the piece.
 */
bool pattern_is_local(const struct regex_literal *literal)
{
    struct str p = literal->pattern;
    if (literal->extended)
        return false;
    for (size_t i = 0; i < p.n; i++) {
        char next = i + 1 < p.n ? p.s[i + 1] : '\0';
        switch (p.s[i]) {
        case '\\':
            if (next == '\0' || strchr("AzZGKRXQECgk123456789", next))
                return false;
            i++;
            break;
        case '[':
            i = regex_skip_class(p, i);
            break;
        case '(':
            if (!group_is_local(str_from(p, i + 1)))
                return false;
            break;
        case '^':
        case '$':
            if (!(literal->options & PCRE2_MULTILINE))
                return false;
            break;
        case '*':
        case '+':
        case '?':
        case '}':
            if (next == '+')
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}
