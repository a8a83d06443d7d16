#include "mail/boundary.h"

bool boundaries_push(struct boundaries *b, struct str text)
{
    if (b->n == BOUNDARIES_MAX)
        return false;
    uint64_t bit = UINT64_C(1) << b->n;
    if (text.n)
        b->by_first[(unsigned char)text.s[0]] |= bit;
    else
        b->empty |= bit;
    b->text[b->n++] = text;
    return true;
}

void boundaries_cut(struct boundaries *b, size_t n)
{
    while (b->n > n) {
        struct str last = b->text[--b->n];
        uint64_t bit = UINT64_C(1) << b->n;
        if (last.n)
            b->by_first[(unsigned char)last.s[0]] &= ~bit;
        else
            b->empty &= ~bit;
    }
}

static struct str without_final_blanks(struct str x)
{
    while (x.n && (x.s[x.n - 1] == ' ' || x.s[x.n - 1] == '\t' || x.s[x.n - 1] == '\r'))
        x.n--;
    return x;
}

int boundaries_match(const struct boundaries *b, struct str line, bool *closing)
{
    int best = -1;
    size_t best_n = 0;
    if (b->n == 0 || line.n < 2 || line.s[0] != '-' || line.s[1] != '-')
        return -1;
    line = str_from(line, 2);
    uint64_t open = line.n ? b->by_first[(unsigned char)line.s[0]] | b->empty : b->empty;
    if (open == 0)
        return -1;
    line = without_final_blanks(line);
    while (open) {
        int level = 63 - __builtin_clzll(open);
        struct str text = b->text[level];
        open &= ~(UINT64_C(1) << level);
        if (best >= 0 && text.n <= best_n)
            continue;
        if (!str_starts(line, text))
            continue;
        struct str rest = str_from(line, text.n);
        if (rest.n == 0 || str_eq(rest, STR("--"))) {
            best = level;
            best_n = text.n;
            *closing = rest.n != 0;
        }
    }
    return best;
}
