#include "tools/json.h"

#include <stdio.h>
#include <time.h>

#include "mail/utf8.h"

int json_line(json_t *object)
{
    int result = object ? json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) : -1;
    json_decref(object);
    if (result < 0)
        fputs("poterne: out of memory\n", stderr);
    else
        putchar('\n');
    return result;
}

json_t *json_text(struct str text)
{
    char clean[3 * JSON_TEXT_MAX];
    json_t *whole = json_stringn(text.n ? text.s : "", text.n);
    if (whole)
        return whole;
    return json_stringn(clean, utf8_mend(str_sub(text, 0, JSON_TEXT_MAX), clean, sizeof clean));
}

json_t *json_time(int64_t time_us)
{
    char text[64];
    char day[32];
    struct tm tm;
    time_t seconds = (time_t)(time_us / 1000000);
    if (gmtime_r(&seconds, &tm) == NULL || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        return json_null();
    snprintf(text, sizeof text, "%s.%03dZ", day, (int)(time_us / 1000 % 1000));
    return json_string(text);
}

json_t *json_parse(struct str text)
{
    json_error_t error;
    json_t *object = json_loadb(text.n ? text.s : "", text.n, JSON_REJECT_DUPLICATES, &error);
    return object ? object : json_object();
}
