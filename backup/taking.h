/*
 * taking: files into a generation that is being written, piece by piece. A piece that the
 * generation before has, and has whole (it is read again), becomes a second name of it; all else
 * is written. Nothing is durable before shelf_commit().
 */
#ifndef POTERNE_BACKUP_TAKING_H
#define POTERNE_BACKUP_TAKING_H

#include <sys/types.h>

#include "backup/manifest.h"

#define TAKING_FILES_MAX 2000000 /* of one folder */
#define TAKING_RESERVES  2       /* so often the reserve stays free: mail goes on beside it */

struct taking {
    int fd;             /* the folder of the new generation */
    const char *folder; /* the shelf's, for messages */
    struct manifest *made;
    const struct manifest *old; /* sorted; NULL: there is none before */
    int old_fd;
    bool once;         /* a path that is there already is passed over */
    bool follow;       /* in folders: symbolic links, too; what they can't give is left_out */
    uint64_t free_min; /* bytes of the reserve that new mail is refused for, and files */
    uint64_t free_files_min;
    /* after each piece, with its size; an error ends the backup */
    int (*step)(void *data, uint64_t bytes, struct err *err);
    void *data;
    /* filled */
    uint64_t files;
    uint64_t bytes;   /* of all */
    uint64_t written; /* of those that were not there already */
    uint64_t left_out;
    /* the taking's own */
    char *piece;
    char *again;
    uid_t uid; /* whose name this is */
    gid_t gid;
    char owner[128];
};

/* made, old, fd, folder, free_min, free_files_min and step are the caller's. */
int taking_begin(struct taking *t, struct err *err);
void taking_end(struct taking *t);

/* Is there room for so many bytes at once? Each piece asks for its own. -1: no, err says so. */
int taking_room(const struct taking *t, uint64_t bytes, struct err *err);

/*
 * The file NAME of the folder dir_fd, as PATH in the generation. 1: taken; 0: it is not there (any
 * more), or no plain file. A file that grows meanwhile is taken as long as it was at first.
 * `follow`: also through a symbolic link.
 */
int taking_file(struct taking *t, int dir_fd, const char *name, struct str path, bool follow,
                struct err *err);
/* Notes the folder FOLDER as PATH, unless it is noted. */
int taking_note_folder(struct taking *t, const char *folder, struct str path, struct err *err);
/* The file whose first piece is made->pieces[at] goes again. */
void taking_drop(struct taking *t, size_t at);

/* All plain files of a folder and of the folders in it, `depth` deep, that `wants` (may be NULL)
 * says yes to; -1, or 0, also where there is no such folder. Files may come and go meanwhile.
 * With t->follow a link to nothing, one to a folder that it is in, and a folder that lies deeper
 * are logged and counted. */
typedef bool taking_wants(const char *name);
int taking_folder(struct taking *t, const char *folder, struct str path, taking_wants *wants,
                  unsigned depth, struct err *err);

#endif
