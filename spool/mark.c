/* mark: records appended to a file as its recipients meet their fate. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/recipient.h"
#include "base/wire.h"
#include "spool/format.h"
#include "spool/store.h"

/* A record goes behind the last good one. What stands there is a torn append and is cut off
 * first, lest a part of it stay behind the new record and look like damage. */
int record_append(struct spool_file *file, uint64_t most, enum record_kind kind, struct str payload,
                  struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    struct buf record = BUF_INIT(SPOOL_ENVELOPE_MAX + RECORD_HEAD_SIZE);
    struct stat st;
    str_copy(file->envelope.id, id, sizeof id);
    record_put(&record, file->records_end, kind, payload);
    int result = buf_ok(&record) ? 0 : err_set(err, "%s: out of memory for a record", id);
    if (result == 0 && file->records_end + record.n > SPOOL_HEADER_SIZE + file->size + most)
        result = err_set(err, "%s has as many records as a file may have", id);
    if (result == 0 && fstat(file->fd, &st) < 0)
        result = err_sys(err, "%s: cannot stat", id);
    if (result == 0 && (uint64_t)st.st_size > file->records_end &&
        ftruncate(file->fd, (off_t)file->records_end) < 0)
        result = err_sys(err, "%s: cannot cut off a torn record", id);
    if (result == 0)
        result = fsio_pwrite(file->fd, buf_str(&record), (off_t)file->records_end, id, err);
    if (result == 0) {
        file->records_end += record.n;
        file->journaled = kind == RECORD_JOURNALED;
    }
    buf_release(&record);
    return result;
}

static int append(struct spool_file *file, enum record_kind kind, struct str payload,
                  struct err *err)
{
    return record_append(file, SPOOL_RECORDS_MAX, kind, payload, err);
}

static void put_indexes(struct buf *payload, const uint32_t *indexes, size_t n)
{
    wire_u32(payload, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        wire_u32(payload, indexes[i]);
}

void spool_apply_mark(struct spool_recipient *r, const struct spool_mark *mark)
{
    r->state = mark->state;
    r->state_time_us = mark->time_us;
    r->relay = str_sub(mark->relay, 0, SPOOL_DETAIL_MAX);
    r->detail = str_sub(mark->detail, 0, SPOOL_DETAIL_MAX);
    r->marks++;
    if (mark->state == RCPT_DEFERRED)
        r->tries++;
    if (mark->state == RCPT_RELEASED) {
        r->tries = 0;
        r->released_us = mark->time_us;
    }
}

int spool_mark(struct spool_file *file, const uint32_t *indexes, size_t n,
               const struct spool_mark *mark, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    wire_i64(&payload, mark->time_us);
    wire_u8(&payload, (uint8_t)mark->state);
    wire_str(&payload, str_sub(mark->relay, 0, SPOOL_DETAIL_MAX));
    wire_str(&payload, str_sub(mark->detail, 0, SPOOL_DETAIL_MAX));
    put_indexes(&payload, indexes, n);
    uint64_t kept = mark->state == RCPT_DEFERRED ? SPOOL_RECORDS_RESERVE : 0;
    int result = buf_ok(&payload) ? record_append(file, SPOOL_RECORDS_MAX - kept, RECORD_MARK,
                                                  buf_str(&payload), err)
                                  : err_set(err, "out of memory for a mark");
    buf_release(&payload);
    for (size_t i = 0; result == 0 && i < n; i++)
        spool_apply_mark(&file->envelope.recipients[indexes[i]], mark);
    if (result == 0 && mark->state == RCPT_RELEASED)
        envelope_forget_orders(&file->envelope);
    return result;
}

void spool_apply_note(struct spool_recipient *r, unsigned note)
{
    const unsigned ways = SPOOL_NOTE_RELAYED | SPOOL_NOTE_PASSED;
    if (note == SPOOL_NOTE_FINAL || (note & ways))
        r->notes &= ~ways;
    r->notes |= note;
}

int spool_add_note(struct spool_file *file, const uint32_t *indexes, size_t n, enum spool_note note,
                   int64_t time_us, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    wire_i64(&payload, time_us);
    wire_u8(&payload, (uint8_t)note);
    put_indexes(&payload, indexes, n);
    int result = buf_ok(&payload) ? append(file, RECORD_NOTE, buf_str(&payload), err)
                                  : err_set(err, "out of memory for a note");
    buf_release(&payload);
    for (size_t i = 0; result == 0 && i < n; i++)
        spool_apply_note(&file->envelope.recipients[indexes[i]], note);
    return result;
}

int spool_begin_notice(struct spool_file *file, const uint32_t *indexes, size_t n, unsigned about,
                       struct str id, int64_t time_us, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    wire_i64(&payload, time_us);
    wire_u8(&payload, (uint8_t)about);
    wire_str(&payload, id);
    put_indexes(&payload, indexes, n);
    int result = buf_ok(&payload) ? append(file, RECORD_BEGUN, buf_str(&payload), err)
                                  : err_set(err, "out of memory for a record");
    buf_release(&payload);
    for (size_t i = 0; result == 0 && i < n; i++) {
        file->envelope.recipients[indexes[i]].begun = id;
        file->envelope.recipients[indexes[i]].begun_about = about;
    }
    return result;
}

int spool_add_recipient(struct spool_file *file, struct str address, struct str how,
                        const struct spool_mark *mark, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    if (file->envelope.n_recipients >= SPOOL_RECIPIENTS_MAX)
        return err_set(err, "%.*s has %zu recipients; no more can be kept",
                       STR_ARG(file->envelope.id), file->envelope.n_recipients);
    wire_i64(&payload, mark->time_us);
    wire_u8(&payload, (uint8_t)mark->state);
    wire_str(&payload, str_sub(mark->detail, 0, SPOOL_DETAIL_MAX));
    wire_str(&payload, address);
    wire_str(&payload, how);
    int result = buf_ok(&payload) ? append(file, RECORD_ADDED, buf_str(&payload), err)
                                  : err_set(err, "out of memory for a record");
    buf_release(&payload);
    return result;
}

int spool_mark_held(struct spool_file *file, struct str reason, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    reason = str_sub(reason, 0, SPOOL_DETAIL_MAX);
    wire_str(&payload, reason);
    int result = buf_ok(&payload) ? append(file, RECORD_HELD, buf_str(&payload), err)
                                  : err_set(err, "out of memory for a record");
    buf_release(&payload);
    if (result == 0) {
        file->envelope.held = reason;
        file->envelope.held_later = true;
    }
    return result;
}

int spool_note_journaled(struct spool_file *file, struct err *err)
{
    return append(file, RECORD_JOURNALED, STR_EMPTY, err);
}

int spool_sync(struct spool_file *file, struct err *err)
{
    if (fdatasync(file->fd) == 0)
        return 0;
    return err_sys(err, "%.*s: cannot fsync", STR_ARG(file->envelope.id));
}
