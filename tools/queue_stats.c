/* queue_stats: how many messages wait, for where, for how long and why: a table as of qshape. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "tools/json.h"
#include "tools/queue_count.h"
#include "tools/queue_hops.h"
#include "tools/queue_tool.h"

#define KEYS_MAX   ((size_t)256 * 1024 * 1024) /* bytes of keys */
#define REASON_MAX 60                          /* bytes of a reason that make it another one */
#define NAME_WIDTH 22
#define BAR_WIDTH  20
#define AGE_SIZE   16
#define SHORT_FROM 10000 /* from here on in thousands: the table is 80 columns wide */

enum by { BY_HOP, BY_DOMAIN, BY_SENDER, BY_REASON, BY_ACCOUNT, N_BY };
static const char *const by_names[N_BY] = {"hop", "domain", "sender", "reason", "account"};

struct stats {
    struct spool_view *view;
    struct count_table table;
    struct queue_hops hops; /* by hop, where the gateway runs */
    enum by by;
    int64_t now_us;
    bool full; /* out of memory: which was said */
};

/* --- counting --- */

static struct str key_of(const struct stats *stats, const struct spool_recipient *r,
                         char room[QUEUE_HOP_SIZE])
{
    size_t at = str_rchr(r->address, '@');
    switch (stats->by) {
    case BY_REASON:
        return r->detail.n ? str_sub(r->detail, 0, REASON_MAX) : STR("(not tried yet)");
    case BY_DOMAIN:
        return at == STR_NONE ? STR("(none)") : str_from(r->address, at + 1);
    default:
        return queue_hop_of(stats->view->conf, r->address, room);
    }
}

static bool count_file(struct stats *stats, const struct envelope *e,
                       const struct count_message *message)
{
    char room[QUEUE_HOP_SIZE];
    if (stats->by == BY_SENDER)
        return count_under(&stats->table, e->sender.n ? e->sender : STR("<>"), message);
    if (stats->by == BY_ACCOUNT)
        return count_under(&stats->table, e->account.n ? e->account : STR("(none)"), message);
    for (size_t i = 0; i < e->n_recipients; i++)
        if (queue_owes(&e->recipients[i]) &&
            !count_under(&stats->table, key_of(stats, &e->recipients[i], room), message))
            return false;
    return true;
}

static int count_one(void *data, struct spool_file *file)
{
    struct stats *stats = data;
    const struct count_message message = {.bytes = file->size,
                                          .age_us = stats->now_us - file->envelope.time_us,
                                          .state = spool_view_state(stats->view, &file->envelope)};
    count_message(&stats->table, &message);
    stats->full = !count_file(stats, &file->envelope, &message);
    return stats->full;
}

/* --- for programs --- */

static void age_name(size_t i, char name[AGE_SIZE])
{
    if (i < COUNT_AGES - 1)
        snprintf(name, AGE_SIZE, "%u", count_ages[i]);
    else
        snprintf(name, AGE_SIZE, "%u+", count_ages[COUNT_AGES - 2]);
}

static json_t *hop_json(const struct notice_hop *hop)
{
    if (hop == NULL)
        return NULL;
    json_t *object = json_pack("{s:b, s:i}", "down", hop->down, "connections", (int)hop->lanes);
    if (hop->down) {
        json_object_set_new(object, "error", json_text(hop->error));
        json_object_set_new(object, "again_in", json_integer(hop->again_s));
    }
    return object;
}

static void put_json(const struct stats *stats, const struct count_row *row, bool total)
{
    char name[AGE_SIZE];
    json_t *ages = json_object(), *states = json_object();
    for (size_t i = 0; i < COUNT_AGES; i++) {
        age_name(i, name);
        json_object_set_new(ages, name, json_integer((json_int_t)row->of_age[i]));
    }
    for (size_t i = 0; i < QUEUE_STATES; i++)
        json_object_set_new(states, queue_state_name((enum queue_state)i),
                            json_integer((json_int_t)row->of_state[i]));
    const struct notice_hop *hop = total ? NULL : queue_hops_find(&stats->hops, row->key);
    json_line(json_pack("{s:s, s:o, s:o*, s:b, s:I, s:I, s:o, s:o}", "by", by_names[stats->by],
                        "key", total ? json_null() : json_text(row->key), "hop", hop_json(hop),
                        "total", total, "messages", (json_int_t)row->n, "bytes",
                        (json_int_t)row->bytes, "ages", ages, "states", states));
}

/* --- for people --- */

static void put_number(size_t n, int width)
{
    if (n < SHORT_FROM)
        printf("%*zu", width, n);
    else
        printf("%*zuk", width - 1, n / 1000);
}

static void put_head(const struct stats *stats)
{
    char name[AGE_SIZE];
    printf("%-*s%7s", NAME_WIDTH, by_names[stats->by], "total");
    for (size_t i = 0; i < COUNT_AGES; i++) {
        age_name(i, name);
        printf("%5s", i == COUNT_AGES - 1 ? "more" : name);
    }
    puts("");
}

/* Cut to the column; what does not fit follows in the line below. */
static void put_name(struct str name)
{
    struct str cut = str_sub(name, 0, NAME_WIDTH - 1);
    while (cut.n < name.n && cut.n && ((unsigned char)name.s[cut.n] & 0xc0) == 0x80)
        cut.n--;
    tool_put_text(stdout, cut);
    printf("%*s", (int)(NAME_WIDTH - cut.n), "");
}

static void put_states(const struct count_row *row)
{
    char size[TOOL_SIZE_SIZE];
    tool_size(row->bytes, size);
    printf("  %s", size);
    for (size_t i = 0; i < QUEUE_STATES; i++)
        if (row->of_state[i])
            printf(", %zu %s", row->of_state[i], queue_state_name((enum queue_state)i));
    puts("");
}

static void put_row(const struct count_row *row, struct str name, size_t most)
{
    char bar[BAR_WIDTH + 1];
    size_t n = most ? (row->n * BAR_WIDTH + most - 1) / most : 0;
    put_name(name);
    printf("%7zu", row->n);
    for (size_t i = 0; i < COUNT_AGES; i++)
        put_number(row->of_age[i], 5);
    memset(bar, '#', n);
    bar[n] = '\0';
    printf("\n  %-*s", BAR_WIDTH, bar);
    put_states(row);
    if (name.n >= NAME_WIDTH) {
        fputs("  ", stdout);
        tool_put_text(stdout, name);
        puts("");
    }
}

static void put_hop(const struct notice_hop *hop)
{
    char again[TOOL_DURATION_SIZE];
    if (hop == NULL || !hop->down)
        return;
    tool_duration(hop->again_s > 0 ? (uint64_t)hop->again_s : 0, again);
    printf("  down, tried again in %s: ", again);
    tool_put_text(stdout, hop->error);
    puts("");
}

static void put_table(const struct stats *stats)
{
    const struct count_table *table = &stats->table;
    const struct tool_args *args = stats->view->args;
    bool json = args->given & OPT_JSON;
    size_t shown = json && !(args->given & OPT_LIMIT) ? table->n : args->limit;
    if (json) {
        put_json(stats, &table->total, true);
    } else {
        put_head(stats);
        put_row(&table->total, STR("TOTAL"), table->total.n);
    }
    for (size_t i = 0; i < table->n && i < shown; i++)
        if (json)
            put_json(stats, &table->rows[i], false);
        else {
            put_row(&table->rows[i], table->rows[i].key, table->total.n);
            put_hop(queue_hops_find(&stats->hops, table->rows[i].key));
        }
    if (!json && table->n > shown)
        printf("%zu more: see --limit\n", table->n - shown);
    if (!json)
        puts("messages by age in minutes, until now; one is in each line that it belongs to");
}

/* --- the command --- */

static bool read_by(struct stats *stats)
{
    const char *word = stats->view->args->count_by;
    for (size_t i = 0; i < N_BY; i++)
        if (word == NULL || strcmp(word, by_names[i]) == 0) {
            stats->by = (enum by)i;
            return true;
        }
    spool_view_worse(stats->view,
                     tool_misused(stats->view->command,
                                  "--by is hop, domain, sender, reason or account, not \"%s\"",
                                  word));
    return false;
}

static void count_all(struct stats *stats, const struct queue_filter *filter)
{
    struct spool_view *view = stats->view;
    const struct err err = {"out of memory for so many"};
    stats->now_us = (int64_t)time(NULL) * 1000000;
    stats->table.pool = pool_new(KEYS_MAX);
    random_fill(stats->table.key, sizeof stats->table.key);
    stats->full = stats->table.pool == NULL;
    bool whole = !stats->full && queue_each(view, filter, count_one, stats);
    if (stats->full)
        spool_view_worse(view, tool_fail(view->command, &err));
    else if (whole) {
        struct err away;
        bool asked = stats->by == BY_HOP && queue_hops_ask(view->conf->run_dir, stats->table.pool,
                                                           &stats->hops, &away) == 0;
        count_sort(&stats->table);
        put_table(stats);
        if (stats->by == BY_HOP && !asked && !(view->args->given & OPT_JSON))
            puts("the gateway does not say which next hops are down (is poterned running?)");
    }
}

void queue_stats(struct spool_view *view)
{
    struct stats stats = {.view = view};
    struct queue_filter filter;
    if (view->args->n_rest > 1)
        spool_view_worse(view, tool_misused(view->command, "stats takes no ids, only filters"));
    else if (read_by(&stats) && queue_filter_read(view, &filter))
        count_all(&stats, &filter);
    count_free(&stats.table);
}
