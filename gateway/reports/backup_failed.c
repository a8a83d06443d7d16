#include "gateway/reports/backup_failed.h"

#include <limits.h>

#include "backup/note.h"
#include "backup/take.h"
#include "base/log.h"
#include "gateway/backup_alarm.h"

static int tell(const struct post *post, const char *why, struct err *err)
{
    char folder[PATH_MAX];
    if (backup_folder(post->conf, folder, sizeof folder, err) < 0)
        return -1;
    int told = backup_alarm(post, folder, why, err);
    if (told < 0)
        return -1;
    if (told == 0)
        log_error("no daily backup was made, and there is no manager whom mail can be sent to: %s",
                  why);
    return backup_note_remove(post->conf->state_dir, err);
}

void backup_failed_tick(const struct post *post, int64_t *look_at_ms, int64_t now_ms)
{
    char why[BACKUP_NOTE_MAX];
    struct err err = {""};
    if (now_ms < *look_at_ms)
        return;
    *look_at_ms = now_ms + BACKUP_FAILED_LOOK_MS;
    int there = backup_note_read(post->conf->state_dir, why, &err);
    if (there == 0 || (there == 1 && tell(post, why, &err) == 0))
        return;
    *look_at_ms = now_ms + BACKUP_FAILED_AGAIN_MS;
    log_error("the managers can't be told that no backup was made: %s", err.text);
}
