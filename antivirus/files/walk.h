/*
 * walk: visits a file and, if it is an archive, each file in it, and so on inward, with what each
 * is called and what it really is. Unpacks in memory with libarchive; nothing is written, no helper
 * program is run, and no name out of an archive is ever used as a path.
 *
 * Bounded for one message: bytes unpacked, files, time (struct unpack_limits), depth. A limit that
 * is hit, and an archive that can't be opened, stand in walk->note: then not all was visited.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_WALK_H
#define POTERNE_ANTIVIRUS_FILES_WALK_H

#include <locale.h>

#include "antivirus/files/kind.h"
#include "antivirus/files/unpack.h"
#include "base/buf.h"

#define WALK_PATH_MAX  512 /* bytes that are shown of "a.zip/b.zip/c.exe" */
#define WALK_DEPTH_MAX 100
#define WALK_NAMES_MAX 1000000 /* of one file of the message; what is beyond is given twice */

struct walk_file {
    struct str path;  /* for people: every archive around it, and its name */
    struct str name;  /* as its archive has it, or the part's */
    struct str other; /* a second name of the same file; may be empty */
    struct str bytes; /* all, or the first KIND_HEAD and more when `cut`; empty when encrypted */
    kind_set kinds;
    unsigned depth; /* 0: the file that the walk began with */
    bool cut;
    bool encrypted; /* this very file, in its archive */
};

/* Called for what is inside first: an archive's kinds tell of what was in it. */
typedef void walk_visit(void *data, const struct walk_file *file);

struct walk {
    struct unpack_limits left; /* what is not used up yet */
    unsigned depth;            /* archives inside one another */
    walk_visit *visit;
    void *data;
    locale_t utf8;    /* names are converted in it; (locale_t)0: in the process's own */
    struct buf names; /* hashes of the members' names so far (uint64_t), of the file at hand */
    uint64_t seed;    /* of these hashes */
    char note[192];   /* the first thing that was not looked at; empty: none */
    bool limited;     /* it was a limit */
    struct buf path;
    char path_bytes[WALK_PATH_MAX];
};

/* depth: at most WALK_DEPTH_MAX is taken */
void walk_start(struct walk *walk, const struct unpack_limits *limits, unsigned depth,
                walk_visit *visit, void *data);
/* One file of the message; `name` may be empty. The limits hold for all calls together. */
void walk_file(struct walk *walk, struct str name, struct str bytes);

#endif
