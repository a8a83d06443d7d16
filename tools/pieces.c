#include "tools/pieces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define COPY_STEP ((size_t)64 * 1024)

/* ---- cutting */

static int add_piece(struct pieces *pieces, struct piece piece, struct err *err)
{
    if (pieces->n == pieces->cap) {
        size_t cap = pieces->cap ? pieces->cap * 2 : 64;
        struct piece *list = reallocarray(pieces->list, cap, sizeof *list);
        if (list == NULL)
            return err_set(err, "out of memory");
        pieces->list = list;
        pieces->cap = cap;
    }
    pieces->list[pieces->n++] = piece;
    pieces->bytes += piece.to - piece.from;
    return 0;
}

static bool begins_mailbox(int fd)
{
    char line[MBOX_LINE_MAX];
    ssize_t n = pread(fd, line, sizeof line, 0);
    size_t ignored;
    return n > 0 && mbox_find(str_n(line, (size_t)n), 0, true, true, &ignored) == 0;
}

static int cut(struct pieces *pieces, size_t file, int fd, uint64_t size, struct err *err)
{
    bool mailbox = size > pieces->cut_at && begins_mailbox(fd);
    uint64_t step = mailbox ? pieces->cut_at : size, from = 0;
    do {
        uint64_t to = size - from < step ? size : from + step;
        if (add_piece(pieces, (struct piece){file, from, to, size, mailbox, pieces->kind}, err) < 0)
            return -1;
        from = to;
    } while (from < size);
    return 0;
}

static int copy_pipe(int from, int to, const char *path, struct err *err)
{
    struct buf step = BUF_INIT(COPY_STEP + 1);
    char *bytes = buf_room(&step, COPY_STEP);
    ssize_t n = 1;
    int result = bytes ? 0 : err_set(err, "out of memory");
    while (result == 0 && n != 0) {
        n = read(from, bytes, COPY_STEP);
        if (n < 0 && errno != EINTR)
            result = err_sys(err, "cannot read %s", path);
        else if (n > 0)
            result = fsio_write(to, str_n(bytes, (size_t)n), "a copy of the input", err);
    }
    buf_release(&step);
    return result;
}

static int take_pipe(struct pieces *pieces, size_t file, int fd, struct err *err)
{
    const char *path = pieces->files.paths[file], *folder = getenv("TMPDIR");
    struct stat st;
    folder = folder && *folder ? folder : "/tmp";
    if (pieces->copy >= 0)
        return err_set(err, "%s: only one of all can be standard input or a pipe", path);
    pieces->copy = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    pieces->copy_file = file;
    if (pieces->copy < 0)
        return err_sys(err, "cannot make a file in %s for a copy of %s", folder, path);
    if (copy_pipe(fd, pieces->copy, path, err) < 0)
        return -1;
    if (fstat(pieces->copy, &st) < 0)
        return err_sys(err, "cannot look at the copy of %s", path);
    return cut(pieces, file, pieces->copy, (uint64_t)st.st_size, err);
}

/* A file that has gone meanwhile, or can't be read, is told by who reads it. */
static int cut_file(struct pieces *pieces, size_t file, struct err *err)
{
    const char *path = pieces->files.paths[file];
    struct stat st = {.st_mode = S_IFREG};
    if (strcmp(path, "-") == 0)
        return take_pipe(pieces, file, STDIN_FILENO, err);
    bool there = stat(path, &st) == 0;
    uint64_t size = there ? (uint64_t)st.st_size : 0;
    const struct piece whole = {file, 0, size, size, false, pieces->kind};
    if (S_ISREG(st.st_mode) && size <= pieces->cut_at)
        return add_piece(pieces, whole, err);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return add_piece(pieces, whole, err);
    int result =
        S_ISREG(st.st_mode) ? cut(pieces, file, fd, size, err) : take_pipe(pieces, file, fd, err);
    close(fd);
    return result;
}

int pieces_add(struct pieces *pieces, const char *path, enum files_wanted wanted, struct err *err)
{
    size_t before = pieces->files.n;
    if (file_list_add(&pieces->files, path, wanted, err) < 0)
        return -1;
    for (size_t i = before; i < pieces->files.n; i++)
        if (cut_file(pieces, i, err) < 0)
            return -1;
    return 0;
}

/* ---- in turns */

struct turn {
    double share; /* of its kind that is before the middle of it */
    size_t at;
};

static int by_share(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->share != y->share)
        return x->share < y->share ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* An empty file has its place, too. */
static double weight_of(const struct piece *piece)
{
    return (double)(piece->to - piece->from) + 1;
}

static void turns_fill(const struct pieces *pieces, struct turn *turns)
{
    double all[2] = {0, 0}, behind[2] = {0, 0};
    for (size_t i = 0; i < pieces->n; i++)
        all[pieces->list[i].kind & 1] += weight_of(&pieces->list[i]);
    for (size_t i = 0; i < pieces->n; i++) {
        double weight = weight_of(&pieces->list[i]);
        uint8_t kind = pieces->list[i].kind & 1;
        turns[i] = (struct turn){(behind[kind] + weight / 2) / all[kind], i};
        behind[kind] += weight;
    }
}

int pieces_interleave(struct pieces *pieces, struct err *err)
{
    struct turn *turns = calloc(pieces->n + 1, sizeof *turns);
    struct piece *list = calloc(pieces->n + 1, sizeof *list);
    if (turns == NULL || list == NULL) {
        free(turns);
        free(list);
        return err_set(err, "out of memory");
    }
    turns_fill(pieces, turns);
    qsort(turns, pieces->n, sizeof *turns, by_share);
    for (size_t i = 0; i < pieces->n; i++)
        list[i] = pieces->list[turns[i].at];
    free(turns);
    free(pieces->list);
    pieces->list = list;
    pieces->cap = pieces->n + 1;
    return 0;
}

void pieces_free(struct pieces *pieces)
{
    file_list_free(&pieces->files);
    free(pieces->list);
    fsio_close_quiet(&pieces->copy);
    *pieces = PIECES_INIT;
}

/* ---- reading */

void piece_reader_init(struct piece_reader *reader)
{
    reader->bytes = BUF_INIT(PIECE_MESSAGE_MAX + 4 * PIECE_BYTES);
    reader->message = BUF_INIT(PIECE_MESSAGE_MAX + PIECE_BYTES);
}

void piece_reader_free(struct piece_reader *reader)
{
    buf_release(&reader->bytes);
    buf_release(&reader->message);
}

/* One file that is no part of a large mailbox. */
/* How to make a mailbox of it, where the file begins as a compressed one; NULL: it does not.
 * Learned as it is, it would be one message of noise. */
static const char *unpacker_of(int fd)
{
    static const struct {
        struct str magic;
        const char *unpacker;
    } kinds[] = {{STR("\x1f\x8b\x08"), "gunzip"},
                 {STR("BZh91AY"), "bunzip2"},
                 {STR("\xfd"
                      "7zXZ"),
                  "unxz"},
                 {STR("\x28\xb5\x2f\xfd"), "unzstd"},
                 {STR("PK\x03\x04"), "unzip"}};
    char head[8];
    ssize_t n = pread(fd, head, sizeof head, 0);
    for (size_t i = 0; n > 0 && i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_starts(str_n(head, (size_t)n), kinds[i].magic))
            return kinds[i].unpacker;
    return NULL;
}

static void read_whole(struct piece_reader *reader, const struct piece *piece, int fd,
                       const char *path)
{
    struct err err = {""};
    const char *unpacker = unpacker_of(fd);
    if (unpacker) {
        err_set(&err, "%s is compressed; unpack it first (%s)", path, unpacker);
        reader->on_problem(reader->data, err.text);
        return;
    }
    if (piece->size > PIECE_MESSAGE_MAX) {
        err_set(&err, "%s is neither a mailbox nor a message of at most %zu MB", path,
                PIECE_MESSAGE_MAX >> 20);
        reader->on_problem(reader->data, err.text);
        return;
    }
    if (fsio_pread(fd, &reader->bytes, piece->size, 0, path, &err) < 0) {
        reader->on_problem(reader->data, err.text);
        return;
    }
    struct str rest = buf_str(&reader->bytes);
    if (rest.n == 0) /* a mailbox without mail */
        return;
    if (!mbox_is(rest)) {
        reader->on_message(reader->data, mbox_line_dropped(rest));
        return;
    }
    while (mbox_next(&rest, &reader->message)) {
        if (buf_ok(&reader->message))
            reader->on_message(reader->data, buf_str(&reader->message));
        else
            reader->on_problem(reader->data, "out of memory");
    }
}

/* A part of a mailbox while it is read: reader->bytes is what stands from `at` on. */
struct walk {
    struct piece_reader *reader;
    const struct piece *piece;
    const char *path;
    int fd;
    uint64_t at;
    size_t scanned; /* in bytes: no separator before it but those that are done with */
};

static uint64_t end_of(const struct walk *walk)
{
    return walk->at + walk->reader->bytes.n;
}

static void drop(struct walk *walk, size_t n)
{
    buf_eat(&walk->reader->bytes, n);
    walk->at += n;
    walk->scanned -= n;
}

/* False: there is no more, or it can't be read. */
static bool read_more(struct walk *walk)
{
    struct err err = {""};
    uint64_t left = walk->piece->size - end_of(walk);
    size_t n = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    if (n == 0)
        return false;
    if (fsio_pread(walk->fd, &walk->reader->bytes, n, (off_t)end_of(walk), walk->path, &err) == 0)
        return true;
    walk->reader->on_problem(walk->reader->data, err.text);
    return false;
}

/* Moves walk->scanned to the next separator. What stands before `keep` may be dropped, and is when
 * it gets too much. False: none begins before `until`, or the rest can't be read. */
static bool find_next(struct walk *walk, uint64_t until, bool keep)
{
    for (;;) {
        struct str text = buf_str(&walk->reader->bytes);
        bool last = end_of(walk) == walk->piece->size;
        size_t resume, found = mbox_find(text, walk->scanned, walk->at == 0, last, &resume);
        if (found != STR_NONE) {
            walk->scanned = found;
            return walk->at + found < until;
        }
        walk->scanned = resume;
        if (last || walk->at + resume >= until)
            return false;
        if ((!keep || text.n > PIECE_MESSAGE_MAX) && resume > MBOX_BEFORE)
            drop(walk, resume - MBOX_BEFORE);
        if (!read_more(walk))
            return false;
    }
}

/* The message that begins where walk->scanned is. False: it was the last of the file. */
static bool read_entry(struct walk *walk)
{
    struct piece_reader *reader = walk->reader;
    struct err err = {""};
    drop(walk, walk->scanned > MBOX_BEFORE ? walk->scanned - MBOX_BEFORE : 0);
    uint64_t begin = walk->at + walk->scanned++;
    bool more = find_next(walk, walk->piece->size, true);
    uint64_t end = more ? walk->at + walk->scanned : end_of(walk);
    if (!more && end < walk->piece->size)
        return false; /* that was told */
    if (begin < walk->at || end - begin > PIECE_MESSAGE_MAX) {
        err_set(&err, "%s: the message at byte %llu is larger than %zu MB", walk->path,
                (unsigned long long)begin, PIECE_MESSAGE_MAX >> 20);
        reader->on_problem(reader->data, err.text);
        return more;
    }
    struct str entry =
        str_sub(buf_str(&reader->bytes), (size_t)(begin - walk->at), (size_t)(end - walk->at));
    if (entry.n == walk->piece->size) { /* the only one: that is no mailbox */
        reader->on_message(reader->data, mbox_line_dropped(entry));
        return false;
    }
    mbox_message(entry, &reader->message);
    if (buf_ok(&reader->message))
        reader->on_message(reader->data, buf_str(&reader->message));
    else
        reader->on_problem(reader->data, "out of memory");
    return more;
}

static void read_mailbox(struct piece_reader *reader, const struct piece *piece, int fd,
                         const char *path)
{
    struct walk walk = {.reader = reader, .piece = piece, .path = path, .fd = fd};
    walk.at = piece->from > MBOX_BEFORE ? piece->from - MBOX_BEFORE : 0;
    walk.scanned = (size_t)(piece->from - walk.at);
    if (!read_more(&walk) || !find_next(&walk, piece->to, false))
        return;
    while (read_entry(&walk) && walk.at + walk.scanned < piece->to)
        continue;
}

void piece_read(struct piece_reader *reader, const struct pieces *pieces, size_t number)
{
    const struct piece *piece = &pieces->list[number];
    const char *path = pieces->files.paths[piece->file];
    bool copy = pieces->copy >= 0 && pieces->copy_file == piece->file;
    struct err err = {""};
    int fd = copy ? pieces->copy : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_sys(&err, "cannot open %s", path);
        reader->on_problem(reader->data, err.text);
        return;
    }
    buf_clear(&reader->bytes);
    if (piece->mailbox)
        read_mailbox(reader, piece, fd, path);
    else
        read_whole(reader, piece, fd, path);
    if (!copy)
        close(fd);
}
