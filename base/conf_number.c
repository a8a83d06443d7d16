#include "base/conf_number.h"

#include "base/buf.h"
#include "base/conf.h"

const struct conf_unit conf_size_units[] = {{"", 1},        {"K", 1 << 10}, {"k", 1 << 10},
                                            {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
const struct conf_unit conf_time_units[] = {{"", 1},      {"s", 1},      {"min", 60}, {"h", 3600},
                                            {"d", 86400}, {"w", 604800}, {NULL, 0}};
const struct conf_unit conf_no_units[] = {{"", 1}, {NULL, 0}};

/* In the largest unit that leaves no rest, by its last name in the table. */
static void print_number(uint64_t n, const struct conf_unit *units, struct buf *out)
{
    const struct conf_unit *best = units;
    for (const struct conf_unit *u = units; u->name; u++)
        if (n && n % u->factor == 0 && u->factor >= best->factor)
            best = u;
    buf_addf(out, "%llu%s", (unsigned long long)(n / best->factor), best->name);
}

static bool number_of(struct str text, const struct conf_unit *units, uint64_t *n)
{
    size_t digits = 0;
    while (digits < text.n && text.s[digits] >= '0' && text.s[digits] <= '9')
        digits++;
    const struct conf_unit *unit = units;
    while (unit->name && !str_eq(str_from(text, digits), str_of(unit->name)))
        unit++;
    if (unit->name == NULL || !str_to_u64(str_sub(text, 0, digits), UINT64_MAX / unit->factor, n))
        return false;
    *n *= unit->factor;
    return true;
}

int conf_number(struct str text, const struct conf_unit *units, const char *what, uint64_t min,
                uint64_t max, uint64_t *n, struct err *err)
{
    if (number_of(text, units, n) && *n >= min && *n <= max)
        return 0;
    struct buf bounds = BUF_INIT(100);
    print_number(min, units, &bounds);
    buf_add(&bounds, STR(" to "));
    print_number(max, units, &bounds);
    err_set(err, "expected %s from %s", what, buf_cstr(&bounds));
    buf_release(&bounds);
    return -1;
}

bool conf_time_of_day(const char *text, unsigned *minute)
{
    struct str hours, minutes = str_of(text);
    uint64_t hour, rest;
    if (!str_next(&minutes, ':', &hours) || hours.n != 2 || minutes.n != 2 ||
        !str_to_u64(hours, 23, &hour) || !str_to_u64(minutes, 59, &rest))
        return false;
    if (minute)
        *minute = (unsigned)(hour * 60 + rest);
    return true;
}
