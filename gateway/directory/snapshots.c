#include "gateway/directory/snapshots.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/ldap/lookup.h"
#include "directory/ldap/snapshot.h"

#define STOP_SECONDS 3
#define NICE         15 /* of the threads: the loop comes first */
#define WHEN_SIZE    40

/*
 * Tables are made and freed by the thread alone: a million of them take milliseconds to give back,
 * and nobody's RCPT waits for that. The loop only changes which one serves, so the thread may read
 * `serving` without the lock until it has handed over the next.
 */
struct keeper {
    struct snapshots *all;
    struct source *source;
    const struct conf_ldap *conf;
    struct ldap_session session;
    char path[PATH_MAX];
    pthread_t thread;
    bool running;
    /* under the lock */
    const struct table *serving;
    struct ldap_snapshot fresh; /* table NULL: nothing new */
    struct table *gone;         /* no longer serves, for the thread to free */
    struct shrink shrink;
    size_t held; /* addresses that serve on */
    bool hurry;  /* read one now */
    time_t tried_at;
    time_t trouble_since;
    char trouble[FINDING_NOTE_SIZE];
};

struct snapshots {
    const struct conf *conf;
    struct keeper *keepers;
    size_t n;
    int wake_fd;
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

/* --- the thread --- */

/* With the lock, which it lets go meanwhile. */
static void free_gone(struct keeper *k)
{
    struct table *gone = k->gone;
    k->gone = NULL;
    if (gone == NULL)
        return;
    pthread_mutex_unlock(&k->all->lock);
    table_free(&gone);
    pthread_mutex_lock(&k->all->lock);
}

/* False: it is time to stop. */
static bool pause_for(struct keeper *k, unsigned seconds)
{
    struct snapshots *s = k->all;
    struct timespec until;
    int result = 0;
    clock_gettime(CLOCK_MONOTONIC, &until); /* whatever the time of day is set to meanwhile */
    until.tv_sec += seconds;
    pthread_mutex_lock(&s->lock);
    free_gone(k);
    while (!s->stop && !k->hurry && result == 0) {
        result = pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &until);
        free_gone(k);
    }
    k->hurry = false;
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

static void set_trouble(struct keeper *k, const char *text)
{
    pthread_mutex_lock(&k->all->lock);
    if (k->trouble_since == 0)
        k->trouble_since = time(NULL);
    str_copy(str_sub(str_of(text), 0, sizeof k->trouble - 1), k->trouble, sizeof k->trouble);
    pthread_mutex_unlock(&k->all->lock);
}

static void tell_held(const struct keeper *k, size_t n, size_t held, const struct shrink *s)
{
    char when[WHEN_SIZE] = "that is said";
    time_t until = shrink_until(s, k->conf);
    struct tm tm;
    if (until && gmtime_r(&until, &tm))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    log_error("ldap %s: %zu addresses, where there were %llu: the %zu that are gone serve on until "
              "%s; where they are gone indeed, say `poterne directory accept %s`",
              k->conf->name, n, (unsigned long long)s->most, held, when, k->conf->name);
}

/* Where more was lost than is to be believed, those who are gone are added again. -1: err */
static int hold_lost(struct keeper *k, struct ldap_snapshot *snapshot, struct err *err)
{
    size_t n = table_count(snapshot->table), held = 0;
    pthread_mutex_lock(&k->all->lock);
    const struct table *serving = k->serving;
    bool before = k->shrink.held_since != 0;
    bool hold = shrink_holds(&k->shrink, k->conf, n, snapshot->when);
    snapshot->shrink = k->shrink;
    pthread_mutex_unlock(&k->all->lock);
    if (hold && serving) {
        if (table_add_missing(snapshot->table, serving) < 0)
            return err_set(err, "out of memory for those who are gone from the snapshot");
        table_trim(snapshot->table);
        held = table_count(snapshot->table) - n;
        tell_held(k, n, held, &snapshot->shrink);
    } else if (before) {
        log_info("ldap %s: %zu addresses are believed", k->conf->name, n);
    }
    pthread_mutex_lock(&k->all->lock);
    k->held = held;
    pthread_mutex_unlock(&k->all->lock);
    return 0;
}

static void tell_of(const struct keeper *k, const struct ldap_snapshot *s, int64_t took_ms)
{
    log_info("ldap %s: %zu addresses of %zu entries, %zu kB, in %.1f s", k->conf->name,
             table_count(s->table), s->entries, table_bytes(s->table) / 1024,
             (double)took_ms / 1000);
    if (s->twice)
        log_warning("ldap %s: %zu addresses stand in two entries, such as %s; the first has it",
                    k->conf->name, s->twice, s->twice_example);
}

static void hand_over(struct keeper *k, const struct ldap_snapshot *snapshot)
{
    pthread_mutex_lock(&k->all->lock);
    free_gone(k);
    struct table *unseen = k->fresh.table;
    k->fresh = *snapshot;
    k->trouble[0] = '\0';
    k->trouble_since = 0;
    pthread_mutex_unlock(&k->all->lock);
    table_free(&unseen);
    fsio_wake(k->all->wake_fd);
}

static bool read_one(struct keeper *k)
{
    struct ldap_snapshot snapshot;
    struct err err = {""};
    int64_t begun = clock_ms();
    int result = ldap_snapshot_read(&k->session, k->all->conf, &k->all->stop, &snapshot, &err);
    ldap_session_close(&k->session);
    pthread_mutex_lock(&k->all->lock);
    k->tried_at = time(NULL);
    pthread_mutex_unlock(&k->all->lock);
    if (result == 0 && hold_lost(k, &snapshot, &err) < 0) {
        table_free(&snapshot.table);
        result = -1;
    }
    if (result < 0) {
        if (!__atomic_load_n(&k->all->stop, __ATOMIC_RELAXED))
            log_error("ldap %s: no new snapshot: %s", k->conf->name, err.text);
        set_trouble(k, err.text);
        return false;
    }
    tell_of(k, &snapshot, clock_ms() - begun);
    if (ldap_snapshot_save(k->path, k->source->identity, &snapshot, &err) < 0)
        log_error("%s; the snapshot serves until the next restart only", err.text);
    hand_over(k, &snapshot);
    return true;
}

static void *keep(void *data)
{
    struct keeper *k = data;
    unsigned interval = k->conf->snapshot;
    unsigned retry = interval < SNAPSHOTS_RETRY ? interval : SNAPSHOTS_RETRY;
    /* of this thread alone (Linux) */
    if (setpriority(PRIO_PROCESS, 0, NICE) < 0)
        log_warning("ldap %s: the snapshot's thread has the priority of all: %m", k->conf->name);
    while (pause_for(k, read_one(k) ? interval : retry))
        ;
    return NULL;
}

/* --- the loop's side --- */

/* One from the disk serves as long as who is known from the cache does. */
static void take_from_disk(struct keeper *k)
{
    struct ldap_snapshot snapshot;
    struct err err = {""};
    if (ldap_snapshot_load(k->path, k->source->identity, &snapshot, &err) != 1) {
        log_info("ldap %s: no snapshot on disk yet: %s", k->conf->name, err.text);
        return;
    }
    time_t age = time(NULL) - snapshot.when;
    if (age < 0 || (uint64_t)age > k->all->conf->cache.positive) {
        log_warning("ldap %s: the snapshot on disk is too old to serve", k->conf->name);
        table_free(&snapshot.table);
        return;
    }
    log_info("ldap %s: %zu addresses from the disk, %lld s old", k->conf->name,
             table_count(snapshot.table), (long long)age);
    source_take(k->source, snapshot.table, snapshot.when);
    k->serving = snapshot.table;
    k->shrink = snapshot.shrink;
    if (k->shrink.held_since)
        k->held = table_count(snapshot.table) - (size_t)k->shrink.held_n;
}

static int keeper_open(struct keeper *k, struct snapshots *all, struct source *source,
                       const char *folder, struct err *err)
{
    char name[64];
    *k = (struct keeper){.all = all,
                         .source = source,
                         .conf = conf_ldap_find(all->conf, source->place.source.name)};
    snprintf(name, sizeof name, "ldap-%s", k->conf->name);
    if (fsio_join(k->path, sizeof k->path, folder, name, err) < 0)
        return -1;
    k->session.site = ldap_site_new(k->conf, err);
    if (k->session.site == NULL)
        return -1;
    source->decides = !k->conf->lookups;
    take_from_disk(k);
    return 0;
}

static void free_all(struct snapshots *s)
{
    for (size_t i = 0; i < s->n; i++) {
        table_free(&s->keepers[i].fresh.table);
        table_free(&s->keepers[i].gone);
        ldap_session_close(&s->keepers[i].session);
        ldap_site_free(&s->keepers[i].session.site);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s->keepers);
    free(s);
}

static bool has_snapshot(const struct directory *directory, const struct source *source)
{
    return source->kind == SOURCE_LDAP &&
           conf_ldap_find(directory->conf, source->place.source.name)->snapshot > 0;
}

struct snapshots *snapshots_new(struct directory *directory, const char *folder, struct err *err)
{
    struct snapshots *s = calloc(1, sizeof *s);
    struct keeper *keepers = calloc(directory->n_sources + 1, sizeof *keepers);
    if (s == NULL || keepers == NULL) {
        free(s);
        free(keepers);
        err_set(err, "directory: out of memory");
        return NULL;
    }
    *s = (struct snapshots){.conf = directory->conf, .keepers = keepers, .wake_fd = -1};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    for (size_t i = 0; i < directory->n_sources; i++) {
        struct source *source = &directory->sources[i];
        if (!has_snapshot(directory, source))
            continue;
        if (keeper_open(&keepers[s->n++], s, source, folder, err) < 0) {
            free_all(s);
            return NULL;
        }
    }
    return s;
}

int snapshots_start(struct snapshots *s, int wake_fd, struct err *err)
{
    s->wake_fd = wake_fd;
    for (size_t i = 0; i < s->n; i++) {
        errno = pthread_create(&s->keepers[i].thread, NULL, keep, &s->keepers[i]);
        if (errno)
            return err_sys(err, "cannot start a thread for the directory");
        s->keepers[i].running = true;
    }
    return 0;
}

bool snapshots_stop(struct snapshots **snapshots)
{
    struct snapshots *s = *snapshots;
    struct timespec until;
    bool ended = true;
    if (s == NULL)
        return true;
    pthread_mutex_lock(&s->lock);
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_SECONDS;
    for (size_t i = 0; i < s->n; i++) {
        struct keeper *k = &s->keepers[i];
        if (k->running && pthread_clockjoin_np(k->thread, NULL, CLOCK_MONOTONIC, &until) != 0)
            ended = false;
        else
            k->running = false;
    }
    if (!ended)
        return false;
    *snapshots = NULL;
    free_all(s);
    return true;
}

void snapshots_collect(struct snapshots *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct keeper *k = &s->keepers[i];
        pthread_mutex_lock(&s->lock);
        if (k->fresh.table && k->gone == NULL) {
            k->gone = source_take(k->source, k->fresh.table, k->fresh.when);
            k->serving = k->fresh.table;
            k->fresh.table = NULL;
            pthread_cond_broadcast(&s->changed);
        }
        pthread_mutex_unlock(&s->lock);
        if (k->source->table && time(NULL) - k->source->loaded_at > snapshots_late(k->conf))
            k->source->stale = true;
    }
}

static struct keeper *keeper_of(struct snapshots *s, const struct source *source)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->keepers[i].source == source)
            return &s->keepers[i];
    return NULL;
}

bool snapshots_state(struct snapshots *s, const struct source *source, struct snapshot_state *state)
{
    struct keeper *k = keeper_of(s, source);
    if (k == NULL)
        return false;
    pthread_mutex_lock(&s->lock);
    *state = (struct snapshot_state){.tried_at = k->tried_at,
                                     .held = k->shrink.held_since ? k->held : 0,
                                     .trouble_since = k->trouble_since,
                                     .held_since = k->shrink.held_since,
                                     .held_until = shrink_until(&k->shrink, k->conf)};
    memcpy(state->trouble, k->trouble, sizeof state->trouble);
    pthread_mutex_unlock(&s->lock);
    return true;
}

bool snapshots_accept(struct snapshots *s, struct str name, size_t *n)
{
    bool held = false;
    *n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct keeper *k = &s->keepers[i];
        if (!str_eq(str_of(k->conf->name), name))
            continue;
        pthread_mutex_lock(&s->lock);
        held = shrink_accept(&k->shrink, time(NULL));
        if (held) {
            *n = k->held;
            k->held = 0;
            k->hurry = true;
            pthread_cond_broadcast(&s->changed);
        }
        pthread_mutex_unlock(&s->lock);
        if (held)
            log_info("ldap %s: %zu addresses are given up, as a manager says", k->conf->name, *n);
    }
    return held;
}
