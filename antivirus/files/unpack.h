/*
 * unpack: one archive in memory, member by member, through libarchive. Only the format that was
 * asked for is enabled, and no filter that would start a program.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_UNPACK_H
#define POTERNE_ANTIVIRUS_FILES_UNPACK_H

#include "antivirus/files/kind.h"

/* What is left of them for the whole message; each unpacked byte and file is taken off. */
struct unpack_limits {
    size_t size;       /* bytes unpacked */
    size_t files;      /* unpacked */
    uint64_t deadline; /* clock_ms() */
};

struct unpack_member {
    struct str name;  /* as the archive has it: may hold a path, may be empty */
    struct str other; /* a second name; may be empty */
    struct str bytes;
    bool cut;       /* not all of it: damaged, or sparse */
    bool encrypted; /* no bytes */
};

/* False: stop. */
typedef bool unpack_on_member(void *data, const struct unpack_member *member);

struct unpack_job {
    enum file_kind kind; /* one of KINDS_ARCHIVE, or KIND_ISO */
    struct str bytes;
    struct str name; /* of the archive: "a.gz" unpacks to "a" */
    struct unpack_limits *left;
    unpack_on_member *member;
    void *data;
};

enum unpack_result {
    UNPACK_DONE,
    UNPACK_ENCRYPTED, /* all of it, names too */
    UNPACK_LIMIT,
    UNPACK_BROKEN, /* damaged, or a format that nothing here opens; what could be had was given */
};

/* `why` is filled in for UNPACK_LIMIT and UNPACK_BROKEN. */
enum unpack_result unpack(const struct unpack_job *job, char *why, size_t size);

#endif
