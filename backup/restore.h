/*
 * restore: what a generation holds, back to where it was. Nothing that is there is overwritten or
 * deleted: it is in the way, or, with `force`, moved aside to NAME.before-TIME.
 *
 * A folder of the state is made beside (NAME.restoring) and renamed when it is whole. What is
 * restored there belongs to whom its folder belongs to; settings to whom they belonged, by name,
 * and so do their folders, where they are missing.
 * Each piece is looked at again when it is read; a path is one of manifest_path_ok().
 */
#ifndef POTERNE_BACKUP_RESTORE_H
#define POTERNE_BACKUP_RESTORE_H

#include <limits.h>

#include "backup/verify.h"

struct restore {
    int fd; /* of the generation */
    const struct manifest *m;
    unsigned parts;        /* bits */
    const char *root;      /* in front of every path; "": this machine */
    const char *config;    /* where the file of settings goes */
    const char *state_dir; /* where the state goes */
    bool force;
    bool elsewhere; /* what the settings name outside of their own folder, too */
    void (*step)(void *data, uint64_t bytes);
    void (*in_the_way)(void *data, const char *path);
    void *data;
    /* filled */
    uint64_t files;
    uint64_t bytes;
    uint64_t left_out;     /* files elsewhere that were not asked for */
    uint64_t ways_blocked; /* things that are in the way */
    char stamp[32];        /* of what is moved aside */
    char *piece;           /* its own */
};

int restore_begin(struct restore *r, struct err *err);
void restore_end(struct restore *r);

/* What is in the way; each is told. state_dir may be NULL: not known yet. */
int restore_look(struct restore *r, struct err *err);
/* Files: settings, keys. The state's folder is made where it is missing. */
int restore_files(struct restore *r, struct err *err);
/* The folders of the state. Those that are there already (places_make()) say whose they are. */
int restore_state(struct restore *r, struct err *err);

#endif
