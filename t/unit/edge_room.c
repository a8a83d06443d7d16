/* room: the reserve on the spool's disk, and on that of the journal, where it has its own. */
#include "t/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "gateway/edge/room.h"

#define RESERVE ((size_t)100 << 20)
#define FILES   1000

/* What the disks have left (the linker's --wrap); the one of /dev/shm is the other one. */
static uint64_t spool_bytes, journal_bytes, journal_files;
static bool journal_fails;

int __wrap_fstatvfs(int fd, struct statvfs *fs);

int __wrap_fstatvfs(int fd, struct statvfs *fs)
{
    struct stat st, other;
    if (fstat(fd, &st) < 0 || stat("/dev/shm", &other) < 0)
        return -1;
    bool journal = st.st_dev == other.st_dev;
    if (journal && journal_fails) {
        errno = EIO;
        return -1;
    }
    *fs = (struct statvfs){.f_frsize = 1,
                           .f_bavail = journal ? journal_bytes : spool_bytes,
                           .f_files = 1000000,
                           .f_favail = journal ? journal_files : FILES};
    return 0;
}

struct fixture {
    char root[64], other[64], journal[80];
    struct conf conf;
    struct spool *spool;
    struct room room;
};

static void make(struct fixture *f)
{
    struct err err;
    snprintf(f->root, sizeof f->root, "/tmp/poterne-room.XXXXXX");
    snprintf(f->other, sizeof f->other, "/dev/shm/poterne-room.XXXXXX");
    assert_non_null(mkdtemp(f->root));
    assert_non_null(mkdtemp(f->other));
    snprintf(f->journal, sizeof f->journal, "%s/journal", f->root);
    f->conf = (struct conf){.state_dir = f->root,
                            .queue = {.free_space_min = RESERVE, .free_files_min = FILES}};
    f->spool = spool_open(f->root, &err);
    assert_non_null(f->spool);
    spool_bytes = journal_bytes = 2 * RESERVE;
    journal_files = FILES;
    journal_fails = false;
}

static void unmake(struct fixture *f)
{
    static const char *const folders[] = {"queue", "quarantine", "kept", "incoming", "corrupt"};
    char path[96];
    room_close(&f->room);
    spool_close(&f->spool);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", f->root, folders[i]);
        rmdir(path);
    }
    remove(f->journal);
    rmdir(f->other);
    assert_int_equal(rmdir(f->root), 0);
}

static void look(struct fixture *f)
{
    room_look(&f->room, f->spool, &f->conf);
}

static void two_disks(void **state)
{
    struct fixture f;
    struct stat a, b;
    make(&f);
    if (stat("/tmp", &a) < 0 || stat("/dev/shm", &b) < 0 || a.st_dev == b.st_dev) {
        unmake(&f);
        tap_skip("/dev/shm is no disk of its own");
    }
    assert_int_equal(symlink(f.other, f.journal), 0);
    room_open(&f.room, &f.conf);
    assert_true(room_for(&f.room, 2 * RESERVE)); /* not looked at yet */
    look(&f);
    assert_true(room_for(&f.room, RESERVE) && !room_for(&f.room, RESERVE + 1));
    journal_bytes = RESERVE; /* a message is little in it */
    look(&f);
    assert_true(room_for(&f.room, RESERVE) && room_for_refusals(&f.room));
    journal_bytes = RESERVE - 1;
    look(&f);
    assert_false(room_for(&f.room, 0));
    assert_true(room_goes_on(&f.room, f.spool, &f.conf, 2 * ROOM_LOOK_BYTES));
    assert_true(room_for_refusals(&f.room));
    journal_bytes = RESERVE / 2 - 1;
    look(&f);
    assert_true(room_goes_on(&f.room, f.spool, &f.conf, 2 * ROOM_LOOK_BYTES));
    assert_false(room_for_refusals(&f.room));
    journal_fails = true; /* nobody is kept out for what can't be known */
    look(&f);
    assert_true(room_for(&f.room, 0));
    journal_fails = false;
    journal_bytes = 2 * RESERVE;
    journal_files = FILES - 1;
    look(&f);
    assert_false(room_for(&f.room, 0));
    journal_files = FILES;
    look(&f);
    assert_true(room_for(&f.room, RESERVE) && room_for_refusals(&f.room));
    spool_bytes = RESERVE - 1;
    look(&f);
    assert_false(room_for(&f.room, 0));
    unmake(&f);
}

/* It is asked for once where the journal has none of its own, and where it has no folder. */
static void one_disk(void **state)
{
    struct fixture f;
    for (int there = 0; there < 2; there++) {
        make(&f);
        if (there)
            assert_int_equal(mkdir(f.journal, 0700), 0);
        room_open(&f.room, &f.conf);
        assert_int_equal(f.room.journal_fd, -1);
        look(&f);
        assert_true(room_for(&f.room, RESERVE));
        spool_bytes = RESERVE / 2;
        assert_true(room_goes_on(&f.room, f.spool, &f.conf, ROOM_LOOK_BYTES));
        assert_false(room_for(&f.room, 0));
        spool_bytes--;
        assert_true(room_goes_on(&f.room, f.spool, &f.conf, ROOM_LOOK_BYTES - 1));
        assert_false(room_goes_on(&f.room, f.spool, &f.conf, 1));
        assert_false(room_for_refusals(&f.room));
        unmake(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_disks), cmocka_unit_test(one_disk)};
    return tap_run(tests, NULL, NULL);
}
