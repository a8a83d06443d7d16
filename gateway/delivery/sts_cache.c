#include "gateway/delivery/sts_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/random.h"

#define FIRST_LINE "poterne sts 2"
#define LINE_OF_1  "poterne sts 1"
#define HEAD_MAX   120 /* bytes before the policy */
#define FILE_MODE  0600

struct sts_cache {
    char folder[PATH_MAX];
    _Atomic size_t n; /* files, about */
};

static bool is_entry(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t count_files(const char *folder)
{
    size_t n = 0;
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL)
        n += is_entry(entry);
    closedir(dir);
    return n;
}

struct sts_cache *sts_cache_open(const char *state_dir, struct err *err)
{
    struct sts_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    if (fsio_join(cache->folder, sizeof cache->folder, state_dir, "sts", err) < 0) {
        free(cache);
        return NULL;
    }
    cache->n = count_files(cache->folder);
    return cache;
}

void sts_cache_close(struct sts_cache **cache)
{
    free(*cache);
    *cache = NULL;
}

/* --- reading --- */

static bool read_number(struct str *text, int64_t *number)
{
    struct str line;
    uint64_t value;
    if (!str_next_line(text, &line) || !str_to_u64(line, INT64_MAX, &value))
        return false;
    *number = (int64_t)value;
    return true;
}

static bool read_head(struct str *text, struct sts_entry *entry)
{
    struct str version, id;
    if (!str_next_line(text, &version) || !str_next_line(text, &id) ||
        !str_copy(id, entry->id, sizeof entry->id) || !read_number(text, &entry->fetched))
        return false;
    entry->wanted = entry->fetched;
    return str_eq(version, STR(LINE_OF_1)) ||
           (str_eq(version, STR(FIRST_LINE)) && read_number(text, &entry->wanted));
}

static bool read_entry(struct str text, int64_t now, struct sts_entry *entry)
{
    struct err err;
    if (!read_head(&text, entry))
        return false;
    entry->policy = sts_policy_read(text, &err);
    if (entry->policy == NULL)
        return false;
    /* one from the future was written by a clock that was wrong: it holds no longer than any */
    if (now < entry->fetched + entry->policy->max_age && entry->fetched < now + STS_MAX_AGE_MAX)
        return true;
    free(entry->policy);
    entry->policy = NULL;
    return false;
}

bool sts_cache_load(struct sts_cache *cache, const char *domain, int64_t now,
                    struct sts_entry *entry)
{
    char path[PATH_MAX];
    struct buf text = BUF_INIT(STS_BYTES_MAX + HEAD_MAX);
    struct err err;
    bool found = fsio_join(path, sizeof path, cache->folder, domain, &err) == 0 &&
                 access(path, R_OK) == 0 && fsio_read_file(path, &text, &err) == 0 &&
                 read_entry(buf_str(&text), now, entry);
    buf_release(&text);
    return found;
}

/* --- writing --- */

struct store {
    struct work work;
    struct sts_cache *cache;
    char path[PATH_MAX];
    time_t end; /* seconds since 1970 */
    struct buf text;
};

/* What has ended goes; where that is nothing, the first that is met. */
static void make_room(struct sts_cache *cache)
{
    const struct dirent *entry;
    struct stat st;
    size_t n = 0;
    char any[NAME_MAX + 1] = "";
    DIR *dir = opendir(cache->folder);
    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (!is_entry(entry) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (st.st_mtime < time(NULL) && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            continue;
        snprintf(any, sizeof any, "%s", entry->d_name);
        n++;
    }
    if (n >= STS_CACHE_MAX && unlinkat(dirfd(dir), any, 0) == 0)
        n--;
    closedir(dir);
    cache->n = n;
}

static void run_store(struct work *work)
{
    struct store *s = (struct store *)work;
    const struct timespec times[] = {{.tv_sec = s->end}, {.tv_sec = s->end}};
    struct err err;
    bool is_new = access(s->path, F_OK) < 0;
    if (is_new && s->cache->n >= STS_CACHE_MAX)
        make_room(s->cache);
    if (fsio_replace(s->path, buf_str(&s->text), FILE_MODE, &err) < 0) {
        log_warning("%s; after a restart this MTA-STS policy must be fetched anew", err.text);
        return;
    }
    s->cache->n += is_new;
    if (utimensat(AT_FDCWD, s->path, times, 0) < 0)
        log_warning("cannot set the time of %s", s->path);
}

static void store_done(struct work *work)
{
    struct store *s = (struct store *)work;
    buf_release(&s->text);
    free(s);
}

void sts_cache_store(struct sts_cache *cache, struct workers *workers, const char *domain,
                     const struct sts_entry *entry, struct str text)
{
    struct err err;
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        log_warning("out of memory: the MTA-STS policy of %s is not kept", domain);
        return;
    }
    s->work = (struct work){.run = run_store, .done = store_done};
    s->cache = cache;
    s->end = (time_t)(entry->fetched + entry->policy->max_age);
    buf_init(&s->text, STS_BYTES_MAX + HEAD_MAX);
    buf_addf(&s->text, FIRST_LINE "\n%s\n%lld\n%lld\n", entry->id, (long long)entry->fetched,
             (long long)entry->wanted);
    buf_add(&s->text, text);
    if (buf_ok(&s->text) && fsio_join(s->path, sizeof s->path, cache->folder, domain, &err) == 0) {
        workers_give(workers, &s->work);
        return;
    }
    log_warning("the MTA-STS policy of %s is not kept", domain);
    store_done(&s->work);
}

/* --- what is to be renewed --- */

bool sts_entry_old(const struct sts_entry *entry, int64_t now)
{
    return now - entry->fetched >= STS_REFRESH ||
           now - entry->fetched >= entry->policy->max_age / 2;
}

static bool is_to_be_renewed(struct sts_cache *cache, const char *domain, int64_t now)
{
    struct sts_entry entry;
    if (!sts_cache_load(cache, domain, now, &entry))
        return false;
    bool renewed = sts_entry_old(&entry, now) && now - entry.wanted < STS_UNUSED;
    free(entry.policy);
    return renewed;
}

size_t sts_cache_old(struct sts_cache *cache, int64_t now, char (*names)[DOMAIN_SIZE], size_t max)
{
    const struct dirent *file;
    char name[DOMAIN_SIZE];
    size_t n = 0;
    DIR *dir = opendir(cache->folder);
    while (dir && (file = readdir(dir)) != NULL) {
        if (!is_entry(file) || !domain_normal(str_of(file->d_name), name) ||
            strcmp(name, file->d_name) != 0 || !is_to_be_renewed(cache, name, now))
            continue;
        /* each of those that are met is as likely to be among them */
        uint64_t chance;
        random_fill(&chance, sizeof chance);
        size_t at = n < max ? n : (size_t)(chance % (n + 1));
        if (at < max)
            memcpy(names[at], name, sizeof name);
        n++;
    }
    if (dir)
        closedir(dir);
    return n < max ? n : max;
}
