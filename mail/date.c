#include "mail/date.h"

#include <time.h>

/* In UTC; not strftime(), whose names depend on the locale. */
void mail_date_put(struct buf *out, int64_t seconds)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t when = (time_t)seconds;
    struct tm t;
    if (gmtime_r(&when, &t) == NULL)
        return;
    buf_addf(out, "%.3s, %d %.3s %d %02d:%02d:%02d +0000", days + (size_t)t.tm_wday * 3, t.tm_mday,
             months + (size_t)t.tm_mon * 3, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}
