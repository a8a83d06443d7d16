#include "tally/maker.h"

#include <stdio.h>
#include <time.h>

static bool day_of(int64_t day, struct tm *tm)
{
    time_t at = (time_t)tally_begin(day);
    return day >= 0 && gmtime_r(&at, tm) != NULL;
}

void tally_report_id(const struct tally_maker *maker, const struct tally_subject *subject,
                     char id[TALLY_ID_SIZE])
{
    struct tm tm = {0};
    day_of(subject->day, &tm);
    snprintf(id, TALLY_ID_SIZE, "%04d%02d%02d.%.*s.%s@%.*s", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, STR_ARG(str_sub(subject->domain, 0, DOMAIN_NAME_MAX)),
             subject->kind == TALLY_TLS ? "tls" : "dmarc",
             STR_ARG(str_sub(maker->hostname, 0, DOMAIN_NAME_MAX)));
}

void tally_file_name(const struct tally_maker *maker, const struct tally_subject *subject,
                     char name[TALLY_FILE_SIZE])
{
    snprintf(name, TALLY_FILE_SIZE, "%.*s!%.*s!%lld!%lld.%s.gz",
             STR_ARG(str_sub(maker->submitter, 0, DOMAIN_NAME_MAX)),
             STR_ARG(str_sub(subject->domain, 0, DOMAIN_NAME_MAX)),
             (long long)tally_begin(subject->day), (long long)tally_end(subject->day),
             subject->kind == TALLY_TLS ? "json" : "xml");
}

bool tally_day_put(int64_t day, char out[TALLY_DAY_SIZE])
{
    struct tm tm;
    return day_of(day, &tm) && strftime(out, TALLY_DAY_SIZE, "%Y-%m-%d", &tm) == 10;
}

bool tally_day_get(struct str text, int64_t *day)
{
    struct tm tm = {0};
    char word[TALLY_DAY_SIZE], again[TALLY_DAY_SIZE];
    if (!str_copy(text, word, sizeof word))
        return false;
    const char *end = strptime(word, "%Y-%m-%d", &tm);
    if (end == NULL || *end)
        return false;
    *day = (int64_t)timegm(&tm) / 86400;
    /* the 31st of February is none */
    return tally_day_put(*day, again) && strcmp(word, again) == 0;
}
