/* A note that no backup was made: left by root in a folder of another's, found by that one. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/note.h"
#include "base/fsio.h"

static char root[] = "/tmp/backup-note-XXXXXX";

static const char *place(const char *name)
{
    static char path[100];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static int make(void **state)
{
    return mkdtemp(root) && mkdir(place("reports"), 02770) == 0 ? 0 : -1;
}

static int unmake(void **state)
{
    struct err err;
    return fsio_empty_dir(root, &err) < 0 ? -1 : rmdir(root);
}

static void it_is_left_found_and_removed(void **state)
{
    char why[BACKUP_NOTE_MAX];
    struct err err = {""};
    struct stat st;
    assert_int_equal(backup_note_read(root, why, &err), 0);
    assert_int_equal(backup_note_remove(root, &err), 0);
    mode_t mask = umask(0077);
    assert_int_equal(backup_note_leave(root, "the first", &err), 0);
    assert_int_equal(backup_note_leave(root, "the second", &err), 0);
    umask(mask);
    assert_int_equal(backup_note_read(root, why, &err), 1);
    assert_string_equal(why, "the second");
    assert_int_equal(stat(place("reports/" BACKUP_NOTE), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(backup_note_remove(root, &err), 0);
    assert_int_equal(backup_note_read(root, why, &err), 0);
}

static void a_long_one_is_cut(void **state)
{
    char why[BACKUP_NOTE_MAX], text[2 * BACKUP_NOTE_MAX];
    struct err err = {""};
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(backup_note_leave(root, text, &err), 0);
    assert_int_equal(backup_note_read(root, why, &err), 1);
    assert_int_equal(strlen(why), BACKUP_NOTE_MAX - 1);
    assert_int_equal(backup_note_remove(root, &err), 0);
}

/* The folder's owner may put there what he likes, and is not root. */
static void links_are_not_followed(void **state)
{
    char why[BACKUP_NOTE_MAX];
    struct buf text = BUF_INIT(100);
    struct err err = {""};
    char victim[100];
    snprintf(victim, sizeof victim, "%s", place("victim"));
    assert_int_equal(fsio_replace(victim, STR("a secret"), 0600, &err), 0);
    assert_int_equal(symlink(victim, place("reports/" BACKUP_NOTE ".new")), 0);
    assert_int_equal(symlink(victim, place("reports/" BACKUP_NOTE)), 0);
    assert_int_equal(backup_note_read(root, why, &err), -1);
    assert_int_equal(backup_note_leave(root, "no backup", &err), 0);
    assert_int_equal(backup_note_read(root, why, &err), 1);
    assert_string_equal(why, "no backup");
    assert_int_equal(fsio_read_file(victim, &text, &err), 0);
    assert_true(str_eq(buf_str(&text), STR("a secret")));
    buf_release(&text);
    assert_int_equal(backup_note_remove(root, &err), 0);
}

static void without_a_folder_it_is_an_error(void **state)
{
    char why[BACKUP_NOTE_MAX];
    struct err err = {""};
    assert_int_equal(backup_note_leave("/none", "why", &err), -1);
    assert_int_equal(backup_note_read("/none", why, &err), -1);
    assert_int_equal(backup_note_remove("/none", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_left_found_and_removed),
        cmocka_unit_test(a_long_one_is_cut),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(without_a_folder_it_is_an_error),
    };
    return tap_run(tests, make, unmake);
}
