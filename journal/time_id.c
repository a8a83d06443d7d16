#include "journal/time_id.h"

struct str time_id(int64_t time_us, char out[TIME_ID_SIZE])
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t ms = time_us < 0 ? 0 : (uint64_t)time_us / 1000;
    for (size_t i = TIME_ID_SIZE - 1; i-- > 0; ms >>= 5)
        out[i] = digits[ms & 31];
    out[TIME_ID_SIZE - 1] = '\0';
    return str_n(out, TIME_ID_SIZE - 1);
}
