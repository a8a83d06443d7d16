#include "gateway/edge/room.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "base/log.h"

#define FOLDER "journal"

void room_open(struct room *room, const struct conf *conf)
{
    char path[PATH_MAX];
    struct stat above, st;
    struct err err;
    *room = (struct room){.journal_fd = -1};
    if (fsio_join(path, sizeof path, conf->state_dir, FOLDER, &err) < 0 ||
        stat(conf->state_dir, &above) < 0)
        return;
    room->journal_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (room->journal_fd >= 0 && (fstat(room->journal_fd, &st) < 0 || st.st_dev == above.st_dev))
        fsio_close_quiet(&room->journal_fd);
}

void room_close(struct room *room)
{
    fsio_close_quiet(&room->journal_fd);
}

static void tell(const struct room_disk *before, const struct room_disk *now,
                 const struct spool_room *is, const char *folder, const char *name)
{
    if (now->last && !before->last)
        log_error("%s%s: half of the reserve is gone, too: %swho is refused is not in the journal",
                  folder, name, *name ? "" : "messages under way end with 452, and ");
    if (now->low && !before->low)
        log_error("%s%s has %llu bytes left (%llu files), less than queue.free_space_min or "
                  "queue.free_files_min: new mail gets 452 until there is room again",
                  folder, name, (unsigned long long)is->bytes, (unsigned long long)is->files);
    else if (before->low && !now->low)
        log_info("%s%s has room again", folder, name);
}

static void judge(struct room_disk *disk, const struct spool_room *is,
                  const struct conf_queue *keep)
{
    disk->low = is->bytes < keep->free_space_min || is->files < keep->free_files_min;
    disk->last = is->bytes < keep->free_space_min / 2 || is->files < keep->free_files_min / 2;
}

/* One that can't be asked for keeps nobody out. False: err. */
static bool look_at_spool(struct room *room, struct spool *spool, const struct conf *conf,
                          struct err *err)
{
    const struct conf_queue *keep = &conf->queue;
    const struct room_disk before = room->spool;
    struct spool_room is;
    room->spool.known = spool_room(spool, &is, err) == 0;
    if (!room->spool.known)
        return false;
    room->left = is.bytes > keep->free_space_min ? is.bytes - keep->free_space_min : 0;
    judge(&room->spool, &is, keep);
    tell(&before, &room->spool, &is, conf->state_dir, "");
    return true;
}

static bool look_at_journal(struct room *room, const struct conf *conf, struct err *err)
{
    const struct room_disk before = room->journal;
    struct spool_room is;
    if (room->journal_fd < 0)
        return true;
    room->journal.known = spool_room_of(room->journal_fd, "the journal's folder", &is, err) == 0;
    if (!room->journal.known)
        return false;
    judge(&room->journal, &is, &conf->queue);
    tell(&before, &room->journal, &is, conf->state_dir, "/" FOLDER);
    return true;
}

void room_look(struct room *room, struct spool *spool, const struct conf *conf)
{
    struct err err = {""};
    room->taken = 0;
    if (!look_at_spool(room, spool, conf, &err))
        log_warning("%s", err.text);
    if (!look_at_journal(room, conf, &err))
        log_warning("%s", err.text);
}

bool room_for(const struct room *room, uint64_t bytes)
{
    if (room->journal.known && room->journal.low)
        return false;
    return !room->spool.known || (!room->spool.low && bytes <= room->left);
}

bool room_goes_on(struct room *room, struct spool *spool, const struct conf *conf, size_t bytes)
{
    room->taken += bytes;
    if (room->taken >= ROOM_LOOK_BYTES)
        room_look(room, spool, conf);
    return !room->spool.last;
}

bool room_for_refusals(const struct room *room)
{
    return !room->spool.last && !room->journal.last;
}
