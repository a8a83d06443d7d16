#include <math.h>
#include <stdlib.h>

#include "rules/eval/header.h"
#include "rules/facts/times.h"

#define MONTH_SECONDS (31556952.0 / 12) /* of a Gregorian year's mean */

/* A Windows FILETIME's upper half counts in this many seconds, from then on. */
#define OUTLOOK_RATE  0.0023283064365387
#define OUTLOOK_START 27111902.8329849
#define OUTLOOK_FUDGE 250

/* MIN included, MAX not; "undef" is no bound. */
static bool within(const struct eval_context *c, double value, double unit)
{
    bool from = str_eq(c->a[0].text, STR("undef")) || value >= c->a[0].number * unit;
    bool to = str_eq(c->a[1].text, STR("undef")) || value < c->a[1].number * unit;
    return from && to;
}

double eval_shifted_date(struct eval_context *c)
{
    const struct times *times = facts_times(c->facts);
    return times ? within(c, (double)times->difference, 3600) : EVAL_NO_MEMORY;
}

static int newer_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The middle one of what Date, the newest Received and fetchmail say. */
static int64_t date_received(const struct times *times)
{
    int64_t said[4];
    size_t n = 0;
    if (times->has_date)
        said[n++] = times->date;
    if (times->n_received)
        said[n++] = times->received[0];
    if (times->has_fetched)
        said[n++] = times->fetched;
    if (times->has_date && times->n_received)
        said[n++] = times->date - times->difference;
    qsort(said, n, sizeof *said, newer_first);
    return n ? said[(n - 1) / 2] : 0;
}

double eval_received_within(struct eval_context *c)
{
    const struct times *times = facts_times(c->facts);
    if (times == NULL)
        return EVAL_NO_MEMORY;
    if (c->input->now == 0) /* nobody says what time it is */
        return 0;
    return within(c, (double)(c->input->now - date_received(times)), MONTH_SECONDS);
}

static bool fits_outlook(int64_t token, int64_t seconds)
{
    return llabs(token - (int64_t)((double)seconds * OUTLOOK_RATE + OUTLOOK_START)) < OUTLOOK_FUDGE;
}

/* Outlook puts the time into its message ids. */
double eval_outlook_message_id(struct eval_context *c)
{
    struct shape_found found;
    struct str id = look_get(c, "MESSAGEID");
    if (!look_for(c, "<%[0-9a-f]{4}%[0-9a-f]{8}=t$%[0-9a-f]{8}$%[0-9a-f]{8}@", id, &found) ||
        found.all.s != id.s)
        return 0;
    int64_t token = 0, seconds = 0;
    struct str hex = shape_field(&found, 't');
    for (size_t i = 0; i < hex.n; i++)
        token = token * 16 + (hex.s[i] <= '9' ? hex.s[i] - '0' : hex.s[i] - 'a' + 10);
    times_parse(look_get(c, "Date"), &seconds);
    if (fits_outlook(token, seconds))
        return 0;
    seconds = 0;
    times_parse(look_get(c, "Received"), &seconds);
    return !fits_outlook(token, seconds);
}
