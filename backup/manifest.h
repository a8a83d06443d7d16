/*
 * manifest: what a generation of the backup holds, a text file in it:
 *
 *   poterne backup 1
 *   made 2026-11-23T02:30:00Z
 *   poterne 0.1
 *   hostname mx.example
 *   config /etc/poterne/poterne.conf
 *   state /var/lib/poterne
 *   model model-412
 *   folder MODE USER:GROUP settings/etc/poterne
 *   file SHA256 MODE USER:GROUP SIZE - state/quarantine/01J…
 *   file SHA256 MODE USER:GROUP SIZE 0 state/journal/journal.sqlite
 *   end PIECES SHA256 of all lines above
 *
 * A file larger than PIECE_SIZE is several pieces, numbered from 0, each of that size but the last.
 * So what did not change of a large one need not be kept again. A folder has a line where it would
 * have to be made as it was: those of settings, and all above them. Stored are `files/PATH`, or
 * `pieces/PATH/000000` and so on. In texts a byte below 33, above 126, or % is %XX.
 *
 * A manifest that is read is somebody else's: its paths are checked (manifest_path_ok()), and it is
 * believed whole or not at all.
 */
#ifndef POTERNE_BACKUP_MANIFEST_H
#define POTERNE_BACKUP_MANIFEST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/sha256.h"

#define MANIFEST_FILE        "manifest"
#define MANIFEST_VERSION     1
#define MANIFEST_MAX         ((size_t)1024 * 1024 * 1024) /* bytes of the text */
#define MANIFEST_PIECES_MAX  4000000
#define MANIFEST_FOLDERS_MAX 100000
#define MANIFEST_PATH_MAX    2048 /* bytes of a path in it */
#define MANIFEST_DEPTH_MAX   32   /* folders in one */
#define PIECE_SIZE           ((size_t)4 * 1024 * 1024)
#define PIECE_WHOLE          UINT32_MAX /* the number of what is in one piece */
#define PIECE_NUMBER_MAX     16777216u  /* 64 TB */

struct piece {
    struct str path;  /* state/…, settings/… */
    uint32_t number;  /* PIECE_WHOLE: the only one */
    uint32_t mode;    /* of the file: permissions alone */
    uint64_t size;    /* of the piece */
    struct str owner; /* "user:group", names or numbers */
    unsigned char sum[SHA256_SIZE];
    bool dropped; /* left out by manifest_sort() */
};

struct manifest_folder {
    struct str path;
    uint32_t mode;
    struct str owner; /* as of a piece */
};

struct manifest {
    struct pool *pool; /* all texts, pieces and folders */
    struct str made;   /* when it was begun */
    struct str program;
    struct str hostname;
    struct str config;    /* the file of settings, where it was: absolute, no . and .. */
    struct str state_dir; /* likewise */
    struct str model;     /* that was in service; empty: none */
    struct piece *pieces; /* as read, and once sorted, by path and number */
    size_t n;
    size_t cap;
    struct manifest_folder *folders; /* by path */
    size_t n_folders;
    size_t cap_folders;
};

struct manifest *manifest_new(struct err *err);
void manifest_free(struct manifest **m);

/* Texts are copied. */
int manifest_add(struct manifest *m, const struct piece *piece, struct err *err);
/* By path and number; those that were dropped go. */
void manifest_sort(struct manifest *m);
/* Of a sorted one; NULL: not there. */
const struct piece *manifest_find(const struct manifest *m, struct str path, uint32_t number);

/* At its place, unless it is there; texts are copied. */
int manifest_add_folder(struct manifest *m, const struct manifest_folder *folder, struct err *err);
/* NULL: there is no line of it. */
const struct manifest_folder *manifest_folder(const struct manifest *m, struct str path);

/* Sorts it first. */
int manifest_put(struct manifest *m, struct buf *out, struct err *err);
/* NULL with err: not whole, not understood, of a later version, or a path that leads outside. */
struct manifest *manifest_get(struct str text, struct err *err);

/* Relative, below settings/ or state/, without empty parts, `.` and `..`. */
bool manifest_path_ok(struct str path);
/* Where a piece lies in its generation; false when it does not fit. */
bool manifest_stored(const struct piece *piece, char *out, size_t size);

#endif
