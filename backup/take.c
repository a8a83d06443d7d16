#include "backup/take.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/note.h"
#include "backup/take_work.h"
#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "config.h"

#define HOLD_EVERY_MS 10000 /* the learner hears that we are at work */
#define FILE_MODE     0600
#define JOURNAL_COPY  ".journal"
#define DEPTH         2 /* folders in folders of the state */

static const struct {
    const char *name;
    const char *path;
} parts[BACKUP_PARTS] = {[PART_SETTINGS] = {"settings", "settings/"},
                         [PART_LEDGER] = {"ledger", "state/bayes/"},
                         [PART_JOURNAL] = {"journal", "state/journal/"},
                         [PART_QUARANTINE] = {"quarantine", "state/quarantine/"},
                         [PART_QUEUE] = {"queue", "state/queue/"},
                         [PART_REPORTS] = {"reports", "state/reports/"},
                         [PART_GATE] = {"gate", "state/gate/"}};

const char *backup_part_name(enum backup_part part)
{
    return parts[part].name;
}

enum backup_part backup_part_of(struct str path)
{
    if (str_starts(path, STR("state/corrupt/")))
        return PART_QUARANTINE;
    for (size_t i = 0; i < BACKUP_PARTS; i++)
        if (str_starts(path, str_of(parts[i].path)))
            return (enum backup_part)i;
    return PART_SETTINGS; /* state/signature.key, state/dkim/ */
}

/* --- the parts --- */

static int on_step(void *data, uint64_t bytes, struct err *err)
{
    struct take *take = data;
    (void)bytes;
    take->taken->files = take->t.files;
    take->taken->bytes = take->t.bytes;
    take->taken->written = take->t.written;
    take->taken->left_out = take->t.left_out;
    if (take->progress)
        take->progress(take->data, take->taken);
    if (take->hold == NULL || clock_ms() - take->held_at < HOLD_EVERY_MS)
        return 0;
    take->held_at = clock_ms();
    return learn_hold_keep(take->hold, err);
}

/* Bytes that a copy of it may need; 0: there is none. */
static uint64_t journal_size(const struct conf *conf)
{
    static const char *const names[] = {"journal/journal.sqlite", "journal/journal.sqlite-wal"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX];
        struct stat st;
        if (fsio_join(path, sizeof path, conf->state_dir, names[i], NULL) == 0 &&
            stat(path, &st) == 0)
            bytes += (uint64_t)st.st_size;
    }
    return bytes;
}

/* SQLite copies all of it at once, where pieces look for room one by one. */
static int take_journal(struct take *take, const char *folder, struct err *err)
{
    char copy[PATH_MAX];
    if (fsio_join(copy, sizeof copy, folder, JOURNAL_COPY, err) < 0)
        return -1;
    if (taking_room(&take->t, journal_size(take->conf), err) < 0)
        return err_prefix(err, "the journal is not copied");
    int there = journal_snapshot(take->conf->state_dir, copy, &take->journal, err);
    if (there == 0) /* nothing was ever written */
        return 0;
    if (there < 0 || taking_file(&take->t, take->t.fd, JOURNAL_COPY,
                                 STR("state/journal/journal.sqlite"), false, err) < 0)
        return -1;
    return 0;
}

/* Indexes are made anew from the files, and what is said of today's backup is of today. */
static bool is_lasting(const char *name)
{
    return str_find(str_of(name), STR(".sqlite")) == STR_NONE &&
           !str_starts(str_of(name), STR(BACKUP_NOTE));
}

static int take_folder(struct take *take, const char *name, struct err *err)
{
    char folder[PATH_MAX], as[64];
    snprintf(as, sizeof as, "state/%s", name);
    if (fsio_join(folder, sizeof folder, take->conf->state_dir, name, err) < 0)
        return -1;
    return taking_folder(&take->t, folder, str_of(as), is_lasting, DEPTH, err);
}

static int take_parts(struct take *take, const char *folder, struct err *err)
{
    if (take_settings(take, err) < 0 || take_folder(take, "gate/frozen", err) < 0 ||
        take_folder(take, "reports", err) < 0 || take_ledger(take, err) < 0 ||
        take_messages(take, err) < 0)
        return -1;
    int result = take_journal(take, folder, err);
    if (result == 0)
        result = take_messages_again(take, err);
    journal_snapshot_close(&take->journal);
    unlinkat(take->t.fd, JOURNAL_COPY, 0);
    return result;
}

/* --- around them --- */

static int describe(struct take *take, struct err *err)
{
    struct manifest *made = take->t.made;
    char text[32];
    time_t now = time(NULL);
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    made->made = pool_str(made->pool, str_of(text));
    made->program = pool_str(made->pool, STR(PACKAGE_VERSION));
    made->hostname = pool_str(made->pool, str_of(take->conf->hostname));
    made->state_dir = pool_str(made->pool, str_of(take->conf->state_dir));
    made->model = STR("");
    return made->made.s && made->program.s && made->hostname.s && made->state_dir.s
               ? 0
               : err_set(err, "out of memory");
}

static int write_manifest(struct take *take, struct err *err)
{
    struct buf text = BUF_INIT(MANIFEST_MAX);
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(take->t.fd, MANIFEST_FILE, flags, FILE_MODE);
    int result =
        fd < 0 ? err_sys(err, "cannot write the manifest") : manifest_put(take->t.made, &text, err);
    if (result == 0)
        result = fsio_write(fd, buf_str(&text), MANIFEST_FILE, err);
    if (fd >= 0 && fsio_close(&fd, MANIFEST_FILE, result < 0 ? NULL : err) < 0)
        result = -1;
    buf_release(&text);
    return result;
}

/* The newest that can be read is what the next one shares files with. */
static void find_old(struct take *take, const struct shelf *shelf, struct manifest **old)
{
    struct shelf_name name;
    struct err err;
    *old = NULL;
    take->t.old_fd = -1;
    if (shelf_find(shelf, NULL, &name, &err) < 0)
        return;
    take->t.old_fd = shelf_enter(shelf, &name, &err);
    if (take->t.old_fd >= 0)
        *old = shelf_manifest(take->t.old_fd, name.text, &err);
    if (*old == NULL)
        log_warning("%s: nothing is shared with it", err.text);
    take->t.old = *old;
}

static int take_into(struct take *take, const struct shelf *shelf, struct err *err)
{
    struct manifest *old = NULL;
    char folder[PATH_MAX];
    int n = snprintf(folder, sizeof folder, "%s/.new-%s", shelf->folder, take->taken->name.text);
    if (n < 0 || (size_t)n >= sizeof folder)
        return err_set(err, "%s: path too long", shelf->folder);
    take->t.made = manifest_new(err);
    if (take->t.made == NULL)
        return -1;
    find_old(take, shelf, &old);
    int result = taking_begin(&take->t, err);
    if (result == 0)
        result = describe(take, err);
    if (result == 0)
        result = take_parts(take, folder, err);
    if (result == 0)
        result = write_manifest(take, err);
    taking_end(&take->t);
    fsio_close_quiet(&take->t.old_fd);
    manifest_free(&old);
    manifest_free(&take->t.made);
    return result;
}

int backup_take(const struct conf *conf, const char *folder, taken_progress *progress, void *data,
                struct taken *taken, struct err *err)
{
    struct take take = {.conf = conf, .taken = taken, .progress = progress, .data = data};
    struct shelf shelf;
    *taken = (struct taken){.files = 0};
    if (shelf_open_to_write(folder, &shelf, err) < 0)
        return -1;
    take.t = (struct taking){.folder = shelf.folder,
                             .free_min = conf->queue.free_space_min,
                             .free_files_min = conf->queue.free_files_min,
                             .step = on_step,
                             .data = &take,
                             .fd = shelf_begin(&shelf, &taken->name, err)};
    int result = take.t.fd < 0 ? -1 : take_into(&take, &shelf, err);
    if (result == 0)
        result = shelf_commit(&shelf, &taken->name, take.t.fd, err);
    if (result < 0 && take.t.fd >= 0)
        shelf_abort(&shelf, &taken->name);
    fsio_close_quiet(&take.t.fd);
    on_step(&take, 0, NULL);
    struct err why;
    if (result == 0 && shelf_prune(&shelf, conf->backup.keep, &taken->pruned, &why) < 0)
        log_warning("the backup is made, but older ones stay: %s", why.text);
    shelf_close(&shelf);
    return result;
}
