/*
 * kind: what a file really is, told from its bytes and never from its name. A file may be several
 * things at once (a picture that is also a zip archive; a Word file with macros), so what is told
 * is a set. Reads at most KIND_HEAD bytes at the start and KIND_TAIL at the end.
 *
 * Sources: the formats' own documents; for Office [MS-CFB], [MS-DOC], [MS-XLS], [MS-ONESTORE],
 * [MS-SHLLINK].
 */
#ifndef POTERNE_ANTIVIRUS_FILES_KIND_H
#define POTERNE_ANTIVIRUS_FILES_KIND_H

#include "base/str.h"

enum file_kind {
    /* programs */
    KIND_PE,
    KIND_DOS,
    KIND_ELF,
    KIND_MACHO,
    KIND_CLASS,
    KIND_JAR,
    KIND_APK,
    KIND_APPX,
    KIND_MSI,
    KIND_PACKAGE,
    /* scripts and what starts something */
    KIND_SCRIPT,
    KIND_BATCH,
    KIND_WSF,
    KIND_HTA,
    KIND_LNK,
    KIND_URL,
    KIND_REGISTRY,
    KIND_CHM,
    KIND_ONENOTE,
    KIND_ACCESS,
    /* disks */
    KIND_ISO,
    KIND_DISK,
    /* archives */
    KIND_ZIP,
    KIND_7Z,
    KIND_RAR,
    KIND_CAB,
    KIND_TAR,
    KIND_CPIO,
    KIND_AR,
    KIND_LHA,
    KIND_ARJ,
    KIND_ACE,
    KIND_GZIP,
    KIND_BZIP2,
    KIND_XZ,
    KIND_LZIP,
    KIND_LZ4,
    KIND_ZSTD,
    KIND_COMPRESS,
    KIND_ENCRYPTED,
    /* documents */
    KIND_OLE2,
    KIND_OFFICE,
    KIND_OOXML,
    KIND_ODF,
    KIND_RTF,
    KIND_OUTLOOK,
    KIND_MACRO,
    KIND_XLM,
    KIND_OBJECT,
    KIND_OFFICE_ENCRYPTED,
    KIND_PDF,
    KIND_POSTSCRIPT,
    KIND_HTML,
    KIND_XML,
    KIND_IMAGE,
    KIND_MEDIA,
    KIND_FONT,
    KINDS
};

typedef uint64_t kind_set;
#define KIND(kind) ((kind_set)1 << (kind))

#define KIND_HEAD ((size_t)0x9000)         /* an ISO file's mark stands at 0x8001 to 0x9006 */
#define KIND_TAIL ((size_t)(65535 + 1024)) /* a zip archive's end record may have a comment */

/* What the bytes are; 0: nothing that is known (text, for one). What takes reading more than head
 * and tail (what an OLE2 file holds, what is in an archive) is for ole2.h and walk.h. */
kind_set kinds_of(struct str bytes);

/* A kind's name, or a group's ("executable", "archive" …); 0: there is no such. */
kind_set kinds_named(struct str name);
const char *kind_name(enum file_kind kind);
/* The i-th name of a kind or group; NULL after the last. */
const char *kind_word(size_t i);

/* Formats that unpack to one file or many (what they are when opened is for walk.h). */
#define KINDS_STREAM                                                                               \
    (KIND(KIND_GZIP) | KIND(KIND_BZIP2) | KIND(KIND_XZ) | KIND(KIND_LZIP) | KIND(KIND_LZ4) |       \
     KIND(KIND_ZSTD) | KIND(KIND_COMPRESS))
#define KINDS_ARCHIVE                                                                              \
    (KIND(KIND_ZIP) | KIND(KIND_7Z) | KIND(KIND_RAR) | KIND(KIND_CAB) | KIND(KIND_TAR) |           \
     KIND(KIND_CPIO) | KIND(KIND_AR) | KIND(KIND_LHA) | KIND(KIND_ARJ) | KIND(KIND_ACE) |          \
     KINDS_STREAM)

#endif
