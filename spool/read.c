/* read: a file of the spool checked and taken apart. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "base/recipient.h"
#include "base/wire.h"
#include "spool/format.h"
#include "spool/store.h"

#define READ_STEP (32 * 1024)

static int read_exactly(int fd, char *to, size_t n, uint64_t at)
{
    while (n) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = EIO; /* it was that long a moment ago */
        if (got <= 0)
            return -1;
        to += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return 0;
}

/* Neither damaged nor to be touched: errno tells. */
static int is_later(struct err *err, const char *what, uint32_t number)
{
    err_set(err, "written by a later poterne (%s %u is not known here)", what, number);
    errno = ENOTSUP;
    return -1;
}

static int read_header(int fd, uint64_t file_size, struct spool_header *header, bool *corrupt,
                       struct err *err)
{
    char bytes[SPOOL_HEADER_SIZE];
    *corrupt = file_size < SPOOL_HEADER_SIZE;
    if (*corrupt)
        return err_set(err, "cut off: %llu bytes", (unsigned long long)file_size);
    if (read_exactly(fd, bytes, sizeof bytes, 0) < 0)
        return err_sys(err, "cannot be read");
    *corrupt = !header_get(str_n(bytes, sizeof bytes), header);
    if (*corrupt)
        return err_set(err, "its header is damaged");
    if (header->version > SPOOL_VERSION)
        return is_later(err, "version", header->version);
    *corrupt = header->length > file_size - SPOOL_HEADER_SIZE;
    if (*corrupt)
        return err_set(err, "cut off: %llu bytes of message, %llu expected",
                       (unsigned long long)(file_size - SPOOL_HEADER_SIZE),
                       (unsigned long long)header->length);
    return 0;
}

static int check_message(int fd, const struct spool_header *header, bool *corrupt, struct err *err)
{
    char bytes[READ_STEP];
    uint32_t crc = 0;
    for (uint64_t at = 0; at < header->length;) {
        uint64_t left = header->length - at;
        size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes;
        if (read_exactly(fd, bytes, n, SPOOL_HEADER_SIZE + at) < 0)
            return err_sys(err, "cannot be read");
        crc = crc32c(crc, str_n(bytes, n));
        at += n;
    }
    *corrupt = crc != header->crc;
    return *corrupt ? err_set(err, "the message's bytes have changed (CRC)") : 0;
}

/* That a record gives its recipients; of a kind without one: one that is known. */
static unsigned state_in(const struct record *record)
{
    struct wire w = wire_of(record->payload);
    if (record->kind != RECORD_MARK && record->kind != RECORD_ADDED)
        return RCPT_OWED;
    wire_get_i64(&w);
    return wire_get_u8(&w);
}

/* Likewise of a record's note. */
static unsigned note_in(const struct record *record)
{
    struct wire w = wire_of(record->payload);
    if (record->kind != RECORD_NOTE)
        return 0;
    wire_get_i64(&w);
    return wire_get_u8(&w);
}

/* Likewise of a record's order. */
static unsigned order_in(const struct record *record)
{
    struct wire w = wire_of(record->payload);
    if (record->kind != RECORD_ORDER)
        return SPOOL_HOLD;
    wire_get_i64(&w);
    return wire_get_u8(&w);
}

/* The first that is not known here, or one that is. */
static unsigned unknown_state(const struct envelope *e)
{
    for (size_t i = 0; i < e->n_recipients; i++)
        if (e->recipients[i].state >= RECIPIENT_STATES)
            return e->recipients[i].state;
    return RCPT_OWED;
}

/* The next one that a record is about; NULL: it is malformed. */
static struct spool_recipient *get_recipient(struct wire *w, struct envelope *envelope)
{
    uint32_t index = wire_get_u32(w);
    w->bad |= index >= envelope->n_recipients;
    return w->bad ? NULL : &envelope->recipients[index];
}

/* False: malformed. */
static bool apply_mark(struct str payload, struct envelope *envelope)
{
    struct wire w = wire_of(payload);
    struct spool_mark mark = {.time_us = wire_get_i64(&w)};
    mark.state = wire_get_u8(&w);
    mark.relay = wire_get_str(&w);
    mark.detail = wire_get_str(&w);
    struct spool_recipient *r;
    for (uint32_t n = wire_get_u32(&w); n > 0 && (r = get_recipient(&w, envelope)); n--)
        spool_apply_mark(r, &mark);
    if (mark.state == RCPT_RELEASED)
        envelope_forget_orders(envelope);
    return wire_done(&w);
}

static bool apply_note(struct str payload, struct envelope *envelope)
{
    struct wire w = wire_of(payload);
    wire_get_i64(&w);
    unsigned note = wire_get_u8(&w);
    struct spool_recipient *r;
    for (uint32_t n = wire_get_u32(&w); n > 0 && (r = get_recipient(&w, envelope)); n--)
        spool_apply_note(r, note);
    return wire_done(&w);
}

static bool apply_begun(struct str payload, struct envelope *envelope)
{
    struct wire w = wire_of(payload);
    wire_get_i64(&w);
    unsigned about = wire_get_u8(&w);
    struct str id = wire_get_str(&w);
    struct spool_recipient *r;
    if (!spool_id_valid(id))
        return false;
    for (uint32_t n = wire_get_u32(&w); n > 0 && (r = get_recipient(&w, envelope)); n--) {
        r->begun = id;
        r->begun_about = about;
    }
    return wire_done(&w);
}

static bool apply_held(struct str payload, struct envelope *envelope)
{
    struct wire w = wire_of(payload);
    envelope->held = wire_get_str(&w);
    envelope->held_later = true;
    return wire_done(&w);
}

static bool apply_order(struct str payload, struct envelope *envelope)
{
    struct wire w = wire_of(payload);
    struct spool_order order = {.time_us = wire_get_i64(&w)};
    order.kind = (enum spool_order_kind)wire_get_u8(&w);
    order.uncounted_us = wire_get_i64(&w);
    order.by = wire_get_str(&w);
    if (!wire_done(&w) || order.kind == 0 || order.uncounted_us < 0)
        return false;
    spool_apply_order(envelope, &order);
    return true;
}

/* *memory: false when there was not enough, and the record may be sound. */
static bool apply_added(struct str payload, struct pool *pool, size_t *room, struct envelope *e,
                        bool *memory)
{
    struct wire w = wire_of(payload);
    struct spool_mark mark = {.time_us = wire_get_i64(&w)};
    struct spool_recipient added = {0};
    mark.state = wire_get_u8(&w);
    mark.detail = wire_get_str(&w);
    added.address = wire_get_str(&w);
    added.how = wire_get_str(&w);
    if (!wire_done(&w) || e->n_recipients >= SPOOL_RECIPIENTS_MAX)
        return false;
    struct spool_recipient *list =
        pool_grow(pool, e->recipients, e->n_recipients, room, sizeof *list);
    *memory = list != NULL;
    if (list == NULL)
        return false;
    list[e->n_recipients] = added;
    e->recipients = list;
    spool_apply_mark(&list[e->n_recipients++], &mark);
    if (mark.state == RCPT_RELEASED)
        envelope_forget_orders(e);
    return true;
}

/* What a record behind the envelope says. False: malformed, or out of place. */
static bool apply_record(const struct record *record, struct pool *pool, size_t *room,
                         struct spool_file *file, bool *memory)
{
    file->journaled = record->kind == RECORD_JOURNALED;
    switch (record->kind) {
    case RECORD_MARK:
        return apply_mark(record->payload, &file->envelope);
    case RECORD_NOTE:
        return apply_note(record->payload, &file->envelope);
    case RECORD_BEGUN:
        return apply_begun(record->payload, &file->envelope);
    case RECORD_HELD:
        return apply_held(record->payload, &file->envelope);
    case RECORD_ORDER:
        return apply_order(record->payload, &file->envelope);
    case RECORD_ADDED:
        return apply_added(record->payload, pool, room, &file->envelope, memory);
    case RECORD_JOURNALED:
        return record->payload.n == 0;
    default:
        return false;
    }
}

static int take_records(struct str rest, uint32_t version, const char *id, struct pool *pool,
                        struct spool_file *file, bool *corrupt, struct err *err)
{
    uint64_t at = SPOOL_HEADER_SIZE + file->size;
    struct record record;
    enum record_result got = record_get(&rest, &at, &record);
    *corrupt = got != RECORD_GOOD || record.kind != RECORD_ENVELOPE;
    if (*corrupt)
        return err_set(err, "its envelope is missing or damaged");
    if (envelope_get(record.payload, version, file->size, pool, &file->envelope, corrupt, err) < 0)
        return -1;
    *corrupt = !str_eq(file->envelope.id, str_of(id));
    if (*corrupt)
        return err_set(err, "it is message %.*s under another name", STR_ARG(file->envelope.id));
    if (unknown_state(&file->envelope) >= RECIPIENT_STATES)
        return is_later(err, "recipient state", unknown_state(&file->envelope));
    size_t room = file->envelope.n_recipients;
    bool memory = true;
    while ((got = record_get(&rest, &at, &record)) == RECORD_GOOD) {
        /* to pass over it could mean to deliver twice */
        if (record.kind > RECORD_KIND_LAST)
            return is_later(err, "record kind", record.kind);
        if (state_in(&record) >= RECIPIENT_STATES)
            return is_later(err, "recipient state", state_in(&record));
        if (note_in(&record) & ~SPOOL_NOTES)
            return is_later(err, "note", note_in(&record));
        if (order_in(&record) > SPOOL_ORDER_LAST)
            return is_later(err, "order", order_in(&record));
        bool good = apply_record(&record, pool, &room, file, &memory);
        if (!memory)
            return err_set(err, "out of memory for its records");
        *corrupt = !good;
        if (*corrupt)
            return err_set(err, "a record of kind %u can't be understood", record.kind);
    }
    *corrupt = got == RECORD_DAMAGED;
    file->records_lost = got == RECORD_LOST;
    file->records_end = at;
    return *corrupt ? err_set(err, "a record in the middle is damaged") : 0;
}

static int read_records(uint64_t file_size, uint32_t version, const char *id, struct pool *pool,
                        struct spool_file *file, bool *corrupt, struct err *err)
{
    uint64_t at = SPOOL_HEADER_SIZE + file->size;
    uint64_t n = file_size - at;
    *corrupt = n > SPOOL_RECORDS_MAX;
    if (*corrupt)
        return err_set(err, "%llu bytes of records", (unsigned long long)n);
    char *bytes = pool_alloc(pool, (size_t)n);
    if (bytes == NULL)
        return err_set(err, "out of memory for %llu bytes of records", (unsigned long long)n);
    if (read_exactly(file->fd, bytes, (size_t)n, at) < 0)
        return err_sys(err, "cannot be read");
    return take_records(str_n(bytes, (size_t)n), version, id, pool, file, corrupt, err);
}

static int read_file(struct spool_file *file, bool whole, const char *id, struct pool *pool,
                     bool *corrupt, struct err *err)
{
    struct spool_header header;
    struct stat st;
    if (fstat(file->fd, &st) < 0)
        return err_sys(err, "cannot be read");
    if (read_header(file->fd, (uint64_t)st.st_size, &header, corrupt, err) < 0)
        return -1;
    file->size = header.length;
    if (whole && check_message(file->fd, &header, corrupt, err) < 0)
        return -1;
    return read_records((uint64_t)st.st_size, header.version, id, pool, file, corrupt, err);
}

/* access: O_RDWR or O_RDONLY */
static int load(struct spool *spool, enum spool_state state, const char *id, bool whole, int access,
                struct pool *pool, struct spool_file **out, bool *corrupt, struct err *err)
{
    const struct folder *folder = spool_folder(spool, state);
    struct spool_file *file = POOL_NEW(pool, struct spool_file);
    *out = NULL;
    *corrupt = false;
    errno = 0;
    if (file == NULL) {
        errno = ENOMEM;
        return err_set(err, "out of memory for message %s", id);
    }
    file->state = state;
    if (!spool_id_valid(str_of(id))) {
        errno = ENOENT;
        return err_set(err, "\"%.40s\" is no message id", id);
    }
    file->fd = openat(folder->fd, id, access | O_CLOEXEC | O_NOFOLLOW);
    if (file->fd < 0)
        return err_sys(err, "cannot open %s/%s/%s", spool->root, folder->name, id);
    if (read_file(file, whole, id, pool, corrupt, err) < 0) {
        bool later = errno == ENOTSUP && !*corrupt;
        err_prefix(err, "%s/%s/%s", spool->root, folder->name, id);
        close(file->fd);
        errno = later ? ENOTSUP : EIO;
        return -1;
    }
    *out = file;
    return 0;
}

int spool_load(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err)
{
    return load(spool, state, id, true, O_RDWR, pool, file, corrupt, err);
}

int spool_peek(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err)
{
    return load(spool, state, id, false, O_RDWR, pool, file, corrupt, err);
}

int spool_look(struct spool *spool, enum spool_state state, const char *id, struct pool *pool,
               struct spool_file **file, bool *corrupt, struct err *err)
{
    return load(spool, state, id, false, O_RDONLY, pool, file, corrupt, err);
}

int spool_open_message(struct spool *spool, enum spool_state state, const char *id, struct err *err)
{
    const struct folder *folder = spool_folder(spool, state);
    int fd = openat(folder->fd, id, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : err_sys(err, "cannot open %s/%s/%s", spool->root, folder->name, id);
}

int64_t spool_file_time(struct spool *spool, enum spool_state state, const char *id)
{
    struct stat st;
    return fstatat(spool_folder(spool, state)->fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0
               ? (int64_t)st.st_mtime
               : -1;
}

int64_t spool_file_size(struct spool *spool, enum spool_state state, const char *id)
{
    struct stat st;
    return fstatat(spool_folder(spool, state)->fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0
               ? (int64_t)st.st_size
               : -1;
}

void spool_unload(struct spool_file **file)
{
    if (*file == NULL)
        return;
    fsio_close_quiet(&(*file)->fd);
    *file = NULL;
}
