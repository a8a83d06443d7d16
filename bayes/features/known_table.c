#include "bayes/features/known_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/random.h"

#define FILE_NAME "known"
#define FILE_MODE 0640 /* others than ours have no need of the salt */

static const char magic[8] = "PTKNOWN1";

static struct known *map_file(int fd, const char *path, int protection, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        err_sys(err, "cannot look at %s", path);
        return NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)KNOWN_FILE_SIZE) {
        err_set(err, "%s is no table of known addresses, or cut short", path);
        return NULL;
    }
    struct known *known = calloc(1, sizeof *known);
    void *map = known ? mmap(NULL, KNOWN_FILE_SIZE, protection, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (map == MAP_FAILED) {
        free(known);
        err_sys(err, "cannot map %s", path);
        return NULL;
    }
    *known = (struct known){map, map, (void *)((char *)map + KNOWN_TABLE_AT)};
    if (memcmp(known->header->magic, magic, sizeof magic) == 0)
        return known;
    err_set(err, "%s is no table of known addresses, or of another version", path);
    known_close(&known);
    return NULL;
}

struct known *known_open(int fd, const char *path, struct err *err)
{
    return map_file(fd, path, PROT_READ, err);
}

int known_open_state(const struct conf *conf, struct known **known, struct err *err)
{
    char path[PATH_MAX];
    *known = NULL;
    if (fsio_join(path, sizeof path, conf->state_dir, "bayes/" FILE_NAME, err) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot open %s", path);
    *known = known_open(fd, path, err);
    close(fd);
    return *known ? 0 : -1;
}

void known_close(struct known **known)
{
    if (*known == NULL)
        return;
    munmap((*known)->map, KNOWN_FILE_SIZE);
    free(*known);
    *known = NULL;
}

/* An empty table: a header and a hole. */
static int fill_file(int fd, const char *path, struct err *err)
{
    struct known_header header;
    memcpy(header.magic, magic, sizeof magic);
    random_fill(header.salt, sizeof header.salt);
    if (fsio_write(fd, str_n((const char *)&header, sizeof header), path, err) < 0)
        return -1;
    if (ftruncate(fd, (off_t)KNOWN_FILE_SIZE) < 0 || fsync(fd) < 0)
        return err_sys(err, "cannot write %s", path);
    return 0;
}

static int make_file(const char *path, struct err *err)
{
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof beside)
        return err_set(err, "%s: path too long", path);
    int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot make %s", beside);
    int result = fill_file(fd, beside, err);
    close(fd);
    return result == 0 ? fsio_rename_durable(beside, path, err) : -1;
}

static struct known *open_file(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        err_sys(err, "cannot open %s", path);
        return NULL;
    }
    struct known *known = map_file(fd, path, PROT_READ | PROT_WRITE, err);
    close(fd);
    return known;
}

struct known *known_open_writer(const char *folder, bool *made, struct err *err)
{
    char path[PATH_MAX], damaged[PATH_MAX];
    struct stat st;
    if (fsio_join(path, sizeof path, folder, FILE_NAME, err) < 0 ||
        fsio_join(damaged, sizeof damaged, folder, FILE_NAME ".damaged", err) < 0)
        return NULL;
    bool there = stat(path, &st) == 0;
    struct known *known = there ? open_file(path, err) : NULL;
    *made = known == NULL;
    if (known || (there && errno == ENOMEM))
        return known;
    if (there && rename(path, damaged) < 0) {
        err_sys(err, "cannot set %s aside", path);
        return NULL;
    }
    return make_file(path, err) == 0 ? open_file(path, err) : NULL;
}

int known_sync(struct known *known, struct err *err)
{
    return msync(known->map, KNOWN_FILE_SIZE, MS_SYNC) == 0
               ? 0
               : err_sys(err, "cannot write the table of known addresses");
}

/* ---- keys */

static void put_lower(struct str text, char *out, size_t *n)
{
    for (size_t i = 0; i < text.n && i < KNOWN_TEXT_MAX; i++)
        out[(*n)++] = str_lower_char(text.s[i]);
}

uint64_t known_key(const struct known *known, enum known_kind kind, struct str own,
                   struct str other)
{
    char text[2 * KNOWN_TEXT_MAX + 2];
    size_t n = 0;
    text[n++] = (char)kind;
    put_lower(own, text, &n);
    text[n++] = '\0';
    put_lower(other, text, &n);
    uint64_t key = siphash(known->header->salt, str_n(text, n));
    return key ? key : 1;
}

static struct known_slot *bucket_of(const struct known *known, uint64_t key)
{
    return known->slots + (key & (KNOWN_BUCKETS - 1)) * KNOWN_SLOTS;
}

/* The writer may be at it. */
static uint64_t key_at(const struct known_slot *slot)
{
    return __atomic_load_n(&slot->key, __ATOMIC_ACQUIRE);
}

bool known_has(const struct known *known, uint64_t key)
{
    const struct known_slot *bucket = bucket_of(known, key);
    for (size_t i = 0; i < KNOWN_SLOTS; i++)
        if (key_at(&bucket[i]) == key)
            return true;
    return false;
}

/* True when it is new. */
static bool note(struct known *known, uint64_t key, uint32_t day)
{
    struct known_slot *bucket = bucket_of(known, key), *oldest = bucket;
    for (size_t i = 0; i < KNOWN_SLOTS; i++) {
        struct known_slot *slot = &bucket[i];
        if (slot->key == key) {
            slot->day = day > slot->day ? day : slot->day;
            slot->times += slot->times < UINT32_MAX;
            return false;
        }
        if (oldest->key && (slot->key == 0 || slot->day < oldest->day))
            oldest = slot;
    }
    if (oldest->key && oldest->day > day)
        return false; /* an older message than all of them */
    __atomic_store_n(&oldest->key, 0, __ATOMIC_RELEASE);
    oldest->day = day;
    oldest->times = 1;
    __atomic_store_n(&oldest->key, key, __ATOMIC_RELEASE);
    return true;
}

uint32_t known_day(int64_t when)
{
    int64_t now = (int64_t)time(NULL);
    return (uint32_t)((when <= 0 || when > now ? now : when) / (24 * 60 * 60));
}

size_t known_note(struct known *known, const uint64_t *keys, size_t n, uint32_t day)
{
    size_t fresh = 0;
    for (size_t i = 0; i < n; i++)
        if (keys[i])
            fresh += note(known, keys[i], day);
    return fresh;
}
