#include "gateway/resolver/health.h"

bool health_answered(struct health *h, int64_t asked, uint64_t took_us)
{
    bool back = h->away;
    h->answered++;
    h->answer_us += took_us;
    if (asked > h->last_answer)
        h->last_answer = asked;
    h->silent = 0;
    h->probe_silent = false;
    h->away = false;
    return back;
}

static bool fell_away(struct health *h, int64_t now)
{
    if (h->away || !h->probe_silent || h->silent < HEALTH_SILENT_MAX)
        return false;
    h->away = true;
    h->away_since = now;
    h->outages++;
    return true;
}

bool health_silent(struct health *h, int64_t asked, int64_t now)
{
    /* asked before something that was answered: they were there, whatever is wrong with its name */
    if (asked <= h->last_answer)
        return false;
    h->silent++;
    return fell_away(h, now);
}

bool health_probe_silent(struct health *h, int64_t asked, int64_t now)
{
    if (asked <= h->last_answer)
        return false;
    h->probe_silent = true;
    return fell_away(h, now);
}

bool health_doubtful(const struct health *h, int64_t oldest, int64_t now)
{
    return h->silent > 0 || h->probe_silent ||
           (oldest > h->last_answer && now - oldest >= HEALTH_DOUBT_MS);
}
