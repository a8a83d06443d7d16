/* What of a generation goes where, and what is left out unless it is asked for. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/restore.h"
#include "base/fsio.h"

#define PATH_SIZE 300

struct fixture {
    char root[48]; /* generation/ is in it, and machine/, where it comes back */
    char machine[60];
    struct manifest *m;
    struct restore r;
};

static void make_folders(const char *root, const char *path)
{
    char part[PATH_SIZE];
    for (size_t i = 1; path[i]; i++)
        if (path[i] == '/') {
            snprintf(part, sizeof part, "%s%.*s", root, (int)i, path);
            mkdir(part, 0755);
        }
}

/* Its text is its path. */
static void add(struct fixture *f, const char *path)
{
    struct err err = {""};
    struct piece piece = {.path = str_of(path),
                          .number = PIECE_WHOLE,
                          .mode = 0640,
                          .size = strlen(path),
                          .owner = STR("root:root")};
    char stored[PATH_SIZE], whole[2 * PATH_SIZE];
    snprintf(stored, sizeof stored, "/generation/files/%s", path);
    snprintf(whole, sizeof whole, "%s%s", f->root, stored);
    make_folders(f->root, stored);
    assert_int_equal(fsio_replace(whole, str_of(path), 0600, &err), 0);
    assert_int_equal(sha256_of(str_of(path), piece.sum, &err), 0);
    assert_int_equal(manifest_add(f->m, &piece, &err), 0);
}

static struct fixture *make(const char *config)
{
    struct err err = {""};
    char path[PATH_SIZE];
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->root, sizeof f->root, "/tmp/backup-elsewhere-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    snprintf(f->machine, sizeof f->machine, "%s/machine", f->root);
    assert_int_equal(mkdir(f->machine, 0755), 0);
    snprintf(path, sizeof path, "%s/generation", f->root);
    assert_int_equal(mkdir(path, 0755), 0);
    f->m = manifest_new(&err);
    assert_non_null(f->m);
    f->m->config = str_of(config);
    f->r = (struct restore){.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                            .m = f->m,
                            .parts = PARTS_ALL,
                            .root = f->machine,
                            .config = config,
                            .state_dir = "/var/lib/poterne"};
    assert_int_equal(restore_begin(&f->r, &err), 0);
    return f;
}

static void done(struct fixture *f)
{
    struct err err;
    restore_end(&f->r);
    close(f->r.fd);
    manifest_free(&f->m);
    assert_int_equal(fsio_empty_dir(f->root, &err), 0);
    assert_int_equal(rmdir(f->root), 0);
    free(f);
}

static bool is_there(const struct fixture *f, const char *path)
{
    char whole[PATH_SIZE];
    snprintf(whole, sizeof whole, "%s%s", f->machine, path);
    return access(whole, F_OK) == 0;
}

/* `elsewhere` is put back only where that was asked for. */
static void is_elsewhere(const char *config, const char *elsewhere, bool asked)
{
    struct err err = {""};
    char path[PATH_SIZE];
    struct fixture *f = make(config);
    f->r.elsewhere = asked;
    snprintf(path, sizeof path, "settings%s", elsewhere);
    add(f, path);
    snprintf(path, sizeof path, "settings%s", config);
    add(f, path);
    manifest_sort(f->m);
    assert_int_equal(restore_look(&f->r, &err), 0);
    assert_int_equal(f->r.ways_blocked, 0);
    assert_int_equal(restore_files(&f->r, &err), 0);
    assert_int_equal(f->r.left_out, asked ? 0 : 1);
    assert_true(is_there(f, config));
    assert_int_equal(is_there(f, elsewhere), asked);
    done(f);
}

static void what_is_elsewhere_is_asked_for(void **state)
{
    for (int asked = 0; asked < 2; asked++) {
        is_elsewhere("/etc/poterne/poterne.conf", "/etc/ssl/key.pem", asked);
        is_elsewhere("/etc/poterne/poterne.conf", "/etc/poterne.d/x", asked);
        is_elsewhere("/poterne.conf", "/srv/keys/mail.pem", asked);
        is_elsewhere("/etc/poterne.conf", "/etc/cron.d/x", asked);
    }
}

static void what_is_beside_the_settings_comes_along(void **state)
{
    struct err err = {""};
    struct fixture *f = make("/etc/poterne/poterne.conf");
    add(f, "settings/etc/poterne/lists/people");
    add(f, "settings/etc/poterne/poterne.conf");
    add(f, "state/signature.key");
    f->r.config = "/srv/other/mail.conf";
    assert_int_equal(restore_files(&f->r, &err), 0);
    assert_int_equal(f->r.left_out, 0);
    assert_true(is_there(f, "/srv/other/mail.conf"));
    assert_true(is_there(f, "/srv/other/lists/people"));
    assert_true(is_there(f, "/var/lib/poterne/signature.key"));
    assert_false(is_there(f, "/etc"));
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_elsewhere_is_asked_for),
        cmocka_unit_test(what_is_beside_the_settings_comes_along),
    };
    return tap_run(tests, NULL, NULL);
}
