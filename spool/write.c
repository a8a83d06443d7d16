/* write: a message comes in, and is committed or dropped. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "spool/format.h"
#include "spool/store.h"

#define WRITE_BUFFER (32 * 1024)
#define FILE_MODE    0660 /* edge makes it, delivery appends to it: one group */

struct spool_writer {
    struct spool *spool;
    int fd;
    bool failed;  /* a write failed: nothing but abort is left */
    bool damaged; /* the disk did: what there is of it is set aside */
    uint32_t crc;
    uint64_t size; /* of the message so far, buffered bytes included */
    char id[SPOOL_ID_LEN + 1];
    size_t n;
    char buffer[WRITE_BUFFER]; /* starts with the header's place, zeros until commit */
};

static struct folder *incoming(const struct spool_writer *w)
{
    return &w->spool->folders[FOLDER_INCOMING];
}

struct spool_writer *spool_receive(struct spool *spool, const char *id, struct err *err)
{
    if (!spool_id_valid(str_of(id))) {
        err_set(err, "\"%.40s\" is no message id", id);
        return NULL;
    }
    struct spool_writer *w = malloc(sizeof *w);
    if (w == NULL) {
        err_set(err, "out of memory for a message");
        return NULL;
    }
    *w = (struct spool_writer){.spool = spool, .n = SPOOL_HEADER_SIZE};
    memcpy(w->id, id, sizeof w->id);
    w->fd = openat(incoming(w)->fd, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (w->fd < 0) {
        err_sys(err, "cannot create %s/incoming/%s", spool->root, id);
        free(w);
        return NULL;
    }
    /* the umask may have taken the group's write bit, which delivery needs */
    if (fchmod(w->fd, FILE_MODE) < 0) {
        err_sys(err, "cannot set the mode of %s/incoming/%s", spool->root, id);
        spool_abort(&w);
        return NULL;
    }
    return w;
}

/* A full disk has nothing wrong with it. */
static bool is_damage(int error)
{
    return error == EIO || error == EUCLEAN || error == EROFS;
}

static int write_out(struct spool_writer *w, struct str bytes, struct err *err)
{
    if (fsio_write(w->fd, bytes, w->id, err) == 0)
        return 0;
    w->failed = true;
    w->damaged = is_damage(errno);
    return err_prefix(err, "%s/incoming", w->spool->root);
}

static int flush(struct spool_writer *w, struct err *err)
{
    if (w->failed)
        return err_set(err, "%s/incoming/%s could not be written before", w->spool->root, w->id);
    struct str bytes = str_n(w->buffer, w->n);
    w->n = 0;
    return write_out(w, bytes, err);
}

int spool_write(struct spool_writer *w, struct str bytes, struct err *err)
{
    w->crc = crc32c(w->crc, bytes);
    w->size += bytes.n;
    if (bytes.n > sizeof w->buffer - w->n && flush(w, err) < 0)
        return -1;
    if (bytes.n > sizeof w->buffer)
        return write_out(w, bytes, err);
    if (bytes.n)
        memcpy(w->buffer + w->n, bytes.s, bytes.n);
    w->n += bytes.n;
    return 0;
}

uint64_t spool_size(const struct spool_writer *w)
{
    return w->size;
}

int spool_reader_fd(struct spool_writer *w, struct err *err)
{
    if (flush(w, err) < 0)
        return -1;
    int fd = openat(incoming(w)->fd, w->id, O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : err_sys(err, "cannot open %s/incoming/%s", w->spool->root, w->id);
}

static int write_envelope(struct spool_writer *w, const struct envelope *envelope, struct err *err)
{
    struct buf payload = BUF_INIT(SPOOL_ENVELOPE_MAX);
    struct buf record = BUF_INIT(SPOOL_ENVELOPE_MAX + RECORD_HEAD_SIZE);
    int result = envelope_put(&payload, envelope, w->size, err);
    if (result == 0) {
        record_put(&record, SPOOL_HEADER_SIZE + w->size, RECORD_ENVELOPE, buf_str(&payload));
        result = buf_ok(&record) ? spool_write(w, buf_str(&record), err)
                                 : err_set(err, "out of memory for the envelope");
    }
    if (result == 0)
        result = flush(w, err);
    buf_release(&record);
    buf_release(&payload);
    return result;
}

/* Everything in its place and on the disk, still in incoming/. */
static int finish_file(struct spool_writer *w, const struct envelope *envelope, struct err *err)
{
    const struct spool_header message = {.version = envelope_version(envelope),
                                         .length = w->size,
                                         .crc = w->crc};
    char header[SPOOL_HEADER_SIZE];
    struct stat st;
    if (!str_eq(envelope->id, str_of(w->id)))
        return err_set(err, "the envelope of %.*s for message %s", STR_ARG(envelope->id), w->id);
    header_put(header, &message);
    if (write_envelope(w, envelope, err) < 0)
        return -1;
    if (fsio_pwrite(w->fd, str_n(header, sizeof header), 0, w->id, err) < 0) {
        w->damaged = is_damage(errno);
        return -1;
    }
    if (fstat(w->fd, &st) < 0)
        return err_sys(err, "cannot stat %s/incoming/%s", w->spool->root, w->id);
    if ((uint64_t)st.st_size != SPOOL_HEADER_SIZE + w->size)
        return err_set(err, "%s/incoming/%s has %lld bytes, not the %llu that were written",
                       w->spool->root, w->id, (long long)st.st_size,
                       (unsigned long long)(SPOOL_HEADER_SIZE + w->size));
    if (fdatasync(w->fd) < 0) { /* never again: the kernel may have dropped what was not written */
        w->damaged = is_damage(errno);
        return err_sys(err, "cannot fsync %s/incoming/%s", w->spool->root, w->id);
    }
    return fsio_close(&w->fd, w->id, err);
}

static void writer_free(struct spool_writer **writer)
{
    fsio_close_quiet(&(*writer)->fd);
    free(*writer);
    *writer = NULL;
}

int spool_commit(struct spool_writer **writer, const struct envelope *envelope,
                 enum spool_state state, struct err *err)
{
    struct spool_writer *w = *writer;
    struct folder *to = spool_folder(w->spool, state);
    if (finish_file(w, envelope, err) < 0) {
        spool_abort(writer);
        return -1;
    }
    if (renameat(incoming(w)->fd, w->id, to->fd, w->id) < 0) {
        w->damaged = is_damage(errno);
        err_sys(err, "cannot move %s/incoming/%s to %s/", w->spool->root, w->id, to->name);
        spool_abort(writer);
        return -1;
    }
    int result = folder_sync(to, w->spool->root, err);
    if (result < 0) /* 250 will not be said, so it must not be delivered */
        set_unsaid_aside(w->spool, to, w->id);
    writer_free(writer);
    return result;
}

int spool_stage(struct spool_writer **writer, const struct envelope *envelope, struct err *err)
{
    struct spool_writer *w = *writer;
    if (finish_file(w, envelope, err) < 0 || folder_sync(incoming(w), w->spool->root, err) < 0) {
        spool_abort(writer);
        return -1;
    }
    writer_free(writer);
    return 0;
}

int spool_publish(struct spool *spool, const char *id, struct err *err)
{
    struct folder *to = spool_folder(spool, SPOOL_QUEUE);
    if (!spool_id_valid(str_of(id)))
        return err_set(err, "\"%.40s\" is no message id", id);
    if (renameat(spool->folders[FOLDER_INCOMING].fd, id, to->fd, id) < 0)
        return errno == ENOENT
                   ? 0
                   : err_sys(err, "cannot move %s/incoming/%s to %s/", spool->root, id, to->name);
    return folder_sync(to, spool->root, err) < 0 ? -1 : 1;
}

void spool_unstage(struct spool *spool, const char *id)
{
    unlinkat(spool->folders[FOLDER_INCOMING].fd, id, 0);
}

void spool_abort(struct spool_writer **writer)
{
    if (*writer == NULL)
        return;
    int saved = errno;
    if ((*writer)->damaged)
        set_unsaid_aside((*writer)->spool, incoming(*writer), (*writer)->id);
    else
        unlinkat(incoming(*writer)->fd, (*writer)->id, 0);
    writer_free(writer);
    errno = saved;
}
