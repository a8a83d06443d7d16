#include "gateway/delivery/pace.h"

#define ONE 1000 /* connection, in thousandths */

static unsigned lesser(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void set_limit(struct pace *pace, unsigned connections)
{
    unsigned limit = lesser(connections ? connections : 1, pace->max);
    pace->thousandths = limit * ONE;
}

void pace_begin(struct pace *pace, unsigned max, unsigned first)
{
    *pace = (struct pace){.max = max, .steep_below = max};
    set_limit(pace, first);
}

unsigned pace_limit(const struct pace *pace)
{
    return pace->thousandths / ONE;
}

void pace_delivered(struct pace *pace, unsigned connections, int64_t now)
{
    unsigned limit = pace_limit(pace);
    pace->proved = true;
    /* what it does with more is known only where it had as many as it may have */
    if (connections < limit || now < pace->hold_until)
        return;
    pace->thousandths += limit < pace->steep_below ? ONE : ONE / limit;
    if (pace->thousandths > pace->max * ONE)
        pace->thousandths = pace->max * ONE;
}

void pace_answered(struct pace *pace)
{
    pace->broken = 0;
}

/* What fails together is one reason. */
static bool slows_down(struct pace *pace, int64_t now)
{
    if (now < pace->slowed_until)
        return false;
    pace->slowed_until = now + PACE_SLOWED_SECONDS;
    if (pace->hold_until < pace->slowed_until)
        pace->hold_until = pace->slowed_until;
    pace->steep_below = pace_limit(pace) / 2;
    return true;
}

void pace_put_off(struct pace *pace, int64_t now)
{
    if (slows_down(pace, now))
        set_limit(pace, pace_limit(pace) - 1);
}

void pace_refused(struct pace *pace, unsigned others, int64_t now)
{
    set_limit(pace, lesser(others, pace_limit(pace)));
    pace->steep_below = 0;
    pace->hold_until = now + PACE_REFUSED_SECONDS;
}

void pace_broke(struct pace *pace, bool silent, int64_t now)
{
    pace->broken++;
    if (slows_down(pace, now))
        set_limit(pace, pace_limit(pace) / 2);
    if (silent && pace_is_broken(pace))
        pace->proved = false;
    if (silent && !pace->proved)
        set_limit(pace, 1);
}

bool pace_is_broken(const struct pace *pace)
{
    return pace->broken >= PACE_BROKEN;
}

void pace_again(struct pace *pace)
{
    if (pace_limit(pace) > PACE_FIRST)
        set_limit(pace, PACE_FIRST);
    pace->hold_until = pace->slowed_until = 0;
}

void pace_forget(struct pace *pace)
{
    pace->broken = 0;
    pace->hold_until = pace->slowed_until = 0;
    pace->steep_below = pace->max;
}
