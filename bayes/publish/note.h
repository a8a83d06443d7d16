/*
 * note: a small record as a text file that people can read: a title, then lines "KEY VALUE".
 * Written beside, fsync'd and renamed. A key that is missing leaves what the record held, one that
 * is unknown is passed over: older and newer programs read each other's notes.
 */
#ifndef POTERNE_BAYES_PUBLISH_NOTE_H
#define POTERNE_BAYES_PUBLISH_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NOTE_MAX 8192 /* bytes of a file */

enum note_type {
    NOTE_BOOL,
    NOTE_U32,
    NOTE_U64,
    NOTE_DOUBLE, /* nine digits behind the point */
    NOTE_TEXT,   /* char[]; one line: control characters become blanks */
};

struct note_field {
    const char *key;
    enum note_type type;
    size_t at;   /* in the record */
    size_t size; /* of a text */
};

#define NOTE_FIELD(key, type, record, member)                                                      \
    {                                                                                              \
        key, type, offsetof(record, member), sizeof(((record *)NULL)->member)                      \
    }

struct note_form {
    const char *title; /* first line */
    const struct note_field *fields;
    size_t n;
};

int note_write(const char *path, const struct note_form *form, const void *record, struct err *err);
/* 1 read, 0 there is none, -1 it can't be read or is no such note: err names the line. */
int note_read(const char *path, const struct note_form *form, void *record, struct err *err);

#endif
