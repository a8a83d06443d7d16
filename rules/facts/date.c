#include "rules/facts/date.h"

#include "base/ascii.h"

/* A run of digits, of letters, or one other byte; blanks and (comments) are skipped. */
static struct str token(struct str *rest)
{
    size_t i = 0, depth = 0;
    for (; i < rest->n; i++) {
        char c = rest->s[i];
        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && !strchr(" \t\r\n,", c))
            break;
    }
    size_t from = i;
    if (i < rest->n && ascii_is_digit(rest->s[i])) {
        while (i < rest->n && ascii_is_digit(rest->s[i]))
            i++;
    } else if (i < rest->n && ascii_is_letter(rest->s[i])) {
        while (i < rest->n && ascii_is_letter(rest->s[i]))
            i++;
    } else if (i < rest->n) {
        i++;
    }
    struct str found = str_sub(*rest, from, i);
    *rest = str_from(*rest, i);
    return found;
}

static bool number(struct str *rest, uint64_t max, uint64_t *value)
{
    return str_to_u64(token(rest), max, value);
}

static bool month_of(struct str word, uint64_t *month)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; i < 12; i++) {
        if (str_ieq(str_sub(word, 0, 3), str_n(names + i * 3, 3))) {
            *month = i + 1;
            return word.n >= 3;
        }
    }
    return false;
}

/* Days since 1970-01-01 of the Gregorian calendar, counted from March so that leap days end a year.
 */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "+0200", "-0700", "GMT", "EDT"; RFC 5322 4.3 */
static int64_t zone_seconds(struct str *rest)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5}, {"MST", -7},
                 {"MDT", -6}, {"PST", -8}, {"PDT", -7}, {"CET", 1},  {"CEST", 2}};
    struct str word = token(rest);
    uint64_t hhmm;
    if (str_eq(word, STR("+")) || str_eq(word, STR("-"))) {
        if (!number(rest, 9999, &hhmm))
            return 0;
        int64_t seconds = (int64_t)(hhmm / 100 * 3600 + hhmm % 100 * 60);
        return word.s[0] == '-' ? -seconds : seconds;
    }
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (str_ieq(word, str_of(zones[i].name)))
            return zones[i].hours * 3600;
    }
    return 0;
}

/* Two- and three-digit years of RFC 5322 4.3 */
static uint64_t full_year(uint64_t year, size_t digits)
{
    if (digits >= 4)
        return year;
    return year + (digits == 2 && year < 50 ? 2000 : 1900);
}

bool date_parse(struct str text, int64_t *seconds)
{
    struct str rest = text;
    struct str word = token(&rest);
    uint64_t day, month, year, hour, minute, second = 0;
    if (word.n && ascii_is_letter(word.s[0])) /* day of the week */
        word = token(&rest);
    if (!str_to_u64(word, 31, &day) || day == 0)
        return false;
    word = token(&rest);
    if (str_eq(word, STR("-"))) /* 25-Jul-2024 */
        word = token(&rest);
    if (!month_of(word, &month))
        return false;
    word = token(&rest);
    if (str_eq(word, STR("-")))
        word = token(&rest);
    if (!str_to_u64(word, 9999, &year))
        return false;
    year = full_year(year, word.n);
    if (!number(&rest, 24, &hour) || !str_eq(token(&rest), STR(":")) || !number(&rest, 59, &minute))
        return false;
    if (rest.n && rest.s[0] == ':') {
        token(&rest);
        if (!number(&rest, 60, &second))
            return false;
    }
    *seconds = days_of((int64_t)year, (int64_t)month, (int64_t)day) * 86400 +
               (int64_t)(hour * 3600 + minute * 60 + second) - zone_seconds(&rest);
    return true;
}
