#include "reports/answer_times.h"

#include <errno.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "base/wire.h"
#include "directory/address.h"

/* The file: u64 magic, u32 n, n times (u64 address, i64 time), u32 CRC of all before. */
#define MAGIC      0x3153524557534e41u /* "ANSWERS1" */
#define ENTRY_SIZE 16
#define FILE_MAX   (16 + ANSWER_TIMES_MAX * ENTRY_SIZE)

/* However it is written. */
static uint64_t hash_of(struct str address)
{
    struct address normal;
    if (address_normal(address, false, &normal))
        address = str_of(normal.text);
    uint64_t hash = 14695981039346656037u; /* FNV-1a; a collision costs an answer */
    for (size_t i = 0; i < address.n; i++)
        hash = (hash ^ (unsigned char)str_lower_char(address.s[i])) * 1099511628211u;
    return hash;
}

static bool is_live(const struct answer_time *entry, int64_t now)
{
    return entry->time > now - ANSWER_PAUSE && entry->time <= now + ANSWER_PAUSE;
}

/* Full of strangers who were just answered: nobody is until the pause is over. */
static void silence(struct answer_times *times, int64_t now)
{
    times->n = ANSWER_TIMES_MAX;
    for (size_t i = 0; i < times->n; i++)
        times->list[i] = (struct answer_time){0, now};
}

static bool decode(struct str file, struct answer_times *times)
{
    if (file.n < 4)
        return false;
    struct wire w = wire_of(str_sub(file, 0, file.n - 4));
    struct wire end = wire_of(str_from(file, file.n - 4));
    if (wire_get_u32(&end) != crc32c(0, w.in) || wire_get_u64(&w) != MAGIC)
        return false;
    times->n = wire_get_u32(&w);
    if (times->n > ANSWER_TIMES_MAX)
        return false;
    for (size_t i = 0; i < times->n; i++) {
        times->list[i].address = wire_get_u64(&w);
        times->list[i].time = wire_get_i64(&w);
    }
    return wire_done(&w);
}

int answer_times_read(const char *path, int64_t now, struct answer_times *times, struct err *err)
{
    struct buf file = BUF_INIT(FILE_MAX);
    times->n = 0;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    int result = fsio_read_file(path, &file, err);
    if (result == 0 && !decode(buf_str(&file), times))
        result = err_set(err, "%s is damaged", path);
    buf_release(&file);
    if (result == 0)
        return 0;
    silence(times, now);
    return err_prefix(err, "nobody is answered for an hour");
}

int answer_times_write(const char *path, const struct answer_times *times, struct err *err)
{
    struct buf file = BUF_INIT(FILE_MAX);
    wire_u64(&file, MAGIC);
    wire_u32(&file, (uint32_t)times->n);
    for (size_t i = 0; i < times->n; i++) {
        wire_u64(&file, times->list[i].address);
        wire_i64(&file, times->list[i].time);
    }
    if (buf_ok(&file))
        wire_u32(&file, crc32c(0, buf_str(&file)));
    int result = buf_ok(&file) ? fsio_replace(path, buf_str(&file), 0640, err)
                               : err_set(err, "%s: out of memory", path);
    buf_release(&file);
    return result;
}

bool answer_times_allow(const struct answer_times *times, struct str address, int64_t now)
{
    uint64_t hash = hash_of(address);
    bool room = times->n < ANSWER_TIMES_MAX;
    for (size_t i = 0; i < times->n; i++) {
        bool live = is_live(&times->list[i], now);
        if (live && times->list[i].address == hash)
            return false;
        room |= !live;
    }
    return room;
}

void answer_times_note(struct answer_times *times, struct str address, int64_t now)
{
    struct answer_time entry = {hash_of(address), now};
    size_t at = times->n;
    for (size_t i = 0; i < times->n && at == times->n; i++)
        if (times->list[i].address == entry.address || !is_live(&times->list[i], now))
            at = i;
    if (at == ANSWER_TIMES_MAX)
        return;
    times->list[at] = entry;
    times->n += at == times->n;
}
