/*
 * tmp: a temporary folder for each worker, below the current folder: the first of "0",
 * "1", … that nobody holds under a lock. The lock ends with the worker, however it ends, so that
 * what it left behind is found and removed by the next one that takes the folder. A folder that
 * can't be emptied is passed over.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_TMP_H
#define POTERNE_GATEWAY_ANTIVIRUS_TMP_H

#include "base/err.h"
#include "base/str.h"

#define ANTIVIRUS_TMP_FOLDERS  1024 /* workers of all generations together */
#define ANTIVIRUS_TMP_NAME_MAX 16

/* Fills in the name; returns the descriptor that holds the lock, or -1. */
int antivirus_tmp_take(char *name, size_t size, struct err *err);

#endif
