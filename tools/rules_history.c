#include "tools/rules_history.h"

#include <time.h>

#include "journal/query.h"
#include "tools/json.h"

#define FOUND_POOL_MAX ((size_t)4 * 1024 * 1024 * 1024)

/* Local midnight so many days ago. */
static int64_t midnight(time_t now, int days_ago)
{
    struct tm tm;
    if (localtime_r(&now, &tm) == NULL)
        return 0;
    tm.tm_mday -= days_ago;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000000;
}

static bool names_rule(json_t *rules, struct str rule)
{
    size_t i;
    json_t *hit;
    json_array_foreach(rules, i, hit)
    {
        json_t *name = json_object_get(hit, "name");
        if (str_eq(str_n(json_string_value(name), json_string_length(name)), rule))
            return true;
    }
    return false;
}

static void count(struct rules_history *history, const struct event_message *event, struct str rule)
{
    size_t day = 0;
    json_t *evidence = json_parse(event->evidence);
    json_t *rules = json_object_get(json_object_get(evidence, "content"), "rules");
    while (day + 1 < RULES_HISTORY_DAYS && event->time_us < history->days[day].from_us)
        day++;
    if (json_is_array(rules)) {
        bool hit = names_rule(rules, rule);
        history->days[day].messages++;
        history->days[day].hits += hit;
        history->days[day].spam += hit && str_eq(event->verdict, STR("spam"));
    }
    json_decref(evidence);
}

static int search(const char *state_dir, struct pool *pool, struct journal_found *found,
                  int64_t from, struct err *err)
{
    const struct journal_filter filter = {.from_us = from, .limit = JOURNAL_LIMIT_MAX};
    struct journal *journal = journal_open_state(state_dir, err);
    if (journal == NULL)
        return -1;
    int result = journal_search(journal, &filter, pool, found, err);
    journal_close(&journal);
    return result;
}

int rules_history_read(const struct conf *conf, struct str rule, struct rules_history *history,
                       struct err *err)
{
    struct journal_found found;
    time_t now = time(NULL);
    *history = (struct rules_history){0};
    for (int i = 0; i < RULES_HISTORY_DAYS; i++)
        history->days[i].from_us = midnight(now, i);
    struct pool *pool = pool_new(FOUND_POOL_MAX);
    if (pool == NULL)
        return err_set(err, "out of memory");
    int result =
        search(conf->state_dir, pool, &found, history->days[RULES_HISTORY_DAYS - 1].from_us, err);
    for (size_t i = 0; result == 0 && i < found.n_messages; i++)
        if (found.messages[i].complete)
            count(history, &found.messages[i].event, rule);
    history->cut = result == 0 && found.more;
    pool_free(&pool);
    return result;
}
