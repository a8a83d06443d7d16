/*
 * note: that a daily backup could not even begin, or ended without a word. poterned leaves it,
 * which touches no mail; poterne-reports finds it and writes to the managers. A file in
 * STATE_DIR/reports, of one text; a later one takes its place. No backup has it in it: it is of its
 * day.
 */
#ifndef POTERNE_BACKUP_NOTE_H
#define POTERNE_BACKUP_NOTE_H

#include "base/err.h"

#define BACKUP_NOTE     "backup-failed"
#define BACKUP_NOTE_MAX 1000 /* bytes of the text, with its NUL; what is longer is cut */

/* Exit status of `poterne backup --daily`: none was made, and it has told the managers. With any
 * other but 0 nobody was told. */
#define BACKUP_TOLD 3

/* By root in a folder of another's: whatever lies there under that name is not written through. */
int backup_note_leave(const char *state_dir, const char *why, struct err *err);
/* 1: there is one; 0: there is none; -1. */
int backup_note_read(const char *state_dir, char why[BACKUP_NOTE_MAX], struct err *err);
int backup_note_remove(const char *state_dir, struct err *err);

#endif
