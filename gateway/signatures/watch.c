#include "gateway/signatures/watch.h"

#include <errno.h>
#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/str.h"

#define CHANGES                                                                                    \
    (IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |            \
     IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
#define EVENTS_AT_ONCE 65536

static void watch_folder(void *data, const char *path)
{
    const struct watch *watch = data;
    if (watch->fd >= 0 && inotify_add_watch(watch->fd, path, CHANGES) < 0)
        log_debug("%s is not watched: %m", path);
}

static void forget_events(const struct watch *watch)
{
    char events[EVENTS_AT_ONCE] __attribute__((aligned(__alignof__(struct inotify_event))));
    while (watch->fd >= 0 && read(watch->fd, events, sizeof events) > 0) {
    }
}

/* A rule file that is named itself: its folder tells when another one is renamed over it. */
static void watch_parent(struct watch *watch, const char *path)
{
    char folder[PATH_MAX];
    size_t slash = str_rchr(str_of(path), '/');
    if (slash != STR_NONE && slash > 0 &&
        str_copy(str_sub(str_of(path), 0, slash), folder, sizeof folder))
        watch_folder(watch, folder);
}

/* Each look watches the folders of now: new ones, and others under an old name. */
static int look(struct watch *watch, struct err *err)
{
    struct signature_files files;
    fsio_close_quiet(&watch->fd);
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (signature_files_used(watch->conf, "yara"))
        watch_parent(watch, watch->conf->yara_rules);
    if (signature_files_used(watch->conf, "files"))
        watch_parent(watch, watch->conf->file_policy);
    int result = signature_files_look(watch->conf, watch_folder, watch, &files, err);
    watch->seen = result == 0 ? files.fingerprint : 0;
    return result;
}

void watch_open(struct watch *watch, const struct conf_antivirus *conf)
{
    *watch = (struct watch){.conf = conf, .fd = -1, .look_at = clock_ms()};
}

void watch_close(struct watch *watch)
{
    fsio_close_quiet(&watch->fd);
}

static void unsettle(struct watch *watch, int64_t now)
{
    if (watch->settled || watch->unsettled_from == 0)
        watch->unsettled_from = now;
    watch->settled = false;
}

void watch_events(struct watch *watch)
{
    int64_t now = clock_ms();
    forget_events(watch);
    unsettle(watch, now);
    /* never later: other files in these folders may change all the time */
    if (watch->look_at > now + WATCH_SETTLE_MS)
        watch->look_at = now + WATCH_SETTLE_MS;
}

void watch_hurry(struct watch *watch)
{
    int64_t now = clock_ms();
    unsettle(watch, now);
    watch->seen = 0; /* whatever the look finds is new: another one must agree with it */
    watch->look_at = now;
}

int watch_wait(const struct watch *watch)
{
    int64_t left = watch->look_at - clock_ms();
    return left < 0 ? 0 : left > WATCH_POLL_MS ? WATCH_POLL_MS : (int)left;
}

bool watch_tick(struct watch *watch)
{
    struct err err = {""};
    int64_t now = clock_ms();
    uint64_t before = watch->seen;
    if (now < watch->look_at)
        return false;
    bool failed = look(watch, &err) < 0;
    if (failed && !watch->broken)
        log_error("signatures are not watched: %s", err.text);
    if (!failed && watch->broken)
        log_info("signatures are watched again");
    watch->broken = failed;
    if (failed || watch->seen != before)
        unsettle(watch, now);
    else
        watch->settled = true;
    if (!failed && now - watch->unsettled_from >= WATCH_SETTLE_MAX_MS)
        watch->settled = true;
    watch->look_at = now + (watch->settled || failed ? WATCH_POLL_MS : WATCH_SETTLE_MS);
    return true;
}
