#include "bayes/features/grams_pack.h"

#define SEVEN_BITS 0x7fu
#define MORE       0x80u
#define BYTES_MAX  3 /* of one difference: 21 bits */

static bool grams_valid(const uint32_t *grams, size_t n)
{
    if (n > GRAMS_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        if (grams[i] >= GRAM_WEIGHTS || (i && grams[i] <= grams[i - 1]))
            return false;
    return true;
}

bool grams_pack(struct buf *out, const uint32_t *grams, size_t n)
{
    uint32_t before = 0;
    if (!grams_valid(grams, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t rest = grams[i] - before;
        before = grams[i];
        for (; rest > SEVEN_BITS; rest >>= 7)
            buf_addc(out, (char)(rest | MORE));
        buf_addc(out, (char)rest);
    }
    return true;
}

/* The next number of *packed; false when it is cut short or longer than it need be. */
static bool number_next(struct str *packed, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < BYTES_MAX && i < packed->n; i++) {
        unsigned char c = (unsigned char)packed->s[i];
        *number |= (uint32_t)(c & SEVEN_BITS) << (7 * i);
        if (c & MORE)
            continue;
        *packed = str_from(*packed, i + 1);
        return c != 0 || i == 0;
    }
    return false;
}

bool grams_unpack(struct str packed, uint32_t *list, size_t room, size_t *n)
{
    uint32_t at = 0;
    for (*n = 0; packed.n; ++*n) {
        uint32_t step;
        if (*n == room || !number_next(&packed, &step) || (*n && step == 0))
            return false;
        at += step;
        if (at >= GRAM_WEIGHTS)
            return false;
        list[*n] = at;
    }
    return true;
}
