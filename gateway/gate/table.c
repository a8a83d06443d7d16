#include "gateway/gate/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/network.h"
#include "base/random.h"

#define WAYS        8 /* entries that a key may stand in */
#define ENTRIES_MAX ((size_t)1 << 22)
#define MODE        0660
#define FOLDER_MODE 02770

static const char magic[8] = "poterne1";

/* The file: this, then the entries. */
struct head {
    char magic[8];
    uint32_t entry_size;
    uint32_t entries;
    uint64_t seed;
    uint64_t reserved;
};

struct gate_table {
    struct head *head;
    struct gate_entry *list;
    size_t bytes; /* mapped */
    size_t entries;
    uint64_t seed;
};

static size_t bytes_of(size_t entries)
{
    return sizeof(struct head) + entries * sizeof(struct gate_entry);
}

/* What the file says of itself, if its size agrees. */
static bool head_valid(const struct head *head, size_t bytes)
{
    return memcmp(head->magic, magic, sizeof magic) == 0 &&
           head->entry_size == sizeof(struct gate_entry) && head->entries >= WAYS &&
           head->entries % WAYS == 0 && head->entries <= ENTRIES_MAX &&
           bytes == bytes_of(head->entries);
}

static struct gate_table *wrap(void *map, size_t bytes, size_t entries)
{
    struct gate_table *t = map == MAP_FAILED ? NULL : malloc(sizeof *t);
    if (t == NULL) {
        if (map != MAP_FAILED)
            munmap(map, bytes);
        return NULL;
    }
    struct head *head = map;
    *t = (struct gate_table){.head = head,
                             .list = (void *)(head + 1),
                             .bytes = bytes,
                             .entries = entries};
    return t;
}

static void make_head(struct gate_table *t)
{
    memcpy(t->head->magic, magic, sizeof magic);
    t->head->entry_size = sizeof(struct gate_entry);
    t->head->entries = (uint32_t)t->entries;
    random_fill(&t->head->seed, sizeof t->head->seed);
}

/* The table that lies in the file, or NULL. */
static struct gate_table *map_existing(int fd)
{
    struct stat st;
    struct head head;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof head ||
        pread(fd, &head, sizeof head, 0) != sizeof head || !head_valid(&head, (size_t)st.st_size))
        return NULL;
    size_t bytes = (size_t)st.st_size;
    struct gate_table *t =
        wrap(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), bytes, head.entries);
    if (t)
        t->seed = head.seed;
    return t;
}

/* Beside the old one, then in its place, so that who has that mapped keeps it. All its blocks are
 * there: a full disk must not end who writes into it. */
static struct gate_table *map_new(const char *path, size_t entries, struct err *err)
{
    char beside[PATH_MAX];
    size_t bytes = bytes_of(entries);
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof beside) {
        err_set(err, "%s is too long", path);
        return NULL;
    }
    unlink(beside);
    int fd = open(beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    struct gate_table *t = NULL;
    if (fd >= 0 && fchmod(fd, MODE) == 0 && (errno = posix_fallocate(fd, 0, (off_t)bytes)) == 0)
        t = wrap(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), bytes, entries);
    if (t) {
        make_head(t);
        t->seed = t->head->seed;
    }
    if (t == NULL || rename(beside, path) < 0) {
        err_sys(err, "cannot make %s", path);
        gate_table_close(&t);
    }
    fsio_close_quiet(&fd);
    return t;
}

static bool path_of(const char *state_dir, const char *name, char path[PATH_MAX], struct err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/gate/%s", state_dir, name);
    if (n > 0 && n < PATH_MAX)
        return true;
    err_set(err, "%s is too long", state_dir);
    return false;
}

struct gate_table *gate_table_existing(const char *state_dir, const char *name, struct err *err)
{
    char path[PATH_MAX];
    if (!path_of(state_dir, name, path, err))
        return NULL;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        err_sys(err, "cannot open %s", path);
        return NULL;
    }
    struct gate_table *t = map_existing(fd);
    close(fd);
    if (t == NULL) {
        errno = EINVAL;
        err_set(err, "%s is damaged or of another version", path);
    }
    return t;
}

static struct gate_table *in_memory(size_t entries, struct err *err)
{
    size_t bytes = bytes_of(entries);
    struct gate_table *t =
        wrap(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), bytes,
             entries);
    if (t == NULL) {
        err_set(err, "out of memory for what is remembered about clients");
        return NULL;
    }
    make_head(t);
    t->seed = t->head->seed;
    return t;
}

/* Where poterned has not made it. */
static bool make_folder(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    return fsio_join(path, sizeof path, state_dir, "gate", err) == 0 &&
           fsio_mkdir(path, FOLDER_MODE, err) == 0;
}

struct gate_table *gate_table_open(const char *state_dir, const char *name, size_t entries,
                                   struct err *err)
{
    char path[PATH_MAX];
    struct err why = {""};
    struct gate_table *t = gate_table_existing(state_dir, name, &why);
    if (t && t->entries != entries)
        gate_table_close(&t);
    if (t == NULL && make_folder(state_dir, &why) && path_of(state_dir, name, path, &why))
        t = map_new(path, entries, &why);
    if (t)
        return t;
    log_error("%s; what is remembered there is lost with this process", why.text);
    return in_memory(entries, err);
}

void gate_table_close(struct gate_table **table)
{
    if (*table == NULL)
        return;
    munmap((*table)->head, (*table)->bytes);
    free(*table);
    *table = NULL;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * 0x7fb5d329728ea185;
    x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
    return x ^ x >> 33;
}

static struct gate_entry *set_of(struct gate_table *t, const struct gate_key *key)
{
    uint64_t half[2];
    memcpy(half, key->bytes, sizeof half);
    return t->list + mix(mix(t->seed ^ half[0]) ^ half[1]) % (t->entries / WAYS) * WAYS;
}

static bool is_of(const struct gate_entry *e, const struct gate_key *key)
{
    return e->used && memcmp(e->key.bytes, key->bytes, sizeof key->bytes) == 0;
}

struct gate_entry *gate_table_find(struct gate_table *t, const struct gate_key *key)
{
    struct gate_entry *set = set_of(t, key);
    for (size_t i = 0; i < WAYS; i++)
        if (is_of(&set[i], key))
            return &set[i];
    return NULL;
}

struct gate_entry *gate_table_take(struct gate_table *t, const struct gate_key *key, uint32_t now)
{
    struct gate_entry *set = set_of(t, key);
    struct gate_entry *room = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (is_of(&set[i], key)) {
            set[i].last = now;
            return &set[i];
        }
        if (room->used && (!set[i].used || set[i].last < room->last))
            room = &set[i];
    }
    *room = (struct gate_entry){.key = *key, .since = now, .last = now, .used = 1};
    return room;
}

struct gate_entry *gate_table_next(struct gate_table *t, size_t *at)
{
    while (*at < t->entries) {
        struct gate_entry *e = &t->list[(*at)++];
        if (e->used)
            return e;
    }
    return NULL;
}

#define FOUR_BITS 24
#define SIX_BITS  64

static bool is_four(const unsigned char *address)
{
    struct in6_addr six;
    memcpy(&six, address, sizeof six);
    return IN6_IS_ADDR_V4MAPPED(&six);
}

bool gate_network(struct str ip, struct gate_key *key)
{
    struct network network;
    if (!network_parse(ip, &network) || str_chr(ip, '/') != STR_NONE)
        return false;
    size_t bytes = is_four(network.address) ? (96 + FOUR_BITS) / 8 : SIX_BITS / 8;
    memset(key, 0, sizeof *key);
    memcpy(key->bytes, network.address, bytes);
    return true;
}

void gate_network_text(const struct gate_key *key, char text[GATE_NETWORK_SIZE])
{
    char ip[INET6_ADDRSTRLEN] = "?";
    bool four = is_four(key->bytes);
    if (four)
        inet_ntop(AF_INET, key->bytes + 12, ip, sizeof ip);
    else
        inet_ntop(AF_INET6, key->bytes, ip, sizeof ip);
    snprintf(text, GATE_NETWORK_SIZE, "%s/%d", ip, four ? FOUR_BITS : SIX_BITS);
}
