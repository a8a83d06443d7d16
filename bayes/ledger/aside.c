#include "bayes/ledger/aside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

#define NAMES_MAX   100
#define MARKER      "rebuild" /* "NAME ATTEMPTS" */
#define MARKER_MAX  256
#define MARKER_MODE 0640
#define PREFIX      "ledger.damaged-"

static int marker_put(const struct ledger *ledger, const char *name, unsigned attempts,
                      struct err *err)
{
    char path[PATH_MAX], text[MARKER_MAX];
    int n = snprintf(text, sizeof text, "%s %u\n", name, attempts);
    if (fsio_join(path, sizeof path, ledger->folder, MARKER, err) < 0)
        return -1;
    return fsio_replace(path, str_n(text, (size_t)n), MARKER_MODE, err);
}

/* False when there is none, or none that makes sense. */
static bool marker_get(const struct ledger *ledger, char *name, size_t size, unsigned *attempts)
{
    char path[PATH_MAX], array[MARKER_MAX];
    struct buf text = BUF_OVER(array);
    uint64_t number;
    if (fsio_join(path, sizeof path, ledger->folder, MARKER, NULL) < 0 ||
        fsio_read_file(path, &text, NULL) < 0)
        return false;
    struct str line = str_trim(buf_str(&text)), first;
    if (!str_next(&line, ' ', &first) || !str_starts(first, STR(PREFIX)) ||
        str_chr(first, '/') != STR_NONE || !str_to_u64(line, 1000000, &number))
        return false;
    *attempts = (unsigned)number;
    return str_copy(first, name, size);
}

/* A folder of a ledger holds plain files only. */
static int folder_remove(const char *home, struct err *err)
{
    char path[PATH_MAX];
    DIR *dir = opendir(home);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read folder %s", home);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && fsio_join(path, sizeof path, home, entry->d_name, NULL) == 0)
            unlink(path);
    closedir(dir);
    return rmdir(home) < 0 ? err_sys(err, "cannot remove %s", home) : 0;
}

static int ledger_remove(const struct ledger *ledger, struct err *err)
{
    char home[PATH_MAX];
    if (fsio_join(home, sizeof home, ledger->folder, "ledger", err) < 0)
        return -1;
    return folder_remove(home, err);
}

/* When it was set aside: seconds, and a number among those of one second. False: no such name. */
static bool name_order(const char *name, uint64_t order[2])
{
    struct str text = str_of(name), seconds;
    order[1] = 0;
    if (!str_starts(text, STR(PREFIX)))
        return false;
    text = str_from(text, strlen(PREFIX));
    bool numbered = str_chr(text, '.') != STR_NONE;
    if (numbered && (!str_next(&text, '.', &seconds) || !str_to_u64(text, NAMES_MAX, &order[1])))
        return false;
    return str_to_u64(numbered ? seconds : text, INT64_MAX, &order[0]);
}

/* The oldest of them, "" for none; returns how many there are. */
static size_t oldest(const char *folder, char *name, size_t size)
{
    uint64_t least[2] = {UINT64_MAX, 0}, order[2];
    size_t n = 0;
    DIR *dir = opendir(folder);
    *name = '\0';
    if (dir == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (!name_order(entry->d_name, order))
            continue;
        n++;
        bool older = order[0] < least[0] || (order[0] == least[0] && order[1] < least[1]);
        if (older && str_copy(str_of(entry->d_name), name, size))
            memcpy(least, order, sizeof least);
    }
    closedir(dir);
    return n;
}

/* What can't be removed costs space only. */
static void old_ones_remove(const struct ledger *ledger)
{
    char name[MARKER_MAX], path[PATH_MAX];
    struct err err;
    while (oldest(ledger->folder, name, sizeof name) > ASIDE_KEPT) {
        if (fsio_join(path, sizeof path, ledger->folder, name, &err) < 0 ||
            folder_remove(path, &err) < 0) {
            log_warning("a damaged ledger of long ago stays: %s", err.text);
            return;
        }
        log_info("%s, a damaged ledger of long ago, is removed", path);
    }
}

int aside_done(struct ledger *ledger, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, ledger->folder, MARKER, err) < 0)
        return -1;
    if (unlink(path) < 0 && errno != ENOENT)
        return err_sys(err, "cannot remove %s", path);
    old_ones_remove(ledger);
    return 0;
}

int aside_unfinished(struct ledger *ledger, struct aside *aside, struct err *err)
{
    char name[MARKER_MAX];
    if (!marker_get(ledger, name, sizeof name, &aside->attempts))
        return 0;
    if (fsio_join(aside->path, sizeof aside->path, ledger->folder, name, err) < 0)
        return -1;
    /* It was not even moved away: it is looked at as any. */
    if (access(aside->path, F_OK) < 0)
        return aside_done(ledger, err);
    log_warning("the ledger was being rebuilt from %s; once more", aside->path);
    if (ledger_remove(ledger, err) < 0 || marker_put(ledger, name, ++aside->attempts, err) < 0)
        return -1;
    return 1;
}

void aside_failed(struct ledger *ledger, const struct aside *aside)
{
    struct err err;
    const char *slash = strrchr(aside->path, '/');
    if (marker_put(ledger, slash + 1, aside->attempts - 1, &err) < 0)
        log_warning("%s", err.text);
}

int aside_set(struct ledger *ledger, struct aside *aside, struct err *err)
{
    char from[PATH_MAX], name[64];
    long long now = (long long)time(NULL);
    aside->attempts = 1;
    if (fsio_join(from, sizeof from, ledger->folder, "ledger", err) < 0)
        return -1;
    for (int i = 0; i < NAMES_MAX; i++) {
        snprintf(name, sizeof name, i ? PREFIX "%lld.%d" : PREFIX "%lld", now, i);
        if (fsio_join(aside->path, sizeof aside->path, ledger->folder, name, err) < 0)
            return -1;
        if (access(aside->path, F_OK) == 0)
            continue;
        if (marker_put(ledger, name, aside->attempts, err) < 0 ||
            fsio_rename_durable(from, aside->path, err) < 0)
            return -1;
        log_error("the ledger is damaged; it is kept as %s, and a new one is built from what is "
                  "left of it; the model in service serves on",
                  aside->path);
        return 0;
    }
    return err_set(err, "%s is damaged, and no free name to set it aside", from);
}
