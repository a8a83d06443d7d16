#include "directory/ldap/shrink.h"

#define WINDOW_ENDLESS                                                                             \
    (3 * 86400) /* seconds that a loss is added up for where shrink_hold is 0                      \
                 */

static bool is_over(time_t since, unsigned hold, time_t now)
{
    return hold > 0 && now - since >= (time_t)hold;
}

static void believe(struct shrink *s, uint64_t n, time_t now)
{
    *s = (struct shrink){.most = n, .most_at = now};
}

bool shrink_holds(struct shrink *s, const struct conf_ldap *conf, uint64_t n, time_t now)
{
    unsigned window = conf->shrink_hold ? conf->shrink_hold : WINDOW_ENDLESS;
    unsigned __int128 left = (unsigned __int128)n * 100;
    bool lost = left < (unsigned __int128)s->most * (100 - conf->shrink_limit);
    if (s->held_since > now)
        s->held_since = now; /* the clock was set back */
    if (s->most_at > now)
        s->most_at = now;
    if (lost && !(s->held_since && is_over(s->held_since, conf->shrink_hold, now))) {
        s->held_since = s->held_since ? s->held_since : now;
        s->held_n = n;
        return true;
    }
    bool news = s->held_since || n >= s->most || is_over(s->most_at, window, now);
    if (news)
        believe(s, n, now);
    return false;
}

bool shrink_accept(struct shrink *s, time_t now)
{
    if (s->held_since == 0)
        return false;
    believe(s, s->held_n, now);
    return true;
}

time_t shrink_until(const struct shrink *s, const struct conf_ldap *conf)
{
    return s->held_since && conf->shrink_hold ? s->held_since + (time_t)conf->shrink_hold : 0;
}
