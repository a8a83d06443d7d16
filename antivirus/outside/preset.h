/*
 * preset: the command lines of known products, with what their exit codes and output mean, after
 * their manuals. None of them could be tried with the product itself: an admin should send the
 * EICAR test file through before relying on one.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_PRESET_H
#define POTERNE_ANTIVIRUS_OUTSIDE_PRESET_H

#include "base/conf.h"

#define PRESET_ARGUMENTS 12
#define PRESET_CODES     8
#define CODES_END        (-1)

struct preset {
    const char *name;
    const char *command[PRESET_ARGUMENTS]; /* ends with NULL */
    int clean[PRESET_CODES];               /* these end with CODES_END */
    int infected[PRESET_CODES];
    int unscannable[PRESET_CODES];
    const char *found;       /* as the setting of the name */
    const char *not_scanned; /* likewise */
};

/* "none" has nothing. NULL: no preset of that name. */
const struct preset *preset_find(const char *name);
/* The program that is run: what the settings name, else the preset's. */
const char *preset_program(const struct conf_scanner *scanner);

#endif
