#include "base/spelling.h"

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t spelling_distance(struct str a, const char *known)
{
    size_t row[SPELLING_WORD_MAX + 1];
    size_t n = strlen(known);
    if (n > SPELLING_WORD_MAX || a.n > SPELLING_WORD_MAX)
        return SPELLING_WORD_MAX;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 0; i < a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < n; k++) {
            size_t cost = str_lower_char(a.s[i]) != known[k];
            size_t up = row[k + 1];
            row[k + 1] = least(up + 1, row[k] + 1, diagonal + cost);
            diagonal = up;
        }
    }
    return row[n];
}

const char *spelling_nearest(struct str word, const char *(*list)(size_t i))
{
    const char *best = NULL, *known;
    size_t nearest = SPELLING_NEAR + 1;
    for (size_t i = 0; (known = list(i)) != NULL; i++) {
        size_t d = spelling_distance(word, known);
        if (d < nearest) {
            nearest = d;
            best = known;
        }
    }
    return best;
}
