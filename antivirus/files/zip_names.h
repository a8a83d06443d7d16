/*
 * zip_names: a zip archive names each file twice, in its directory at the end and before the file
 * itself, and programs differ in which they believe. libarchive gives the directory's names; here
 * are those that only stand before a file.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_ZIP_NAMES_H
#define POTERNE_ANTIVIRUS_FILES_ZIP_NAMES_H

#include "base/str.h"

#define ZIP_NAMES_MAX 100000 /* of the directory; a name beyond it is given twice */

/* False: stop. */
typedef bool zip_on_name(void *data, struct str name);

void zip_local_names(struct str archive, zip_on_name *on_name, void *data);

#endif
