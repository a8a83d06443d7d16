#include "backup/shelf.h"
#include "base/ascii.h"

time_t shelf_name_time(struct str name)
{
    char text[SHELF_NAME_LEN + 1];
    struct tm tm = {0};
    if (name.n != SHELF_NAME_LEN || !str_copy(name, text, sizeof text))
        return 0;
    for (size_t i = 0; i < SHELF_NAME_LEN; i++)
        if ((i == 8 && text[i] != 'T') || (i == 15 && text[i] != 'Z') ||
            (i != 8 && i != 15 && !ascii_is_digit(text[i])))
            return 0;
    if (strptime(text, "%Y%m%dT%H%M%SZ", &tm) == NULL)
        return 0;
    return timegm(&tm);
}

bool shelf_time_ahead(time_t begun, time_t now)
{
    return begun > now && begun - now > SHELF_AHEAD;
}

bool shelf_name_ok(struct str name)
{
    return shelf_name_time(name) > 0;
}

bool shelf_missed(const struct shelf_name *names, size_t n, time_t now)
{
    for (size_t i = 0; i < n; i++) {
        time_t begun = shelf_name_time(str_of(names[i].text));
        if (begun >= now - SHELF_DAY && !shelf_time_ahead(begun, now))
            return false;
    }
    return n > 0;
}
