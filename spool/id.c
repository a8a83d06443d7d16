#include <time.h>

#include "base/random.h"
#include "spool/spool.h"

#define TIME_DIGITS   10 /* 48 bits in base 32: the first digit is at most 7 */
#define RANDOM_DIGITS 16 /* 80 bits */
#define DIGIT_BITS    5

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void spool_id_make(char id[SPOOL_ID_LEN + 1])
{
    unsigned char random[RANDOM_DIGITS];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (int i = TIME_DIGITS - 1; i >= 0; i--, ms >>= DIGIT_BITS)
        id[i] = digits[ms & 31];
    random_fill(random, sizeof random);
    for (size_t i = 0; i < RANDOM_DIGITS; i++)
        id[TIME_DIGITS + i] = digits[random[i] & 31];
    id[SPOOL_ID_LEN] = '\0';
}

bool spool_id_valid(struct str id)
{
    if (id.n != SPOOL_ID_LEN || id.s[0] < '0' || id.s[0] > '7')
        return false;
    for (size_t i = 0; i < id.n; i++)
        if (id.s[i] == '\0' || strchr(digits, id.s[i]) == NULL)
            return false;
    return true;
}
