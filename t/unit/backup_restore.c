/* What a backup takes of settings, and how a restore brings it back onto an empty machine. */
#include "t/unit/tap.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backup/restore.h"
#include "base/fsio.h"

/* A machine of its own in a temporary folder. */
struct world {
    char root[32];
    char conf_path[PATH_MAX];
    char shelf[PATH_MAX];
    struct conf *conf;
};

static void place(const struct world *w, const char *name, char path[PATH_MAX])
{
    struct err err;
    assert_int_equal(fsio_join(path, PATH_MAX, w->root, name, &err), 0);
}

static void folder(const struct world *w, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    place(w, name, path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void file(const struct world *w, const char *name, const char *text)
{
    char path[PATH_MAX];
    struct err err;
    place(w, name, path);
    assert_int_equal(fsio_replace(path, str_of(text), 0644, &err), 0);
}

static unsigned mode_of(const struct world *w, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    place(w, name, path);
    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void begin(struct world *w)
{
    char text[1000];
    struct err err = {""};
    *w = (struct world){.root = "/tmp/backup-restore-XXXXXX"};
    assert_non_null(mkdtemp(w->root));
    folder(w, "etc", 0711);
    folder(w, "etc/lists", 0755);
    folder(w, "etc/lists/more", 0710);
    folder(w, "state", 0700);
    file(w, "etc/lists/more/answer", "Thank you.\n");
    snprintf(text, sizeof text,
             "hostname = mx.backup.example\nstate_dir = \"%s/state\"\nrun_dir = \"%s/run\"\n"
             "reports { answer = \"%s/etc/lists/more/answer\" }\n"
             "queue { free_space_min = 0; free_files_min = 0 }\n"
             "domain backup.example { next_hop = \"smtp://192.0.2.1:25\" }\n",
             w->root, w->root, w->root);
    file(w, "etc/poterne.conf", text);
    place(w, "etc/poterne.conf", w->conf_path);
    place(w, "shelf", w->shelf);
    w->conf = conf_read(w->conf_path, NULL, NULL, &err);
    assert_string_equal(err.text, "");
    assert_non_null(w->conf);
}

static void end(struct world *w)
{
    struct err err;
    conf_free(&w->conf);
    assert_int_equal(fsio_empty_dir(w->root, &err), 0);
    assert_int_equal(rmdir(w->root), 0);
}

static struct taken take(const struct world *w)
{
    struct err err = {""};
    struct taken taken;
    if (backup_take(w->conf, w->shelf, NULL, NULL, &taken, &err) < 0)
        fail_msg("%s", err.text);
    return taken;
}

/* All settings, below `to`, with the file of settings where `config` says. */
static void restore(const struct world *w, const struct taken *taken, const char *to,
                    const char *config)
{
    char root[PATH_MAX];
    struct err err = {""};
    struct shelf shelf;
    place(w, to, root);
    assert_int_equal(shelf_open(w->shelf, &shelf, &err), 0);
    int fd = shelf_enter(&shelf, &taken->name, &err);
    struct manifest *m = shelf_manifest(fd, taken->name.text, &err);
    assert_non_null(m);
    struct restore r = {.fd = fd,
                        .m = m,
                        .parts = PART_BIT(PART_SETTINGS),
                        .root = root,
                        .config = config,
                        .state_dir = w->conf->state_dir,
                        .elsewhere = true};
    assert_int_equal(restore_begin(&r, &err), 0);
    if (restore_files(&r, &err) < 0)
        fail_msg("%s", err.text);
    restore_end(&r);
    manifest_free(&m);
    close(fd);
    shelf_close(&shelf);
}

static void folders_are_as_they_were(void **state)
{
    struct world w;
    char back[PATH_MAX];
    begin(&w);
    struct taken taken = take(&w);
    mode_t mask = umask(0077);
    restore(&w, &taken, "there", w.conf_path);
    restore(&w, &taken, "moved", "/new/place/poterne.conf");
    umask(mask);
    snprintf(back, sizeof back, "there%s/etc", w.root);
    assert_int_equal(mode_of(&w, back), 0711);
    snprintf(back, sizeof back, "there%s/etc/lists", w.root);
    assert_int_equal(mode_of(&w, back), 0755);
    snprintf(back, sizeof back, "there%s/etc/lists/more", w.root);
    assert_int_equal(mode_of(&w, back), 0710);
    assert_int_equal(mode_of(&w, "moved/new/place"), 0711);
    assert_int_equal(mode_of(&w, "moved/new/place/lists"), 0755);
    assert_int_equal(mode_of(&w, "moved/new/place/lists/more"), 0710);
    assert_int_equal(mode_of(&w, "moved/new/place/lists/more/answer"), 0644);
    assert_int_equal(mode_of(&w, "moved"), 0755);
    end(&w);
}

static void link_to(const struct world *w, const char *to, const char *name)
{
    char path[PATH_MAX];
    place(w, name, path);
    assert_int_equal(symlink(to, path), 0);
}

static void links_are_followed(void **state)
{
    struct world w;
    begin(&w);
    folder(&w, "shared", 0750);
    file(&w, "shared/fragment", "hostname = other.backup.example\n");
    folder(&w, "etc/conf.d", 0755);
    link_to(&w, "../../shared/fragment", "etc/conf.d/a.conf");
    link_to(&w, "../../shared", "etc/conf.d/folder");
    link_to(&w, "nowhere", "etc/conf.d/dangling");
    link_to(&w, "self", "etc/conf.d/self");
    link_to(&w, "..", "etc/conf.d/up");
    folder(&w, "etc/conf.d/0", 0755);
    char deep[64] = "etc/conf.d/0";
    for (unsigned i = 1; i < 10; i++) {
        snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "/%u", i);
        folder(&w, deep, 0755);
    }
    struct taken taken = take(&w);
    assert_int_equal(taken.left_out, 4);
    restore(&w, &taken, "moved", "/etc/poterne.conf");
    assert_int_equal(mode_of(&w, "moved/etc/conf.d/a.conf"), 0644);
    assert_int_equal(mode_of(&w, "moved/etc/conf.d/folder"), 0750);
    assert_int_equal(mode_of(&w, "moved/etc/conf.d/folder/fragment"), 0644);
    assert_int_equal(mode_of(&w, "moved/etc/conf.d/up"), 0);
    end(&w);
}

/* The gateway reads conf.d beside the name that it was given, and so does who restores it. */
static void settings_that_are_a_link(void **state)
{
    struct world w;
    char back[PATH_MAX];
    struct err err = {""};
    begin(&w);
    folder(&w, "elsewhere", 0755);
    folder(&w, "etc/conf.d", 0755);
    file(&w, "etc/conf.d/a.conf", "reports { digest_hour = 5 }\n");
    place(&w, "elsewhere/real.conf", back);
    assert_int_equal(rename(w.conf_path, back), 0);
    link_to(&w, "../elsewhere/real.conf", "etc/poterne.conf");
    conf_free(&w.conf);
    w.conf = conf_read(w.conf_path, NULL, NULL, &err);
    assert_string_equal(err.text, "");
    struct taken taken = take(&w);
    restore(&w, &taken, "there", w.conf_path);
    snprintf(back, sizeof back, "there%s/etc/poterne.conf", w.root);
    assert_int_equal(mode_of(&w, back), 0644);
    snprintf(back, sizeof back, "there%s/etc/conf.d/a.conf", w.root);
    assert_int_equal(mode_of(&w, back), 0644);
    snprintf(back, sizeof back, "there%s/elsewhere", w.root);
    assert_int_equal(mode_of(&w, back), 0);
    end(&w);
}

/* What can be seen of the disk: no backup goes into twice the reserve, of bytes or of names. */
static void the_reserve_stays_free(void **state)
{
    struct world w;
    struct statvfs vfs;
    struct taken taken;
    begin(&w);
    struct conf conf = *w.conf;
    assert_int_equal(statvfs(w.root, &vfs), 0);
    uint64_t room = (uint64_t)vfs.f_bavail * vfs.f_frsize;
    struct err err = {""};
    conf.queue.free_space_min = (size_t)(room * 3 / 4);
    assert_int_equal(backup_take(&conf, w.shelf, NULL, NULL, &taken, &err), -1);
    assert_non_null(strstr(err.text, "is full but for 2 times"));
    conf.queue.free_space_min = 0;
    if (vfs.f_files && vfs.f_favail / 4 * 3 < UINT_MAX) {
        conf.queue.free_files_min = (unsigned)(vfs.f_favail / 4 * 3);
        assert_int_equal(backup_take(&conf, w.shelf, NULL, NULL, &taken, &err), -1);
        assert_non_null(strstr(err.text, "is full but for 2 times"));
    }
    end(&w);
}

/* The journal is copied whole before any piece of it is. */
static void there_is_room_for_the_journal(void **state)
{
    struct world w;
    struct statvfs vfs;
    struct taken taken;
    char path[PATH_MAX];
    begin(&w);
    struct conf conf = *w.conf;
    conf.queue.free_space_min = 0;
    conf.queue.free_files_min = 0;
    folder(&w, "state/journal", 0700);
    file(&w, "state/journal/journal.sqlite", "");
    place(&w, "state/journal/journal.sqlite", path);
    assert_int_equal(statvfs(w.root, &vfs), 0);
    struct err err = {""};
    off_t more = (off_t)(vfs.f_bavail * vfs.f_frsize + (4ull << 30));
    if (truncate(path, more) < 0) {
        end(&w);
        tap_skip("no file here can have a hole that is as large as the disk");
    }
    assert_int_equal(backup_take(&conf, w.shelf, NULL, NULL, &taken, &err), -1);
    assert_non_null(strstr(err.text, "the journal is not copied"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_as_they_were),      cmocka_unit_test(links_are_followed),
        cmocka_unit_test(settings_that_are_a_link),      cmocka_unit_test(the_reserve_stays_free),
        cmocka_unit_test(there_is_room_for_the_journal),
    };
    return tap_run(tests, NULL, NULL);
}
