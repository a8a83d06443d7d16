/*
 * yara_rules: compiles the rules of a file or of all *.yar and *.yara of a folder (in the order of
 * their names, subfolders too). Rules of the same name in two files do not clash. The first mistake
 * refuses all: "FILE:LINE: what is wrong".
 */
#ifndef POTERNE_ANTIVIRUS_YARA_RULES_H
#define POTERNE_ANTIVIRUS_YARA_RULES_H

#include <yara.h>

#include "base/err.h"

#define YARA_FILES_MAX 10000
#define YARA_DEPTH_MAX 8
#define YARA_FILE_MAX  (32UL * 1024 * 1024)

/* The number of rules, or -1. The caller destroys *rules. */
int yara_rules_load(const char *path, YR_RULES **rules, struct err *err);

#endif
