#include "mail/boundary.h"

static bool is_blank_or_cr(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct str without_final_blanks(struct str x)
{
    while (x.n && is_blank_or_cr(x.s[x.n - 1]))
        x.n--;
    return x;
}

static bool ends_here(struct str rest)
{
    return rest.n == 0 || is_blank_or_cr(rest.s[0]);
}

bool boundaries_push(struct boundaries *b, struct str text, size_t level)
{
    if (b->n == BOUNDARIES_MAX)
        return false;
    text = without_final_blanks(text);
    uint64_t bit = UINT64_C(1) << b->n;
    if (text.n)
        b->by_first[(unsigned char)text.s[0]] |= bit;
    else
        b->empty |= bit;
    b->level[b->n] = level;
    b->text[b->n++] = text;
    return true;
}

void boundaries_cut(struct boundaries *b, size_t level)
{
    while (b->n && b->level[b->n - 1] >= level) {
        struct str last = b->text[--b->n];
        uint64_t bit = UINT64_C(1) << b->n;
        if (last.n)
            b->by_first[(unsigned char)last.s[0]] &= ~bit;
        else
            b->empty &= ~bit;
    }
}

size_t boundaries_match(const struct boundaries *b, struct str line, bool *closing)
{
    size_t best = STR_NONE, best_n = 0;
    if (b->n == 0 || line.n < 2 || line.s[0] != '-' || line.s[1] != '-')
        return STR_NONE;
    line = str_from(line, 2);
    uint64_t open = line.n ? b->by_first[(unsigned char)line.s[0]] | b->empty : b->empty;
    if (open == 0)
        return STR_NONE;
    line = without_final_blanks(line);
    while (open) {
        int index = 63 - __builtin_clzll(open);
        struct str text = b->text[index];
        open &= ~(UINT64_C(1) << index);
        if ((best != STR_NONE && text.n <= best_n) || !str_starts(line, text))
            continue;
        struct str rest = str_from(line, text.n);
        bool closes = str_starts(rest, STR("--"));
        if (ends_here(rest) || (closes && ends_here(str_from(rest, 2)))) {
            best = b->level[index];
            best_n = text.n;
            *closing = closes;
        }
    }
    return best;
}
