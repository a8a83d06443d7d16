/*
 * names: how a file's name may be read. What a program makes of "a.pdf.exe. ", of a name with a
 * NUL, a path, a stream (a.exe:x), or marks that nobody sees depends on the program: each plausible
 * reading has an extension, and a rule that forbids one forbids the file.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_NAMES_H
#define POTERNE_ANTIVIRUS_FILES_NAMES_H

#include "base/str.h"

#define NAMES_MAX       16  /* different extensions of one file */
#define NAME_BYTES_MAX  512 /* of a name, from its end, are looked at */
#define EXTENSION_MAX   32  /* what is longer is none */
#define DISGUISE_BLANKS 10  /* in a row, before the last extension */

struct file_names {
    char extensions[NAMES_MAX][EXTENSION_MAX]; /* lower case, no dot; "" is one, too: none */
    size_t n;
    bool too_many;  /* there were more extensions */
    bool disguised; /* made to look like another: "a.pdf.exe", an override of the direction, a
                       NUL, more readings than NAMES_MAX */
};

/* Adds all readings of `name` (UTF-8 or anything). Start with *names = {0}. */
void file_names_add(struct file_names *names, struct str name);

#endif
