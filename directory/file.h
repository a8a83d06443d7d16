/*
 * file: a file of recipients, read into a table.
 */
#ifndef POTERNE_DIRECTORY_FILE_H
#define POTERNE_DIRECTORY_FILE_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "directory/table.h"

#define DIRECTORY_FILE_MAX ((size_t)512 * 1024 * 1024)
#define DIRECTORY_LINE_MAX 1024

enum file_result {
    FILE_READ,
    FILE_UNREADABLE, /* missing, no permission, an error of the disk */
    FILE_WRONG       /* err says file:line and what was expected */
};

/* On FILE_READ *table is new and *st what the file was when it was read. */
enum file_result file_load(const char *path, struct table **table, struct stat *st,
                           struct err *err);
/* The same from a text. */
enum file_result file_parse(struct str text, const char *path, struct table **table,
                            struct err *err);
/* All of it, and what it was: -1 also when it was changed meanwhile, or is none. */
int file_read(const char *path, struct buf *text, struct stat *st, struct err *err);
/* Is it the same file with the same content, as far as stat can tell? */
bool file_same(const struct stat *a, const struct stat *b);

#endif
