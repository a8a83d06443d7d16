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

int aside_done(struct ledger *ledger, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, ledger->folder, MARKER, err) < 0)
        return -1;
    return unlink(path) < 0 && errno != ENOENT ? err_sys(err, "cannot remove %s", path) : 0;
}

/* The folder of a ledger holds plain files only. */
static int ledger_remove(const struct ledger *ledger, struct err *err)
{
    char home[PATH_MAX], path[PATH_MAX];
    if (fsio_join(home, sizeof home, ledger->folder, "ledger", err) < 0)
        return -1;
    DIR *dir = opendir(home);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read folder %s", home);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && fsio_join(path, sizeof path, home, entry->d_name, NULL) == 0)
            unlink(path);
    closedir(dir);
    return rmdir(home) < 0 ? err_sys(err, "cannot remove %s", home) : 0;
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
