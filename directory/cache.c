#include "directory/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/random.h"
#include "base/siphash.h"
#include "directory/address.h"

#define MAGIC          "poterne cache 1\n"
#define FIRST_SLOTS    1024 /* always a power of two */
#define RECORD_MAX     (PERSON_BYTES_MAX + FINDING_NOTE_SIZE + ADDRESS_MAX + 64)
#define WAITING_MAX    ((size_t)4 * 1024 * 1024) /* not yet written */
#define SLACK          ((uint64_t)1024 * 1024)   /* of a file that is written anew */
#define NEGATIVE_SHARE 4
#define NEVER          0 /* `when` of a record that takes the address out */

struct entry {
    struct entry *next;          /* in its slot */
    struct entry *older, *newer; /* in its line */
    int64_t when;
    uint64_t source;
    bool known;
    uint16_t address_n, note_n, bytes_n;
    char texts[];
};

/* In the order in which they were said. */
struct line {
    struct entry *oldest, *newest;
    size_t n, max;
};

struct cache {
    const struct conf_cache *conf;
    unsigned char salt[SIPHASH_KEY_SIZE];
    struct entry **slots;
    size_t n_slots;
    struct line known, unknown;
    struct buf waiting; /* records that are not on disk */
    char *path;         /* NULL: not kept */
    int fd;
    uint64_t file_bytes, live_bytes;
    uint64_t hits, misses;
};

static struct str address_of(const struct entry *e)
{
    return str_n(e->texts, e->address_n);
}

/* --- the table --- */

static struct entry **slot_of(const struct cache *cache, struct str address)
{
    return &cache->slots[siphash(cache->salt, address) & (cache->n_slots - 1)];
}

static struct entry *look(const struct cache *cache, const struct cache_key *key)
{
    struct entry *e = *slot_of(cache, key->address);
    while (e && (e->source != key->source || !str_eq(address_of(e), key->address)))
        e = e->next;
    return e;
}

static struct line *line_of(struct cache *cache, const struct entry *e)
{
    return e->known ? &cache->known : &cache->unknown;
}

static size_t record_size(const struct entry *e)
{
    return 2 * sizeof(uint32_t) + sizeof(int64_t) + sizeof(uint64_t) + 1 + 3 * sizeof(uint32_t) +
           e->address_n + e->note_n + e->bytes_n;
}

static void take_out(struct cache *cache, struct entry *e)
{
    struct line *line = line_of(cache, e);
    struct entry **slot = slot_of(cache, address_of(e));
    while (*slot != e)
        slot = &(*slot)->next;
    *slot = e->next;
    *(e->older ? &e->older->newer : &line->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &line->newest) = e->older;
    line->n--;
    cache->live_bytes -= record_size(e);
    free(e);
}

static void grow(struct cache *cache)
{
    size_t n = cache->n_slots * 2;
    struct entry **slots = calloc(n, sizeof(void *));
    if (slots == NULL)
        return; /* longer chains */
    struct entry **old = cache->slots;
    size_t n_old = cache->n_slots;
    cache->slots = slots;
    cache->n_slots = n;
    for (size_t i = 0; i < n_old; i++) {
        while (old[i]) {
            struct entry *e = old[i];
            old[i] = e->next;
            struct entry **slot = slot_of(cache, address_of(e));
            e->next = *slot;
            *slot = e;
        }
    }
    free(old);
}

static void put_in(struct cache *cache, struct entry *e)
{
    struct line *line = line_of(cache, e);
    struct entry **slot = slot_of(cache, address_of(e));
    e->next = *slot;
    *slot = e;
    e->older = line->newest;
    e->newer = NULL;
    *(line->newest ? &line->newest->newer : &line->oldest) = e;
    line->newest = e;
    cache->live_bytes += record_size(e);
    if (++line->n > line->max)
        take_out(cache, line->oldest);
    if (cache->known.n + cache->unknown.n > cache->n_slots)
        grow(cache);
}

struct cache *cache_new(const struct conf_cache *conf, struct err *err)
{
    struct cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->slots = calloc(FIRST_SLOTS, sizeof(void *));
    if (cache == NULL || cache->slots == NULL) {
        free(cache);
        err_set(err, "directory cache: out of memory");
        return NULL;
    }
    random_fill(cache->salt, sizeof cache->salt);
    cache->conf = conf;
    cache->n_slots = FIRST_SLOTS;
    cache->known.max = conf->entries;
    cache->unknown.max = conf->entries / NEGATIVE_SHARE + 1;
    cache->waiting = BUF_INIT(WAITING_MAX);
    cache->fd = -1;
    return cache;
}

static void drop_line(struct cache *cache, struct line *line)
{
    struct entry *newer;
    for (struct entry *e = line->oldest; e; e = newer) {
        newer = e->newer;
        take_out(cache, e);
    }
}

static size_t drop_all(struct cache *cache)
{
    size_t n = cache->known.n + cache->unknown.n;
    drop_line(cache, &cache->known);
    drop_line(cache, &cache->unknown);
    return n;
}

void cache_free(struct cache **cache)
{
    struct cache *gone = *cache;
    if (gone == NULL)
        return;
    *cache = NULL;
    drop_all(gone);
    fsio_close_quiet(&gone->fd);
    buf_release(&gone->waiting);
    free(gone->path);
    free(gone->slots);
    free(gone);
}

/* --- records --- */

struct record {
    int64_t when;
    uint64_t source;
    bool known;
    struct str address, note, bytes;
};

static void put_record(struct buf *out, const struct record *r)
{
    char room[RECORD_MAX + 1];
    struct buf body = BUF_OVER(room);
    wire_i64(&body, r->when);
    wire_u64(&body, r->source);
    wire_u8(&body, r->known);
    wire_str(&body, r->address);
    wire_str(&body, r->note);
    wire_str(&body, r->bytes);
    if (!buf_ok(&body))
        return;
    wire_u32(out, (uint32_t)body.n);
    wire_u32(out, crc32c(0, buf_str(&body)));
    buf_add(out, buf_str(&body));
}

/* Takes one off the front; false: what follows is torn or damaged. */
static bool get_record(struct str *rest, struct record *r)
{
    struct wire head = wire_of(*rest);
    uint32_t n = wire_get_u32(&head);
    uint32_t sum = wire_get_u32(&head);
    if (head.bad || n > RECORD_MAX || n > head.in.n)
        return false;
    struct str body = str_sub(head.in, 0, n);
    struct wire w = wire_of(body);
    r->when = wire_get_i64(&w);
    r->source = wire_get_u64(&w);
    r->known = wire_get_u8(&w) != 0;
    r->address = wire_get_str(&w);
    r->note = wire_get_str(&w);
    r->bytes = wire_get_str(&w);
    *rest = str_from(head.in, n);
    return crc32c(0, body) == sum && wire_done(&w) && r->address.n <= ADDRESS_MAX &&
           r->note.n < FINDING_NOTE_SIZE && r->bytes.n <= PERSON_BYTES_MAX;
}

static struct record record_of(const struct entry *e)
{
    return (struct record){
        .when = e->when,
        .source = e->source,
        .known = e->known,
        .address = address_of(e),
        .note = str_n(e->texts + e->address_n, e->note_n),
        .bytes = str_n(e->texts + e->address_n + e->note_n, e->bytes_n),
    };
}

static void add_text(char **p, struct str text)
{
    if (text.n)
        memcpy(*p, text.s, text.n);
    *p += text.n;
}

/* False: out of memory */
static bool take_record(struct cache *cache, const struct record *r)
{
    struct cache_key key = {r->source, r->address};
    struct entry *old = look(cache, &key);
    if (old)
        take_out(cache, old);
    if (r->when == NEVER)
        return true;
    struct entry *e = malloc(sizeof *e + r->address.n + r->note.n + r->bytes.n);
    if (e == NULL)
        return false;
    *e = (struct entry){.when = r->when,
                        .source = r->source,
                        .known = r->known,
                        .address_n = (uint16_t)r->address.n,
                        .note_n = (uint16_t)r->note.n,
                        .bytes_n = (uint16_t)r->bytes.n};
    char *p = e->texts;
    add_text(&p, r->address);
    add_text(&p, r->note);
    add_text(&p, r->bytes);
    put_in(cache, e);
    return true;
}

/* --- on disk --- */

int cache_read(struct cache *cache, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(CACHE_FILE_MAX);
    struct record record;
    struct err why = {""};
    int result = 0;
    if (access(path, F_OK) == 0 && fsio_read_file(path, &text, &why) < 0)
        log_warning("%s; the directory's cache begins anew", why.text);
    struct str rest = buf_str(&text);
    if (str_starts(rest, STR(MAGIC)))
        rest = str_from(rest, strlen(MAGIC));
    else
        rest = STR_EMPTY;
    while (rest.n && get_record(&rest, &record) && result == 0)
        if (!take_record(cache, &record))
            result = err_set(err, "directory cache: out of memory");
    buf_release(&text);
    return result;
}

static int write_line(int fd, const struct line *line, const char *path, uint64_t *bytes,
                      struct err *err)
{
    struct buf out = BUF_INIT(WAITING_MAX);
    int result = 0;
    for (const struct entry *e = line->oldest; e && result == 0; e = e->newer) {
        struct record record = record_of(e);
        put_record(&out, &record);
        if (e->newer && out.n < WAITING_MAX / 2)
            continue;
        result = buf_ok(&out) ? fsio_write(fd, buf_str(&out), path, err)
                              : err_set(err, "directory cache: out of memory");
        *bytes += out.n;
        buf_clear(&out);
    }
    buf_release(&out);
    return result;
}

/* Beside the old file, then in its place; appending goes on with the new one. */
static int write_anew(struct cache *cache, struct err *err)
{
    struct buf beside = BUF_INIT(4096);
    uint64_t bytes = strlen(MAGIC);
    /* the process of another generation may be at it too */
    buf_addf(&beside, "%s.%ld.new", cache->path, (long)getpid());
    const char *path = buf_cstr(&beside);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    int result = fd < 0 ? err_sys(err, "cannot make %s", path) : 0;
    if (result == 0)
        result = fsio_write(fd, STR(MAGIC), path, err);
    if (result == 0)
        result = write_line(fd, &cache->unknown, path, &bytes, err);
    if (result == 0)
        result = write_line(fd, &cache->known, path, &bytes, err);
    if (result == 0 && fdatasync(fd) < 0)
        result = err_sys(err, "cannot sync %s", path);
    if (result == 0 && rename(path, cache->path) < 0)
        result = err_sys(err, "cannot rename %s", path);
    buf_release(&beside);
    if (result < 0) {
        fsio_close_quiet(&fd);
        return -1;
    }
    fsio_close_quiet(&cache->fd);
    cache->fd = fd;
    cache->file_bytes = bytes;
    buf_clear(&cache->waiting);
    return 0;
}

int cache_keep(struct cache *cache, const char *path, struct err *err)
{
    cache->path = strdup(path);
    if (cache->path == NULL)
        return err_set(err, "directory cache: out of memory");
    return write_anew(cache, err);
}

/* The process of another generation has put a file of its own there. */
static bool is_gone(const struct cache *cache)
{
    struct stat st;
    return cache->fd < 0 || fstat(cache->fd, &st) < 0 || st.st_nlink == 0;
}

int cache_flush(struct cache *cache, struct err *err)
{
    if (cache->path == NULL || (cache->waiting.n == 0 && buf_ok(&cache->waiting)))
        return 0;
    if (!buf_ok(&cache->waiting) || is_gone(cache) ||
        cache->file_bytes + cache->waiting.n > 2 * cache->live_bytes + SLACK)
        return write_anew(cache, err);
    int result = fsio_write(cache->fd, buf_str(&cache->waiting), cache->path, err);
    cache->file_bytes += cache->waiting.n;
    buf_clear(&cache->waiting);
    if (result < 0)
        fsio_close_quiet(&cache->fd); /* half a record may be there: it is written anew */
    return result;
}

/* --- what is asked --- */

static bool within(int64_t age, unsigned limit)
{
    return age >= 0 && age < (int64_t)limit;
}

/* Known, and taking mail: whoever is refused may be welcome again soon. */
static bool is_welcome(const struct entry *e)
{
    struct person person;
    return e->known && person_get(record_of(e).bytes, &person) && !person_is_full(&person) &&
           !(person.flags & PERSON_DISABLED);
}

enum cache_state cache_find(struct cache *cache, const struct cache_key *key, time_t now,
                            struct finding *finding, time_t *when)
{
    const struct entry *e = look(cache, key);
    int64_t age = e ? (int64_t)now - e->when : -1;
    bool fresh = e && within(age, is_welcome(e) ? cache->conf->fresh : cache->conf->negative);
    bool old = e && e->known && within(age, cache->conf->positive);
    *(fresh ? &cache->hits : &cache->misses) += 1;
    if (!fresh && !old)
        return CACHE_NOTHING;
    struct record record = record_of(e);
    finding->said = e->known ? SAID_YES : SAID_NO;
    finding->broken = false;
    finding->n = record.bytes.n;
    if (record.bytes.n)
        memcpy(finding->bytes, record.bytes.s, record.bytes.n);
    str_copy(record.note, finding->note, sizeof finding->note);
    *when = (time_t)e->when;
    return fresh ? CACHE_FRESH : CACHE_OLD;
}

void cache_put(struct cache *cache, const struct cache_key *key, const struct finding *finding,
               time_t now)
{
    const struct record record = {
        .when = now,
        .source = key->source,
        .known = finding->said == SAID_YES,
        .address = key->address,
        .note = str_of(finding->note),
        .bytes = str_n(finding->bytes, finding->n),
    };
    if (finding->said == SAID_AWAY || now == NEVER || !take_record(cache, &record))
        return;
    if (cache->path)
        put_record(&cache->waiting, &record);
}

static size_t forget_one(struct cache *cache, struct str address)
{
    size_t n = 0;
    struct entry *next;
    for (struct entry *e = *slot_of(cache, address); e; e = next) {
        next = e->next;
        if (!str_eq(address_of(e), address))
            continue;
        struct record gone = {.when = NEVER, .source = e->source, .address = address};
        if (cache->path)
            put_record(&cache->waiting, &gone);
        take_out(cache, e);
        n++;
    }
    return n;
}

size_t cache_forget(struct cache *cache, struct str address)
{
    if (address.n)
        return forget_one(cache, address);
    size_t n = drop_all(cache);
    cache->waiting.failed = true; /* the file is written anew, with nothing in it */
    return n;
}

void cache_count(const struct cache *cache, struct cache_counts *counts)
{
    *counts = (struct cache_counts){.positive = cache->known.n,
                                    .negative = cache->unknown.n,
                                    .file_bytes = cache->file_bytes,
                                    .hits = cache->hits,
                                    .misses = cache->misses};
}
