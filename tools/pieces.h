/*
 * pieces: the messages of files, folders and mailboxes, cut into pieces that can be read side by
 * side. A file is a piece, and a large mailbox one for each PIECE_BYTES: the messages that begin
 * in it. Nothing but the piece's bytes and one message is in memory. What is compressed is a
 * problem that names the program to unpack it with.
 */
#ifndef POTERNE_TOOLS_PIECES_H
#define POTERNE_TOOLS_PIECES_H

#include "tools/files.h"

#define PIECE_BYTES       ((size_t)256 * 1024)
#define PIECE_TURN_BYTES  ((size_t)16 * 1024)         /* where two kinds are taken in turns */
#define PIECE_MESSAGE_MAX ((size_t)128 * 1024 * 1024) /* a larger one is not read */

struct piece {
    size_t file; /* in files.paths */
    uint64_t from, to;
    uint64_t size; /* of the whole file */
    bool mailbox;  /* a part of a large one */
    uint8_t kind;  /* pieces.kind when it was added */
};

struct pieces {
    struct file_list files;
    struct piece *list;
    size_t n, cap;
    uint64_t bytes;
    size_t cut_at;    /* PIECE_BYTES, or PIECE_TURN_BYTES */
    uint8_t kind;     /* of what is added next: 0 or 1, for who asks */
    int copy;         /* of standard input or a pipe; -1: there is none */
    size_t copy_file; /* which in files.paths */
};
#define PIECES_INIT ((struct pieces){.cut_at = PIECE_BYTES, .copy = -1})

/* Adds what `path` stands for (file_list_add). Standard input, or a pipe, is copied to a file
 * without a name in TMPDIR, since it is read more than once; there can be one of them. */
int pieces_add(struct pieces *pieces, const char *path, enum files_wanted wanted, struct err *err);
/* Takes both kinds in turns, each in its order, so that wherever one stops about the same share of
 * both (by bytes) is behind. */
int pieces_interleave(struct pieces *pieces, struct err *err);
void pieces_free(struct pieces *pieces);

/* What is told of a piece: its messages in order, and what of it can't be read. */
struct piece_reader {
    struct buf bytes, message; /* kept from piece to piece */
    void (*on_message)(void *data, struct str raw);
    void (*on_problem)(void *data, const char *text);
    void *data;
};
void piece_reader_init(struct piece_reader *reader);
void piece_reader_free(struct piece_reader *reader);
void piece_read(struct piece_reader *reader, const struct pieces *pieces, size_t piece);

#endif
