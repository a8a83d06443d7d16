/* unlock_zip: decrypts the files of one zip archive with the candidates, through libzip. */
#ifndef POTERNE_ANTIVIRUS_FILES_UNLOCK_ZIP_H
#define POTERNE_ANTIVIRUS_FILES_UNLOCK_ZIP_H

#include "antivirus/files/candidates.h"

/* What is left of them for the whole message. */
struct unlock_zip_limits {
    size_t size;  /* bytes decrypted, those of wrong passwords included */
    size_t files; /* entries looked at */
    uint64_t deadline;
};

/* path: "a.zip/b.exe". Called for the files that are not encrypted, too: another reader may have
 * believed that they are. False: no room for it. */
typedef bool unlock_on_decrypted(void *data, struct str path, struct str bytes);

struct unlock_zip_job {
    struct str bytes;
    struct str path; /* of the archive, for people */
    size_t closed;   /* files in it that another reader met encrypted */
    const struct candidates *candidates;
    struct unlock_zip_limits *left;
    unlock_on_decrypted *decrypted;
    void *data;
};

enum unlock_result {
    UNLOCK_OPENED, /* every encrypted file in it was decrypted, and is what its checksum says; at
                      least as many as `closed` */
    UNLOCK_CLOSED, /* not all */
    UNLOCK_LIMIT,  /* a limit was hit before that was known */
};

enum unlock_result unlock_zip(const struct unlock_zip_job *job);

#endif
