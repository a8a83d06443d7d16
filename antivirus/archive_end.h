/*
 * archive_end: is an archive whole, as far as its first and last bytes tell? libclamav unpacks what
 * it can of one that was cut, and says nothing of the rest. Formats: PKWARE APPNOTE 4.3.16 (zip),
 * 7zFormat.txt, [MS-CAB] 2.1, the .xz file format 2.1.2, ARJ's TECHNOTE, bzip2, cpio(5).
 * Not told: gzip, tar, RAR.
 */
#ifndef POTERNE_ANTIVIRUS_ARCHIVE_END_H
#define POTERNE_ANTIVIRUS_ARCHIVE_END_H

#include "base/str.h"

/* type: libclamav's name of the kind. False also for kinds that are not known here. */
bool archive_is_cut(const char *type, struct str bytes);

#endif
