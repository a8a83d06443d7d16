#include "rules/facts/times.h"

#include "base/ascii.h"

#include <stdlib.h>

#include "rules/facts/header.h"
#include "rules/facts/scan.h"
#include "rules/facts/shape.h"

#define WORK_MAX   200000
#define YEAR_LEAST 1970
#define YEAR_MOST  2037 /* SpamAssassin's: Perl's clock was of 32 bits once */

/* A text from which what was understood is taken away. */
struct reading {
    char text[TIMES_TEXT_MAX + 3];
    size_t n;
    size_t work;
    struct shape_found found;
};

struct moment {
    int64_t year, month, day, hour, minute, second, zone; /* zone: minutes east */
};

static struct str text_of(const struct reading *r)
{
    return str_n(r->text, r->n);
}

static void load(struct reading *r, struct str date)
{
    *r = (struct reading){.work = WORK_MAX};
    r->text[r->n++] = ' ';
    for (size_t i = 0; i < date.n; i++) {
        bool blank = ascii_is_space(date.s[i]) || date.s[i] == ',';
        if (!blank)
            r->text[r->n++] = date.s[i];
        else if (r->text[r->n - 1] != ' ')
            r->text[r->n++] = ' ';
    }
    if (r->text[r->n - 1] != ' ')
        r->text[r->n++] = ' ';
}

static bool find(struct reading *r, const char *shape)
{
    return shape_search(shape, SHAPE_ANY_CASE, text_of(r), &r->work, &r->found);
}

/* What was found gives way to one blank. */
static void take_away(struct reading *r)
{
    size_t from = (size_t)(r->found.all.s - r->text), to = from + r->found.all.n;
    r->text[from] = ' ';
    memmove(r->text + from + 1, r->text + to, r->n - to);
    r->n -= to - from - 1;
}

static int64_t number(const struct reading *r, char field)
{
    uint64_t value = 0;
    struct str digits = shape_field(&r->found, field);
    return digits.n && str_to_u64(digits, 1000000, &value) ? (int64_t)value : 0;
}

static int64_t month_of(struct str name)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int64_t i = 0; i < 12; i++) {
        if (str_ieq(name, str_n(months + 3 * i, 3)))
            return i + 1;
    }
    return 0;
}

#define MONTH "%[a-z]{3}=m"

static int64_t whole_year(struct str digits, int64_t year)
{
    if (digits.n == 2 && year < 50)
        return year + 2000;
    return digits.n == 4 ? year : year + 1900;
}

static bool read_day(struct reading *r, struct moment *m)
{
    static const char *const shapes[] = {
        " %[0-9]+=d " MONTH " %[0-9]{4}=y ",
        " " MONTH " %[0-9]+=d %[0-9]+:%[0-9]+:%[0-9]+ %[0-9]{4}=y ",
        " %[0-9]+=d " MONTH " %[0-9]{2,3}=y ",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!find(r, shapes[i]) || month_of(shape_field(&r->found, 'm')) == 0)
            continue;
        m->day = number(r, 'd');
        m->month = month_of(shape_field(&r->found, 'm'));
        m->year = whole_year(shape_field(&r->found, 'y'), number(r, 'y'));
        take_away(r);
        return true;
    }
    return false;
}

static void read_time(struct reading *r, struct moment *m)
{
    if (!find(r, " %[0-9]{1,2}=h:%[0-9]{2}=n%(?:%[0-9]{2}=s%) "))
        return;
    m->hour = number(r, 'h');
    m->minute = number(r, 'n');
    m->second = number(r, 's');
    take_away(r);
}

static const struct {
    const char *name;
    int minutes;
} zones[] = {
    {"UT", 0},      {"UTC", 0},     {"GMT", 0},     {"WET", 0},    {"NDT", -150},  {"AST", -240},
    {"ADT", -180},  {"NST", -210},  {"EST", -300},  {"EDT", -240}, {"CST", -360},  {"CDT", -300},
    {"MST", -420},  {"MDT", -360},  {"PST", -480},  {"PDT", -420}, {"HST", -600},  {"AKST", -540},
    {"AKDT", -480}, {"HADT", -540}, {"HAST", -600}, {"BST", 60},   {"IST", 60},    {"WEST", 60},
    {"CET", 60},    {"CEST", 120},  {"EET", 120},   {"EEST", 180}, {"MSK", 180},   {"MSD", 240},
    {"MET", 60},    {"MEZ", 60},    {"MEST", 120},  {"MESZ", 120}, {"BRST", -120}, {"BRT", -180},
    {"AEST", 600},  {"AEDT", 660},  {"ACST", 570},  {"ACDT", 630}, {"AWST", 480},  {"NZST", 720},
    {"NZDT", 780},  {"JST", 540},   {"KST", 540},   {"HKT", 480},  {"SGT", 480},   {"PHT", 480},
    {"IDT", 180},
};

static int64_t named_zone(struct str name)
{
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (str_eq(name, str_of(zones[i].name)))
            return zones[i].minutes;
    }
    return 0;
}

static void read_zone(struct reading *r, struct moment *m)
{
    if (find(r, " %[-+]%[0-9]{2}=h%[0-9]{2}=n ")) {
        m->zone = number(r, 'h') * 60 + number(r, 'n');
        if (r->found.all.s[1] == '-')
            m->zone = -m->zone;
    } else if (shape_search("%W%[A-Z]{2,4}=z%W", SHAPE_EXACT, text_of(r), &r->work, &r->found)) {
        m->zone = named_zone(shape_field(&r->found, 'z'));
    }
}

/* A time that there is not becomes the nearest that there is. */
static void put_right(struct moment *m)
{
    bool leap = m->year % 4 == 0 && (m->year % 100 != 0 || m->year % 400 == 0);
    static const int64_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t last = days[m->month - 1] + (m->month == 2 && leap);
    m->second = m->second > 59 ? 59 : m->second;
    m->minute = m->minute > 59 ? 59 : m->minute;
    m->hour = m->hour > 23 ? 23 : m->hour;
    if (m->day > last) {
        m->day = 1;
        m->month = m->month == 12 ? 1 : m->month + 1;
    }
    m->year = m->year > YEAR_MOST ? YEAR_MOST : m->year < YEAR_LEAST ? YEAR_LEAST : m->year;
}

/* Days since 1970 of a Gregorian date (months from March, so that February ends a year). */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468;
}

static int64_t number_at(struct str x, size_t from, size_t to)
{
    uint64_t value = 0;
    return str_to_u64(str_sub(x, from, to), 1000000, &value) ? (int64_t)value : 0;
}

/*
 * " Mon 1 Jan 2024 00:00:00 +0000 …", as nearly all mail has it: what the shapes would find, in
 * one walk. False: it is something else, which they must look at.
 */
static bool read_plain(struct str x, struct moment *m)
{
    size_t day = 1;
    while (day < x.n && ascii_is_letter(x.s[day]))
        day++;
    day = day == 1 ? day : scan_char(x, day, ' ');
    size_t month = scan_char(x, scan_digits(x, day, 1, 2), ' ');
    size_t year = month < x.n && x.n - month > 3 ? scan_char(x, month + 3, ' ') : STR_NONE;
    size_t hour = scan_char(x, scan_digits(x, year, 4, 4), ' ');
    size_t minute = scan_char(x, scan_digits(x, hour, 1, 2), ':');
    size_t second = scan_char(x, scan_digits(x, minute, 2, 2), ':');
    size_t zone = scan_char(x, scan_digits(x, second, 2, 2), ' ');
    size_t end = zone < x.n ? scan_char(x, scan_digits(x, zone + 1, 4, 4), ' ') : STR_NONE;
    if (end == STR_NONE || (x.s[zone] != '+' && x.s[zone] != '-') ||
        (m->month = month_of(str_sub(x, month, month + 3))) == 0)
        return false;
    m->day = number_at(x, day, month - 1);
    m->year = number_at(x, year, hour - 1);
    m->hour = number_at(x, hour, minute - 1);
    m->minute = number_at(x, minute, second - 1);
    m->second = number_at(x, second, zone - 1);
    m->zone = number_at(x, zone + 1, zone + 3) * 60 + number_at(x, zone + 3, zone + 5);
    m->zone = x.s[zone] == '-' ? -m->zone : m->zone;
    return true;
}

bool times_parse(struct str text, int64_t *seconds)
{
    struct reading r;
    struct moment m = {0};
    if (text.n > TIMES_TEXT_MAX)
        return false;
    load(&r, text);
    if (!read_plain(text_of(&r), &m)) {
        if (!read_day(&r, &m))
            return false;
        read_time(&r, &m);
        read_zone(&r, &m);
    }
    put_right(&m);
    if (m.day == 0)
        return false;
    int64_t days = days_since_1970(m.year, m.month, m.day);
    int64_t local = days * 86400 + m.hour * 3600 + m.minute * 60 + m.second;
    *seconds = local > m.zone * 60 ? local - m.zone * 60 : 0;
    return true;
}

static void read_date(struct facts *facts, struct times *times)
{
    static const char *const names[] = {"Resent-Date", "Date"};
    for (size_t i = 0; i < 2 && !times->has_date; i++) {
        const struct fact_values *dates = facts_get_all(facts, names[i]);
        for (size_t k = 0; k < dates->n && !times->has_date; k++)
            times->has_date = times_parse(dates->list[k], &times->date);
    }
}

/* Behind "1 Jan 2024 00:00:00 +0000" at `at`; STR_NONE: that is not there. */
static size_t behind_time(struct str x, size_t at)
{
    size_t month = scan_char(x, scan_digits(x, at, 1, STR_NONE), ' ');
    if (month >= x.n || x.n - month <= 3 || memchr(x.s + month, ' ', 3))
        return STR_NONE;
    size_t year = scan_char(x, month + 3, ' ');
    size_t hour = scan_char(x, scan_digits(x, year, 1, STR_NONE), ' ');
    size_t minute = scan_char(x, scan_digits(x, hour, 1, STR_NONE), ':');
    size_t second = scan_char(x, scan_digits(x, minute, 1, STR_NONE), ':');
    size_t zone = scan_char(x, scan_digits(x, second, 1, STR_NONE), ' ');
    return scan_word(x, zone);
}

/* The first such time in a Received, behind a blank and perhaps one other character. */
static bool received_time(struct str received, int64_t *seconds)
{
    for (size_t at = 0; at + 1 < received.n; at++) {
        if (received.s[at] != ' ' && received.s[at] != '\t')
            continue;
        size_t end = received.s[at + 1] == '\n' ? STR_NONE : behind_time(received, at + 2);
        end = end == STR_NONE ? behind_time(received, at + 1) : end;
        if (end != STR_NONE)
            return times_parse(str_sub(received, at, end), seconds);
    }
    return false;
}

static bool is_local(struct str received)
{
    struct shape_found found;
    size_t work = WORK_MAX;
    return shape_search("%Wfrom %(localhost%[ \t\n]%|%_ %(?%_ %)%*_%W127.0.0.1%W%)", SHAPE_EXACT,
                        received, &work, &found) ||
           shape_search("qmail %[0-9]+ invoked by uid %[0-9]", SHAPE_EXACT, received, &work,
                        &found);
}

static bool is_fetchmail(struct str received)
{
    struct shape_found found;
    size_t work = WORK_MAX;
    return shape_search("%Wby localhost with %[A-Za-z0-9_]+ (fetchmail-%[0-9.]", SHAPE_EXACT,
                        received, &work, &found);
}

/* fetchmail's own Received, and that of the hand-over before it, are not the message's way. */
static size_t skip_fetched(const struct fact_values *received, struct times *times)
{
    size_t local = received->n && is_local(received->list[0]) ? 1 : 0;
    size_t n = received->n > local && is_fetchmail(received->list[local]) ? local + 1 : 0;
    for (size_t i = 0; i < n; i++) {
        int64_t seconds;
        if (!received_time(received->list[i], &seconds))
            continue;
        if (!times->has_fetched || seconds > times->fetched)
            times->fetched = seconds;
        times->has_fetched = true;
    }
    return n;
}

static bool read_received(struct facts *facts, struct times *times)
{
    const struct fact_values *received = facts_get_all(facts, "Received");
    times->received = POOL_ARRAY(facts->pool, received->n, int64_t);
    if (times->received == NULL)
        return false;
    for (size_t i = skip_fetched(received, times); i < received->n; i++) {
        int64_t seconds;
        if (received_time(received->list[i], &seconds))
            times->received[times->n_received++] = seconds;
    }
    return true;
}

static void compare(struct times *times)
{
    size_t n = times->n_received;
    if (!times->has_date || n == 0)
        return;
    if (n > 1 && times->received[n - 1] == times->date)
        n--; /* the sender's own */
    times->difference = times->date - times->received[0];
    for (size_t i = 1; i < n; i++) {
        int64_t difference = times->date - times->received[i];
        if (llabs(difference) < llabs(times->difference))
            times->difference = difference;
    }
}

const struct times *facts_times(struct facts *facts)
{
    struct times *times = facts->made[FACT_TIMES];
    if (times)
        return times;
    times = POOL_NEW(facts->pool, struct times);
    if (times)
        read_date(facts, times);
    if (times == NULL || !read_received(facts, times)) {
        facts->no_memory = true;
        return NULL;
    }
    compare(times);
    facts->made[FACT_TIMES] = times;
    return times;
}
