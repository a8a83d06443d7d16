/* Messages that move while a backup looks at them are in it once. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/take.h"
#include "base/fsio.h"

#define ASIDE_BYTES 1234 /* of what is taken last at the first look */
#define NEW_BYTES   4321 /* of what comes after it */
#define ID(last)    "01ARZ3NDEKTSV4RRFFQ69G5FA" last
#define PATH_SIZE   100

struct world {
    char root[40];
    char shelf[60];
    struct conf *conf;
    uint64_t bytes; /* that were told of last */
};

static void place(const struct world *w, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s", w->root, name);
}

static void file(const struct world *w, const char *name, size_t bytes)
{
    static char text[NEW_BYTES];
    char path[PATH_SIZE];
    struct err err;
    place(w, name, path);
    memset(text, 'x', sizeof text);
    assert_int_equal(fsio_replace(path, str_n(text, bytes), 0600, &err), 0);
}

static void move(const struct world *w, const char *from, const char *to)
{
    char a[PATH_SIZE], b[PATH_SIZE];
    place(w, from, a);
    place(w, to, b);
    assert_int_equal(rename(a, b), 0);
}

/* The gateway goes on at known moments. */
static void meanwhile(void *data, const struct taken *taken)
{
    struct world *w = data;
    uint64_t bytes = taken->bytes - w->bytes;
    w->bytes = taken->bytes;
    if (bytes == ASIDE_BYTES) {
        file(w, "queue/" ID("N"), NEW_BYTES);
        file(w, "quarantine/" ID("Y"), 20);
    } else if (bytes == NEW_BYTES) {
        move(w, "queue/" ID("X"), "quarantine/" ID("X"));
        move(w, "quarantine/" ID("Y"), "queue/" ID("Y"));
    }
}

static void begin(struct world *w)
{
    static const char *const names[] = {"queue", "quarantine", "corrupt"};
    char text[300], path[PATH_SIZE];
    struct err err = {""};
    *w = (struct world){.root = "/tmp/backup-messages-XXXXXX"};
    assert_non_null(mkdtemp(w->root));
    snprintf(w->shelf, sizeof w->shelf, "%s/shelf", w->root);
    for (size_t i = 0; i < 3; i++) {
        place(w, names[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    snprintf(text, sizeof text,
             "hostname = mx.backup.example\nstate_dir = %s\nrun_dir = %s\n"
             "queue { free_space_min = 0; free_files_min = 0 }\n"
             "domain backup.example { next_hop = \"smtp://192.0.2.1:25\" }\n",
             w->root, w->root);
    place(w, "poterne.conf", path);
    assert_int_equal(fsio_replace(path, str_of(text), 0600, &err), 0);
    w->conf = conf_read(path, NULL, NULL, &err);
    assert_string_equal(err.text, "");
}

static void end(struct world *w)
{
    struct err err;
    conf_free(&w->conf);
    assert_int_equal(fsio_empty_dir(w->root, &err), 0);
    assert_int_equal(rmdir(w->root), 0);
}

static bool has(const struct manifest *m, const char *path)
{
    return manifest_find(m, str_of(path), PIECE_WHOLE) != NULL;
}

static void one_that_moves_is_there_once(void **state)
{
    struct world w;
    struct taken taken;
    struct shelf shelf;
    struct err err = {""};
    begin(&w);
    file(&w, "queue/" ID("X"), 10);
    file(&w, "corrupt/" ID("C") ".1", ASIDE_BYTES);
    if (backup_take(w.conf, w.shelf, meanwhile, &w, &taken, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(shelf_open(w.shelf, &shelf, &err), 0);
    int fd = shelf_enter(&shelf, &taken.name, &err);
    struct manifest *m = shelf_manifest(fd, taken.name.text, &err);
    assert_non_null(m);
    assert_true(has(m, "state/quarantine/" ID("X")));
    assert_false(has(m, "state/queue/" ID("X")));
    assert_true(has(m, "state/queue/" ID("Y")));
    assert_false(has(m, "state/quarantine/" ID("Y")));
    assert_true(has(m, "state/queue/" ID("N")));
    assert_true(has(m, "state/corrupt/" ID("C") ".1"));
    manifest_free(&m);
    close(fd);
    shelf_close(&shelf);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_moves_is_there_once),
    };
    return tap_run(tests, NULL, NULL);
}
