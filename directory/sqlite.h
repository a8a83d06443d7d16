/*
 * sqlite: a database of recipients, asked by one SELECT of the settings with the address as its one
 * parameter: the ops of source.h. Any row is a YES. Columns are told by their names: address (the
 * official one; another than was asked for makes it an alias), disabled (true: it takes no mail),
 * quota_used and quota_limit (bytes), redirect, redirect_keep (true: the mailbox keeps a copy,
 * false: it does not, NULL: as the domain says).
 *
 * It is opened to be read only, and anew when another file stands there.
 */
#ifndef POTERNE_DIRECTORY_SQLITE_H
#define POTERNE_DIRECTORY_SQLITE_H

#include "directory/source.h"

extern const struct source_ops sqlite_ops;

#endif
