#include "gateway/client/body.h"

#include <errno.h>
#include <unistd.h>

void body_begin(struct body *body, const struct spool_file *file, uint32_t recipient,
                enum body_form form)
{
    *body = (struct body){.file = file,
                          .fields = file->envelope.recipients[recipient].fields,
                          .form = form,
                          .line_start = true};
}

static void end_line(struct body *body, struct buf *out)
{
    if (body->form != BODY_FILE)
        buf_addc(out, '\r');
    buf_addc(out, '\n');
    body->line_start = true;
    body->after_cr = false;
}

/* The bytes up to a line's end, which has no CR or LF in it. */
static void add_run(struct body *body, struct str run, struct buf *out)
{
    if (run.n == 0)
        return;
    if (body->line_start && run.s[0] == '.' && body->form == BODY_WIRE)
        buf_addc(out, '.');
    body->line_start = false;
    buf_add(out, run);
}

/*
 * A CR or an LF that stands alone ends a line here as CR LF does. Edge lets none in; should there
 * be one all the same, it can't be taken for an end of the message by a next hop that is less
 * strict than we are.
 */
static void convert(struct body *body, struct str in, struct buf *out)
{
    for (size_t i = 0; i < in.n;) {
        if (body->after_cr) {
            end_line(body, out);
            if (in.s[i] == '\n') {
                i++;
                continue;
            }
        }
        size_t from = i;
        while (i < in.n && in.s[i] != '\r' && in.s[i] != '\n')
            i++;
        add_run(body, str_sub(in, from, i), out);
        if (i == in.n)
            return;
        if (in.s[i] == '\r')
            body->after_cr = true;
        else
            end_line(body, out);
        i++;
    }
}

static void finish(struct body *body, struct buf *out)
{
    if (body->after_cr || !body->line_start)
        end_line(body, out);
    if (body->form == BODY_WIRE)
        buf_add(out, STR(".\r\n"));
    body->ended = true;
}

static const struct edit *next_edit(const struct body *body)
{
    const struct edits *edits = &body->file->envelope.edits;
    return body->edit < edits->n ? &edits->list[body->edit] : NULL;
}

/* Of the message, at least one byte. */
static ssize_t read_some(const struct spool_file *file, uint64_t at, char *bytes, size_t n,
                         struct err *err)
{
    ssize_t got;
    do {
        got = pread(file->fd, bytes, n, (off_t)(SPOOL_HEADER_SIZE + at));
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        errno = EIO;
    return got > 0 ? got : err_sys(err, "cannot read message %.*s", STR_ARG(file->envelope.id));
}

/* The original's bytes from body->at, at most `room` and not beyond the next edit. */
static int add_original(struct body *body, size_t room, struct buf *out, struct err *err)
{
    char bytes[BODY_STEP];
    const struct edit *edit = next_edit(body);
    uint64_t until = edit ? edit->at : body->file->size;
    size_t n = until - body->at < room ? (size_t)(until - body->at) : room;
    ssize_t got = read_some(body->file, body->at, bytes, n, err);
    if (got < 0)
        return -1;
    convert(body, str_n(bytes, (size_t)got), out);
    body->at += (uint64_t)got;
    return 0;
}

/* A piece of the edit's insert; behind the last one the edit is done. */
static void add_insert(struct body *body, const struct edit *edit, size_t room, struct buf *out)
{
    struct str piece = str_sub(edit->insert, body->inserted, body->inserted + room);
    convert(body, piece, out);
    body->inserted += piece.n;
    if (body->inserted < edit->insert.n)
        return;
    body->at = edit->at + edit->remove;
    body->inserted = 0;
    body->edit++;
}

int body_fill(struct body *body, struct buf *out, struct err *err)
{
    const size_t start = out->n;
    while (!body->ended) {
        const struct edit *edit = next_edit(body);
        size_t used = out->n - start;
        if (used >= BODY_STEP)
            return 1;
        if (body->fields.n) {
            struct str piece = str_sub(body->fields, 0, BODY_STEP - used);
            convert(body, piece, out);
            body->fields = str_from(body->fields, piece.n);
        } else if (edit && edit->at == body->at)
            add_insert(body, edit, BODY_STEP - used, out);
        else if (body->at == body->file->size)
            finish(body, out);
        else if (add_original(body, BODY_STEP - used, out, err) < 0)
            return -1;
    }
    return 0;
}

uint64_t body_size(const struct spool_file *file, uint32_t recipient)
{
    const struct edits *edits = &file->envelope.edits;
    uint64_t size = file->size + file->envelope.recipients[recipient].fields.n;
    for (size_t i = 0; i < edits->n; i++)
        size = size - edits->list[i].remove + edits->list[i].insert.n;
    return size;
}

int body_has_utf8_header(const struct spool_file *file, struct err *err)
{
    char bytes[BODY_STEP];
    bool line_start = true; /* an empty line ends the header */
    for (uint64_t at = 0; at < file->size;) {
        size_t n = file->size - at < sizeof bytes ? (size_t)(file->size - at) : sizeof bytes;
        ssize_t got = read_some(file, at, bytes, n, err);
        if (got < 0)
            return -1;
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] == '\n' && line_start)
                return 0;
            if ((unsigned char)bytes[i] >= 0x80)
                return 1;
            if (bytes[i] != '\r')
                line_start = bytes[i] == '\n';
        }
        at += (uint64_t)got;
    }
    return 0;
}
