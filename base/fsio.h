/*
 * fsio: files, with every byte and every error accounted for. All return 0, or -1 with err set.
 * Paths are C strings; errno survives a failure. EINTR is retried everywhere, except that a
 * failed fsync is never tried again on the same descriptor (the kernel may have dropped the pages).
 */
#ifndef POTERNE_BASE_FSIO_H
#define POTERNE_BASE_FSIO_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* FOLDER/NAME as a C string in out; an error if it does not fit into size bytes. */
int fsio_join(char *out, size_t size, const char *folder, const char *name, struct err *err);
int fsio_write(int fd, struct str bytes, const char *path, struct err *err);
int fsio_pwrite(int fd, struct str bytes, off_t at, const char *path, struct err *err);
/* As many bytes at `at` as there are, at most n; -1: errno says why. */
ssize_t fsio_pread_some(int fd, char *into, size_t n, off_t at);
/* Exactly n bytes at `at`, appended to out; a short file is an error. */
int fsio_pread(int fd, struct buf *out, size_t n, off_t at, const char *path, struct err *err);
/* The whole file from its beginning, appended to out; larger than out's maximum is an error. */
int fsio_read_fd(int fd, struct buf *out, const char *path, struct err *err);
int fsio_read_file(const char *path, struct buf *out, struct err *err);
/* Writes beside, fsyncs, renames over path, fsyncs the folder. */
int fsio_replace(const char *path, struct str bytes, mode_t mode, struct err *err);
/* rename within one file system, then fsync of the folder that gained the name */
int fsio_rename_durable(const char *from, const char *to, struct err *err);
int fsio_sync_dir(const char *path, struct err *err);
/* close() whose error counts; sets *fd to -1 */
int fsio_close(int *fd, const char *path, struct err *err);
/* All that was written to the file system that path is on (syncfs). */
int fsio_sync_file_system(const char *path, struct err *err);
/* fsync of the folder that path stands in. One that may be entered but not read can't be opened for
 * that: then all of its file system, through path, which must be there. */
int fsio_sync_parent(const char *path, struct err *err);
/* Makes the folder if it is not there; an existing one keeps its mode. Parents must exist. The one
 * that it stands in is fsync'd, also where another process has just made it: a power cut does not
 * take it with what is fsync'd in it. */
int fsio_mkdir(const char *path, mode_t mode, struct err *err);
/* The same for what is worth nothing after a crash: not fsync'd. */
int fsio_mkdir_passing(const char *path, mode_t mode, struct err *err);
/* Removes all that is in the folder, never what a symbolic link in it points to, nor another file
 * system's; folders in it that are closed to their owner are opened. 0: it is empty. */
int fsio_empty_dir(const char *path, struct err *err);
/* Takes an exclusive lock on path (made if need be) without waiting; returns the fd or -1. */
int fsio_lock(const char *path, struct err *err);
void fsio_close_quiet(int *fd);

/* Wakes who waits for that eventfd; it stays woken until it is read. */
void fsio_wake(int fd);

#endif
