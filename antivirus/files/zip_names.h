/*
 * zip_names: a zip archive names each file twice, in its directory at the end and before the file
 * itself, and programs differ in which they believe. libarchive gives one of both; here are all
 * that stand anywhere, in a stored archive within this one too.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_ZIP_NAMES_H
#define POTERNE_ANTIVIRUS_FILES_ZIP_NAMES_H

#include "base/str.h"

/* Those of folders are left out. False: stop. */
typedef bool zip_on_name(void *data, struct str name);

void zip_names(struct str archive, zip_on_name *on_name, void *data);

#endif
