#include "gateway/edge/room.h"

#include "base/log.h"

static void tell(const struct room *before, const struct room *now, const struct spool_room *is,
                 const char *folder)
{
    if (now->last && !before->last)
        log_error("%s: half of the reserve is gone, too: messages under way end with 452, and who "
                  "is refused is not in the journal",
                  folder);
    if (now->low && !before->low)
        log_error("%s has %llu bytes left (%llu files), less than queue.free_space_min or "
                  "queue.free_files_min: new mail gets 452 until there is room again",
                  folder, (unsigned long long)is->bytes, (unsigned long long)is->files);
    else if (before->low && !now->low)
        log_info("%s has room again", folder);
}

void room_look(struct room *room, struct spool *spool, const struct conf *conf)
{
    const struct conf_queue *keep = &conf->queue;
    struct err err = {""};
    struct spool_room is;
    struct room before = *room;
    room->taken = 0;
    room->known = spool_room(spool, &is, &err) == 0;
    if (!room->known) {
        log_warning("%s", err.text);
        return;
    }
    room->left = is.bytes > keep->free_space_min ? is.bytes - keep->free_space_min : 0;
    room->low = is.bytes < keep->free_space_min || is.files < keep->free_files_min;
    room->last = is.bytes < keep->free_space_min / 2 || is.files < keep->free_files_min / 2;
    tell(&before, room, &is, conf->state_dir);
}

bool room_for(const struct room *room, uint64_t bytes)
{
    return !room->known || (!room->low && bytes <= room->left);
}

bool room_goes_on(struct room *room, struct spool *spool, const struct conf *conf, size_t bytes)
{
    room->taken += bytes;
    if (room->taken >= ROOM_LOOK_BYTES)
        room_look(room, spool, conf);
    return !room->last;
}
