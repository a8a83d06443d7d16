#include "gateway/gate/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/random.h"

#define MODE         0660
#define FOLDER_MODE  02770
#define LOCK_STEP_NS 50000 /* between two tries */

static const char magic[8] = "poterne1";

/* The file: this, then the entries. */
struct mapped_head {
    char magic[8];
    uint32_t entry_size;
    uint32_t entries;
    uint64_t seed;
    uint64_t reserved;
};

static const struct mapped closed = {.fd = -1};

static size_t bytes_of(size_t entry_size, size_t entries)
{
    return sizeof(struct mapped_head) + entries * entry_size;
}

/* What the file says of itself, if its size agrees. */
static bool head_valid(const struct mapped_head *head, size_t entry_size, size_t bytes)
{
    return memcmp(head->magic, magic, sizeof magic) == 0 && head->entry_size == entry_size &&
           head->entries >= MAPPED_GROUP && head->entries % MAPPED_GROUP == 0 &&
           head->entries <= MAPPED_ENTRIES_MAX && bytes == bytes_of(entry_size, head->entries);
}

/* fd -1: memory alone. The descriptor is the map's when it returns 0. */
static int map_it(struct mapped *map, int fd, size_t bytes, size_t entries)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at == MAP_FAILED)
        return -1;
    struct mapped_head *head = at;
    *map = (struct mapped){
        .head = head, .list = (void *)(head + 1), .bytes = bytes, .entries = entries, .fd = fd};
    return 0;
}

static void make_head(struct mapped *map, size_t entry_size)
{
    memcpy(map->head->magic, magic, sizeof magic);
    map->head->entry_size = (uint32_t)entry_size;
    map->head->entries = (uint32_t)map->entries;
    random_fill(&map->head->seed, sizeof map->head->seed);
    map->seed = map->head->seed;
}

/* The table that lies in the file; it takes the descriptor then. */
static int map_existing(struct mapped *map, int fd, size_t entry_size)
{
    struct stat st;
    struct mapped_head head;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof head ||
        pread(fd, &head, sizeof head, 0) != sizeof head ||
        !head_valid(&head, entry_size, (size_t)st.st_size) ||
        map_it(map, fd, (size_t)st.st_size, head.entries) < 0)
        return -1;
    map->seed = head.seed;
    return 0;
}

/* Beside the old one, then in its place, so that who has that mapped keeps it. All its blocks are
 * there: a full disk must not end who writes into it. */
static int map_new(struct mapped *map, const char *path, size_t entry_size, size_t entries,
                   struct err *err)
{
    char beside[PATH_MAX];
    size_t bytes = bytes_of(entry_size, entries);
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof beside)
        return err_set(err, "%s is too long", path);
    unlink(beside);
    int fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd >= 0 && fchmod(fd, MODE) == 0 && (errno = posix_fallocate(fd, 0, (off_t)bytes)) == 0 &&
        map_it(map, fd, bytes, entries) == 0) {
        make_head(map, entry_size);
        if (rename(beside, path) == 0)
            return 0;
        err_sys(err, "cannot make %s", path);
        mapped_close(map);
        return -1;
    }
    err_sys(err, "cannot make %s", path);
    fsio_close_quiet(&fd);
    return -1;
}

static int path_of(const char *state_dir, const char *name, char path[PATH_MAX], struct err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/gate/%s", state_dir, name);
    return n > 0 && n < PATH_MAX ? 0 : err_set(err, "%s is too long", state_dir);
}

int mapped_existing(struct mapped *map, const char *state_dir, const char *name, size_t entry_size,
                    struct err *err)
{
    char path[PATH_MAX];
    *map = closed;
    if (path_of(state_dir, name, path, err) < 0)
        return -1;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    if (map_existing(map, fd, entry_size) == 0)
        return 0;
    close(fd);
    errno = EINVAL;
    return err_set(err, "%s is damaged or of another version", path);
}

static int in_memory(struct mapped *map, size_t entry_size, size_t entries, struct err *err)
{
    if (map_it(map, -1, bytes_of(entry_size, entries), entries) < 0)
        return err_set(err, "out of memory for what is remembered about clients");
    make_head(map, entry_size);
    return 0;
}

/* Where poterned has not made it. */
static bool make_folder(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    return fsio_join(path, sizeof path, state_dir, "gate", err) == 0 &&
           fsio_mkdir(path, FOLDER_MODE, err) == 0;
}

int mapped_open(struct mapped *map, const char *state_dir, const char *name, size_t entry_size,
                size_t entries, struct err *err)
{
    char path[PATH_MAX];
    struct err why = {""};
    if (mapped_existing(map, state_dir, name, entry_size, &why) == 0) {
        if (map->entries == entries)
            return 0;
        mapped_close(map);
    }
    if (make_folder(state_dir, &why) && path_of(state_dir, name, path, &why) == 0 &&
        map_new(map, path, entry_size, entries, &why) == 0)
        return 0;
    log_error("%s; what is remembered there is lost with this process", why.text);
    return in_memory(map, entry_size, entries, err);
}

void mapped_close(struct mapped *map)
{
    if (map->head)
        munmap(map->head, map->bytes);
    if (map->head)
        fsio_close_quiet(&map->fd);
    *map = closed;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
    return x ^ x >> 33;
}

size_t mapped_place(const struct mapped *map, const unsigned char key[16], unsigned choice,
                    size_t places)
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    uint64_t place = mix(mix(map->seed ^ half[0]) ^ half[1]);
    for (unsigned i = 1; i <= choice; i++)
        place = mix(place + i);
    return place % places;
}

/* --- alone --- */

/* A lock of the open file: the kernel takes it back from who dies. */
static int set_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock);
}

bool mapped_lock(struct mapped *map)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_NS};
    if (map->fd < 0)
        return true;
    for (long waited = 0; set_lock(map->fd, F_WRLCK) < 0; waited += LOCK_STEP_NS) {
        if (waited >= MAPPED_LOCK_MS * 1000000L || (errno != EAGAIN && errno != EACCES))
            return false;
        nanosleep(&step, NULL);
    }
    return true;
}

void mapped_unlock(struct mapped *map)
{
    if (map->fd >= 0)
        set_lock(map->fd, F_UNLCK);
}
