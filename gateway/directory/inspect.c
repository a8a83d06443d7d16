/* What `poterne directory` is told, in JSON. */
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "directory/table.h"
#include "gateway/directory/desk.h"
#include "mail/utf8.h"

static const char *const results[] = {
    [DIRECTORY_KNOWN] = "known",       [DIRECTORY_UNKNOWN] = "unknown",
    [DIRECTORY_NOT_OURS] = "not ours", [DIRECTORY_UNAVAILABLE] = "unavailable",
    [DIRECTORY_DISABLED] = "disabled", [DIRECTORY_FULL] = "full",
    [DIRECTORY_CLOSED] = "closed",     [DIRECTORY_NO_REDIRECT] = "redirection forbidden",
};

static void set_text(json_t *object, const char *name, const char *text)
{
    char clean[SOURCE_TITLE_SIZE + 3 * DIRECTORY_HOW_SIZE + 3 * PERSON_LIST_MAX];
    struct str whole = str_of(text);
    /* what servers say of themselves may be anything */
    if (whole.n && utf8_valid_end(whole) < whole.n)
        whole = str_n(clean, utf8_mend(whole, clean, sizeof clean));
    if (whole.n)
        json_object_set_new(object, name, json_stringn(whole.s, whole.n));
}

static void set_number(json_t *object, const char *name, uint64_t n)
{
    json_object_set_new(object, name, json_integer((json_int_t)n));
}

/* Who gets it: each who keeps a copy, and the last. */
static void set_way(json_t *object, const struct redirect_way *way)
{
    json_t *list = json_array();
    for (size_t i = 0; i < way->n; i++)
        if (way->hops[i].keep || i + 1 == way->n)
            json_array_append_new(list, json_string_nocheck(way->hops[i].address));
    json_object_set_new(object, "goes_to", list);
}

static void set_answer(json_t *object, const struct directory_answer *a)
{
    set_text(object, "result", results[a->result]);
    set_text(object, "address", a->address);
    set_text(object, "how", a->how);
    if (a->rewrite)
        json_object_set_new(object, "rewrite", json_true());
    if (a->quota_limit) {
        set_number(object, "quota_used", a->quota_used);
        set_number(object, "quota_limit", a->quota_limit);
    }
    set_text(object, "redirect", a->redirect);
    if (*a->redirect)
        json_object_set_new(object, "keep", json_boolean(a->keep));
    if (a->way.n)
        set_way(object, &a->way);
    set_text(object, "identities", a->identities);
}

static void put(json_t *object, struct buf *out)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (text)
        buf_add(out, str_of(text));
    else
        out->failed = true;
    free(text);
    json_decref(object);
}

static json_t *trial(const struct trial *t)
{
    char title[SOURCE_TITLE_SIZE];
    json_t *object = json_object();
    source_title(t->source, title);
    set_text(object, "source", title);
    set_answer(object, &t->answer);
    json_object_set_new(object, "asked", json_boolean(t->asked));
    set_number(object, "microseconds", (uint64_t)t->took_us);
    if (t->cached != CACHE_NOTHING) {
        json_t *cached = json_object();
        json_object_set_new(cached, "known", json_boolean(t->cached_known));
        json_object_set_new(cached, "fresh", json_boolean(t->cached == CACHE_FRESH));
        set_number(cached, "seconds", (uint64_t)(time(NULL) - t->cached_when));
        json_object_set_new(object, "cached", cached);
    }
    return object;
}

void inspect_test(struct desk *desk, const struct question *q, struct buf *out)
{
    json_t *object = json_object();
    json_t *sources = json_array();
    for (size_t i = 0; i < q->n_trials; i++)
        json_array_append_new(sources, trial(&q->trials[i]));
    set_text(object, "asked_for", q->address);
    set_answer(object, &q->search.answer);
    set_number(object, "microseconds", (uint64_t)(clock_us() - q->begun_us));
    json_object_set_new(object, "sources", sources);
    put(object, out);
}

/* Times are Unix seconds, and left out where there is none. */
static void set_time(json_t *object, const char *name, time_t when)
{
    if (when)
        set_number(object, name, (uint64_t)when);
}

static void set_snapshot(json_t *object, struct desk *desk, const struct source *source)
{
    struct snapshot_state state;
    if (!snapshots_state(desk->snapshots, source, &state))
        return;
    json_object_set_new(object, "snapshot", json_true());
    set_time(object, "tried", state.tried_at);
    set_text(object, "snapshot_trouble", state.trouble);
    set_time(object, "snapshot_trouble_since", state.trouble_since);
    if (source->table)
        set_time(object, "restart_until",
                 source->loaded_at + (time_t)desk->directory->conf->cache.positive);
    if (state.held == 0)
        return;
    set_number(object, "held", state.held);
    set_time(object, "held_since", state.held_since);
    set_time(object, "held_until", state.held_until);
}

static json_t *source_status(struct desk *desk, const struct source *source)
{
    const struct askers *askers = desk->askers[source->number];
    char title[SOURCE_TITLE_SIZE];
    struct askers_state state;
    json_t *object = json_object();
    source_title(source, title);
    set_text(object, "source", title);
    set_text(object, "kind", conf_source_kind_name(source->kind));
    if (source->table) {
        set_number(object, "addresses", table_count(source->table));
        set_number(object, "bytes", table_bytes(source->table));
        set_number(object, "seconds", (uint64_t)(time(NULL) - source->loaded_at));
        set_time(object, "loaded", source->loaded_at);
    }
    json_object_set_new(object, "current", json_boolean(source->table && !source->stale));
    json_object_set_new(object, "decides", json_boolean(source->decides || askers == NULL));
    set_snapshot(object, desk, source);
    if (askers == NULL)
        return object;
    askers_state(askers, &state);
    set_time(object, "trouble_since", state.trouble_since);
    set_number(object, "threads", state.threads);
    set_number(object, "open", state.open);
    set_number(object, "asked", state.asked);
    set_number(object, "failed", state.failed);
    json_object_set_new(object, "resting", json_boolean(state.resting));
    set_text(object, "trouble", state.trouble);
    return object;
}

void inspect_status(struct desk *desk, struct buf *out)
{
    struct cache_counts counts;
    json_t *object = json_object();
    json_t *sources = json_array();
    json_t *cache = json_object();
    cache_count(desk->cache, &counts);
    for (size_t i = 0; i < desk->directory->n_sources && i < STATUS_SOURCES_MAX; i++)
        json_array_append_new(sources, source_status(desk, &desk->directory->sources[i]));
    set_number(cache, "known", counts.positive);
    set_number(cache, "unknown", counts.negative);
    set_number(cache, "file_bytes", counts.file_bytes);
    set_number(cache, "hits", counts.hits);
    set_number(cache, "misses", counts.misses);
    set_number(cache, "known_seconds", desk->directory->conf->cache.positive);
    set_number(cache, "unknown_seconds", desk->directory->conf->cache.negative);
    set_number(object, "answered", desk->answered);
    set_number(object, "open", desk->n_open);
    json_object_set_new(object, "cache", cache);
    json_object_set_new(object, "sources", sources);
    put(object, out);
}

void inspect_forgotten(size_t n, struct buf *out)
{
    json_t *object = json_object();
    set_number(object, "forgotten", n);
    put(object, out);
}

void inspect_accepted(bool held, size_t n, struct buf *out)
{
    json_t *object = json_object();
    json_object_set_new(object, "held", json_boolean(held));
    set_number(object, "given_up", n);
    put(object, out);
}
