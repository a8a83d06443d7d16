/*
 * ole2: what a compound file (.doc .xls .ppt .msi .msg, vbaProject.bin) holds ([MS-CFB]). Every
 * slot of the file that can be a directory entry is looked at, whatever the chains say: a damaged
 * or hidden directory is still repaired by Office. A workbook's stream is followed for its list of
 * sheets ([MS-XLS] 2.4.28), where Excel 4.0 macros stand.
 *
 * Reads only; no recursion; OLE2_STREAM_MAX bytes of one stream, OLE2_READ_MAX of all; a file
 * with more workbooks than that is said to have macro sheets.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_OLE2_H
#define POTERNE_ANTIVIRUS_FILES_OLE2_H

#include "antivirus/files/kind.h"
#include "base/buf.h"

#define OLE2_STREAM_MAX ((size_t)1024 * 1024)
#define OLE2_READ_MAX   ((size_t)64 * 1024 * 1024)

/* What is in it, beside KIND_OLE2. *damaged (may be NULL): its tables lead nowhere. */
kind_set ole2_kinds(struct str bytes, bool *damaged);

#endif
