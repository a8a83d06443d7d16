/*
 * signature_files: what lies there for the engines to load: ClamAV's files of
 * antivirus.clamav_databases (not its subfolders, as libclamav does), the files of
 * antivirus.yara_rules (to YARA_DEPTH_MAX levels; what is no rule file may be included by one), and
 * antivirus.file_policy.
 * Looks at names, sizes, times and inodes only; opens no file. What freshclam keeps for itself,
 * hidden files and those that an editor or a copy is still at (*.tmp, *.part, *~) do not count.
 */
#ifndef POTERNE_ANTIVIRUS_SIGNATURE_FILES_H
#define POTERNE_ANTIVIRUS_SIGNATURE_FILES_H

#include <time.h>

#include "base/conf.h"
#include "base/err.h"

#define SIGNATURE_FILES_MAX 20000

struct signature_files {
    uint64_t fingerprint; /* of all that counts; in no order, never 0 */
    unsigned n;
    time_t clamav_newest; /* when the newest file was changed; 0: there is none */
    time_t yara_newest;
    time_t policy_newest;
};

/* Told of each folder before it is read. */
typedef void signature_folder(void *data, const char *path);

/* Only what the configured engines load. `folder` may be NULL. -1: something can't be read, or
 * there is too much of it. */
int signature_files_look(const struct conf_antivirus *conf, signature_folder *folder, void *data,
                         struct signature_files *found, struct err *err);

/* Does the list of engines name it? */
bool signature_files_used(const struct conf_antivirus *conf, const char *engine);

#endif
