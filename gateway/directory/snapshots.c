#include "gateway/directory/snapshots.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "directory/ldap/snapshot.h"

#define STOP_SECONDS 3
/* Fewer than so many hundredths of those before: taken up when the next one says so too. */
#define SHRINK_PERCENT 50

struct keeper {
    struct snapshots *all;
    struct source *source;
    const struct conf_ldap *conf;
    struct ldap_session session;
    char path[PATH_MAX];
    pthread_t thread;
    bool running;
    size_t last_n;   /* addresses in the one before, whether or not it was taken */
    size_t served_n; /* in the one that serves */
    /* under the lock */
    struct ldap_snapshot fresh; /* table NULL: nothing new */
    char trouble[FINDING_NOTE_SIZE];
};

struct snapshots {
    const struct conf *conf;
    struct keeper *keepers;
    size_t n;
    int wake_fd;
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
};

/* --- the thread --- */

/* False: it is time to stop. */
static bool pause_for(struct snapshots *s, unsigned seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&s->lock);
    int result = 0;
    while (!s->stop && result == 0)
        result = pthread_cond_timedwait(&s->stopped, &s->lock, &until);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return !stop;
}

static void set_trouble(struct keeper *k, const char *text)
{
    pthread_mutex_lock(&k->all->lock);
    str_copy(str_sub(str_of(text), 0, sizeof k->trouble - 1), k->trouble, sizeof k->trouble);
    pthread_mutex_unlock(&k->all->lock);
}

/* A right that was taken away, a base that was moved: half of the people gone is more often that.
 */
static bool is_plausible(struct keeper *k, const struct ldap_snapshot *snapshot, struct err *err)
{
    size_t n = table_count(snapshot->table);
    size_t before = k->last_n;
    k->last_n = n;
    if (n * 100 >= k->served_n * SHRINK_PERCENT || n == before)
        return true;
    err_set(err, "%zu addresses, where there were %zu: taken up only if the next one says the same",
            n, k->served_n);
    return false;
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
    const uint64_t one = 1;
    pthread_mutex_lock(&k->all->lock);
    table_free(&k->fresh.table);
    k->fresh = *snapshot;
    k->trouble[0] = '\0';
    pthread_mutex_unlock(&k->all->lock);
    while (write(k->all->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static bool read_one(struct keeper *k)
{
    struct ldap_snapshot snapshot;
    struct err err = {""};
    int64_t begun = clock_ms();
    int result = ldap_snapshot_read(&k->session, k->all->conf, &k->all->stop, &snapshot, &err);
    ldap_session_close(&k->session);
    if (result == 0 && !is_plausible(k, &snapshot, &err)) {
        table_free(&snapshot.table);
        result = -1;
    }
    if (result < 0) {
        if (!__atomic_load_n(&k->all->stop, __ATOMIC_RELAXED))
            log_error("ldap %s: no new snapshot: %s", k->conf->name, err.text);
        set_trouble(k, err.text);
        return false;
    }
    k->served_n = table_count(snapshot.table);
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
    while (pause_for(k->all, read_one(k) ? interval : retry))
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
    k->served_n = table_count(snapshot.table);
    log_info("ldap %s: %zu addresses from the disk, %lld s old", k->conf->name, k->served_n,
             (long long)age);
    source_take(k->source, snapshot.table, snapshot.when);
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
        ldap_session_close(&s->keepers[i].session);
        ldap_site_free(&s->keepers[i].session.site);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->stopped);
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
    pthread_cond_init(&s->stopped, NULL);
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
    pthread_cond_broadcast(&s->stopped);
    pthread_mutex_unlock(&s->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    for (size_t i = 0; i < s->n; i++) {
        struct keeper *k = &s->keepers[i];
        if (k->running && pthread_timedjoin_np(k->thread, NULL, &until) != 0)
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
        struct ldap_snapshot fresh = k->fresh;
        k->fresh.table = NULL;
        pthread_mutex_unlock(&s->lock);
        if (fresh.table)
            source_take(k->source, fresh.table, fresh.when);
        int64_t late = 2 * (int64_t)k->conf->snapshot + SNAPSHOTS_RETRY;
        if (k->source->table && time(NULL) - k->source->loaded_at > late)
            k->source->stale = true;
    }
}

bool snapshots_trouble(struct snapshots *s, const struct source *source,
                       char out[FINDING_NOTE_SIZE])
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->keepers[i].source != source)
            continue;
        pthread_mutex_lock(&s->lock);
        memcpy(out, s->keepers[i].trouble, FINDING_NOTE_SIZE);
        pthread_mutex_unlock(&s->lock);
        return true;
    }
    return false;
}
