/* quarantine_list: what is held, newest first. */
#include <time.h>

#include "base/recipient.h"
#include "tools/json.h"
#include "tools/quarantine_tool.h"

#define FOUND_POOL_MAX ((size_t)1024 * 1024 * 1024)

static void put_damaged(void *data, const char *id, const char *why)
{
    struct spool_view *view = data;
    struct err err;
    err_set(&err, "%s can't be read: %s", id, why);
    spool_view_worse(view, tool_fail(view->command, &err));
}

struct held_finder *quarantine_finder(struct spool_view *view)
{
    struct err err = {""};
    struct held_finder *finder =
        held_finder_open(view->spool, view->conf->state_dir, put_damaged, view, &err);
    if (finder == NULL)
        spool_view_worse(view, tool_fail(view->command, &err));
    return finder;
}

static int64_t now_us(void)
{
    return (int64_t)time(NULL) * 1000000;
}

static struct str text_of(const char *word)
{
    return word ? str_of(word) : STR_EMPTY;
}

bool quarantine_filter(struct spool_view *view, struct held_filter *filter)
{
    const struct tool_args *args = view->args;
    struct err err = {""};
    enum held_class class;
    *filter = (struct held_filter){.sender = text_of(args->sender),
                                   .recipient = text_of(args->recipient),
                                   .virus = text_of(args->virus),
                                   .engine = text_of(args->engine),
                                   .limit = args->limit};
    if (args->reason && held_class_find(str_of(args->reason), &class))
        filter->classes = 1u << class;
    else
        filter->reason = text_of(args->reason);
    if ((args->since && tool_when("--since", args->since, now_us(), &filter->from_us, &err) < 0) ||
        (args->until && tool_when("--until", args->until, now_us(), &filter->to_us, &err) < 0)) {
        spool_view_worse(view, tool_misused(view->command, "%s", err.text));
        return false;
    }
    return true;
}

/* --- for programs --- */

static json_t *recipients_json(const struct held *held)
{
    json_t *list = json_array();
    for (size_t i = 0; i < held->n_recipients; i++) {
        const struct held_recipient *r = &held->recipients[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:s}", "address", json_text(r->address), "state",
                                        recipient_state_name((enum recipient_state)r->state)));
    }
    return list;
}

static json_t *answers_json(const struct held *held)
{
    json_t *list = json_array();
    for (size_t i = 0; i < held->n_answers; i++) {
        const struct held_answer *a = &held->answers[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o}", "engine", json_text(a->engine), "result",
                                        json_text(a->result), "name", json_text(a->name)));
    }
    return list;
}

static json_t *held_json(const struct held *held)
{
    const struct held_answer *found = held_finding(held);
    return json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
        "id", json_text(held->id), "time", json_time(held->time_us), "held_since",
        json_time(held->since_us), "class", held_class_name(held->class), "held",
        json_text(held->reason), "engine", json_text(found ? found->engine : STR_EMPTY),
        "signature", json_text(found ? found->name : STR_EMPTY), "sender", json_text(held->sender),
        "client_ip", json_text(held->client_ip), "client_name", json_text(held->client_name),
        "helo", json_text(held->helo), "subject", json_text(held->subject), "message_id",
        json_text(held->message_id), "verdict", json_text(held->verdict), "size",
        (json_int_t)held->size, "recipients", recipients_json(held), "answers", answers_json(held));
}

/* --- for people --- */

static void put_line(const char *label, struct str text)
{
    if (text.n == 0)
        return;
    printf("  %-11s ", label);
    tool_put_text(stdout, text);
    putchar('\n');
}

static void put_held(const struct held *held)
{
    char when[TOOL_TIME_SIZE], size[TOOL_SIZE_SIZE];
    tool_time(held->time_us, when);
    tool_size(held->size, size);
    printf("%.*s  %s  %s  %s  from <", STR_ARG(held->id), when, size, held_class_name(held->class));
    tool_put_text(stdout, held->sender);
    fputs(">\n", stdout);
    put_line("client", held->client_ip);
    put_line("subject", held->subject);
    put_line("held", held->reason);
    for (size_t i = 0; i < held->n_recipients; i++) {
        fputs("  to          ", stdout);
        tool_put_text(stdout, held->recipients[i].address);
        printf("  %s\n", recipient_state_name((enum recipient_state)held->recipients[i].state));
    }
}

void quarantine_put(struct spool_view *view, const struct held *held)
{
    view->listed++;
    if (view->args->given & OPT_JSON)
        json_line(held_json(held));
    else
        put_held(held);
}

/* --- how many --- */

struct counts {
    uint64_t of[HELD_CLASSES], all;
};

static bool count(struct spool_view *view, struct held_finder *finder, struct counts *counts)
{
    struct err err = {""};
    counts->all = 0;
    if (held_count(finder, counts->of, &err) < 0) {
        spool_view_worse(view, tool_fail(view->command, &err));
        return false;
    }
    for (size_t i = 0; i < HELD_CLASSES; i++)
        counts->all += counts->of[i];
    return true;
}

static json_t *counts_json(const struct counts *counts)
{
    json_t *classes = json_object();
    for (size_t i = 0; i < HELD_CLASSES; i++)
        json_object_set_new(classes, held_class_name((enum held_class)i),
                            json_integer((json_int_t)counts->of[i]));
    return json_pack("{s:I, s:o}", "held", (json_int_t)counts->all, "classes", classes);
}

/* "312 messages in quarantine: 300 virus, 12 undeliverable" */
static void put_counts(const struct counts *counts)
{
    uint64_t all = counts->all;
    printf("%llu message%s in quarantine", (unsigned long long)all, all == 1 ? "" : "s");
    const char *between = ": ";
    for (size_t i = 0; i < HELD_CLASSES; i++)
        if (counts->of[i]) {
            printf("%s%llu %s", between, (unsigned long long)counts->of[i],
                   held_class_name((enum held_class)i));
            between = ", ";
        }
    putchar('\n');
}

void quarantine_count(struct spool_view *view)
{
    struct counts counts;
    struct held_finder *finder = quarantine_finder(view);
    if (finder && count(view, finder, &counts)) {
        if (view->args->given & OPT_JSON)
            json_line(counts_json(&counts));
        else
            put_counts(&counts);
    }
    held_finder_close(&finder);
}

/* What is behind a list for people. */
static void put_end(struct spool_view *view, struct held_finder *finder, bool more)
{
    struct counts counts;
    if (view->args->given & OPT_JSON || !count(view, finder, &counts))
        return;
    if (more)
        printf("%zu shown, there are more that match: see --limit\n", view->listed);
    else if (view->args->given & (FILTER_OPTIONS | OPT_DRY_RUN))
        printf("%zu match\n", view->listed);
    put_counts(&counts);
}

static void list(struct spool_view *view, const struct held_filter *filter)
{
    struct held_list found = {0};
    struct err err = {""};
    struct pool *pool = pool_new(FOUND_POOL_MAX);
    struct held_finder *finder = pool ? quarantine_finder(view) : NULL;
    if (pool == NULL)
        err_set(&err, "out of memory");
    if (finder && held_find(finder, filter, pool, &found, &err) == 0) {
        for (size_t i = 0; i < found.n; i++)
            quarantine_put(view, found.list[i]);
        put_end(view, finder, found.more);
    }
    if (err.text[0])
        spool_view_worse(view, tool_fail(view->command, &err));
    held_finder_close(&finder);
    pool_free(&pool);
}

void quarantine_list(struct spool_view *view)
{
    struct held_filter filter;
    if (quarantine_filter(view, &filter))
        list(view, &filter);
}

void quarantine_list_expired(struct spool_view *view)
{
    int64_t before_us[HELD_CLASSES];
    for (size_t i = 0; i < HELD_CLASSES; i++) {
        unsigned keep = held_keep(view->conf, (enum held_class)i);
        before_us[i] = keep ? now_us() - (int64_t)keep * 1000000 : 0;
    }
    const struct held_filter filter = {.held_before_us = before_us, .limit = view->args->limit};
    list(view, &filter);
}
